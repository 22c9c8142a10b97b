//! Audit actions: the closed list of what is recorded. Their names are stored and shown, so they never change.

use std::fmt;

/// What happened. Named `<what>.<verb>`.
///
/// One for every mutation but the refreshing of a session, which happens every few minutes and changes nothing that
/// anyone would look for, and one for every event of identity that is no mutation's success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumIter, strum::EnumString, strum::IntoStaticStr)]
pub enum AuditAction {
    /// An access request was approved, by an admin or by a setting.
    #[strum(serialize = "access_request.approve")]
    AccessRequestApprove,
    /// A developer withdrew a request.
    #[strum(serialize = "access_request.cancel")]
    AccessRequestCancel,
    /// An admin turned a request down.
    #[strum(serialize = "access_request.reject")]
    AccessRequestReject,
    /// An admin took an approval back.
    #[strum(serialize = "access_request.revoke")]
    AccessRequestRevoke,
    /// A developer asked for access.
    #[strum(serialize = "access_request.submit")]
    AccessRequestSubmit,
    /// Somebody changed their own password; their other sessions ended.
    #[strum(serialize = "account.change_password")]
    AccountChangePassword,
    /// A password was set with a reset token; all sessions of the account ended.
    #[strum(serialize = "account.reset_password")]
    AccountResetPassword,
    /// An admin's account was made, on first start or by an operator.
    #[strum(serialize = "admin.create")]
    AdminCreate,
    /// An operator set an admin's password.
    #[strum(serialize = "admin.reset_password")]
    AdminResetPassword,
    /// An app was made.
    #[strum(serialize = "app.create")]
    AppCreate,
    /// An app was deleted with all that is its own.
    #[strum(serialize = "app.delete")]
    AppDelete,
    /// An admin let a suspended app go on.
    #[strum(serialize = "app.resume")]
    AppResume,
    /// An admin stopped an app.
    #[strum(serialize = "app.suspend")]
    AppSuspend,
    /// An app was changed.
    #[strum(serialize = "app.update")]
    AppUpdate,
    /// A strategy was made.
    #[strum(serialize = "auth_strategy.create")]
    AuthStrategyCreate,
    /// A strategy was deleted.
    #[strum(serialize = "auth_strategy.delete")]
    AuthStrategyDelete,
    /// A strategy was changed.
    #[strum(serialize = "auth_strategy.update")]
    AuthStrategyUpdate,
    /// A credential was made.
    #[strum(serialize = "credential.generate")]
    CredentialGenerate,
    /// A credential was ended.
    #[strum(serialize = "credential.revoke")]
    CredentialRevoke,
    /// A credential was replaced by a new one.
    #[strum(serialize = "credential.rotate")]
    CredentialRotate,
    /// A developer was approved, by an admin or by a setting.
    #[strum(serialize = "developer.approve")]
    DeveloperApprove,
    /// An admin deleted a developer's account.
    #[strum(serialize = "developer.delete")]
    DeveloperDelete,
    /// An admin issued a token to set a developer's password with.
    #[strum(serialize = "developer.issue_password_reset")]
    DeveloperIssuePasswordReset,
    /// An admin turned a sign-up down.
    #[strum(serialize = "developer.reject")]
    DeveloperReject,
    /// An admin stopped a developer.
    #[strum(serialize = "developer.revoke")]
    DeveloperRevoke,
    /// A developer signed up.
    #[strum(serialize = "developer.sign_up")]
    DeveloperSignUp,
    /// A version's gateway service was removed.
    #[strum(serialize = "gateway_service.remove")]
    GatewayServiceRemove,
    /// A version's gateway service was made or changed.
    #[strum(serialize = "gateway_service.set")]
    GatewayServiceSet,
    /// A token for gateways was made.
    #[strum(serialize = "gateway_token.create")]
    GatewayTokenCreate,
    /// A token for gateways was ended.
    #[strum(serialize = "gateway_token.revoke")]
    GatewayTokenRevoke,
    /// The portal's settings were changed.
    #[strum(serialize = "portal.update")]
    PortalUpdate,
    /// A product was made.
    #[strum(serialize = "product.create")]
    ProductCreate,
    /// A product was deleted with its versions.
    #[strum(serialize = "product.delete")]
    ProductDelete,
    /// A product was published.
    #[strum(serialize = "product.publish")]
    ProductPublish,
    /// A product was taken out of the catalog.
    #[strum(serialize = "product.unpublish")]
    ProductUnpublish,
    /// A product was changed.
    #[strum(serialize = "product.update")]
    ProductUpdate,
    /// A version stopped taking new requests.
    #[strum(serialize = "registration.disable")]
    RegistrationDisable,
    /// A version's registration was enabled or changed.
    #[strum(serialize = "registration.enable")]
    RegistrationEnable,
    /// A refresh token was used twice; its session ended.
    #[strum(serialize = "session.refresh_reuse")]
    SessionRefreshReuse,
    /// Somebody signed in.
    #[strum(serialize = "session.sign_in")]
    SessionSignIn,
    /// Somebody tried to sign in and did not get in.
    #[strum(serialize = "session.sign_in_failed")]
    SessionSignInFailed,
    /// Somebody signed out.
    #[strum(serialize = "session.sign_out")]
    SessionSignOut,
    /// A version was made.
    #[strum(serialize = "version.create")]
    VersionCreate,
    /// A version was deleted.
    #[strum(serialize = "version.delete")]
    VersionDelete,
    /// A version's lifecycle was changed.
    #[strum(serialize = "version.set_lifecycle")]
    VersionSetLifecycle,
    /// A version was changed.
    #[strum(serialize = "version.update")]
    VersionUpdate,
}

impl AuditAction {
    /// The name that is stored and shown, such as `app.create`. `str::parse` reads it back.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
