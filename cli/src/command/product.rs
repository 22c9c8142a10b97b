//! API products.

use std::path::PathBuf;

use clap::Subcommand;
use portico_sdk::{
    CreateProductInput, DocumentInput, LabelInput, Patch, Portico, ProductFilter, ProductId, ProductOrder,
    UpdateProductInput,
};

use super::{
    app::{set, set_or_clear},
    fetch,
};
use crate::{
    answer::{Column, Outcome},
    arguments::{Listed, Repeatable},
    choice::{DirectionChoice, ProductOrderChoice},
    failure::Failure,
    input,
};

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("SLUG", "/slug"),
    ("NAME", "/name"),
    ("PUBLISHED", "/publishedAt"),
];
const DOCUMENT_COLUMNS: &[Column] = &[("SLUG", "/slug"), ("TITLE", "/title")];

/// API products.
#[derive(Debug, Subcommand)]
pub(crate) enum ProductCommand {
    /// List what you may see of the catalogue (`products`)
    List {
        /// A prefix of the name or the slug
        #[arg(long)]
        search: Option<String>,
        /// Published ones, or the others
        #[arg(long, value_name = "true|false")]
        published: Option<bool>,
        /// With this label; may be given several times
        #[arg(long, value_name = "KEY=VALUE", value_parser = input::label)]
        label: Vec<(String, String)>,
        /// By what to order
        #[arg(long, ignore_case = true)]
        order_by: Option<ProductOrderChoice>,
        /// Which end first
        #[arg(long, ignore_case = true, requires = "order_by", default_value = "DESC")]
        direction: DirectionChoice,
        #[command(flatten)]
        listed: Listed,
    },
    /// Show a product (`product`)
    Show {
        /// Its id or its slug
        product: String,
    },
    /// Make a product, not yet published (`createProduct`)
    Create {
        /// Its name
        #[arg(long)]
        name: String,
        /// Its name in addresses; made from the name unless given
        #[arg(long)]
        slug: Option<String>,
        /// What it is
        #[arg(long)]
        description: Option<String>,
        /// A label; may be given several times
        #[arg(long, value_name = "KEY=VALUE", value_parser = input::label)]
        label: Vec<(String, String)>,
        /// A page of documentation, in Markdown; may be given several times, in order
        #[arg(long, value_name = "SLUG=TITLE=FILE", value_parser = input::document)]
        document: Vec<(String, String, PathBuf)>,
        #[command(flatten)]
        repeatable: Repeatable,
    },
    /// Change a product (`updateProduct`)
    Update {
        /// Its id or its slug
        product: String,
        /// A new name
        #[arg(long)]
        name: Option<String>,
        /// A new slug
        #[arg(long)]
        slug: Option<String>,
        /// A new description
        #[arg(long, conflicts_with = "no_description")]
        description: Option<String>,
        /// Take the description away
        #[arg(long)]
        no_description: bool,
        /// The labels, all of them; may be given several times
        #[arg(long, value_name = "KEY=VALUE", value_parser = input::label, conflicts_with = "no_labels")]
        label: Vec<(String, String)>,
        /// Take all labels away
        #[arg(long)]
        no_labels: bool,
        /// The documentation, all of it, in order; may be given several times
        #[arg(long, value_name = "SLUG=TITLE=FILE", value_parser = input::document, conflicts_with = "no_documents")]
        document: Vec<(String, String, PathBuf)>,
        /// Take all documentation away
        #[arg(long)]
        no_documents: bool,
    },
    /// Show a product in the catalogue (`publishProduct`)
    Publish {
        /// Its id or its slug
        product: String,
    },
    /// Hide a product from the catalogue; what is approved goes on (`unpublishProduct`)
    Unpublish {
        /// Its id or its slug
        product: String,
    },
    /// Delete a product (`deleteProduct`)
    Delete {
        /// Its id or its slug
        product: String,
        /// Even while apps may call it: their traffic stops at once
        #[arg(long)]
        force: bool,
    },
    /// List a product's documentation (`product`)
    Documents {
        /// Its id or its slug
        product: String,
    },
    /// Print a page of a product's documentation (`product`)
    Document {
        /// Its id or its slug
        product: String,
        /// The page's slug
        slug: String,
    },
}

