//! GraphQL over HTTP: `POST /graphql`, and `GET` for queries
//! (<https://graphql.github.io/graphql-over-http/draft/>).
//!
//! Only `application/json` is taken, so that no web page can make a visitor's browser send a request that the browser
//! would not ask about first (no cross-site request forgery), and there is no cookie that would make one worth sending.

use std::{
    fmt,
    future::Future,
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    routing::any,
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use mediatype::{MediaType, ReadParams as _, names};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::Instrument as _;

use crate::{
    answer_cache::{Found, Kept, Miss, Pending, RequestDigest},
    graphql::error::{ErrorCode, INTERNAL_MESSAGE},
    metrics::{GraphqlMetrics, Outcome},
};

use super::{
    accept::{self, ResponseMediaType},
    bearer::BearerToken,
    client_address::ClientAddress,
    operation,
    query_cost::{self, QueryCost, QueryLimits, QueryRefused},
    query_tokens,
    request_id::RequestId,
    request_parameters::{self, RequestParameters},
    response_body::{self, RequestRefused},
};

/// The longest body, in bytes, whose answer may be kept.
const LONGEST_KEPT: usize = 64 * 1024;

/// Why nobody could be told from an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationFailed {
    /// The token is forged, expired, of an ended session, or of an account that may not act.
    #[error("the token is worth nothing")]
    Rejected,
    /// Whether the token is good cannot be told right now.
    #[error("tokens cannot be checked right now")]
    Unavailable,
}

/// The schema and the identities behind the endpoint.
pub trait GraphqlService: Clone + Send + Sync + 'static {
    /// Who calls, as the schema sees it.
    type Caller: Send + Sync + 'static;

    /// The caller of a request without a token.
    fn anonymous(&self) -> Self::Caller;

    /// The caller to whom the access token was given.
    ///
    /// # Errors
    /// [`AuthenticationFailed`] when there is none, or it cannot be told.
    fn authenticate(
        &self,
        access_token: &str,
    ) -> impl Future<Output = Result<Self::Caller, AuthenticationFailed>> + Send;

    /// The most bytes that this caller may send as a request's body.
    fn body_limit(&self, caller: &Self::Caller) -> usize;

    /// Looks for an answer that was given to the same request before and still holds for this caller.
    fn recall(&self, caller: &Self::Caller, request: RequestDigest) -> impl Future<Output = Found> + Send;

    /// Executes a request. The document in it has been parsed and held to the limits.
    fn execute(&self, call: GraphqlCall<Self::Caller>) -> impl Future<Output = Executed> + Send;
}

/// What executing a request gave.
pub struct Executed {
    /// The response.
    pub response: async_graphql::Response,
    /// Where the answer is kept if it has no errors.
    pub pending: Option<Pending>,
}

/// An answer's way into the response.
#[expect(
    clippy::large_enum_variant,
    reason = "made and taken apart once a request, on the stack"
)]
enum Answered {
    Kept(Kept),
    Executed(Executed),
}

/// One request that is ready to be executed.
pub struct GraphqlCall<Caller> {
    /// Who calls.
    pub caller: Caller,
    /// The request's id.
    pub request_id: RequestId,
    /// Where the request came from; `None` when that is not known (no socket below).
    pub client_address: Option<IpAddr>,
    /// The parsed document, the operation's name and the variables.
    pub request: async_graphql::Request,
    /// What was learned when no kept answer was found; `None`: the answer is not to be kept.
    pub miss: Option<Miss>,
}

impl<Caller> fmt::Debug for GraphqlCall<Caller> {
    /// Leaves out the request: its variables hold passwords and tokens.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GraphqlCall")
            .field("request_id", &self.request_id)
            .field("client_address", &self.client_address)
            .finish_non_exhaustive()
    }
}

/// What the endpoint is told once.
#[derive(Clone, Debug)]
pub struct GraphqlSettings {
    /// The bounds of one operation.
    pub limits: QueryLimits,
    /// How long reading a body, and then executing it, may take.
    pub timeout: Duration,
    /// Where executions run. A mutation that its client no longer waits for is still in here; shutting down waits
    /// for the tracker to be empty.
    pub executions: TaskTracker,
    /// Where requests are counted.
    pub metrics: GraphqlMetrics,
}

/// The route `/graphql`.
pub fn router<S: GraphqlService>(service: S, settings: GraphqlSettings) -> Router {
    let endpoint = Arc::new(Endpoint::new(service, settings));
    routes(endpoint)
}

/// The route of an endpoint that others use too.
pub(crate) fn routes<S: GraphqlService>(endpoint: Arc<Endpoint<S>>) -> Router {
    Router::new().route("/graphql", any(answer::<S>)).with_state(endpoint)
}

