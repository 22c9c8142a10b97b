use secrecy::ExposeSecret as _;
use serde_json::json;

use super::*;

fn ready() -> Protocol {
    let mut protocol = Protocol::new();
    assert!(matches!(
        protocol.receive(r#"{"type":"connection_init"}"#),
        Step::Authenticate(None)
    ));
    assert_eq!(protocol.acknowledge(), r#"{"type":"connection_ack"}"#);
    protocol
}

fn subscribe(id: &str) -> String {
    json!({ "type": "subscribe", "id": id, "payload": { "query": "subscription { viewerChanged { id } }" } })
        .to_string()
}

fn code(step: Step) -> u16 {
    match step {
        Step::Close(close) => close.code(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_it_is_stands_in_the_payload_of_the_init() {
    let token = |payload: Value| {
        let message = json!({ "type": "connection_init", "payload": payload }).to_string();
        match Protocol::new().receive(&message) {
            Step::Authenticate(token) => token.map(|token| token.expose_secret().to_owned()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        token(json!({ "Authorization": "Bearer a.b.c" })).as_deref(),
        Some("a.b.c")
    );
    assert_eq!(
        token(json!({ "authorization": "bearer  a.b.c " })).as_deref(),
        Some("a.b.c")
    );
    for nothing in [
        json!({}),
        json!({ "Authorization": "a.b.c" }),
        json!({ "Authorization": "Basic a" }),
        json!({ "Authorization": "Bearer " }),
        json!({ "Authorization": "Bearer a b" }),
        json!({ "Authorization": 1 }),
        json!({ "Authorization": "Bearer a", "authorization": "Bearer b" }),
        json!({ "accessToken": "a.b.c" }),
    ] {
        assert_eq!(token(nothing.clone()), None, "{nothing}");
    }
}

#[test]
fn nothing_is_subscribed_to_before_the_acknowledgement() {
    assert_eq!(code(Protocol::new().receive(&subscribe("1"))), 4401);
    let mut asked = Protocol::new();
    asked.receive(r#"{"type":"connection_init"}"#);
    assert_eq!(code(asked.receive(&subscribe("1"))), 4401);
}

#[test]
fn a_connection_is_initialised_once() {
    let mut asked = Protocol::new();
    asked.receive(r#"{"type":"connection_init"}"#);
    assert_eq!(code(asked.receive(r#"{"type":"connection_init"}"#)), 4429);
    assert_eq!(code(ready().receive(r#"{"type":"connection_init"}"#)), 4429);
}

#[test]
fn pings_are_answered_in_every_state() {
    for mut protocol in [Protocol::new(), ready()] {
        assert!(matches!(protocol.receive(r#"{"type":"ping"}"#), Step::Send(pong) if pong == r#"{"type":"pong"}"#));
        let Step::Send(pong) = protocol.receive(r#"{"type":"ping","payload":{"n":1}}"#) else {
            panic!("no pong");
        };
        let pong: Value = serde_json::from_str(&pong).unwrap();
        assert_eq!(pong, json!({ "type": "pong", "payload": { "n": 1 } }));
        assert!(matches!(protocol.receive(r#"{"type":"pong"}"#), Step::Nothing));
    }
}

#[test]
fn an_id_runs_once_at_a_time_and_is_free_when_it_has_ended() {
    let mut protocol = ready();
    let Step::Begin { number: first, id, .. } = protocol.receive(&subscribe("a")) else {
        panic!("not begun");
    };
    assert_eq!(&*id, "a");
    let Step::Begin { number: other, .. } = protocol.receive(&subscribe("b")) else {
        panic!("not begun");
    };
    assert_eq!(protocol.running(), 2);
    assert_eq!(code(protocol.receive(&subscribe("a"))), 4409);
    // Stopped by the client.
    assert!(matches!(protocol.receive(r#"{"type":"complete","id":"a"}"#), Step::Stop(number) if number == first));
    assert!(matches!(
        protocol.receive(r#"{"type":"complete","id":"a"}"#),
        Step::Nothing
    ));
    let Step::Begin { number: again, .. } = protocol.receive(&subscribe("a")) else {
        panic!("not begun");
    };
    assert_ne!(again, first, "what is left of the first is told apart");
    // Ended by itself.
    protocol.finished(other);
    assert!(matches!(protocol.receive(&subscribe("b")), Step::Begin { .. }));
    // What ended before ends nothing new.
    protocol.finished(first);
    assert_eq!(protocol.running(), 2);
}

#[test]
fn everything_else_is_no_message() {
    for text in [
        "",
        "hello",
        "[]",
        "{}",
        r#"{"type":"start","id":"1","payload":{}}"#,
        r#"{"type":1}"#,
        r#"{"type":"subscribe"}"#,
        r#"{"type":"subscribe","id":"1"}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
        r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
        r#"{"type":"subscribe","id":"1","payload":"{a}"}"#,
        r#"{"type":"subscribe","id":"1","payload":{}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
        r#"{"type":"complete"}"#,
        r#"{"type":"connection_init","payload":"Bearer a"}"#,
    ] {
        assert_eq!(code(ready().receive(text)), 4400, "{text}");
    }
    let long = json!({ "type": "complete", "id": "x".repeat(129) }).to_string();
    assert_eq!(code(ready().receive(&long)), 4400);
}
