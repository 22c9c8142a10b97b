//! For services that stand behind no gateway: the decision, taken in their own process.
//!
//! ```text
//!   control plane ──► Link ──► snapshot ──► Verifier ◄── each request's head
//!                      ▲                       │ uses
//!                      └───────── Usage ◄──────┘
//! ```
//!
//! It decides as the gateway's own listener does, and takes off the same headers; what is forwarded, limited or cut off is
//! the service's matter.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{
    contact::MaxStaleness,
    id::{AppId, CredentialId, VersionId},
};
use http::{Response, StatusCode, request::Parts};

use crate::{
    admission,
    answer::Refused,
    control_plane::{Link, LinkConfig, LinkError, LinkStatus},
    front_proxy::{headers_to_remove, must_be_canonical},
    snapshot::{self, Credential, Snapshot, SnapshotReader},
    target::RequestTarget,
    usage::Usage,
};

/// Who calls: a caller that may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCaller {
    /// The app whose key it showed.
    pub app_id: AppId,
    /// Its name.
    pub app_name: String,
    /// Its reference id.
    pub reference_id: String,
    /// The credential whose key it is.
    pub credential_id: CredentialId,
    /// The version that it calls.
    pub version_id: VersionId,
}

/// The answer to give in place of the service's own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Denied(Refused);

impl Denied {
    /// Its status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.0.status()
    }

    /// What it says.
    #[must_use]
    pub fn message(self) -> &'static str {
        self.0.message()
    }

    /// Why a key that exists opened nothing, in the words of [`DENIAL_HEADER`](crate::DENIAL_HEADER); `None` for all who
    /// showed none.
    #[must_use]
    pub fn reason(self) -> Option<&'static str> {
        self.0.denial()
    }

    /// The answer as the gateway gives it.
    #[must_use]
    pub fn response<B: From<String>>(self) -> Response<B> {
        self.0.response_with(B::from(self.0.body()))
    }
}

impl fmt::Debug for Denied {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Decides on requests by what the control plane says, from memory.
#[derive(Debug)]
pub struct Verifier {
    decisions: Decisions,
    status: LinkStatus,
    /// `None` once it has been stopped.
    link: Mutex<Option<Link>>,
}

impl Verifier {
    /// Begins to follow the control plane; returns as [`Link::start`] does. Dropping it ends that, without telling the
    /// control plane: [`Verifier::stop`] does.
    ///
    /// # Errors
    /// [`LinkError`] when TLS cannot be set up.
    pub async fn connect(config: LinkConfig) -> Result<Self, LinkError> {
        let (writer, reader) = snapshot::channel();
        let decisions = Decisions {
            reader,
            usage: Arc::new(Usage::new()),
            max_staleness: config.max_staleness,
            is_stopped: AtomicBool::new(false),
        };
        let link = Link::start(config, writer, Arc::clone(&decisions.usage)).await?;
        Ok(Self {
            decisions,
            status: link.status().clone(),
            link: Mutex::new(Some(link)),
        })
    }

    /// Decides on a request: of a service that is `version`, or else by the version that the request's method, host and
    /// path lead to. When it may pass, the headers are taken off that hold keys and that a gateway alone may set, and the
    /// use of the credential is noted.
    ///
    /// Without a version, path and host are taken as they stand in the request, so this must see them as the client sent
    /// them.
    ///
    /// # Errors
    /// The answer to give instead. A path that is not in its canonical form is 400, as whoever reads it next would not
    /// mend it as a gateway does.
    pub fn verify(&self, request: &mut Parts, version: Option<VersionId>) -> Result<VerifiedCaller, Denied> {
        self.decisions.verify(request, version).map_err(Denied)
    }

    /// Whether there is something to decide by that is not too old; without, every request is answered 503.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.decisions.snapshot().is_some()
    }

    /// How the link to the control plane is.
    #[must_use]
    pub const fn status(&self) -> &LinkStatus {
        &self.status
    }

    /// How long ago the control plane's state was known to be this; `None` before it was known at all.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.status.age()
    }

    /// Stops in order: what was used is reported, and that this stops. All requests are answered 503 from then on. Does
    /// nothing the second time.
    pub async fn stop(&self) {
        // First of all: whoever waits for this may stop to wait, and nothing is followed any more.
        self.decisions.is_stopped.store(true, Ordering::Relaxed);
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(link) = link {
            link.stop().await;
        }
    }
}

/// What decides, and where uses are noted.
#[derive(Debug)]
struct Decisions {
    reader: SnapshotReader,
    usage: Arc<Usage>,
    max_staleness: MaxStaleness,
    is_stopped: AtomicBool,
}

impl Decisions {
    fn verify(&self, request: &mut Parts, version: Option<VersionId>) -> Result<VerifiedCaller, Refused> {
        let snapshot = self.snapshot().ok_or(Refused::NotReady)?;
        let now = self.reader.now();
        let headers = &request.headers;
        let caller = match version {
            Some(version) => {
                let (_, credential) = admission::admit_to(&snapshot, version, headers, now)?;
                caller_of(credential, version)
            }
            None => {
                let RequestTarget { host, path } = RequestTarget::of(request)?;
                must_be_canonical(request.uri.path(), &path)?;
                let admitted = admission::admit(&snapshot, &host, &path, request.method.as_str(), headers, now)?;
                // A build for measuring lets calls pass without.
                let credential = admitted.credential.ok_or(Refused::NotReady)?;
                caller_of(credential, admitted.permit.version().id)
            }
        };
        for name in headers_to_remove(&snapshot, &request.headers) {
            request.headers.remove(name);
        }
        self.usage.record(caller.credential_id, now);
        Ok(caller)
    }

    /// What may be enforced. The link withdraws what has become too old, as long as it runs; this runs in somebody else's
    /// process, and closes even when the link's tasks are gone with the runtime that they ran on.
    fn snapshot(&self) -> Option<Arc<Snapshot>> {
        let is_young = self.reader.age().is_none_or(|age| self.max_staleness.allows(age));
        let may_be_used = is_young && !self.is_stopped.load(Ordering::Relaxed);
        self.reader.load().filter(|_| may_be_used)
    }
}

fn caller_of(credential: Credential<'_>, version_id: VersionId) -> VerifiedCaller {
    let app = credential.app();
    VerifiedCaller {
        app_id: app.id(),
        app_name: app.name().to_owned(),
        reference_id: app.reference_id().to_owned(),
        credential_id: credential.id(),
        version_id,
    }
}

#[cfg(test)]
#[path = "verifier_tests.rs"]
mod tests;