impl ProductCommand {
    pub(crate) async fn run(self, client: &Portico) -> Result<Outcome, Failure> {
        let products = client.products();
        Ok(match self {
            Self::List {
                search,
                published,
                label,
                order_by,
                direction,
                listed,
            } => {
                let mut filter = ProductFilter::new();
                filter.search = search;
                filter.is_published = published;
                if !label.is_empty() {
                    filter = filter.labels(labels(label));
                }
                let mut list = products.list().filter(filter);
                if let Some(field) = order_by {
                    list = list.order_by(ProductOrder::new(field, direction));
                }
                Outcome::list(&fetch(list, &listed).await?, COLUMNS)
            }
            Self::Show { product } => {
                let id = find(client, &product).await?;
                return super::found(products.get(&id).await?, "product", &product);
            }
            Self::Create {
                name,
                slug,
                description,
                label,
                document,
                repeatable,
            } => {
                let mut input = CreateProductInput::new(name);
                input.slug = slug;
                input.description = description;
                input.idempotency_key = repeatable.idempotency_key;
                if !label.is_empty() {
                    input = input.labels(labels(label));
                }
                if !document.is_empty() {
                    input = input.documents(documents(document)?);
                }
                Outcome::object(&*products.create(input).await?)
            }
            Self::Update {
                product,
                name,
                slug,
                description,
                no_description,
                label,
                no_labels,
                document,
                no_documents,
            } => {
                let mut input = UpdateProductInput::new(find(client, &product).await?);
                input.name = set(name);
                input.slug = set(slug);
                input.description = set_or_clear(description, no_description);
                input.labels = set_or_clear((!label.is_empty()).then(|| labels(label)), no_labels);
                input.documents = match document.is_empty() {
                    true => set_or_clear(None, no_documents),
                    false => Patch::Set(documents(document)?),
                };
                Outcome::object(&products.update(input).await?)
            }
            Self::Publish { product } => Outcome::object(&products.publish(&find(client, &product).await?).await?),
            Self::Unpublish { product } => Outcome::object(&products.unpublish(&find(client, &product).await?).await?),
            Self::Delete { product, force } => {
                let id = find(client, &product).await?;
                Outcome::deleted(&match force {
                    true => products.delete_forced(&id).await?,
                    false => products.delete(&id).await?,
                })
            }
            Self::Documents { product } => {
                let id = find(client, &product).await?;
                Outcome::list(&products.documents(&id).await?, DOCUMENT_COLUMNS)
            }
            Self::Document { product, slug } => {
                let id = find(client, &product).await?;
                let document = products.document(&id, &slug).await?;
                Outcome::text(document.ok_or_else(|| Failure::not_found("document", slug))?.body)
            }
        })
    }
}

/// The product of an id or a slug. An id begins with `prod_`; a slug has no underscore.
pub(super) async fn find(client: &Portico, product: &str) -> Result<ProductId, Failure> {
    if product.contains('_') {
        return Ok(ProductId::new(product));
    }
    let found = client.products().get_by_slug(product).await?;
    Ok(found.ok_or_else(|| Failure::not_found("product", product))?.id)
}

fn labels(labels: Vec<(String, String)>) -> Vec<LabelInput> {
    labels
        .into_iter()
        .map(|(key, value)| LabelInput::new(key, value))
        .collect()
}

fn documents(documents: Vec<(String, String, PathBuf)>) -> Result<Vec<DocumentInput>, Failure> {
    documents
        .into_iter()
        .map(|(slug, title, path)| Ok(DocumentInput::new(slug, title, input::text(&path)?)))
        .collect()
}
