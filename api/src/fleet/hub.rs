//! The hub: what the follower applied goes out to every stream, in the same order.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use domain::Timestamp;
use gateway::{record::Update, snapshot::Snapshot, wire::frame::WrittenFrame};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::change::Position;

/// How far a gateway may lag behind, in changes and heartbeats, before it has to start again with a full snapshot.
const BACKLOG: usize = 1024;

/// How many changes are remembered to tell by how much time a gateway lags.
const HISTORY: usize = 1024;

/// What goes out to the streams.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    /// A line as it is sent.
    Line(Bytes),
    /// What the streams sent is no longer what this node holds: they must begin anew.
    Restart,
}

/// A full snapshot, and all that comes after it.
pub(crate) struct Subscription {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) position: Position,
    pub(crate) messages: broadcast::Receiver<Message>,
}

/// Where the follower publishes. Everything but [`Hub::close`] and reading is called under the follower's lock, so
/// that lines leave in the order of their positions.
#[derive(Debug)]
pub struct Hub {
    messages: broadcast::Sender<Message>,
    /// The position of the last change that gateways know of, and when it was published, the earliest first.
    history: Mutex<VecDeque<(Position, Timestamp)>>,
    target: watch::Sender<Option<Position>>,
    closed: CancellationToken,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            messages: broadcast::Sender::new(BACKLOG),
            history: Mutex::default(),
            target: watch::Sender::new(None),
            closed: CancellationToken::new(),
        }
    }
}

impl Hub {
    /// This node holds another state now, not one that follows from what it held.
    pub(crate) fn restart(&self, position: &Position) {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.note(position);
        // Without any stream there is nobody to tell.
        let _ = self.messages.send(Message::Restart);
    }

    /// The line that tells of these updates; `None` when nobody listens.
    pub(crate) fn line(&self, position: &Position, updates: &[Update]) -> Option<Bytes> {
        (self.messages.receiver_count() > 0).then(|| {
            WrittenFrame::change(position.to_string(), Timestamp::now(), updates)
                .line()
                .into()
        })
    }

    /// This node holds the updates of the line now.
    pub(crate) fn publish(&self, position: &Position, line: Option<Bytes>) {
        self.note(position);
        if let Some(line) = line {
            let _ = self.messages.send(Message::Line(line));
        }
    }

    /// This node has just seen that its state is the present one.
    pub(crate) fn beat(&self, position: &Position) {
        if self.messages.receiver_count() > 0 {
            let beat = WrittenFrame::Heartbeat {
                position: position.to_string(),
                time: Timestamp::now().as_millis(),
            };
            let _ = self.messages.send(Message::Line(beat.line().into()));
        }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Message> {
        self.messages.subscribe()
    }

    /// What a gateway must have confirmed to enforce every change that this node has committed or heard of; `None`
    /// before the first load.
    #[must_use]
    pub fn target(&self) -> Option<Position> {
        self.target.borrow().clone()
    }

    /// Changes with [`Hub::target`].
    #[must_use]
    pub fn targets(&self) -> watch::Receiver<Option<Position>> {
        self.target.subscribe()
    }

    /// For how long, at `now`, there has been a change that was not there at `position`; zero when it has all of them.
    /// Of what lies further back than this node remembers, at least so long.
    #[must_use]
    pub fn lag(&self, position: &Position, now: Timestamp) -> Duration {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let first_missed = history.iter().find(|(change, _)| !position.covers(change));
        first_missed.map_or(Duration::ZERO, |(_, at)| now.saturating_duration_since(*at))
    }

    /// Ends all streams, now and later: the node is about to stop.
    pub fn close(&self) {
        self.closed.cancel();
    }

    /// Cancelled by [`Hub::close`].
    pub(crate) fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    fn note(&self, position: &Position) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        if history.len() == HISTORY {
            history.pop_front();
        }
        history.push_back((position.clone(), Timestamp::now()));
        drop(history);
        self.target.send_replace(Some(position.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Position {
        text.parse().unwrap()
    }

    #[test]
    fn lag_counts_from_the_first_change_that_is_missed() {
        let hub = Hub::default();
        assert_eq!(hub.target(), None);
        hub.restart(&at("5"));
        hub.publish(&at("7"), None);
        hub.publish(&at("9"), None);
        assert_eq!(hub.target(), Some(at("9")));
        let later = Timestamp::now().saturating_add(Duration::from_secs(60));
        assert_eq!(hub.lag(&at("9"), later), Duration::ZERO);
        assert_eq!(hub.lag(&at("12"), later), Duration::ZERO);
        for behind in ["8", "6", "1"] {
            let lag = hub.lag(&at(behind), later);
            assert!(
                lag >= Duration::from_secs(60) && lag < Duration::from_secs(120),
                "{behind}: {lag:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_stream_that_lags_too_far_is_told_so() {
        let hub = Hub::default();
        let mut slow = hub.subscribe();
        for _ in 0..=BACKLOG {
            hub.beat(&at("1"));
        }
        let behind = slow.recv().await;
        assert!(
            matches!(behind, Err(broadcast::error::RecvError::Lagged(1))),
            "{behind:?}"
        );
    }
}
