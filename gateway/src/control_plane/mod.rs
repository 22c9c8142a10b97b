//! The link of a gateway of its own to the control plane.
//!
//! ```text
//!                 ┌─ stream ──► Enforced ──► SnapshotWriter ──► calls
//!   control plane │               │  ▲
//!                 │               │  └─ staleness: too long without contact: withdrawn, 503
//!                 │               ├──► copy on disk ──► the next start, when the control plane is away
//!                 └─ report ◄─────┘
//! ```
//!
//! Each arrow is a task of its own: none waits for the disk or for a report before it serves.

mod copy;
mod enforced;
mod lines;
mod report;
mod stream;
mod token;
mod url;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{contact::MaxStaleness, id::GatewayNodeId};
use tokio::sync::{Notify, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{copy::Copier, enforced::Enforced, report::Reporter, stream::Stream};
pub use self::{
    token::{TokenError, TokenSource},
    url::{ControlPlaneUrl, InvalidControlPlaneUrl},
};
use crate::{snapshot::SnapshotWriter, usage::Usage};

/// How often the age of the snapshot is looked at.
const STALENESS_INTERVAL: Duration = Duration::from_secs(1);

/// How long a start waits for the control plane before it takes the copy.
const FIRST_CONTACT: Duration = Duration::from_secs(2);

/// How long a connection to the control plane may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the control plane may be silent: it sends a heartbeat every second.
const SILENCE: Duration = Duration::from_secs(10);

/// How to reach the control plane, and who we are to it.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Where it is.
    pub url: ControlPlaneUrl,
    /// What we prove ourselves with.
    pub token: TokenSource,
    /// Authorities (PEM) that alone may vouch for the control plane; `None`: those of the system.
    pub authorities: Option<Vec<u8>>,
    /// Our id, the same at every start.
    pub node: GatewayNodeId,
    /// What our operator calls us.
    pub name: String,
    /// The version of Portico that runs.
    pub version: String,
    /// How long to go on without contact.
    pub max_staleness: MaxStaleness,
    /// Where the copy of the snapshot is; `None`: there is none, and a start without the control plane enforces nothing.
    pub copy: Option<PathBuf>,
}

/// The link cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The authorities cannot be read, or TLS cannot be set up.
    #[error("the connection to the control plane cannot be set up")]
    Tls(#[source] reqwest::Error),
}

/// How the link is, for health checks and metrics. Cloning shares it.
#[derive(Clone, Debug)]
pub struct LinkStatus {
    enforced: Arc<Enforced>,
    connected: Arc<AtomicBool>,
    copy_failure: watch::Receiver<Option<String>>,
}

impl LinkStatus {
    /// Whether the stream from the control plane is up.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// Whether there is a snapshot to enforce; without one every call is answered 503.
    #[must_use]
    pub fn is_enforcing(&self) -> bool {
        self.enforced.position().is_some()
    }

    /// How long ago the snapshot was known to be true; `None` before the first one.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.enforced.age()
    }

    /// Why the copy on disk is not what is enforced; `None` when it is.
    #[must_use]
    pub fn copy_failure(&self) -> Option<String> {
        self.copy_failure.borrow().clone()
    }
}

/// A link that works until it is stopped or dropped.
#[derive(Debug)]
pub struct Link {
    status: LinkStatus,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Link {
    /// Begins to follow the control plane. Returns when there is a snapshot to enforce, or when there is none to be had
    /// for now: neither the control plane (within two seconds) nor the copy on disk has one that is not too old.
    ///
    /// # Errors
    /// [`LinkError`] when TLS cannot be set up.
    pub async fn start(config: LinkConfig, writer: SnapshotWriter, usage: Arc<Usage>) -> Result<Self, LinkError> {
        let http = http_client(&config).map_err(LinkError::Tls)?;
        let config = Arc::new(config);
        let enforced = Arc::new(Enforced::new(writer, config.max_staleness));
        let (copy_failed, copy_failure) = watch::channel(None);
        let connected = Arc::new(AtomicBool::new(false));
        let link = Self {
            status: LinkStatus {
                enforced: Arc::clone(&enforced),
                connected: Arc::clone(&connected),
                copy_failure: copy_failure.clone(),
            },
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let first_failure = Arc::new(Notify::new());
        let stream = Stream {
            config: Arc::clone(&config),
            http: http.clone(),
            enforced: Arc::clone(&enforced),
            connected,
            failed: Arc::clone(&first_failure),
        };
        let mut positions = enforced.positions();
        link.spawn(|stop| stream.run(stop));
        tokio::select! {
            _ = positions.wait_for(Option::is_some) => {}
            () = first_failure.notified() => {}
            () = tokio::time::sleep(FIRST_CONTACT) => {}
        }
        if let Some(path) = config.copy.clone() {
            let mut copier = Copier::new(path, Arc::clone(&enforced), copy_failed, config.max_staleness);
            copier.restore().await;
            link.spawn(|stop| copier.run(stop));
        }
        let reporter = Reporter {
            config,
            http,
            enforced: Arc::clone(&enforced),
            copy_failure,
            usage,
        };
        link.spawn(|stop| watch_staleness(enforced, stop));
        link.spawn(|stop| reporter.run(stop));
        Ok(link)
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, task: impl FnOnce(CancellationToken) -> F) {
        self.tasks.spawn(task(self.stop.clone()));
    }

    /// How it is.
    #[must_use]
    pub const fn status(&self) -> &LinkStatus {
        &self.status
    }

    /// Stops, in order: the copy holds the last state, and the control plane knows that we stop. Call it when no more
    /// calls are served.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn watch_staleness(enforced: Arc<Enforced>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(STALENESS_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => enforced.withdraw_if_stale(),
        }
    }
}

fn http_client(config: &LinkConfig) -> Result<reqwest::Client, reqwest::Error> {
    let mut client = reqwest::Client::builder()
        .http1_only()
        // The token goes to the control plane and to nobody that it, or a proxy of the environment, names.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(SILENCE)
        .tcp_keepalive(SILENCE);
    if let Some(authorities) = &config.authorities {
        client = client.tls_certs_only(reqwest::Certificate::from_pem_bundle(authorities)?);
    }
    client.build()
}
