//! What can go wrong with a call, by what the caller can do about it.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    credential::Credential,
    gateway_token::GatewayToken,
    token_store::StoreError,
    user_error::{UserError, UserErrorCode},
};

/// Why a call failed. No secret stands in any of its texts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No whole answer came: no connection, a timeout, a connection that broke off. The server may or may not have
    /// done what was asked; a mutation with an idempotency key can be repeated safely.
    #[error("no answer from the server")]
    Transport(#[source] TransportError),
    /// The server, or something in front of it, answered without GraphQL.
    #[error("the server answered with HTTP status {status}{}", RequestIdSuffix(.request_id.as_deref()))]
    #[non_exhaustive]
    Http {
        /// The HTTP status.
        status: u16,
        /// How long the server asks to wait, from its `Retry-After`.
        retry_after: Option<Duration>,
        /// The answer's `X-Request-Id`.
        request_id: Option<String>,
    },
    /// The server refused the request or failed at it: the errors at the top of a GraphQL answer.
    #[error("{}", Joined(.0))]
    GraphQl(Vec<GraphQlError>),
    /// The mutation was refused by the portal's rules: the payload's `userErrors`, at least one.
    #[error("{}", Joined(.0))]
    User(Vec<UserError>),
    /// Too many requests: wait, then repeat.
    #[error("too many requests{}", RequestIdSuffix(.request_id.as_deref()))]
    #[non_exhaustive]
    RateLimited {
        /// How long the server asks to wait, from its `Retry-After`.
        retry_after: Option<Duration>,
        /// The request's id, to find it in the server's log.
        request_id: Option<String>,
    },
    /// The answer is not what the schema says.
    #[error("the answer could not be read")]
    Decode(#[source] DecodeError),
    /// What was asked about does not exist, or not for this caller.
    #[error("{what}: there is none such, or none that the caller may see")]
    #[non_exhaustive]
    NotFound {
        /// The schema's type or field that there is none of.
        what: &'static str,
    },
    /// There was no access token that counts: the session could not be renewed, or the client could not sign in by
    /// itself. The call itself was not sent.
    #[error("{}", if *.ended { "the session has ended: sign in again" } else { "the session could not be renewed" })]
    #[non_exhaustive]
    Session {
        /// True: the server refused the refresh token, because it was used before, revoked or too old, or it refused
        /// the password that the client was built with. Only signing in again helps ([`crate::Portico::sign_in`]); the
        /// client does not try by itself any more. False: the next call tries again.
        ended: bool,
        /// Why renewing failed; shared by all calls that waited for it.
        #[source]
        source: Arc<Error>,
    },
    /// The server made what was asked for, and the answer that showed its secret was lost. The secret is shown once, so
    /// it is gone; what was made is here, to go on with.
    #[error("{0}")]
    SecretLost(SecretLost),
    /// Nobody decided in the time that the caller wanted to wait. The request goes on waiting; so may the caller.
    #[error("the access request was not decided within {} seconds", .waited.as_secs())]
    #[non_exhaustive]
    Undecided {
        /// For how long the call has waited.
        waited: Duration,
    },
    /// The server ended a subscription.
    #[error("the server closed the connection with code {code}: {reason}")]
    #[non_exhaustive]
    Closed {
        /// The WebSocket's close code: 1000 to 1015 of RFC 6455, 44xx of graphql-transport-ws.
        code: u16,
        /// The server's words.
        reason: String,
    },
    /// The client's [`crate::TokenStore`] failed. The session is as good as before, and goes on in memory.
    #[error("the session could not be kept in its store, or read from it")]
    TokenStore(#[source] StoreError),
    /// The operation's variables cannot be written as JSON: only an operation of the caller's own can be so.
    #[error("the operation could not be written")]
    Encode(#[source] EncodeError),
}

/// What was made although its secret is lost: [`Error::SecretLost`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SecretLost {
    /// The new credential, of [`crate::credential::Credentials::generate`] or `rotate`. Rotate it: that shows another
    /// key, and ends this one, which nobody has.
    Credential(Box<Credential>),
    /// The new token, of [`crate::gateway_token::GatewayTokens::create`]. Revoke it, and create another.
    GatewayToken(Box<GatewayToken>),
}

impl fmt::Display for SecretLost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(credential) => write!(
                formatter,
                "the credential {0} was generated, but the answer that showed its key was lost: rotate {0} to get another",
                credential.id
            ),
            Self::GatewayToken(token) => write!(
                formatter,
                "the gateway token {0} was made, but the answer that showed it was lost: revoke {0} and create another",
                token.id
            ),
        }
    }
}

