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

use async_graphql::parser::types::OperationType;
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
    answer_cache::{
        Found, Kept, Miss, Pending, RequestDigest,
        rule::{self, Shown},
    },
    budget::{Budgets, Payer},
    graphql::error::{ErrorCode, INTERNAL_MESSAGE},
    metrics::{GraphqlMetrics, Outcome},
};

use super::{
    accept::{self, ResponseMediaType},
    actual_cost,
    bearer::BearerToken,
    client_address::ClientAddress,
    document_source::Asker,
    operation,
    preparation::{Preparation, Prepared},
    query_cost::Cost,
    query_input::InputSizes,
    request_id::RequestId,
    request_parameters::{self, RequestParameters},
    response_body::{self, Freshness, RequestRefused},
};

/// The longest body, in bytes, whose answer may be kept.
const LONGEST_KEPT: usize = 64 * 1024;
/// What an answer that was kept costs its caller's budget.
const COST_OF_KEPT: u64 = 1;
/// What a request costs its caller's budget that is refused before it runs: it was read, and perhaps parsed.
const COST_OF_REFUSAL: u64 = 10;
/// The most bytes that are read of who has nothing left to spend: a sign-in is far shorter.
const BODY_OF_WHO_HAS_SPENT_ALL: usize = 8 * 1024;

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

    /// Who the caller is, as far as documents are concerned.
    fn asker(&self, caller: &Self::Caller) -> Asker;

    /// On whose account the caller's requests go.
    fn payer(&self, caller: &Self::Caller, address: Option<IpAddr>) -> Payer;

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

/// An answer, and for how long it may be shown to everybody.
struct Answer {
    answered: Answered,
    freshness: Freshness,
}

/// What was learned of a request on the way to its answer.
#[derive(Default)]
struct Noted {
    kind: OnceLock<OperationType>,
    /// Who pays for it, from when that is known.
    payer: OnceLock<Payer>,
}

/// An answer's way into the response.
#[expect(
    clippy::large_enum_variant,
    reason = "made and taken apart once a request, on the stack"
)]
enum Answered {
    Kept(Kept),
    Executed(Executed, Cost),
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

/// The most bytes that a request's body may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Of an admin, who uploads specifications.
    pub admins: usize,
    /// Of everybody else.
    pub others: usize,
}

/// What the endpoint is told once.
#[derive(Clone, Debug)]
pub struct GraphqlSettings {
    /// What requests are held to.
    pub preparation: Preparation,
    /// What callers may spend.
    pub budgets: Budgets,
    /// The most bytes of a body.
    pub body_limits: BodyLimits,
    /// For how long answers that are everybody's may be shown again by caches in between.
    pub public_max_age: Option<Duration>,
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
    routes(Arc::new(Endpoint::new(service, settings)))
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
    let noted = Noted::default();
    let responded = endpoint.respond(request, &request_id, &noted).await;
    let outcome = match &responded {
        Ok(Answer {
            answered: Answered::Kept(_),
            ..
        }) => Outcome::ok,
        Ok(Answer {
            answered: Answered::Executed(executed, _),
            ..
        }) => Outcome::of(&executed.response),
        Err(refused) if refused.status == StatusCode::TOO_MANY_REQUESTS => Outcome::rate_limited,
        Err(_) => Outcome::refused,
    };
    if let (Err(refused), Some(&payer)) = (&responded, noted.payer.get())
        && !refused.is_paid
    {
        endpoint.settings.budgets.take(payer, COST_OF_REFUSAL);
    }
    endpoint
        .settings
        .metrics
        .answered(noted.kind.get().copied(), outcome, began.elapsed());
    match responded {
        Ok(Answer { answered, freshness }) => match answered {
            Answered::Kept(kept) => response_body::kept(kept.body, media_type, freshness),
            Answered::Executed(executed, cost) => {
                response_body::executed(executed, cost, media_type, &request_id, freshness)
            }
        },
        Err(refused) => response_body::refused(refused, media_type, &request_id),
    }
}

