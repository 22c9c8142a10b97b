//! Every spelling of a path, raw on the socket.

use domain::gateway_service::RouteInput;

use crate::{
    harness::{Running, Scene, route},
    upstreams,
};

#[tokio::test]
async fn dot_segments_and_nul_are_refused_in_every_spelling() {
    let scene = Scene::new(&format!("http://{}", upstreams::echo().await));
    let gateway = Running::start(&scene).await;
    for path in [
        "/mock/..",
        "/mock/../admin",
        "/mock/./x",
        "/mock/%2e%2e/admin",
        "/mock/%2E%2E",
        "/mock/.%2e/x",
        "/mock/%2e/x",
        "/mock/..%2fadmin",
        "/mock%2f..%2fadmin",
        "/mock/..\\admin",
        "/mock\\..\\admin",
        "/mock/..%5cadmin",
        "/mock/x%5C%2e%2e%5Cy",
        "/mock/%252e%252e/admin",
        "/mock/..;/admin",
        "/mock/..;a=b/admin",
        "/mock/%00",
        "/mock/a%00b",
        "/mock/%2500",
        "/mock/%c0%ae%c0%ae/x",
        "/mock/%zz",
        "/mock/%",
        "/..",
        "/%2e%2e/mock",
        "/mock/..?x",
        "http://localhost/mock/../x",
        "mock",
        "",
    ] {
        let response = gateway.send(scene.request(&format!("GET {path}"), "")).await;
        assert_eq!(response.status, 400, "{path}: {response:?}");
    }
    // NUL itself, and control characters, never come as far as a path.
    for path in ["/mock/\0", "/mock/\u{1}", "/mock/\u{7f}"] {
        let response = gateway.send(scene.request(&format!("GET {path}"), "")).await;
        assert_eq!(response.status, 400, "{path:?}");
    }
}

#[tokio::test]
async fn what_was_matched_is_what_is_forwarded() {
    let scene = Scene::new(&format!("http://{}/base", upstreams::echo().await));
    let gateway = Running::start(&scene).await;
    for (path, target) in [
        ("/mock", "/base"),
        ("/mock/", "/base/"),
        ("/mock?x=1", "/base?x=1"),
        ("/m%6Fck/%78", "/base/x"),
        ("//mock///x", "/base/x"),
        ("/mock/a%2fb", "/base/a%2Fb"),
        ("/mock/a\\b", "/base/a%5Cb"),
        ("/mock/%c3%bc", "/base/%C3%BC"),
        ("/mock/x?q=%2e%2e/..", "/base/x?q=%2e%2e/.."),
        ("/mock/x?", "/base/x?"),
        ("http://localhost/mock/x", "/base/x"),
        ("/mock/x#/../y", "/base/x"),
    ] {
        let response = gateway.send(scene.request(&format!("GET {path}"), "")).await;
        assert_eq!(response.status, 200, "{path}: {response:?}");
        assert_eq!(response.json()["target"], target, "{path}");
    }
}

#[tokio::test]
async fn without_strip_path_the_prefix_stays() {
    let kept = RouteInput {
        strip_path: false,
        ..route(&["/mock"])
    };
    let scene = Scene::new(&format!("http://{}/base/", upstreams::echo().await)).with_routes(&[kept]);
    let gateway = Running::start(&scene).await;
    for (path, target) in [("/mock", "/base/mock"), ("/mock/x/", "/base/mock/x/")] {
        let response = gateway.send(scene.request(&format!("GET {path}"), "")).await;
        assert_eq!(response.json()["target"], target);
    }
}

#[tokio::test]
async fn a_path_that_leads_to_two_apis_is_refused() {
    let upstream = format!("http://{}", upstreams::echo().await);
    let everything = Scene::new(&upstream).with_routes(&[route(&["/"])]);
    let admin = Scene::new(&upstream).with_routes(&[route(&["/admin"])]);
    let mut gateway = Running::start(&everything).await;
    gateway.publish(&admin);
    for (path, status) in [
        ("/x", 200),
        ("/admin/x", 403),
        ("//admin/x", 403),
        ("/%61dmin", 403),
        ("/%2fadmin/x", 400),
        ("/\\admin", 400),
        ("/admin;x=1/y", 400),
        ("/x%2fadmin", 200),
    ] {
        let response = gateway.send(everything.request(&format!("GET {path}"), "")).await;
        assert_eq!(response.status, status, "{path}");
    }
}

#[tokio::test]
async fn hosts_are_compared_in_canonical_form() {
    let upstream = format!("http://{}", upstreams::echo().await);
    let exact = RouteInput {
        hosts: vec!["api.example.com".to_owned()],
        ..route(&["/mock"])
    };
    let scene = Scene::new(&upstream).with_routes(&[exact]);
    let gateway = Running::start(&scene).await;
    let key = scene.key.expose();
    for (target, host, status) in [
        ("/mock", "api.example.com", 200),
        ("/mock", "API.Example.Com:8000", 200),
        ("/mock", "api.example.com.", 200),
        ("http://api.example.com/mock", "api.example.com", 200),
        ("http://API.example.com:80/mock", "api.example.com.", 200),
        ("/mock", "example.com", 404),
        ("/mock", "", 404),
        ("http://api.example.com/mock", "other.example", 400),
        ("http://other.example/mock", "api.example.com", 400),
        ("http://api.example.com:81/mock", "api.example.com", 400),
        ("http://x@api.example.com/mock", "api.example.com", 400),
        ("ftp://api.example.com/mock", "api.example.com", 400),
        ("/mock", "x@api.example.com", 400),
        ("/mock", "api.example.com, other.example", 400),
        ("/mock", "api.example.com:x", 400),
        ("/mock", "api..example.com", 400),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\napikey: {key}\r\n\r\n");
        let response = gateway.send(request).await;
        assert_eq!(response.status, status, "{target} {host}");
    }
}
