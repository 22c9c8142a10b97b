//! Subscriptions: what the server tells by itself, as a stream that outlives its connections.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use cynic::StreamingOperation;
use futures_util::{Stream, StreamExt, stream};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    Error, Portico,
    error::EncodeError,
    platform::{BoxedStream, sleep},
    renewal::Access,
    retry::endless_delays,
    websocket::{Broken, Connection, Incoming},
};

/// What a [`Subscription`] tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum LiveEvent<T> {
    /// The server is being followed, from now on: after the first connection, and after each one that took the place of
    /// a lost one. What changed before is not told; read what you depend on now.
    Connected,
    /// Something changed.
    Update(T),
    /// The connection was lost, for this reason. The subscription makes another, and tells with
    /// [`LiveEvent::Connected`] when it has.
    Disconnected(Error),
}

/// A change of an object, or its end.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant)] // one at a time
pub enum Change<T, Id> {
    /// The object was made or has changed; this is its present state.
    Present(T),
    /// The object is gone, or not for the viewer any more.
    Gone(Id),
}

/// Changes as the server tells them: a [`Stream`] of [`LiveEvent`]s, with a [`Subscription::next`] of its own for who
/// wants no other crate.
///
/// It connects when it is first asked for something (graphql-transport-ws at the endpoint's path with `/ws`), with the
/// client's session, and has a connection of its own. A lost connection is made anew, from half a second to 30 seconds
/// apart, for as long as it takes; so is one that ends with the access token, which is renewed. The first connection
/// alone is given up as calls are, by the client's [`crate::RetryPolicy`].
///
/// An error ends it: one that no other connection helps against, such as [`Error::Session`], [`Error::GraphQl`] for a
/// subscription that the server refuses, and [`Error::Closed`]. It ends without one when the server has no more to tell.
///
/// Nothing runs in the background: who does not ask does not read. A server drops who does not read for long, and the
/// subscription then connects again when it is asked. Dropping it ends it.
#[must_use = "nothing is followed before it is asked for its next event"]
pub struct Subscription<T>(BoxedStream<Result<LiveEvent<T>, Error>>);

impl<T> Subscription<T> {
    /// The next event; None at the end, and after an error. Dropping the call loses nothing.
    pub async fn next(&mut self) -> Option<Result<LiveEvent<T>, Error>> {
        self.0.next().await
    }

