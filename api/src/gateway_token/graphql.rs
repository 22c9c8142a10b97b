//! Gateway tokens in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use domain::Refusal;

use super::service::{self, CreateGatewayToken, GatewayTokenRecord, Issued};
use crate::{
    admin::graphql::Admin,
    connection,
    graphql::{
        connection::TotalCount,
        payload::{Payload, answer},
        scalar::DateTime,
        user_error::UserError,
    },
    loader::RequestContext as _,
    pagination, payload,
};

/// What a gateway of the fleet proves itself with: it reads the snapshot and reports, and opens nothing else.
#[derive(Clone)]
pub struct GatewayToken(GatewayTokenRecord);

impl From<GatewayTokenRecord> for GatewayToken {
    fn from(record: GatewayTokenRecord) -> Self {
        Self(record)
    }
}

/// What a gateway of the fleet proves itself with: it reads the snapshot and reports, and opens nothing else.
#[Object]
impl GatewayToken {
    /// The token's id.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What admins call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What tells tokens apart in a list: the prefix and the last four characters.
    async fn hint(&self) -> &str {
        &self.0.hint
    }

    /// The admin who made it.
    async fn created_by(&self, context: &Context<'_>) -> Result<Option<Admin>> {
        Ok(context.load(self.0.created_by).await?.map(Admin::from))
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it was revoked; null while it is good.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(DateTime)
    }
}

connection!(GatewayTokenConnection, GatewayTokenEdge, GatewayToken, "gateway tokens");

/// The tokens' root field.
#[derive(Default)]
pub struct GatewayTokenQuery;

/// Root fields of gateway tokens.
#[Object]
impl GatewayTokenQuery {
    /// All gateway tokens, the latest first, the revoked ones included. Admins; FORBIDDEN for everyone else.
    async fn gateway_tokens(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 unless given.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Option<Result<GatewayTokenConnection>> {
        let (plane, call) = (context.plane().clone(), context.call().clone());
        let listed = async {
            let page = pagination::arguments(first, after, last, before)?;
            service::list(&plane, &call, &page).await
        };
        let slice = context.give(listed.await);
        let total = TotalCount::new(move || {
            let (plane, call) = (plane.clone(), call.clone());
            async move { service::count(&plane, &call).await }
        });
        Some(slice.map(|slice| GatewayTokenConnection::new(slice, total)))
    }
}

/// A gateway token to make.
#[derive(InputObject)]
pub struct CreateGatewayTokenInput {
    /// What to call it, such as the place where the gateway runs; 1 to 255 characters.
    name: String,
    /// Makes sending it again harmless for 24 hours: 1 to 255 printable ASCII characters of one's choice. The secret
    /// is not shown again.
    idempotency_key: Option<String>,
}

impl From<CreateGatewayTokenInput> for CreateGatewayToken {
    fn from(input: CreateGatewayTokenInput) -> Self {
        let CreateGatewayTokenInput { name, idempotency_key } = input;
        Self { name, idempotency_key }
    }
}

/// A gateway token to revoke.
#[derive(InputObject)]
pub struct RevokeGatewayTokenInput {
    /// The token.
    id: ID,
}

/// What `createGatewayToken` answers.
#[derive(SimpleObject)]
pub struct CreateGatewayTokenPayload {
    /// The new token.
    gateway_token: Option<GatewayToken>,
    /// The token itself, for the gateway's `PORTICO_GATEWAY_TOKEN`: shown once, here, and never again; null when
    /// replayed.
    secret: Option<String>,
    /// Whether an earlier call with the same idempotency key did it; the state shown is the present one.
    replayed: bool,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
}

impl Payload for CreateGatewayTokenPayload {
    type Value = Issued;

    fn done(issued: Issued) -> Self {
        let (token, secret, replayed) = match issued {
            Issued::New { token, secret } => (token, Some(secret.expose().to_owned()), false),
            Issued::Replayed(token) => (token, None, true),
        };
        Self {
            gateway_token: Some(token.into()),
            secret,
            replayed,
            user_errors: Vec::new(),
        }
    }

    fn refused(refusals: Vec<Refusal>) -> Self {
        Self {
            gateway_token: None,
            secret: None,
            replayed: false,
            user_errors: refusals.into_iter().map(Into::into).collect(),
        }
    }
}

payload! {
    /// What `revokeGatewayToken` answers.
    RevokeGatewayTokenPayload {
        /// The token as it is now.
        gateway_token: GatewayToken = GatewayTokenRecord
    }
}

/// The tokens' mutations.
#[derive(Default)]
pub struct GatewayTokenMutation;

/// Mutations of gateway tokens.
#[Object]
impl GatewayTokenMutation {
    /// Makes a token for gateways of the fleet. Its secret is shown once, here, and never again. Admins.
    async fn create_gateway_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The token to make.")] input: CreateGatewayTokenInput,
    ) -> Option<Result<CreateGatewayTokenPayload>> {
        answer(
            context,
            service::create(context.plane(), context.call(), input.into()).await,
        )
    }

    /// Ends a gateway token for good. Streams that were opened with it end at once; its gateways go on with what they
    /// know until that is too old for them. Admins.
    async fn revoke_gateway_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The token to revoke.")] input: RevokeGatewayTokenInput,
    ) -> Option<Result<RevokeGatewayTokenPayload>> {
        answer(
            context,
            service::revoke(context.plane(), context.call(), &input.id).await,
        )
    }
}
