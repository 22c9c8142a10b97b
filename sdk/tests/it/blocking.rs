//! Calls from code that is not async.

use portico_sdk::{Portico, RetryPolicy, blocking};
use serde_json::json;

use crate::server::answering_graphql;

#[test]
fn calls_and_lists_block_until_they_are_answered() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let page_info = json!({"hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null});
    let strategy = |id: &str| json!({"__typename": "Other", "id": id, "name": id, "inUse": true});
    let server = runtime.block_on(answering_graphql(json!({"data": {
        "viewer": null,
        "authStrategies": {"nodes": [strategy("a"), strategy("b")], "pageInfo": page_info, "totalCount": 2},
    }})));
    let settings = Portico::builder(server.uri()).retry(RetryPolicy::none());
    let portico = blocking::Client::new(settings).unwrap();
    assert_eq!(portico.wait(portico.viewer()).unwrap(), None);
    let strategies = portico.iter(portico.auth_strategies().list().stream());
    let names: Vec<_> = strategies.map(|one| one.unwrap().name().to_owned()).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(blocking::Client::new(Portico::builder("ftp://x")).is_err());
}
