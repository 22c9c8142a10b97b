//! How much of everything there may be. Operators may change these; the defaults are the product's promise.

use crate::{Refusal, RefusalCode, text};

/// Reference ids that a developer may hold for each app that they may have.
pub const REFERENCE_IDS_PER_APP: u64 = 10;

/// The configurable limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Apps that one developer may have at a time. Default 500.
    pub apps_per_developer: u64,
    /// Live keys that one app may have at a time; and as many that were replaced and are in their overlap, which are not
    /// counted among them. Default 20.
    pub live_keys_per_app: u64,
    /// Characters in a name. Default 255.
    pub name_chars: usize,
    /// Characters in a product's name. Default 100.
    pub product_name_chars: usize,
    /// Characters in a description, reason or justification. Default 10,000.
    pub description_chars: usize,
    /// Bytes in a version's specification. Default 5 MiB.
    pub specification_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            apps_per_developer: 500,
            live_keys_per_app: 20,
            name_chars: text::MAX_NAME_CHARS,
            product_name_chars: text::MAX_PRODUCT_NAME_CHARS,
            description_chars: text::MAX_DESCRIPTION_CHARS,
            specification_bytes: 5 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// [`text::name`] with this limit.
    ///
    /// # Errors
    /// As [`text::name`].
    pub fn name(&self, field: &str, value: &str) -> Result<String, Refusal> {
        text::line(field, value, self.name_chars)
    }

    /// A product's name: as [`text::name`], with a limit of its own.
    ///
    /// # Errors
    /// As [`text::name`].
    pub fn product_name(&self, field: &str, value: &str) -> Result<String, Refusal> {
        text::line(field, value, self.product_name_chars)
    }

    /// [`text::description`] with this limit.
    ///
    /// # Errors
    /// As [`text::name`].
    pub fn description(&self, field: &str, value: &str) -> Result<String, Refusal> {
        text::paragraphs(field, value, self.description_chars)
    }

    /// [`Limits::description`] where a description may be left out; a blank one counts as left out.
    ///
    /// # Errors
    /// As [`text::name`], but never REQUIRED.
    pub fn optional_description(&self, field: &str, value: Option<&str>) -> Result<Option<String>, Refusal> {
        value
            .filter(|value| !text::is_blank(value))
            .map(|value| self.description(field, value))
            .transpose()
    }

    /// Whether an app with `present` replaced keys in their overlap may get another one.
    ///
    /// # Errors
    /// LIMIT_REACHED at `overlapSeconds`.
    pub fn another_overlap(&self, present: u64) -> Result<(), Refusal> {
        let limit = self.live_keys_per_app;
        if present < limit {
            return Ok(());
        }
        Err(Refusal::at(
            "overlapSeconds",
            RefusalCode::LimitReached,
            format!(
                "An app may have {limit} replaced credentials in their overlap. Revoke one of them, or rotate without an overlap."
            ),
        ))
    }

    /// Whether a developer who holds `present` reference ids, freed ones included, may have another one: ten for each
    /// app that they may have, for a freed one stays theirs.
    ///
    /// # Errors
    /// LIMIT_REACHED at `field`.
    pub fn another_reference_id(&self, field: &str, present: u64) -> Result<(), Refusal> {
        let limit = self.apps_per_developer.saturating_mul(REFERENCE_IDS_PER_APP);
        if present < limit {
            return Ok(());
        }
        Err(Refusal::at(
            field,
            RefusalCode::LimitReached,
            format!(
                "A developer may hold {limit} reference ids, and one that an app no longer has stays theirs. Use one of those."
            ),
        ))
    }

    /// Whether a developer with `present` apps may make another one.
    ///
    /// # Errors
    /// LIMIT_REACHED.
    pub fn another_app(&self, present: u64) -> Result<(), Refusal> {
        let limit = self.apps_per_developer;
        if present < limit {
            return Ok(());
        }
        Err(Refusal::new(
            RefusalCode::LimitReached,
            format!("A developer may have {limit} apps. Delete one that is no longer needed."),
        ))
    }

    /// Whether an app with `present` live keys (see [`crate::credential::counts_towards_limit`]) may get another one.
    ///
    /// # Errors
    /// LIMIT_REACHED at `appId`.
    pub fn another_key(&self, present: u64) -> Result<(), Refusal> {
        let limit = self.live_keys_per_app;
        if present < limit {
            return Ok(());
        }
        Err(Refusal::at(
            "appId",
            RefusalCode::LimitReached,
            format!("An app may have {limit} live credentials. Revoke one that is no longer used."),
        ))
    }
}
