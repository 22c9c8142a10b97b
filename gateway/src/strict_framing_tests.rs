use proptest::prelude::*;

use super::*;

/// Feeds the bytes in pieces of this size; tells how many were let through, and whether a rule was broken.
fn fed(bytes: &[u8], piece: usize) -> (usize, bool) {
    let mut framing = StrictFraming::new();
    let mut accepted = 0;
    for piece in bytes.chunks(piece) {
        accepted += framing.accept(piece);
        if framing.is_refused() {
            return (accepted, true);
        }
    }
    (accepted, false)
}

fn is_refused(request: &str) -> bool {
    let whole = fed(request.as_bytes(), usize::MAX).1;
    let by_bytes = fed(request.as_bytes(), 1).1;
    assert_eq!(whole, by_bytes, "{request:?}");
    whole
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn honest_requests_pass() {
    for request in [
        GET.to_owned(),
        format!("\r\n\r\n{GET}"),
        "GET / HTTP/1.0\r\n\r\n".to_owned(),
        format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n\n\r\0{GET}"),
        format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n{GET}"),
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n\n\r\0\r\n0\r\n\r\n{GET}"),
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n1;x=a\r\nz\r\n0\r\nX: y\r\n\r\n{GET}"),
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n\n\n\0anything".to_owned(),
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n{GET}",
            "a: \t".repeat(500)
        ),
    ] {
        assert!(!is_refused(&request), "{request:?}");
    }
}

#[test]
fn broken_rules_are_refused_wherever_they_stand() {
    let zero_chunk = "0\r\n\r\n";
    for broken in [
        "GET / HTTP/1.1\nHost: a\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\n\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n".to_owned(),
        format!("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{zero_chunk}"),
        format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n{zero_chunk}"),
        format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n{zero_chunk}"),
        format!("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n{zero_chunk}"),
        format!("POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n{zero_chunk}"),
        format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding:{}chunked\r\n\r\n{zero_chunk}",
            " ".repeat(300)
        ),
        "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello".to_owned(),
        "POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\nhello".to_owned(),
        "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\nhello".to_owned(),
        "POST / HTTP/1.1\r\nContent-Length: 0x5\r\n\r\nhello".to_owned(),
        "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n".to_owned(),
        format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{}\r\n",
            "f".repeat(17)
        ),
    ] {
        assert!(is_refused(&broken), "{broken:?}");
        for before in [
            GET.to_owned(),
            "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\r\n".to_owned(),
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n".to_owned(),
        ] {
            assert!(!is_refused(&before), "{before:?}");
            let (accepted, refused) = fed(format!("{before}{broken}").as_bytes(), usize::MAX);
            assert!(refused && accepted >= before.len(), "{before:?} {broken:?}");
        }
    }
}

/// A request that is framed in one way only, and its bytes.
fn any_request() -> impl Strategy<Value = Vec<u8>> {
    let body = proptest::collection::vec(any::<u8>(), 0..40);
    let chunks = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..20), 0..4);
    prop_oneof![
        Just(GET.as_bytes().to_vec()),
        body.prop_map(|body| {
            let head = format!("PUT /x HTTP/1.1\r\nContent-Length: {}\r\nHost: a\r\n\r\n", body.len());
            [head.into_bytes(), body].concat()
        }),
        chunks.prop_map(|chunks| {
            let mut bytes = b"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            for chunk in chunks {
                bytes.extend(format!("{:X}\r\n", chunk.len()).into_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
            bytes
        }),
    ]
}

proptest! {
    /// However the bytes arrive and whatever the bodies hold, honest requests pass, and the broken one behind them is
    /// found.
    #[test]
    fn the_scanner_never_loses_its_place(
        requests in proptest::collection::vec(any_request(), 0..5),
        piece in 1_usize..50,
    ) {
        let mut bytes = requests.concat();
        prop_assert_eq!(fed(&bytes, piece), (bytes.len(), false));
        let honest = bytes.len();
        bytes.extend(b"GET / HTTP/1.1\nHost: a\r\n\r\n");
        prop_assert_eq!(fed(&bytes, piece), (honest + "GET / HTTP/1.1".len(), true));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), piece in 1_usize..50) {
        let (accepted, refused) = fed(&bytes, piece);
        prop_assert!(refused || accepted == bytes.len());
    }
}
