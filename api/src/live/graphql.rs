//! Live updates in the schema.
//!
//! A subscription is executed once to learn what it is about, and then once for each event, with the event and the
//! viewer's present eyes in its data (GraphQL, section 6.2.3.2, "ExecuteSubscriptionEvent"). So its resolvers know two
//! stages, and neither waits for anything.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use async_graphql::{Context, ID, Object, Result, Subscription};
use domain::viewer::Viewer;
use futures_util::{Stream, stream};

use super::interest::{Interest, LiveObject};
use crate::{
    access_request::graphql::{AccessRequest, AccessRequestFilter},
    credential::graphql::Credential,
    error::ServiceError,
    id,
    loader::RequestContext as _,
    session::graphql::Account,
};

/// What a subscription is executed for.
#[derive(Clone)]
pub enum Stage {
    /// To learn what it is about.
    Begin(Arc<Interests>),
    /// To show this.
    Event(Arc<Event>),
}

/// What a document turned out to be about: one thing, when it is a good one.
#[derive(Debug, Default)]
pub struct Interests(Mutex<Vec<Interest>>);

impl Interests {
    fn add(&self, interest: Interest) {
        // Nothing in there can be left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(interest);
    }

    /// The only one.
    pub(super) fn only(&self) -> Option<Interest> {
        let interests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match interests.as_slice() {
            [only] => Some(only.clone()),
            [] | [_, _, ..] => None,
        }
    }
}

/// Something may have changed.
#[derive(Debug)]
pub struct Event {
    object: LiveObject,
    is_gone: AtomicBool,
}

impl Event {
    /// The object may have changed, or be gone.
    pub(super) const fn of(object: LiveObject) -> Self {
        Self {
            object,
            is_gone: AtomicBool::new(false),
        }
    }

    /// Whether the viewer was shown that it is gone.
    pub(super) fn is_gone(&self) -> bool {
        self.is_gone.load(Relaxed)
    }
}

/// An access request that changed.
pub struct AccessRequestChange {
    present: Option<AccessRequest>,
    id: ID,
}

/// An access request that changed, as it is now.
#[Object]
impl AccessRequestChange {
    /// The request; null when it is gone.
    async fn access_request(&self) -> Option<AccessRequest> {
        self.present.clone()
    }

    /// The id of a request that is gone, or that the viewer may not see; null while it is there.
    async fn deleted_id(&self) -> Option<&ID> {
        self.present.is_none().then_some(&self.id)
    }
}

/// A credential that changed.
pub struct CredentialChange {
    present: Option<Credential>,
    id: ID,
}

/// A credential that changed, as it is now. It never holds a secret.
#[Object]
impl CredentialChange {
    /// The credential; null when it is gone.
    async fn credential(&self) -> Option<Credential> {
        self.present.clone()
    }

    /// The id of a credential that is gone; null while it is there.
    async fn deleted_id(&self) -> Option<&ID> {
        self.present.is_none().then_some(&self.id)
    }
}

/// Notes what the subscription is about, when that is asked; otherwise the event to show.
fn begin_or_event(context: &Context<'_>, interest: Result<Interest, ServiceError>) -> Result<Option<Arc<Event>>> {
    let interest = context.give(context.call().signed_in().and(interest))?;
    match context.data_opt::<Stage>() {
        Some(Stage::Begin(interests)) => {
            interests.add(interest);
            Ok(None)
        }
        Some(Stage::Event(event)) => Ok(Some(Arc::clone(event))),
        None => context.give(Err(ServiceError::Internal(
            "a subscription was executed as something else",
        ))),
    }
}

/// Root fields of live updates.
#[derive(Default)]
pub struct LiveSubscription;

/// Live updates, over the websocket at `/graphql/ws` (graphql-transport-ws) or as an event stream from
/// `/graphql/stream` (graphql-sse). One root field each. Every event shows the present state, so that one may stand for
/// several changes; after a connection was lost, query anew.
#[Subscription(name = "Subscription")]
impl LiveSubscription {
    /// Access requests that were submitted, changed or deleted: an admin sees all, a developer their own.
    async fn access_request_changed(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only this request: its present state first. It ends when the request is gone.")] id: Option<
            ID,
        >,
        #[graphql(
            desc = "Only requests that pass. Of `status`, also what may have left it. A deletion comes whatever the filter. Not together with `id`."
        )]
        filter: Option<AccessRequestFilter>,
    ) -> Result<impl Stream<Item = AccessRequestChange> + use<>> {
        let interest = match (id, filter) {
            (Some(_), Some(_)) => Err(ServiceError::BadUserInput(
                "Give `id` or `filter`, not both.".to_owned(),
            )),
            (Some(id), None) => id::parse("id", &id).map(Interest::AccessRequest),
            (None, filter) => filter.unwrap_or_default().try_into().map(Interest::AccessRequests),
        };
        let event = begin_or_event(context, interest)?;
        let shown = match event {
            Some(event) => match event.object {
                LiveObject::AccessRequest(id) => {
                    let present = context.load(id).await?.map(AccessRequest::from);
                    event.is_gone.store(present.is_none(), Relaxed);
                    let id = id.to_string().into();
                    Some(AccessRequestChange { present, id })
                }
                LiveObject::Credential(_) | LiveObject::Viewer(_) => None,
            },
            None => None,
        };
        Ok(stream::iter(shown))
    }

    /// Credentials that were made, changed or deleted: an admin sees all, a developer those of their apps. That a
    /// credential's time is over, and when it was last used, is no change: `expiresAt` tells the former beforehand.
    async fn credential_changed(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only credentials of this app.")] app_id: Option<ID>,
    ) -> Result<impl Stream<Item = CredentialChange> + use<>> {
        let app = app_id.map(|app_id| id::parse("appId", &app_id)).transpose();
        let event = begin_or_event(context, app.map(Interest::Credentials))?;
        let shown = match event {
            Some(event) => match event.object {
                LiveObject::Credential(id) => {
                    let present = context.load(id).await?.map(Credential::from);
                    event.is_gone.store(present.is_none(), Relaxed);
                    let id = id.to_string().into();
                    Some(CredentialChange { present, id })
                }
                LiveObject::AccessRequest(_) | LiveObject::Viewer(_) => None,
            },
            None => None,
        };
        Ok(stream::iter(shown))
    }

    /// The viewer's own account when it changed: a developer learns that they were approved. When the account may act
    /// no more, the connection ends.
    async fn viewer_changed(&self, context: &Context<'_>) -> Result<impl Stream<Item = Account> + use<>> {
        let shown = match begin_or_event(context, Ok(Interest::Viewer))? {
            Some(_) => match context.call().viewer {
                Viewer::Developer { id, .. } => context.load(id).await?.map(|record| Account::Developer(record.into())),
                Viewer::Admin { id } => context.load(id).await?.map(|record| Account::Admin(record.into())),
                Viewer::Anonymous => None,
            },
            None => None,
        };
        Ok(stream::iter(shown))
    }
}