/// What executes requests, however they arrive.
pub(crate) struct Endpoint<S> {
    service: S,
    settings: GraphqlSettings,
}

/// A request whose document was read and held to the limits.
pub(crate) struct Prepared {
    /// The document, parsed.
    pub(crate) document: ExecutableDocument,
    /// What was sent; variables have their defaults.
    pub(crate) parameters: RequestParameters,
    /// What the chosen operation is.
    pub(crate) kind: OperationType,
    /// Whether it begins or ends a session, and so minds no bad token.
    pub(crate) ignores_access_token: bool,
    /// What it costs.
    pub(crate) cost: CostReport,
}

/// What an operation was found to cost, for its answers to tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CostReport {
    cost: Option<QueryCost>,
    limit: usize,
}

impl CostReport {
    /// The response, telling the cost.
    pub(crate) fn tell(self, response: async_graphql::Response) -> async_graphql::Response {
        match self.cost {
            Some(QueryCost { cost, depth }) => response.extension(
                "cost",
                async_graphql::value!({ "cost": cost, "limit": (self.limit), "depth": depth }),
            ),
            None => response,
        }
    }
}

async fn answer<S: GraphqlService>(State(endpoint): State<Arc<Endpoint<S>>>, request: Request) -> Response {
    let request_id = request
        .extensions()
        .get::<RequestId>()
        .cloned()
        .unwrap_or_else(RequestId::generate);
    let Some(media_type) = accept::negotiate(request.headers()) else {
        let message = "Answers come as application/graphql-response+json or application/json; accept one of them.";
        let refused = RequestRefused::request(StatusCode::NOT_ACCEPTABLE, ErrorCode::BadUserInput, message);
        return response_body::refused(refused, ResponseMediaType::Json, &request_id);
    };
    let began = Instant::now();
    let kind = OnceLock::new();
    let responded = endpoint.respond(request, &request_id, &kind).await;
    let outcome = match &responded {
        Ok(Answered::Kept(_)) => Outcome::ok,
        Ok(Answered::Executed(executed)) => Outcome::of(&executed.response),
        Err(_) => Outcome::refused,
    };
    endpoint
        .settings
        .metrics
        .answered(kind.get().copied(), outcome, began.elapsed());
    match responded {
        Ok(Answered::Kept(kept)) => response_body::kept(kept.body, media_type),
        Ok(Answered::Executed(executed)) => response_body::executed(executed, media_type, &request_id),
        Err(refused) => response_body::refused(refused, media_type, &request_id),
    }
}

impl<S: GraphqlService> Endpoint<S> {
    async fn respond(
        &self,
        request: Request,
        request_id: &RequestId,
        known_kind: &OnceLock<OperationType>,
    ) -> Result<Answered, RequestRefused> {
        let (parts, body) = request.into_parts();
        let by_get = match parts.method {
            // hyper sends no body in answer to HEAD.
            Method::GET | Method::HEAD => true,
            Method::POST => false,
            _ => {
                return Err(method_not_allowed(
                    "Send the request by POST, or a query by GET.",
                    "GET, POST",
                ));
            }
        };
        if !by_get {
            check_content_type(&parts.headers)?;
        }

        let caller = match BearerToken::from_headers(&parts.headers) {
            BearerToken::Absent => Ok(self.service.anonymous()),
            BearerToken::Malformed => Err(AuthenticationFailed::Rejected),
            BearerToken::Token(token) => self.service.authenticate(token).await,
        };
        let query_string = parts.uri.query().unwrap_or_default();
        let (body, digest) = if by_get {
            (Bytes::new(), Some(RequestDigest::of_query_string(query_string)))
        } else {
            let limit = match &caller {
                Ok(caller) => self.service.body_limit(caller),
                Err(_) => self.service.body_limit(&self.service.anonymous()),
            };
            let body = self.read(&parts.headers, body, limit).await?;
            // What is longer than any query is an upload, and not worth hashing.
            let digest = (body.len() <= LONGEST_KEPT).then(|| RequestDigest::of_body(&body));
            (body, digest)
        };
        let miss = match (&caller, digest) {
            (Ok(caller), Some(digest)) => match self.recall(caller, digest).await? {
                Found::Answer(kept) => {
                    // Nothing but queries is kept.
                    let _ = known_kind.set(OperationType::Query);
                    if let Some(name) = &kept.operation_name {
                        tracing::Span::current().record("operation", &**name);
                    }
                    return Ok(Answered::Kept(kept));
                }
                Found::Nothing(miss) => Some(miss),
            },
            (Err(_), _) | (_, None) => None,
        };
        let parameters = if by_get {
            request_parameters::from_query_string(query_string)
        } else {
            request_parameters::from_json(&body)
        }
        .map_err(|bad| RequestRefused::request(StatusCode::BAD_REQUEST, ErrorCode::BadUserInput, bad.to_string()))?;

        let prepared = self.prepare(parameters)?;
        let _ = known_kind.set(prepared.kind);
        if by_get && prepared.kind != OperationType::Query {
            return Err(method_not_allowed(
                "Only queries can be sent by GET. Send this operation by POST.",
                "POST",
            ));
        }
        if prepared.kind == OperationType::Subscription {
            return Err(RequestRefused::document(
                ErrorCode::BadUserInput,
                "Subscriptions come over the websocket at /graphql/ws or as an event stream from /graphql/stream.",
                Vec::new(),
            ));
        }
        let caller = match caller {
            Ok(caller) => caller,
            Err(_) if prepared.ignores_access_token => self.service.anonymous(),
            Err(failed) => return Err(unauthenticated(failed)),
        };
        let client_address = parts.extensions.get::<ClientAddress>().map(|address| address.0);
        let executed = self.run(prepared, caller, request_id, client_address, miss).await?;
        Ok(Answered::Executed(executed))
    }

