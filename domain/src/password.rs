//! Passwords: which ones are accepted, after NIST SP 800-63B-4 §3.1.1.2 and the OWASP Authentication Cheat Sheet.
//!
//! Length and not being guessable by list, nothing else: no composition rules, no expiry.

use secrecy::SecretString;
use unicode_normalization::UnicodeNormalization;

use crate::{Refusal, RefusalCode, text};

/// The shortest password, in characters.
///
/// NIST asks for 8 with a second factor and 15 without. There is no second factor here, but sign-in is throttled and
/// hashes are argon2id: 12 keeps online guessing hopeless and still lets people type what they remember.
pub const MIN_CHARS: usize = 12;

/// The longest password, in characters: NIST asks for at least 64 to be allowed; a limit keeps hashing cheap.
pub const MAX_CHARS: usize = 128;

/// Checks a new password of the account with this e-mail and name. Each Unicode scalar value of the NFC form counts
/// as one character, and spaces count too. Also for the first admin's password from the environment.
///
/// # Errors
/// REQUIRED when empty, TOO_LONG, INVALID when too short, when it is the account's own e-mail or name, or when it is
/// among the first that anyone would guess; at `field`. The message never repeats the password.
pub fn check(field: &str, password: &str, email: &str, full_name: &str) -> Result<(), Refusal> {
    if password.is_empty() {
        return Err(Refusal::at(
            field,
            RefusalCode::Required,
            format!("Enter a password of at least {MIN_CHARS} characters."),
        ));
    }
    let chars = composed(password).count();
    if chars > MAX_CHARS {
        return Err(Refusal::at(
            field,
            RefusalCode::TooLong,
            format!("The password has more than {MAX_CHARS} characters. Use a shorter one."),
        ));
    }
    let refuse = |message: String| Err(Refusal::at(field, RefusalCode::Invalid, message));
    if chars < MIN_CHARS {
        return refuse(format!(
            "The password has fewer than {MIN_CHARS} characters. A few words in a row make a good one."
        ));
    }
    let guess = guessable(password);
    let local_part = email.split('@').next().unwrap_or(email);
    let is_own = |own: &str| !own.is_empty() && is_repetition_of(&guess, own);
    // What is longer than a password is not one either; and nobody has checked these yet.
    if [email, local_part, full_name]
        .into_iter()
        .filter(|own| !text::is_far_longer_than(own, MAX_CHARS))
        .map(guessable)
        .any(|own| is_own(&own))
    {
        return refuse("The password is the account's own e-mail or name. Choose another one.".to_owned());
    }
    if is_regular(&guess) || is_common(&guess) {
        return refuse(
            "The password is one of the first that anyone would guess. A few unrelated words in a row make a good one."
                .to_owned(),
        );
    }
    Ok(())
}

/// The password as it is hashed and verified: in NFC, so that the same password typed on two systems is one
/// (NIST SP 800-63B-4 §3.1.1.2). Nothing is trimmed, and nothing that may be a password is cut.
#[must_use]
pub fn normalised(password: &str) -> SecretString {
    SecretString::from(composed(password).collect::<String>())
}

/// The text in NFC, up to where it is too long for a password: no character decomposes into more than four (UAX #15),
/// so what is left of a longer one is longer than any password and equals none.
fn composed(password: &str) -> impl Iterator<Item = char> {
    password.chars().take(4 * (MAX_CHARS + 1)).nfc()
}

/// The text as a guesser sees it: without case, `@` and `$` as the letters they stand for, and without other
/// punctuation unless that is most of the text.
fn guessable(text: &str) -> String {
    let folded = text::folded(text).replace('@', "a").replace('$', "s");
    let kept: String = folded.chars().filter(|character| character.is_alphanumeric()).collect();
    if kept.chars().count() * 2 < folded.chars().count() {
        folded
    } else {
        kept
    }
}

