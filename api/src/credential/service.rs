//! Generating, rotating and revoking credentials.

use async_graphql::ID;
use domain::{
    Refusal, RefusalCode, Timestamp,
    api_key::ApiKey,
    audit::AuditAction,
    auth_strategy::AuthStrategyType,
    credential::{self as rules, CredentialKind, Generation, Rotation, StrategyChoice},
    id::{AppKind, AuthStrategyId, AuthStrategyKind, CredentialId, CredentialKind as CredentialIdKind},
};
use serde::Serialize;
use serde_json::json;

use super::store;
pub use super::store::CredentialRecord;
use crate::{
    app::service::{self as apps, AppRecord},
    audit::record::AuditRecord,
    auth_strategy::store as strategies,
    change::Subject,
    context::CallContext,
    control_plane::ControlPlane,
    database::WriteTransaction,
    developer::store::DeveloperRecord,
    error::ServiceError,
    id,
    idempotency::{self, Claim},
    portal,
};

/// What a credential is called whose developer gave it no name.
const DEFAULT_NAME: &str = "API key";

/// A credential with a secret, or what an earlier call with the same idempotency key made.
#[derive(Debug)]
pub enum Issued {
    /// It was made just now: this is the only time that the secret is known.
    New {
        /// The credential.
        credential: CredentialRecord,
        /// Its secret.
        secret: ApiKey,
    },
    /// An earlier call made it, and showed its secret.
    Replayed(CredentialRecord),
}

