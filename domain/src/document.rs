//! Documents: a product's Markdown pages, in order.

use std::collections::HashSet;

use crate::{Refusal, RefusalCode, slug, text};

/// The most documents of a product.
pub const MAX_DOCUMENTS: usize = 100;
/// The longest body, in bytes: 1 MiB. All of a product's come in one request, whose own limit is 6 MiB.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A document as it was given.
#[derive(Clone, Copy, Debug)]
pub struct DocumentInput<'a> {
    /// Its name in addresses.
    pub slug: &'a str,
    /// The title.
    pub title: &'a str,
    /// Markdown.
    pub body: &'a str,
}

/// A document that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name in addresses, unique in the product.
    pub slug: String,
    /// The title: one line of at most 255 characters.
    pub title: String,
    /// Markdown, as written; at most 1 MiB. May be empty: a page to be written.
    pub body: String,
}

/// Checks a product's documents: at most 100, no slug twice.
///
/// # Errors
/// Everything that is wrong, at `field`, `field.0.slug`, `field.0.title`, `field.0.body`: REQUIRED, TOO_LONG,
/// INVALID, TAKEN (a slug given twice), LIMIT_REACHED (too many).
pub fn documents<'a>(
    field: &str,
    given: impl IntoIterator<Item = DocumentInput<'a>>,
) -> Result<Vec<Document>, Vec<Refusal>> {
    let mut documents = Vec::new();
    let mut refusals = Vec::new();
    let mut slugs = HashSet::new();
    let mut count = 0;
    for (index, input) in given.into_iter().enumerate() {
        count = index + 1;
        if count > MAX_DOCUMENTS {
            break;
        }
        let slug_field = format!("{field}.{index}.slug");
        let slug = slug::slug(&slug_field, input.slug).and_then(|slug| {
            if slugs.insert(slug.clone()) {
                Ok(slug)
            } else {
                Err(Refusal::at(
                    &slug_field,
                    RefusalCode::Taken,
                    format!("The document {slug} is given twice. Give each its own slug."),
                ))
            }
        });
        let title = text::name(&format!("{field}.{index}.title"), input.title);
        let body = body(&format!("{field}.{index}.body"), input.body);
        match (slug, title, body) {
            (Ok(slug), Ok(title), Ok(body)) => documents.push(Document { slug, title, body }),
            (slug, title, body) => {
                refusals.extend(slug.err().into_iter().chain(title.err()).chain(body.err()));
            }
        }
    }
    if count > MAX_DOCUMENTS {
        refusals.push(Refusal::at(
            field,
            RefusalCode::LimitReached,
            format!("A product has at most {MAX_DOCUMENTS} documents. Leave some out."),
        ));
    }
    if refusals.is_empty() {
        Ok(documents)
    } else {
        Err(refusals)
    }
}

fn body(field: &str, value: &str) -> Result<String, Refusal> {
    text::verbatim(field, value, MAX_BODY_BYTES)
}
