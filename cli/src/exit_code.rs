//! What a script goes by: one number for each thing to do next. Documented in docs/porticoctl.md.

use portico_sdk::{Error, ErrorCode};

/// It worked.
pub(crate) const SUCCESS: u8 = 0;
/// It failed in a way that none of the others describes; the message says how.
pub(crate) const FAILURE: u8 = 1;
/// The command line, or what stands in a file that it names, is wrong. Nothing was sent. (clap exits with the same number.)
pub(crate) const USAGE: u8 = 2;
/// The portal's rules refuse it: another input, or another state, is needed.
pub(crate) const REFUSED: u8 = 3;
/// Nobody is signed in, the session has ended, or the account may not do this.
pub(crate) const NOT_ALLOWED: u8 = 4;
/// What was asked about does not exist, or not for this account.
pub(crate) const NOT_FOUND: u8 = 5;
/// The server cannot be reached, is busy or was not done in time: the same command may succeed later.
pub(crate) const TRY_AGAIN: u8 = 6;
/// `apply --dry-run` found differences.
pub(crate) const DIFFERENCES: u8 = 7;

/// The number for a failed call.
pub(crate) fn of_error(error: &Error) -> u8 {
    if error.is_retryable() {
        return TRY_AGAIN;
    }
    match error {
        Error::NotFound { .. } => NOT_FOUND,
        Error::User(_) => REFUSED,
        Error::Session { .. } => NOT_ALLOWED,
        Error::GraphQl(_) if error.has_code(&ErrorCode::Unauthenticated) || error.has_code(&ErrorCode::Forbidden) => {
            NOT_ALLOWED
        }
        Error::GraphQl(_) if error.has_code(&ErrorCode::BadUserInput) => USAGE,
        _ => FAILURE,
    }
}
