//! Tokens that gateways of the fleet prove themselves with.

use std::fmt;

use crate::{
    Error, GatewayTokenId, List, SecretString, Timestamp,
    account::Admin,
    client::handle,
    error::{DecodeError, SecretLost},
    listing::{connection, listing},
    node::get_by_id,
    operation::{input, mutation},
    schema,
    secret::WireSecret,
};

/// A token for gateways; never its secret.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GatewayToken {
    /// The token's id.
    pub id: GatewayTokenId,
    /// What admins call it.
    pub name: String,
    /// What tells tokens apart in a list: prefix and last four characters.
    pub hint: String,
    /// The admin who made it.
    pub created_by: Option<Admin>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked; None while it is good.
    pub revoked_at: Option<Timestamp>,
}

/// What making a token answers with.
#[derive(Clone)]
#[non_exhaustive]
pub struct CreatedGatewayToken {
    /// The new token.
    pub token: GatewayToken,
    /// The token itself, for the gateway's `PORTICO_GATEWAY_TOKEN`, here and never again.
    pub secret: SecretString,
}

impl fmt::Debug for CreatedGatewayToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CreatedGatewayToken")
            .field("token", &self.token)
            .field("secret", &self.secret)
            .finish()
    }
}

input! {
    /// What `createGatewayToken` takes.
    #[derive(Clone, Debug, cynic::InputObject)]
    CreateGatewayTokenInput {
        required {
            /// What to call it, such as the place where the gateway runs; 1 to 255 characters.
            name: [String],
        }
        optional {
            /// Makes repeating the call safe for 24 hours: 1 to 255 printable ASCII characters. Unless given, the crate
            /// makes one for the retries of this one call.
            idempotency_key: [String],
        }
    }
}

handle! {
    /// Tokens for gateways; from [`crate::Portico::gateway_tokens`]. Admins only.
    GatewayTokens
}

impl<'a> GatewayTokens<'a> {
    /// All tokens, the revoked ones included (`gatewayTokens`).
    pub fn list(self) -> List<'a, GatewayTokenListing> {
        List::new(self.client, GatewayTokenListing::default())
    }

    /// One token (`node`); None where there is none such.
    ///
    /// # Errors
    ///
    /// [`Error::GraphQl`] with BAD_USER_INPUT for what is no id.
    pub async fn get(self, id: &GatewayTokenId) -> Result<Option<GatewayToken>, Error> {
        GetGatewayToken::fetch(self.client, id).await
    }

    /// Makes a token (`createGatewayToken`). Keep its secret: it is shown once.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with REQUIRED, TOO_LONG or INVALID. [`Error::SecretLost`] when the token was made by an earlier
    /// call with the same idempotency key, or by a try whose answer was lost: revoke it and create another.
    pub async fn create(self, input: CreateGatewayTokenInput) -> Result<CreatedGatewayToken, Error> {
        let payload = self.client.mutate_repeatable::<CreateGatewayToken>(input).await?;
        let token = payload
            .gateway_token
            .ok_or_else(|| DecodeError::missing("createGatewayToken.gatewayToken"))?;
        match payload.secret {
            Some(WireSecret(secret)) => Ok(CreatedGatewayToken { token, secret }),
            None if payload.replayed => Err(Error::SecretLost(SecretLost::GatewayToken(Box::new(token)))),
            None => Err(DecodeError::missing("secret").into()),
        }
    }

    /// Ends a token for good (`revokeGatewayToken`); streams that were opened with it end at once.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_TRANSITION when it was revoked already, or NOT_FOUND.
    pub async fn revoke(self, id: &GatewayTokenId) -> Result<GatewayToken, Error> {
        let input = RevokeGatewayTokenInput { id: id.clone() };
        let payload = self.client.mutate::<RevokeGatewayToken>(input).await?;
        Ok(payload
            .gateway_token
            .ok_or_else(|| DecodeError::missing("revokeGatewayToken.gatewayToken"))?)
    }
}

connection!(GatewayTokenConnection of GatewayToken);

listing! {
    /// What [`GatewayTokens::list`] lists.
    GatewayTokenListing = ListGatewayTokens(ListGatewayTokensVariables).gateway_tokens
        -> GatewayTokenConnection of GatewayToken
}

get_by_id!(GetGatewayToken(GetGatewayTokenVariables: GatewayTokenId)
    -> GatewayTokenNode::GatewayToken(GatewayToken));

#[derive(cynic::InputObject)]
pub(crate) struct RevokeGatewayTokenInput {
    id: GatewayTokenId,
}

mutation!(CreateGatewayToken.create_gateway_token(CreateGatewayTokenVariables: CreateGatewayTokenInput)
    -> CreateGatewayTokenPayload { gateway_token: GatewayToken, secret: WireSecret; replayed });
mutation!(RevokeGatewayToken.revoke_gateway_token(RevokeGatewayTokenVariables: RevokeGatewayTokenInput)
    -> RevokeGatewayTokenPayload { gateway_token: GatewayToken });
