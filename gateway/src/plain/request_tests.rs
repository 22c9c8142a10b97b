use super::*;

fn is_plain(bytes: &[u8]) -> bool {
    matches!(look(bytes, &mut room(), 100), Seen::Plain(_))
}

#[test]
fn a_plain_request_is_read_in_its_parts() {
    let bytes = b"GET /mock/a%20b?x=1&y HTTP/1.1\r\nHost: a:80\r\nX-API-Key: k1\r\nx-api-key:  k2 \r\n\r\nGET /next";
    let mut room = room();
    let Seen::Plain(request) = look(bytes, &mut room, 100) else {
        panic!("not plain");
    };
    assert_eq!(request.method, Method::GET);
    assert_eq!((request.path, request.query), ("/mock/a%20b", Some("x=1&y")));
    assert_eq!(request.host, "a:80");
    assert_eq!(&bytes[request.length..], b"GET /next");
    let name = HeaderName::from_static("x-api-key");
    assert_eq!(request.values(&name).collect::<Vec<_>>(), [b"k1", b"k2"]);
}

#[test]
fn half_a_head_waits_for_the_rest_up_to_a_limit() {
    let head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for end in 0..head.len() {
        assert!(
            matches!(look(&head.as_bytes()[..end], &mut room(), 100), Seen::Partial),
            "{end}"
        );
    }
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(LONGEST_HEAD));
    assert!(matches!(look(long.as_bytes(), &mut room(), 100), Seen::Other));
}

#[test]
fn what_could_be_read_in_two_ways_or_has_a_body_is_not_plain() {
    assert!(is_plain(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n"));
    for head in [
        "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
        "get / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /# HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /{ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\\ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /?\" HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\u{fc} HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \u{fc}\r\nHOST: a\r\n\r\n",
        // Lines that end otherwise, are empty, or go on from the one before.
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
        // Bodies, and what asks for more than an answer.
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 5\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, x-consumer-id\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: x\r\n\r\n",
        // Names that others read otherwise.
        "GET / HTTP/1.1\r\nHost: a\r\nX_Consumer_ID: a\r\n\r\n",
    ] {
        assert!(!is_plain(head.as_bytes()), "{head:?}");
    }
    let long_name = format!(
        "GET / HTTP/1.1\r\nHost: a\r\n{}: b\r\n\r\n",
        "x".repeat(LONGEST_NAME + 1)
    );
    assert!(!is_plain(long_name.as_bytes()));
}

#[test]
fn more_headers_than_may_be_are_not_plain() {
    let head = "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n\r\n".to_owned();
    assert!(matches!(look(head.as_bytes(), &mut room(), 3), Seen::Plain(_)));
    assert!(matches!(look(head.as_bytes(), &mut room(), 2), Seen::Other));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: 1\r\n".repeat(MOST_HEADERS));
    assert!(matches!(look(many.as_bytes(), &mut room(), 100), Seen::Other));
}
