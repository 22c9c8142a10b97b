use domain::{
    RefusalCode,
    reference_id::{claim, reference_id},
};
use proptest::prelude::*;

#[test]
fn form() {
    for good in ["a", "A", "0", "mobile-bank:v1.2_x", &"a".repeat(255)] {
        assert_eq!(reference_id("referenceId", good).unwrap(), good);
    }
    for (bad, code) in [
        ("", RefusalCode::Required),
        (" ", RefusalCode::Required),
        ("-a", RefusalCode::Invalid),
        (".a", RefusalCode::Invalid),
        (":a", RefusalCode::Invalid),
        ("_a", RefusalCode::Invalid),
        (" a", RefusalCode::Invalid),
        ("a ", RefusalCode::Invalid),
        ("a\n", RefusalCode::Invalid),
        ("a/b", RefusalCode::Invalid),
        ("é", RefusalCode::Invalid),
        ("a\0", RefusalCode::Invalid),
        (&"a".repeat(256), RefusalCode::TooLong),
    ] {
        let refusal = reference_id("referenceId", bad).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.field.join(".")),
            (code, "referenceId".to_owned()),
            "{bad:?}"
        );
    }
}

#[test]
fn a_freed_one_stays_its_developers() {
    for (in_use, claimed_by, expected) in [
        (false, None, true),
        (false, Some("ada@example.com"), true),
        (false, Some("eve@example.com"), false),
        (true, None, false),
        (true, Some("ada@example.com"), false),
        (true, Some("eve@example.com"), false),
    ] {
        let outcome = claim("referenceId", in_use, claimed_by, "ada@example.com");
        assert_eq!(outcome.is_ok(), expected, "{in_use} {claimed_by:?}");
        if let Err(refusal) = outcome {
            assert_eq!(refusal.code, RefusalCode::Taken);
            assert!(!refusal.message.contains("example.com"), "tells whose it is");
        }
    }
}

proptest! {
    #[test]
    fn the_pattern_and_nothing_else(text in "[A-Za-z0-9._:-]{1,300}|.{0,10}") {
        let bytes = text.as_bytes();
        let expected = (1..=255).contains(&bytes.len())
            && bytes[0].is_ascii_alphanumeric()
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(byte));
        prop_assert_eq!(reference_id("referenceId", &text).is_ok(), expected);
    }
}