fn is_repetition_of(text: &str, unit: &str) -> bool {
    let mut rest = text;
    while let Some(shorter) = rest.strip_prefix(unit) {
        rest = shorter;
    }
    rest.is_empty()
}

/// `aaaaaaaaaaaa`, `abcabcabcabc`, `123456789012`, `lkjihgfedcba`: a unit of at most four characters over and over, or
/// one step up or down all the way.
fn is_regular(guess: &str) -> bool {
    let characters: Vec<char> = guess.chars().collect();
    let repeats = |unit: usize| {
        characters
            .iter()
            .zip(characters.iter().skip(unit))
            .all(|(one, other)| one == other)
    };
    let steps = |step: i64| {
        characters.windows(2).all(|pair| match pair {
            [one, other] => {
                let (one, other) = (i64::from(u32::from(*one)), i64::from(u32::from(*other)));
                let wraps = (one == 0x39 && other == 0x30 && step == 1) || (one == 0x30 && other == 0x39 && step == -1);
                other - one == step || wraps
            }
            _ => true,
        })
    };
    (1..=4).any(repeats) || steps(1) || steps(-1)
}

/// Words that, with digits before or after them or said twice, head every list of leaked passwords, and our own name.
const COMMON_WORDS: &[&str] = &[
    "abcdef",
    "access",
    "admin",
    "administrator",
    "asdfgh",
    "asdfghjkl",
    "azerty",
    "baseball",
    "changeme",
    "charlie",
    "computer",
    "default",
    "demo",
    "donald",
    "dragon",
    "football",
    "freedom",
    "guest",
    "hello",
    "hunter",
    "iloveyou",
    "letmein",
    "liverpool",
    "login",
    "master",
    "michael",
    "monkey",
    "mustang",
    "pass",
    "passw",
    "password",
    "passwort",
    "portal",
    "portico",
    "princess",
    "qazwsx",
    "qwerty",
    "qwertyuiop",
    "qwertz",
    "root",
    "secret",
    "shadow",
    "starwars",
    "summer",
    "sunshine",
    "superman",
    "system",
    "temporary",
    "test",
    "testing",
    "trustno",
    "user",
    "welcome",
    "whatever",
    "winter",
    "zxcvbn",
    "zxcvbnm",
];

/// Common passwords of 12 characters and more that are no word with digits; letters and digits only.
const COMMON: &[&str] = &[
    "1q2w3e4r5t6y",
    "1q2w3e4r5t6y7u",
    "1q2w3e4r5t6y7u8i",
    "1qaz2wsx3edc",
    "1qaz2wsx3edc4rfv",
    "1qazxsw23edc",
    "abcdefghijkl1",
    "adminpassword",
    "alskdjfhgqpwo",
    "asdfghjklqwerty",
    "changemeplease",
    "correcthorsebatterystaple",
    "letmeinplease",
    "mypassword123",
    "passwordadmin",
    "q1w2e3r4t5y6",
    "q1w2e3r4t5y6u7",
    "qazwsxedcrfv",
    "qwertyasdfgh",
    "qwertyuiopasdfghjkl",
    "qwertyuiopasdfghjklzxcvbnm",
    "testpassword",
    "thisispassword",
    "thisismypassword",
    "zaq12wsxcde3",
    "zaq1xsw2cde3",
];

fn is_common(guess: &str) -> bool {
    let read = unleeted(guess);
    if COMMON.contains(&guess) || COMMON.contains(&read.as_str()) {
        return true;
    }
    // The word is what is left between leading and trailing digits; "p4ssw0rd2024" must lose 2024 before it is read.
    let word = unleeted(guess.trim_matches(|character: char| character.is_ascii_digit()));
    COMMON_WORDS
        .iter()
        .any(|common| !word.is_empty() && is_repetition_of(&word, common))
}

fn unleeted(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '0' => 'o',
            '1' => 'i',
            '3' => 'e',
            '4' => 'a',
            '5' => 's',
            '7' => 't',
            other => other,
        })
        .collect()
}