    /// The next update, whatever becomes of connections meanwhile; None at the end, and after an error. For who can do
    /// with what is told and need not know what was missed.
    pub async fn next_update(&mut self) -> Option<Result<T, Error>> {
        loop {
            match self.next().await? {
                Ok(LiveEvent::Update(update)) => return Some(Ok(update)),
                Ok(LiveEvent::Connected | LiveEvent::Disconnected(_)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<T> Stream for Subscription<T> {
    type Item = Result<LiveEvent<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Subscription(…)")
    }
}

impl Portico {
    /// Follows a subscription of the caller's own in this client's session: see [`crate::schema`] for how to write one.
    pub fn subscribe<T, V>(&self, operation: StreamingOperation<T, V>) -> Subscription<T>
    where
        T: DeserializeOwned + Send + 'static,
        V: Serialize,
    {
        self.follow(operation, Ok)
    }

    /// Follows a subscription; `shape` makes of its data what the caller is told.
    pub(crate) fn follow<D, T, V>(
        &self,
        operation: StreamingOperation<D, V>,
        shape: fn(D) -> Result<T, Error>,
    ) -> Subscription<T>
    where
        D: DeserializeOwned + Send + 'static,
        T: Send + 'static,
        V: Serialize,
    {
        let operation = match serde_json::value::to_raw_value(&operation) {
            Ok(operation) => operation,
            Err(error) => {
                let error = Error::Encode(EncodeError::new(error));
                return Subscription(Box::pin(stream::once(async { Err(error) })));
            }
        };
        let following = Following {
            client: self.clone(),
            operation: operation.into(),
            shape,
            connection: None,
            was_connected: false,
            delays: Delays::new(self),
            refused: None,
        };
        let events = stream::unfold(Some(following), |following| async move {
            let mut following = following?;
            match following.step().await {
                Some(Ok(event)) => Some((Ok(event), Some(following))),
                Some(Err(error)) => Some((Err(error), None)),
                None => None,
            }
        });
        Subscription(Box::pin(events.fuse()))
    }
}

/// A subscription under way.
struct Following<D, T> {
    client: Portico,
    operation: Arc<RawValue>,
    shape: fn(D) -> Result<T, Error>,
    connection: Option<Connection>,
    was_connected: bool,
    delays: Delays,
    /// The token that the server has just refused.
    refused: Option<Access>,
}

/// How long to wait for the next connection: as a call's retries until there was one, then without end.
enum Delays {
    First(crate::retry::Delays),
    Again(Box<dyn Iterator<Item = Duration> + Send>),
}

impl Delays {
    fn new(client: &Portico) -> Self {
        Self::First(client.retry_policy().delays())
    }

    fn again() -> Self {
        Self::Again(Box::new(endless_delays(
            Duration::from_millis(500),
            Duration::from_secs(30),
        )))
    }

    fn next(&mut self) -> Option<Duration> {
        match self {
            Self::First(delays) => delays.next(),
            Self::Again(delays) => delays.next(),
        }
    }
}

impl<D: DeserializeOwned, T> Following<D, T> {
    /// What the subscription tells next; None at its end.
    async fn step(&mut self) -> Option<Result<LiveEvent<T>, Error>> {
        let Some(connection) = &mut self.connection else {
            return Some(self.connect().await.map(|()| LiveEvent::Connected));
        };
        let broken = match connection.next::<D>().await {
            Ok(Incoming::Next(response)) => {
                let told = response.into_data().and_then(self.shape);
                return Some(told.map(LiveEvent::Update));
            }
            Ok(Incoming::Complete) => return None,
            Err(broken) => broken,
        };
        self.connection = None;
        Some(match broken {
            Broken::Passing(error) | Broken::Token(error) => Ok(LiveEvent::Disconnected(error)),
            Broken::Final(error) => Err(error),
        })
    }

    /// Connects, however often it takes.
    async fn connect(&mut self) -> Result<(), Error> {
        if self.was_connected {
            // Also after a connection that was good: a server that stops drops all of its clients at once.
            sleep(self.delays.next().unwrap_or_default()).await;
        }
        loop {
            let error = match self.try_to_connect().await {
                Ok(()) => return Ok(()),
                Err(Broken::Final(error)) => return Err(error),
                // A token that was got only now, and is refused: another one would be, too.
                Err(Broken::Token(error)) if self.refused.is_none() => return Err(error),
                Err(Broken::Token(_)) => continue,
                Err(Broken::Passing(error)) => error,
            };
            match self.delays.next() {
                Some(delay) => sleep(delay.max(error.retry_after().unwrap_or_default())).await,
                None => return Err(error),
            }
        }
    }

    async fn try_to_connect(&mut self) -> Result<(), Broken> {
        let refused = self.refused.take();
        let access = self.client.access(refused.as_ref()).await.map_err(|error| {
            if error.is_retryable() {
                Broken::Passing(error)
            } else {
                Broken::Final(error)
            }
        })?;
        let token = access.as_ref().map(|access| &access.token);
        match Connection::open(self.client.transport(), token, &self.operation).await {
            Ok(connection) => {
                self.connection = Some(connection);
                self.was_connected = true;
                self.delays = Delays::again();
                Ok(())
            }
            Err(Broken::Token(error)) => {
                // Worth another try with a renewed token, unless this one was renewed for this try.
                if refused.is_none() {
                    self.refused = access;
                }
                Err(Broken::Token(error))
            }
            Err(broken) => Err(broken),
        }
    }
}
