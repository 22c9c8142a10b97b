use domain::{
    RefusalCode,
    email::{NormalisedEmail, email},
    limits::Limits,
    password,
    text::{description, folded, is_forbidden_in_line, line, name, prefix_upper_bound, search, verbatim},
};
use proptest::prelude::*;
use secrecy::ExposeSecret as _;

#[test]
fn names_are_trimmed_and_composed() {
    assert_eq!(name("name", "  Billing API \u{a0}").unwrap(), "Billing API");
    assert_eq!(name("name", "Cafe\u{301}").unwrap(), "Café");
    assert_eq!(name("name", "line end\r\n").unwrap(), "line end");
    // A Persian word with its joiner, and an emoji of several: both are names.
    for good in ["می\u{200c}خواهم", "👩\u{200d}🔧", "Ω", "名前", "O'Brien & Söhne <GmbH>"] {
        assert_eq!(name("name", good).unwrap(), good);
    }
}

#[test]
fn blank_names_are_required() {
    for blank in [
        "",
        " ",
        "\t\r\n",
        "\u{2003}\u{a0}",
        "\u{3164}",
        "\u{200d}\u{2800}",
        "\u{2028}",
    ] {
        let refusal = name("input.name", blank).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::Required, "{blank:?}");
        assert_eq!(refusal.field, ["input", "name"]);
    }
}

#[test]
fn lengths_count_characters_not_bytes() {
    for (length, accepted) in [(254, true), (255, true), (256, false)] {
        assert_eq!(name("name", &"é".repeat(length)).is_ok(), accepted, "{length}");
        assert_eq!(name("name", &"🔑".repeat(length)).is_ok(), accepted, "{length}");
    }
    assert_eq!(name("name", &"a".repeat(256)).unwrap_err().code, RefusalCode::TooLong);
    assert!(Limits::default().product_name("name", &"ß".repeat(100)).is_ok());
    assert_eq!(
        Limits::default()
            .product_name("name", &"a".repeat(101))
            .unwrap_err()
            .code,
        RefusalCode::TooLong
    );
    assert!(description("description", &"ü".repeat(10_000)).is_ok());
    assert_eq!(
        description("description", &"a".repeat(10_001)).unwrap_err().code,
        RefusalCode::TooLong
    );
    // Spaces around it are not its own.
    assert!(name("name", &format!("  {}  ", "a".repeat(255))).is_ok());
}

#[test]
fn hostile_characters_are_refused_wherever_they_stand() {
    for hostile in [
        '\0',
        '\u{1}',
        '\u{7}',
        '\u{8}',
        '\u{b}',
        '\u{c}',
        '\r',
        '\u{1b}',
        '\u{7f}',
        '\u{80}',
        '\u{85}',
        '\u{9f}',
        '\u{ad}',
        '\u{61c}',
        '\u{180e}',
        '\u{200b}',
        '\u{200e}',
        '\u{200f}',
        '\u{2028}',
        '\u{2029}',
        '\u{202a}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{feff}',
        '\u{fff9}',
        '\u{ffff}',
        '\u{e0041}',
    ] {
        assert!(is_forbidden_in_line(hostile));
        let text = format!("a{hostile}b");
        for outcome in [
            name("name", &text),
            Limits::default().product_name("name", &text),
            description("name", &text),
        ] {
            let refusal = outcome.unwrap_err();
            assert_eq!(refusal.code, RefusalCode::Invalid, "{hostile:?}");
            assert!(
                refusal.message.contains(&format!("U+{:04X}", u32::from(hostile))),
                "{}",
                refusal.message
            );
            assert!(
                !refusal.message.chars().any(is_forbidden_in_line),
                "the message repeats it"
            );
        }
    }
    assert_eq!(name("name", "a\r\nb").unwrap_err().code, RefusalCode::Invalid);
    assert_eq!(name("name", "a\tb").unwrap_err().code, RefusalCode::Invalid);
    assert_eq!(name("name", "\u{202e}").unwrap_err().code, RefusalCode::Invalid);
}

#[test]
fn descriptions_have_lines_and_tabs() {
    assert_eq!(description("d", " one\r\ntwo\n\tthree\n").unwrap(), "one\ntwo\n\tthree");
    assert_eq!(description("d", "one\rtwo").unwrap_err().code, RefusalCode::Invalid);
    assert_eq!(description("d", "\n\t").unwrap_err().code, RefusalCode::Required);
}

