use domain::{
    Refusal, RefusalCode,
    key_name::{DEFAULT, key_names},
};

fn shown(refusals: &[Refusal]) -> Vec<(String, RefusalCode)> {
    refusals
        .iter()
        .map(|refusal| (refusal.field.join("."), refusal.code))
        .collect()
}

#[test]
fn header_names_are_kept_as_written() {
    let given = [DEFAULT, " X-Api-Key ", "api_key", "x.key", "KEY!", &"k".repeat(128)];
    let kept = key_names("keyNames", given).unwrap();
    assert_eq!(kept[..3], ["apikey", "X-Api-Key", "api_key"]);
    assert_eq!(kept.len(), 6);
}

#[test]
fn there_are_one_to_ten_without_repetition() {
    let names: Vec<String> = (0..11).map(|number| format!("key-{number}")).collect();
    assert_eq!(
        key_names("keyNames", names.iter().take(10).map(String::as_str))
            .unwrap()
            .len(),
        10
    );
    assert_eq!(
        shown(&key_names("keyNames", names.iter().map(String::as_str)).unwrap_err()),
        [("keyNames".to_owned(), RefusalCode::LimitReached)]
    );
    assert_eq!(
        shown(&key_names("keyNames", []).unwrap_err()),
        [("keyNames".to_owned(), RefusalCode::Required)]
    );
    assert_eq!(
        shown(&key_names("keyNames", ["apikey", "x", "ApiKey"]).unwrap_err()),
        [("keyNames.2".to_owned(), RefusalCode::Taken)]
    );
}

#[test]
fn what_is_no_header_name_is_refused() {
    for bad in [
        "a b",
        "a:b",
        "a\r\nHost",
        "a\0",
        "é",
        "a/b",
        "a@b",
        "(a)",
        "a,b",
        "a;b",
        "\"a\"",
        "a{b}",
    ] {
        assert_eq!(
            shown(&key_names("keyNames", [bad]).unwrap_err()),
            [("keyNames.0".to_owned(), RefusalCode::Invalid)],
            "{bad:?}"
        );
    }
    let long = "k".repeat(129);
    assert_eq!(
        key_names("keyNames", [long.as_str()]).unwrap_err()[0].code,
        RefusalCode::TooLong
    );
    assert_eq!(key_names("keyNames", [" "]).unwrap_err()[0].code, RefusalCode::Required);
}

#[test]
fn headers_with_a_meaning_of_their_own_carry_no_keys() {
    for reserved in [
        "connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "proxy-authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "transfer-encoding",
        "Upgrade",
        "Host",
        "Authorization",
        "Cookie",
        "Content-Length",
        "content-type",
        "X-Consumer-ID",
        "x_consumer_id",
        "X-Consumer-Anything",
        "X-Credential-Identifier",
        "x_credential_identifier",
        "X-Forwarded-For",
        "x_forwarded_for",
        "Forwarded",
        "Via",
        "X-Real-IP",
        "X-Request-Id",
        "X-HTTP-Method-Override",
        "X-Original-URL",
        "X-Rewrite-URL",
        "Accept",
        "accept-encoding",
        "User-Agent",
        "Origin",
        "Referer",
        "If-Match",
        "Range",
        "Expect",
        "Sec-WebSocket-Key",
        "sec-fetch-mode",
        "Access-Control-Request-Method",
        "traceparent",
        "Cache-Control",
        "X-Portico-Denial",
        "Max-Forwards",
    ] {
        assert_eq!(
            shown(&key_names("keyNames", [reserved]).unwrap_err()),
            [("keyNames.0".to_owned(), RefusalCode::Invalid)],
            "{reserved}"
        );
    }
}
