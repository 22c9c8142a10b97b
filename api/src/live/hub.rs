//! The hub of one node: takes subscriptions, and in rounds tells them what changed.

use std::{
    collections::HashSet,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use async_graphql::Response;
use domain::{Timestamp, viewer::Viewer};
use futures_util::{StreamExt as _, future, stream};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Subscriber,
    close::Close,
    feed::Feed,
    graphql::{Event, Interests, Stage},
    interest::Interest,
    outbox::Outbox,
    registry::{Operation, Registry, Subscription},
    round::{self, Changed, Found, Showing},
    store,
};
use crate::{
    change::{Backoff, Subject},
    context::CallContext,
    control_plane::ControlPlane,
    error::StoreError,
    graphql::{Endpoint, Schema, error::ErrorCode},
    http::{
        preparation::Prepared,
        request_id::RequestId,
        response_body::{self, RequestRefused},
    },
    loader::{self, Batches},
    metrics::LiveMetrics,
};

/// Viewers whose events are made at the same time.
const VIEWERS_AT_ONCE: usize = 8;
/// Events of one viewer that are made at the same time; their loaders read for all of them at once.
const EVENTS_AT_ONCE: usize = 256;

/// The subscriptions of one node.
pub struct Hub {
    plane: Arc<ControlPlane>,
    schema: Schema,
    /// How long making one event may take.
    timeout: Duration,
    /// What the events of one developer's subscriptions may cost together.
    cost_per_developer: usize,
    registry: Registry,
    metrics: LiveMetrics,
    /// Whether rounds are made: before and after, nobody is taken.
    is_running: AtomicBool,
}

/// A subscription that is open until it is dropped.
pub(super) struct Subscribed {
    hub: Arc<Hub>,
    id: u64,
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        self.hub.registry.remove(self.id, self.hub.feed());
        self.hub.metrics.unsubscribed();
    }
}

impl Hub {
    pub(super) fn new(endpoint: Endpoint, timeout: Duration, cost_per_developer: usize, metrics: LiveMetrics) -> Self {
        Self {
            plane: Arc::clone(endpoint.plane()),
            schema: endpoint.schema().clone(),
            timeout,
            cost_per_developer,
            registry: Registry::default(),
            metrics,
            is_running: AtomicBool::new(false),
        }
    }

    fn feed(&self) -> &Feed {
        self.plane.follower.feed()
    }

    /// Subscribes: returns when the subscription hears of every change that is committed from then on. What it is to be
    /// told goes to the outbox, under this number; its first state, if it has one, is there already.
    ///
    /// # Errors
    /// When the document is not good, the subscriber may not do that, or it took too long.
    pub(super) async fn subscribe(
        self: &Arc<Self>,
        subscriber: &Subscriber,
        prepared: Prepared,
        outbox: &Arc<Outbox>,
        number: u64,
    ) -> Result<Subscribed, RequestRefused> {
        if !self.is_running.load(Relaxed) {
            return Err(unavailable(
                "The server stops, or has only begun. Try again in a moment.",
            ));
        }
        let operation = Operation::new(prepared);
        let interest = self.interest_of(&operation, subscriber).await?;
        let (starting, started) = oneshot::channel();
        let subscription = Subscription {
            claims: subscriber.claims,
            interest,
            operation: Arc::new(operation),
            outbox: Arc::clone(outbox),
            number,
            starting: Some(starting),
        };
        // Admins watch everybody's, and are trusted with it.
        let at_most = if subscriber.viewer.is_admin() {
            usize::MAX
        } else {
            self.cost_per_developer
        };
        let Some(id) = self.registry.add(subscription, at_most, self.feed()) else {
            return Err(RequestRefused::request(
                http::StatusCode::TOO_MANY_REQUESTS,
                ErrorCode::RateLimited,
                format!(
                    "The events of your open subscriptions may cost {at_most} together. Complete some first, or select less."
                ),
            ));
        };
        self.metrics.subscribed();
        let subscribed = Subscribed {
            hub: Arc::clone(self),
            id,
        };
        self.feed().nudge();
        match tokio::time::timeout(self.timeout, started).await {
            Ok(Ok(())) => Ok(subscribed),
            Ok(Err(_)) | Err(_) => Err(unavailable("The subscription could not be begun in time. Try again.")),
        }
    }

    /// What the document is about.
    async fn interest_of(&self, operation: &Operation, subscriber: &Subscriber) -> Result<Interest, RequestRefused> {
        let interests = Arc::new(Interests::default());
        let context = CallContext {
            viewer: subscriber.viewer,
            session: Some(subscriber.claims.session),
            request_id: Some(subscriber.request_id.as_str().to_owned()),
            client_address: subscriber.client_address,
            now: Timestamp::now(),
        };
        let batches = Batches::default();
        let request = operation
            .request()
            .data(Arc::clone(&self.plane))
            .data(loader::for_request(Arc::clone(&self.plane), context.clone(), &batches))
            .data(context)
            .data(Stage::Begin(Arc::clone(&interests)));
        let refused = batches.run(self.first(request)).await;
        if let Some(response) = refused {
            return Err(response_body::not_begun(response));
        }
        interests.only().ok_or_else(|| {
            RequestRefused::document(
                ErrorCode::GraphqlValidationFailed,
                "A subscription selects exactly one root field, and not by a fragment.",
                Vec::new(),
            )
        })
    }