#[test]
fn verbatim_text_is_untouched() {
    let text = " # Title\r\n\r\n\u{202b}text\u{202c}\n";
    assert_eq!(verbatim("body", text, 100).unwrap(), text);
    assert_eq!(verbatim("body", "", 100).unwrap(), "");
    assert_eq!(verbatim("body", "a\0", 100).unwrap_err().code, RefusalCode::Invalid);
    assert_eq!(verbatim("body", "a\u{9b}", 100).unwrap_err().code, RefusalCode::Invalid);
    assert_eq!(verbatim("body", "ééé", 5).unwrap_err().code, RefusalCode::TooLong);
}

#[test]
fn what_is_far_too_long_is_refused_before_it_is_normalised() {
    // Marks without a base: normalising sorts all of them. In the test's profile this takes minutes, done fully.
    let marks = "\u{301}\u{323}".repeat(2_000_000);
    let begun = std::time::Instant::now();
    assert_eq!(line("name", &marks, 255).unwrap_err().code, RefusalCode::TooLong);
    assert_eq!(search("search", &marks).unwrap_err().code, RefusalCode::TooLong);
    assert_eq!(email("email", &marks).unwrap_err().code, RefusalCode::TooLong);
    assert_eq!(NormalisedEmail::of(&marks).as_str(), "");
    let refused = password::check("password", "an engine of analysis", &marks, &marks);
    assert_eq!(refused, Ok(()));
    assert_eq!(
        password::check("password", &marks, "", "").unwrap_err().code,
        RefusalCode::TooLong
    );
    assert!(password::normalised(&marks).expose_secret().chars().count() > password::MAX_CHARS);
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn lengths_count_in_the_composed_form() {
    // Four characters that compose into one.
    let composing = "\u{3b1}\u{313}\u{300}\u{345}";
    assert_eq!(line("name", &composing.repeat(255), 255).unwrap().chars().count(), 255);
    assert_eq!(
        line("name", &composing.repeat(256), 255).unwrap_err().code,
        RefusalCode::TooLong
    );
    let password = composing.repeat(password::MAX_CHARS);
    assert_eq!(
        password::normalised(&password).expose_secret().chars().count(),
        password::MAX_CHARS
    );
    assert_eq!(search("filter.search", &"é".repeat(255)), Ok(()));
    assert_eq!(
        search("filter.search", &"é".repeat(256)).unwrap_err().code,
        RefusalCode::TooLong
    );
}

#[test]
fn folding_ignores_case_and_compatibility_variants() {
    for (one, other) in [
        ("Billing", "BILLING"),
        ("Straße", "STRASSE"),
        ("ﬁne", "FINE"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("Ａｐｐ", "app"),
        ("Cafe\u{301}", "CAFÉ"),
        ("K\u{212a}", "kk"),
    ] {
        assert_eq!(folded(one), folded(other), "{one} {other}");
    }
    assert_ne!(folded("a"), folded("b"));
}

#[test]
fn upper_bounds_at_the_edges() {
    assert_eq!(prefix_upper_bound("ab").as_deref(), Some("ac"));
    assert_eq!(prefix_upper_bound(""), None);
    assert_eq!(prefix_upper_bound("\u{10ffff}\u{10ffff}"), None);
    assert_eq!(prefix_upper_bound("a\u{10ffff}").as_deref(), Some("b"));
    assert_eq!(prefix_upper_bound("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
}

proptest! {
    #[test]
    fn an_accepted_name_is_accepted_again_unchanged(text in any::<String>()) {
        if let Ok(clean) = name("name", &text) {
            prop_assert_eq!(name("name", &clean).unwrap(), clean);
        }
    }

    #[test]
    fn folding_twice_changes_nothing(text in any::<String>()) {
        let once = folded(&text);
        prop_assert_eq!(folded(&once), once);
    }

    #[test]
    fn folding_every_character_rests_and_ignores_case(character: char) {
        let text = character.to_string();
        let once = folded(&text);
        prop_assert_eq!(folded(&once), once.clone());
        prop_assert!(!once.chars().any(|character| character.is_ascii_uppercase()));
    }

    #[test]
    fn a_text_is_in_the_range_exactly_when_it_has_the_prefix(
        prefix in "[ab\u{d7ff}\u{e000}\u{ffff}\u{10ffff}]{0,4}",
        text in "[abc\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}]{0,6}",
    ) {
        let upper = prefix_upper_bound(&prefix);
        let in_range = text >= prefix && upper.as_ref().is_none_or(|upper| text < *upper);
        prop_assert_eq!(in_range, text.starts_with(&prefix));
    }
}
