//! What holds of every proxy.

use std::net::SocketAddr;

use super::{
    client::{self, Answer},
    scene::Scene,
};

/// A proxy before the scene's API.
pub(super) struct Proxy<'a> {
    pub(super) scene: &'a Scene,
    pub(super) address: SocketAddr,
}

/// A path, the headers sent with it, and the status that is the answer.
type Call<'a> = (&'a str, &'a [(&'a str, &'a str)], u16);

impl Proxy<'_> {
    pub(super) async fn get(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        client::send(self.address, "GET", target, headers, "").await
    }

    /// All that must hold but what differs by proxy.
    pub(super) async fn check(&self) {
        self.answers_as_the_gateway_does().await;
        self.tells_the_api_who_calls().await;
        self.passes_other_methods_and_bodies().await;
        self.is_not_fooled_by_paths().await;
        self.is_not_fooled_by_headers().await;
        // The last: it ends what the others need.
        self.stops_at_once().await;
    }

    async fn answers_as_the_gateway_does(&self) {
        let key = self.scene.key.as_str();
        let unknown = "ptk_".to_owned() + &"a".repeat(49);
        let calls: [Call<'_>; 10] = [
            ("/mock", &[], 401),
            ("/mock", &[("apikey", "")], 401),
            ("/mock", &[("apikey", "junk")], 401),
            ("/mock", &[("apikey", &unknown)], 401),
            ("/mock", &[("apikey", key), ("apikey", key)], 401),
            ("/pending", &[("apikey", key)], 403),
            ("/retired", &[], 410),
            ("/retired", &[("apikey", key)], 410),
            ("/nothing", &[("apikey", key)], 404),
            ("/mockery", &[("apikey", key)], 404),
        ];
        let before = self.scene.api.reached();
        for (target, headers, status) in calls {
            let ours = self.scene.gateway_get(target, headers).await;
            assert_eq!(ours.status, status, "{target} {headers:?}");
            let theirs = self.get(target, headers).await;
            assert_eq!(theirs.refusal(), ours.refusal(), "{target} {headers:?}");
            assert!(theirs.header("x-request-id").is_some(), "{theirs:?}");
        }
        let pending = self.get("/pending", &[("apikey", key)]).await;
        assert_eq!(pending.header("x-portico-denial"), Some("REQUEST_PENDING"));
        assert_eq!(self.scene.api.reached(), before, "a refused call reached the API");
    }

    async fn tells_the_api_who_calls(&self) {
        let _ = self.scene.server.server().plane().usage.drain();
        let key = [("apikey", self.scene.key.as_str())];
        let seen = self.get("/mock/x%20y?z=1&apikey=no", &key).await.seen();
        let used = self.scene.server.server().plane().usage.drain();
        assert_eq!(used.len(), 1, "the use of the key is noted");
        assert_eq!(used[0].0.to_string(), self.scene.credential.to_string());
        assert_eq!(seen.text("path"), "/mock/x%20y?z=1&apikey=no");
        assert_eq!(seen.values("apikey"), [""; 0]);

        let ours = self.scene.gateway_get("/mock", &key).await;
        let ours: serde_json::Value = serde_json::from_str(&ours.body).unwrap();
        let names = [
            "x-consumer-id",
            "x-consumer-custom-id",
            "x-consumer-username",
            "x-credential-identifier",
        ];
        for name in names {
            let expected = ours["headers"][name].as_str().unwrap();
            assert_eq!(seen.values(name), [expected], "{name}");
        }
    }

    async fn passes_other_methods_and_bodies(&self) {
        let key = [("apikey", self.scene.key.as_str())];
        let posted = client::send(self.address, "POST", "/mock", &key, "a body").await.seen();
        assert_eq!((posted.text("method"), posted.text("body")), ("POST", "a body"));
        let head = client::send(self.address, "HEAD", "/mock", &key, "").await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        let before = self.scene.api.reached();
        for (method, body) in [("POST", "a body"), ("HEAD", ""), ("OPTIONS", "")] {
            let refused = client::send(self.address, method, "/mock", &[], body).await;
            let ours = client::send(self.scene.gateway(), method, "/mock", &[], body).await;
            assert_eq!(refused.status, 401, "{method}");
            assert_eq!(refused.refusal(), ours.refusal(), "{method}");
        }
        assert_eq!(self.scene.api.reached(), before, "a refused call reached the API");
    }

    /// A path that two readers could take differently opens nothing: refused, or forwarded as it was decided on.
    async fn is_not_fooled_by_paths(&self) {
        let key = [("apikey", self.scene.key.as_str())];
        let before = self.scene.api.reached();
        for target in [
            "/mock/../pending",
            "/mock/%2e%2e/pending",
            "/mock/%2E./pending",
            "/mock/..%2fpending",
            "/mock/%2e%2e%2fpending",
            "/mock/..;/pending",
            "/mock/..%5cpending",
            "/mock/%252e%252e/pending",
            "/pending/..%2f..%2fmock",
            "/mock/..%c0%afpending",
            "/mock/%00",
            "/mock/%zz",
        ] {
            let answer = self.get(target, &key).await;
            assert!(matches!(answer.status, 400 | 403 | 404), "{target}: {answer:?}");
        }
        assert_eq!(self.scene.api.reached(), before, "a trick reached the API");
        for target in ["//mock", "/mock//x", "/%6dock", "/mock/%7Ex", "/x/../mock", "/mock/./x"] {
            let answer = self.get(target, &key).await;
            if answer.status != 400 {
                let path = answer.seen().text("path").to_owned();
                let canonical = domain::gateway_service::CanonicalPath::parse(&path).unwrap();
                assert_eq!(canonical.as_str(), path, "{target} was forwarded in another spelling");
            }
        }
    }

    /// What only the gateway may say does not pass when a client says it.
    async fn is_not_fooled_by_headers(&self) {
        let scene = self.scene;
        let key = scene.key.as_str();
        let honest = self.get("/mock", &[("apikey", key)]).await.seen();
        let spoofs: [&[(&str, &str)]; 9] = [
            &[("x-consumer-id", "root")],
            &[("X-Consumer-ID", "root"), ("x-consumer-id", "admin")],
            &[("x-consumer-username", "root"), ("x-consumer-custom-id", "root")],
            &[("x-credential-identifier", "root")],
            &[("x-consumer-groups", "root")],
            &[("x_consumer_id", "root"), ("x-consumer_id", "root")],
            &[("x-original-url", "/pending"), ("x-rewrite-url", "/pending")],
            &[("x-http-method-override", "DELETE"), ("x-portico-denial", "root")],
            &[
                ("connection", "x-consumer-id, x-consumer-username"),
                ("x-consumer-id", "root"),
            ],
        ];
        for spoof in spoofs {
            let mut headers = vec![("apikey", key)];
            headers.extend(spoof);
            let before = scene.api.reached();
            let answer = self.get("/mock", &headers).await;
            if answer.status == 400 {
                assert_eq!(scene.api.reached(), before, "{spoof:?}");
                continue;
            }
            let seen = answer.seen();
            for name in [
                "x-consumer-id",
                "x-consumer-custom-id",
                "x-consumer-username",
                "x-credential-identifier",
            ] {
                assert_eq!(seen.values(name), honest.values(name), "{name} with {spoof:?}");
            }
            let consumer = seen.names("x-consumer-").len();
            assert_eq!(consumer, 3, "{spoof:?}: {seen:?}");
            for prefix in [
                "x-original-url",
                "x-rewrite-url",
                "x-http-method",
                "x-portico-",
                "apikey",
            ] {
                assert!(seen.names(prefix).is_empty(), "{spoof:?}: {seen:?}");
            }
        }
        // What describes the request to Portico is the proxy's to say.
        for (name, value) in [
            ("x-forwarded-uri", "/mock"),
            ("x-forwarded-host", "other"),
            ("x-forwarded-method", "POST"),
            ("x-original-uri", "/mock"),
            ("x-original-method", "POST"),
        ] {
            let answer = self.get("/pending", &[("apikey", key), (name, value)]).await;
            assert_eq!(answer.status, 403, "{name}: {answer:?}");
        }
    }

    async fn stops_at_once(&self) {
        let key = [("apikey", self.scene.key.as_str())];
        self.get("/mock", &key).await.seen();
        self.scene.revoke().await;
        let before = self.scene.api.reached();
        let refused = self.get("/mock", &key).await;
        assert_eq!(refused.refusal(), self.scene.gateway_get("/mock", &key).await.refusal());
        assert_eq!(
            (refused.status, refused.header("x-portico-denial")),
            (403, Some("REQUEST_REVOKED"))
        );
        assert_eq!(self.scene.api.reached(), before);
    }

    /// A key in a header that the proxy was not told of: it would reach the API, so it opens nothing.
    pub(super) async fn does_not_pass_keys_it_was_not_told_of(&self) {
        self.scene.open_partner().await;
        let key = [("x-partner-key", self.scene.key.as_str())];
        assert_eq!(self.scene.gateway_get("/partner", &key).await.status, 200);
        let before = self.scene.api.reached();
        let answer = self.get("/partner", &key).await;
        assert_eq!(answer.status, 500, "{answer:?}");
        assert!(answer.body.contains("not set up to keep the key"), "{answer:?}");
        assert_eq!(self.scene.api.reached(), before);
    }
}

/// With Portico gone, nothing passes. Answers the call's status.
pub(super) async fn without_portico(scene: Scene, address: SocketAddr) -> Answer {
    let Scene { server, api, key, .. } = scene;
    server.stop().await;
    let before = api.reached();
    let answer = client::send(address, "GET", "/mock", &[("apikey", &key)], "").await;
    assert_eq!(api.reached(), before);
    answer
}