    /// An endpoint.
    pub(crate) const fn new(service: S, settings: GraphqlSettings) -> Self {
        Self { service, settings }
    }

    /// The schema and the identities.
    pub(crate) const fn service(&self) -> &S {
        &self.service
    }

    /// What it was told.
    pub(crate) const fn settings(&self) -> &GraphqlSettings {
        &self.settings
    }

    /// Reads the document, chooses the operation and holds it to the limits.
    ///
    /// # Errors
    /// When it cannot be executed.
    pub(crate) fn prepare(&self, mut parameters: RequestParameters) -> Result<Prepared, RequestRefused> {
        let document = self.parse(&parameters.query)?;
        let cost = self.measure(&document, &parameters)?;
        let operation = operation::select(&document, parameters.operation_name.as_deref())
            .map_err(|error| RequestRefused::document(ErrorCode::BadUserInput, error.to_string(), Vec::new()))?;
        operation::complete_variables(operation, &mut parameters.variables)
            .map_err(|error| RequestRefused::document(ErrorCode::BadUserInput, error.to_string(), Vec::new()))?;
        let kind = operation.ty;
        if let Some(name) = &parameters.operation_name {
            // It is a name of the document by now, so harmless in a log.
            tracing::Span::current().record("operation", name.as_str());
        }
        let ignores_access_token = operation::ignores_access_token(&document, operation);
        Ok(Prepared {
            document,
            parameters,
            kind,
            ignores_access_token,
            cost: CostReport {
                cost,
                limit: self.settings.limits.cost,
            },
        })
    }

    /// Executes a query or a mutation for this caller.
    ///
    /// # Errors
    /// When it took too long or broke down.
    pub(crate) async fn run(
        &self,
        prepared: Prepared,
        caller: S::Caller,
        request_id: &RequestId,
        client_address: Option<IpAddr>,
        miss: Option<Miss>,
    ) -> Result<Executed, RequestRefused> {
        let Prepared {
            document,
            parameters,
            kind,
            ignores_access_token: _,
            cost,
        } = prepared;
        let mut request = async_graphql::Request::new(parameters.query).variables(parameters.variables);
        request.operation_name = parameters.operation_name;
        request.set_parsed_query(document);
        let call = GraphqlCall {
            caller,
            request_id: request_id.clone(),
            client_address,
            request,
            miss,
        };
        let Executed { response, pending } = self.execute(call, kind).await?;
        Ok(Executed {
            response: cost.tell(response),
            pending,
        })
    }

    async fn recall(&self, caller: &S::Caller, request: RequestDigest) -> Result<Found, RequestRefused> {
        let found = tokio::time::timeout(self.settings.timeout, self.service.recall(caller, request));
        found.await.map_err(|_| timed_out(OperationType::Query))
    }

    /// Reads a body of at most `limit` bytes.
    ///
    /// # Errors
    /// When it is longer, breaks off or takes too long.
    pub(crate) async fn read(&self, headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, RequestRefused> {
        let too_large = || {
            let message = format!("The body is larger than {limit} bytes.");
            RequestRefused::request(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::BadUserInput, message)
        };
        let announced = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        match tokio::time::timeout(self.settings.timeout, Limited::new(body, limit).collect()).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => Err(RequestRefused::request(
                StatusCode::BAD_REQUEST,
                ErrorCode::BadUserInput,
                "The body ended before it was complete.",
            )),
            Err(_) => Err(RequestRefused::request(
                StatusCode::REQUEST_TIMEOUT,
                ErrorCode::Timeout,
                "The body did not arrive in time.",
            )),
        }
    }

