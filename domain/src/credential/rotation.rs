//! Rotating a credential: the old one ends soon, a new one takes its place.

use std::time::Duration;

use crate::{
    Refusal, RefusalCode, Timestamp,
    app::{self, AppStatus},
    developer::{self, DeveloperStatus},
    limits::Limits,
};

use super::{CredentialStatus, check_future, ended, status};

/// The longest overlap: 7 days, in seconds.
pub const MAX_OVERLAP_SECONDS: i32 = 7 * 24 * 60 * 60;

/// All that rotating a credential depends on. That it is the caller's own is for the caller to see to (NOT_FOUND).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Where the developer stands.
    pub developer: DeveloperStatus,
    /// Where the app stands.
    pub app: AppStatus,
    /// When the old credential was made.
    pub created_at: Timestamp,
    /// When the old credential ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When someone ended the old credential.
    pub revoked_at: Option<Timestamp>,
    /// The old credential has been rotated before.
    pub replaced: bool,
    /// How many of the app's credentials were replaced and are in their overlap.
    pub overlapping: u64,
    /// How long the old one goes on beside the new one, in seconds, 0 to 604,800; 0: it ends at once.
    pub overlap_seconds: i32,
    /// When the new one shall end at the latest.
    pub wanted_expires_at: Option<Timestamp>,
}

/// What becomes of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The old credential's new `expires_at`: the earlier of its own and `now` + overlap. With overlap 0 it is `now`,
    /// and as an expiry is exclusive, it is over.
    pub old_expires_at: Timestamp,
    /// The new credential's `expires_at`: it lives as long as the old one was given, from `now`, or until
    /// `wanted_expires_at` when that is earlier. A later wish gives no longer life than the old one had.
    pub new_expires_at: Option<Timestamp>,
}

/// Rotates a credential at `now`. The limit of live credentials does not stand against it: the old one no longer
/// counts. As many may be in their overlap, or a chain of rotations would be a way around the limit; without an overlap
/// a key can always be rotated.
///
/// # Errors
/// Everything that stands against it: DEVELOPER_NOT_APPROVED, APP_SUSPENDED (`id`), INVALID_TRANSITION (`id`) when
/// the credential is expired, revoked or replaced, INVALID (`overlapSeconds`, `expiresAt`), LIMIT_REACHED (`overlapSeconds`).
pub fn rotate(rotation: &Rotation, limits: &Limits, now: Timestamp) -> Result<Rotated, Vec<Refusal>> {
    let mut refusals = Vec::new();
    refusals.extend(developer::check_approved(rotation.developer).err());
    refusals.extend(app::check_active("id", rotation.app).err());
    refusals.extend(check_state(rotation, now).err());
    let overlap = check_overlap(rotation.overlap_seconds);
    refusals.extend(overlap.as_ref().err().cloned());
    if overlap.as_ref().is_ok_and(|overlap| !overlap.is_zero()) {
        refusals.extend(limits.another_overlap(rotation.overlapping).err());
    }
    refusals.extend(check_future(rotation.wanted_expires_at, now).err());
    let overlap = match overlap {
        Ok(overlap) if refusals.is_empty() => overlap,
        Ok(_) | Err(_) => return Err(refusals),
    };
    let overlap_ends_at = now.saturating_add(overlap);
    let inherited = rotation.expires_at.map(|expires_at| {
        let given_life = expires_at.saturating_duration_since(rotation.created_at);
        now.saturating_add(given_life)
    });
    Ok(Rotated {
        old_expires_at: rotation
            .expires_at
            .map_or(overlap_ends_at, |own| own.min(overlap_ends_at)),
        new_expires_at: match (inherited, rotation.wanted_expires_at) {
            (Some(inherited), Some(wanted)) => Some(inherited.min(wanted)),
            (inherited, wanted) => inherited.or(wanted),
        },
    })
}

fn check_state(rotation: &Rotation, now: Timestamp) -> Result<(), Refusal> {
    let status = status(rotation.revoked_at, rotation.expires_at, now);
    match status {
        CredentialStatus::Active if rotation.replaced => Err(Refusal::at(
            "id",
            RefusalCode::InvalidTransition,
            "The credential has been replaced already. Rotate the one that took its place.",
        )),
        CredentialStatus::Active => Ok(()),
        CredentialStatus::Expired | CredentialStatus::Revoked => Err(ended(status)),
    }
}

fn check_overlap(seconds: i32) -> Result<Duration, Refusal> {
    u64::try_from(seconds)
        .ok()
        .filter(|_| seconds <= MAX_OVERLAP_SECONDS)
        .map(Duration::from_secs)
        .ok_or_else(|| {
            Refusal::at(
                "overlapSeconds",
                RefusalCode::Invalid,
                format!("overlapSeconds must be from 0 to {MAX_OVERLAP_SECONDS} (7 days)."),
            )
        })
}
