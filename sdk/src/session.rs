//! Sessions: signing up, in and out, and what a session is made of. Renewing stands in `renewal.rs`.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::{
    Error, Portico, Timestamp,
    account::Account,
    developer::Developer,
    error::DecodeError,
    operation::{graphql_enum, mutation},
    schema,
    secret::WireSecret,
};

graphql_enum! {
    /// Which of the two kinds of accounts somebody signs in with.
    Realm {
        /// Developers.
        Portal = "PORTAL",
        /// Admins.
        Admin = "ADMIN",
    }
}

/// What a session is made of: a short-lived access token, and a refresh token that gets the next pair.
///
/// Both are redacted in `Debug` and wiped when dropped. To keep a session over a restart, give the client a
/// [`crate::TokenStore`]. A refresh token counts once: reused, it ends the session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionTokens {
    /// What each request carries.
    pub access_token: SecretString,
    /// When the access token runs out.
    pub access_token_expires_at: Timestamp,
    /// What gets the next pair of tokens, once.
    pub refresh_token: SecretString,
    /// When the refresh token runs out.
    pub refresh_token_expires_at: Timestamp,
}

impl SessionTokens {
    /// The tokens of a session that was stored elsewhere.
    pub fn new(
        access_token: SecretString,
        access_token_expires_at: Timestamp,
        refresh_token: SecretString,
        refresh_token_expires_at: Timestamp,
    ) -> Self {
        Self {
            access_token,
            access_token_expires_at,
            refresh_token,
            refresh_token_expires_at,
        }
    }

    /// Whether both are the same step of a session: refresh tokens are never given twice.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.refresh_token.expose_secret() == other.refresh_token.expose_secret()
    }
}

/// What `signUp` takes.
#[derive(Clone, cynic::InputObject)]
#[non_exhaustive]
pub struct SignUpInput {
    /// The e-mail address, compared without regard to case; it is not verified.
    pub email: String,
    password: WireSecret,
    /// The developer's name, 1 to 255 characters.
    pub full_name: String,
}

impl SignUpInput {
    /// The input; nothing in it is optional.
    pub fn new(email: impl Into<String>, password: SecretString, full_name: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            password: WireSecret(password),
            full_name: full_name.into(),
        }
    }
}

impl fmt::Debug for SignUpInput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SignUpInput")
            .field("email", &self.email)
            .field("full_name", &self.full_name)
            .finish_non_exhaustive()
    }
}

impl Portico {
    /// Signs a developer up (`signUp`): PENDING unless the portal approves by itself. It does not sign them in.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with TAKEN, PORTAL_IS_PUBLIC or INVALID, among others.
    pub async fn sign_up(&self, input: SignUpInput) -> Result<Developer, Error> {
        let payload = self.mutate_without_token::<SignUp>(input).await?;
        Ok(payload
            .developer
            .ok_or_else(|| DecodeError::missing("signUp.developer"))?)
    }

    /// Signs in (`signIn`): from now on this client and its clones act as this account, until
    /// [`Portico::sign_out`]. Tokens renew by themselves. A client that was built with
    /// [`crate::Builder::credentials`] signs in by itself, and needs no such call.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_CREDENTIALS; the session from before, if any, then stays. [`Error::TokenStore`]
    /// where the session could not be kept; the client then is signed in all the same.
    pub async fn sign_in(
        &self,
        realm: Realm,
        email: impl Into<String>,
        password: SecretString,
    ) -> Result<Account, Error> {
        let input = SignInInput {
            realm,
            email: email.into(),
            password: WireSecret(password),
        };
        let payload = self.mutate_without_token::<SignIn>(input).await?;
        let session = payload.session.ok_or_else(|| DecodeError::missing("signIn.session"))?;
        let (tokens, viewer) = session.split();
        self.renewal().begin(tokens).await?;
        Ok(viewer)
    }

