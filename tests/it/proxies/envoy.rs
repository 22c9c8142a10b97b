//! Envoy with external authorization over gRPC.

use std::{fs, net::SocketAddr, process::Command};

use super::{
    program::{self, Program},
    scene::Scene,
    suite::{self, Proxy},
};

async fn start(scene: &Scene) -> (Program, SocketAddr) {
    let directory = tempfile::tempdir().unwrap();
    let address = program::free_address().await;
    let port = |address: SocketAddr| format!("port_value: {} }}", address.port());
    let bootstrap = program::shipped(
        "envoy/envoy.yaml",
        &[
            ("port_value: 8011 }", &port(scene.ext_authz())),
            ("port_value: 9000 }", &port(scene.api.address)),
            ("port_value: 8080 }", &port(address)),
        ],
    );
    fs::write(directory.path().join("envoy.yaml"), bootstrap).unwrap();
    let mut command = Command::new(program::unpacked("python/envoy/_bin/envoy"));
    command.args([
        "-c",
        "envoy.yaml",
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "-l",
        "warn",
    ]);
    (Program::start(directory, command, address).await, address)
}

#[tokio::test]
async fn envoy_decides_as_the_gateway_does() {
    let scene = Scene::start().await;
    let (_envoy, address) = start(&scene).await;
    let proxy = Proxy { scene: &scene, address };
    proxy.check().await;
    scene.server.stop().await;
}

/// Envoy is told with each answer which headers to take off.
#[tokio::test]
async fn envoy_keeps_every_key_to_itself() {
    let scene = Scene::start().await;
    let (_envoy, address) = start(&scene).await;
    let proxy = Proxy { scene: &scene, address };
    scene.open_partner().await;
    let key = scene.key.as_str();
    for headers in [
        &[("x-partner-key", key)][..],
        &[
            ("x-partner-key", key),
            ("apikey", "another's"),
            ("x_partner_key", "another's"),
        ],
    ] {
        let seen = proxy.get("/partner", headers).await.seen();
        assert_eq!(seen.values("x-consumer-id").len(), 1);
        assert!(
            seen.names("x-partner-key").is_empty() && seen.names("apikey").is_empty(),
            "{seen:?}"
        );
    }
    scene.server.stop().await;
}

#[tokio::test]
async fn envoy_without_portico_is_closed() {
    let scene = Scene::start().await;
    let (_envoy, address) = start(&scene).await;
    let answer = suite::without_portico(scene, address).await;
    assert_eq!(answer.status, 503);
}
