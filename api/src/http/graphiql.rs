//! GraphiQL at `/graphiql`, from files in the binary. The page loads nothing from another host, and may not.

use axum::{
    Router,
    body::Body,
    extract::Path,
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "assets/graphiql"]
struct Assets;

/// What the page may load and do. Styles may stand in the page because the menus and dialogs of GraphiQL write theirs
/// there; scripts may not, and neither may anything of the page go elsewhere or be framed.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// The routes `/graphiql` and below.
pub fn router() -> Router {
    Router::new()
        .route("/graphiql", get(index))
        // The page's links are relative to `/graphiql`, so that it can be served below a prefix too.
        .route("/graphiql/", get(|| async { Redirect::permanent("../graphiql") }))
        .route("/graphiql/{*path}", get(asset))
}

async fn index(headers: HeaderMap) -> Response {
    serve("index.html", &headers)
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    serve(&path, &headers)
}

fn serve(path: &str, request_headers: &HeaderMap) -> Response {
    let (Some(file), Some(content_type)) = (Assets::get(path), content_type_of(path)) else {
        return (StatusCode::NOT_FOUND, "There is no such file.").into_response();
    };
    let tag = entity_tag(&file);
    let is_known = request_headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|candidate| candidate.trim() == tag || candidate.trim() == "*");
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(file.data).into_response()
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, content_type);
    set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    // The names of vendored files hold their version; the page's own files change with the binary.
    let is_versioned = path.starts_with("vendor/");
    set(
        header::CACHE_CONTROL,
        if is_versioned {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        },
    );
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// A weak tag: the file may go out compressed.
fn entity_tag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let prefix: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{prefix}\"")
}

/// `None` for a file that is not meant for browsers.
fn content_type_of(path: &str) -> Option<&'static str> {
    match path.rsplit_once('.') {
        Some((_, "html")) => Some("text/html; charset=utf-8"),
        Some((_, "css")) => Some("text/css; charset=utf-8"),
        Some((_, "js")) => Some("text/javascript; charset=utf-8"),
        Some((_, "json")) => Some("application/json; charset=utf-8"),
        Some((_, "svg")) => Some("image/svg+xml"),
        Some((_, "graphql")) => Some("text/plain; charset=utf-8"),
        _ if path.starts_with("vendor/LICENSE") => Some("text/plain; charset=utf-8"),
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{HeaderMap, Request, StatusCode};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::{Assets, router};

    async fn get(path: &str, if_none_match: &str) -> (StatusCode, HeaderMap, String) {
        let request = Request::get(path)
            .header("if-none-match", if_none_match)
            .body(Body::empty())
            .unwrap();
        let (parts, body) = router().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn every_file_of_the_page_is_there() {
        let (status, headers, page) = get("/graphiql", "").await;
        assert_eq!(status, 200);
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        let mut links = 0;
        for attribute in ["src=\"", "href=\""] {
            for link in page
                .split(attribute)
                .skip(1)
                .map(|rest| rest.split_once('"').unwrap().0)
            {
                assert!(link.starts_with("graphiql/"), "{link} would leave this server");
                let (status, headers, body) = get(&format!("/{link}"), "").await;
                assert_eq!(status, 200, "{link}");
                assert!(!body.is_empty());
                assert!(headers.contains_key("etag"));
                links += 1;
            }
        }
        assert_eq!(links, 7);
        for (path, content_type) in [
            ("flow/admin.graphql", "text/plain; charset=utf-8"),
            ("flow/admin.json", "application/json; charset=utf-8"),
            ("flow/developer.graphql", "text/plain; charset=utf-8"),
            ("flow/developer.json", "application/json; charset=utf-8"),
            ("vendor/LICENSE-bundled", "text/plain; charset=utf-8"),
        ] {
            let (status, headers, _) = get(&format!("/graphiql/{path}"), "").await;
            assert_eq!(
                (status.as_u16(), headers["content-type"].to_str().unwrap()),
                (200, content_type),
                "{path}"
            );
        }
    }

    #[tokio::test]
    async fn the_page_may_load_nothing_from_elsewhere() {
        let (_, headers, page) = get("/graphiql", "").await;
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"));
        assert!(
            !policy.contains("http") && !policy.contains('*') && !policy.contains("unsafe-eval"),
            "{policy}"
        );
        assert!(
            !page.contains("style=") && !page.contains("<style") && !page.contains("onload="),
            "inline code"
        );
        assert!(
            page.split("<script")
                .skip(1)
                .all(|script| script.contains("></script>")),
            "inline code"
        );
    }

    #[tokio::test]
    async fn what_a_browser_has_is_not_sent_again() {
        let (_, headers, _) = get("/graphiql/page.js", "").await;
        let tag = headers["etag"].to_str().unwrap().to_owned();
        assert_eq!(headers["cache-control"], "no-cache");
        for known in [tag.clone(), format!("\"other\", {tag}"), "*".to_owned()] {
            let (status, headers, body) = get("/graphiql/page.js", &known).await;
            assert_eq!((status.as_u16(), body.as_str()), (304, ""), "{known}");
            assert_eq!(headers["etag"], tag);
        }
        assert_eq!(get("/graphiql/page.js", "\"other\"").await.0, 200);
        let (_, headers, _) = get("/graphiql/vendor/graphiql-4.1.2.min.js", "").await;
        assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
    }

    #[tokio::test]
    async fn nothing_else_is_served() {
        for path in [
            "/graphiql/missing.js",
            "/graphiql/../Cargo.toml",
            "/graphiql/%2e%2e/%2e%2e/Cargo.toml",
            "/graphiql/vendor/SHA256SUMS",
            "/graphiql/vendor",
        ] {
            assert_eq!(get(path, "").await.0, 404, "{path}");
        }
        let (status, headers, _) = get("/graphiql/", "").await;
        assert_eq!(
            (status.as_u16(), headers["location"].to_str().unwrap()),
            (308, "../graphiql")
        );
    }

    #[tokio::test]
    async fn the_flows_operations_fit_the_schema() {
        for name in ["admin", "developer"] {
            let file = Assets::get(&format!("flow/{name}.graphql")).unwrap();
            let document = String::from_utf8(file.data.into_owned()).unwrap();
            let request = async_graphql::Request::new(document).operation_name("NoneOfThem");
            let errors = crate::graphql::schema().execute(request).await.errors;
            let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
            assert_eq!(
                messages,
                ["Unknown operation named \"NoneOfThem\""],
                "{name}: nothing else is wrong with it"
            );
        }
    }

    #[test]
    fn the_flows_variables_are_json_and_cover_the_operations() {
        for name in ["admin", "developer"] {
            let file = |extension: &str| {
                let file = Assets::get(&format!("flow/{name}.{extension}")).unwrap();
                String::from_utf8(file.data.into_owned()).unwrap()
            };
            let variables: serde_json::Map<_, _> = serde_json::from_str(&file("json")).unwrap();
            let document = async_graphql::parser::parse_query(file("graphql")).unwrap();
            for (operation, definition) in document.operations.iter() {
                for variable in &definition.node.variable_definitions {
                    let variable = variable.node.name.node.as_str();
                    assert!(variables.contains_key(variable), "${variable} of {operation:?}");
                }
            }
        }
    }
}
