//! Caddy with `forward_auth`.

use std::{fs, net::SocketAddr, process::Command};

use super::{
    program::{self, Program},
    scene::Scene,
    suite::{self, Proxy},
};

async fn start(scene: &Scene) -> (Program, SocketAddr) {
    let directory = tempfile::tempdir().unwrap();
    let address = program::free_address().await;
    let caddyfile = program::shipped(
        "caddy/Caddyfile",
        &[
            ("127.0.0.1:8010", &scene.forward_auth().to_string()),
            ("127.0.0.1:9000", &scene.api.address.to_string()),
            ("http://:8080", &format!("http://:{}", address.port())),
        ],
    );
    fs::write(directory.path().join("Caddyfile"), caddyfile).unwrap();
    let mut command = Command::new(program::unpacked("python/bin/caddy"));
    command.args(["run", "--config", "Caddyfile"]);
    let home = directory.path().to_owned();
    command.env("XDG_DATA_HOME", &home).env("XDG_CONFIG_HOME", &home);
    (Program::start(directory, command, address).await, address)
}

#[tokio::test]
async fn caddy_decides_as_the_gateway_does() {
    let scene = Scene::start().await;
    let (_caddy, address) = start(&scene).await;
    let proxy = Proxy { scene: &scene, address };
    proxy.check().await;
    proxy.does_not_pass_keys_it_was_not_told_of().await;
    scene.server.stop().await;
}

#[tokio::test]
async fn caddy_without_portico_is_closed() {
    let scene = Scene::start().await;
    let (_caddy, address) = start(&scene).await;
    let answer = suite::without_portico(scene, address).await;
    assert!(answer.status >= 500, "{answer:?}");
}
