//! The portal's settings.

/// What the admins have chosen for the whole portal. New portals: all false.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PortalSettings {
    /// Shows its catalog to anyone, and takes no sign-ups and no requests.
    pub is_public: bool,
    /// New developers are approved at once.
    pub auto_approve_developers: bool,
    /// Every access request is approved at once; false leaves it to each version.
    pub auto_approve_access_requests: bool,
}

impl PortalSettings {
    /// Whether a request for a version with this setting of its own is approved at once, unless a person has
    /// decided otherwise before.
    #[must_use]
    pub const fn approves_requests(&self, version_auto_approve: bool) -> bool {
        self.auto_approve_access_requests || version_auto_approve
    }
}
