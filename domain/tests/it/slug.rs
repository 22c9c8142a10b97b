use std::collections::HashSet;

use domain::{
    RefusalCode,
    slug::{candidates, from_name, slug},
};
use proptest::prelude::*;

#[test]
fn form() {
    for good in ["a", "billing-api", "v2", "0", &"a".repeat(100)] {
        assert_eq!(slug("slug", good).unwrap(), good);
    }
    for (bad, code) in [
        ("", RefusalCode::Required),
        ("  ", RefusalCode::Required),
        ("Billing", RefusalCode::Invalid),
        ("-a", RefusalCode::Invalid),
        ("a-", RefusalCode::Invalid),
        ("a--b", RefusalCode::Invalid),
        ("a_b", RefusalCode::Invalid),
        ("a/b", RefusalCode::Invalid),
        ("ä", RefusalCode::Invalid),
        ("a\nb", RefusalCode::Invalid),
        (&"a".repeat(101), RefusalCode::TooLong),
    ] {
        let refusal = slug("slug", bad).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.field.join(".")),
            (code, "slug".to_owned()),
            "{bad:?}"
        );
    }
}

#[test]
fn made_from_names() {
    for (name, expected) in [
        ("Billing API", "billing-api"),
        ("Überweisungen & Co.", "uberweisungen-co"),
        ("  v2.0 ", "v2-0"),
        ("名前", "ming-qian"),
    ] {
        assert_eq!(from_name("slug", name).unwrap(), expected);
    }
    for nothing in ["!!!", "…", "\u{200d}"] {
        let refusal = from_name("slug", nothing).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.field.join(".")),
            (RefusalCode::Required, "slug".to_owned()),
            "{nothing}"
        );
    }
}

#[test]
fn the_next_ones_are_numbered() {
    let first: Vec<String> = candidates("x").take(4).collect();
    assert_eq!(first, ["x", "x-2", "x-3", "x-4"]);
}

proptest! {
    #[test]
    fn what_is_made_is_a_slug(name in any::<String>()) {
        if let Ok(made) = from_name("slug", &name) {
            prop_assert_eq!(slug("slug", &made).unwrap(), made);
        }
    }

    #[test]
    fn candidates_are_different_slugs(words in proptest::collection::vec("[a-z0-9]{1,30}", 1..6)) {
        let base = from_name("slug", &words.join("-")).unwrap();
        let tried: Vec<String> = candidates(&base).take(120).collect();
        prop_assert!(tried.iter().all(|candidate| slug("slug", candidate).is_ok()));
        // Cutting a long slug for its number can meet a slug that ends in that number already, once at most.
        prop_assert!(tried.iter().collect::<HashSet<_>>().len() >= 119);
    }
}
