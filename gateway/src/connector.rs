//! Connections to upstreams: resolved first, checked then, so that no name leads where no upstream may be.

use std::{
    error::Error as StdError,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use domain::gateway_service::is_forbidden_address;
use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tower_service::Service;

use crate::{config::GatewayConfig, gathered_io::GatheredIo, pool::KnownUpstream};

/// After how long without a byte a peer is asked whether it still lives. Frees tunnels whose peer vanished.
pub(crate) const TCP_KEEPALIVE: Duration = Duration::from_secs(60);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// Resolving and connecting took too long.
    #[error("connecting took too long")]
    Timeout,
    /// The name resolves only to addresses that no upstream may have.
    #[error("{0} is an address that no upstream may have")]
    Forbidden(IpAddr),
    /// The name does not resolve.
    #[error("the name does not resolve")]
    NotFound,
    /// The URL has no host.
    #[error("the upstream has no host")]
    NoHost,
    /// The network refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ConnectError {
    /// The one among an error's causes.
    pub(crate) fn within<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found);
            }
            cause = match error.downcast_ref::<io::Error>() {
                // An I/O error hides the one that it was made of.
                Some(error) => error.get_ref().map(|error| error as &(dyn StdError + 'static)),
                None => error.source(),
            };
        }
        None
    }
}

/// A connection to an upstream, with TLS where its URL says so.
pub(crate) type UpstreamIo = MaybeHttpsStream<TokioIo<GatheredIo>>;

/// The TLS configuration for upstreams could not be built.
#[derive(Debug, thiserror::Error)]
#[error("the TLS configuration for upstreams cannot be built")]
pub struct TlsError(#[from] rustls::Error);

/// Connects to upstreams, with TLS where it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    https: HttpsConnector<TcpConnector>,
    limit: Duration,
}

impl Connector {
    /// Refuses `own_listeners` besides what no upstream may have; gives up after the configured time.
    pub(crate) fn new(config: &GatewayConfig, own_listeners: impl Into<Arc<[SocketAddr]>>) -> Result<Self, TlsError> {
        let tls = match &config.upstream_tls {
            Some(tls) => rustls::ClientConfig::clone(tls),
            None => public_authorities()?,
        };
        let limit = config.timeouts.connect;
        Ok(Self {
            https: HttpsConnector::from((TcpConnector::new(own_listeners, limit), tls)),
            limit,
        })
    }

    /// Connects; the TLS handshake has as much time again as the connection before it.
    pub(crate) async fn connect(
        &self,
        upstream: &KnownUpstream,
    ) -> Result<UpstreamIo, Box<dyn StdError + Send + Sync>> {
        let connecting = self.https.clone().call(upstream.uri().clone());
        match timeout(2 * self.limit, connecting).await {
            Ok(result) => result,
            Err(_) => Err(ConnectError::Timeout.into()),
        }
    }
}

fn public_authorities() -> Result<rustls::ClientConfig, TlsError> {
    let roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    Ok(
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

/// Connects by TCP to what it may.
#[derive(Clone, Debug)]
struct TcpConnector {
    own_listeners: Arc<[SocketAddr]>,
    limit: Duration,
}

impl TcpConnector {
    /// Refuses `own_listeners` besides what no upstream may have; gives up after `limit`.
    fn new(own_listeners: impl Into<Arc<[SocketAddr]>>, limit: Duration) -> Self {
        Self {
            own_listeners: own_listeners.into(),
            limit,
        }
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<GatheredIo>, ConnectError> {
        let host = uri.host().ok_or(ConnectError::NoHost)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = uri
            .port_u16()
            .unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        match timeout(self.limit, self.connect_to(host, port)).await {
            Ok(result) => result.map(|stream| TokioIo::new(GatheredIo(stream))),
            Err(_) => Err(ConnectError::Timeout),
        }
    }

    /// Tries each address in the resolver's order (RFC 6724), each with its share of the time.
    async fn connect_to(&self, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
        let mut last = ConnectError::NotFound;
        let addresses: Vec<SocketAddr> = match lookup_host((host, port)).await {
            Ok(addresses) => addresses.collect(),
            Err(error) => {
                tracing::debug!(%error, "an upstream's name did not resolve");
                return Err(ConnectError::NotFound);
            }
        };
        let share = self.limit / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
        for address in addresses {
            if self.is_forbidden(address) {
                last = ConnectError::Forbidden(address.ip());
                continue;
            }
            last = match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) if self.is_own(&stream)? => ConnectError::Forbidden(address.ip()),
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true)?;
                    SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(TCP_KEEPALIVE))?;
                    return Ok(stream);
                }
                Ok(Err(error)) => ConnectError::Io(error),
                Err(_) => ConnectError::Timeout,
            };
        }
        Err(last)
    }

    fn is_forbidden(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        is_forbidden_address(ip)
            || self.own_listeners.iter().any(|own| {
                let own_ip = own.ip().to_canonical();
                own.port() == address.port() && (own_ip == ip || (own_ip.is_unspecified() && ip.is_loopback()))
            })
    }

    /// A listener on all addresses is reached by any address of this machine, and then both ends have the same one.
    fn is_own(&self, stream: &TcpStream) -> io::Result<bool> {
        let (peer, local) = (stream.peer_addr()?, stream.local_addr()?);
        Ok(peer.ip() == local.ip()
            && self
                .own_listeners
                .iter()
                .any(|own| own.port() == peer.port() && own.ip().to_canonical().is_unspecified()))
    }
}

