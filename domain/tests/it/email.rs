use domain::{
    RefusalCode,
    email::{NormalisedEmail, email},
};
use proptest::prelude::*;

#[test]
fn addresses_of_every_day_are_taken_as_written() {
    for good in [
        "ada@example.com",
        "admin@localhost",
        "Ada.Lovelace+billing@sub.Example.co.uk",
        "o'brien@example.ie",
        "用户@例子.公司",
        "a@b",
    ] {
        assert_eq!(email("email", good).unwrap(), good);
    }
    assert_eq!(email("email", "  ada@example.com\n").unwrap(), "ada@example.com");
    let longest = format!(
        "{}@{}.{}.{}",
        "a".repeat(64),
        "b".repeat(63),
        "c".repeat(63),
        "d".repeat(61)
    );
    assert_eq!(longest.len(), 254);
    assert!(email("email", &longest).is_ok());
}

#[test]
fn what_is_no_address_is_refused() {
    for bad in [
        "ada",
        "@",
        "ada@",
        "@example.com",
        "ada@@example.com",
        "a@b@c",
        "ada lovelace@example.com",
        "ada@exam ple.com",
        "ada@example.com,eve@example.com",
        "Ada <ada@example.com>",
        "ada@example..com",
        ".ada@example.com",
        "ada.@example.com",
        "ada@.com",
        "ada@example.com.",
        "ada@-example.com",
        "ada@example-.com",
        "ada@[127.0.0.1]",
        "\"ada\"@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada\0@example.com",
        "ada\u{202e}@example.com",
        "ada@exa\u{200b}mple.com",
        "ada@example_com",
        "ada@exam/ple.com",
    ] {
        let refusal = email("email", bad).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.field.join(".")),
            (RefusalCode::Invalid, "email".to_owned()),
            "{bad:?}"
        );
    }
    assert_eq!(
        email("email", &format!("{}@example.com", "a".repeat(65)))
            .unwrap_err()
            .code,
        RefusalCode::Invalid
    );
    assert_eq!(
        email("email", &format!("a@{}", "b".repeat(253))).unwrap_err().code,
        RefusalCode::TooLong
    );
    assert_eq!(email("email", " \u{3164}").unwrap_err().code, RefusalCode::Required);
}

#[test]
fn addresses_are_compared_without_case_and_form() {
    for (one, other) in [
        ("ada@example.com", " ADA@Example.COM "),
        ("zo\u{eb}@example.com", "ZOE\u{308}@EXAMPLE.COM"),
        ("\u{130}@example.com", "i\u{307}@example.com"),
    ] {
        assert_eq!(NormalisedEmail::of(one), NormalisedEmail::of(other), "{one} {other}");
    }
    // A compatibility variant is another address: NFKC would merge accounts that their hosts tell apart.
    assert_ne!(
        NormalisedEmail::of("ﬁ@example.com"),
        NormalisedEmail::of("fi@example.com")
    );
    assert_ne!(
        NormalisedEmail::of("ada+x@example.com"),
        NormalisedEmail::of("ada@example.com")
    );
}

proptest! {
    #[test]
    fn normalising_twice_changes_nothing(text in any::<String>()) {
        let once = NormalisedEmail::of(&text);
        prop_assert_eq!(NormalisedEmail::of(once.as_str()), once);
    }

    #[test]
    fn an_accepted_address_has_one_at_and_no_white_space(text in "[a-z@. \t\r\n<>,\u{200b}]{0,20}") {
        if let Ok(address) = email("email", &text) {
            prop_assert_eq!(address.matches('@').count(), 1);
            prop_assert!(!address.contains(char::is_whitespace));
            prop_assert_eq!(email("email", &address).unwrap(), address);
        }
    }
}
