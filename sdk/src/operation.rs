//! The three macros behind the areas: an enum, an input and a mutation of the schema, each checked by cynic.

use cynic::Operation;

use crate::user_error::UserError;

/// A mutation: one root field with one input and one payload.
pub(crate) trait Mutation: Sized + 'static {
    /// The root field, for errors.
    const ROOT: &'static str;
    type Input;
    type Variables: serde::Serialize + Send + Sync;
    type Payload: Payload;

    fn variables(input: Self::Input) -> Self::Variables;
    fn operation(variables: Self::Variables) -> Operation<Self, Self::Variables>;
    fn into_payload(self) -> Option<Self::Payload>;
}

/// What every mutation answers with.
pub(crate) trait Payload {
    fn take_user_errors(&mut self) -> Vec<UserError>;
}

/// `mutation!(Operation.root_field(Variables: Input) -> Payload { field: Type, …; replayed });` where fields are nullable.
/// A second operation of one root field has a payload with a name of its own, and the schema's in brackets. What stands
/// behind `|` is for [`waiting_mutation!`](crate::confirmation::waiting_mutation).
///
/// Types are written `Option<…>` here, not by the caller: cynic's code takes on the hygiene of a type's first token.
macro_rules! mutation {
    (
        $mutation:ident.$root:ident($variables:ident: $argument:ident)
            -> $payload:ident$(($schema_payload:literal))? {
                $($field:ident: $kind:ident$(<$inner:ident>)?),*
                $(; $replayed:ident)?
                $(| $confirmed:ident, $unconfirmed:ident)?
            }
    ) => {
        #[derive(cynic::QueryVariables)]
        pub(crate) struct $variables {
            input: $argument,
        }

        #[derive(cynic::QueryFragment)]
        $(#[cynic(graphql_type = $schema_payload)])?
        pub(crate) struct $payload {
            $(pub(crate) $field: Option<$kind$(<$inner>)?>,)*
            $(pub(crate) $replayed: bool,)?
            $(
                pub(crate) $confirmed: Option<bool>,
                pub(crate) $unconfirmed: Vec<crate::GatewayNode>,
            )?
            user_errors: Vec<crate::user_error::UserError>,
        }

        #[derive(cynic::QueryFragment)]
        #[cynic(graphql_type = "Mutation", variables = $variables)]
        pub(crate) struct $mutation {
            #[arguments(input: $input)]
            $root: Option<$payload>,
        }

        impl crate::operation::Mutation for $mutation {
            const ROOT: &'static str = stringify!($root);
            type Input = $argument;
            type Variables = $variables;
            type Payload = $payload;

            fn variables(input: $argument) -> $variables {
                $variables { input }
            }

            fn operation(variables: $variables) -> cynic::Operation<Self, $variables> {
                <Self as cynic::MutationBuilder<_>>::build(variables)
            }

            fn into_payload(self) -> Option<$payload> {
                self.$root
            }
        }

        impl crate::operation::Payload for $payload {
            fn take_user_errors(&mut self) -> Vec<crate::user_error::UserError> {
                std::mem::take(&mut self.user_errors)
            }
        }
    };
}
pub(crate) use mutation;

/// An input: what is required goes to `new`, every other field has a method of its name.
///
/// The derive stands at the caller's, because cynic's code takes on the hygiene of the fields' names.
/// `list` fields take anything that can be iterated; `patch` fields tell "leave" from "clear" and "set".
macro_rules! input {
    (
        $(#[$doc:meta])* $input:ident {
            $(required { $($(#[$required_doc:meta])* $required:ident: [$($required_kind:tt)+],)* })?
            $(optional { $($(#[$optional_doc:meta])* $optional:ident: [$($optional_kind:tt)+],)* })?
            $(list { $($(#[$list_doc:meta])* $list:ident: [$($list_kind:tt)+],)* })?
            $(patch { $($(#[$patch_doc:meta])* $patch:ident: [$($patch_kind:tt)+],)* })?
        }
    ) => {
        $(#[$doc])*
        #[non_exhaustive]
        pub struct $input {
            $($($(#[$required_doc])* pub $required: $($required_kind)+,)*)?
            $($(
                $(#[$optional_doc])*
                #[cynic(skip_serializing_if = "Option::is_none")]
                pub $optional: Option<$($optional_kind)+>,
            )*)?
            $($(
                $(#[$list_doc])*
                #[cynic(skip_serializing_if = "Option::is_none")]
                pub $list: Option<Vec<$($list_kind)+>>,
            )*)?
            $($(
                $(#[$patch_doc])*
                #[cynic(skip_serializing_if = "crate::patch::Patch::is_leave")]
                pub $patch: crate::patch::Patch<$($patch_kind)+>,
            )*)?
        }

        impl $input {
            /// The input with what it must have; everything else is left to the server.
            #[allow(clippy::new_without_default)]
            pub fn new($($($required: impl Into<$($required_kind)+>),*)?) -> Self {
                Self {
                    $($($required: $required.into(),)*)?
                    $($($optional: None,)*)?
                    $($($list: None,)*)?
                    $($($patch: crate::patch::Patch::Leave,)*)?
                }
            }

            $($(
                $(#[$optional_doc])*
                #[must_use]
                pub fn $optional(mut self, $optional: impl Into<$($optional_kind)+>) -> Self {
                    self.$optional = Some($optional.into());
                    self
                }
            )*)?

            $($(
                $(#[$list_doc])*
                #[must_use]
                pub fn $list(mut self, $list: impl IntoIterator<Item = impl Into<$($list_kind)+>>) -> Self {
                    self.$list = Some($list.into_iter().map(Into::into).collect());
                    self
                }
            )*)?

            $($(
                $(#[$patch_doc])*
                #[must_use]
                pub fn $patch(mut self, $patch: impl Into<crate::patch::Patch<$($patch_kind)+>>) -> Self {
                    self.$patch = $patch.into();
                    self
                }
            )*)?
        }
    };
}
pub(crate) use input;

/// An enum of the schema, with room for values that a newer server adds.
macro_rules! graphql_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, cynic::Enum)]
        #[cynic(non_exhaustive)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* #[cynic(rename = $text)] $variant,)*
            /// A value that this version of the crate does not know, as the server spelled it.
            #[cynic(fallback)]
            Unknown(String),
        }

        impl $name {
            /// The value as the schema spells it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Unknown(text) => text,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use graphql_enum;
