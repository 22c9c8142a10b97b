//! Pages, cursors and searches of lists.

use super::*;

#[tokio::test]
async fn pages_have_bounds_and_cursors_belong_to_their_list() {
    let world = World::new().await;
    let list = |list: &str, arguments: &str| {
        format!("{{ {list}({arguments}) {{ nodes {{ id }} pageInfo {{ endCursor }} }} }}")
    };
    for name in LISTS {
        for arguments in [
            "first: 0",
            "first: -1",
            "first: 101",
            "last: 0",
            "last: 101",
            "first: 1, last: 1",
            "after: \"\"",
            "after: \"nonsense\"",
            "before: \"eyJ4IjoxfQ\"",
        ] {
            let answer = world.admin.post(&list(name, arguments), json!({})).await;
            assert_eq!(code(&answer), Some("BAD_USER_INPUT"), "{name}({arguments}): {answer}");
        }
        for arguments in [
            "first: 1",
            "last: 100",
            "first: null, last: 1",
            "first: 100, after: null",
        ] {
            let answer = world.admin.post(&list(name, arguments), json!({})).await;
            assert_eq!(answer.get("errors"), None, "{name}({arguments}): {answer}");
        }
    }
    // A cursor of one order is none of another.
    let by_name = "orderBy: { field: NAME, direction: ASC }";
    let first = world.admin.post(&list("products", by_name), json!({})).await;
    let cursor = first["data"]["products"]["pageInfo"]["endCursor"].as_str().unwrap();
    let elsewhere = list("products", &format!("after: \"{cursor}\""));
    assert_eq!(
        code(&world.admin.post(&elsewhere, json!({})).await),
        Some("BAD_USER_INPUT")
    );
    let same = list("products", &format!("after: \"{cursor}\", {by_name}"));
    assert_eq!(world.admin.post(&same, json!({})).await.get("errors"), None);
    world.server.stop().await;
}

/// A search is folded before it is looked for: what anybody may send is bounded before that.
#[tokio::test]
async fn searches_are_as_long_as_names_and_states_count_once() {
    let world = World::new().await;
    let anonymous = Caller::anonymous(&world.server);
    let document =
        |list: &str| format!("query($search: String) {{ {list}(filter: {{ search: $search }}) {{ totalCount }} }}");
    for (caller, list) in [
        (&anonymous, "products"),
        (&world.developer, "products"),
        (&world.developer, "apps"),
        (&world.admin, "developers"),
        (&world.admin, "apps"),
    ] {
        let longest = json!({ "search": "\u{fdfa}".repeat(255) });
        let answer = caller.post(&document(list), longest).await;
        assert_eq!(answer["data"][list]["totalCount"], 0, "{list}: {answer}");
        let longer = json!({ "search": "\u{fdfa}".repeat(256) });
        let answer = caller.post(&document(list), longer).await;
        assert_eq!(code(&answer), Some("BAD_USER_INPUT"), "{list}: {answer}");
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with("filter.search has 256 characters"), "{message}");
    }
    // Each state becomes a parameter of the statement, and no database takes any number of those.
    for (list, kind, filter, state) in [
        ("apps", "AppStatus", "status", "ACTIVE"),
        ("developers", "DeveloperStatus", "status", "APPROVED"),
        ("accessRequests", "AccessRequestStatus", "status", "APPROVED"),
        ("products { nodes { versions", "VersionLifecycle", "lifecycle", "ACTIVE"),
    ] {
        let end = "}".repeat(list.matches('{').count());
        let document =
            format!("query($in: [{kind}!]) {{ {list}(filter: {{ {filter}: $in }}) {{ totalCount }} {end} }}");
        let states = json!({ "in": vec![state; 9_000] });
        let answer = world.admin.post(&document, states).await;
        assert_eq!(answer.get("errors"), None, "{list}: {answer}");
    }
    world.server.stop().await;
}

/// A variable that may be null may be left out, in every list and in the lists of what is listed.
#[tokio::test]
async fn page_arguments_may_be_left_out_of_the_variables() {
    let world = World::new().await;
    let parameters = "($first: Int, $after: String, $last: Int, $before: String)";
    let arguments = "(first: $first, after: $after, last: $last, before: $before)";
    let nested = [
        format!(
            "products {{ nodes {{ versions{arguments} {{ totalCount nodes {{
            accessRequests{arguments} {{ totalCount }} eligibleApps{arguments} {{ totalCount }} }} }} }} }}"
        ),
        format!(
            "apps {{ nodes {{ accessRequests{arguments} {{ totalCount }} credentials{arguments} {{ totalCount }} }} }}"
        ),
        format!("developers {{ nodes {{ apps{arguments} {{ totalCount }} }} }}"),
        format!("authStrategies {{ nodes {{ versions{arguments} {{ totalCount }} }} }}"),
    ];
    fixture::app(&world.owner, "first").await;
    for selection in LISTS
        .iter()
        .map(|list| format!("{list}{arguments} {{ totalCount }}"))
        .chain(nested)
    {
        let answer = world
            .admin
            .post(&format!("query{parameters} {{ {selection} }}"), json!({}))
            .await;
        assert_eq!(answer.get("errors"), None, "{selection}: {answer}");
    }
    world.server.stop().await;
}

/// Lists that are asked for together are read together; one that is asked for wrongly fails alone.
#[tokio::test]
async fn a_bad_cursor_fails_its_own_list_and_no_other() {
    let world = World::new().await;
    let app = fixture::app(&world.owner, "first").await;
    fixture::request(&world.owner, &app, &world.published.version).await;
    fixture::key(&world.owner, &app).await;
    let strategies = world.admin.post("{ authStrategies { nodes { id } } }", json!({})).await;
    let strategy = strategies["data"]["authStrategies"]["nodes"][0]["id"].as_str().unwrap();
    for (kind, id, list) in [
        ("Developer", world.owner.id.to_string(), "apps"),
        ("App", app.id.to_string(), "credentials"),
        ("App", app.id.to_string(), "accessRequests"),
        (
            "ProductVersion",
            world.published.version.id.to_string(),
            "accessRequests",
        ),
        ("Product", world.published.product.id.to_string(), "versions"),
        ("KeyAuthStrategy", strategy.to_owned(), "versions"),
    ] {
        let document = format!(
            "query($id: ID!) {{ before: node(id: $id) {{ ...lists }} bad: node(id: $id) {{ ... on {kind} {{
                {list}(after: \"nowhere\") {{ nodes {{ id }} }} }} }} after: node(id: $id) {{ ...lists }} }}
            fragment lists on {kind} {{ {list} {{ nodes {{ id }} totalCount }} first: {list}(first: 1) {{ nodes {{ id }} }} }}"
        );
        let answer = world.admin.post(&document, json!({ "id": id })).await;
        let errors = answer["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{kind}.{list}: {answer}");
        assert_eq!(errors[0]["path"], json!(["bad", list]), "{answer}");
        assert_eq!(errors[0]["extensions"]["code"], "BAD_USER_INPUT");
        for sibling in ["before", "after"] {
            let node = &answer["data"][sibling];
            assert_eq!(node[list]["totalCount"], 1, "{kind}.{list}: {answer}");
            assert_eq!(node[list]["nodes"], node["first"]["nodes"], "{kind}.{list}: {answer}");
            assert_eq!(node[list]["nodes"].as_array().unwrap().len(), 1);
        }
    }
    world.server.stop().await;
}
