//! Credentials in the schema.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use domain::{Refusal, credential as rules, id::AppId, page::Page};

use super::{
    loader::{CredentialCountOf, CredentialsOf},
    service::{self, CredentialRecord, GenerateCredential, Issued, RotateCredential},
};
use crate::{
    answer_cache::horizon::Horizon,
    app::graphql::App,
    auth_strategy::graphql::AuthStrategy,
    connection,
    error::ServiceError,
    graphql::{
        connection::TotalCount,
        payload::{Payload, answer, answer_when_confirmed},
        scalar::DateTime,
        user_error::UserError,
    },
    loader::{LoadError, RequestContext as _},
    payload,
};

/// What a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "rules::CredentialKind")]
pub enum CredentialKind {
    /// A secret of this server, sent in a header.
    ApiKey,
    /// A client at an OpenID Connect provider.
    OauthClient,
}

/// Whether a credential is usable by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "rules::CredentialStatus")]
pub enum CredentialStatus {
    /// Usable.
    Active,
    /// Its time is over.
    Expired,
    /// Someone ended it.
    Revoked,
}

/// What the viewer may do with a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "rules::CredentialAction")]
pub enum CredentialAction {
    /// Replace it by a new one, with an overlap if wanted.
    Rotate,
    /// End it at once.
    Revoke,
}

/// What an app shows the gateway. It opens the versions that the app is approved for.
#[derive(Clone)]
pub struct Credential(CredentialRecord);

impl From<CredentialRecord> for Credential {
    fn from(record: CredentialRecord) -> Self {
        Self(record)
    }
}

/// What an app shows the gateway. It opens the versions that the app is approved for.
#[Object]
impl Credential {
    /// The credential's id. Upstreams see it as `X-Credential-Identifier`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The app that it belongs to.
    async fn app(&self, context: &Context<'_>) -> Result<App> {
        context.expect(self.0.app_id).await.map(Into::into)
    }

    /// The strategy that it was made for.
    async fn auth_strategy(&self, context: &Context<'_>) -> Result<AuthStrategy> {
        context.expect(self.0.auth_strategy_id).await.map(Into::into)
    }

    /// What its developer calls it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it is.
    async fn kind(&self) -> CredentialKind {
        self.0.kind.into()
    }

    /// Whether it is usable by itself, now.
    async fn status(&self, context: &Context<'_>) -> CredentialStatus {
        self.status_at(context).into()
    }

    /// What tells keys apart in a list: prefix and last four characters.
    async fn hint(&self) -> &str {
        &self.0.hint
    }

    /// The client id at the provider; OAuth clients only.
    async fn client_id(&self) -> Option<&str> {
        self.0.client_id.as_deref()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it ends by itself; null: never.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(Into::into)
    }

    /// When someone ended it.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(Into::into)
    }

    /// The credential that a rotation put in its place.
    async fn replaced_by(&self, context: &Context<'_>) -> Option<Result<Credential>> {
        let replacement = context.load(self.0.replaced_by?).await;
        replacement.map(|found| found.map(Into::into)).transpose()
    }

    /// When a call last passed with it, to the minute; it shows up to a minute later.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(Into::into)
    }

    /// What the viewer may do with it next.
    async fn allowed_actions(&self, context: &Context<'_>) -> Result<Vec<CredentialAction>> {
        let app = context.expect(self.0.app_id).await?;
        let call = context.call();
        let actions = rules::allowed_actions(
            self.status_at(context),
            self.0.replaced_by.is_some(),
            app.status,
            call.viewer.actor_towards(app.developer_id),
        );
        Ok(actions.into_iter().map(Into::into).collect())
    }
}

impl Credential {
    /// Where it stands now. Until its expiry, if that is to come, time alone changes it.
    fn status_at(&self, context: &Context<'_>) -> rules::CredentialStatus {
        let now = context.call().now;
        if let (Some(expires_at), Some(horizon)) = (self.0.expires_at, context.data_opt::<Horizon>()) {
            horizon.changes_at(expires_at, now);
        }
        self.0.status(now)
    }
}

connection!(CredentialConnection, CredentialEdge, Credential, "credentials");

/// A page of an app's credentials.
pub(crate) async fn credentials_of(
    context: &Context<'_>,
    app: AppId,
    page: Result<Page, ServiceError>,
) -> Result<CredentialConnection> {
    let page = context.give(page)?;
    let slice = context.load_page(CredentialsOf { app, page }).await?;
    let loaders = context.loaders();
    let total = TotalCount::new(move || {
        let loaders = loaders.clone();
        async move { Ok::<_, LoadError>(loaders.load_one(CredentialCountOf(app)).await?.unwrap_or(0)) }
    });
    Ok(CredentialConnection::new(slice, total))
}

/// A credential to generate.
#[derive(InputObject)]
pub struct GenerateCredentialInput {
    /// The app that it is for.
    app_id: ID,
    /// The strategy that it is for. Left out: the one of the app's open requests, REQUIRED when they have several; the
    /// built-in key-auth when there are none.
    auth_strategy_id: Option<ID>,
    /// What to call it, at most 255 characters; `API key` unless given.
    name: Option<String>,
    /// When it shall end by itself, in the future; never unless given.
    expires_at: Option<DateTime>,
    /// Any text of one's own, such as a UUID: the same key and input within 24 hours make nothing twice. The secret is
    /// not shown again.
    idempotency_key: Option<String>,
}

