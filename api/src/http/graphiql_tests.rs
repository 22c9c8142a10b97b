use std::collections::BTreeMap;

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::{Map, Value};
use tower::ServiceExt as _;

use super::{Assets, own_documents, router};

const SESSION_DOCUMENTS: [&str; 3] = [
    "session/sign-in.graphql",
    "session/refresh.graphql",
    "session/sign-out.graphql",
];

/// The settings of a job, as `page/jobs.js` reads them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Job {
    realm: String,
    list: Option<String>,
    variables: Map<String, Value>,
    fill: BTreeMap<String, Fill>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fill {
    /// By operation: where in its answer the objects stand.
    from: BTreeMap<String, Vec<String>>,
    label: String,
    empty: String,
}

async fn get(path: &str, if_none_match: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::get(path)
        .header("if-none-match", if_none_match)
        .body(Body::empty())
        .unwrap();
    let (parts, body) = router().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
}

fn asset(path: &str) -> String {
    String::from_utf8(Assets::get(path).unwrap().data.into_owned()).unwrap()
}

/// The names of the jobs, as `page/jobs.js` lists them.
fn jobs() -> Vec<String> {
    let script = asset("page/jobs.js");
    let (_, list) = script.split_once("const names = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    list.split(',')
        .map(|name| name.trim().trim_matches('"').to_owned())
        .collect()
}

fn job(name: &str) -> (ExecutableDocument, Job) {
    let document = async_graphql::parser::parse_query(asset(&format!("flow/{name}.graphql"))).unwrap();
    let job = serde_json::from_str(&asset(&format!("flow/{name}.json"))).unwrap();
    (document, job)
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
    let mut files = vec![
        ("page/main.js".to_owned(), "text/javascript; charset=utf-8"),
        (
            "vendor/graphql-ws-6.4.2/client.js".to_owned(),
            "text/javascript; charset=utf-8",
        ),
        ("vendor/LICENSE-bundled".to_owned(), "text/plain; charset=utf-8"),
        ("vendor/LICENSE-graphql-ws".to_owned(), "text/plain; charset=utf-8"),
    ];
    files.extend(SESSION_DOCUMENTS.map(|path| (path.to_owned(), "text/plain; charset=utf-8")));
    for name in jobs() {
        files.push((format!("flow/{name}.graphql"), "text/plain; charset=utf-8"));
        files.push((format!("flow/{name}.json"), "application/json; charset=utf-8"));
    }
    for (path, content_type) in files {
        let (status, headers, _) = get(&format!("/graphiql/{path}"), "").await;
        assert_eq!(
            (status.as_u16(), headers["content-type"].to_str().unwrap()),
            (200, content_type),
            "{path}"
        );
    }
}

#[test]
fn every_module_finds_what_it_imports() {
    let mut imports = 0;
    for path in Assets::iter().filter(|path| path.starts_with("page/") || path.starts_with("vendor/graphql-ws-6.4.2/"))
    {
        let folder = path.rsplit_once('/').unwrap().0;
        let script = asset(&path);
        let statements = script
            .lines()
            .filter(|line| line.starts_with("import ") || line.starts_with("export "));
        for import in statements.filter_map(|line| line.split_once(" from ")) {
            let import = import.1.trim_end_matches(';').trim_matches(['"', '\'']);
            let target = match import.strip_prefix("./") {
                Some(beside) => format!("{folder}/{beside}"),
                None => import.strip_prefix("../").unwrap().to_owned(),
            };
            assert!(Assets::get(&target).is_some(), "{path} imports {import}");
            imports += 1;
        }
    }
    assert!(imports > 10);
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
    let inline: Vec<&str> = policy
        .split(';')
        .filter(|directive| directive.contains("unsafe-inline"))
        .map(str::trim)
        .collect();
    assert_eq!(inline, ["style-src-elem 'self' 'unsafe-inline'"]);
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
    let (_, headers, _) = get("/graphiql/page/main.js", "").await;
    let tag = headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(headers["cache-control"], "no-cache");
    for known in [tag.clone(), format!("\"other\", {tag}"), "*".to_owned()] {
        let (status, headers, body) = get("/graphiql/page/main.js", &known).await;
        assert_eq!((status.as_u16(), body.as_str()), (304, ""), "{known}");
        assert_eq!(headers["etag"], tag);
    }
    assert_eq!(get("/graphiql/page/main.js", "\"other\"").await.0, 200);
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
async fn the_pages_operations_fit_the_schema() {
    let mut documents: Vec<String> = own_documents().collect();
    assert_eq!(documents.len(), SESSION_DOCUMENTS.len());
    documents.extend(jobs().iter().map(|name| asset(&format!("flow/{name}.graphql"))));
    for document in documents {
        let request = async_graphql::Request::new(document.clone()).operation_name("NoneOfThem");
        let errors = crate::graphql::schema().execute(request).await.errors;
        let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
        assert_eq!(
            messages,
            ["Unknown operation named \"NoneOfThem\""],
            "nothing else is wrong with {document}"
        );
    }
}

#[test]
fn every_variable_is_given_and_explained() {
    assert_eq!(jobs().len(), 5);
    for name in jobs() {
        let (document, job) = job(&name);
        assert!(["ADMIN", "PORTAL"].contains(&job.realm.as_str()));
        let text = asset(&format!("flow/{name}.graphql"));
        assert!(text.starts_with("# "), "{name} has no title");
        let (explained, _) = text.split_once("\n\n").unwrap();
        let mut used = Vec::new();
        for (operation, definition) in document.operations.iter() {
            for variable in &definition.node.variable_definitions {
                let variable = variable.node.name.node.to_string();
                assert!(
                    job.variables.contains_key(&variable),
                    "{name}: ${variable} of {operation:?}"
                );
                assert!(explained.contains(&format!("${variable}")), "{name}: ${variable}");
                used.push(variable);
            }
        }
        for variable in job.variables.keys() {
            assert!(used.contains(variable), "{name}: nothing takes ${variable}");
        }
    }
}

#[test]
fn variables_are_filled_from_what_operations_ask_for() {
    for name in jobs() {
        let (document, job) = job(&name);
        for (variable, fill) in &job.fill {
            assert_eq!(job.variables[variable], "", "{name}: ${variable} is filled");
            assert!(fill.empty.ends_with('.'), "{name}: ${variable}");
            for (operation, paths) in &fill.from {
                for path in paths {
                    let object = selected(&document, operation, path);
                    let object = object.unwrap_or_else(|| panic!("{name}: {operation} does not ask for {path}"));
                    let labels = fill
                        .label
                        .split('{')
                        .skip(1)
                        .map(|part| part.split_once('}').unwrap().0);
                    for field in labels.chain(["id"]) {
                        let found = descend(&document, object, field);
                        assert!(found.is_some(), "{name}: {operation} does not ask for {path}.{field}");
                    }
                }
            }
        }
        if let Some(list) = &job.list {
            assert!(
                job.fill.values().any(|fill| fill.from.contains_key(list)),
                "{name}: {list} fills nothing"
            );
        }
    }
}

/// What an operation asks of the object at a path such as `products.nodes.*`.
fn selected<'a>(document: &'a ExecutableDocument, operation: &str, path: &str) -> Option<&'a SelectionSet> {
    let (_, definition) = document
        .operations
        .iter()
        .find(|(name, _)| name.is_some_and(|name| name == operation))?;
    descend(document, &definition.node.selection_set.node, path)
}

fn descend<'a>(document: &'a ExecutableDocument, from: &'a SelectionSet, path: &str) -> Option<&'a SelectionSet> {
    let steps = path.split('.').filter(|step| *step != "*");
    steps.into_iter().try_fold(from, |set, step| {
        let field = fields(document, set)
            .into_iter()
            .find(|field| field.response_key().node == step)?;
        Some(&field.selection_set.node)
    })
}

/// The fields of a selection, those of its fragments included.
fn fields<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet) -> Vec<&'a Field> {
    set.items
        .iter()
        .flat_map(|item| match &item.node {
            Selection::Field(field) => vec![&field.node],
            Selection::FragmentSpread(spread) => {
                let fragment = &document.fragments[&spread.node.fragment_name.node];
                fields(document, &fragment.node.selection_set.node)
            }
            Selection::InlineFragment(fragment) => fields(document, &fragment.node.selection_set.node),
        })
        .collect()
}
