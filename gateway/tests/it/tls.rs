//! Upstreams that speak TLS.

use std::{net::SocketAddr, sync::Arc};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::{
    harness::{Running, Scene},
    upstreams,
};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// An echo upstream behind TLS, with a certificate of its own for `localhost`.
async fn upstream() -> (SocketAddr, CertificateDer<'static>) {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = issued.cert.der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(issued.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(socket).await {
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service_fn(upstreams::tell))
                        .await;
                }
            });
        }
    });
    (address, certificate)
}

fn trusting(certificate: CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

#[tokio::test]
async fn a_trusted_upstream_is_called_under_its_name() {
    let (upstream, certificate) = upstream().await;
    let scene = Scene::new(&format!("https://localhost:{}/base", upstream.port()));
    let gateway = Running::with(&scene, |config| config.upstream_tls = Some(trusting(certificate))).await;
    let response = gateway.send(scene.request("GET /mock/x", "")).await;
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(response.json()["target"], "/base/x");
}

#[tokio::test]
async fn a_certificate_that_proves_nothing_is_a_bad_gateway() {
    let (upstream, certificate) = upstream().await;
    // Signed by nobody whom the public authorities know.
    let scene = Scene::new(&format!("https://localhost:{}", upstream.port()));
    let gateway = Running::start(&scene).await;
    assert_eq!(gateway.get(&scene).await.status, 502);
    // Trusted, but for another name.
    let scene = Scene::new(&format!("https://{upstream}"));
    let gateway = Running::with(&scene, |config| config.upstream_tls = Some(trusting(certificate))).await;
    assert_eq!(gateway.get(&scene).await.status, 502);
}
