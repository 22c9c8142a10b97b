use super::*;
use crate::plain::request::room;

/// Status, length of the body, and whether the connection stays open.
fn read(bytes: &str, is_head: bool) -> Option<(u16, u64, bool)> {
    match look(bytes.as_bytes(), &mut room(), is_head) {
        Seen::Plain(response) => Some((response.status, response.body, response.stays_open)),
        Seen::Partial => panic!("{bytes:?} is whole"),
        Seen::Other => None,
    }
}

#[test]
fn lengths_are_read_where_there_is_one_way_to_read_them() {
    for (bytes, is_head, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", false, (200, 12, true)),
        ("HTTP/1.1 200\r\nContent-Length: 012\r\n\r\n", false, (200, 12, true)),
        (
            "HTTP/1.1 404 x\r\ncontent-length: 0\r\nConnection: Keep-Alive\r\n\r\n",
            false,
            (404, 0, true),
        ),
        (
            "HTTP/1.1 500 x\r\ncontent-length: 1\r\nConnection: close\r\n\r\n",
            false,
            (500, 1, false),
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", true, (200, 0, true)),
        ("HTTP/1.1 200 OK\r\n\r\n", true, (200, 0, true)),
        ("HTTP/1.1 204 No Content\r\n\r\n", false, (204, 0, true)),
        (
            "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
            false,
            (304, 0, true),
        ),
    ] {
        assert_eq!(read(bytes, is_head), Some(expected), "{bytes:?}");
    }
}

#[test]
fn everything_else_is_not_plain() {
    for bytes in [
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 999 OK\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "garbage\r\n\r\n",
        // Until it is closed.
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close, x-hop\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: upgrade\r\n\r\n",
        // What some take for another line.
        "HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n",
    ] {
        assert_eq!(read(bytes, false), None, "{bytes:?}");
    }
    assert_eq!(
        read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true),
        None
    );
}

#[test]
fn half_a_head_waits_for_the_rest_up_to_a_limit() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
    for end in 0..head.len() {
        assert!(
            matches!(look(&head.as_bytes()[..end], &mut room(), false), Seen::Partial),
            "{end}"
        );
    }
    let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(LONGEST_HEAD));
    assert!(matches!(look(long.as_bytes(), &mut room(), false), Seen::Other));
}

#[test]
fn the_client_gets_the_head_without_what_was_for_us() {
    let bytes =
        b"HTTP/1.1 200 Fine\r\nServer: x\r\nConnection: close\r\nClose: 1\r\nKeep-Alive: 5\r\nX-Portico-Denial: y\r\n\
        X-Request-ID: z\r\nSet-Cookie: a=\xfc\r\nSet-Cookie: b\r\nDate: d\r\nContent-Length: 2\r\n\r\nok";
    let mut room = room();
    let Seen::Plain(response) = look(bytes, &mut room, false) else {
        panic!("not plain");
    };
    let mut out = Vec::new();
    response.write_head(&mut out, b"id", true);
    let expected: &[u8] = b"HTTP/1.1 200 Fine\r\nserver: x\r\nset-cookie: a=\xfc\r\nset-cookie: b\r\ndate: d\r\n\
        content-length: 2\r\nx-request-id: id\r\nconnection: close\r\n\r\n";
    assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(expected));
    let bytes = b"HTTP/1.1 204 No Content\r\n\r\n";
    let mut room = crate::plain::request::room();
    let Seen::Plain(response) = look(bytes, &mut room, false) else {
        panic!("not plain");
    };
    let mut out = Vec::new();
    response.write_head(&mut out, b"id", false);
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.starts_with("HTTP/1.1 204 No Content\r\nx-request-id: id\r\ndate: "),
        "{text}"
    );
    assert!(text.ends_with(" GMT\r\n\r\n"), "{text}");
}
