//! Payloads of mutations: what was made or changed, or the user errors that say why not.

use async_graphql::{Context, Result};
use domain::Refusal;

use crate::{error::ServiceError, graphql::error::to_graphql};

/// A mutation's payload.
pub trait Payload: Sized {
    /// What the service answers when it worked.
    type Value;

    /// The payload when it worked.
    fn done(value: Self::Value) -> Self;

    /// The payload when rules refused: everything null but the user errors.
    fn refused(refusals: Vec<Refusal>) -> Self;
}

/// A service's answer as a mutation field's. Refusals become `userErrors`; other failures null the field and add a
/// top-level error, so that a neighbour's once-only secret is never lost with it.
pub fn answer<P: Payload>(context: &Context<'_>, result: Result<P::Value, ServiceError>) -> Option<Result<P>> {
    match result {
        Ok(value) => Some(Ok(P::done(value))),
        Err(ServiceError::Refused(refusals)) => Some(Ok(P::refused(refusals))),
        Err(failure) => Some(Err(to_graphql(context, failure))),
    }
}

/// What a mutation with an idempotency key answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayable<T> {
    /// The object: just made, or the present state of what the first call made.
    pub value: T,
    /// Whether an earlier call with the same key made it.
    pub replayed: bool,
}

/// Defines a payload type: `payload!(/// Doc. CreateAppPayload { /// Doc. app: App = AppRecord })`.
///
/// `=` names what the service answers; `replayable` before the brace adds `replayed`. A payload without a field has
/// user errors alone.
#[macro_export]
macro_rules! payload {
    ($(#[$doc:meta])* $name:ident {}) => {
        $(#[$doc])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $name {
            /// Why nothing happened; empty when it did.
            user_errors: Vec<$crate::graphql::user_error::UserError>,
        }

        impl $crate::graphql::payload::Payload for $name {
            type Value = ();

            fn done((): ()) -> Self {
                Self { user_errors: Vec::new() }
            }

            fn refused(refusals: Vec<domain::Refusal>) -> Self {
                Self { user_errors: refusals.into_iter().map(Into::into).collect() }
            }
        }
    };
    ($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident: $type:ty = $value:ty }) => {
        $(#[$doc])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $name {
            $(#[$field_doc])*
            $field: Option<$type>,
            /// Why nothing happened; empty when it did.
            user_errors: Vec<$crate::graphql::user_error::UserError>,
        }

        impl $crate::graphql::payload::Payload for $name {
            type Value = $value;

            fn done(value: $value) -> Self {
                Self { $field: Some(value.into()), user_errors: Vec::new() }
            }

            fn refused(refusals: Vec<domain::Refusal>) -> Self {
                Self { $field: None, user_errors: refusals.into_iter().map(Into::into).collect() }
            }
        }
    };
    ($(#[$doc:meta])* $name:ident replayable { $(#[$field_doc:meta])* $field:ident: $type:ty = $value:ty }) => {
        $(#[$doc])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $name {
            $(#[$field_doc])*
            $field: Option<$type>,
            /// Whether an earlier call with the same idempotency key did it; the state shown is the present one.
            replayed: bool,
            /// Why nothing happened; empty when it did.
            user_errors: Vec<$crate::graphql::user_error::UserError>,
        }

        impl $crate::graphql::payload::Payload for $name {
            type Value = $crate::graphql::payload::Replayable<$value>;

            fn done(answer: Self::Value) -> Self {
                Self { $field: Some(answer.value.into()), replayed: answer.replayed, user_errors: Vec::new() }
            }

            fn refused(refusals: Vec<domain::Refusal>) -> Self {
                Self {
                    $field: None,
                    replayed: false,
                    user_errors: refusals.into_iter().map(Into::into).collect(),
                }
            }
        }
    };
}
