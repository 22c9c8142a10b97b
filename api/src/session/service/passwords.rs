use domain::{
    Refusal, RefusalCode, Timestamp, audit::AuditAction, email::NormalisedEmail, id::DeveloperId, password,
    session as rules, viewer::Viewer,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    audit::record::AuditRecord,
    change::Subject,
    context::CallContext,
    control_plane::ControlPlane,
    developer::store as developer_store,
    error::ServiceError,
    session::{account, opaque_token::ResetToken, password::Verdict, realm::AccountId, store},
};

/// A new password for the caller's own account.
#[derive(Clone, Debug)]
pub struct ChangePassword {
    /// The password that the account has.
    pub current_password: SecretString,
    /// The password that it gets.
    pub new_password: SecretString,
}

/// Gives the caller's account a new password and ends its other sessions.
///
/// # Errors
/// [`ServiceError::Unauthenticated`]; `INVALID_CREDENTIALS` at `currentPassword`; refusals at `newPassword`;
/// [`ServiceError::RateLimited`]; [`ServiceError::Unavailable`].
pub async fn change_password(
    plane: &ControlPlane,
    call: &CallContext,
    input: ChangePassword,
) -> Result<(), ServiceError> {
    let id = match call.viewer {
        Viewer::Developer { id, .. } => AccountId::Developer(id),
        Viewer::Admin { id } => AccountId::Admin(id),
        Viewer::Anonymous => return Err(ServiceError::Unauthenticated),
    };
    let found = account::find_by_id(plane.database.read(), id).await?;
    let (account, checked) = found.ok_or(ServiceError::Unauthenticated)?;
    let email = NormalisedEmail::of(account.email());
    password::check(
        "newPassword",
        input.new_password.expose_secret(),
        account.email(),
        account.full_name(),
    )?;
    // A stolen access token is no way to guess the password faster than by signing in.
    plane
        .throttle
        .admit_sign_in(id.realm(), email.as_str(), call.client_address)?;
    let _working = plane.throttle.begin(id.realm(), email.as_str(), call.client_address)?;
    let passwords = plane.passwords.in_line_of(id.realm());
    match passwords.verify(input.current_password, Some(&checked)).await? {
        Verdict::Right { .. } => {}
        Verdict::Wrong => return Err(wrong_current_password()),
    }
    let hash = passwords.hash(input.new_password).await?;
    let mut transaction = plane.write().await?;
    match account::lock(&*transaction, id).await? {
        Some((_, present)) if present == checked => {}
        Some(_) => return Err(wrong_current_password()),
        None => return Err(ServiceError::Unauthenticated),
    }
    account::set_password(&*transaction, id, &hash).await?;
    if let AccountId::Developer(id) = id {
        store::delete_reset_tokens_of(&*transaction, id).await?;
    }
    for session in store::end_all_of(&*transaction, id, call.session, call.now).await? {
        transaction.changed(Subject::Session, session.uuid());
    }
    transaction.audit(AuditRecord::new(call, AuditAction::AccountChangePassword, id));
    transaction.commit().await?;
    plane
        .throttle
        .remember_sign_in(id.realm(), email.as_str(), call.client_address);
    Ok(())
}

fn wrong_current_password() -> ServiceError {
    Refusal::at(
        "currentPassword",
        RefusalCode::InvalidCredentials,
        "This is not the account's password.",
    )
    .into()
}

/// A reset token in the clear: shown to the admin once.
#[derive(Clone, Debug)]
pub struct IssuedReset {
    /// The token.
    pub token: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Issues a token that sets a developer's password, in place of any issued before. Admins only.
///
/// # Errors
/// [`ServiceError::Unauthenticated`], [`ServiceError::Forbidden`]; `NOT_FOUND` at `developerId`.
pub async fn issue_password_reset(
    plane: &ControlPlane,
    call: &CallContext,
    developer: DeveloperId,
) -> Result<IssuedReset, ServiceError> {
    call.admin()?;
    let token = ResetToken::generate().map_err(|_| ServiceError::Internal("no reset token could be made"))?;
    let expires_at = rules::reset_token_expires_at(call.now);
    let mut transaction = plane.write().await?;
    if developer_store::lock(&*transaction, developer).await?.is_none() {
        return Err(Refusal::at(
            "developerId",
            RefusalCode::NotFound,
            "There is no developer with this id.",
        )
        .into());
    }
    store::replace_reset_token(&*transaction, &token.hash(), developer, call.now, expires_at).await?;
    transaction.audit(AuditRecord::new(
        call,
        AuditAction::DeveloperIssuePasswordReset,
        developer,
    ));
    transaction.commit().await?;
    Ok(IssuedReset {
        token: token.to_secret(),
        expires_at,
    })
}

/// A new password for the account that a reset token was issued for.
#[derive(Clone, Debug)]
pub struct ResetPassword {
    /// The token, as the admin handed it over.
    pub reset_token: SecretString,
    /// The password that the account gets.
    pub new_password: SecretString,
}

/// Sets a developer's password by a token of an admin's, and ends all of their sessions. Nobody is signed in by it.
///
/// # Errors
/// `INVALID_CREDENTIALS` at `resetToken`: it is unknown, used or over; refusals at `newPassword`, which leave the token
/// usable; [`ServiceError::Unavailable`].
pub async fn reset_password(
    plane: &ControlPlane,
    call: &CallContext,
    input: ResetPassword,
) -> Result<(), ServiceError> {
    let token = ResetToken::parse_copied(input.reset_token.expose_secret()).map_err(|_| bad_reset_token())?;
    let found = store::find_reset_token(plane.database.read(), &token.hash()).await?;
    let (developer, expires_at) = found.ok_or_else(bad_reset_token)?;
    if !rules::reset_token_is_usable(expires_at, call.now) {
        return Err(bad_reset_token());
    }
    let id = AccountId::Developer(developer);
    let found = account::find_by_id(plane.database.read(), id).await?;
    let (account, _) = found.ok_or_else(bad_reset_token)?;
    password::check(
        "newPassword",
        input.new_password.expose_secret(),
        account.email(),
        account.full_name(),
    )?;
    let hash = plane.passwords.hash(input.new_password).await?;
    let mut transaction = plane.write().await?;
    if account::lock(&*transaction, id).await?.is_none()
        || !store::use_reset_token(&*transaction, &token.hash()).await?
    {
        return Err(bad_reset_token());
    }
    account::set_password(&*transaction, id, &hash).await?;
    store::delete_reset_tokens_of(&*transaction, developer).await?;
    for session in store::end_all_of(&*transaction, id, None, call.now).await? {
        transaction.changed(Subject::Session, session.uuid());
    }
    transaction.audit(AuditRecord::new(call, AuditAction::AccountResetPassword, id).by(id));
    transaction.commit().await
}

fn bad_reset_token() -> ServiceError {
    Refusal::at(
        "resetToken",
        RefusalCode::InvalidCredentials,
        "The reset token is not valid, was used, or is older than an hour. Ask an admin for a new one.",
    )
    .into()
}
