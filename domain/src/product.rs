//! Products: what the catalog shows, and whether it shows it.

use crate::{Refusal, RefusalCode, Timestamp, viewer::Viewer};

/// What a step of [`publish`] or [`unpublish`] did. Repeating either succeeds and changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishStep {
    /// The product is now published since this instant, or (`None`) no longer.
    Changed(Option<Timestamp>),
    /// It was so already: write nothing, audit nothing.
    Unchanged,
}

/// Publishes a product.
///
/// ```text
///   create ─► unpublished ─publish─► published (since published_at)
///                  ▲─────unpublish──────┘
/// ```
///
/// Publishing again after unpublishing counts anew from `now`.
#[must_use]
pub const fn publish(published_at: Option<Timestamp>, now: Timestamp) -> PublishStep {
    match published_at {
        Some(_) => PublishStep::Unchanged,
        None => PublishStep::Changed(Some(now)),
    }
}

/// Takes a product out of the catalog. What is approved goes on working.
#[must_use]
pub const fn unpublish(published_at: Option<Timestamp>) -> PublishStep {
    match published_at {
        Some(_) => PublishStep::Changed(None),
        None => PublishStep::Unchanged,
    }
}

/// Whether a product exists for the viewer: admins see all; who sees the catalog sees what is published; and an
/// approved developer sees the product of a version that an app of theirs has a request for, in whatever state.
#[must_use]
pub const fn is_visible(viewer: &Viewer, portal_is_public: bool, published: bool, has_own_request: bool) -> bool {
    viewer.is_admin()
        || (published && viewer.sees_catalog(portal_is_public))
        || (has_own_request && viewer.is_approved_developer())
}

/// Whether a product or version may be deleted.
///
/// # Errors
/// IN_USE at `id` while `approved_requests` of its versions are approved, unless forced.
pub fn check_deletion(approved_requests: u64, force: bool) -> Result<(), Refusal> {
    if approved_requests == 0 || force {
        return Ok(());
    }
    Err(Refusal::at(
        "id",
        RefusalCode::InUse,
        format!(
            "It has {approved_requests} approved access request(s), whose apps would be cut off. Revoke them first, or pass force: true."
        ),
    ))
}
