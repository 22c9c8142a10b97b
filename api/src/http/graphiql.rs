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

/// What the page may load and do: nothing of it goes elsewhere, none of it is framed, and no script stands in the page.
///
/// Style elements may stand in the page because the menus and dialogs of GraphiQL write theirs there (their scrollbars'
/// widths, so no hash fits), style attributes in HTML may not. A browser that does not know `style-src-elem` does
/// without GraphiQL's own elements, which cost it nothing but a moving scrollbar.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     style-src-elem 'self' 'unsafe-inline'; style-src-attr 'none'; img-src 'self' data:; font-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The routes `/graphiql` and below.
pub fn router() -> Router {
    Router::new()
        .route("/graphiql", get(index))
        // The page's links are relative to `/graphiql`, so that it can be served below a prefix too.
        .route("/graphiql/", get(|| async { Redirect::permanent("../graphiql") }))
        .route("/graphiql/{*path}", get(asset))
}

/// The operations by which the page begins and ends sessions, as it sends them: before anybody is signed in.
pub fn own_documents() -> impl Iterator<Item = String> {
    Assets::iter()
        .filter(|path| path.starts_with("session/"))
        .filter_map(|path| String::from_utf8(Assets::get(&path)?.data.into_owned()).ok())
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
#[path = "graphiql_tests.rs"]
mod tests;
