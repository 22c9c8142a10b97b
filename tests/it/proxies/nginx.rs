//! nginx with `auth_request`.

use std::{fs, net::SocketAddr, path::PathBuf, process::Command};

use super::{
    program::{self, Program},
    scene::Scene,
    suite::{self, Proxy},
};

/// The unpacked one, or the machine's own.
fn binary() -> PathBuf {
    let installed = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];
    installed
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
        .unwrap_or_else(|| program::unpacked("nginx/usr/sbin/nginx"))
}

async fn start(scene: &Scene) -> (Program, SocketAddr) {
    let directory = tempfile::tempdir().unwrap();
    let address = program::free_address().await;
    let site = program::shipped(
        "nginx/portico.conf",
        &[
            ("127.0.0.1:8010", &scene.forward_auth().to_string()),
            ("127.0.0.1:9000", &scene.api.address.to_string()),
            ("127.0.0.1:8080", &address.to_string()),
        ],
    );
    fs::write(directory.path().join("portico.conf"), site).unwrap();
    // What Debian's own nginx.conf has around the site, in this directory.
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {name};\n"))
        .concat();
    let main = format!(
        "daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log stderr;\nevents {{}}\n\
         http {{\naccess_log off;\n{paths}include portico.conf;\n}}\n"
    );
    fs::write(directory.path().join("nginx.conf"), main).unwrap();
    let mut command = Command::new(binary());
    let prefix = directory.path().to_owned();
    command.arg("-p").arg(&prefix).arg("-c").arg(prefix.join("nginx.conf"));
    // Started by root, its workers would be nobody, who may not look into this directory.
    command.args(["-e", "stderr"]);
    (Program::start(directory, command, address).await, address)
}

#[tokio::test]
async fn nginx_decides_as_the_gateway_does() {
    let scene = Scene::start().await;
    let (_nginx, address) = start(&scene).await;
    let proxy = Proxy { scene: &scene, address };
    proxy.check().await;
    proxy.does_not_pass_keys_it_was_not_told_of().await;
    scene.server.stop().await;
}

#[tokio::test]
async fn nginx_without_portico_is_closed() {
    let scene = Scene::start().await;
    let (_nginx, address) = start(&scene).await;
    let answer = suite::without_portico(scene, address).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.body, r#"{"message":"The gateway cannot be asked"}"#);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}
