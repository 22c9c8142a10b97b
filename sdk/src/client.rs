//! The client: how it is built, and how every call goes out.

use std::{sync::Arc, time::Duration};

use cynic::{Operation, QueryBuilder};
use reqwest::header::HeaderValue;
use secrecy::SecretString;
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use crate::{
    Error, Response,
    access_request::AccessRequests,
    app::Apps,
    audit::AuditEvents,
    auth_strategy::AuthStrategies,
    confirmation::{GatewayConfirmation, WaitingPayload, confirmation_of},
    credential::Credentials,
    developer::Developers,
    error::DecodeError,
    gateway_node::GatewayNodes,
    gateway_service::GatewayServices,
    gateway_token::GatewayTokens,
    operation::{Mutation, Payload},
    portal::PortalSettings,
    product::Products,
    registration::Registrations,
    renewal::{Renewal, SignInDetails, Sources},
    retry::{Repeatable, RetryPolicy},
    session::{Realm, SessionTokens},
    token_store::{Store, TokenStore},
    transport::{Request, Transport},
    version::Versions,
};

/// A client of one Portico server.
///
/// Cloning is cheap; clones share the connection pool and the session. Every call is cancel-safe in what it keeps
/// here: a dropped call loses its answer, never the session.
#[derive(Clone, Debug)]
pub struct Portico {
    transport: Arc<Transport>,
    renewal: Arc<Renewal>,
    renew_ahead: Duration,
    retry: RetryPolicy,
}

/// Settings of a client to be; from [`Portico::builder`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    endpoint: String,
    timeout: Duration,
    user_agent: Option<String>,
    http: Option<reqwest::Client>,
    session: Option<SessionTokens>,
    sources: Sources,
    renew_ahead: Duration,
    retry: RetryPolicy,
}

