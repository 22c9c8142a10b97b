//! User errors: a rule's refusal, as a mutation's payload shows it.

use async_graphql::{Enum, SimpleObject};
use domain::{Refusal, RefusalCode};

/// What a rule refused, for people and programs.
#[derive(Clone, Debug, SimpleObject)]
pub struct UserError {
    /// The path inside `input` of the field at fault, such as `["routes", "0", "paths"]`; null when it is no single field.
    field: Option<Vec<String>>,
    /// What is wrong and what to do next.
    message: String,
    /// The kind of refusal, for programs.
    code: UserErrorCode,
}

/// The kinds of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "RefusalCode")]
pub enum UserErrorCode {
    /// The value has the wrong form.
    Invalid,
    /// A value is missing or blank.
    Required,
    /// The value is longer than its limit.
    TooLong,
    /// Another object already has this value, which must be unique.
    Taken,
    /// The object does not exist, or not for this viewer.
    NotFound,
    /// The object is not in a state from which this step can be taken; read it again.
    InvalidTransition,
    /// What was read has changed, or another rule stands against it; the message says which.
    Conflict,
    /// Other objects depend on the one to be deleted or changed; the message says which.
    InUse,
    /// The e-mail, password or token is wrong.
    InvalidCredentials,
    /// The developer has not been approved by an admin.
    DeveloperNotApproved,
    /// The portal is public: it takes no sign-ups and no requests.
    PortalIsPublic,
    /// The version's product is not published, or the version is not active.
    VersionNotAvailable,
    /// Registration is not enabled on the version.
    RegistrationDisabled,
    /// The app already has an open request for the version.
    AlreadyRequested,
    /// The app is suspended; an admin can resume it.
    AppSuspended,
    /// The app's credentials or requests are of another kind than the version's strategy takes.
    StrategyMismatch,
    /// A limit would be exceeded; the message says which.
    LimitReached,
    /// Another live version already claims the same host, path and method.
    RouteConflict,
    /// The idempotency key was used before with another input; choose a new key.
    IdempotencyMismatch,
}

impl From<Refusal> for UserError {
    fn from(Refusal { code, field, message }: Refusal) -> Self {
        Self {
            field: (!field.is_empty()).then_some(field),
            message,
            code: code.into(),
        }
    }
}
