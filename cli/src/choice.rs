//! The schema's enums as the command line takes them: spelled as the schema does, checked and completed by the shell.

use clap::ValueEnum;

/// `choices!(Choice of SdkEnum { Variant = "SPELLING", … });`
macro_rules! choices {
    ($($(#[$doc:meta])* $choice:ident of $sdk:ident { $($variant:ident = $text:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
        pub(crate) enum $choice {
            $(#[value(name = $text)] $variant,)*
        }

        impl From<$choice> for portico_sdk::$sdk {
            fn from(choice: $choice) -> Self {
                match choice {
                    $($choice::$variant => Self::$variant,)*
                }
            }
        }
    )*};
}

choices! {
    /// Where a request stands.
    RequestStatusChoice of AccessRequestStatus {
        Pending = "PENDING", Approved = "APPROVED", Rejected = "REJECTED", Revoked = "REVOKED", Cancelled = "CANCELLED",
    }
    /// Whether an app's credentials count.
    AppStatusChoice of AppStatus { Active = "ACTIVE", Suspended = "SUSPENDED" }
    /// Where a developer's account stands.
    DeveloperStatusChoice of DeveloperStatus {
        Pending = "PENDING", Approved = "APPROVED", Rejected = "REJECTED", Revoked = "REVOKED",
    }
    /// Where a version stands.
    LifecycleChoice of VersionLifecycle {
        Draft = "DRAFT", Active = "ACTIVE", Deprecated = "DEPRECATED", Retired = "RETIRED",
    }
    /// Which of the two kinds of accounts.
    RealmChoice of Realm { Portal = "PORTAL", Admin = "ADMIN" }
    /// Which end of an order comes first.
    DirectionChoice of OrderDirection { Asc = "ASC", Desc = "DESC" }
    /// What apps can be ordered by.
    AppOrderChoice of AppOrderField { Name = "NAME", CreatedAt = "CREATED_AT" }
    /// What products can be ordered by.
    ProductOrderChoice of ProductOrderField { Name = "NAME", CreatedAt = "CREATED_AT", PublishedAt = "PUBLISHED_AT" }
    /// What requests can be ordered by.
    RequestOrderChoice of AccessRequestOrderField { CreatedAt = "CREATED_AT", UpdatedAt = "UPDATED_AT" }
    /// What developers can be ordered by.
    DeveloperOrderChoice of DeveloperOrderField { CreatedAt = "CREATED_AT", Email = "EMAIL" }
}