/// Why a client cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The endpoint is no absolute http or https URL, or holds a user name or password.
    #[error("the endpoint must be an http or https URL without user name and password")]
    Endpoint,
    /// The user agent holds characters that no header can carry.
    #[error("the user agent must be printable ASCII")]
    UserAgent,
    /// The HTTP client could not be set up, for instance for want of TLS roots.
    #[error("the HTTP client could not be set up")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Portico {
    /// Begins a client of the GraphQL endpoint at this URL, such as `http://127.0.0.1:4000/graphql`. A URL without a
    /// path gets `/graphql`.
    pub fn builder(endpoint: impl Into<String>) -> Builder {
        Builder {
            endpoint: endpoint.into(),
            timeout: Duration::from_secs(30),
            user_agent: None,
            http: None,
            session: None,
            sources: Sources::default(),
            renew_ahead: Duration::from_secs(30),
            retry: RetryPolicy::new(),
        }
    }

    /// A client of the same endpoint, over the same connection pool, with a session of its own: signed out, without
    /// credentials and without a token store.
    #[must_use]
    pub fn without_session(&self) -> Self {
        Self {
            transport: Arc::clone(&self.transport),
            renewal: Arc::new(Renewal::new(None, Sources::default(), self.renew_ahead)),
            renew_ahead: self.renew_ahead,
            retry: self.retry.clone(),
        }
    }

    /// Products.
    pub fn products(&self) -> Products<'_> {
        Products::of(self)
    }

    /// Products' versions.
    pub fn versions(&self) -> Versions<'_> {
        Versions::of(self)
    }

    /// Versions' gateway services.
    pub fn gateway_services(&self) -> GatewayServices<'_> {
        GatewayServices::of(self)
    }

    /// Versions' registration settings.
    pub fn registrations(&self) -> Registrations<'_> {
        Registrations::of(self)
    }

    /// The gateways of the fleet.
    pub fn gateway_nodes(&self) -> GatewayNodes<'_> {
        GatewayNodes::of(self)
    }

    /// Tokens for gateways.
    pub fn gateway_tokens(&self) -> GatewayTokens<'_> {
        GatewayTokens::of(self)
    }

    /// Authentication strategies.
    pub fn auth_strategies(&self) -> AuthStrategies<'_> {
        AuthStrategies::of(self)
    }

    /// Developers' apps.
    pub fn apps(&self) -> Apps<'_> {
        Apps::of(self)
    }

    /// Apps' requests for access to versions.
    pub fn access_requests(&self) -> AccessRequests<'_> {
        AccessRequests::of(self)
    }

    /// Apps' credentials.
    pub fn credentials(&self) -> Credentials<'_> {
        Credentials::of(self)
    }

    /// Developers.
    pub fn developers(&self) -> Developers<'_> {
        Developers::of(self)
    }

    /// The portal and its settings.
    pub fn portal(&self) -> PortalSettings<'_> {
        PortalSettings::of(self)
    }

    /// The audit trail.
    pub fn audit_events(&self) -> AuditEvents<'_> {
        AuditEvents::of(self)
    }

    /// Runs an operation of the caller's own in this client's session: see [`crate::schema`] for how to write one.
    ///
    /// A query is repeated as the client's own are ([`RetryPolicy`]); a mutation never is, even with an idempotency key.
    ///
    /// # Errors
    ///
    /// Whatever keeps a GraphQL answer from coming; errors within the answer are in [`Response::errors`].
    pub async fn run<T, V>(&self, operation: Operation<T, V>) -> Result<Response<T>, Error>
    where
        T: DeserializeOwned,
        V: Serialize,
    {
        let request = self.transport.request(&operation)?;
        if !is_query(&operation.query) {
            return self.attempt(&request).await;
        }
        let answered = self
            .retry
            .run(|| async {
                match self.attempt(&request).await? {
                    // As an error for as long as it is decided on: a refusal may be worth repeating.
                    Response { data: None, errors } => Err(Error::GraphQl(errors)),
                    response => Ok(response),
                }
            })
            .await;
        match answered {
            Err(Error::GraphQl(errors)) => Ok(Response { data: None, errors }),
            answered => answered,
        }
    }

    /// Sends a request in this client's session, and once more where its token had run out.
    async fn attempt<T: DeserializeOwned>(&self, request: &Request) -> Result<Response<T>, Error> {
        let access = self.renewal.access(&self.transport, None).await?;
        let response = self
            .transport
            .send(request, access.as_ref().map(|access| &access.token))
            .await?;
        let Some(access) = access.filter(|_| response.refuses_token()) else {
            return Ok(response);
        };
        // The server refused the request before running any of it, so sending it once more is safe.
        let renewed = self.renewal.access(&self.transport, Some(&access)).await?;
        self.transport
            .send(request, renewed.as_ref().map(|access| &access.token))
            .await
    }

    #[cfg(all(feature = "subscriptions", not(target_arch = "wasm32")))]
    pub(crate) async fn access(
        &self,
        rejected: Option<&crate::renewal::Access>,
    ) -> Result<Option<crate::renewal::Access>, Error> {
        self.renewal.access(&self.transport, rejected).await
    }

    #[cfg(all(feature = "subscriptions", not(target_arch = "wasm32")))]
    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    #[cfg(all(feature = "subscriptions", not(target_arch = "wasm32")))]
    pub(crate) fn retry_policy(&self) -> &RetryPolicy {
        &self.retry
    }

    pub(crate) fn renewal(&self) -> &Renewal {
        &self.renewal
    }

    pub(crate) async fn query<T, V>(&self, variables: V) -> Result<T, Error>
    where
        T: QueryBuilder<V> + DeserializeOwned + 'static,
        V: Serialize,
    {
        let request = self.transport.query::<T, V>(variables)?;
        self.retry
            .run(|| async { self.attempt(&request).await?.into_data() })
            .await
    }

    /// For those mutations that nothing makes safe to repeat.
    pub(crate) async fn mutate<M>(&self, input: M::Input) -> Result<M::Payload, Error>
    where
        M: Mutation + DeserializeOwned,
    {
        let request = self.transport.mutation::<M>(input)?;
        payload_of::<M>(self.attempt(&request).await?)
    }

    /// For those mutations that an idempotency key makes safe to repeat.
    pub(crate) async fn mutate_repeatable<M>(&self, mut input: M::Input) -> Result<M::Payload, Error>
    where
        M: Mutation + DeserializeOwned,
        M::Input: Repeatable,
    {
        input.ensure_key();
        let request = self.transport.mutation::<M>(input)?;
        self.retry
            .run(|| async { payload_of::<M>(self.attempt(&request).await?) })
            .await
    }

    /// For those mutations that wait for the gateways.
    pub(crate) async fn mutate_and_wait<M>(
        &self,
        input: M::Input,
    ) -> Result<GatewayConfirmation<<M::Payload as WaitingPayload>::Object>, Error>
    where
        M: Mutation + DeserializeOwned,
        M::Payload: WaitingPayload,
    {
        let request = self.transport.mutation::<M>(input)?;
        confirmation_of::<M>(self.attempt(&request).await?)
    }

    /// For those mutations that ignore a token, and that begin, renew or end a session.
    pub(crate) async fn mutate_without_token<M>(&self, input: M::Input) -> Result<M::Payload, Error>
    where
        M: Mutation + DeserializeOwned,
    {
        let request = self.transport.mutation::<M>(input)?;
        payload_of::<M>(self.transport.send(&request, None).await?)
    }
}

/// Whether a document holds queries alone. cynic writes one operation a document; a caller may write several by hand,
/// and then a word too many only costs the retries.
fn is_query(document: &str) -> bool {
    let begins = document.trim_start();
    (begins.starts_with("query") || begins.starts_with('{')) && !document.contains("mutation")
}

