//! Housekeeping: rows that time alone has made useless are deleted, in small steps, every few minutes.

use std::{sync::Arc, time::Duration};

use domain::{Timestamp, idempotency};
use entity::{change, idempotency_key, password_reset, refresh_token, session};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use tokio_util::sync::CancellationToken;

use crate::{control_plane::ControlPlane, error::ServiceError, gateway_node};

/// How often it runs.
const INTERVAL: Duration = Duration::from_secs(10 * 60);

/// How long the change log keeps a row. A follower that is further behind reads everything anew.
pub const CHANGE_LOG_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an ended or expired session is kept: a stolen refresh token that comes back late is still recognised.
pub const SESSION_RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Deletes what is no longer of use at `now`.
///
/// # Errors
/// When the database fails; what was deleted before stays deleted.
pub async fn run_once(plane: &ControlPlane, now: Timestamp) -> Result<(), ServiceError> {
    let transaction = plane.write().await?;
    let forgotten = now.saturating_sub(idempotency::WINDOW).as_millis();
    idempotency_key::Entity::delete_many()
        .filter(idempotency_key::Column::CreatedAt.lte(forgotten))
        .exec(&*transaction)
        .await?;
    let ended = now.saturating_sub(SESSION_RETENTION).as_millis();
    refresh_token::Entity::delete_many()
        .filter(refresh_token::Column::ExpiresAt.lte(ended))
        .exec(&*transaction)
        .await?;
    session::Entity::delete_many()
        .filter(session::Column::ExpiresAt.lte(ended))
        .exec(&*transaction)
        .await?;
    password_reset::Entity::delete_many()
        .filter(password_reset::Column::ExpiresAt.lte(now.as_millis()))
        .exec(&*transaction)
        .await?;
    let applied = now.saturating_sub(CHANGE_LOG_RETENTION).as_millis();
    change::Entity::delete_many()
        .filter(change::Column::At.lte(applied))
        .exec(&*transaction)
        .await?;
    transaction.commit().await?;
    plane.directory.forget_expired(now);
    gateway_node::registry::forget(plane, now).await
}

/// Runs every ten minutes until `shutdown`.
pub async fn run(plane: Arc<ControlPlane>, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = run_once(&plane, Timestamp::now()).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "housekeeping failed; it will try again"
            );
        }
    }
}
