//! Identifiers: one type per kind of object, so that an app's id cannot be passed for a version's.
//!
//! Each is a TypeID (<https://github.com/jetify-com/typeid/tree/main/spec>): a prefix that names the kind, and a
//! UUIDv7 in base 32. Clients treat them as opaque; the database stores the UUID alone.

pub use type_safe_id::Error as ParseIdError;
use type_safe_id::{StaticType, TypeSafeId};

macro_rules! id_kinds {
    ($($(#[$doc:meta])* $id:ident = $kind:ident, $prefix:literal;)*) => {$(
        #[doc = concat!("The kind of ids that start with `", $prefix, "_`.")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $kind;

        impl StaticType for $kind {
            const TYPE: &'static str = $prefix;
        }

        $(#[$doc])*
        pub type $id = TypeSafeId<$kind>;
    )*};
}

id_kinds! {
    /// An access request: an app's wish to call a version.
    AccessRequestId = AccessRequestKind, "req";
    /// An admin's account.
    AdminId = AdminKind, "adm";
    /// An application of a developer.
    AppId = AppKind, "app";
    /// An audit event.
    AuditEventId = AuditEventKind, "evt";
    /// An authentication strategy.
    AuthStrategyId = AuthStrategyKind, "strat";
    /// A credential of an app.
    CredentialId = CredentialKind, "cred";
    /// A developer's account.
    DeveloperId = DeveloperKind, "dev";
    /// A gateway of the fleet.
    GatewayNodeId = GatewayNodeKind, "gwn";
    /// A version's gateway service. The same UUID as the version's: a version has at most one.
    GatewayServiceId = GatewayServiceKind, "svc";
    /// A token that a gateway proves itself with.
    GatewayTokenId = GatewayTokenKind, "gwt";
    /// The portal.
    PortalId = PortalKind, "portal";
    /// An API product.
    ProductId = ProductKind, "prod";
    /// A version's registration settings. The same UUID as the version's.
    RegistrationId = RegistrationKind, "reg";
    /// A session: one sign-in and the refresh tokens that follow from it.
    SessionId = SessionKind, "ses";
    /// A version of an API product.
    VersionId = VersionKind, "ver";
}
