//! What every question is answered from.

use std::sync::Arc;

use http::HeaderValue;

use super::{inquiry::Inquiry, listener::Protocol};
use crate::{
    answer::Refused,
    consumer::Caller,
    metrics::Metrics,
    snapshot::{Snapshot, SnapshotReader},
    usage::Usage,
};

/// What decides, and where uses are noted.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) reader: SnapshotReader,
    pub(super) usage: Arc<Usage>,
    pub(super) protocol: Protocol,
    pub(super) metrics: Metrics,
}

impl Asked {
    /// Decides on a request, provided that what must not reach the upstream does not (`covered`), notes the use of the
    /// key, and logs the outcome.
    pub(super) fn decide(
        &self,
        inquiry: Inquiry<'_>,
        request_id: &HeaderValue,
        covered: impl FnOnce(&Snapshot) -> Result<(), Refused>,
    ) -> Result<Caller, Refused> {
        let now = self.reader.now();
        let decided = self.reader.load().ok_or(Refused::NotReady).and_then(|snapshot| {
            let caller = inquiry.decide(&snapshot, now)?;
            covered(&snapshot)?;
            Ok(caller)
        });
        if let Ok(caller) = &decided {
            self.usage.record(caller.credential(), now);
        }
        self.metrics.decided(self.protocol, decided.as_ref().err().copied());
        tracing::info!(
            ?request_id,
            method = inquiry.method,
            path = inquiry.path(),
            status = decided
                .as_ref()
                .map_or_else(|refused| refused.status().as_u16(), |_| 200),
            "decided for a proxy"
        );
        decided
    }
}
