use domain::id::CredentialId;

use super::*;

fn outbox(waiting_updates: usize, waiting_bytes: usize) -> Outbox {
    let outbox = Outbox::new(&LiveLimits {
        waiting_updates,
        waiting_bytes,
        ..LiveLimits::default()
    });
    outbox.open(1, "a".into());
    outbox.open(2, "b".into());
    outbox
}

fn object() -> Option<LiveObject> {
    Some(LiveObject::Credential(CredentialId::new()))
}

fn next(id: &str, payload: &'static str) -> Outgoing {
    Outgoing::Next {
        id: id.into(),
        payload: Bytes::from_static(payload.as_bytes()),
    }
}

#[tokio::test]
async fn a_newer_update_of_an_object_takes_the_place_of_the_older() {
    let outbox = outbox(3, 100);
    let (one, other) = (object(), object());
    outbox.next(1, one, "one".into());
    outbox.next(1, other, "other".into());
    // Another operation shows the same object on its own.
    outbox.next(2, one, "for b".into());
    for _ in 0..100 {
        outbox.next(1, one, "newer".into());
    }
    assert_eq!(outbox.take().await, Ok(next("a", "newer")));
    assert_eq!(outbox.take().await, Ok(next("a", "other")));
    assert_eq!(outbox.take().await, Ok(next("b", "for b")));
    // What was sent is not taken back.
    outbox.next(1, one, "again".into());
    assert_eq!(outbox.take().await, Ok(next("a", "again")));
}

#[tokio::test]
async fn who_reads_too_slowly_is_dropped_and_nothing_is_kept() {
    let by_number = outbox(2, 100);
    let by_bytes = outbox(100, 10);
    for _ in 0..3 {
        by_number.next(1, object(), "1".into());
        by_bytes.next(1, object(), "123456".into());
    }
    for outbox in [by_number, by_bytes] {
        assert_eq!(outbox.take().await, Err(Close::TooSlow));
        outbox.next(1, object(), "more".into());
        outbox.send("more".to_owned());
        assert_eq!(outbox.take().await, Err(Close::TooSlow));
        assert!(outbox.lock().waiting.is_empty());
    }
    // One alone may be larger than all may be together.
    let outbox = outbox(2, 3);
    outbox.next(1, object(), "12345".into());
    assert_eq!(outbox.take().await, Ok(next("a", "12345")));
    assert_eq!(outbox.lock().bytes, 0);
}

#[tokio::test]
async fn what_is_over_sends_nothing_more() {
    let outbox = outbox(10, 100);
    outbox.next(1, None, "result".into());
    outbox.complete(1);
    outbox.complete(1);
    outbox.next(1, None, "late".into());
    assert_eq!(outbox.take().await, Ok(next("a", "result")));
    let complete = Outgoing::Complete {
        number: 1,
        id: "a".into(),
    };
    assert_eq!(outbox.take().await, Ok(complete));
    // Stopped by the client: what waits is not sent, either, and an id that is used again is another operation.
    outbox.next(2, object(), "waits".into());
    outbox.close(2);
    outbox.open(3, "b".into());
    outbox.next(2, object(), "late".into());
    outbox.refuse(2, "[]".into());
    outbox.next(3, None, "new".into());
    assert_eq!(outbox.take().await, Ok(next("b", "new")));
    assert!(outbox.lock().waiting.is_empty());
    outbox.cut(Close::Interrupted);
    outbox.cut(Close::TooSlow);
    assert_eq!(outbox.take().await, Err(Close::Interrupted), "the first reason counts");
}

#[tokio::test]
async fn whoever_waits_is_woken() {
    let outbox = outbox(10, 100);
    let mut taking = Box::pin(outbox.take());
    assert!(futures_util::poll!(&mut taking).is_pending());
    outbox.send("hello".to_owned());
    assert_eq!(taking.await, Ok(Outgoing::Message("hello".to_owned())));
    let mut taking = Box::pin(outbox.take());
    assert!(futures_util::poll!(&mut taking).is_pending());
    outbox.cut(Close::Interrupted);
    assert_eq!(taking.await, Err(Close::Interrupted));
}
