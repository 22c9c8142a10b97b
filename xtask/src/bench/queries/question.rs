//! The same questions in the words of either server, and what their answers have in common.

use serde_json::{Value, json};

/// `products(first: 20)` with three versions each and their settings.
pub(super) const CATALOG: &str = "{ products(first: 20) { nodes { id slug name description versions(first: 20) { nodes { \
     id name lifecycle registration { enabled autoApprove authStrategy { id name } } } } } } }";

/// The same of PostGraphile, which sees all rows.
pub(super) const PEER_CATALOG: &str = "{ allProducts(first: 20, orderBy: CREATED_AT_DESC) { nodes { rowId slug name description \
     versionsByProductId(first: 20, orderBy: CREATED_AT_DESC) { nodes { rowId name lifecycle registrationEnabled autoApprove \
     authStrategyByAuthStrategyId { rowId name } } } } } }";

/// One's own apps with their requests, the versions that they are for, and the versions' products.
pub(super) const MY_APPS: &str = "{ apps(first: 20) { nodes { id name referenceId status accessRequests(first: 20) { nodes { \
     id status version { id name product { id slug name } } } } } } }";

/// The same of PostGraphile; whose apps they are has to be said.
pub(super) const PEER_MY_APPS: &str = "query($developer: UUID!) { allApps(first: 20, orderBy: CREATED_AT_DESC, condition: { \
     developerId: $developer }) { nodes { rowId name referenceId status accessRequestsByAppId(first: 20, orderBy: \
     CREATED_AT_DESC) { nodes { rowId status versionByVersionId { rowId name productByProductId { rowId slug name } } } } } } }";

/// Registers an app: checks of the caller, the limit and the reference id, a claim, an audit event and a change.
pub(super) const CREATE_APP: &str = "mutation($input: CreateAppInput!) { createApp(input: $input) { app { id name referenceId \
     status } userErrors { code } } }";

/// One row more, without any of it.
pub(super) const PEER_CREATE_APP: &str =
    "mutation($app: AppInput!) { createApp(input: { app: $app }) { app { rowId name referenceId status } } }";

/// The answer to either catalog, as far as they have it in common. Ids are other texts in each.
pub(super) fn catalog(answer: &Value) -> Value {
    let data = &answer["data"];
    let is_peer = data.get("allProducts").is_some();
    let products = nodes(&data[if is_peer { "allProducts" } else { "products" }]);
    let version = |version: &Value| {
        let settings = if is_peer { version } else { &version["registration"] };
        let (enabled, strategy) = if is_peer {
            ("registrationEnabled", "authStrategyByAuthStrategyId")
        } else {
            ("enabled", "authStrategy")
        };
        json!([
            version["name"],
            version["lifecycle"],
            settings[enabled],
            settings["autoApprove"],
            settings[strategy]["name"]
        ])
    };
    let versions = if is_peer { "versionsByProductId" } else { "versions" };
    let product = |product: &Value| {
        let versions: Vec<Value> = nodes(&product[versions]).iter().map(version).collect();
        json!([product["slug"], product["name"], product["description"], versions])
    };
    products.iter().map(product).collect()
}

/// The answer to either question about one's own apps, as far as they have it in common.
pub(super) fn my_apps(answer: &Value) -> Value {
    let data = &answer["data"];
    let [apps, requests, version, product] = if data.get("allApps").is_some() {
        [
            "allApps",
            "accessRequestsByAppId",
            "versionByVersionId",
            "productByProductId",
        ]
    } else {
        ["apps", "accessRequests", "version", "product"]
    };
    let request = |request: &Value| {
        let version = &request[version];
        json!([
            request["status"],
            version["name"],
            version[product]["slug"],
            version[product]["name"]
        ])
    };
    let app = |app: &Value| {
        let requests: Vec<Value> = nodes(&app[requests]).iter().map(request).collect();
        json!([app["name"], app["referenceId"], app["status"], requests])
    };
    nodes(&data[apps]).iter().map(app).collect()
}

/// The app that either answer tells of.
pub(super) fn created(answer: &Value) -> Value {
    let app = &answer["data"]["createApp"]["app"];
    json!([app["name"], app["referenceId"], app["status"]])
}

fn nodes(connection: &Value) -> &[Value] {
    connection["nodes"].as_array().map_or(&[], Vec::as_slice)
}
