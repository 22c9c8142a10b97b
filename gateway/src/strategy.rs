//! A strategy as the request path needs it.

use domain::{access::StrategyFacts, auth_strategy::AuthStrategyType};
use http::HeaderName;

use crate::{header_name, record::AuthStrategyRecord};

/// A strategy, its key names parsed.
#[derive(Debug)]
pub(crate) struct Strategy {
    kind: AuthStrategyType,
    key_names: Vec<HeaderName>,
    credential_ttl_days: Option<u32>,
}

impl Strategy {
    pub(crate) fn of(record: AuthStrategyRecord) -> Self {
        let AuthStrategyRecord {
            id,
            kind,
            key_names,
            credential_ttl_days,
        } = record;
        let mut parsed: Vec<HeaderName> = Vec::with_capacity(key_names.len());
        for name in key_names {
            match HeaderName::try_from(&name) {
                Ok(name) if !parsed.contains(&name) => parsed.push(name),
                Ok(_) => {}
                // A name that is no header's can carry no key: it closes, never opens.
                Err(_) => tracing::error!(strategy = %id, name, "a strategy's key name is not a header name"),
            }
        }
        Self {
            kind,
            key_names: parsed,
            credential_ttl_days,
        }
    }

    pub(crate) const fn kind(&self) -> AuthStrategyType {
        self.kind
    }

    /// The headers that a key may come in.
    pub(crate) fn key_names(&self) -> &[HeaderName] {
        &self.key_names
    }

    pub(crate) fn folded_key_names(&self) -> impl Iterator<Item = String> + '_ {
        self.key_names.iter().map(|name| header_name::folded(name).into_owned())
    }

    pub(crate) const fn facts(&self) -> StrategyFacts {
        StrategyFacts {
            kind: self.kind,
            credential_ttl_days: self.credential_ttl_days,
        }
    }
}
