//! Versions of API products, and their lifecycle.

use crate::{Refusal, RefusalCode};

/// Where a version stands in its life.
///
/// ```text
///   DRAFT ─► ACTIVE ⇄ DEPRECATED;   ACTIVE ⇄ RETIRED;   DEPRECATED ⇄ RETIRED
/// ```
///
/// Never back to DRAFT. Every step is an admin's. ACTIVE and DEPRECATED are live: their routes claim traffic, and
/// becoming live may meet a route conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum VersionLifecycle {
    /// Only admins see it; its routes answer 404.
    Draft,
    /// Visible, registrable, traffic flows.
    Active,
    /// Visible, no new requests, traffic flows.
    Deprecated,
    /// Seen by admins and those with a request; its traffic gets 410.
    Retired,
}

impl VersionLifecycle {
    /// Whether traffic may flow: ACTIVE or DEPRECATED.
    #[must_use]
    pub const fn is_live(self) -> bool {
        match self {
            Self::Active | Self::Deprecated => true,
            Self::Draft | Self::Retired => false,
        }
    }
}

/// Checks the step from `present` to `wanted`.
///
/// # Errors
/// `INVALID_TRANSITION` when the step is not drawn above, staying where it is included.
pub fn step(present: VersionLifecycle, wanted: VersionLifecycle) -> Result<VersionLifecycle, Refusal> {
    use VersionLifecycle::{Active, Deprecated, Draft, Retired};
    match (present, wanted) {
        (Draft, Active)
        | (Active, Deprecated | Retired)
        | (Deprecated, Active | Retired)
        | (Retired, Active | Deprecated) => Ok(wanted),
        (Draft, Draft | Deprecated | Retired)
        | (Active, Active | Draft)
        | (Deprecated, Deprecated | Draft)
        | (Retired, Retired | Draft) => Err(Refusal::at(
            "lifecycle",
            RefusalCode::InvalidTransition,
            format!("A version that is {present} cannot become {wanted}."),
        )),
    }
}
