//! Traefik with `ForwardAuth`.

use std::{fs, net::SocketAddr, process::Command};

use super::{
    program::{self, Program},
    scene::Scene,
    suite::{self, Proxy},
};

async fn start(scene: &Scene) -> (Program, SocketAddr) {
    let directory = tempfile::tempdir().unwrap();
    let address = program::free_address().await;
    let routes = directory.path().join("portico.yml");
    let settings = program::shipped(
        "traefik/traefik.yml",
        &[
            ("127.0.0.1:8080", &address.to_string()),
            ("/etc/traefik/portico.yml", routes.to_str().unwrap()),
        ],
    );
    let shipped = program::shipped(
        "traefik/portico.yml",
        &[
            ("127.0.0.1:8010", &scene.forward_auth().to_string()),
            ("127.0.0.1:9000", &scene.api.address.to_string()),
        ],
    );
    fs::write(&routes, shipped).unwrap();
    fs::write(directory.path().join("traefik.yml"), settings).unwrap();
    let mut command = Command::new(program::unpacked("python/bin/traefik"));
    command.arg("--configFile=traefik.yml");
    let traefik = Program::start(directory, command, address).await;
    // It listens before it has read its routes; until then it answers 404 in plain text.
    loop {
        let answer = super::client::send(address, "GET", "/mock", &[], "").await;
        if answer.status == 401 {
            break;
        }
        assert_eq!(answer.body.trim(), "404 page not found", "{}", traefik.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    (traefik, address)
}

#[tokio::test]
async fn traefik_decides_as_the_gateway_does() {
    let scene = Scene::start().await;
    let (_traefik, address) = start(&scene).await;
    let proxy = Proxy { scene: &scene, address };
    proxy.check().await;
    proxy.does_not_pass_keys_it_was_not_told_of().await;
    scene.server.stop().await;
}

#[tokio::test]
async fn traefik_without_portico_is_closed() {
    let scene = Scene::start().await;
    let (_traefik, address) = start(&scene).await;
    let answer = suite::without_portico(scene, address).await;
    assert!(answer.status >= 500, "{answer:?}");
}
