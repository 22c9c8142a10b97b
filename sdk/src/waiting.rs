//! Waiting until somebody has decided on an access request.

use std::{ops::Deref, time::Duration};

use crate::{
    AccessRequest, AccessRequestId, AccessRequestStatus, Error, Portico,
    access_request::AccessRequests,
    platform::{sleep, within},
    retry::endless_delays,
};

/// A request for access as [`AccessRequests::request`] has submitted it, with a way to wait for the decision.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SubmittedRequest {
    /// The request in its present state: APPROVED already where approval is automatic.
    pub object: AccessRequest,
    /// Whether an earlier call with the same idempotency key and input had submitted it already.
    pub replayed: bool,
    client: Portico,
}

impl SubmittedRequest {
    pub(crate) fn new(client: &Portico, object: AccessRequest, replayed: bool) -> Self {
        Self {
            object,
            replayed,
            client: client.clone(),
        }
    }

    /// The request alone.
    pub fn into_inner(self) -> AccessRequest {
        self.object
    }

    /// Waits until somebody has decided on the request: [`AccessRequests::wait_until_decided`]. Answers at once where it
    /// was decided when it was submitted.
    ///
    /// # Errors
    ///
    /// As [`AccessRequests::wait_until_decided`].
    pub async fn wait_until_decided(&self, timeout: Duration) -> Result<AccessRequest, Error> {
        if is_decided(&self.object) {
            return Ok(self.object.clone());
        }
        self.client
            .access_requests()
            .wait_until_decided(&self.object.id, timeout)
            .await
    }
}

impl Deref for SubmittedRequest {
    type Target = AccessRequest;

    fn deref(&self) -> &AccessRequest {
        &self.object
    }
}

impl AccessRequests<'_> {
    /// Waits until a request is PENDING no more, and answers with it: APPROVED, REJECTED or CANCELLED.
    ///
    /// With the feature `subscriptions` the server tells when it changes (`accessRequestChanged`); without it, or while
    /// the server cannot be followed, the request is asked for again and again (`node`), from half a second to 10
    /// seconds apart. Failures that may pass are waited out. Dropping the call is safe at any time: it changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Undecided`] when the time is over, [`Error::NotFound`] when there is no such request for the caller (any
    /// more), and what no repeating helps against, such as [`Error::Session`].
    pub async fn wait_until_decided(self, id: &AccessRequestId, timeout: Duration) -> Result<AccessRequest, Error> {
        within(timeout, decided(self.client, id))
            .await
            .unwrap_or(Err(Error::Undecided { waited: timeout }))
    }
}

fn is_decided(request: &AccessRequest) -> bool {
    request.status != AccessRequestStatus::Pending
}

async fn decided(client: &Portico, id: &AccessRequestId) -> Result<AccessRequest, Error> {
    let mut news = News::of(client, id);
    loop {
        match client.access_requests().get(id).await {
            Ok(Some(request)) if is_decided(&request) => return Ok(request),
            Ok(Some(_)) => {}
            Ok(None) => return Err(Error::NotFound { what: "AccessRequest" }),
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(error),
        }
        if let Some(request) = news.wait().await {
            return Ok(request);
        }
    }
}

/// When to ask again, or what the server has told instead.
struct News {
    delays: Box<dyn Iterator<Item = Duration> + Send>,
    #[cfg(all(feature = "subscriptions", not(target_arch = "wasm32")))]
    changes: Option<crate::Subscription<crate::Change<AccessRequest, AccessRequestId>>>,
    #[cfg(all(feature = "subscriptions", not(target_arch = "wasm32")))]
    followed: bool,
}

impl News {
    fn of(client: &Portico, id: &AccessRequestId) -> Self {
        #[cfg(not(all(feature = "subscriptions", not(target_arch = "wasm32"))))]
        let _ = (client, id);
        Self {
            delays: Box::new(endless_delays(Duration::from_millis(500), Duration::from_secs(10))),
            #[cfg(all(feature = "subscriptions", not(target_arch = "wasm32")))]
            changes: Some(client.access_requests().changes_of(id)),
            #[cfg(all(feature = "subscriptions", not(target_arch = "wasm32")))]
            followed: false,
        }
    }

    /// Answers with the request when the server has told that it is decided, with None when it is time to ask.
    #[cfg(not(all(feature = "subscriptions", not(target_arch = "wasm32"))))]
    async fn wait(&mut self) -> Option<AccessRequest> {
        sleep(self.delays.next().unwrap_or_default()).await;
        None
    }

    /// Answers with the request when the server has told that it is decided, with None when it is time to ask.
    #[cfg(all(feature = "subscriptions", not(target_arch = "wasm32")))]
    async fn wait(&mut self) -> Option<AccessRequest> {
        use crate::{Change, LiveEvent};

        /// A server that is followed is asked all the same, in case that it forgot to tell.
        const FOLLOWED: Duration = Duration::from_secs(30);
        loop {
            let delay = if self.followed {
                FOLLOWED
            } else {
                self.delays.next().unwrap_or_default()
            };
            let Some(changes) = &mut self.changes else {
                sleep(delay).await;
                return None;
            };
            match within(delay, changes.next()).await? {
                Some(Ok(LiveEvent::Update(Change::Present(request)))) if is_decided(&request) => return Some(request),
                // The present state is told first, so there is nothing to ask for.
                Some(Ok(LiveEvent::Connected | LiveEvent::Update(Change::Present(_)))) => self.followed = true,
                Some(Ok(LiveEvent::Disconnected(_) | LiveEvent::Update(Change::Gone(_)))) => {
                    self.followed = false;
                    return None;
                }
                // It cannot be followed: from now on it is asked.
                Some(Err(_)) | None => {
                    self.followed = false;
                    self.changes = None;
                }
            }
        }
    }
}
