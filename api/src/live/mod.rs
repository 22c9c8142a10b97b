//! Live updates: GraphQL subscriptions over websockets and event streams.
//!
//! ```text
//!   change log ─► follower ─► [feed] ─► [hub]: a round for all that changed meanwhile
//!                                         │ where does it belong ([store]), whom does it concern ([interest])
//!                                         │ read and shown once for each viewer and document ([graphql])
//!                                         ▼
//!                                      [outbox] of each connection ─► [socket] or [event_stream] ─► client
//! ```
//!
//! The log names what changed; what a subscriber gets is the present state, read with the subscriber's own eyes.

mod admission;
mod authority;
mod close;
pub mod event_stream;
mod feed;
pub mod graphql;
mod hub;
mod interest;
mod message;
mod origin;
mod outbox;
mod protocol;
mod registry;
mod round;
pub mod socket;
mod store;

use std::{net::IpAddr, sync::Arc, time::Duration};

use domain::viewer::Viewer;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::admission::Admission;
pub use self::{feed::Feed, hub::Hub};
use crate::{
    config::ServeOptions,
    graphql::Endpoint,
    http::{cors::Origin, graphql::Endpoint as GraphqlEndpoint, request_id::RequestId},
    metrics::LiveMetrics,
    session::access_token::Claims,
};

/// Who subscribes.
#[derive(Clone, Debug)]
pub struct Subscriber {
    /// What the access token says.
    pub claims: Claims,
    /// Whose eyes: the viewer when the token was checked.
    pub viewer: Viewer,
    /// The id of the connection's request.
    pub request_id: RequestId,
    /// Where it comes from.
    pub client_address: Option<IpAddr>,
}

/// The bounds of live updates.
#[derive(Clone, Copy, Debug)]
pub struct LiveLimits {
    /// Connections at once on this node.
    pub connections: usize,
    /// Event streams at once on this node. Each holds one of the listener's places for as long as it lasts, which
    /// queries, health checks and gateways need too; a websocket gives its place back.
    pub event_streams: usize,
    /// Connections at once from one address (of IPv6 one network of 64 bits).
    pub connections_per_address: usize,
    /// Operations at once on one websocket.
    pub operations_per_connection: usize,
    /// The sum of what one event of each subscription may cost, of all subscriptions that one developer has open. Events
    /// are not paid for one by one.
    pub cost_per_developer: usize,
    /// Websockets at once that have not said yet who they are.
    pub newcomers: usize,
    /// Of these from one address (of IPv6 one network of 64 bits).
    pub newcomers_per_address: usize,
    /// The most bytes of one message from a client that has not said yet who it is.
    pub first_message_bytes: usize,
    /// Updates that wait for a slow reader, of different objects.
    pub waiting_updates: usize,
    /// Bytes that wait for a slow reader.
    pub waiting_bytes: usize,
    /// The most bytes of one message from a client.
    pub message_bytes: usize,
    /// How long a websocket may take until it says who it is.
    pub init_timeout: Duration,
    /// How long a client may take to read one message.
    pub send_timeout: Duration,
    /// How often something is sent to a connection that is quiet.
    pub keep_alive: Duration,
}

impl Default for LiveLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            event_streams: 512,
            connections_per_address: 1000,
            operations_per_connection: 100,
            cost_per_developer: 20_000,
            newcomers: 2000,
            newcomers_per_address: 200,
            first_message_bytes: 16 * 1024,
            waiting_updates: 1000,
            waiting_bytes: 4 * 1024 * 1024,
            message_bytes: 1024 * 1024,
            init_timeout: Duration::from_secs(10),
            send_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(15),
        }
    }
}

/// What both transports need.
pub struct Live {
    /// What reads and executes requests.
    pub(crate) endpoint: Arc<GraphqlEndpoint<Endpoint>>,
    /// Where subscriptions are kept.
    pub(crate) hub: Arc<Hub>,
    pub(crate) limits: LiveLimits,
    pub(crate) admission: Admission,
    /// Web pages of other origins that may connect.
    pub(crate) allowed_origins: Vec<Origin>,
    pub(crate) metrics: LiveMetrics,
    /// Connections end when it is cancelled.
    pub(crate) closing: CancellationToken,
    /// Connections that the listener has handed over.
    pub(crate) connections: TaskTracker,
}

impl Live {
    /// Takes connections until `closing`; each runs in `connections`.
    #[must_use]
    pub(crate) fn new(
        endpoint: Arc<GraphqlEndpoint<Endpoint>>,
        options: &ServeOptions,
        metrics: LiveMetrics,
        closing: CancellationToken,
        connections: TaskTracker,
    ) -> Self {
        let limits = options.live;
        let hub = Hub::new(
            endpoint.service().clone(),
            endpoint.settings().timeout,
            limits.cost_per_developer,
            metrics.clone(),
        );
        Self {
            endpoint,
            hub: Arc::new(hub),
            limits,
            admission: Admission::new(limits, options.queries.max_connections_per_subscriber),
            allowed_origins: options.allowed_origins.clone(),
            metrics,
            closing,
            connections,
        }
    }
}
