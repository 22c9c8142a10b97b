//! Payloads of mutations: what was made or changed, or the user errors that say why not.

use async_graphql::{Context, Result};
use domain::Refusal;

use crate::{
    error::ServiceError,
    gateway_node::{self, confirmation, service::Confirmation},
    graphql::error::to_graphql,
    loader::RequestContext as _,
};

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

/// A payload that tells which gateways have confirmed.
pub trait AwaitsGateways: Payload {
    /// The payload after waiting came to this.
    #[must_use]
    fn confirmed(self, confirmation: Confirmation) -> Self;
}

/// As [`answer`], after waiting for the gateways where the caller wants that. It waits also when the step had been
/// taken before: whoever repeats a call waits again.
pub async fn answer_when_confirmed<P: AwaitsGateways>(
    context: &Context<'_>,
    waits: bool,
    result: Result<P::Value, ServiceError>,
) -> Option<Result<P>> {
    let confirmation = if waits && confirmation::is_waited_for(&result) {
        Some(gateway_node::service::wait(context.plane(), context.call()).await)
    } else {
        None
    };
    let answered = answer::<P>(context, result);
    match confirmation {
        Some(confirmation) => answered.map(|answered| answered.map(|payload| payload.confirmed(confirmation))),
        None => answered,
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
    ($(#[$doc:meta])* $name:ident awaits_gateways { $(#[$field_doc:meta])* $field:ident: $type:ty = $value:ty }) => {
        $(#[$doc])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $name {
            $(#[$field_doc])*
            $field: Option<$type>,
            /// Whether every gateway that may be serving enforces it; null unless `waitForGateways` was set.
            gateways_confirmed: Option<bool>,
            /// For admins: the gateways that may be serving and have not confirmed it within 5 seconds. Empty when all
            /// have, or unless `waitForGateways` was set. Repeat the call to wait again: its answer is then
            /// INVALID_TRANSITION, with this list.
            unconfirmed_gateways: Vec<$crate::gateway_node::graphql::GatewayNode>,
            /// Why nothing happened; empty when it did.
            user_errors: Vec<$crate::graphql::user_error::UserError>,
        }

        impl $crate::graphql::payload::Payload for $name {
            type Value = $value;

            fn done(value: $value) -> Self {
                Self {
                    $field: Some(value.into()),
                    gateways_confirmed: None,
                    unconfirmed_gateways: Vec::new(),
                    user_errors: Vec::new(),
                }
            }

            fn refused(refusals: Vec<domain::Refusal>) -> Self {
                Self {
                    $field: None,
                    gateways_confirmed: None,
                    unconfirmed_gateways: Vec::new(),
                    user_errors: refusals.into_iter().map(Into::into).collect(),
                }
            }
        }

        impl $crate::graphql::payload::AwaitsGateways for $name {
            fn confirmed(self, confirmation: $crate::gateway_node::service::Confirmation) -> Self {
                Self {
                    gateways_confirmed: Some(confirmation.is_complete),
                    unconfirmed_gateways: confirmation.missing.into_iter().map(Into::into).collect(),
                    ..self
                }
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
