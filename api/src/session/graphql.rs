//! Identity in the schema: accounts, sessions and what begins and ends them.

use async_graphql::{Context, Enum, ID, InputObject, Interface, Object, Result, SimpleObject};
use domain::{Refusal, viewer::Viewer};
use secrecy::{ExposeSecret as _, SecretString};

use super::service::{self, AccountRecord, ChangePassword, IssuedReset, ResetPassword, SignIn, SignUp, SignedIn};
use crate::{
    admin::graphql::Admin,
    developer::graphql::Developer,
    developer::service::DeveloperRecord,
    graphql::{
        payload::{Payload, answer},
        scalar::DateTime,
        user_error::UserError,
    },
    id,
    loader::RequestContext as _,
    payload,
};

/// Somebody who can sign in.
#[derive(Clone, Interface)]
#[expect(clippy::duplicated_attributes, reason = "fields of one type")]
#[graphql(
    field(name = "id", ty = "ID", desc = "The account's id."),
    field(name = "email", ty = "&str", desc = "The e-mail address to sign in with."),
    field(name = "full_name", ty = "&str", desc = "The owner's name."),
    field(name = "created_at", ty = "DateTime", desc = "When the account was made.")
)]
pub enum Account {
    /// An admin.
    Admin(Admin),
    /// A developer.
    Developer(Developer),
}

impl From<AccountRecord> for Account {
    fn from(record: AccountRecord) -> Self {
        match record {
            AccountRecord::Developer(record) => Self::Developer(record.into()),
            AccountRecord::Admin(record) => Self::Admin(record.into()),
        }
    }
}

/// The two worlds of accounts. A token of one is worth nothing in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "service::Realm")]
pub enum Realm {
    /// Developers.
    Portal,
    /// Admins.
    Admin,
}

/// What somebody who is signed in holds.
pub struct Session(SignedIn);

impl From<SignedIn> for Session {
    fn from(signed_in: SignedIn) -> Self {
        Self(signed_in)
    }
}

/// What somebody who is signed in holds. Keep both tokens to yourself; they are shown once.
#[Object]
impl Session {
    /// What to send with each request, as `Authorization: Bearer …`. Lasts 15 minutes.
    async fn access_token(&self) -> &str {
        self.0.access_token.token.expose_secret()
    }

    /// When the access token ends.
    async fn access_token_expires_at(&self) -> DateTime {
        self.0.access_token.expires_at.into()
    }

    /// What to call `refreshSession` with, once: each use gives a new one, and a second use ends the session.
    async fn refresh_token(&self) -> &str {
        self.0.refresh_token.expose_secret()
    }

    /// When the refresh token ends unless it is used.
    async fn refresh_token_expires_at(&self) -> DateTime {
        self.0.refresh_token_expires_at.into()
    }

    /// Who is signed in. What nests in it is seen with the eyes of the request's own token: query `viewer` with the new one.
    async fn viewer(&self) -> Account {
        self.0.account.clone().into()
    }
}

/// The root field of identity.
#[derive(Default)]
pub struct SessionQuery;

/// The root field of identity.
#[Object]
impl SessionQuery {
    /// Who is signed in; null when nobody is.
    async fn viewer(&self, context: &Context<'_>) -> Option<Result<Account>> {
        match context.call().viewer {
            Viewer::Anonymous => None,
            Viewer::Developer { id, .. } => {
                let found = context.load(id).await.transpose()?;
                Some(found.map(|record| Account::Developer(record.into())))
            }
            Viewer::Admin { id } => {
                let found = context.load(id).await.transpose()?;
                Some(found.map(|record| Account::Admin(record.into())))
            }
        }
    }
}

/// Who wants an account.
#[derive(InputObject)]
pub struct SignUpInput {
    /// The e-mail address to sign in with. Nothing is sent to it.
    email: String,
    /// The password, 12 to 128 characters.
    password: String,
    /// The name, at most 255 characters.
    full_name: String,
}

/// Who signs in.
#[derive(InputObject)]
pub struct SignInInput {
    /// Where the account lives.
    #[graphql(default_with = "Realm::Portal")]
    realm: Realm,
    /// The account's e-mail address.
    email: String,
    /// The account's password.
    password: String,
}

/// Which session goes on.
#[derive(InputObject)]
pub struct RefreshSessionInput {
    /// The session's last refresh token.
    refresh_token: String,
}

/// Which session ends.
#[derive(InputObject)]
pub struct SignOutInput {
    /// A refresh token of the session.
    refresh_token: String,
}

/// A new password for the account that a reset token was issued for.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// The token, as an admin handed it over.
    reset_token: String,
    /// The password to be, 12 to 128 characters.
    new_password: String,
}

/// A new password for the viewer's own account.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The password that the account has.
    current_password: String,
    /// The password to be, 12 to 128 characters.
    new_password: String,
}

/// Whose password is to be reset.
#[derive(InputObject)]
pub struct IssuePasswordResetInput {
    /// The developer's id.
    developer_id: ID,
}

