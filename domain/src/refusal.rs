//! Refusals: why a rule said no, in words for the person who asked.

use std::fmt;

/// What kind of refusal it is. The API shows it as `UserErrorCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum RefusalCode {
    /// The value has the wrong form.
    Invalid,
    /// A value is missing.
    Required,
    /// The value is longer than its limit.
    TooLong,
    /// Another object already has this value, which must be unique.
    Taken,
    /// The object does not exist, or not for this caller.
    NotFound,
    /// The object is not in a state from which this step can be taken.
    InvalidTransition,
    /// What was read has changed, or another rule stands against it.
    Conflict,
    /// Other objects depend on the one to be deleted.
    InUse,
    /// The e-mail, password or token is wrong.
    InvalidCredentials,
    /// The developer has not been approved.
    DeveloperNotApproved,
    /// A public portal takes no sign-ups and no requests.
    PortalIsPublic,
    /// The version is not published and active.
    VersionNotAvailable,
    /// Registration is not enabled on the version.
    RegistrationDisabled,
    /// The app already has an open request for the version.
    AlreadyRequested,
    /// The app is suspended.
    AppSuspended,
    /// The app's credentials or requests are of another kind of strategy than the version's.
    StrategyMismatch,
    /// A limit would be exceeded.
    LimitReached,
    /// Another live version claims the same host, path and method.
    RouteConflict,
    /// The idempotency key was used before with another input.
    IdempotencyMismatch,
}

/// A rule's "no": what is wrong, in which field of the input, and what to do next. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind, for programs.
    pub code: RefusalCode,
    /// The path inside the input, such as `["routes", "0", "paths"]`; empty when no single field is at fault.
    pub field: Vec<String>,
    /// What is wrong and what to do next, for people.
    pub message: String,
}

impl Refusal {
    /// A refusal that no single field is at fault for.
    #[must_use]
    pub fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self {
            code,
            field: Vec::new(),
            message: message.into(),
        }
    }

    /// A refusal of the input field at `path` (`"id"`, or `"routes.0.paths"`: segments joined by dots).
    #[must_use]
    pub fn at(path: &str, code: RefusalCode, message: impl Into<String>) -> Self {
        Self {
            code,
            field: path.split('.').map(str::to_owned).collect(),
            message: message.into(),
        }
    }

    /// `REQUIRED`: an update sets the field at `path` to null, which it may not be.
    #[must_use]
    pub fn cannot_be_null(path: &str) -> Self {
        let message = format!("{path} cannot be null. Leave it out to keep what it is.");
        Self::at(path, RefusalCode::Required, message)
    }

    /// The same refusal, its field path put below `parent`.
    #[must_use]
    pub fn under(mut self, parent: &str) -> Self {
        self.field.splice(0..0, parent.split('.').map(str::to_owned));
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