impl<S: GraphqlService> Endpoint<S> {
    async fn respond(&self, request: Request, request_id: &RequestId, noted: &Noted) -> Result<Answer, RequestRefused> {
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

        let address = parts.extensions.get::<ClientAddress>().map(|address| address.0);
        let token = BearerToken::from_headers(&parts.headers);
        let is_public = by_get && token == BearerToken::Absent;
        let caller = match token {
            BearerToken::Absent => Ok(self.service.anonymous()),
            BearerToken::Malformed => Err(AuthenticationFailed::Rejected),
            BearerToken::Token(token) => self.service.authenticate(token).await,
        };
        let (asker, payer) = match &caller {
            Ok(caller) => (self.service.asker(caller), self.service.payer(caller, address)),
            Err(_) => {
                let nobody = self.service.anonymous();
                (Asker::Stranger, self.service.payer(&nobody, address))
            }
        };
        let _ = noted.payer.set(payer);
        let query_string = parts.uri.query().unwrap_or_default();
        let (body, digest) = if by_get {
            (Bytes::new(), Some(RequestDigest::of_query_string(query_string)))
        } else {
            let limit = match asker {
                Asker::Admin => self.settings.body_limits.admins,
                Asker::Developer | Asker::Stranger => self.settings.body_limits.others,
            };
            let body = match self.settings.budgets.check(payer, COST_OF_REFUSAL) {
                Ok(()) => self.read(&parts.headers, body, limit).await?,
                // It may be a sign-in, which is paid apart; but nothing long is read for who has nothing left.
                Err(over) => {
                    let read = self
                        .read(&parts.headers, body, limit.min(BODY_OF_WHO_HAS_SPENT_ALL))
                        .await;
                    read.map_err(|_| RequestRefused::over_budget(over))?
                }
            };
            // What is longer than any query is an upload, and not worth hashing.
            let digest = (body.len() <= LONGEST_KEPT).then(|| RequestDigest::of_body(&body));
            (body, digest)
        };
        let miss = match (&caller, digest) {
            (Ok(caller), Some(digest)) => match self.recall(caller, digest).await? {
                Found::Answer(kept) => {
                    let paid = self.settings.budgets.spend(payer, COST_OF_KEPT);
                    paid.map_err(RequestRefused::over_budget)?;
                    // Nothing but queries is kept.
                    let _ = noted.kind.set(OperationType::Query);
                    if let Some(name) = &kept.operation_name {
                        tracing::Span::current().record("operation", &**name);
                    }
                    let freshness = self.freshness(is_public && kept.is_everybodys);
                    return Ok(Answer {
                        answered: Answered::Kept(kept),
                        freshness,
                    });
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

        let prepared = self.settings.preparation.prepare(parameters, asker);
        let (caller, prepared) = match (caller, prepared) {
            (Ok(caller), prepared) => (caller, prepared?),
            (Err(_), Ok(prepared)) if prepared.ignores_access_token => (self.service.anonymous(), prepared),
            // Not for a stranger, but perhaps for whoever this would be with a good token.
            (Err(_), Err(refused)) if !refused.depends_on_caller() => return Err(refused),
            (Err(failed), _) => return Err(unauthenticated(failed)),
        };
        let _ = noted.kind.set(prepared.kind);
        if let Some(name) = &prepared.operation_name {
            // It is a name of the document by now, so harmless in a log.
            tracing::Span::current().record("operation", name.as_str());
        }
        if by_get && prepared.kind != OperationType::Query {
            return Err(method_not_allowed(
                "Only queries can be sent by GET. Send this operation by POST.",
                "POST",
            ));
        }
        if prepared.kind == OperationType::Subscription {
            let message =
                "Subscriptions come over the websocket at /graphql/ws or as an event stream from /graphql/stream.";
            return Err(RequestRefused::document(ErrorCode::BadUserInput, message, Vec::new()));
        }
        let is_cacheable = is_public && self.settings.public_max_age.is_some();
        self.run(prepared, caller, request_id, address, (miss, is_cacheable))
            .await
    }

    /// Takes what an operation asks for from its caller's budget, whichever way it came.
    ///
    /// # Errors
    /// [`RequestRefused`] when less is left; the operation may not run then.
    fn pay(&self, prepared: &Prepared, caller: &S::Caller, address: Option<IpAddr>) -> Result<Payer, RequestRefused> {
        let payer = if prepared.ignores_access_token {
            Payer::of_sessions(address)
        } else {
            self.service.payer(caller, address)
        };
        match self.settings.budgets.spend(payer, prepared.cost.requested as u64) {
            Ok(()) => Ok(payer),
            Err(over) => Err(RequestRefused::over_budget(over).costing(prepared.cost)),
        }
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

    /// Prepares what a signed-in caller asks for by another way than `/graphql`. A subscription is paid for here, once;
    /// everything else when it runs ([`Self::message`]).
    ///
    /// # Errors
    /// When it may not be executed, or is not paid for.
    pub(crate) fn prepare(
        &self,
        parameters: RequestParameters,
        caller: &S::Caller,
        address: Option<IpAddr>,
    ) -> Result<Prepared, RequestRefused> {
        let payer = self.service.payer(caller, address);
        let left = self.settings.budgets.check(payer, COST_OF_REFUSAL);
        left.map_err(RequestRefused::over_budget)?;
        let prepared = self
            .settings
            .preparation
            .prepare(parameters, self.service.asker(caller))
            .inspect_err(|_| self.settings.budgets.take(payer, COST_OF_REFUSAL))?;
        if prepared.kind == OperationType::Subscription {
            self.pay(&prepared, caller, address)?;
        }
        Ok(prepared)
    }

    /// Executes a query or a mutation that [`Self::prepare`] has prepared; its answer as a message of a stream.
    ///
    /// # Errors
    /// When it was not executed.
    pub(crate) async fn message(
        &self,
        prepared: Prepared,
        caller: S::Caller,
        request_id: &RequestId,
        address: Option<IpAddr>,
    ) -> Result<Bytes, RequestRefused> {
        let ran = self.run(prepared, caller, request_id, address, (None, false)).await?;
        match ran.answered {
            Answered::Executed(executed, cost) => response_body::message(executed.response, cost, request_id),
            Answered::Kept(kept) => Ok(kept.body),
        }
    }

    /// Has an operation paid for, executes it, and gives back what it did not cost.
    ///
    /// # Errors
    /// [`RequestRefused`] when its caller has too little left, it took too long or broke down.
    async fn run(
        &self,
        prepared: Prepared,
        caller: S::Caller,
        request_id: &RequestId,
        client_address: Option<IpAddr>,
        (miss, is_cacheable): (Option<Miss>, bool),
    ) -> Result<Answer, RequestRefused> {
        let payer = self.pay(&prepared, &caller, client_address)?;
        let asker = self.service.asker(&caller);
        let Prepared {
            document,
            text,
            keep_as,
            operation_name,
            variables,
            kind,
            cost,
            ignores_access_token: _,
        } = prepared;
        // It was chosen before, so it is there.
        let operation = operation::select(&document, operation_name.as_deref())
            .map_err(|error| RequestRefused::document(ErrorCode::BadUserInput, error.to_string(), Vec::new()))?;
        let is_everybodys = is_cacheable && rule::shown(&document, operation) == Some(Shown::Catalog);
        let inputs = InputSizes::of(&variables).with_defaults(operation);
        let mut request = async_graphql::Request::new(&*text).variables(variables);
        request.operation_name.clone_from(&operation_name);
        request.set_parsed_query((*document).clone());
        let call = GraphqlCall {
            caller,
            request_id: request_id.clone(),
            client_address,
            request,
            miss,
        };
        let Executed { response, pending } = self
            .execute(call, kind)
            .await
            .map_err(|failed| failed.costing(cost).paid())?;
        let mut actual = 0;
        if response_body::began(&response) {
            actual = actual_cost::measure(&document, operation, &inputs, &response.data);
            // What failed half-way may have done more than its answer shows.
            if response.errors.is_empty() {
                let unused = cost.requested.saturating_sub(actual);
                self.settings.budgets.give_back(payer, unused as u64);
            }
            if let Some(hash) = keep_as {
                self.settings.preparation.documents.keep(hash, &text, asker);
            }
        }
        let is_fresh = is_everybodys && response.errors.is_empty();
        Ok(Answer {
            answered: Answered::Executed(Executed { response, pending }, Cost { actual, ..cost }),
            freshness: self.freshness(is_fresh),
        })
    }

    fn freshness(&self, is_everybodys: bool) -> Freshness {
        match self.settings.public_max_age {
            Some(age) if is_everybodys => Freshness::Public(age),
            Some(_) | None => Freshness::NotStored,
        }
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

fn timed_out(kind: OperationType) -> RequestRefused {
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
