use domain::{Refusal, RefusalCode, audit::AuditAction, email::NormalisedEmail, id::SessionId, session as rules};
use secrecy::SecretString;
use serde_json::json;

use super::{Realm, SignedIn, wrong_email_or_password};
use crate::{
    audit::record::AuditRecord,
    change::Subject,
    context::CallContext,
    control_plane::ControlPlane,
    database::WriteTransaction,
    error::ServiceError,
    portal::store as portal_store,
    session::{
        account::{self, AccountRecord},
        opaque_token::RefreshToken,
        password::{HashedPassword, Verdict},
        store::{self, SessionRecord},
    },
};

/// The most sessions of one account that live at a time; one more ends the oldest.
pub(super) const MAX_SESSIONS: u64 = 50;

/// Who claims to be whom.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Where the account lives.
    pub realm: Realm,
    /// The account's e-mail address.
    pub email: String,
    /// The account's password.
    pub password: SecretString,
}

/// Begins a session; past 50 of the account, its oldest one ends. Whether there is an account with this e-mail address can be told neither by the answer nor by the
/// time it takes.
///
/// # Errors
/// `INVALID_CREDENTIALS`; `DEVELOPER_NOT_APPROVED` for the right password of a revoked developer;
/// [`ServiceError::RateLimited`]; [`ServiceError::Unavailable`] when too many passwords wait.
pub async fn sign_in(plane: &ControlPlane, call: &CallContext, input: SignIn) -> Result<SignedIn, ServiceError> {
    let SignIn { realm, email, password } = input;
    let email = NormalisedEmail::of(&email);
    plane
        .throttle
        .admit_sign_in(realm, email.as_str(), call.client_address)?;
    let _working = plane.throttle.begin(realm, email.as_str(), call.client_address)?;
    let passwords = plane.passwords.in_line_of(realm);
    let found = account::find(plane.database.read(), realm, &email).await?;
    let verdict = passwords
        .verify(password.clone(), found.as_ref().map(|(_, hash)| hash))
        .await?;
    let (account, checked) = match (found, verdict) {
        (Some(found), Verdict::Right { .. }) => found,
        (found, Verdict::Wrong | Verdict::Right { .. }) => {
            let account = found.as_ref().map(|(account, _)| account);
            record_failure(plane.write().await?, call, realm, account).await?;
            return Err(wrong_email_or_password());
        }
    };
    // Today's parameters in place of weaker ones, while the password is at hand.
    let rehashed = match verdict {
        Verdict::Right { needs_rehash: true } => Some(passwords.hash(password).await?),
        Verdict::Right { needs_rehash: false } | Verdict::Wrong => None,
    };
    let signed_in = begin(plane, call, account, checked, rehashed).await?;
    plane
        .throttle
        .remember_sign_in(realm, email.as_str(), call.client_address);
    Ok(signed_in)
}

async fn begin(
    plane: &ControlPlane,
    call: &CallContext,
    account: AccountRecord,
    checked: HashedPassword,
    rehashed: Option<HashedPassword>,
) -> Result<SignedIn, ServiceError> {
    let id = account.id();
    let mut transaction = plane.write().await?;
    let account = match account::lock(&*transaction, id).await? {
        Some((account, present)) if present == checked => account,
        // The password was changed, or the account deleted, while this one was being compared.
        changed => {
            let account = changed.as_ref().map(|(account, _)| account);
            record_failure(transaction, call, id.realm(), account).await?;
            return Err(wrong_email_or_password());
        }
    };
    if !account.may_hold_session() {
        record_failure(transaction, call, id.realm(), Some(&account)).await?;
        return Err(Refusal::new(
            RefusalCode::DeveloperNotApproved,
            "An admin has revoked this account. Ask them to approve it again.",
        )
        .into());
    }
    if let Some(rehashed) = rehashed {
        account::set_password(&*transaction, id, &rehashed).await?;
    }
    let session = SessionRecord {
        id: SessionId::new(),
        account: id,
        created_at: call.now,
        expires_at: rules::expires_at(id.realm(), call.now),
        ended_at: None,
    };
    let token = RefreshToken::generate().map_err(|_| ServiceError::Internal("no refresh token could be made"))?;
    let token_expires_at = rules::refresh_token_expires_at(call.now, session.expires_at);
    let access_token = plane
        .access_tokens
        .issue(id, session.id, call.now)
        .map_err(|_| ServiceError::Internal("an access token could not be signed"))?;
    store::insert(&*transaction, &session).await?;
    store::insert_refresh_token(&*transaction, &token.hash(), session.id, call.now, token_expires_at).await?;
    let ended = store::end_oldest_of(&*transaction, id, MAX_SESSIONS, call.now).await?;
    let mut summary = json!({ "session": session.id.to_string() });
    if !ended.is_empty() {
        let ended: Vec<String> = ended.iter().map(ToString::to_string).collect();
        summary["endedSessions"] = json!(ended);
    }
    transaction.audit(
        AuditRecord::new(call, AuditAction::SessionSignIn, id)
            .by(id)
            .after(summary),
    );
    transaction.changed(Subject::Session, session.id.uuid());
    for session in ended {
        transaction.changed(Subject::Session, session.uuid());
    }
    transaction.commit().await?;
    Ok(SignedIn {
        access_token,
        refresh_token: token.to_secret(),
        refresh_token_expires_at: token_expires_at,
        account,
    })
}

/// Records that somebody did not get in. What they typed as an e-mail address is not kept when no account has it:
/// people type passwords into the wrong field.
async fn record_failure(
    mut transaction: WriteTransaction,
    call: &CallContext,
    realm: Realm,
    account: Option<&AccountRecord>,
) -> Result<(), ServiceError> {
    let subject = match account {
        Some(account) => account.id().to_string(),
        None => portal_store::load(&*transaction).await?.id.to_string(),
    };
    transaction.audit(
        AuditRecord::new(call, AuditAction::SessionSignInFailed, subject)
            .after(json!({ "realm": realm.as_str(), "accountKnown": account.is_some() })),
    );
    transaction.commit().await
}
