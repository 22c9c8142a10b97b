//! What a browser may be made to do: by whose page, with which request, and what it may do with the answer.

use portico_tests::server::TestServer;
use reqwest::{Client, Method, Response, header::HeaderMap};

const PORTAL: &str = "https://portal.example.com";
const EVIL: &str = "https://evil.example.com";
const QUERY: &str = "{\"query\":\"{ portal { name } }\"}";

async fn send(
    server: &TestServer,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &'static str,
) -> Response {
    let mut request = Client::new().request(method, server.api(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).send().await.unwrap()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

/// A page may make a browser send these without asking first (Fetch standard, "CORS-safelisted"): a form, an image, a
/// script, `fetch` in mode `no-cors`. None of them does anything.
#[tokio::test]
async fn what_a_page_can_send_without_asking_changes_nothing() {
    let server = TestServer::start().await;
    let mutation = "{\"query\":\"mutation { signOut(input: { refreshToken: \\\"a\\\" }) { userErrors { code } } }\"}";
    for content_type in [
        None,
        Some("text/plain"),
        Some("text/plain; charset=utf-8"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        // Not what it says first: a browser sends it without asking.
        Some("text/plain; application/json"),
        Some("text/plain, application/json"),
    ] {
        let mut headers = vec![("origin", EVIL), ("cookie", "session=of-somebody")];
        headers.extend(content_type.map(|value| ("content-type", value)));
        let answer = send(&server, Method::POST, "/graphql", &headers, mutation).await;
        assert_eq!(answer.status(), 415, "{content_type:?}");
        assert_eq!(text(answer.headers(), "access-control-allow-origin"), None);
    }
    for (query, status, allow) in [
        (
            "mutation%7BsignOut(input:%7BrefreshToken:%22a%22%7D)%7BuserErrors%7Bcode%7D%7D%7D",
            405,
            Some("POST"),
        ),
        ("%7Bportal%7Bname%7D%7D", 200, None),
    ] {
        let path = format!("/graphql?query={query}");
        let answer = send(&server, Method::GET, &path, &[("origin", EVIL)], "").await;
        assert_eq!(answer.status(), status, "{query}");
        assert_eq!(text(answer.headers(), "allow"), allow);
        assert_eq!(
            text(answer.headers(), "access-control-allow-origin"),
            None,
            "nobody else's page reads it"
        );
        assert_eq!(
            text(answer.headers(), "cross-origin-resource-policy"),
            Some("same-origin")
        );
    }
    // No request is ever told by a cookie, and none is set.
    let json = [("content-type", "application/json"), ("cookie", "session=of-somebody")];
    let answer = send(
        &server,
        Method::POST,
        "/graphql",
        &json,
        "{\"query\":\"{ viewer { __typename } }\"}",
    )
    .await;
    assert!(!answer.headers().contains_key("set-cookie"));
    assert!(answer.text().await.unwrap().contains("\"viewer\":null"));
    server.stop().await;
}

#[tokio::test]
async fn only_named_origins_read_answers_and_are_told_what_they_may_send() {
    let closed = TestServer::start().await;
    let open = TestServer::start_with(|options| options.allowed_origins = vec![PORTAL.parse().unwrap()]).await;
    let preflight = |origin: &'static str, method: &'static str, headers: &'static str| {
        [
            ("origin", origin),
            ("access-control-request-method", method),
            ("access-control-request-headers", headers),
        ]
    };
    // (server, origin, whether it is allowed)
    for (server, origin, allowed) in [
        (&closed, PORTAL, false),
        (&open, PORTAL, true),
        (&open, EVIL, false),
        (&open, "null", false),
        (&open, "http://portal.example.com", false),
        (&open, "https://portal.example.com.evil.example", false),
        (&open, "https://PORTAL.example.com", false),
    ] {
        let asked = preflight(origin, "POST", "authorization,content-type");
        let answer = send(server, Method::OPTIONS, "/graphql", &asked, "").await;
        let headers = answer.headers();
        assert_eq!(
            text(headers, "access-control-allow-origin"),
            allowed.then_some(origin),
            "{origin}"
        );
        assert_eq!(text(headers, "access-control-allow-credentials"), None, "never");
        if std::ptr::eq(server, &open) {
            assert_eq!(answer.status(), 200);
            assert!(text(headers, "vary").unwrap().contains("origin"), "{headers:?}");
            assert_eq!(text(headers, "access-control-allow-methods"), Some("GET,POST"));
            assert_eq!(text(headers, "access-control-max-age"), Some("600"));
            let mut may_send: Vec<_> = text(headers, "access-control-allow-headers")
                .unwrap()
                .split(',')
                .collect();
            may_send.sort_unstable();
            assert_eq!(
                may_send,
                ["accept", "authorization", "content-type", "x-request-id"],
                "no wildcard"
            );
        } else {
            assert_eq!(answer.status(), 405);
        }
        let json = [("content-type", "application/json"), ("origin", origin)];
        let answer = send(server, Method::POST, "/graphql", &json, QUERY).await;
        let headers = answer.headers();
        assert_eq!(
            answer.status(),
            200,
            "who is no browser is not asked where it comes from"
        );
        assert_eq!(
            text(headers, "access-control-allow-origin"),
            allowed.then_some(origin),
            "{origin}"
        );
        assert_eq!(text(headers, "access-control-allow-credentials"), None);
        if std::ptr::eq(server, &open) {
            let vary: Vec<_> = headers
                .get_all("vary")
                .iter()
                .map(|value| value.to_str().unwrap())
                .collect();
            assert!(vary.iter().any(|value| value.contains("origin")), "{vary:?}");
        }
        if allowed {
            let exposed = text(headers, "access-control-expose-headers").unwrap();
            for name in ["x-request-id", "retry-after", "www-authenticate"] {
                assert!(exposed.contains(name), "{exposed}");
            }
        }
    }
    closed.stop().await;
    open.stop().await;
}

#[tokio::test]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";
    let server = TestServer::start().await;
    let json = [("content-type", "application/json")];
    let bad_token = [("content-type", "application/json"), ("authorization", "Bearer junk")];
    // (method, path, headers, body, status, whether it is a page)
    for (method, path, headers, body, status, is_page) in [
        (Method::POST, "/graphql", &json[..], QUERY, 200, false),
        (Method::POST, "/graphql", &json, "{", 400, false),
        (Method::POST, "/graphql", &bad_token, QUERY, 401, false),
        (Method::POST, "/graphql", &[], QUERY, 415, false),
        (Method::PUT, "/graphql", &json, QUERY, 405, false),
        (Method::GET, "/graphql", &[], "", 400, false),
        (Method::GET, "/nothing", &[], "", 404, false),
        (Method::GET, "/readyz", &[], "", 200, false),
        (Method::GET, "/.well-known/jwks.json", &[], "", 200, false),
        (Method::GET, "/graphiql", &[], "", 200, true),
        (Method::GET, "/graphiql/page.css", &[], "", 200, true),
    ] {
        let answer = send(&server, method.clone(), path, headers, body).await;
        let shown = format!("{method} {path} {body}");
        assert_eq!(answer.status(), status, "{shown}");
        let headers = answer.headers();
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(text(headers, name), Some(value), "{shown}");
        }
        assert!(headers.contains_key("x-request-id"), "{shown}");
        // TLS ends elsewhere, and whoever ends it promises it.
        assert!(!headers.contains_key("strict-transport-security"), "{shown}");
        let policy = text(headers, "content-security-policy").unwrap();
        if is_page {
            assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
            assert!(
                policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"),
                "{policy}"
            );
            let scripts = policy.split(';').find(|part| part.contains("script-src")).unwrap();
            assert!(!scripts.contains("unsafe") && !policy.contains("http"), "{policy}");
        } else {
            assert_eq!(policy, NOTHING, "{shown}");
        }
    }
    server.stop().await;
}