/// Why an operation could not be written as JSON; the serializer's own error is its source.
#[derive(Debug, thiserror::Error)]
#[error("its variables cannot be written as JSON")]
pub struct EncodeError(#[source] serde_json::Error);

impl EncodeError {
    pub(crate) fn new(source: serde_json::Error) -> Self {
        Self(source)
    }
}

impl Error {
    /// The code of the first error, as the schema spells it: a `UserErrorCode`, or a top-level error's
    /// `extensions.code`. None where there is no coded error.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::GraphQl(errors) => errors.first().map(|error| error.code.as_str()),
            Self::User(errors) => errors.first().map(|error| error.code.as_str()),
            Self::RateLimited { .. } => Some(ErrorCode::RateLimited.as_str()),
            Self::Session { source, .. } => source.code(),
            Self::Transport(_)
            | Self::Http { .. }
            | Self::Decode(_)
            | Self::NotFound { .. }
            | Self::SecretLost(_)
            | Self::Undecided { .. }
            | Self::Closed { .. }
            | Self::TokenStore(_)
            | Self::Encode(_) => None,
        }
    }

    /// Whether one of the user errors has this code.
    pub fn has_user_code(&self, code: &UserErrorCode) -> bool {
        self.user_errors().iter().any(|error| error.code == *code)
    }

    /// Whether one of the top-level errors has this code.
    pub fn has_code(&self, code: &ErrorCode) -> bool {
        match self {
            Self::RateLimited { .. } => *code == ErrorCode::RateLimited,
            _ => self.graphql_errors().iter().any(|error| error.code == *code),
        }
    }

    /// The user errors; none unless this is [`Error::User`].
    pub fn user_errors(&self) -> &[UserError] {
        match self {
            Self::User(errors) => errors,
            _ => &[],
        }
    }

    /// The top-level errors; none unless this is [`Error::GraphQl`].
    pub fn graphql_errors(&self) -> &[GraphQlError] {
        match self {
            Self::GraphQl(errors) => errors,
            _ => &[],
        }
    }

    /// The id under which the server's log knows the request, where the answer told it.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Http { request_id, .. } | Self::RateLimited { request_id, .. } => request_id.as_deref(),
            Self::GraphQl(errors) => errors.iter().find_map(|error| error.request_id.as_deref()),
            Self::Session { source, .. } => source.request_id(),
            Self::Transport(_)
            | Self::User(_)
            | Self::Decode(_)
            | Self::NotFound { .. }
            | Self::SecretLost(_)
            | Self::Undecided { .. }
            | Self::Closed { .. }
            | Self::TokenStore(_)
            | Self::Encode(_) => None,
        }
    }

    /// How long the server asks to wait before the call is repeated, from its `Retry-After`.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Http { retry_after, .. } | Self::RateLimited { retry_after, .. } => *retry_after,
            Self::GraphQl(errors) => errors.iter().find_map(|error| error.retry_after),
            Self::Session { source, .. } => source.retry_after(),
            _ => None,
        }
    }

    /// Whether the same call may succeed later although nothing else changes. The client has repeated by then what it
    /// may ([`crate::RetryPolicy`]). Repeating a query is always safe; repeating a mutation is where it carried an
    /// idempotency key.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Transport(_) | Self::RateLimited { .. } => true,
            Self::Http { status, .. } => matches!(status, 502..=504),
            Self::GraphQl(_) => self.has_code(&ErrorCode::Timeout) || self.has_code(&ErrorCode::Unavailable),
            Self::Session { ended, source } => !ended && source.is_retryable(),
            // Those that say that another connection will do; 1005 and 1006 are those that ended without a word.
            Self::Closed { code, .. } => matches!(code, 1001 | 1005 | 1006 | 1011..=1014 | 4408 | 4410),
            Self::Undecided { .. } => true,
            Self::User(_)
            | Self::Decode(_)
            | Self::NotFound { .. }
            | Self::SecretLost(_)
            | Self::TokenStore(_)
            | Self::Encode(_) => false,
        }
    }
}

/// One error at the top of a GraphQL answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GraphQlError {
    /// What is wrong and what to do, in English.
    pub message: String,
    /// The kind of the error, from `extensions.code`.
    pub code: ErrorCode,
    /// The path of the answer's field that failed, indices as decimals; empty where the whole request failed.
    pub path: Vec<String>,
    /// The request's id, from `extensions.requestId`.
    pub request_id: Option<String>,
    /// How long the server asks to wait before the request is repeated, from the answer's `Retry-After`.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for GraphQlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path.join("."))?;
        }
        write!(formatter, "{} ({}", self.message, self.code.as_str())?;
        if let Some(request_id) = &self.request_id {
            write!(formatter, ", request {request_id}")?;
        }
        formatter.write_str(")")
    }
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal;)*) => {
        /// The kind of a top-level error: its `extensions.code`.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
            /// A code that this version of the crate does not know; empty where the error had none.
            Unknown(String),
        }

        impl ErrorCode {
            /// The code as the server spells it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Unknown(text) => text,
                }
            }
        }

        impl From<String> for ErrorCode {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$variant,)*
                    _ => Self::Unknown(text),
                }
            }
        }
    };
}

