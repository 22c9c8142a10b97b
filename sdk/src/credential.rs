//! Apps' credentials.

use crate::{
    ApiKey, AppId, AuthStrategyId, CredentialId, Error, GatewayConfirmation, List, Timestamp,
    app::AppRef,
    auth_strategy::AuthStrategyRef,
    client::handle,
    confirmation::waiting_mutation,
    error::{DecodeError, SecretLost},
    listing::{connection, listing},
    node::get_by_id,
    operation::{graphql_enum, input, mutation},
    schema,
    secret::WireSecret,
};

/// A credential of an app; never its secret.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Credential {
    /// The credential's id.
    pub id: CredentialId,
    /// The app that it belongs to.
    pub app: AppRef,
    /// The strategy that it was made for; it opens versions of every strategy of the same kind that takes its header.
    pub auth_strategy: AuthStrategyRef,
    /// What tells it apart for people.
    pub name: String,
    /// What it is.
    pub kind: CredentialKind,
    /// Whether it counts.
    pub status: CredentialStatus,
    /// What tells keys apart in a list: prefix and last four characters.
    pub hint: String,
    /// The client id at the provider; of an OAuth client only.
    pub client_id: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it runs out; None: never by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The credential that a rotation put in its place.
    pub replaced_by: Option<CredentialRef>,
    /// When it last opened a version, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// What the caller may do with it at present.
    pub allowed_actions: Vec<CredentialAction>,
}

/// A credential as another one names it.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[cynic(graphql_type = "Credential")]
#[non_exhaustive]
pub struct CredentialRef {
    /// The credential's id.
    pub id: CredentialId,
}

graphql_enum! {
    /// What a credential is.
    CredentialKind {
        /// A key in a header.
        ApiKey = "API_KEY",
        /// A client at an OpenID Connect provider.
        OauthClient = "OAUTH_CLIENT",
    }
}

graphql_enum! {
    /// Whether a credential counts.
    CredentialStatus {
        /// It does.
        Active = "ACTIVE",
        /// Its time is over.
        Expired = "EXPIRED",
        /// It was revoked.
        Revoked = "REVOKED",
    }
}

graphql_enum! {
    /// What can be done with a credential.
    CredentialAction {
        /// Rotate it.
        Rotate = "ROTATE",
        /// Revoke it.
        Revoke = "REVOKE",
    }
}

/// What generating and rotating answer with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GeneratedCredential {
    /// The new credential.
    pub credential: Credential,
    /// The key, here and never again.
    pub secret: ApiKey,
}

impl GeneratedCredential {
    fn of(credential: Credential, secret: Option<WireSecret>, replayed: bool) -> Result<Self, Error> {
        match secret {
            Some(secret) => Ok(Self {
                credential,
                secret: secret.into(),
            }),
            None if replayed => Err(Error::SecretLost(SecretLost::Credential(Box::new(credential)))),
            None => Err(DecodeError::missing("secret").into()),
        }
    }
}

input! {
    /// What `generateCredential` takes.
    #[derive(Clone, Debug, cynic::InputObject)]
    GenerateCredentialInput {
        required {
            /// The app, the caller's own.
            app_id: [AppId],
        }
        optional {
            /// The strategy; unless given, that of the app's open requests, or the built-in `key-auth`.
            auth_strategy_id: [AuthStrategyId],
            /// What tells it apart for people, up to 255 characters.
            name: [String],
            /// When it runs out.
            expires_at: [Timestamp],
            /// Makes repeating the call safe for 24 hours: 1 to 255 printable ASCII characters. Unless given, the crate
            /// makes one for the retries of this one call.
            idempotency_key: [String],
        }
    }
}

input! {
    /// What `rotateCredential` takes.
    #[derive(Clone, Debug, cynic::InputObject)]
    RotateCredentialInput {
        required {
            /// Which credential.
            id: [CredentialId],
        }
        optional {
            /// How many seconds the old one goes on beside the new, 0 to 604,800; 0 unless given.
            overlap_seconds: [i32],
            /// When the new one runs out; unless given it lives as long as the old one was given.
            expires_at: [Timestamp],
            /// Makes repeating the call safe for 24 hours: 1 to 255 printable ASCII characters. Unless given, the crate
            /// makes one for the retries of this one call.
            idempotency_key: [String],
        }
    }
}

handle! {
    /// Apps' credentials; from [`crate::Portico::credentials`].
    Credentials
}

