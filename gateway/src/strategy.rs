//! A strategy as the request path needs it.

use domain::{access::StrategyFacts, auth_strategy::AuthStrategyType};
use http::HeaderName;

use crate::{header_name, record::AuthStrategyRecord};

/// A strategy, its key names parsed.
#[derive(Debug)]
pub(crate) struct Strategy {
    record: AuthStrategyRecord,
    key_names: Vec<HeaderName>,
}

impl Strategy {
    pub(crate) fn of(record: AuthStrategyRecord) -> Self {
        let mut parsed: Vec<HeaderName> = Vec::with_capacity(record.key_names.len());
        for name in &record.key_names {
            match HeaderName::try_from(name) {
                Ok(name) if !parsed.contains(&name) => parsed.push(name),
                Ok(_) => {}
                // A name that is no header's can carry no key: it closes, never opens.
                Err(_) => tracing::error!(strategy = %record.id, name, "a strategy's key name is not a header name"),
            }
        }
        Self {
            record,
            key_names: parsed,
        }
    }

    /// What it was made of.
    pub(crate) const fn record(&self) -> &AuthStrategyRecord {
        &self.record
    }

    pub(crate) const fn kind(&self) -> AuthStrategyType {
        self.record.kind
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
            kind: self.record.kind,
            credential_ttl_days: self.record.credential_ttl_days,
        }
    }
}