    /// The first response of a subscription's stream.
    async fn first(&self, request: async_graphql::Request) -> Option<Response> {
        self.schema.execute_stream(request).next().await
    }

    /// Makes rounds until `shutdown`.
    pub(crate) async fn run(&self, shutdown: CancellationToken) {
        self.is_running.store(true, Relaxed);
        let mut backoff = Backoff::default();
        let mut changed = HashSet::new();
        let mut pause = None;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.feed().heard(), if pause.is_none() => {}
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            }
            let waiting = self.feed().take();
            changed.extend(waiting.changed);
            if waiting.was_interrupted {
                changed.clear();
                self.interrupt();
            }
            match self.round(&changed).await {
                Ok(()) => {
                    changed.clear();
                    backoff.reset();
                    pause = None;
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn Error,
                        "live updates wait: what changed cannot be read; trying again"
                    );
                    pause = Some(backoff.next_delay());
                }
            }
        }
        self.is_running.store(false, Relaxed);
    }

    /// Ends all connections that have a subscription: what they missed cannot be told.
    fn interrupt(&self) {
        for outbox in self.registry.outboxes() {
            outbox.cut(Close::Interrupted);
        }
    }

    /// Shows what changed to everyone whom it concerns, and lets those begin who wait for it.
    async fn round(&self, named: &HashSet<(Subject, Uuid)>) -> Result<(), StoreError> {
        let (watchers, unread) = self.registry.watchers(&self.plane.directory);
        if watchers.is_empty() {
            return Ok(());
        }
        let connection = self.plane.database.read();
        if !unread.is_empty() {
            self.registry.learn(store::known_ids(connection, &unread).await?);
        }
        let changed = Changed::of(named);
        let mut found = Found {
            requests: store::request_routes(connection, &changed.requests).await?,
            credentials: store::credential_routes(connection, &changed.credentials).await?,
            ..Found::default()
        };
        let gone = found.gone(&changed);
        found.known = self.registry.known_among(&gone);
        let plan = round::plan(&watchers, &changed, &found);
        stream::iter(plan)
            .for_each_concurrent(VIEWERS_AT_ONCE, |(viewer, showings)| self.show(viewer, showings))
            .await;
        self.registry
            .update_known(found.requests.values(), found.credentials.values(), &gone);
        for watcher in watchers.iter().filter(|watcher| watcher.is_starting) {
            self.registry.started(watcher.id);
        }
        Ok(())
    }

    /// Makes the events of one viewer, and hands each to all who asked the same.
    async fn show(&self, viewer: Viewer, showings: Vec<Showing>) {
        let request_id = RequestId::generate();
        for some in showings.chunks(EVENTS_AT_ONCE) {
            let context = CallContext {
                viewer,
                session: None,
                request_id: Some(request_id.as_str().to_owned()),
                client_address: None,
                now: Timestamp::now(),
            };
            let batches = Batches::default();
            let loaders = loader::for_request(Arc::clone(&self.plane), context.clone(), &batches);
            let events = some.iter().map(|showing| {
                let event = Arc::new(Event::of(showing.object));
                let request = showing
                    .watcher
                    .operation
                    .request()
                    .data(Arc::clone(&self.plane))
                    .data(Arc::clone(&loaders))
                    .data(context.clone())
                    .data(Stage::Event(Arc::clone(&event)));
                let request_id = &request_id;
                async move {
                    let response = tokio::time::timeout(self.timeout, self.first(request)).await;
                    self.deliver(showing, &event, response.ok(), request_id);
                }
            });
            batches.run(future::join_all(events)).await;
        }
    }

    fn deliver(&self, showing: &Showing, event: &Event, response: Option<Option<Response>>, request_id: &RequestId) {
        let operation = &showing.watcher.operation;
        let payload = match response {
            Some(Some(response)) => response_body::message(response, operation.cost, request_id)
                .unwrap_or_else(|refused| response_body::refusal_message(refused, request_id)),
            // The account is gone: its connection ends.
            Some(None) => return,
            None => {
                let refused = RequestRefused::document(
                    ErrorCode::Timeout,
                    "Showing the change took too long. Query it.",
                    Vec::new(),
                );
                response_body::refusal_message(refused, request_id)
            }
        };
        for id in &showing.to {
            if self.registry.deliver(*id, showing.object, &payload, event.is_gone()) {
                self.metrics.delivered();
            }
        }
    }
}

fn unavailable(message: &'static str) -> RequestRefused {
    RequestRefused::request(http::StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable, message)
}