impl<'a> Credentials<'a> {
    /// The credentials of an app (`App.credentials`), those that no longer count included.
    pub fn list(self, app: &AppId) -> List<'a, CredentialListing> {
        List::new(self.client, CredentialListing::of(app))
    }

    /// One credential (`node`); None where the caller may see none such.
    ///
    /// # Errors
    ///
    /// [`Error::GraphQl`] with BAD_USER_INPUT for what is no id.
    pub async fn get(self, id: &CredentialId) -> Result<Option<Credential>, Error> {
        GetCredential::fetch(self.client, id).await
    }

    /// Generates a key (`generateCredential`). The secret is shown here once.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with LIMIT_REACHED, REQUIRED when the app's strategies are several, STRATEGY_MISMATCH,
    /// APP_SUSPENDED, DEVELOPER_NOT_APPROVED, INVALID or NOT_FOUND. [`Error::SecretLost`] when the credential was made
    /// by an earlier call with the same idempotency key, or by a try whose answer was lost: rotate it.
    pub async fn generate(self, input: GenerateCredentialInput) -> Result<GeneratedCredential, Error> {
        let payload = self.client.mutate_repeatable::<GenerateCredential>(input).await?;
        let credential = payload
            .credential
            .ok_or_else(|| DecodeError::missing("generateCredential.credential"))?;
        GeneratedCredential::of(credential, payload.secret, payload.replayed)
    }

    /// Puts a new key in an old one's place (`rotateCredential`). The secret is shown here once.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_TRANSITION when it no longer counts or was replaced, INVALID or NOT_FOUND.
    /// [`Error::SecretLost`] as of [`Credentials::generate`]: rotate the new one.
    pub async fn rotate(self, input: RotateCredentialInput) -> Result<GeneratedCredential, Error> {
        let payload = self.client.mutate_repeatable::<RotateCredential>(input).await?;
        let credential = payload
            .credential
            .ok_or_else(|| DecodeError::missing("rotateCredential.credential"))?;
        GeneratedCredential::of(credential, payload.secret, payload.replayed)
    }

    /// Revokes a credential for good (`revokeCredential`); its traffic stops before this returns. Admins may, too.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_TRANSITION when it is revoked already, or NOT_FOUND.
    pub async fn revoke(self, id: &CredentialId) -> Result<Credential, Error> {
        let input = RevokeCredentialInput {
            id: id.clone(),
            wait_for_gateways: None,
        };
        let payload = self.client.mutate::<RevokeCredential>(input).await?;
        Ok(payload
            .credential
            .ok_or_else(|| DecodeError::missing("revokeCredential.credential"))?)
    }

    /// Revokes a credential as [`Credentials::revoke`] does, and waits up to 5 seconds until every gateway enforces it
    /// (`revokeCredential` with `waitForGateways`). Call it again to go on waiting. Which gateways have not confirmed
    /// is told to admins alone.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND. INVALID_TRANSITION is no error here: the call has waited, and
    /// [`GatewayConfirmation::object`] has it.
    pub async fn revoke_and_wait(self, id: &CredentialId) -> Result<GatewayConfirmation<Credential>, Error> {
        let input = RevokeCredentialInput {
            id: id.clone(),
            wait_for_gateways: Some(true),
        };
        self.client.mutate_and_wait::<RevokeCredentialAndWait>(input).await
    }
}

connection!(CredentialConnection of Credential);

listing! {
    /// What [`Credentials::list`] lists.
    CredentialListing(AppId) = ListCredentials(ListCredentialsVariables).AppNode::AppCredentials("App")
        .credentials -> CredentialConnection of Credential
}

get_by_id!(GetCredential(GetCredentialVariables: CredentialId) -> CredentialNode::Credential(Credential));

#[derive(cynic::InputObject)]
pub(crate) struct RevokeCredentialInput {
    id: CredentialId,
    #[cynic(skip_serializing_if = "Option::is_none")]
    wait_for_gateways: Option<bool>,
}

mutation!(GenerateCredential.generate_credential(GenerateCredentialVariables: GenerateCredentialInput)
-> GenerateCredentialPayload { credential: Credential, secret: WireSecret; replayed });
mutation!(RotateCredential.rotate_credential(RotateCredentialVariables: RotateCredentialInput)
    -> RotateCredentialPayload { credential: Credential, secret: WireSecret; replayed });
mutation!(RevokeCredential.revoke_credential(RevokeCredentialVariables: RevokeCredentialInput)
    -> RevokeCredentialPayload { credential: Credential });
waiting_mutation!(RevokeCredentialAndWait.revoke_credential(RevokeCredentialAndWaitVariables: RevokeCredentialInput)
    -> RevokeCredentialAndWaitPayload("RevokeCredentialPayload") { credential: Credential });