    /// Ends the session at the server (`signOut`) and forgets its tokens. Without a session, or with one that the server
    /// has ended already, there is nothing to end. A client with [`crate::Builder::credentials`] signs in again with
    /// its next call.
    ///
    /// # Errors
    ///
    /// Whatever keeps the server from answering; the session then stays, so that the call can be repeated.
    /// [`Error::TokenStore`] where the store could not be read or cleared.
    pub async fn sign_out(&self) -> Result<(), Error> {
        if let Some(tokens) = self.renewal().tokens_or_stored().await? {
            let input = SignOutInput {
                refresh_token: WireSecret(tokens.refresh_token),
            };
            match self.mutate_without_token::<SignOut>(input).await {
                // A refusal says that the server does not know the token (any more).
                Ok(_) | Err(Error::User(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.renewal().forget().await
    }

    /// The session's present tokens; None when signed out, when the server ended the session, and before the first call
    /// of a client that has its session from a store or signs in by itself.
    pub fn tokens(&self) -> Option<SessionTokens> {
        self.renewal().tokens()
    }

    /// Changes the password of the account that is signed in (`changePassword`). All of its other sessions end.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_CREDENTIALS when the present password is wrong, INVALID when the new one is weak.
    pub async fn change_password(&self, current: SecretString, new: SecretString) -> Result<(), Error> {
        let input = ChangePasswordInput {
            current_password: WireSecret(current),
            new_password: WireSecret(new),
        };
        self.mutate::<ChangePassword>(input).await.map(drop)
    }

    /// Sets a new password with a token from [`crate::developer::Developers::issue_password_reset`] (`resetPassword`).
    /// All sessions of the account end.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_CREDENTIALS when the token was used or is more than an hour old.
    pub async fn reset_password(&self, reset_token: SecretString, new: SecretString) -> Result<(), Error> {
        let input = ResetPasswordInput {
            reset_token: WireSecret(reset_token),
            new_password: WireSecret(new),
        };
        self.mutate_without_token::<ResetPassword>(input).await.map(drop)
    }
}

#[derive(cynic::QueryFragment)]
pub(crate) struct Session {
    access_token: WireSecret,
    access_token_expires_at: Timestamp,
    refresh_token: WireSecret,
    refresh_token_expires_at: Timestamp,
    viewer: Account,
}

impl Session {
    fn split(self) -> (SessionTokens, Account) {
        let tokens = SessionTokens {
            access_token: self.access_token.0,
            access_token_expires_at: self.access_token_expires_at,
            refresh_token: self.refresh_token.0,
            refresh_token_expires_at: self.refresh_token_expires_at,
        };
        (tokens, self.viewer)
    }

    pub(crate) fn into_tokens(self) -> SessionTokens {
        self.split().0
    }
}

#[derive(cynic::InputObject)]
pub(crate) struct SignInInput {
    pub(crate) realm: Realm,
    pub(crate) email: String,
    pub(crate) password: WireSecret,
}

#[derive(cynic::InputObject)]
pub(crate) struct SignOutInput {
    refresh_token: WireSecret,
}

#[derive(cynic::InputObject)]
pub(crate) struct RefreshSessionInput {
    refresh_token: WireSecret,
}

impl RefreshSessionInput {
    pub(crate) fn of(tokens: &SessionTokens) -> Self {
        Self {
            refresh_token: WireSecret(tokens.refresh_token.clone()),
        }
    }
}

#[derive(cynic::InputObject)]
pub(crate) struct ChangePasswordInput {
    current_password: WireSecret,
    new_password: WireSecret,
}

#[derive(cynic::InputObject)]
pub(crate) struct ResetPasswordInput {
    reset_token: WireSecret,
    new_password: WireSecret,
}

mutation!(SignUp.sign_up(SignUpVariables: SignUpInput) -> SignUpPayload { developer: Developer });
mutation!(SignIn.sign_in(SignInVariables: SignInInput) -> SignInPayload { session: Session });
mutation!(SignOut.sign_out(SignOutVariables: SignOutInput) -> SignOutPayload {});
mutation!(RefreshSession.refresh_session(RefreshSessionVariables: RefreshSessionInput)
    -> RefreshSessionPayload { session: Session });
mutation!(ChangePassword.change_password(ChangePasswordVariables: ChangePasswordInput) -> ChangePasswordPayload {});
mutation!(ResetPassword.reset_password(ResetPasswordVariables: ResetPasswordInput) -> ResetPasswordPayload {});
