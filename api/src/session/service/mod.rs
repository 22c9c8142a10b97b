//! Signing up, in and out, staying signed in, and passwords.

mod known_addresses;
mod passwords;
mod refresh;
mod sign_in;
mod sign_up;

use domain::{Refusal, RefusalCode, Timestamp};
use secrecy::SecretString;

pub use self::{
    known_addresses::remember_sign_ins,
    passwords::{ChangePassword, IssuedReset, ResetPassword, change_password, issue_password_reset, reset_password},
    refresh::{refresh, sign_out},
    sign_in::{SignIn, sign_in},
    sign_up::{SignUp, sign_up},
};
pub use super::{
    access_token::AccessToken,
    account::AccountRecord,
    realm::{AccountId, Realm},
};
use super::{password::PasswordError, throttle::Throttled};
use crate::error::ServiceError;

/// What somebody who has signed in, or refreshed, gets.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// What to send with each request.
    pub access_token: AccessToken,
    /// What to get the next access token with, once.
    pub refresh_token: SecretString,
    /// When the refresh token ends unless it is used.
    pub refresh_token_expires_at: Timestamp,
    /// Who they are.
    pub account: AccountRecord,
}

impl From<Throttled> for ServiceError {
    fn from(throttled: Throttled) -> Self {
        Self::RateLimited {
            retry_after_seconds: throttled.retry_after.as_secs(),
        }
    }
}

impl From<PasswordError> for ServiceError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Overloaded => Self::Unavailable("too many passwords wait to be hashed"),
            PasswordError::Corrupt => Self::Internal("a stored password hash is damaged"),
            PasswordError::Failed => Self::Internal("a password could not be hashed"),
        }
    }
}

fn wrong_email_or_password() -> ServiceError {
    Refusal::new(
        RefusalCode::InvalidCredentials,
        "The e-mail address or the password is wrong. Check both, and whether the realm is the right one.",
    )
    .into()
}

#[cfg(test)]
mod passwords_tests;
#[cfg(test)]
mod refresh_tests;
#[cfg(test)]
mod sign_in_tests;
#[cfg(test)]
pub(super) mod test_support;
