//! Which of a client's headers a proxy keeps from its upstream: it says so, since we cannot take them off.

use http::{HeaderMap, HeaderName};

use crate::{answer::Refused, header_name::folded, headers, key_header, snapshot::Snapshot};

/// The headers that the proxy takes off or overwrites, from the query of its question:
/// `removes=apikey,x-consumer-*`. A name may end in `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Removals {
    names: Vec<String>,
    prefixes: Vec<String>,
}

impl Removals {
    /// Reads the query. What is not understood declares nothing.
    pub(crate) fn of_query(query: Option<&str>) -> Self {
        let mut removals = Self::default();
        let values = query
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.strip_prefix("removes="));
        for name in values.flat_map(|list| list.split(',')).filter(|name| !name.is_empty()) {
            let name = name.to_ascii_lowercase();
            match name.strip_suffix('*') {
                Some(prefix) => removals.prefixes.push(prefix.to_owned()),
                None => removals.names.push(name),
            }
        }
        removals
    }

    fn includes(&self, name: &HeaderName) -> bool {
        let name = name.as_str();
        self.names.iter().any(|one| one == name) || self.prefixes.iter().any(|prefix| name.starts_with(prefix))
    }

    /// Refuses a request that may pass when the proxy would pass on with it what our own listener takes off.
    ///
    /// # Errors
    /// 400 for a header that is ours to set; 500 for one that holds keys: then the proxy's configuration does not fit
    /// the strategies.
    pub(crate) fn cover(&self, snapshot: &Snapshot, headers: &HeaderMap) -> Result<(), Refused> {
        for name in headers.keys().filter(|name| !self.includes(name)) {
            if key_header::holds_key(snapshot, headers, name) {
                tracing::error!(
                    header = name.as_str(),
                    "refused: the proxy does not say that it removes this header, in which keys are sent"
                );
                return Err(Refused::KeyWouldPass);
            }
            if headers::is_ours(&folded(name)) {
                return Err(Refused::BadRequest(
                    "The request has a header that only the gateway may set",
                ));
            }
        }
        Ok(())
    }
}

/// The headers of this request that the proxy must take off: what our own listener takes off.
pub(crate) fn needed(snapshot: &Snapshot, headers: &HeaderMap) -> Vec<String> {
    headers
        .keys()
        .filter(|name| headers::is_ours(&folded(name)) || key_header::holds_key(snapshot, headers, name))
        .map(|name| name.as_str().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_in_lists_and_may_end_in_a_star() {
        let removals = Removals::of_query(Some("removes=ApiKey,X-Consumer-*&other=x&removes=x-api-key,"));
        let includes = |name: &str| removals.includes(&HeaderName::try_from(name).unwrap());
        for name in ["apikey", "x-consumer-id", "x-consumer-", "x-api-key"] {
            assert!(includes(name), "{name}");
        }
        for name in ["apikeys", "x_consumer_id", "x-api", "other", "x"] {
            assert!(!includes(name), "{name}");
        }
        for query in [None, Some(""), Some("removes"), Some("removes=")] {
            assert_eq!(Removals::of_query(query), Removals::default(), "{query:?}");
        }
    }
}
