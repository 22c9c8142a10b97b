//! The listeners where proxies that others run ask for decisions, of either process that has a snapshot.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use clap::Args;
use gateway::{BindError, FrontProxyConfig, FrontProxyListener, IpNet, Metrics, Protocol, SnapshotReader, Usage};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::config::GatewayListen;

/// Where proxies ask.
#[derive(Clone, Copy, Debug, Args)]
pub struct ProxyOptions {
    /// Address where nginx (auth_request), Traefik (ForwardAuth) and Caddy (forward_auth) ask whether a request may
    /// pass; `off` for none. Who may ask is what --trusted-proxies names.
    #[arg(
        long,
        env = "PORTICO_FORWARD_AUTH_LISTEN",
        default_value = "off",
        value_name = "ADDRESS"
    )]
    pub forward_auth_listen: GatewayListen,
    /// Address where Envoy asks by gRPC (envoy.service.auth.v3), and so Istio and Contour; `off` for none. Who may ask
    /// is what --trusted-proxies names.
    #[arg(
        long,
        env = "PORTICO_EXT_AUTHZ_LISTEN",
        default_value = "off",
        value_name = "ADDRESS"
    )]
    pub ext_authz_listen: GatewayListen,
}

impl ProxyOptions {
    /// Nobody asks.
    pub const OFF: Self = Self {
        forward_auth_listen: GatewayListen::Off,
        ext_authz_listen: GatewayListen::Off,
    };
}

/// Why proxies cannot ask.
#[derive(Debug, thiserror::Error)]
pub enum ProxyListenError {
    /// A listener without anybody who may ask.
    #[error(
        "{flag} is of no use while nobody may ask: name the proxies' addresses with --trusted-proxies \
         (PORTICO_TRUSTED_PROXIES)"
    )]
    NobodyTrusted {
        /// The listener's flag.
        flag: &'static str,
    },
    /// The address is not to be had.
    #[error("{source}; choose another address with {flag}, or `off`")]
    Listen {
        /// The listener's flag.
        flag: &'static str,
        /// What the gateway said.
        source: BindError,
    },
}

/// The listeners, bound.
#[derive(Debug)]
pub struct ProxyListeners {
    listeners: Vec<(Protocol, FrontProxyListener)>,
}

impl ProxyListeners {
    /// Binds those that are not off.
    ///
    /// # Errors
    /// [`ProxyListenError`]; nothing stays bound then.
    pub async fn bind(
        options: ProxyOptions,
        trusted_proxies: &[IpNet],
        shutdown_grace: Duration,
        snapshot: &SnapshotReader,
        usage: &Arc<Usage>,
        metrics: &Metrics,
    ) -> Result<Self, ProxyListenError> {
        let asked_for = [
            (
                Protocol::ForwardAuth,
                "--forward-auth-listen",
                options.forward_auth_listen,
            ),
            (Protocol::ExtAuthz, "--ext-authz-listen", options.ext_authz_listen),
        ];
        let mut listeners = Vec::new();
        for (protocol, flag, listen) in asked_for {
            let GatewayListen::On(listen) = listen else {
                continue;
            };
            if trusted_proxies.is_empty() {
                return Err(ProxyListenError::NobodyTrusted { flag });
            }
            let config = FrontProxyConfig {
                listen,
                trusted_proxies: trusted_proxies.to_vec(),
                shutdown_grace,
                metrics: metrics.clone(),
            };
            let listener = FrontProxyListener::bind(protocol, config, snapshot.clone(), Arc::clone(usage))
                .await
                .map_err(|source| ProxyListenError::Listen { flag, source })?;
            listeners.push((protocol, listener));
        }
        Ok(Self { listeners })
    }

    /// The addresses that were taken, which no upstream may have.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.listeners.iter().map(|(_, listener)| listener.local_addr())
    }

    /// The address at which questions of this protocol are answered, if they are.
    #[must_use]
    pub fn address(&self, protocol: Protocol) -> Option<SocketAddr> {
        self.listeners
            .iter()
            .find(|(one, _)| *one == protocol)
            .map(|(_, listener)| listener.local_addr())
    }

    /// Serves in tasks of their own until `shutdown`.
    pub fn serve(self, tasks: &TaskTracker, shutdown: &CancellationToken) {
        for (_, listener) in self.listeners {
            tasks.spawn(listener.serve(shutdown.clone().cancelled_owned()));
        }
    }
}
