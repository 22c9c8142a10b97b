//! Errors of fields: what becomes null for them (GraphQL, section 6.4.4), and what each of them tells.

use super::*;

#[tokio::test]
async fn a_field_that_fails_nulls_the_nearest_that_may_be_null() {
    for (document, data, paths) in [
        (
            "{ tree { maybe fine } }",
            json!({ "tree": { "maybe": null, "fine": 1 } }),
            json!([["tree", "maybe"]]),
        ),
        (
            "{ maybeTree { must fine } caller }",
            json!({ "maybeTree": null, "caller": "Nobody" }),
            json!([["maybeTree", "must"]]),
        ),
        (
            "{ maybeTree { fine tree { must } } }",
            json!({ "maybeTree": null }),
            json!([["maybeTree", "tree", "must"]]),
        ),
        (
            "{ tree { maybeTree { must } fine } }",
            json!({ "tree": { "maybeTree": null, "fine": 1 } }),
            json!([["tree", "maybeTree", "must"]]),
        ),
        (
            "{ tree { fine maybeTrees { must } } }",
            json!({ "tree": { "fine": 1, "maybeTrees": [null, null] } }),
            json!([["tree", "maybeTrees", 0, "must"], ["tree", "maybeTrees", 1, "must"]]),
        ),
        (
            "{ a: maybeTree { b: maybe } }",
            json!({ "a": { "b": null } }),
            json!([["a", "b"]]),
        ),
        ("{ tree { must } }", Json::Null, json!([["tree", "must"]])),
    ] {
        let answer = query(document).await;
        assert_eq!(answer.status, 200, "{document}");
        assert!(
            answer.body.as_object().unwrap().contains_key("data"),
            "{document}: it was executed"
        );
        assert_eq!(answer.body["data"], data, "{document}: {}", answer.body);
        let errors = answer.body["errors"].as_array().unwrap();
        let mut found: Vec<_> = errors.iter().map(|error| error["path"].clone()).collect();
        found.sort_by_key(Json::to_string);
        assert_eq!(Json::from(found), paths, "{document}");
        for error in errors {
            assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{document}");
            assert_eq!(
                error["extensions"]["requestId"],
                answer.body["errors"][0]["extensions"]["requestId"]
            );
            let location = &error["locations"][0];
            assert_eq!(location["line"], 1, "{document}: {error}");
            let name = error["path"].as_array().unwrap().last().unwrap().as_str().unwrap();
            let column = location["column"].as_u64().unwrap() as usize;
            assert!(document[column - 1..].starts_with(name), "{document}: {error}");
        }
    }
}

#[tokio::test]
async fn an_item_that_fails_in_a_list_without_nulls_takes_the_list_along() {
    let answer = query("{ maybeTree { fine trees { must } } }").await;
    assert_eq!(answer.body["data"], json!({ "maybeTree": null }), "{}", answer.body);
    // Whether the second item is still resolved is the server's choice; the first is told.
    let path = &answer.body["errors"][0]["path"];
    assert!(path[1] == "trees" && path[2].is_number() && path[3] == "must", "{path}");
    assert_eq!(answer.body["errors"][0]["extensions"].get("path"), None);
}
