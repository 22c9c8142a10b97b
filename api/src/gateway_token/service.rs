//! Making, listing and ending gateway tokens. Admins only.

use async_graphql::ID;
use domain::{
    Refusal, RefusalCode,
    audit::AuditAction,
    gateway_token::{self as rules, GatewayToken},
    id::{GatewayTokenId, GatewayTokenKind},
    page::Page,
};
use serde::Serialize;
use serde_json::json;

use super::store;
pub use super::store::GatewayTokenRecord;
use crate::{
    audit::record::AuditRecord,
    change::Subject,
    context::CallContext,
    control_plane::ControlPlane,
    error::ServiceError,
    id,
    idempotency::{self, Claim},
    pagination::{self, Slice},
};

/// A page of the tokens, the latest first, the revoked ones included.
///
/// # Errors
/// `FORBIDDEN` for everyone but admins, `BAD_USER_INPUT` for a cursor of another list.
pub async fn list(
    plane: &ControlPlane,
    call: &CallContext,
    page: &Page,
) -> Result<Slice<GatewayTokenRecord>, ServiceError> {
    call.admin_only()?;
    let select = store::select_for(&call.viewer);
    let slice = pagination::page(plane.database.read(), select, &store::sort_key(), page).await?;
    Ok(slice.map(GatewayTokenRecord::from))
}

/// How many tokens there are for the viewer.
///
/// # Errors
/// When the database fails.
pub async fn count(plane: &ControlPlane, call: &CallContext) -> Result<u64, ServiceError> {
    pagination::count(plane.database.read(), store::select_for(&call.viewer)).await
}

/// What an admin wants of a new token.
#[derive(Clone, Debug, Serialize)]
pub struct CreateGatewayToken {
    /// The name.
    pub name: String,
    /// So that sending it again makes no second one.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// A token that was made, by this call or an earlier one.
#[derive(Clone, Debug)]
pub enum Issued {
    /// By this call: the secret can be shown, now and never again.
    New {
        /// The token's record.
        token: GatewayTokenRecord,
        /// The token itself.
        secret: GatewayToken,
    },
    /// By an earlier call with the same idempotency key.
    Replayed(GatewayTokenRecord),
}

/// Makes a token.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or refusals by field: of the name, and of the idempotency key.
pub async fn create(
    plane: &ControlPlane,
    call: &CallContext,
    input: CreateGatewayToken,
) -> Result<Issued, ServiceError> {
    let admin = call.admin()?;
    let id = GatewayTokenId::new();
    let mut transaction = plane.write().await?;
    let key = input.idempotency_key.as_deref();
    let claim = idempotency::claim(&transaction, call, "createGatewayToken", key, &input, id.uuid()).await?;
    if let Claim::Replay(id) = claim {
        let id = GatewayTokenId::from_uuid(id);
        let made = store::find_for(&*transaction, &call.viewer, [id]).await?.pop();
        return Ok(Issued::Replayed(made.ok_or_else(idempotency::made_is_gone)?));
    }
    let name = plane.limits.name("name", &input.name)?;
    let secret = GatewayToken::generate(&mut rand::rng());
    let token = GatewayTokenRecord {
        id,
        name,
        hint: secret.hint(),
        created_by: admin,
        created_at: call.now,
        revoked_at: None,
    };
    store::insert(&*transaction, &token, &secret.hash()).await?;
    transaction.audit(AuditRecord::new(call, AuditAction::GatewayTokenCreate, id).after(summary(&token)));
    transaction.changed(Subject::GatewayToken, id.uuid());
    transaction.commit().await?;
    Ok(Issued::New { token, secret })
}

/// Ends a token for good; the streams that were opened with it end at once.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or a refusal at `id`: NOT_FOUND, INVALID_TRANSITION when it was revoked before.
pub async fn revoke(plane: &ControlPlane, call: &CallContext, id: &ID) -> Result<GatewayTokenRecord, ServiceError> {
    call.admin()?;
    let id = id::parse::<GatewayTokenKind>("id", id)?;
    let mut transaction = plane.write().await?;
    let before = store::lock(&*transaction, id).await?.ok_or_else(not_found)?;
    rules::check_revocation(before.revoked_at)?;
    if !store::revoke(&*transaction, id, call.now).await? {
        return Err(not_found());
    }
    let after = GatewayTokenRecord {
        revoked_at: Some(call.now),
        ..before.clone()
    };
    transaction.audit(
        AuditRecord::new(call, AuditAction::GatewayTokenRevoke, id)
            .before(summary(&before))
            .after(summary(&after)),
    );
    transaction.changed(Subject::GatewayToken, id.uuid());
    transaction.commit().await?;
    Ok(after)
}

fn not_found() -> ServiceError {
    Refusal::at("id", RefusalCode::NotFound, "There is no such gateway token.").into()
}

/// What audit events show: never the token or its hash.
fn summary(token: &GatewayTokenRecord) -> serde_json::Value {
    json!({
        "name": token.name,
        "hint": token.hint,
        "revokedAt": token.revoked_at.map(|at| at.to_string()),
    })
}
