//! Following the control plane: one long answer of lines, taken up again whenever it breaks off.

use std::{
    error::Error as StdError,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use domain::Timestamp;
use reqwest::StatusCode;
use serde_json::value::RawValue;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    LinkConfig,
    enforced::Enforced,
    lines::{LineTooLong, Lines},
    token::TokenError,
};
use crate::{
    record::Update,
    snapshot::{NotLoaded, Snapshot},
    snapshot_copy,
    wire::{
        decode::{Unattributable, decode},
        frame::{FORMAT, Frame, ReadFrame},
    },
};

const SHORTEST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

pub(super) struct Stream {
    pub(super) config: Arc<LinkConfig>,
    pub(super) http: reqwest::Client,
    pub(super) enforced: Arc<Enforced>,
    pub(super) connected: Arc<AtomicBool>,
    /// Told of every failure.
    pub(super) failed: Arc<Notify>,
}

/// Why the stream ended.
#[derive(Debug, thiserror::Error)]
enum StreamError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("the control plane cannot be reached")]
    Http(#[from] reqwest::Error),
    #[error("the control plane refuses the gateway's token; was it revoked?")]
    Refused,
    #[error("the control plane answered {0}")]
    Status(StatusCode),
    #[error("the control plane ended the stream")]
    Ended,
    #[error("the control plane speaks format {0} and this gateway {FORMAT}")]
    Format(u32),
    #[error("a line of the stream cannot be read")]
    Malformed(#[from] serde_json::Error),
    #[error("a line of the stream came out of turn")]
    OutOfTurn,
    #[error(transparent)]
    TooLong(#[from] LineTooLong),
    #[error(transparent)]
    Unattributable(#[from] Unattributable),
    #[error("what was enforced had become too old")]
    NotLoaded(#[from] NotLoaded),
}

impl Stream {
    /// Follows until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        let waits = ExponentialBuilder::new()
            .with_min_delay(SHORTEST_WAIT)
            .with_max_delay(LONGEST_WAIT)
            .with_jitter()
            .without_max_times();
        let mut wait = waits.build();
        loop {
            let error = tokio::select! {
                () = stop.cancelled() => return,
                error = self.follow() => error,
            };
            if self.connected.swap(false, Ordering::Relaxed) {
                wait = waits.build();
            }
            if let StreamError::Unattributable(_) = error {
                self.enforced.withdraw();
            }
            tracing::warn!(
                error = &error as &(dyn StdError + 'static),
                "not following the control plane; trying again"
            );
            // Someone who begins to wait later must see it, too: a permit is kept.
            self.failed.notify_one();
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait.next().unwrap_or(LONGEST_WAIT)) => {}
            }
        }
    }

    async fn follow(&self) -> StreamError {
        match self.try_follow().await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn try_follow(&self) -> Result<std::convert::Infallible, StreamError> {
        let token = self.config.token.read()?;
        let request = self.http.get(self.config.url.join("/gateway/v1/stream"));
        let mut response = request.bearer_auth(token.expose()).send().await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err(StreamError::Refused),
            other => return Err(StreamError::Status(other)),
        }
        let mut lines = Lines::default();
        let mut turn = Turn::Begin;
        while let Some(piece) = response.chunk().await? {
            lines.push(&piece);
            while let Some(line) = lines.next_line()? {
                turn = match (turn, serde_json::from_slice(&line)?) {
                    (Turn::Full(updates), Frame::End { position, time }) => {
                        let copy = self.config.copy.clone().filter(|_| !self.enforced.has_begun());
                        // A large one takes a while: not on the threads that serve.
                        let snapshot = tokio::task::spawn_blocking(move || full_snapshot(updates, copy)).await;
                        self.begin(snapshot.map_err(|_| StreamError::Ended)?, position, time);
                        Turn::Changes
                    }
                    (turn, frame) => self.take(turn, frame)?,
                };
            }
        }
        Err(StreamError::Ended)
    }

    /// From now on enforces this, and what comes after it.
    fn begin(&self, snapshot: Snapshot, position: String, time: i64) {
        self.enforced.replace(snapshot, position, Timestamp::from_millis(time));
        self.connected.store(true, Ordering::Relaxed);
        tracing::info!("following the control plane");
    }

    fn take(&self, turn: Turn, frame: ReadFrame) -> Result<Turn, StreamError> {
        match (turn, frame) {
            (Turn::Begin, Frame::Begin { format: FORMAT }) => Ok(Turn::Full(Vec::new())),
            (Turn::Begin, Frame::Begin { format }) => Err(StreamError::Format(format)),
            (Turn::Full(mut gathered), Frame::Records { records }) => {
                gathered.extend(updates(&records)?);
                Ok(Turn::Full(gathered))
            }
            (
                Turn::Changes,
                Frame::Change {
                    position,
                    time,
                    records,
                },
            ) => {
                let time = Timestamp::from_millis(time);
                self.enforced.apply(updates(&records)?, position, time)?;
                Ok(Turn::Changes)
            }
            (Turn::Changes, Frame::Heartbeat { position, time }) => {
                self.enforced.hear(position, Timestamp::from_millis(time))?;
                Ok(Turn::Changes)
            }
            (
                Turn::Begin | Turn::Full(_) | Turn::Changes,
                Frame::Begin { .. }
                | Frame::Records { .. }
                | Frame::End { .. }
                | Frame::Change { .. }
                | Frame::Heartbeat { .. },
            ) => Err(StreamError::OutOfTurn),
        }
    }
}

/// The snapshot that the control plane sent. At the start, what the `copy` on disk knew of the key headers of strategies
/// that cannot be read is all that is known of them; nothing else of it is used.
fn full_snapshot(updates: Vec<Update>, copy: Option<PathBuf>) -> Snapshot {
    let mut snapshot = Snapshot::of(updates);
    if let Some(path) = copy.filter(|_| !snapshot.knows_all_key_headers()) {
        match snapshot_copy::read(&path) {
            Ok((_, earlier)) => snapshot.remember_key_headers(earlier.strategies()),
            Err(error) => tracing::warn!(
                error = &error as &(dyn StdError + 'static),
                "what the copy on disk knew of the key headers of unreadable strategies is not known: keys are kept from \
                 upstreams by their form alone"
            ),
        }
    }
    snapshot
}

/// What may come next.
enum Turn {
    Begin,
    /// Parts of the full snapshot, gathered apart from the one that is enforced meanwhile.
    Full(Vec<Update>),
    Changes,
}

fn updates(records: &[Box<RawValue>]) -> Result<Vec<Update>, Unattributable> {
    records.iter().map(|record| decode(record.get())).collect()
}
