//! Keeping the copy on disk in step with what is enforced, without ever making that wait.

use std::{
    path::PathBuf,
    sync::{Arc, Weak},
    time::Duration,
};

use domain::{Timestamp, contact::MaxStaleness};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::enforced::Enforced;
use crate::{
    snapshot::Snapshot,
    snapshot_copy::{self, CopyError},
};

/// After a failure, when to try again.
const RETRY: Duration = Duration::from_secs(1);
/// After a success, writing rests for so many times as long as it took: it takes a tenth of a disk's time at most.
const REST: u32 = 9;
/// A copy is written anew after this although nothing changed: the time at which it was true is part of it.
const LONGEST_UNCHANGED: Duration = Duration::from_secs(300);

/// Writes the copy.
pub(super) struct Copier {
    path: PathBuf,
    enforced: Arc<Enforced>,
    failed: watch::Sender<Option<String>>,
    refresh: Duration,
    /// What the copy holds: since when it is true, and which snapshot it is. (The position alone changes also when
    /// nothing does that gateways know of.)
    written: Option<(Timestamp, Weak<Snapshot>)>,
}

impl Copier {
    pub(super) fn new(
        path: PathBuf,
        enforced: Arc<Enforced>,
        failed: watch::Sender<Option<String>>,
        max_staleness: MaxStaleness,
    ) -> Self {
        let refresh = max_staleness.limit().map_or(LONGEST_UNCHANGED, |limit| limit / 8);
        Self {
            path,
            enforced,
            failed,
            refresh: refresh.min(LONGEST_UNCHANGED),
            written: None,
        }
    }

    /// Enforces what the copy holds, unless the control plane has been heard meanwhile.
    pub(super) async fn restore(&mut self) {
        if self.enforced.position().is_some() {
            return;
        }
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || snapshot_copy::read(&path)).await;
        match read {
            Ok(Ok((header, snapshot))) => {
                let taken_at = header.taken_at;
                if self.enforced.restore(&header, snapshot) {
                    tracing::info!(%taken_at, "the control plane is away: starting from the copy on disk");
                    self.written = self
                        .enforced
                        .copyable()
                        .map(|(header, snapshot)| (header.taken_at, Arc::downgrade(&snapshot)));
                } else if self.enforced.position().is_none() {
                    tracing::error!(%taken_at, "the copy on disk is too old: every call is answered 503 until the control plane is heard");
                }
            }
            Ok(Err(CopyError::Missing)) => {
                tracing::error!("the control plane is away and there is no copy on disk: every call is answered 503");
            }
            Ok(Err(error)) => tracing::error!(
                error = &error as &(dyn std::error::Error + 'static),
                "the control plane is away and the copy on disk cannot be used: every call is answered 503"
            ),
            Err(error) => tracing::error!(%error, "reading the copy on disk was broken off"),
        }
    }

    /// Writes whenever what is enforced has changed, until `stop`, and then once more.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut positions = self.enforced.positions();
        loop {
            positions.borrow_and_update();
            let rest = self.write_if_changed().await;
            if stop.is_cancelled() {
                return;
            }
            tokio::select! {
                () = stop.cancelled() => continue,
                () = tokio::time::sleep(rest) => {}
            }
            tokio::select! {
                () = stop.cancelled() => {}
                _ = positions.changed() => {}
                () = tokio::time::sleep(self.refresh) => {}
                // Tries again what failed.
                () = std::future::ready(()), if self.failed.borrow().is_some() => {}
            }
        }
    }

    /// Returns how long to rest.
    async fn write_if_changed(&mut self) -> Duration {
        let Some((header, snapshot)) = self.enforced.copyable() else {
            return Duration::ZERO;
        };
        let present = Arc::downgrade(&snapshot);
        let is_true_still = self.written.as_ref().is_some_and(|(taken_at, written)| {
            written.ptr_eq(&present) && header.taken_at.saturating_duration_since(*taken_at) < self.refresh
        });
        if is_true_still {
            return Duration::ZERO;
        }
        let began = Instant::now();
        let path = self.path.clone();
        let taken_at = header.taken_at;
        let written = tokio::task::spawn_blocking(move || snapshot_copy::write(&path, &header, &snapshot)).await;
        let failure = match written {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(described(&error)),
            Err(error) => Some(error.to_string()),
        };
        if *self.failed.borrow() != failure {
            match &failure {
                Some(failure) => {
                    tracing::error!(
                        failure,
                        "the copy on disk cannot be written; serving goes on without it"
                    );
                }
                None => tracing::info!("the copy on disk is written again"),
            }
            self.failed.send_replace(failure.clone());
        }
        if failure.is_some() {
            return RETRY;
        }
        self.written = Some((taken_at, present));
        began.elapsed() * REST
    }
}

fn described(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
