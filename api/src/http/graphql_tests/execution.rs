//! What a document that was taken is answered, and what becomes of it when its time is up or its client leaves.

use super::*;

#[tokio::test]
async fn a_bad_document_is_400_or_200_by_media_type() {
    for (document, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{ missing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ caller { deeper } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($v: Even) { even(value: 2) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ ...F } fragment F on Query { ...F }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { caller }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { caller } query B { caller }", "BAD_USER_INPUT"),
        ("{ a: caller b: caller c: caller }", "QUERY_TOO_COMPLEX"),
    ] {
        let parameters = json!({ "query": document });
        query_as(GRAPHQL, parameters.clone()).await.assert_refused(400, code);
        query_as(JSON, parameters).await.assert_refused(200, code);
    }
    let unknown = json!({ "query": "query A { caller }", "operationName": "B" });
    query_as(GRAPHQL, unknown).await.assert_refused(400, "BAD_USER_INPUT");
    let located = query("{ caller").await;
    assert!(
        located.body["errors"][0]["locations"][0]["line"].is_number(),
        "{}",
        located.body
    );
}

#[tokio::test]
async fn bad_values_are_the_callers_input() {
    let document = "query($v: Even!) { even(value: $v) }";
    for variables in [json!({ "v": 3 }), json!({ "v": "4" }), json!({ "v": null }), json!({})] {
        let answer = query_as(GRAPHQL, json!({ "query": document, "variables": variables })).await;
        assert_eq!(answer.status, 400, "{variables}: {}", answer.body);
        assert_eq!(answer.body.get("data"), None, "{}", answer.body);
    }
    let missing = query_as(
        GRAPHQL,
        json!({ "query": "mutation($v: Int!) { createApp { done } even(value: $v) }" }),
    )
    .await;
    missing.assert_refused(400, "BAD_USER_INPUT");
    query("query($v: Even! = 4) { even(value: $v) }")
        .await
        .assert_data(&json!({ "even": 4 }));
    query("{ even(value: 3) }").await.assert_refused(400, "BAD_USER_INPUT");
    let late = query("{ odd(value: 2) }").await;
    assert_eq!(late.status, 200);
    assert_eq!(
        late.body["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
        "{}",
        late.body
    );
    assert_eq!(late.body["errors"][0]["path"], json!(["odd"]));
}

#[tokio::test]
async fn errors_of_the_execution_keep_data_and_get_codes() {
    let coded = query("{ coded }").await;
    assert_eq!(coded.status, 200);
    assert_eq!(coded.body["data"], Json::Null);
    assert!(
        coded.body.as_object().unwrap().contains_key("data"),
        "execution began, so data is there"
    );
    assert_eq!(coded.body["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let uncoded = query("{ uncoded caller }").await;
    assert_eq!(uncoded.body["data"], json!({ "uncoded": null, "caller": "Nobody" }));
    assert_eq!(uncoded.body["errors"][0]["extensions"]["code"], "INTERNAL");
    assert!(
        !uncoded.body.to_string().contains("hunter2"),
        "the reason stays in the log"
    );
}

#[tokio::test]
async fn a_crash_is_an_internal_error() {
    query("{ crash }").await.assert_refused(500, "INTERNAL");
}

#[tokio::test]
async fn tells_what_a_query_cost() {
    let answer = query("{ caller __typename }").await;
    assert_eq!(
        answer.body["extensions"]["cost"],
        json!({ "requested": 2, "actual": 2, "limit": 3000 })
    );
}

#[tokio::test]
async fn the_standard_introspection_passes() {
    let document = include_str!("../standard_introspection.graphql");
    let query_string = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("query", document)
        .finish();
    let answer = send(get(&query_string)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body.get("errors"), None);
    let cost = &answer.body["extensions"]["cost"];
    assert!(cost["actual"].as_u64() <= cost["requested"].as_u64(), "{cost}");
}

#[tokio::test]
async fn a_query_ends_when_its_time_is_up() {
    let endpoint = endpoint_with(Duration::from_millis(20));
    let request = post(&[("content-type", JSON)], json!({ "query": "{ wait }" }).to_string());
    let answer = Answer::of(endpoint.router.oneshot(request).await.unwrap()).await;
    answer.assert_refused(504, "TIMEOUT");
    endpoint.executions.close();
    endpoint.executions.wait().await;
    assert_eq!(endpoint.gate.ended.available_permits(), 0, "it was stopped");
}

#[tokio::test]
async fn a_mutation_goes_on_when_its_time_is_up() {
    let endpoint = endpoint_with(Duration::from_millis(20));
    let request = post(
        &[("content-type", JSON)],
        json!({ "query": "mutation { wait }" }).to_string(),
    );
    let answer = Answer::of(endpoint.router.oneshot(request).await.unwrap()).await;
    answer.assert_refused(504, "TIMEOUT");
    endpoint.gate.open.add_permits(1);
    endpoint.executions.close();
    endpoint.executions.wait().await;
    assert_eq!(endpoint.gate.ended.available_permits(), 1);
}

#[tokio::test]
async fn a_mutation_goes_on_when_its_client_leaves_and_a_query_does_not() {
    for (document, ends) in [("mutation { wait }", 1), ("query { wait }", 0)] {
        let endpoint = endpoint_with(Duration::from_secs(60));
        let request = post(&[("content-type", JSON)], json!({ "query": document }).to_string());
        let connection = tokio::spawn(endpoint.router.oneshot(request));
        endpoint.gate.begun.acquire().await.unwrap().forget();
        connection.abort();
        assert!(connection.await.unwrap_err().is_cancelled());
        endpoint.gate.open.add_permits(1);
        endpoint.executions.close();
        endpoint.executions.wait().await;
        assert_eq!(endpoint.gate.ended.available_permits(), ends, "{document}");
    }
}
