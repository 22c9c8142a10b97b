use domain::{
    RefusalCode, Timestamp,
    idempotency::{Stored, Verdict, key, verdict},
};

const DAY: i64 = 86_400_000;

#[test]
fn form() {
    for good in ["a", "018f3a2e-7d2b-7c7e-8a2f-0c1d2e3f4a5b", "a b~!", &"k".repeat(255)] {
        assert_eq!(key("idempotencyKey", good).unwrap(), good);
    }
    for (bad, code) in [
        ("", RefusalCode::Required),
        ("  ", RefusalCode::Required),
        ("é", RefusalCode::Invalid),
        ("a\n", RefusalCode::Invalid),
        ("a\0", RefusalCode::Invalid),
        ("\u{7f}", RefusalCode::Invalid),
        (&"k".repeat(256), RefusalCode::TooLong),
    ] {
        let refusal = key("idempotencyKey", bad).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.field.join(".")),
            (code, "idempotencyKey".to_owned()),
            "{bad:?}"
        );
    }
}

#[test]
fn a_key_is_remembered_for_a_day() {
    let stored = Stored {
        input_hash: [7; 32],
        at: Timestamp::from_millis(0),
    };
    for (now, same, expected) in [
        (0, true, "replay"),
        (DAY - 1, true, "replay"),
        (DAY, true, "fresh"),
        (0, false, "mismatch"),
        (DAY - 1, false, "mismatch"),
        (DAY, false, "fresh"),
    ] {
        let hash = if same { [7; 32] } else { [8; 32] };
        let reached = match verdict(Some(&stored), &hash, Timestamp::from_millis(now)) {
            Verdict::Fresh => "fresh",
            Verdict::Replay => "replay",
            Verdict::Mismatch(refusal) => {
                assert_eq!(refusal.code, RefusalCode::IdempotencyMismatch);
                assert_eq!(refusal.field, ["idempotencyKey"]);
                "mismatch"
            }
        };
        assert_eq!(reached, expected, "{now} {same}");
    }
    assert_eq!(verdict(None, &[7; 32], Timestamp::from_millis(0)), Verdict::Fresh);
}