impl Service<Uri> for TcpConnector {
    type Response = TokioIo<GatheredIo>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn connector(own: &[SocketAddr]) -> TcpConnector {
        TcpConnector::new(own.to_vec(), Duration::from_secs(10))
    }

    async fn connect(connector: &TcpConnector, url: String) -> Result<TokioIo<GatheredIo>, ConnectError> {
        connector.clone().connect(url.parse().unwrap()).await
    }

    #[tokio::test]
    async fn names_are_resolved_then_checked() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://localhost:{}/", address.port());
        assert!(connect(&connector(&[]), url.clone()).await.is_ok());
        let refused = connect(&connector(&[address]), url).await.unwrap_err();
        // `localhost` may also stand for ::1, where nobody listens.
        assert!(
            matches!(refused, ConnectError::Forbidden(_) | ConnectError::Io(_)),
            "{refused}"
        );
    }

    #[tokio::test]
    async fn own_listeners_are_refused_by_every_name() {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let own = listener.local_addr().unwrap();
        for host in ["127.0.0.1", "127.9.9.9", "[::ffff:127.0.0.1]"] {
            let refused = connect(&connector(&[own]), format!("http://{host}:{}/", own.port())).await;
            assert!(matches!(refused, Err(ConnectError::Forbidden(_))), "{host}");
        }
        // Another port of this machine is nobody's business.
        let other = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let refused = connect(&connector(&[own]), format!("http://{other}/")).await;
        assert!(matches!(refused, Err(ConnectError::Io(_))));
    }

    #[tokio::test]
    async fn a_listener_on_all_addresses_is_known_by_the_connection_alone() {
        // As it would be by an address of this machine that is not loopback, which not every machine has.
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let own = listener.local_addr().unwrap();
        let stream = TcpStream::connect(("127.0.0.1", own.port())).await.unwrap();
        assert!(connector(&[own]).is_own(&stream).unwrap());
        let here_alone = SocketAddr::from(([127, 0, 0, 2], own.port()));
        assert!(!connector(&[here_alone]).is_own(&stream).unwrap());
        let other_port = SocketAddr::from(([0, 0, 0, 0], own.port().wrapping_add(1)));
        assert!(!connector(&[other_port]).is_own(&stream).unwrap());
    }

    #[tokio::test]
    async fn link_local_addresses_are_never_dialled() {
        for host in ["169.254.169.254", "[fe80::1]", "0.0.0.0", "[::ffff:169.254.169.254]"] {
            let refused = connect(&connector(&[]), format!("http://{host}/")).await;
            assert!(matches!(refused, Err(ConnectError::Forbidden(_))), "{host}");
        }
    }

    #[tokio::test]
    async fn a_name_that_does_not_exist_is_not_found() {
        let refused = connect(&connector(&[]), "http://upstream.invalid/".to_owned()).await;
        assert!(matches!(refused, Err(ConnectError::NotFound)));
    }
}
