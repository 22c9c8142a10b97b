//! Top-level errors: the one place where a service's failure becomes a GraphQL error with a code.

use async_graphql::{Context, Error, ErrorExtensions as _, QueryPathSegment, Value};

use crate::{
    context::CallContext,
    error::{ServiceError, StoreError},
};

/// The closed list of `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::IntoStaticStr, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// Nobody is signed in, or the token is bad or has ended.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// An argument or the request itself has the wrong form.
    BadUserInput,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not fit the schema.
    GraphqlValidationFailed,
    /// The operation is deeper, wider or dearer than the limits allow.
    QueryTooComplex,
    /// Too many requests; `extensions.retryAfterSeconds` says when to come back.
    RateLimited,
    /// The persisted query is not known.
    PersistedQueryNotFound,
    /// A document was named by its hash, and none are kept.
    PersistedQueryNotSupported,
    /// The document is not on the list of trusted documents.
    DocumentNotTrusted,
    /// The operation took longer than the limit. A mutation may still have happened: read before trying again.
    Timeout,
    /// A part that is needed is overloaded or away for now; try again later.
    Unavailable,
    /// The server failed. The request id helps an operator to find out why.
    Internal,
}

/// The GraphQL error for a service's failure.
///
/// What only operators may know is logged here, once, and answered as `INTERNAL`.
pub fn to_graphql(context: &Context<'_>, failure: impl AsRef<ServiceError>) -> Error {
    let request_id = context
        .data_opt::<CallContext>()
        .and_then(|call| call.request_id.clone());
    let (code, message) = match failure.as_ref() {
        ServiceError::Refused(refusals) => (
            ErrorCode::BadUserInput,
            refusals
                .iter()
                .map(|refusal| refusal.message.as_str())
                .collect::<Vec<_>>()
                .join(" "),
        ),
        ServiceError::Unauthenticated => (
            ErrorCode::Unauthenticated,
            "Nobody is signed in. Call signIn and send its accessToken as `Authorization: Bearer …`.".to_owned(),
        ),
        ServiceError::Forbidden => (ErrorCode::Forbidden, "This account may not do that.".to_owned()),
        ServiceError::BadUserInput(message) => (ErrorCode::BadUserInput, message.clone()),
        ServiceError::RateLimited { retry_after_seconds } => {
            let message = format!("Too many tries. Try again in {retry_after_seconds} seconds.");
            let error = Error::new(message).extend_with(|_, extensions| {
                extensions.set("code", ErrorCode::RateLimited.to_string());
                extensions.set("retryAfterSeconds", *retry_after_seconds);
                if let Some(id) = &request_id {
                    extensions.set("requestId", id.as_str());
                }
            });
            return with_path(context, error);
        }
        ServiceError::Unavailable(what) => {
            tracing::warn!(what, "answered UNAVAILABLE");
            (
                ErrorCode::Unavailable,
                "The server cannot do this right now. Try again in a moment.".to_owned(),
            )
        }
        ServiceError::Store(StoreError::Unavailable(error)) => {
            tracing::error!(%error, "the database is not available");
            (
                ErrorCode::Unavailable,
                "The server cannot do this right now. Try again in a moment.".to_owned(),
            )
        }
        ServiceError::Store(error @ (StoreError::Duplicate(_) | StoreError::Failed(_) | StoreError::Corrupt(_))) => {
            tracing::error!(error = error as &dyn std::error::Error, "the database failed");
            (ErrorCode::Internal, INTERNAL_MESSAGE.to_owned())
        }
        ServiceError::Internal(what) => {
            tracing::error!(what, "the server failed");
            (ErrorCode::Internal, INTERNAL_MESSAGE.to_owned())
        }
    };
    let error = Error::new(message).extend_with(|_, extensions| {
        extensions.set("code", code.to_string());
        if let Some(id) = &request_id {
            extensions.set("requestId", id.as_str());
        }
    });
    with_path(context, error)
}

/// Where an error's path is kept until it is answered.
pub(crate) const PATH: &str = "path";

/// The error, noting the path of the field that failed. async-graphql (8.0.0-rc.5) puts the path of a list's item in the
/// place of the one below it when an error passes a list without nulls; the answer takes the path from here.
pub(crate) fn with_path(context: &Context<'_>, error: Error) -> Error {
    let mut path = Vec::new();
    let mut next = context.path_node.as_ref();
    while let Some(node) = next {
        path.push(match node.segment {
            QueryPathSegment::Name(name) => Value::from(name),
            QueryPathSegment::Index(index) => Value::from(index),
        });
        next = node.parent;
    }
    path.reverse();
    error.extend_with(|_, extensions| extensions.set(PATH, Value::List(path)))
}

/// What a caller is told when the server itself failed. The reason stays in the log.
pub(crate) const INTERNAL_MESSAGE: &str = "The server failed. Tell its operator the requestId.";
