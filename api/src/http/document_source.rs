//! Where a request's document comes from: its own text, the trusted list, or what was sent before. One place for every
//! way that a request can come.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::{
    document_hash::DocumentHash, persisted_queries::PersistedQueries, request_parameters::NamedDocument,
    trusted_documents::TrustedDocuments,
};

/// Who asks, as far as documents are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Nobody is signed in: only what is on the list, where there is one.
    Stranger,
    /// A developer: the same.
    Developer,
    /// An admin: anything.
    Admin,
}

/// Why there is no document to execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDocument {
    /// There is a list, and the document is not on it.
    #[error("This server executes listed documents only, and this one is not on its list.")]
    NotTrusted,
    /// Nobody has sent the text of this hash. The words are those that Apollo's clients look for.
    #[error("PersistedQueryNotFound")]
    NotFound,
    /// Documents are not kept here, so there is no use in sending their hashes.
    #[error("PersistedQueryNotSupported")]
    NotSupported,
    /// The text and the hash are of two documents.
    #[error("The hash is not the SHA-256 of `query`.")]
    HashOfAnother,
}

/// A document that may be executed, as far as its name tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The text.
    pub text: Arc<str>,
    /// The hash under which to keep it once it was found to fit the schema.
    pub keep_as: Option<DocumentHash>,
}

/// Where documents come from. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct DocumentSource(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    trusted: ArcSwapOption<TrustedDocuments>,
    persisted: Option<PersistedQueries>,
}

impl DocumentSource {
    /// With this list, if there is one, and with what is kept, if anything is.
    #[must_use]
    pub fn new(trusted: Option<TrustedDocuments>, persisted: Option<PersistedQueries>) -> Self {
        Self(Arc::new(Inner {
            trusted: ArcSwapOption::from(trusted.map(Arc::new)),
            persisted,
        }))
    }

    /// Puts another list in the place of the present one.
    pub fn trust(&self, documents: TrustedDocuments) {
        self.0.trusted.store(Some(Arc::new(documents)));
    }

    /// The document that a request names.
    ///
    /// # Errors
    /// [`NoDocument`] says why there is none for this caller.
    pub fn resolve(&self, asker: Asker, named: NamedDocument) -> Result<Resolved, NoDocument> {
        let trusted = self.0.trusted.load();
        let NamedDocument { text, hash } = named;
        if let (Some(text), Some(hash)) = (&text, hash)
            && DocumentHash::of(text) != hash
        {
            return Err(NoDocument::HashOfAnother);
        }
        if let (Some(trusted), Asker::Stranger | Asker::Developer) = (&*trusted, asker) {
            let hash = hash.or_else(|| text.as_deref().map(DocumentHash::of));
            let listed = hash.and_then(|hash| trusted.get(hash)).ok_or(NoDocument::NotTrusted)?;
            return Ok(Resolved {
                text: listed,
                keep_as: None,
            });
        }
        match (text, hash) {
            (Some(text), hash) => Ok(Resolved {
                text: text.into(),
                keep_as: hash.filter(|_| self.0.persisted.is_some()),
            }),
            (None, Some(hash)) => {
                let listed = trusted.as_ref().and_then(|trusted| trusted.get(hash));
                let kept = || self.0.persisted.as_ref()?.get(hash);
                let text = listed.or_else(kept).ok_or(match self.0.persisted {
                    Some(_) => NoDocument::NotFound,
                    None => NoDocument::NotSupported,
                })?;
                Ok(Resolved { text, keep_as: None })
            }
            (None, None) => Err(NoDocument::NotFound),
        }
    }

