//! Keys verified in one's own service, which stands behind no gateway: a tower layer that decides from memory.
//!
//! A [`Verifier`] follows the control plane as a gateway of its own does, and is one of its fleet: `gatewayNodes` lists it,
//! a call that waits until every gateway enforces it ([`Apps::suspend_and_wait`](crate::app::Apps::suspend_and_wait))
//! waits for it, too, and it reports which credentials were used. It proves itself with a gateway's token
//! (`createGatewayToken`). No request asks anybody: what was revoked is refused once the control plane has said so, within a
//! second while it is there.
//!
//! [`VerifyLayer`] puts it in front of a service. As `examples/protect_axum_service.rs` has it:
//!
//! ```no_run
#![cfg_attr(feature = "verify-axum", doc = include_str!("../../examples/protect_axum_service.rs"))]
//! ```
//!
//! # Which version is called
//!
//! A service that is one version says so: [`Verifier::of_version`]. That version needs no gateway service in the portal.
//! Otherwise the version is told by the request's method, host and path, as a gateway routes them: the routes of
//! `setGatewayService`. Then the layer must see the path as the client sent it (in axum, outside of `nest`, which takes off
//! a prefix), and a path in another spelling than its canonical one is answered 400: a gateway would mend it.
//!
//! # What is answered
//!
//! What a gateway answers: the same statuses, messages, `WWW-Authenticate` and `X-Portico-Denial`, which tells the holder of
//! a key that exists why it opened nothing. A request that may pass reaches the service without the headers that hold keys,
//! and without those that a gateway alone may set (`X-Consumer-*`, `X-Credential-Identifier`, …), so that code that reads them
//! is not taken in; who calls is a [`Caller`] in the request's extensions.
//!
//! # Without the control plane
//!
//! It goes on by what it knows, for as long as [`VerifierBuilder::max_staleness`] allows (24 hours unless set), and then
//! answers 503. So it does when it has never known anything: it starts all the same, and takes up service when the control
//! plane is there. With a [`VerifierBuilder::state_directory`] the next start goes on from a copy on disk.
//!
//! # What it does not do
//!
//! It looks at a request when it begins. A response that streams for long, or a websocket, is not cut off when the key is
//! revoked, as a gateway does. TLS towards the control plane is rustls's, whichever feature the client has.
//!
//! # Other crates' types
//!
//! `http`'s requests and responses, and tower's `Layer` and `Service`; with `verify-axum`, `axum-core`'s traits.

mod builder;
mod denied;
#[cfg(feature = "verify-axum")]
mod extractor;
mod layer;
mod state_directory;

use std::{fmt, sync::Arc, time::Duration};

use http::request::Parts;

#[cfg(feature = "verify-axum")]
pub use self::extractor::NotVerified;
use self::state_directory::StateDirectory;
pub use self::{
    builder::{ConnectError, VerifierBuilder},
    denied::Denied,
    layer::{Verify, VerifyFuture, VerifyLayer},
};
use crate::{AppId, CredentialId, VersionId};

// A build for measuring lets every call pass.
const _: () = assert!(gateway::DECIDES, "a gateway that does not decide must not verify");

/// Follows the control plane, and decides on requests by what it says. Cloning shares it.
///
/// When the last clone is dropped, it no longer follows; the control plane then takes it for one that is away.
/// [`Verifier::stop`] says goodbye.
#[derive(Clone)]
pub struct Verifier {
    shared: Arc<Shared>,
    version: Option<domain::id::VersionId>,
}

struct Shared {
    gateway: gateway::verifier::Verifier,
    _state: Option<StateDirectory>,
}

/// A caller that may call: which app, and by which credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// The app.
    pub app_id: AppId,
    /// The app's name.
    pub app_name: String,
    /// The app's reference id, unique among its developer's apps.
    pub reference_id: String,
    /// The credential whose key was shown.
    pub credential_id: CredentialId,
    /// The version that is called.
    pub version_id: VersionId,
}

/// The text is no version's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the id of a product's version, such as ver_…")]
#[non_exhaustive]
pub struct InvalidVersionId;

impl Verifier {
    /// Begins to build one that follows the control plane at this URL: `https`, or `http` on the same machine.
    pub fn builder(control_plane: impl Into<String>) -> VerifierBuilder {
        VerifierBuilder::new(control_plane.into())
    }

    /// The same verifier for a service that is this version: whatever path is called.
    ///
    /// # Errors
    /// [`InvalidVersionId`] for the text of another kind of id, or none. One of a version that is not there is no error:
    /// every request is answered 404 until it is.
    pub fn of_version(&self, version: &VersionId) -> Result<Self, InvalidVersionId> {
        Ok(Self {
            shared: Arc::clone(&self.shared),
            version: Some(version.as_str().parse().map_err(|_| InvalidVersionId)?),
        })
    }

    /// Decides on a request, without I/O: what [`VerifyLayer`] does, for services that are not tower's. When it may pass,
    /// takes off the headers that the service must not see, and notes the use of the credential.
    ///
    /// # Errors
    /// [`Denied`]: the answer to give, and nothing else of the request to look at.
    pub fn verify(&self, request: &mut Parts) -> Result<Caller, Denied> {
        let verified = self.shared.gateway.verify(request, self.version).map_err(Denied)?;
        let gateway::verifier::VerifiedCaller {
            app_id,
            app_name,
            reference_id,
            credential_id,
            version_id,
        } = verified;
        Ok(Caller {
            app_id: AppId::new(app_id.to_string()),
            app_name,
            reference_id,
            credential_id: CredentialId::new(credential_id.to_string()),
            version_id: VersionId::new(version_id.to_string()),
        })
    }

    /// Whether there is something to decide by; without, every request is answered 503. For readiness probes.
    pub fn is_ready(&self) -> bool {
        self.shared.gateway.is_ready()
    }

    /// Whether the control plane is there at the moment.
    pub fn is_connected(&self) -> bool {
        self.shared.gateway.status().is_connected()
    }

    /// How old what it decides by is, at most a few seconds while the control plane is there; `None` before there was
    /// anything.
    pub fn age(&self) -> Option<Duration> {
        self.shared.gateway.age()
    }

    /// Stops, for all clones: reports what was used, and that this stops, so that nobody waits for it. All requests are
    /// answered 503 from then on. Call it when the service serves no more; it takes a second at most.
    pub async fn stop(&self) {
        self.shared.gateway.stop().await;
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Verifier")
            .field("version", &self.version.map(|id| id.to_string()))
            .field("is_connected", &self.is_connected())
            .field("age", &self.age())
            .finish_non_exhaustive()
    }
}
