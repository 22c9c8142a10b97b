//! A mutation returns only after the gateway has its effect.

use std::time::Duration;

use portico_sdk::{
    CreateKeyAuthStrategyInput, EnableRegistrationInput, Portico, RevokeAccessRequestInput, RotateCredentialInput,
    RouteInput, SetGatewayServiceInput, UpdateKeyAuthStrategyInput, VersionLifecycle,
};
use portico_tests::{
    fixture::{self, Published},
    server::{TestDeveloper, TestServer},
    upstream::Upstream,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::gateway_equality::assert_gateway_equals_database;

struct Scene {
    server: TestServer,
    admin: Portico,
    dana: TestDeveloper,
    app: portico_sdk::App,
    published: Published,
    credential: portico_sdk::Credential,
    key: String,
    _upstream: Upstream,
}

/// One app that may call `/mock`.
async fn scene() -> Scene {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", true).await;
    let dana = server.developer(&admin, "dana").await;
    let app = fixture::app(&dana, "banking").await;
    fixture::request(&dana, &app, &published.version).await;
    let (credential, key) = fixture::key(&dana, &app).await;
    let scene = Scene {
        server,
        admin,
        dana,
        app,
        published,
        credential,
        key,
        _upstream: upstream,
    };
    scene.opens(&scene.key).await;
    scene
}

impl Scene {
    async fn opens(&self, key: &str) {
        assert_eq!(self.server.verdict("/mock", Some(key)).await, (200, None));
        assert_gateway_equals_database(&self.server).await;
    }

    async fn denies(&self, key: &str, status: u16, reason: Option<&str>) {
        let verdict = self.server.verdict("/mock", Some(key)).await;
        assert_eq!(verdict, (status, reason.map(str::to_owned)));
        assert_gateway_equals_database(&self.server).await;
    }
}

#[tokio::test]
async fn of_what_admins_do_to_apps_and_developers() {
    let scene = scene().await;
    for _ in 0..3 {
        scene.admin.apps().suspend(&scene.app.id, "checking").await.unwrap();
        scene.denies(&scene.key, 403, Some("APP_SUSPENDED")).await;
        scene.admin.apps().resume(&scene.app.id).await.unwrap();
        scene.opens(&scene.key).await;
        scene.admin.developers().revoke(&scene.dana.id, "left").await.unwrap();
        scene.denies(&scene.key, 403, Some("DEVELOPER_REVOKED")).await;
        scene.admin.developers().approve(&scene.dana.id, None).await.unwrap();
        scene.opens(&scene.key).await;
    }
    scene.server.stop().await;
}

#[tokio::test]
async fn of_a_versions_life() {
    let scene = scene().await;
    let version = &scene.published.version.id;
    let lifecycle = async |to| scene.admin.versions().set_lifecycle(version, to).await;
    lifecycle(VersionLifecycle::Deprecated).await.unwrap();
    scene.opens(&scene.key).await;
    lifecycle(VersionLifecycle::Retired).await.unwrap();
    assert_eq!(scene.server.verdict("/mock", Some(&scene.key)).await.0, 410);
    assert!(assert_gateway_equals_database(&scene.server).await.is_empty());
    lifecycle(VersionLifecycle::Active).await.unwrap();
    scene.opens(&scene.key).await;
    scene.admin.gateway_services().remove(version).await.unwrap();
    assert_eq!(scene.server.verdict("/mock", Some(&scene.key)).await.0, 404);
    scene.server.stop().await;
}

#[tokio::test]
async fn of_keys_revoked_and_rotated() {
    let scene = scene().await;
    let credentials = scene.dana.client.credentials();
    let rotated = credentials
        .rotate(RotateCredentialInput::new(&scene.credential.id))
        .await
        .unwrap();
    let second = rotated.secret.expose().to_owned();
    scene.denies(&scene.key, 401, Some("CREDENTIAL_EXPIRED")).await;
    scene.opens(&second).await;
    let overlapping = RotateCredentialInput::new(&rotated.credential.id).overlap_seconds(3600);
    let rotated = credentials.rotate(overlapping).await.unwrap();
    let third = rotated.secret.expose().to_owned();
    scene.opens(&second).await;
    scene.opens(&third).await;
    credentials.revoke(&rotated.credential.id).await.unwrap();
    scene.denies(&third, 401, Some("CREDENTIAL_REVOKED")).await;
    scene.opens(&second).await;
    scene.server.stop().await;
}

#[tokio::test]
async fn of_a_strategys_headers_and_of_its_end() {
    let scene = scene().await;
    let strategies = scene.admin.auth_strategies();
    let strategy = strategies
        .create_key_auth(CreateKeyAuthStrategyInput::new("partner keys").key_names(["x-partner-key"]))
        .await
        .unwrap()
        .into_inner();
    let upstream = Upstream::start().await;
    let other = fixture::publish(&scene.admin, &upstream, "other", true).await;
    let enable = EnableRegistrationInput::new(&other.version.id).auth_strategy_id(&strategy.id);
    scene.admin.registrations().enable(enable).await.unwrap();
    fixture::request(&scene.dana, &scene.app, &other.version).await;
    let call = async |header: &str| {
        let request = reqwest::Client::new().get(scene.server.gateway("/other"));
        request
            .header(header, &scene.key)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let rename = async |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let input = UpdateKeyAuthStrategyInput::new(&strategy.id).key_names(names);
        strategies.update_key_auth(input).await.unwrap();
    };
    assert_eq!((call("x-partner-key").await, call("apikey").await), (200, 401));
    rename(&["x-renamed"]).await;
    assert_eq!((call("x-partner-key").await, call("x-renamed").await), (401, 200));
    rename(&["x-partner-key", "x-renamed"]).await;
    assert_eq!((call("x-partner-key").await, call("x-renamed").await), (200, 200));
    rename(&["x-partner-key"]).await;
    assert_eq!((call("x-partner-key").await, call("x-renamed").await), (200, 401));
    scene.opens(&scene.key).await;

    strategies.delete_forced(&strategy.id).await.unwrap();
    assert_eq!((call("x-partner-key").await, call("apikey").await), (401, 401));
    scene.opens(&scene.key).await;
    scene.server.stop().await;
}

#[tokio::test]
async fn what_closes_the_door_to_new_requests_keeps_traffic_flowing() {
    let scene = scene().await;
    scene
        .admin
        .registrations()
        .disable(&scene.published.version.id)
        .await
        .unwrap();
    scene.opens(&scene.key).await;
    scene
        .admin
        .products()
        .unpublish(&scene.published.product.id)
        .await
        .unwrap();
    scene.opens(&scene.key).await;
    let (_, later) = fixture::key(&scene.dana, &scene.app).await;
    scene.opens(&later).await;
    scene.server.stop().await;
}

/// An upstream that agrees to one websocket handshake and then says everything back.
async fn websocket_upstream() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        read_head(&mut peer).await;
        let agreed = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        peer.write_all(agreed.as_bytes()).await.unwrap();
        let (mut from, mut to) = peer.split();
        // Ends, in whatever way, when the gateway hangs up.
        let _ = tokio::io::copy(&mut from, &mut to).await;
    });
    address
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn a_websocket_closes_when_its_approval_ends() {
    let scene = scene().await;
    let upstream = websocket_upstream().await;
    let service = SetGatewayServiceInput::new(
        &scene.published.version.id,
        format!("http://{upstream}"),
        [RouteInput::path("/mock")],
    );
    scene.admin.gateway_services().set(service).await.unwrap();
    let mut client = TcpStream::connect(scene.server.server().gateway_listen().unwrap())
        .await
        .unwrap();
    let handshake = format!(
        "GET /mock/ws HTTP/1.1\r\nHost: gateway\r\napikey: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        scene.key
    );
    client.write_all(handshake.as_bytes()).await.unwrap();
    let head = read_head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    client.write_all(b"hello").await.unwrap();
    let mut echo = [0; 5];
    client.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"hello");

    let requests = scene.admin.access_requests();
    let request = requests.list().page().await.unwrap().nodes.remove(0);
    requests
        .revoke(RevokeAccessRequestInput::new(&request.id, "misuse"))
        .await
        .unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(30), client.read_to_end(&mut rest)).await;
    // At its end or reset: closed either way.
    let _ = closed.expect("the websocket must close");
    assert!(rest.is_empty());
    scene.server.stop().await;
}