    /// Keeps a document that was found to fit the schema.
    pub fn keep(&self, hash: DocumentHash, text: &str, asker: Asker) {
        if let Some(persisted) = &self.0.persisted {
            let is_signed_in = match asker {
                Asker::Stranger => false,
                Asker::Developer | Asker::Admin => true,
            };
            persisted.keep(hash, text, is_signed_in);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LISTED: &str = "query Listed { portal { name } }";
    const OTHER: &str = "query Other { portal { id } }";
    const EVERYBODY: [Asker; 3] = [Asker::Stranger, Asker::Developer, Asker::Admin];

    fn list() -> TrustedDocuments {
        let list = json!({ DocumentHash::of(LISTED).to_string(): LISTED });
        TrustedDocuments::from_json(list.to_string().as_bytes()).unwrap()
    }

    fn by_text(text: &str) -> NamedDocument {
        NamedDocument {
            text: Some(text.to_owned()),
            hash: None,
        }
    }

    fn by_hash(text: &str) -> NamedDocument {
        NamedDocument {
            text: None,
            hash: Some(DocumentHash::of(text)),
        }
    }

    fn by_both(text: &str) -> NamedDocument {
        NamedDocument {
            text: Some(text.to_owned()),
            hash: Some(DocumentHash::of(text)),
        }
    }

    fn text_of(resolved: Result<Resolved, NoDocument>) -> Result<String, NoDocument> {
        resolved.map(|resolved| resolved.text.to_string())
    }

    #[test]
    fn where_there_is_a_list_only_admins_are_free() {
        let source = DocumentSource::new(Some(list()), Some(PersistedQueries::new(1 << 20)));
        source.keep(DocumentHash::of(OTHER), OTHER, Asker::Admin);
        for asker in EVERYBODY {
            for named in [by_text(LISTED), by_hash(LISTED), by_both(LISTED)] {
                assert_eq!(text_of(source.resolve(asker, named)).as_deref(), Ok(LISTED));
            }
            let expected = match asker {
                Asker::Stranger | Asker::Developer => Err(NoDocument::NotTrusted),
                Asker::Admin => Ok(OTHER.to_owned()),
            };
            for named in [by_text(OTHER), by_hash(OTHER), by_both(OTHER)] {
                assert_eq!(
                    text_of(source.resolve(asker, named)),
                    expected,
                    "what an admin had kept is not trusted"
                );
            }
        }
        let almost = by_text("query Listed { portal { name  } }");
        assert_eq!(source.resolve(Asker::Developer, almost), Err(NoDocument::NotTrusted));
        let forged = NamedDocument {
            text: Some(OTHER.to_owned()),
            hash: Some(DocumentHash::of(LISTED)),
        };
        for asker in EVERYBODY {
            assert_eq!(source.resolve(asker, forged.clone()), Err(NoDocument::HashOfAnother));
        }
    }

    #[test]
    fn another_list_takes_the_place_of_the_first() {
        let source = DocumentSource::new(Some(list()), None);
        let other = json!({ DocumentHash::of(OTHER).to_string(): OTHER });
        source.trust(TrustedDocuments::from_json(other.to_string().as_bytes()).unwrap());
        assert_eq!(
            source.resolve(Asker::Developer, by_hash(LISTED)),
            Err(NoDocument::NotTrusted)
        );
        assert!(source.resolve(Asker::Developer, by_hash(OTHER)).is_ok());
    }

    #[test]
    fn without_a_list_documents_are_kept_by_those_who_send_both() {
        let source = DocumentSource::new(None, Some(PersistedQueries::new(1 << 20)));
        for asker in EVERYBODY {
            assert_eq!(source.resolve(asker, by_hash(OTHER)), Err(NoDocument::NotFound));
            assert_eq!(source.resolve(asker, by_text(OTHER)).unwrap().keep_as, None);
        }
        let sent = source.resolve(Asker::Stranger, by_both(OTHER)).unwrap();
        assert_eq!(sent.keep_as, Some(DocumentHash::of(OTHER)));
        assert_eq!(
            source.resolve(Asker::Stranger, by_hash(OTHER)),
            Err(NoDocument::NotFound),
            "not before it ran"
        );
        source.keep(DocumentHash::of(OTHER), &sent.text, Asker::Stranger);
        for asker in EVERYBODY {
            assert_eq!(text_of(source.resolve(asker, by_hash(OTHER))).as_deref(), Ok(OTHER));
        }
    }

    #[test]
    fn where_nothing_is_kept_clients_are_told_so() {
        let source = DocumentSource::new(None, None);
        assert_eq!(
            source.resolve(Asker::Admin, by_hash(OTHER)),
            Err(NoDocument::NotSupported)
        );
        assert_eq!(source.resolve(Asker::Admin, by_both(OTHER)).unwrap().keep_as, None);
        source.keep(DocumentHash::of(OTHER), OTHER, Asker::Admin);
        assert_eq!(
            source.resolve(Asker::Admin, by_hash(OTHER)),
            Err(NoDocument::NotSupported)
        );
    }
}
