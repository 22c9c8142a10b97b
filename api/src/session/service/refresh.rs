use domain::{
    Refusal, RefusalCode,
    audit::AuditAction,
    session::{self as rules, RefreshDecision},
};
use serde_json::json;

use super::SignedIn;
use crate::{
    audit::record::AuditRecord,
    change::Subject,
    context::CallContext,
    control_plane::ControlPlane,
    database::WriteTransaction,
    error::ServiceError,
    session::{
        account,
        opaque_token::RefreshToken,
        store::{self, SessionRecord},
    },
};

/// Takes a refresh token for a new one and a new access token. A token that was used before ends its session.
///
/// # Errors
/// `INVALID_CREDENTIALS` at `refreshToken`: it is unknown, over, used, or its account may not be signed in.
pub async fn refresh(plane: &ControlPlane, call: &CallContext, sent: &str) -> Result<SignedIn, ServiceError> {
    let token = RefreshToken::parse(sent).map_err(|_| bad_token())?;
    // Unknown ones are turned away before the database's one writer is taken.
    let session = store::session_of_refresh_token(plane.database.read(), &token.hash())
        .await?
        .ok_or_else(bad_token)?;
    let transaction = plane.write().await?;
    // The account before the session, in the order in which all lock.
    let account = account::lock(&*transaction, session.account).await?;
    let found = store::lock_by_refresh_token(&*transaction, &token.hash()).await?;
    let (Some((account, _)), Some((session, facts))) = (account, found) else {
        return Err(bad_token());
    };
    if !account.may_hold_session() {
        return Err(bad_token());
    }
    let next_expires_at = match rules::refresh(facts, call.now) {
        RefreshDecision::Rotate { next_expires_at } => next_expires_at,
        RefreshDecision::Reused => return end_reused(transaction, call, &session).await,
        RefreshDecision::Over => return Err(bad_token()),
    };
    if !store::use_refresh_token(&*transaction, &token.hash(), call.now).await? {
        return end_reused(transaction, call, &session).await;
    }
    let next = RefreshToken::generate().map_err(|_| ServiceError::Internal("no refresh token could be made"))?;
    store::insert_refresh_token(&*transaction, &next.hash(), session.id, call.now, next_expires_at).await?;
    let access_token = plane
        .access_tokens
        .issue(session.account, session.id, call.now)
        .map_err(|_| ServiceError::Internal("an access token could not be signed"))?;
    transaction.commit().await?;
    Ok(SignedIn {
        access_token,
        refresh_token: next.to_secret(),
        refresh_token_expires_at: next_expires_at,
        account,
    })
}

/// Two hold the token, and nobody can tell who is who: both lose the session.
async fn end_reused(
    mut transaction: WriteTransaction,
    call: &CallContext,
    session: &SessionRecord,
) -> Result<SignedIn, ServiceError> {
    if store::end(&*transaction, session.id, call.now).await? {
        transaction.audit(
            AuditRecord::new(call, AuditAction::SessionRefreshReuse, session.account)
                .after(json!({ "session": session.id.to_string() })),
        );
        transaction.changed(Subject::Session, session.id.uuid());
        transaction.commit().await?;
    }
    Err(bad_token())
}

/// Ends the session that a refresh token belongs to. A session that is over, or was never there, is signed out already
/// (RFC 7009, section 2.2), so this is no way to ask which tokens exist.
///
/// # Errors
/// `INVALID_CREDENTIALS` at `refreshToken` for what does not have the form of a refresh token.
pub async fn sign_out(plane: &ControlPlane, call: &CallContext, sent: &str) -> Result<(), ServiceError> {
    let token = RefreshToken::parse(sent).map_err(|_| bad_token())?;
    let found = store::session_of_refresh_token(plane.database.read(), &token.hash()).await?;
    let Some(session) = found.filter(|session| session.ended_at.is_none()) else {
        return Ok(());
    };
    let mut transaction = plane.write().await?;
    if store::end(&*transaction, session.id, call.now).await? {
        transaction.audit(
            AuditRecord::new(call, AuditAction::SessionSignOut, session.account)
                .by(session.account)
                .after(json!({ "session": session.id.to_string() })),
        );
        transaction.changed(Subject::Session, session.id.uuid());
        transaction.commit().await?;
    }
    Ok(())
}

fn bad_token() -> ServiceError {
    Refusal::at(
        "refreshToken",
        RefusalCode::InvalidCredentials,
        "The refresh token is not valid, was used before, or its session is over. Sign in again.",
    )
    .into()
}
