//! Which requests are taken: methods, media types, bodies and tokens.

use super::*;

#[tokio::test]
async fn answers_in_the_accepted_media_type() {
    for (accept, content_type) in [(JSON, JSON), (GRAPHQL, GRAPHQL), ("*/*", JSON)] {
        let answer = query_as(accept, json!({ "query": "{ caller }" })).await;
        answer.assert_data(&json!({ "caller": "Nobody" }));
        assert_eq!(answer.header("content-type"), format!("{content_type}; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("vary"), "accept");
    }
    let answer = query_as("text/html", json!({ "query": "{ caller }" })).await;
    answer.assert_refused(406, "BAD_USER_INPUT");
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
}

#[tokio::test]
async fn takes_json_only() {
    let body = json!({ "query": "{ caller }" }).to_string();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json+x",
        "application/json; charset=iso-8859-1",
        "no media type",
        "",
    ] {
        let answer = send(post(&[("content-type", content_type)], body.clone())).await;
        answer.assert_refused(415, "BAD_USER_INPUT");
    }
    send(post(&[], body.clone()))
        .await
        .assert_refused(415, "BAD_USER_INPUT");
    let twice = [("content-type", JSON), ("content-type", JSON)];
    send(post(&twice, body.clone()))
        .await
        .assert_refused(415, "BAD_USER_INPUT");
    let encoded = [("content-type", JSON), ("content-encoding", "gzip")];
    send(post(&encoded, body.clone()))
        .await
        .assert_refused(415, "BAD_USER_INPUT");
    for content_type in [
        JSON,
        "application/json; charset=utf-8",
        "Application/JSON;charset=\"UTF-8\"",
    ] {
        send(post(&[("content-type", content_type)], body.clone()))
            .await
            .assert_data(&json!({ "caller": "Nobody" }));
    }
}

#[tokio::test]
async fn takes_queries_by_get_and_nothing_else() {
    send(get("query=%7B+caller+%7D"))
        .await
        .assert_data(&json!({ "caller": "Nobody" }));
    send(get(
        "query=query+A%28%24v%3AEven%21%29%7Beven%28value%3A%24v%29%7D&variables=%7B%22v%22%3A4%7D&operationName=A",
    ))
    .await
    .assert_data(&json!({ "even": 4 }));
    let answer = send(get("query=mutation%7BcreateApp%7Bdone%7D%7D")).await;
    answer.assert_refused(405, "BAD_USER_INPUT");
    assert_eq!(answer.header("allow"), "POST");
    send(get("")).await.assert_refused(400, "BAD_USER_INPUT");
    send(get("query=%7B")).await.assert_refused(400, "GRAPHQL_PARSE_FAILED");
}

#[tokio::test]
async fn refuses_other_methods() {
    for method in [
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
    ] {
        let request = Request::builder()
            .method(method)
            .uri("/graphql")
            .body(Body::empty())
            .unwrap();
        let answer = send(request).await;
        answer.assert_refused(405, "BAD_USER_INPUT");
        assert_eq!(answer.header("allow"), "GET, POST");
    }
}

#[tokio::test]
async fn refuses_what_is_no_graphql_request() {
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{}",
        r#"{"query":0}"#,
        r#"{"query":"{ caller }","variables":[]}"#,
    ] {
        for accept in [JSON, GRAPHQL] {
            let answer = send(post(&[("content-type", JSON), ("accept", accept)], body)).await;
            answer.assert_refused(400, "BAD_USER_INPUT");
        }
    }
}

#[tokio::test]
async fn the_body_limit_depends_on_the_caller() {
    let padded = |length: usize| {
        let body = json!({ "query": "{ caller }" }).to_string();
        format!("{}{}", body, " ".repeat(length - body.len()))
    };
    let sized = |length: usize, token: Option<&'static str>, announced: bool| {
        let body = if announced {
            Body::from(padded(length))
        } else {
            Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(padded(length))]))
        };
        let mut request = post(&[("content-type", JSON)], body);
        if announced {
            request.headers_mut().insert("content-length", length.into());
        }
        if let Some(token) = token {
            request.headers_mut().insert("authorization", token.parse().unwrap());
        }
        send(request)
    };
    for announced in [true, false] {
        assert_eq!(sized(300, None, announced).await.status, 200);
        sized(301, None, announced).await.assert_refused(413, "BAD_USER_INPUT");
        assert_eq!(sized(600, Some("Bearer admin"), announced).await.status, 200);
        sized(601, Some("Bearer admin"), announced)
            .await
            .assert_refused(413, "BAD_USER_INPUT");
        sized(301, Some("Bearer forged"), announced)
            .await
            .assert_refused(413, "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let broken = futures_util::stream::iter([Ok("{"), Err(std::io::Error::other("reset"))]);
    send(post(&[("content-type", JSON)], Body::from_stream(broken)))
        .await
        .assert_refused(400, "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_bad_token_refuses_the_whole_request() {
    with_token("Bearer admin", "{ caller }")
        .await
        .assert_data(&json!({ "caller": "Admin" }));
    for token in ["Bearer forged", "Bearer", "Basic admin", ""] {
        for document in ["{ caller }", "mutation { createApp { done } signIn { done } }"] {
            let answer = with_token(token, document).await;
            answer.assert_refused(401, "UNAUTHENTICATED");
            assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
        }
    }
    with_token("Bearer unchecked", "{ caller }")
        .await
        .assert_refused(503, "UNAVAILABLE");
}

#[tokio::test]
async fn a_bad_token_does_not_keep_anyone_from_signing_in() {
    for token in ["Bearer forged", "Basic admin", "Bearer unchecked"] {
        with_token(token, "mutation { signIn { done } }")
            .await
            .assert_data(&json!({ "signIn": { "done": true } }));
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let body = Body::from_stream(futures_util::stream::pending::<Result<String, std::io::Error>>());
    let request = post(&[("content-type", JSON)], body);
    let response = endpoint_with(Duration::from_millis(20))
        .router
        .oneshot(request)
        .await
        .unwrap();
    Answer::of(response).await.assert_refused(408, "TIMEOUT");
}
