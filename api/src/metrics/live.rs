//! Live updates: who listens, and what they were sent.

use std::sync::Arc;

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// How a subscriber is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(non_camel_case_types, reason = "the labels are these names")]
pub enum Transport {
    /// graphql-transport-ws.
    websocket,
    /// graphql-sse.
    event_stream,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TransportLabel {
    transport: Transport,
}

/// Counters of one node's live updates. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct LiveMetrics(Arc<Counted>);

#[derive(Debug, Default)]
struct Counted {
    connections: Family<TransportLabel, Gauge>,
    subscriptions: Gauge,
    updates: Counter,
    slow_readers: Counter,
}

impl LiveMetrics {
    /// A connection was opened.
    pub fn connected(&self, transport: Transport) {
        self.0.connections.get_or_create(&TransportLabel { transport }).inc();
    }

    /// A connection has ended.
    pub fn disconnected(&self, transport: Transport) {
        self.0.connections.get_or_create(&TransportLabel { transport }).dec();
    }

    /// A subscription was begun.
    pub fn subscribed(&self) {
        self.0.subscriptions.inc();
    }

    /// A subscription has ended.
    pub fn unsubscribed(&self) {
        self.0.subscriptions.dec();
    }

    /// An update was handed to a connection.
    pub fn delivered(&self) {
        self.0.updates.inc();
    }

    /// A connection was dropped because its client read too slowly.
    pub fn dropped(&self) {
        self.0.slow_readers.inc();
    }

    /// How many subscriptions are open.
    #[must_use]
    pub fn subscriptions(&self) -> i64 {
        self.0.subscriptions.get()
    }

    /// How many connections were dropped because their clients read too slowly.
    #[must_use]
    pub fn slow_readers(&self) -> u64 {
        self.0.slow_readers.get()
    }

    /// Shows them to whoever scrapes the registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "portico_live_connections",
            "Connections of live updates that are open, by transport",
            self.0.connections.clone(),
        );
        registry.register(
            "portico_live_subscriptions",
            "Subscriptions that are open",
            self.0.subscriptions.clone(),
        );
        registry.register(
            "portico_live_updates",
            "Updates handed to connections",
            self.0.updates.clone(),
        );
        registry.register(
            "portico_live_slow_readers_dropped",
            "Connections dropped because their clients read too slowly",
            self.0.slow_readers.clone(),
        );
    }
}
