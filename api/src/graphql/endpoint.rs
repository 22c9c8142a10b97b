//! What the HTTP edge asks of the schema: who calls, and what the answer is.

use std::{net::IpAddr, sync::Arc, time::Duration};

use domain::{Timestamp, id::SessionId, viewer::Viewer};

use super::{Schema, turns::Turns};
use crate::{
    answer_cache::{Found, Pending, RequestDigest},
    budget::Payer,
    context::CallContext,
    control_plane::ControlPlane,
    http::{
        document_source::Asker,
        graphql::{AuthenticationFailed, Executed, GraphqlCall, GraphqlService},
    },
    loader::{self, Batches},
};

/// How old a token is at most whose session this node may not have heard of. Older ones are not worth a look at the
/// change log, so that tokens of ended sessions cost nothing.
const NEWS_ARRIVES_WITHIN: Duration = Duration::from_secs(10);

/// Operations of one caller that run at once; more wait.
const AT_ONCE: usize = 16;

/// The schema with the server behind it.
#[derive(Clone)]
pub struct Endpoint {
    plane: Arc<ControlPlane>,
    schema: Schema,
    turns: Turns<(String, Option<IpAddr>)>,
}

impl Endpoint {
    /// The endpoint of this server.
    #[must_use]
    pub fn new(plane: Arc<ControlPlane>) -> Self {
        Self {
            plane,
            schema: super::schema(),
            turns: Turns::new(AT_ONCE),
        }
    }
}

/// Who calls, as far as the access token tells.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    viewer: Viewer,
    session: Option<SessionId>,
}

#[cfg(test)]
impl Caller {
    /// The caller with these eyes.
    pub(crate) fn of(viewer: Viewer) -> Self {
        Self { viewer, session: None }
    }
}

impl GraphqlService for Endpoint {
    type Caller = Caller;

    fn anonymous(&self) -> Caller {
        Caller {
            viewer: Viewer::Anonymous,
            session: None,
        }
    }

    async fn authenticate(&self, access_token: &str) -> Result<Caller, AuthenticationFailed> {
        let now = Timestamp::now();
        let claims = self
            .plane
            .access_tokens
            .verify(access_token)
            .map_err(|_| AuthenticationFailed::Rejected)?;
        let directory = &self.plane.directory;
        let mut known = directory.check(&claims, now);
        // A client may be quicker than the change log: it signed in on another node a moment ago.
        if known.is_err() && now.saturating_duration_since(claims.issued_at) < NEWS_ARRIVES_WITHIN {
            let caught_up = self.plane.follower.catch_up_with_other_nodes().await;
            caught_up.map_err(|_| AuthenticationFailed::Unavailable)?;
            known = directory.check(&claims, now);
        }
        Ok(Caller {
            viewer: known.map_err(|_| AuthenticationFailed::Rejected)?,
            session: Some(claims.session),
        })
    }

    fn asker(&self, caller: &Caller) -> Asker {
        match caller.viewer {
            Viewer::Anonymous => Asker::Stranger,
            Viewer::Developer { .. } => Asker::Developer,
            Viewer::Admin { .. } => Asker::Admin,
        }
    }

    fn payer(&self, caller: &Caller, address: Option<IpAddr>) -> Payer {
        Payer::of(caller.viewer, address)
    }

    async fn recall(&self, caller: &Caller, request: RequestDigest) -> Found {
        let Some(answers) = &self.plane.answers else {
            return Found::Nothing(request.into());
        };
        let found = answers.find(caller.viewer, request).await;
        found.unwrap_or_else(|error| {
            // The query is executed then, and says itself what it meets.
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a kept answer cannot be proven"
            );
            Found::Nothing(request.into())
        })
    }

    async fn execute(&self, mut call: GraphqlCall<Caller>) -> Executed {
        let context = CallContext {
            viewer: call.caller.viewer,
            session: call.caller.session,
            request_id: Some(call.request_id.as_str().to_owned()),
            client_address: call.client_address,
            now: Timestamp::now(),
        };
        // An account from wherever it calls; whoever is not signed in by address.
        let address = context.client_address.filter(|_| context.viewer == Viewer::Anonymous);
        let _turn = self.turns.take((context.actor(), address)).await;
        let pending = self.begin(&mut call, context.now).await;
        let horizon = pending.as_ref().map(Pending::horizon).unwrap_or_default();
        let batches = Batches::default();
        let loaders = loader::for_request(Arc::clone(&self.plane), context.clone(), &batches);
        let request = call.request.data(Arc::clone(&self.plane)).data(context).data(loaders);
        let response = batches.run(self.schema.execute(request.data(horizon))).await;
        Executed { response, pending }
    }
}

impl Endpoint {
    /// What is to be kept of the answer, if anything.
    async fn begin(&self, call: &mut GraphqlCall<Caller>, now: Timestamp) -> Option<Pending> {
        let (answers, miss) = (self.plane.answers.as_ref()?, call.miss?);
        let operation_name = call.request.operation_name.clone();
        let document = call.request.parsed_query().ok()?;
        let operation = (document, operation_name.as_deref());
        answers.begin(miss, call.caller.viewer, operation, now).await
    }
}
