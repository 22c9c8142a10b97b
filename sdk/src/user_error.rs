//! Refusals by the portal's rules.

use std::fmt;

use crate::{operation::graphql_enum, schema};

/// A refusal by the portal's rules: one of a payload's `userErrors`.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserError {
    /// Where in the input the refused value stands, such as `["routes", "0", "paths"]`; None: the input as a whole.
    pub field: Option<Vec<String>>,
    /// What is wrong and what to do, in English.
    pub message: String,
    /// The rule that refused.
    pub code: UserErrorCode,
}

impl fmt::Display for UserError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(formatter, "{}: ", field.join("."))?;
        }
        write!(formatter, "{} ({})", self.message, self.code)
    }
}

graphql_enum! {
    /// The rule that refused a mutation.
    UserErrorCode {
        /// The value is malformed.
        Invalid = "INVALID",
        /// A value is needed here.
        Required = "REQUIRED",
        /// The value is too long.
        TooLong = "TOO_LONG",
        /// Somebody else has this name, slug, reference id or e-mail address.
        Taken = "TAKEN",
        /// There is no such thing, or none that the caller may see.
        NotFound = "NOT_FOUND",
        /// The present state does not allow this step.
        InvalidTransition = "INVALID_TRANSITION",
        /// What was read has changed, or another rule stands against it; the message says which.
        Conflict = "CONFLICT",
        /// Others depend on it.
        InUse = "IN_USE",
        /// The e-mail address and the password, or the token, do not count.
        InvalidCredentials = "INVALID_CREDENTIALS",
        /// The developer is not approved.
        DeveloperNotApproved = "DEVELOPER_NOT_APPROVED",
        /// A public portal takes no sign-ups and no requests.
        PortalIsPublic = "PORTAL_IS_PUBLIC",
        /// The version is not open for new requests.
        VersionNotAvailable = "VERSION_NOT_AVAILABLE",
        /// The version takes no registrations.
        RegistrationDisabled = "REGISTRATION_DISABLED",
        /// The app has an open request for this version.
        AlreadyRequested = "ALREADY_REQUESTED",
        /// The app is suspended.
        AppSuspended = "APP_SUSPENDED",
        /// The app's credentials or requests are of another strategy kind.
        StrategyMismatch = "STRATEGY_MISMATCH",
        /// A limit on numbers is reached.
        LimitReached = "LIMIT_REACHED",
        /// Another live version has claimed the route.
        RouteConflict = "ROUTE_CONFLICT",
        /// The idempotency key was used before with another input.
        IdempotencyMismatch = "IDEMPOTENCY_MISMATCH",
    }
}
