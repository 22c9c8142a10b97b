//! Telling the control plane what is enforced here, and which credentials were used.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use domain::{Timestamp, id::CredentialId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{LinkConfig, enforced::Enforced, token::TokenError};
use crate::{
    usage::Usage,
    wire::report::{MAX_USES, Report},
};

/// How often a gateway reports when nothing changes.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long one report may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the last report may take: the process is to end.
const LAST_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) struct Reporter {
    pub(super) config: Arc<LinkConfig>,
    pub(super) http: reqwest::Client,
    pub(super) enforced: Arc<Enforced>,
    pub(super) copy_failure: watch::Receiver<Option<String>>,
    pub(super) usage: Arc<Usage>,
}

#[derive(Debug, thiserror::Error)]
enum ReportError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("the report was not taken")]
    Http(#[from] reqwest::Error),
}

impl Reporter {
    /// Reports at once when what is enforced changes, every few seconds besides, and at the end.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut positions = self.enforced.positions();
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut waiting: Vec<(CredentialId, Timestamp)> = Vec::new();
        loop {
            positions.borrow_and_update();
            if waiting.is_empty() {
                waiting = self.usage.drain();
            }
            let used = waiting.len().min(MAX_USES);
            let stopping = stop.is_cancelled();
            match self.report(&waiting[waiting.len() - used..], stopping).await {
                Ok(()) => waiting.truncate(waiting.len() - used),
                Err(error) => {
                    // Those that are used again meanwhile are noted once.
                    for (credential, at) in waiting.drain(..) {
                        self.usage.record(credential, at);
                    }
                    tracing::debug!(
                        error = &error as &(dyn StdError + 'static),
                        "a report did not reach the control plane"
                    );
                }
            }
            if stopping {
                return;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                _ = positions.changed() => {}
                // Without a copy nobody tells of it, and this never comes.
                Ok(()) = self.copy_failure.changed() => {}
                _ = ticks.tick() => {}
            }
        }
    }

    async fn report(&self, used: &[(CredentialId, Timestamp)], stopping: bool) -> Result<(), ReportError> {
        let token = self.config.token.read()?;
        let report = Report {
            node: self.config.node,
            name: self.config.name.clone(),
            version: self.config.version.clone(),
            position: self.enforced.position(),
            max_staleness_seconds: self
                .config
                .max_staleness
                .limit()
                .map_or(0, |limit| limit.as_secs().max(1)),
            stopping,
            copy_failure: self.copy_failure.borrow().clone(),
            used: used.iter().copied().map(Into::into).collect(),
        };
        let request = self.http.post(self.config.url.join("/gateway/v1/report"));
        let request = request
            .bearer_auth(token.expose())
            .timeout(if stopping { LAST_TIMEOUT } else { TIMEOUT })
            .json(&report);
        request.send().await?.error_for_status()?;
        Ok(())
    }
}
