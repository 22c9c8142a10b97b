//! What upstreams are told, and what they are never told.

use portico_gateway::record::{Unreadable, Update};
use serde_json::Value;

use crate::{
    harness::{Running, Scene},
    upstreams,
    wire::Response,
};

/// What the upstream saw under this name.
fn seen(response: &Response, name: &str) -> Vec<String> {
    assert_eq!(response.status, 200, "{response:?}");
    let json = response.json();
    let headers = json["headers"].as_array().unwrap();
    headers
        .iter()
        .filter(|pair| pair[0] == name)
        .map(|pair| pair[1].as_str().unwrap().to_owned())
        .collect()
}

fn names(response: &Response) -> Vec<String> {
    let json = response.json();
    let headers: &Vec<Value> = json["headers"].as_array().unwrap();
    headers
        .iter()
        .map(|pair| pair[0].as_str().unwrap().to_owned())
        .collect()
}

async fn start() -> (Scene, Running) {
    let scene = Scene::new(&format!("http://{}", upstreams::echo().await));
    let gateway = Running::start(&scene).await;
    (scene, gateway)
}

#[tokio::test]
async fn the_upstream_learns_who_calls_and_never_the_key() {
    let (mut scene, mut gateway) = start().await;
    scene.app.name = "Zürich 100%".to_owned();
    gateway.publish(&scene);
    // Another strategy's key header may hold another key of the caller's.
    let mut other = Scene::new("http://localhost:1");
    other.strategy.key_names = vec!["x-other-key".to_owned()];
    gateway.writer.apply([other.strategy.clone().into()]).unwrap();
    let extra = format!(
        "X-Other-Key: {0}\r\nX_Other_Key: {0}\r\nX_API_KEY: {0}\r\n",
        scene.key.expose()
    );
    let response = gateway.send(scene.request("GET /mock", &extra)).await;
    assert_eq!(seen(&response, "x-consumer-id"), [scene.app.id.to_string()]);
    assert_eq!(seen(&response, "x-consumer-custom-id"), ["mobile-1"]);
    assert_eq!(seen(&response, "x-consumer-username"), ["Z%C3%BCrich 100%25"]);
    assert_eq!(
        seen(&response, "x-credential-identifier"),
        [scene.credential.id.to_string()]
    );
    assert!(!String::from_utf8_lossy(&response.body).contains(scene.key.expose()));
    let names = names(&response);
    for name in ["apikey", "x-api-key", "x-other-key", "x_other_key", "x_api_key"] {
        assert!(!names.contains(&name.to_owned()), "{name}");
    }
}

#[tokio::test]
async fn keys_of_a_strategy_that_cannot_be_read_are_kept_from_upstreams() {
    let (scene, mut gateway) = start().await;
    let mut other = Scene::new("http://localhost:1");
    other.strategy.key_names = vec!["x-other-key".to_owned()];
    gateway.writer.apply([other.strategy.clone().into()]).unwrap();
    let key = other.key.expose();
    let extra = format!(
        "X-Other-Key: any form\r\nX-Newer-Key: {key}\r\nX-Many: plain\r\nX-Many: {key}\r\nAuthorization: Newer key={key}, x\r\n\
         X-Plain: ptk_plain\r\n"
    );
    let sees = |response: &Response| {
        let of_interest = ["x-other-key", "x-newer-key", "x-many", "authorization", "x-plain"];
        let mut seen = names(response);
        seen.retain(|name| of_interest.contains(&name.as_str()));
        seen.sort_unstable();
        seen.dedup();
        seen
    };
    // What it was called before is known by its name; what it is called now, by what stands in it.
    let unreadable = Unreadable::AuthStrategy {
        id: other.strategy.id,
        key_names: Vec::new(),
    };
    gateway.writer.apply([Update::Unreadable(unreadable)]).unwrap();
    let response = gateway.send(scene.request("GET /mock", &extra)).await;
    assert_eq!(sees(&response), ["x-plain"]);
    assert_eq!(response.status, 200);

    // It can be read again: its names are known, and no other header is its.
    other.strategy.key_names = vec!["x-newer-key".to_owned()];
    gateway.writer.apply([other.strategy.clone().into()]).unwrap();
    let response = gateway.send(scene.request("GET /mock", &extra)).await;
    assert_eq!(sees(&response), ["authorization", "x-many", "x-other-key", "x-plain"]);
}

#[tokio::test]
async fn nobody_speaks_for_the_gateway() {
    let (scene, gateway) = start().await;
    let tricks = [
        "X-Consumer-ID",
        "X_Consumer_ID",
        "x-consumer_id",
        "X-Consumer-Custom-ID",
        "X-Consumer-Username",
        "X-Consumer-Groups",
        "X_Consumer_Groups",
        "X-Credential-Identifier",
        "X_Credential_Identifier",
        "X-Anonymous-Consumer",
        "X-HTTP-Method-Override",
        "X_HTTP_Method_Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X-Original-URL",
        "X_Original_URL",
        "X-Rewrite-URL",
        "X-Portico-Denial",
        "Transfer_Encoding",
        "Content_Length",
    ];
    let extra: String = tricks.iter().map(|name| format!("{name}: forged\r\n")).collect();
    for extra in [
        extra.clone(),
        format!("Connection: x-consumer-id, x-consumer-custom-id, x-consumer-username\r\n{extra}"),
        "Connection: x-consumer-id\r\nConnection: X-Consumer-Custom-ID,x-credential-identifier, host\r\n".to_owned(),
    ] {
        let response = gateway.send(scene.request("GET /mock", &extra)).await;
        assert_eq!(seen(&response, "x-consumer-id"), [scene.app.id.to_string()]);
        assert_eq!(seen(&response, "x-consumer-custom-id"), ["mobile-1"]);
        assert_eq!(
            seen(&response, "x-credential-identifier"),
            [scene.credential.id.to_string()]
        );
        assert!(
            !String::from_utf8_lossy(&response.body).contains("forged"),
            "{response:?}"
        );
    }
}

