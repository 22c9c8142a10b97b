//! Versions of API products, and their lifecycle.

use crate::{Refusal, RefusalCode, text, viewer::Viewer};

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
            if present == wanted {
                format!("The version is {present} already.")
            } else if wanted == Draft {
                "A version never goes back to DRAFT. RETIRED stops its traffic.".to_owned()
            } else {
                format!("A version that is {present} cannot become {wanted}. Make it ACTIVE first.")
            },
        )),
    }
}

/// What decides whether a version exists for a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visibility {
    /// The portal shows its catalog to anyone.
    pub portal_is_public: bool,
    /// The version's product is published.
    pub product_published: bool,
    /// The version's lifecycle.
    pub lifecycle: VersionLifecycle,
    /// An app of the viewer has a request for the version, in whatever state.
    pub has_own_request: bool,
}

/// Whether a version exists for the viewer.
///
/// | Lifecycle | admins | approved developers with a request for it | who sees the catalog |
/// |---|---|---|---|
/// | DRAFT | yes | no | no |
/// | ACTIVE, DEPRECATED | yes | yes | when the product is published |
/// | RETIRED | yes | yes | no |
#[must_use]
pub const fn is_visible(viewer: &Viewer, facts: &Visibility) -> bool {
    if viewer.is_admin() {
        return true;
    }
    let through_own_request = facts.has_own_request && viewer.is_approved_developer();
    match facts.lifecycle {
        VersionLifecycle::Draft => false,
        VersionLifecycle::Active | VersionLifecycle::Deprecated => {
            through_own_request || (facts.product_published && viewer.sees_catalog(facts.portal_is_public))
        }
        VersionLifecycle::Retired => through_own_request,
    }
}

/// A version's specification, kept as uploaded, of at most `max_bytes` bytes
/// ([`crate::limits::Limits::specification_bytes`]). JSON or YAML is the reader's business.
///
/// # Errors
/// REQUIRED when blank (null clears it), TOO_LONG, INVALID with control characters; at `field`.
pub fn specification(field: &str, value: &str, max_bytes: usize) -> Result<String, Refusal> {
    if text::is_blank(value) {
        return Err(Refusal::at(
            field,
            RefusalCode::Required,
            "The specification cannot be blank. Pass null to have none.",
        ));
    }
    text::verbatim(field, value, max_bytes)
}
