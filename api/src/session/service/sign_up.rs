use domain::developer::DeveloperStatus;
use domain::{
    Refusal, RefusalCode,
    audit::AuditAction,
    decision::Decision,
    developer,
    email::{self, NormalisedEmail},
    id::DeveloperId,
    password, text,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::{
    audit::record::AuditRecord,
    change::Subject,
    context::CallContext,
    control_plane::ControlPlane,
    developer::store::{self, DeveloperRecord},
    error::{ServiceError, StoreError},
    portal::store as portal_store,
    session::realm::Realm,
};

/// Who wants an account.
#[derive(Clone, Debug)]
pub struct SignUp {
    /// The e-mail address to sign in with. Nothing is sent to it.
    pub email: String,
    /// The password.
    pub password: SecretString,
    /// The name.
    pub full_name: String,
}

/// Makes a developer's account. Anyone may, on a portal that is not public.
///
/// # Errors
/// `PORTAL_IS_PUBLIC`; `TAKEN` at `email`; refusals by field; [`ServiceError::RateLimited`];
/// [`ServiceError::Unavailable`] when too many passwords wait to be hashed.
pub async fn sign_up(plane: &ControlPlane, call: &CallContext, input: SignUp) -> Result<DeveloperRecord, ServiceError> {
    plane.throttle.admit_sign_up(call.client_address)?;
    let mut refusals = Vec::new();
    let email = email::email("email", &input.email).map_err(|refusal| refusals.push(refusal));
    let full_name = text::name("fullName", &input.full_name).map_err(|refusal| refusals.push(refusal));
    let checked = password::check(
        "password",
        input.password.expose_secret(),
        &input.email,
        &input.full_name,
    )
    .map_err(|refusal| refusals.push(refusal));
    let (Ok(email), Ok(full_name), Ok(())) = (email, full_name, checked) else {
        return Err(refusals.into());
    };
    // A public portal says so before a password is hashed for nothing; the transaction asks again.
    developer::sign_up_status(&portal_store::load(plane.database.read()).await?.settings, true)?;
    let email_normalised = NormalisedEmail::of(&email).into_string();
    let _working = plane
        .throttle
        .begin(Realm::Portal, &email_normalised, call.client_address)?;
    let password = plane.passwords.hash(input.password).await?;
    let mut transaction = plane.write().await?;
    let portal = portal_store::lock_shared(&*transaction).await?;
    let mut developer = DeveloperRecord {
        id: DeveloperId::new(),
        email_normalised,
        email,
        full_name,
        status: DeveloperStatus::Pending,
        decision: None,
        created_at: call.now,
    };
    let held = store::is_sign_up_held(&*transaction, &developer.email_normalised).await?;
    developer.status = developer::sign_up_status(&portal.settings, held)?;
    if developer.status == DeveloperStatus::Approved {
        developer.decision = Some(Decision {
            by: None,
            automatic: true,
            at: call.now,
            reason: None,
        });
    }
    match store::insert(&*transaction, &developer, &password).await {
        Ok(()) => {}
        Err(StoreError::Duplicate(_)) => {
            return Err(Refusal::at(
                "email",
                RefusalCode::Taken,
                "There is an account with this e-mail address. Sign in with it, or ask an admin to reset its password.",
            )
            .into());
        }
        Err(error @ (StoreError::Unavailable(_) | StoreError::Failed(_) | StoreError::Corrupt(_))) => {
            return Err(error.into());
        }
    }
    let summary = json!({
        "email": developer.email,
        "fullName": developer.full_name,
        "status": developer.status.to_string(),
    });
    transaction.audit(
        AuditRecord::new(call, AuditAction::DeveloperSignUp, developer.id)
            .by(developer.id)
            .after(summary),
    );
    if developer.status == DeveloperStatus::Approved {
        transaction.audit(AuditRecord::new(call, AuditAction::DeveloperApprove, developer.id).by("system"));
    }
    transaction.changed(Subject::Developer, developer.id.uuid());
    transaction.commit().await?;
    Ok(developer)
}
