//! What the HTTP edge asks of the schema: who calls, and what the answer is.

use std::{net::IpAddr, sync::Arc};

use domain::{Timestamp, id::SessionId, viewer::Viewer};

use super::{Schema, turns::Turns};
use crate::{
    context::CallContext,
    control_plane::ControlPlane,
    http::graphql::{AuthenticationFailed, GraphqlCall, GraphqlService},
    loader,
};

/// The most bytes of a body: an admin uploads specifications of up to 5 MiB.
const BODY_LIMIT: usize = 1024 * 1024;
const ADMIN_BODY_LIMIT: usize = 6 * 1024 * 1024;

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
        let viewer = self
            .plane
            .directory
            .check(&claims, now)
            .map_err(|_| AuthenticationFailed::Rejected)?;
        Ok(Caller {
            viewer,
            session: Some(claims.session),
        })
    }

    fn body_limit(&self, caller: &Caller) -> usize {
        if caller.viewer.is_admin() {
            ADMIN_BODY_LIMIT
        } else {
            BODY_LIMIT
        }
    }

    async fn execute(&self, call: GraphqlCall<Caller>) -> async_graphql::Response {
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
        let loaders = loader::for_request(Arc::clone(&self.plane), context.clone());
        let request = call.request.data(Arc::clone(&self.plane)).data(context).data(loaders);
        self.schema.execute(request).await
    }
}