/// What a developer wants of a new credential.
#[derive(Clone, Debug, Serialize)]
pub struct GenerateCredential {
    /// The app.
    pub app_id: ID,
    /// The strategy; `None`: the one of the app's open requests, or the built-in one.
    pub auth_strategy_id: Option<ID>,
    /// What its developer calls it.
    pub name: Option<String>,
    /// When it shall end by itself.
    #[serde(serialize_with = "as_rfc_3339")]
    pub expires_at: Option<Timestamp>,
    /// So that sending it again makes no second one.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Makes an API key for an app of the caller's. Approved developers.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or refusals: NOT_FOUND at `appId` or `authStrategyId`, of `name`, and those of
/// [`rules::generate`].
pub async fn generate(
    plane: &ControlPlane,
    call: &CallContext,
    input: GenerateCredential,
) -> Result<Issued, ServiceError> {
    call.developer()?;
    let app_id = id::parse::<AppKind>("appId", &input.app_id)?;
    let named = input.auth_strategy_id.as_ref();
    let named = named.map(|id| id::parse::<AuthStrategyKind>("authStrategyId", id));
    let named = named.transpose()?;
    let id = CredentialId::new();
    let mut transaction = plane.write().await?;
    let key = input.idempotency_key.as_deref();
    let claim = idempotency::claim(&transaction, call, "generateCredential", key, &input, id.uuid()).await?;
    // Against the end of the strategy that the credential will point at.
    portal::store::lock_shared(&*transaction).await?;
    let owner = apps::lock_with_developer(&transaction, call, "appId", app_id).await?;
    if let Claim::Replay(made) = claim {
        return replay(&transaction, call, CredentialId::from_uuid(made)).await;
    }
    let mut refusals = Vec::new();
    let name = input.name.as_deref().unwrap_or(DEFAULT_NAME);
    let name = plane
        .limits
        .name("name", name)
        .map_err(|refusal| refusals.push(refusal));
    let chosen = choose(plane, call, &transaction, &owner, named, input.expires_at).await?;
    let chosen = chosen.map_err(|refused| refusals.extend(refused));
    let (Ok(name), Ok(chosen)) = (name, chosen) else {
        return Err(refusals.into());
    };
    let secret = ApiKey::generate(&plane.key_prefix, &mut rand::rng());
    let credential = CredentialRecord {
        id,
        app_id,
        auth_strategy_id: chosen,
        kind: CredentialKind::ApiKey,
        name,
        hint: secret.hint(),
        client_id: None,
        created_at: call.now,
        expires_at: input.expires_at,
        revoked_at: None,
        replaced_by: None,
        last_used_at: None,
    };
    store::insert_key(&*transaction, &credential, &secret.hash()).await?;
    transaction.audit(AuditRecord::new(call, AuditAction::CredentialGenerate, id).after(summary(&credential)));
    transaction.changed(Subject::Credential, id.uuid());
    transaction.commit().await?;
    Ok(Issued::New { credential, secret })
}

/// Which strategy to make the key for, or everything that stands against it.
async fn choose(
    plane: &ControlPlane,
    call: &CallContext,
    transaction: &WriteTransaction,
    (developer, app): &(DeveloperRecord, AppRecord),
    named: Option<AuthStrategyId>,
    expires_at: Option<Timestamp>,
) -> Result<Result<AuthStrategyId, Vec<Refusal>>, ServiceError> {
    let named = match named {
        None => None,
        Some(id) => match store::find_strategy_for(&**transaction, &call.viewer, id).await? {
            Some(choice) => Some(choice),
            None => {
                return Ok(Err(vec![Refusal::at(
                    "authStrategyId",
                    RefusalCode::NotFound,
                    "There is no such auth strategy.",
                )]));
            }
        },
    };
    let built_in = strategies::built_in(&**transaction).await?;
    let holdings = store::holdings(&**transaction, app.id, call.now).await?;
    let generation = Generation {
        developer: developer.status,
        app: app.status,
        app_bound_to: holdings.bound_to,
        live_credentials: holdings.live_credentials,
        named,
        of_open_requests: &holdings.of_open_requests,
        built_in: StrategyChoice {
            id: built_in.id,
            kind: built_in.kind,
        },
        expires_at,
    };
    Ok(
        rules::generate(&generation, &plane.limits, call.now).and_then(|choice| match choice.kind {
            AuthStrategyType::KeyAuth => Ok(choice.id),
            AuthStrategyType::OpenidConnect => Err(vec![Refusal::at(
                "authStrategyId",
                RefusalCode::StrategyMismatch,
                "Callers of this strategy prove themselves to its provider, which makes their clients. There is no key to generate.",
            )]),
        }),
    )
}

/// What a developer wants of a rotation.
#[derive(Clone, Debug, Serialize)]
pub struct RotateCredential {
    /// The credential to replace.
    pub id: ID,
    /// For how long the old one goes on beside the new one.
    pub overlap_seconds: i32,
    /// When the new one shall end at the latest.
    #[serde(serialize_with = "as_rfc_3339")]
    pub expires_at: Option<Timestamp>,
    /// So that sending it again makes no second one.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Replaces an API key of the caller's by a new one of the same strategy and name. Approved developers.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or refusals: NOT_FOUND at `id`, CONFLICT at `id` for what is no API key, and those
/// of [`rules::rotate`].
pub async fn rotate(plane: &ControlPlane, call: &CallContext, input: RotateCredential) -> Result<Issued, ServiceError> {
    call.developer()?;
    let old_id = id::parse::<CredentialIdKind>("id", &input.id)?;
    let id = CredentialId::new();
    let mut transaction = plane.write().await?;
    let key = input.idempotency_key.as_deref();
    let claim = idempotency::claim(&transaction, call, "rotateCredential", key, &input, id.uuid()).await?;
    // Against the end of the strategy that the credential will point at.
    portal::store::lock_shared(&*transaction).await?;
    let (developer, app, old) = lock_with_app(&transaction, call, old_id).await?;
    if let Claim::Replay(made) = claim {
        return replay(&transaction, call, CredentialId::from_uuid(made)).await;
    }
    let overlapping = store::overlapping(&*transaction, app.id, call.now).await?;
    let rotation = Rotation {
        developer: developer.status,
        app: app.status,
        created_at: old.created_at,
        expires_at: old.expires_at,
        revoked_at: old.revoked_at,
        replaced: old.replaced_by.is_some(),
        overlapping,
        overlap_seconds: input.overlap_seconds,
        wanted_expires_at: input.expires_at,
    };
    let rotated = rules::rotate(&rotation, &plane.limits, call.now)?;
    match old.kind {
        CredentialKind::ApiKey => {}
        CredentialKind::OauthClient => {
            return Err(Refusal::at(
                "id",
                RefusalCode::Conflict,
                "Only API keys can be rotated here. An OAuth client's secret is its provider's to change.",
            )
            .into());
        }
    }
    let secret = ApiKey::generate(&plane.key_prefix, &mut rand::rng());
    let credential = CredentialRecord {
        id,
        hint: secret.hint(),
        created_at: call.now,
        expires_at: rotated.new_expires_at,
        last_used_at: None,
        ..old.clone()
    };
    store::insert_key(&*transaction, &credential, &secret.hash()).await?;
    let replaced = CredentialRecord {
        expires_at: Some(rotated.old_expires_at),
        replaced_by: Some(id),
        ..old.clone()
    };
    let by = (id, rotated.old_expires_at);
    if !store::replace(&*transaction, old_id, by, call.now).await? {
        return Err(not_found());
    }
    transaction.audit(
        AuditRecord::new(call, AuditAction::CredentialRotate, old_id)
            .before(summary(&old))
            .after(summary(&replaced)),
    );
    transaction.audit(AuditRecord::new(call, AuditAction::CredentialGenerate, id).after(summary(&credential)));
    transaction.changed(Subject::Credential, old_id.uuid());
    transaction.changed(Subject::Credential, id.uuid());
    transaction.commit().await?;
    Ok(Issued::New { credential, secret })
}

/// Ends a credential at once, for good. Its developer, and admins.
///
/// # Errors
/// `UNAUTHENTICATED`, or a refusal at `id`: NOT_FOUND, INVALID_TRANSITION when it has ended already.
pub async fn revoke(plane: &ControlPlane, call: &CallContext, id: &ID) -> Result<CredentialRecord, ServiceError> {
    call.signed_in()?;
    let id = id::parse::<CredentialIdKind>("id", id)?;
    let mut transaction = plane.write().await?;
    let (_, _, before) = lock_with_app(&transaction, call, id).await?;
    rules::check_revocation(before.status(call.now))?;
    if !store::revoke(&*transaction, id, call.now).await? {
        return Err(not_found());
    }
    let after = CredentialRecord {
        revoked_at: Some(call.now),
        ..before.clone()
    };
    transaction.audit(
        AuditRecord::new(call, AuditAction::CredentialRevoke, id)
            .before(summary(&before))
            .after(summary(&after)),
    );
    transaction.changed(Subject::Credential, id.uuid());
    transaction.commit().await?;
    Ok(after)
}

/// The credential, its app and its developer, the latter two locked: credentials change under their app's lock.
async fn lock_with_app(
    transaction: &WriteTransaction,
    call: &CallContext,
    id: CredentialId,
) -> Result<(DeveloperRecord, AppRecord, CredentialRecord), ServiceError> {
    let seen = store::find_for(&**transaction, &call.viewer, [id]).await?.pop();
    let app_id = seen.ok_or_else(not_found)?.app_id;
    let (developer, app) = apps::lock_with_developer(transaction, call, "id", app_id).await?;
    // Read again: until the app was locked, another call may have changed it.
    let present = store::find_for(&**transaction, &call.viewer, [id]).await?.pop();
    Ok((developer, app, present.ok_or_else(not_found)?))
}

async fn replay(transaction: &WriteTransaction, call: &CallContext, id: CredentialId) -> Result<Issued, ServiceError> {
    let made = store::find_for(&**transaction, &call.viewer, [id]).await?.pop();
    made.map(Issued::Replayed).ok_or_else(|| {
        Refusal::at(
            "idempotencyKey",
            RefusalCode::NotFound,
            "The credential that was made with this idempotency key is gone. Send a new key to make another one.",
        )
        .into()
    })
}

fn not_found() -> ServiceError {
    Refusal::at("id", RefusalCode::NotFound, "There is no such credential.").into()
}

/// What audit events show: never the secret or its hash.
fn summary(credential: &CredentialRecord) -> serde_json::Value {
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "appId": credential.app_id.to_string(),
        "authStrategyId": credential.auth_strategy_id.to_string(),
        "kind": credential.kind.to_string(),
        "name": credential.name,
        "hint": credential.hint,
        "expiresAt": text(credential.expires_at),
        "revokedAt": text(credential.revoked_at),
        "replacedBy": credential.replaced_by.map(|id| id.to_string()),
    })
}

fn as_rfc_3339<S: serde::Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(|at| at.to_string()).serialize(serializer)
}