    fn parse(&self, query: &str) -> Result<ExecutableDocument, RequestRefused> {
        query_tokens::check(query, self.settings.limits.tokens)
            .map_err(|error| RequestRefused::document(ErrorCode::QueryTooComplex, error.to_string(), Vec::new()))?;
        async_graphql::parser::parse_query(query).map_err(|error| {
            let locations = error.positions().collect();
            RequestRefused::document(ErrorCode::GraphqlParseFailed, error.to_string(), locations)
        })
    }

    fn measure(
        &self,
        document: &ExecutableDocument,
        parameters: &RequestParameters,
    ) -> Result<Option<QueryCost>, RequestRefused> {
        let name = parameters.operation_name.as_deref();
        query_cost::check(document, name, &parameters.variables, &self.settings.limits).map_err(|refused| {
            let code = match refused {
                QueryRefused::FragmentCycle(_) => ErrorCode::GraphqlValidationFailed,
                QueryRefused::Depth { .. }
                | QueryRefused::Cost { .. }
                | QueryRefused::Aliases { .. }
                | QueryRefused::Directives { .. }
                | QueryRefused::VariableValues { .. }
                | QueryRefused::Nesting
                | QueryRefused::Introspection => ErrorCode::QueryTooComplex,
            };
            RequestRefused::document(code, refused.to_string(), Vec::new())
        })
    }

    /// Executes in a task of its own: a mutation goes on when its time is up or its client is gone, because it may
    /// have been committed; a query ends there.
    async fn execute(&self, call: GraphqlCall<S::Caller>, kind: OperationType) -> Result<Executed, RequestRefused> {
        let service = self.service.clone();
        let run = async move { service.execute(call).await }.in_current_span();
        let task = self.settings.executions.spawn(run);
        let joined = match kind {
            OperationType::Mutation => tokio::time::timeout(self.settings.timeout, task).await,
            OperationType::Query | OperationType::Subscription => {
                tokio::time::timeout(self.settings.timeout, AbortOnDropHandle::new(task)).await
            }
        };
        match joined {
            Ok(Ok(executed)) => Ok(executed),
            Ok(Err(error)) => {
                tracing::error!(%error, "an execution ended without an answer");
                Err(RequestRefused::request(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    ErrorCode::Internal,
                    INTERNAL_MESSAGE,
                ))
            }
            Err(_) => Err(timed_out(kind)),
        }
    }
}

pub(crate) fn timed_out(kind: OperationType) -> RequestRefused {
    let message = match kind {
        OperationType::Mutation => {
            "The mutation took too long to wait for. It may still happen: read before trying again."
        }
        OperationType::Query | OperationType::Subscription => "The query took too long. Ask for less.",
    };
    RequestRefused::request(StatusCode::GATEWAY_TIMEOUT, ErrorCode::Timeout, message)
}

pub(crate) fn method_not_allowed(message: &str, allow: &'static str) -> RequestRefused {
    let refused = RequestRefused::request(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message);
    RequestRefused {
        allow: Some(allow),
        ..refused
    }
}

pub(crate) fn unauthenticated(failed: AuthenticationFailed) -> RequestRefused {
    match failed {
        AuthenticationFailed::Rejected => RequestRefused::request(
            StatusCode::UNAUTHORIZED,
            ErrorCode::Unauthenticated,
            "The access token is not valid, or has ended. Call refreshSession or signIn, and send the new accessToken \
             as `Authorization: Bearer …`.",
        ),
        AuthenticationFailed::Unavailable => RequestRefused::request(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Unavailable,
            "The server cannot check tokens right now. Try again in a moment.",
        ),
    }
}

/// Only JSON in UTF-8 and without a further encoding is taken.
pub(crate) fn check_content_type(headers: &HeaderMap) -> Result<(), RequestRefused> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let is_json = match (
        values
            .next()
            .and_then(|value| value.to_str().ok())
            .map(MediaType::parse),
        values.next(),
    ) {
        (Some(Ok(media_type)), None) => {
            media_type.ty == names::APPLICATION
                && media_type.subty == names::JSON
                && media_type.suffix.is_none()
                && media_type
                    .get_param(names::CHARSET)
                    .is_none_or(|charset| charset.unquoted_str().eq_ignore_ascii_case("utf-8"))
        }
        _ => false,
    };
    let is_encoded = headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if is_json && !is_encoded {
        return Ok(());
    }
    Err(RequestRefused::request(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::BadUserInput,
        "Send the request as JSON, with `Content-Type: application/json` and no Content-Encoding.",
    ))
}

#[cfg(test)]
#[path = "graphql_tests.rs"]
mod tests;
