//! Idempotency keys: a mutation that is sent again with the same key does nothing again.
//!
//! The key is claimed by inserting its row first, in the mutation's own transaction: of several calls at once, one
//! inserts and the others wait for its outcome. A refused mutation rolls its claim back, so only successes are
//! remembered.

use domain::{
    Refusal, RefusalCode,
    idempotency::{self, Stored, Verdict},
};
use entity::idempotency_key;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, TryInsertResult, sea_query::OnConflict,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{context::CallContext, database::WriteTransaction, error::ServiceError};

/// What claiming a key found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody used the key (or none was given): go on, and give the new object the id that was passed.
    Fresh,
    /// An earlier call made this object: answer with its present state.
    Replay(Uuid),
}

/// Claims `key` of the caller for `mutation`, whose new object will have `new_id`.
///
/// `input` is the mutation's input without the key. A key is valid for 24 hours.
///
/// # Errors
/// Refusals `INVALID` for a key of another form, `IDEMPOTENCY_MISMATCH` when it was used with another input.
pub async fn claim(
    transaction: &WriteTransaction,
    call: &CallContext,
    mutation: &'static str,
    key: Option<&str>,
    input: &(impl Serialize + Sync),
    new_id: Uuid,
) -> Result<Claim, ServiceError> {
    let Some(key) = key else {
        return Ok(Claim::Fresh);
    };
    let key = idempotency::key("idempotencyKey", key)?;
    let input = serde_json::to_vec(input).map_err(|_| ServiceError::Internal("an input cannot be serialised"))?;
    let input_hash: [u8; 32] = Sha256::digest(&input).into();
    let row = idempotency_key::ActiveModel {
        caller: Set(call.actor()),
        mutation: Set(mutation.to_owned()),
        key: Set(key.clone()),
        input_hash: Set(input_hash.to_vec()),
        subject_id: Set(new_id),
        created_at: Set(call.now.as_millis()),
    };
    let primary_key = [
        idempotency_key::Column::Caller,
        idempotency_key::Column::Mutation,
        idempotency_key::Column::Key,
    ];
    let inserted = idempotency_key::Entity::insert(row.clone())
        .on_conflict(OnConflict::columns(primary_key).do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(&**transaction)
        .await?;
    if matches!(inserted, TryInsertResult::Inserted(1..)) {
        return Ok(Claim::Fresh);
    }
    let held = idempotency_key::Entity::find()
        .filter(idempotency_key::Column::Caller.eq(call.actor()))
        .filter(idempotency_key::Column::Mutation.eq(mutation))
        .filter(idempotency_key::Column::Key.eq(key))
        .one(&**transaction)
        .await?
        .ok_or(ServiceError::Unavailable(
            "an idempotency key was freed while it was being read",
        ))?;
    let stored = Stored {
        input_hash: held
            .input_hash
            .try_into()
            .map_err(|_| crate::error::StoreError::Corrupt("an idempotency key's hash of another length"))?,
        at: domain::Timestamp::from_millis(held.created_at),
    };
    match idempotency::verdict(Some(&stored), &input_hash, call.now) {
        Verdict::Replay => Ok(Claim::Replay(held.subject_id)),
        Verdict::Mismatch(refusal) => Err(refusal.into()),
        Verdict::Fresh => {
            idempotency_key::Entity::update(row).exec(&**transaction).await?;
            Ok(Claim::Fresh)
        }
    }
}

/// The refusal of a replay whose object exists no longer, or no longer for this viewer.
#[must_use]
pub fn made_is_gone() -> Refusal {
    Refusal::at(
        "idempotencyKey",
        RefusalCode::NotFound,
        "What was made with this idempotency key has been deleted since. Send a new key to make another one.",
    )
}
