//! The portal's settings.
/// Settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortalSettings {
    /// a
    pub is_public: bool,
    /// b
    pub auto_approve_developers: bool,
    /// c
    pub auto_approve_access_requests: bool,
}
