//! audit
/// a
#[derive(Clone, Copy, Debug)]
pub enum AuditAction {
    /// a
    PortalUpdate,
}
impl AuditAction {
    /// a
    #[must_use]
    pub const fn name(self) -> &'static str {
        "portal.update"
    }
}
