use domain::{RefusalCode, limits::Limits};

#[test]
fn the_defaults_are_the_promised_ones() {
    let limits = Limits::default();
    assert_eq!((limits.apps_per_developer, limits.live_keys_per_app), (500, 20));
    assert_eq!(
        (limits.name_chars, limits.product_name_chars, limits.description_chars),
        (255, 100, 10_000)
    );
    assert_eq!(limits.specification_bytes, 5 * 1024 * 1024);
}

#[test]
fn the_last_one_fits_and_the_next_does_not() {
    let limits = Limits {
        apps_per_developer: 2,
        live_keys_per_app: 3,
        ..Limits::default()
    };
    assert!(limits.another_app(1).is_ok() && limits.another_key(2).is_ok());
    assert!(limits.another_overlap(2).is_ok() && limits.another_reference_id("referenceId", 19).is_ok());
    for refusal in [
        limits.another_app(2),
        limits.another_app(3),
        limits.another_key(3),
        limits.another_key(9),
        limits.another_overlap(3),
        limits.another_reference_id("referenceId", 20),
    ] {
        assert_eq!(refusal.unwrap_err().code, RefusalCode::LimitReached);
    }
}

#[test]
fn lengths_follow_the_configuration() {
    let limits = Limits {
        name_chars: 3,
        product_name_chars: 2,
        description_chars: 4,
        ..Limits::default()
    };
    assert!(limits.name("name", "abc").is_ok() && limits.name("name", "abcd").is_err());
    assert!(limits.product_name("name", "ab").is_ok() && limits.product_name("name", "abc").is_err());
    assert!(limits.description("d", "a\nbc").is_ok() && limits.description("d", "abcde").is_err());
}