error_codes! {
    /// No token, or one that does not count (any more): sign in.
    Unauthenticated = "UNAUTHENTICATED";
    /// Signed in, but not allowed to do this.
    Forbidden = "FORBIDDEN";
    /// An argument is wrong, such as an id of another kind or a page size out of range.
    BadUserInput = "BAD_USER_INPUT";
    /// The document is not GraphQL.
    GraphqlParseFailed = "GRAPHQL_PARSE_FAILED";
    /// The document does not fit the server's schema: the server may be older than this crate.
    GraphqlValidationFailed = "GRAPHQL_VALIDATION_FAILED";
    /// The document asks for more than the server's limits allow.
    QueryTooComplex = "QUERY_TOO_COMPLEX";
    /// Too many requests; calls answer with [`Error::RateLimited`].
    RateLimited = "RATE_LIMITED";
    /// A persisted query's hash is unknown to the server.
    PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND";
    /// A persisted query was named by its hash, and the server keeps none.
    PersistedQueryNotSupported = "PERSISTED_QUERY_NOT_SUPPORTED";
    /// The server takes known documents only, and this is none.
    DocumentNotTrusted = "DOCUMENT_NOT_TRUSTED";
    /// The server ran out of time.
    Timeout = "TIMEOUT";
    /// The server cannot serve at present.
    Unavailable = "UNAVAILABLE";
    /// The server failed; its log has the reason under the request's id.
    Internal = "INTERNAL";
}

/// Why no whole answer came. The HTTP client's own error is its source.
#[derive(Debug, thiserror::Error)]
#[error("{endpoint} could not be reached")]
pub struct TransportError {
    endpoint: String,
    source: Box<dyn std::error::Error + Send + Sync>,
    is_timeout: bool,
    #[cfg(not(target_arch = "wasm32"))]
    is_connect: bool,
}

impl TransportError {
    pub(crate) fn new(endpoint: &url::Url, source: reqwest::Error) -> Self {
        Self {
            endpoint: shown(endpoint),
            is_timeout: source.is_timeout(),
            #[cfg(not(target_arch = "wasm32"))]
            is_connect: source.is_connect(),
            source: source.without_url().into(),
        }
    }

    /// A WebSocket that broke off.
    #[cfg(all(feature = "subscriptions", not(target_arch = "wasm32")))]
    pub(crate) fn of_socket(endpoint: &url::Url, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            endpoint: shown(endpoint),
            source: source.into(),
            is_timeout: false,
            is_connect: false,
        }
    }

    /// A WebSocket whose other end says nothing.
    #[cfg(all(feature = "subscriptions", not(target_arch = "wasm32")))]
    pub(crate) fn timed_out(endpoint: &url::Url) -> Self {
        Self {
            is_timeout: true,
            ..Self::of_socket(endpoint, "no answer in time")
        }
    }

    /// Whether the time allowed for the call ran out.
    pub fn is_timeout(&self) -> bool {
        self.is_timeout
    }

    /// Whether there was no connection: the server then has not seen the request. A browser does not tell.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn is_connect(&self) -> bool {
        self.is_connect
    }
}

/// By scheme, host and path alone: a query string may hold what should not be printed.
fn shown(endpoint: &url::Url) -> String {
    let mut shown = endpoint.clone();
    shown.set_query(None);
    shown.to_string()
}

/// Why an answer could not be read. It never quotes the answer, which may hold a secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct DecodeError {
    reason: String,
}

impl DecodeError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }

    /// serde's texts quote the value that does not fit; only "missing field" names nothing but our own field.
    pub(crate) fn json(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let what = match error.classify() {
            serde_json::error::Category::Data if text.starts_with("missing field") => {
                text.split(" at line").next().unwrap_or_default()
            }
            serde_json::error::Category::Data => "a value of another type than the schema's",
            serde_json::error::Category::Syntax => "no JSON",
            serde_json::error::Category::Eof => "the JSON ends too early",
            serde_json::error::Category::Io => "reading failed",
        };
        Self::new(format!("{what} at line {line}, column {column}"))
    }

    /// The field may be named as in Rust; the text has the schema's name.
    pub(crate) fn missing(field: &str) -> Self {
        let mut words = field.split('_');
        let mut name = words.next().unwrap_or_default().to_owned();
        for word in words {
            let mut letters = word.chars();
            name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
            name.push_str(letters.as_str());
        }
        Self::new(format!("the answer lacks `{name}`"))
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

struct Joined<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Joined<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(formatter, "{separator}{error}")?;
        }
        Ok(())
    }
}

struct RequestIdSuffix<'a>(Option<&'a str>);

impl fmt::Display for RequestIdSuffix<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .map_or(Ok(()), |request_id| write!(formatter, " (request {request_id})"))
    }
}
