//! The documents that developers and strangers may send, where an operator has listed them.
//!
//! The list is the file that a front end's build writes: `persisted-documents.json` of graphql-codegen's client preset
//! (`persistedDocuments: { hashAlgorithm: "sha256" }`; its default is SHA-1) or the file of relay-compiler's
//! `persistConfig` (`"algorithm": "SHA256"`; its default is MD5): a JSON object that leads from the SHA-256 of each
//! document to its text.

use std::{
    collections::HashMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{document_hash::DocumentHash, graphiql};

/// The documents of the list, and those that the product's own page sends before anybody is signed in.
#[derive(Clone, Default)]
pub struct TrustedDocuments(HashMap<DocumentHash, Arc<str>>);

/// Why a list is not used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the trusted documents in {path}: {reason}", path = path.display())]
pub struct TrustedDocumentsError {
    path: PathBuf,
    reason: BadList,
}

/// What is wrong with a list.
#[derive(Debug, thiserror::Error)]
pub enum BadList {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// It has another form.
    #[error(
        "{0}; expected a JSON object that leads from the SHA-256 of each document to its text, as graphql-codegen's \
         client preset and relay-compiler write it"
    )]
    Form(#[from] serde_json::Error),
    /// A key is no SHA-256.
    #[error(
        "{key:?} is no SHA-256; in graphql-codegen set persistedDocuments: {{ hashAlgorithm: \"sha256\" }}, in \
         relay-compiler persistConfig: {{ \"algorithm\": \"SHA256\" }}"
    )]
    Key {
        /// The key, cut where it is long.
        key: String,
    },
    /// A text has another hash than its key says.
    #[error("the text of {key} has the SHA-256 {actual}: the list was changed by hand, or cut")]
    Hash {
        /// The key.
        key: DocumentHash,
        /// The text's hash.
        actual: DocumentHash,
    },
    /// A text is not GraphQL.
    #[error("the text of {key} is not GraphQL: {reason}")]
    Document {
        /// The key.
        key: DocumentHash,
        /// What the parser says.
        reason: String,
    },
}

impl TrustedDocuments {
    /// Reads a list, and adds the product's own documents.
    ///
    /// # Errors
    /// [`TrustedDocumentsError`] when any part of it cannot be used; no part of it is used then.
    pub fn read(path: &Path) -> Result<Self, TrustedDocumentsError> {
        fs::read(path)
            .map_err(BadList::from)
            .and_then(|list| Self::from_json(&list))
            .map_err(|reason| TrustedDocumentsError {
                path: path.to_owned(),
                reason,
            })
    }

    /// Reads the text of a list, and adds the product's own documents.
    ///
    /// # Errors
    /// [`BadList`] names the first thing that is wrong.
    pub fn from_json(list: &[u8]) -> Result<Self, BadList> {
        let list: HashMap<String, String> = serde_json::from_slice(list)?;
        let mut documents = HashMap::with_capacity(list.len());
        for (key, text) in list {
            let hash: DocumentHash = key.parse().map_err(|_| BadList::Key {
                key: key.chars().take(100).collect(),
            })?;
            let actual = DocumentHash::of(&text);
            if actual != hash {
                return Err(BadList::Hash { key: hash, actual });
            }
            async_graphql::parser::parse_query(&text).map_err(|error| BadList::Document {
                key: hash,
                reason: error.to_string(),
            })?;
            documents.insert(hash, Arc::from(text));
        }
        let own = graphiql::own_documents().map(|text| (DocumentHash::of(&text), Arc::from(text)));
        documents.extend(own);
        Ok(Self(documents))
    }

    /// The document of this hash, if it is trusted.
    #[must_use]
    pub fn get(&self, hash: DocumentHash) -> Option<Arc<str>> {
        self.0.get(&hash).map(Arc::clone)
    }

    /// How many documents are trusted, the product's own included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for TrustedDocuments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("TrustedDocuments").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refused(list: &Value) -> String {
        TrustedDocuments::from_json(list.to_string().as_bytes())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn reads_what_builds_write_and_trusts_its_own_page() {
        let text = "query Name { portal { name } }";
        let hash = DocumentHash::of(text);
        let list = json!({ hash.to_string(): text });
        let trusted = TrustedDocuments::from_json(list.to_string().as_bytes()).unwrap();
        assert_eq!(trusted.get(hash).as_deref(), Some(text));
        assert_eq!(trusted.get(DocumentHash::of("{ portal { name } }")), None);
        for own in graphiql::own_documents() {
            assert_eq!(trusted.get(DocumentHash::of(&own)).as_deref(), Some(own.as_str()));
            assert_eq!(trusted.get(DocumentHash::of(&format!("{own} "))), None, "exactly that");
        }
        let empty = TrustedDocuments::from_json(b"{}").unwrap();
        assert_eq!(empty.len(), graphiql::own_documents().count());
    }

    #[test]
    fn refuses_a_list_of_which_any_part_is_bad() {
        let good = "{ portal { name } }";
        let key = DocumentHash::of(good).to_string();
        let sha_1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
        for (list, says) in [
            (json!([good]), "expected a JSON object"),
            (json!({ key.clone(): 3 }), "expected a JSON object"),
            (json!({ sha_1: good }), "hashAlgorithm: \"sha256\""),
            (json!({ key.clone(): good, "": good }), "is no SHA-256"),
            (json!({ key.clone(): "{ portal { id } }" }), "changed by hand"),
            (json!({ DocumentHash::of("{").to_string(): "{" }), "is not GraphQL"),
        ] {
            let message = refused(&list);
            assert!(message.contains(says), "{list}: {message}");
        }
        assert!(TrustedDocuments::from_json(b"{").is_err());
        let missing = TrustedDocuments::read(Path::new("/nowhere/list.json"))
            .unwrap_err()
            .to_string();
        assert!(
            missing.starts_with("cannot use the trusted documents in /nowhere/list.json: "),
            "{missing}"
        );
    }
}