#[tokio::test]
async fn request_trailers_are_dropped() {
    let (scene, gateway) = start().await;
    let head = scene.request("POST /mock", "Transfer-Encoding: chunked\r\nTrailer: X-Consumer-ID\r\n");
    let response = gateway
        .send(format!("{head}5\r\nhello\r\n0\r\nX-Consumer-ID: forged\r\n\r\n"))
        .await;
    assert_eq!(response.json()["body"], "hello");
    assert_eq!(response.json()["trailers"], 0);
    assert_eq!(seen(&response, "x-consumer-id"), [scene.app.id.to_string()]);
}

#[tokio::test]
async fn headers_of_one_hop_stay_on_it() {
    let (scene, gateway) = start().await;
    let extra = "Connection: close, X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nProxy-Authorization: Basic eDp5\r\nTE: trailers\r\nX-End: 2\r\nAuthorization: Bearer z\r\nCookie: a=b\r\n";
    let response = gateway.send(scene.request("GET /mock", extra)).await;
    let names = names(&response);
    for name in [
        "connection",
        "x-hop",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
    ] {
        assert!(!names.contains(&name.to_owned()), "{name}");
    }
    assert_eq!(seen(&response, "x-end"), ["2"]);
    assert_eq!(seen(&response, "authorization"), ["Bearer z"]);
    assert_eq!(seen(&response, "cookie"), ["a=b"]);
    assert_eq!(seen(&response, "via"), ["1.1 portico"]);
}

#[tokio::test]
async fn a_response_loses_its_hop_headers_too() {
    let (upstream, _) = upstreams::scripted(async |mut peer: upstreams::Peer| {
        peer.read_head().await;
        peer.write("HTTP/1.1 200 OK\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nX-Portico-Denial: forged\r\nX-End: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok").await;
    })
    .await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let gateway = Running::start(&scene).await;
    let response = gateway.get(&scene).await;
    assert_eq!(response.header("x-hop"), None);
    assert_eq!(response.header("x-portico-denial"), None);
    assert_eq!(response.header("x-end"), Some("2"));
    assert_eq!(response.all("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(response.body, b"ok");
}

const FORGED: &str = "X-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: public.example\r\nX-Forwarded-Port: 443\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Request-Id: from-outside\r\n";

#[tokio::test]
async fn strangers_words_on_the_way_are_overwritten() {
    let (scene, gateway) = start().await;
    let response = gateway.send(scene.request("GET /mock/x", FORGED)).await;
    assert_eq!(seen(&response, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(seen(&response, "x-forwarded-proto"), ["http"]);
    assert_eq!(seen(&response, "x-forwarded-host"), ["localhost"]);
    assert_eq!(
        seen(&response, "x-forwarded-port"),
        [gateway.address.port().to_string()]
    );
    assert_eq!(seen(&response, "x-forwarded-prefix"), ["/mock"]);
    assert_eq!(seen(&response, "x-real-ip"), ["127.0.0.1"]);
    assert!(!String::from_utf8_lossy(&response.body).contains("6.6.6.6"));
    let id = response.header("x-request-id").unwrap();
    assert_ne!(id, "from-outside");
    assert_eq!(seen(&response, "x-request-id"), [id]);
}

#[tokio::test]
async fn trusted_proxies_words_are_kept_and_added_to() {
    let scene = Scene::new(&format!("http://{}", upstreams::echo().await));
    let trust =
        |config: &mut portico_gateway::GatewayConfig| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let gateway = Running::with(&scene, trust).await;
    let response = gateway.send(scene.request("GET /mock", FORGED)).await;
    assert_eq!(seen(&response, "x-forwarded-for"), ["6.6.6.6, 127.0.0.1"]);
    assert_eq!(seen(&response, "x-forwarded-proto"), ["https"]);
    assert_eq!(seen(&response, "x-forwarded-host"), ["public.example"]);
    assert_eq!(seen(&response, "x-forwarded-port"), ["443"]);
    assert_eq!(seen(&response, "forwarded"), ["for=6.6.6.6, for=127.0.0.1"]);
    assert_eq!(seen(&response, "x-real-ip"), ["6.6.6.6"]);
    assert_eq!(seen(&response, "x-request-id"), ["from-outside"]);
    assert!(!names(&response).contains(&"x_forwarded_for".to_owned()));
    let response = gateway
        .send(scene.request("GET /mock", "X-Request-Id: a b\"c\r\n"))
        .await;
    assert_ne!(response.header("x-request-id"), Some("a b\"c"));
}

#[tokio::test]
async fn the_upstream_is_asked_under_its_own_name() {
    let upstream = upstreams::echo().await;
    let scene = Scene::new(&format!("http://localhost:{}/base", upstream.port()));
    let gateway = Running::start(&scene).await;
    let response = gateway.send(scene.request("GET /mock/x?a=b&c", "")).await;
    assert_eq!(seen(&response, "host"), [format!("localhost:{}", upstream.port())]);
    assert_eq!(response.json()["target"], "/base/x?a=b&c");
}