impl From<GenerateCredentialInput> for GenerateCredential {
    fn from(input: GenerateCredentialInput) -> Self {
        let GenerateCredentialInput {
            app_id,
            auth_strategy_id,
            name,
            expires_at,
            idempotency_key,
        } = input;
        Self {
            app_id,
            auth_strategy_id,
            name,
            expires_at: expires_at.map(|DateTime(at)| at),
            idempotency_key,
        }
    }
}

/// A credential to rotate.
#[derive(InputObject)]
pub struct RotateCredentialInput {
    /// The credential to replace.
    id: ID,
    /// For how many seconds the old one goes on beside the new one, 0 to 604800 (7 days). It never outlives its own
    /// expiry.
    #[graphql(default = 0)]
    overlap_seconds: i32,
    /// When the new one shall end at the latest. It lives no longer than the old one was given, from now.
    expires_at: Option<DateTime>,
    /// Any text of one's own, such as a UUID: the same key and input within 24 hours make nothing twice. The secret is
    /// not shown again.
    idempotency_key: Option<String>,
}

impl From<RotateCredentialInput> for RotateCredential {
    fn from(input: RotateCredentialInput) -> Self {
        let RotateCredentialInput {
            id,
            overlap_seconds,
            expires_at,
            idempotency_key,
        } = input;
        Self {
            id,
            overlap_seconds,
            expires_at: expires_at.map(|DateTime(at)| at),
            idempotency_key,
        }
    }
}

/// A credential to revoke.
#[derive(InputObject)]
pub struct RevokeCredentialInput {
    /// The credential.
    id: ID,
    /// Answer only when every gateway that may be serving enforces it, or after 5 seconds with a list of those that
    /// have not confirmed it.
    #[graphql(default = false)]
    wait_for_gateways: bool,
}

/// What `generateCredential` answers.
#[derive(SimpleObject)]
pub struct GenerateCredentialPayload {
    /// The new credential.
    credential: Option<Credential>,
    /// The secret to call with: shown once, here, and never again; null when replayed.
    secret: Option<String>,
    /// Whether an earlier call with the same idempotency key did it; the state shown is the present one.
    replayed: bool,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
}

/// What `rotateCredential` answers.
#[derive(SimpleObject)]
pub struct RotateCredentialPayload {
    /// The new credential.
    credential: Option<Credential>,
    /// The secret to call with: shown once, here, and never again; null when replayed.
    secret: Option<String>,
    /// Whether an earlier call with the same idempotency key did it; the state shown is the present one.
    replayed: bool,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
}

impl Payload for GenerateCredentialPayload {
    type Value = Issued;

    fn done(issued: Issued) -> Self {
        let (credential, secret, replayed) = parts(issued);
        Self {
            credential,
            secret,
            replayed,
            user_errors: Vec::new(),
        }
    }

    fn refused(refusals: Vec<Refusal>) -> Self {
        Self {
            credential: None,
            secret: None,
            replayed: false,
            user_errors: refusals.into_iter().map(Into::into).collect(),
        }
    }
}

impl Payload for RotateCredentialPayload {
    type Value = Issued;

    fn done(issued: Issued) -> Self {
        let (credential, secret, replayed) = parts(issued);
        Self {
            credential,
            secret,
            replayed,
            user_errors: Vec::new(),
        }
    }

    fn refused(refusals: Vec<Refusal>) -> Self {
        Self {
            credential: None,
            secret: None,
            replayed: false,
            user_errors: refusals.into_iter().map(Into::into).collect(),
        }
    }
}

fn parts(issued: Issued) -> (Option<Credential>, Option<String>, bool) {
    match issued {
        Issued::New { credential, secret } => (Some(credential.into()), Some(secret.expose().to_owned()), false),
        Issued::Replayed(credential) => (Some(credential.into()), None, true),
    }
}

payload! {
    /// What `revokeCredential` answers.
    RevokeCredentialPayload awaits_gateways {
        /// The credential as it is now.
        credential: Credential = CredentialRecord
    }
}

/// The credentials' mutations.
#[derive(Default)]
pub struct CredentialMutation;

/// Mutations of credentials.
#[Object]
impl CredentialMutation {
    /// Generates an API key. Its secret is shown once, here, and never again. The app's developer.
    async fn generate_credential(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The credential to generate.")] input: GenerateCredentialInput,
    ) -> Option<Result<GenerateCredentialPayload>> {
        answer(
            context,
            service::generate(context.plane(), context.call(), input.into()).await,
        )
    }

    /// Replaces an API key by a new one of the same strategy and name. The old key ends at the earlier of its own
    /// expiry and the overlap's end; one that was replaced cannot rotate again. An app has as
    /// many replaced keys in their overlap as it may have live ones: LIMIT_REACHED past that, and without an overlap it
    /// always works. The app's developer.
    async fn rotate_credential(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The credential to rotate.")] input: RotateCredentialInput,
    ) -> Option<Result<RotateCredentialPayload>> {
        answer(
            context,
            service::rotate(context.plane(), context.call(), input.into()).await,
        )
    }

    /// Ends a credential at once and for good. The app's developer, and admins.
    async fn revoke_credential(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The credential to revoke.")] input: RevokeCredentialInput,
    ) -> Option<Result<RevokeCredentialPayload>> {
        let revoked = service::revoke(context.plane(), context.call(), &input.id).await;
        answer_when_confirmed(context, input.wait_for_gateways, revoked).await
    }
}