payload! {
    /// What `signUp` answers.
    SignUpPayload {
        /// The new developer. Sign in to go on.
        developer: Developer = DeveloperRecord
    }
}

payload! {
    /// What `signIn` answers.
    SignInPayload {
        /// The new session.
        session: Session = SignedIn
    }
}

payload! {
    /// What `refreshSession` answers.
    RefreshSessionPayload {
        /// The session with its new tokens.
        session: Session = SignedIn
    }
}

payload! {
    /// What `signOut` answers.
    SignOutPayload {}
}

payload! {
    /// What `resetPassword` answers. Sign in with the new password to go on.
    ResetPasswordPayload {}
}

payload! {
    /// What `changePassword` answers.
    ChangePasswordPayload {}
}

/// What `issuePasswordReset` answers.
#[derive(SimpleObject)]
pub struct IssuePasswordResetPayload {
    /// The token, shown once: hand it to the developer by other means than this portal.
    reset_token: Option<String>,
    /// When the token ends unused.
    expires_at: Option<DateTime>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
}

impl Payload for IssuePasswordResetPayload {
    type Value = IssuedReset;

    fn done(issued: IssuedReset) -> Self {
        Self {
            reset_token: Some(issued.token.expose_secret().to_owned()),
            expires_at: Some(issued.expires_at.into()),
            user_errors: Vec::new(),
        }
    }

    fn refused(refusals: Vec<Refusal>) -> Self {
        Self {
            reset_token: None,
            expires_at: None,
            user_errors: refusals.into_iter().map(Into::into).collect(),
        }
    }
}

/// The mutations of identity.
#[derive(Default)]
pub struct SessionMutation;

/// Mutations of identity.
#[Object]
impl SessionMutation {
    /// Makes a developer's account. Anyone, on a portal that is not public. It waits for an admin unless the portal
    /// approves developers by itself.
    async fn sign_up(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Who wants an account.")] input: SignUpInput,
    ) -> Option<Result<SignUpPayload>> {
        let SignUpInput {
            email,
            password,
            full_name,
        } = input;
        let password = SecretString::from(password);
        let wanted = SignUp {
            email,
            password,
            full_name,
        };
        answer(context, service::sign_up(context.plane(), context.call(), wanted).await)
    }

    /// Begins a session: 30 days for developers, 12 hours for admins, unless it idles for 7 days. Anyone.
    async fn sign_in(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Who signs in.")] input: SignInInput,
    ) -> Option<Result<SignInPayload>> {
        let SignInInput { realm, email, password } = input;
        let claimed = SignIn {
            realm: realm.into(),
            email,
            password: SecretString::from(password),
        };
        answer(
            context,
            service::sign_in(context.plane(), context.call(), claimed).await,
        )
    }

    /// Takes a refresh token for a new one and a new access token. Anyone who holds it; a second use ends the session.
    async fn refresh_session(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which session goes on.")] input: RefreshSessionInput,
    ) -> Option<Result<RefreshSessionPayload>> {
        let refreshed = service::refresh(context.plane(), context.call(), &input.refresh_token);
        answer(context, refreshed.await)
    }

    /// Ends a session at once, its access tokens too. Anyone who holds a refresh token of it.
    async fn sign_out(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which session ends.")] input: SignOutInput,
    ) -> Option<Result<SignOutPayload>> {
        let signed_out = service::sign_out(context.plane(), context.call(), &input.refresh_token);
        answer(context, signed_out.await)
    }

    /// Sets a developer's password by a token of an admin's, and ends all of their sessions. Anyone who holds the
    /// token.
    async fn reset_password(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The token and the new password.")] input: ResetPasswordInput,
    ) -> Option<Result<ResetPasswordPayload>> {
        let reset = ResetPassword {
            reset_token: SecretString::from(input.reset_token),
            new_password: SecretString::from(input.new_password),
        };
        answer(
            context,
            service::reset_password(context.plane(), context.call(), reset).await,
        )
    }

    /// Gives the viewer's own account a new password and ends its other sessions. Whoever is signed in.
    async fn change_password(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The present and the new password.")] input: ChangePasswordInput,
    ) -> Option<Result<ChangePasswordPayload>> {
        let change = ChangePassword {
            current_password: SecretString::from(input.current_password),
            new_password: SecretString::from(input.new_password),
        };
        answer(
            context,
            service::change_password(context.plane(), context.call(), change).await,
        )
    }

    /// Issues a token that sets a developer's password: one use, one hour, to hand over by other means. Admins.
    async fn issue_password_reset(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose password.")] input: IssuePasswordResetInput,
    ) -> Option<Result<IssuePasswordResetPayload>> {
        let issued = async {
            let developer = id::parse("developerId", &input.developer_id)?;
            service::issue_password_reset(context.plane(), context.call(), developer).await
        };
        answer(context, issued.await)
    }
}

#[cfg(test)]
#[path = "graphql_tests.rs"]
mod tests;
