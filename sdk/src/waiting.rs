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
    /// The request is asked for again and again (`node`), from half a second to 10 seconds apart. Failures that may pass
    /// are waited out. Dropping the call is safe at any time: it changes nothing.
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
    let mut delays = endless_delays(Duration::from_millis(500), Duration::from_secs(10));
    loop {
        match client.access_requests().get(id).await {
            Ok(Some(request)) if is_decided(&request) => return Ok(request),
            Ok(Some(_)) => {}
            Ok(None) => return Err(Error::NotFound { what: "AccessRequest" }),
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(error),
        }
        sleep(delays.next().unwrap_or_default()).await;
    }
}
