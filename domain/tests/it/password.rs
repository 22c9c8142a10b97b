use domain::{
    RefusalCode,
    password::{MAX_CHARS, MIN_CHARS, check, normalised},
};
use secrecy::ExposeSecret as _;

fn outcome(password: &str) -> Result<(), RefusalCode> {
    check("password", password, "ada.lovelace@example.com", "Ada King Lovelace").map_err(|refusal| refusal.code)
}

#[test]
fn sentences_and_random_ones_pass() {
    for good in [
        "correct horse battery",
        "kumquat-teapot-9",
        "tr0ub4dor&3 zebra",
        "x7Kq2mPz9RtL",
        "пароль для портала",
        "静かな夜に月が海を照らしている",
        "$%^&!*()_-+=/?;:",
        "    a sea of spaces    ",
        "🔑🗝🚪🏠🌳🌊🌙⭐🔥❄🍎🍌",
    ] {
        assert_eq!(outcome(good), Ok(()), "{good}");
    }
}

#[test]
fn lengths_count_characters() {
    assert_eq!(outcome(""), Err(RefusalCode::Required));
    let varied = |count: usize| -> String {
        ('\u{3b1}'..)
            .filter(|c| c.is_alphabetic())
            .step_by(3)
            .take(count)
            .collect()
    };
    assert_eq!(outcome(&varied(MIN_CHARS - 1)), Err(RefusalCode::Invalid));
    assert_eq!(outcome("zebra-kumquat"), Ok(()));
    assert_eq!(outcome("x7Kq2mPz9Rt"), Err(RefusalCode::Invalid));
    let mixed = "zebra kumquat ".repeat(10);
    assert_eq!(outcome(&mixed[..MAX_CHARS]), Ok(()));
    assert_eq!(outcome(&mixed[..=MAX_CHARS]), Err(RefusalCode::TooLong));
    // Two ways to write é are one character.
    let decomposed = format!("e\u{301}{}", &mixed[..MAX_CHARS - 1]);
    assert_eq!(outcome(&decomposed), Ok(()));
    assert_eq!(outcome(&format!("{decomposed}!")), Err(RefusalCode::TooLong));
}

#[test]
fn the_first_that_anyone_would_guess_are_refused() {
    for bad in [
        "password1234",
        "Password1234!",
        "P@ssword1234",
        "p4ssw0rd2024",
        "passwordpassword",
        "123456789012",
        "012345678901",
        "098765432109",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "abcdefghijkl",
        "lkjihgfedcba",
        "1q2w3e4r5t6y",
        "1qaz2wsx3edc",
        "qwertyuiop123",
        "QWERTYUIOP!!",
        "administrator",
        "Administrator1!",
        "adminadminadmin",
        "letmein12345",
        "changeme-1234",
        "welcome 12345",
        "correct horse battery staple",
        "iloveyou2024",
        "portico-2024",
        "portico portico",
        "1212-1212-1212",
        "!!!!!!!!!!!!",
        "!@!@!@!@!@!@",
    ] {
        assert_eq!(outcome(bad), Err(RefusalCode::Invalid), "{bad}");
    }
}

#[test]
fn the_accounts_own_words_are_refused() {
    for bad in [
        "ada.lovelace@example.com",
        "ADA.LOVELACE@EXAMPLE.COM",
        "ada.lovelace",
        "Ada-Lovelace!",
        "ada king lovelace",
        "AdaKingLovelace",
        "adalovelace adalovelace",
    ] {
        assert_eq!(outcome(bad), Err(RefusalCode::Invalid), "{bad}");
    }
    assert_eq!(outcome("ada.lovelace likes looms"), Ok(()));
}

#[test]
fn an_account_without_a_name_or_address_is_no_obstacle() {
    assert!(check("password", "kumquat-teapot-9", "", "").is_ok());
    assert!(check("password", "kumquat-teapot-9", "@", "!").is_ok());
}

#[test]
fn no_message_repeats_the_password() {
    for bad in ["password1234", "tiny", "ada.lovelace", &"secret words ".repeat(20)] {
        let refusal = check("newPassword", bad, "ada.lovelace@example.com", "").unwrap_err();
        assert!(!refusal.message.contains(bad));
        assert_eq!(refusal.field, ["newPassword"]);
    }
}

#[test]
fn two_spellings_of_one_password_are_hashed_alike() {
    assert_eq!(normalised("cafe\u{301} ").expose_secret(), "café ");
    assert!(!format!("{:?}", normalised("kumquat")).contains("kumquat"));
}