/// The payload of a mutation that did not fail; it may have been refused.
pub(crate) fn answered_payload<M: Mutation>(response: Response<M>) -> Result<M::Payload, Error> {
    let payload = response.into_data()?.into_payload();
    Ok(payload.ok_or_else(|| DecodeError::missing(M::ROOT))?)
}

/// The payload of a mutation that neither failed nor was refused.
pub(crate) fn payload_of<M: Mutation>(response: Response<M>) -> Result<M::Payload, Error> {
    let mut payload = answered_payload(response)?;
    let refusals = payload.take_user_errors();
    if refusals.is_empty() {
        Ok(payload)
    } else {
        Err(Error::User(refusals))
    }
}

impl Builder {
    /// How long a try of a call may take, from connecting to the last byte of the answer; 30 seconds unless given. Calls
    /// that wait for the gateways take 5 seconds and more when a gateway does not confirm.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The `User-Agent`; this crate's name and version unless given.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// The HTTP client to use, for proxies, own TLS roots or a shared pool. It should not follow redirects: one that
    /// turns a POST into a GET loses the operation. For subscriptions over https it must speak HTTP/1.1
    /// (`http1_only`), which knows how to become a WebSocket.
    pub fn http_client(mut self, http: reqwest::Client) -> Self {
        self.http = Some(http);
        self
    }

    /// What to sign in with. The client then signs in by itself, with its first call and whenever its session has ended,
    /// once, however many calls wait for it. A password that the server refuses is not tried again: calls fail with
    /// [`Error::Session`] until somebody calls [`Portico::sign_in`].
    pub fn credentials(mut self, realm: Realm, email: impl Into<String>, password: SecretString) -> Self {
        self.sources.credentials = Some(SignInDetails {
            realm,
            email: email.into(),
            password,
        });
        self
    }

    /// Where the session is kept, so that the next process need not sign in. The client takes the session that is there
    /// with its first call.
    pub fn token_store(mut self, store: impl TokenStore) -> Self {
        self.sources.store = Store::of(store);
        self
    }

    /// How calls are repeated that may succeed later; [`RetryPolicy::new`] unless given.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// A session that was got elsewhere, instead of signing in.
    pub fn session(mut self, tokens: SessionTokens) -> Self {
        self.session = Some(tokens);
        self
    }

    /// How long before its end an access token is renewed; 30 seconds unless given.
    pub fn renew_ahead(mut self, ahead: Duration) -> Self {
        self.renew_ahead = ahead;
        self
    }

    /// The client. It connects with its first call.
    ///
    /// # Errors
    ///
    /// [`BuildError`], by what is wrong with the settings.
    pub fn build(self) -> Result<Portico, BuildError> {
        let mut endpoint = Url::parse(&self.endpoint).map_err(|_| BuildError::Endpoint)?;
        let plain = endpoint.username().is_empty() && endpoint.password().is_none();
        if !matches!(endpoint.scheme(), "http" | "https") || !plain {
            return Err(BuildError::Endpoint);
        }
        if endpoint.path() == "/" {
            endpoint.set_path("/graphql");
        }
        let user_agent = self
            .user_agent
            .unwrap_or_else(|| format!("portico-sdk/{}", env!("CARGO_PKG_VERSION")));
        let user_agent = HeaderValue::try_from(user_agent).map_err(|_| BuildError::UserAgent)?;
        let http = match self.http {
            Some(http) => http,
            None => http_client().map_err(|error| BuildError::Http(error.into()))?,
        };
        Ok(Portico {
            transport: Arc::new(Transport::new(http, endpoint, self.timeout, user_agent)),
            renewal: Arc::new(Renewal::new(self.session, self.sources, self.renew_ahead)),
            renew_ahead: self.renew_ahead,
            retry: self.retry,
        })
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .http1_only()
        .build()
}

/// The browser connects, and follows redirects as it sees fit.
#[cfg(target_arch = "wasm32")]
fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder().build()
}

/// A handle: a client seen from one area.
macro_rules! handle {
    ($(#[$doc:meta])* $handle:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $handle<'a> {
            pub(crate) client: &'a crate::Portico,
        }

        impl<'a> $handle<'a> {
            pub(crate) fn of(client: &'a crate::Portico) -> Self {
                Self { client }
            }
        }
    };
}
pub(crate) use handle;

#[cfg(test)]
mod tests {
    use super::is_query;

    #[test]
    fn what_might_change_something_is_no_query() {
        assert!(is_query("query Viewer { viewer { id } }") && is_query(" { viewer { id } }"));
        for document in [
            "mutation SignOut { signOut { userErrors { code } } }",
            "query A { viewer { id } } mutation B { signOut { userErrors { code } } }",
            "subscription C { viewerChanged { id } }",
            "fragment F on App { id } query Q { viewer { id } }",
        ] {
            assert!(!is_query(document), "{document}");
        }
    }
}
