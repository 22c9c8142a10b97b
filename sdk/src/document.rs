//! Products' documentation.

use crate::{Error, ProductId, operation::input, product::Products, schema};

/// A page of a product's documentation, in Markdown.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
#[non_exhaustive]
pub struct Document {
    /// Its name in addresses, unique in the product.
    pub slug: String,
    /// The title.
    pub title: String,
    /// The text, in Markdown.
    pub body: String,
}

input! {
    /// A page of documentation to give a product.
    #[derive(Clone, Debug, cynic::InputObject)]
    DocumentInput {
        required {
            /// Its name in addresses, unique in the product.
            slug: [String],
            /// The title.
            title: [String],
            /// The text, in Markdown.
            body: [String],
        }
    }
}

impl Products<'_> {
    /// A product's documentation, in order (`product.documents`).
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] where the caller may see no such product.
    pub async fn documents(self, id: &ProductId) -> Result<Vec<Document>, Error> {
        let variables = ListDocumentsVariables { id: id.clone() };
        let data = self.client.query::<ListDocuments, _>(variables).await?;
        data.product
            .map(|product| product.documents)
            .ok_or(Error::NotFound { what: "Product" })
    }

    /// One page of a product's documentation (`product.document`); None where it has none such.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] where the caller may see no such product.
    pub async fn document(self, id: &ProductId, slug: impl Into<String>) -> Result<Option<Document>, Error> {
        let variables = GetDocumentVariables {
            id: id.clone(),
            slug: slug.into(),
        };
        let data = self.client.query::<GetDocument, _>(variables).await?;
        data.product
            .map(|product| product.document)
            .ok_or(Error::NotFound { what: "Product" })
    }
}

#[derive(cynic::QueryVariables)]
struct ListDocumentsVariables {
    id: ProductId,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListDocumentsVariables")]
struct ListDocuments {
    #[arguments(id: $id)]
    product: Option<ProductDocuments>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Product")]
struct ProductDocuments {
    documents: Vec<Document>,
}

#[derive(cynic::QueryVariables)]
struct GetDocumentVariables {
    id: ProductId,
    slug: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "GetDocumentVariables")]
struct GetDocument {
    #[arguments(id: $id)]
    product: Option<ProductDocument>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Product", variables = "GetDocumentVariables")]
struct ProductDocument {
    #[arguments(slug: $slug)]
    document: Option<Document>,
}
