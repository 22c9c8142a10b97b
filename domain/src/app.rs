//! Apps: the applications that developers register against API products.

/// Whether an app's credentials may open anything.
///
/// ```text
///   create ─► ACTIVE ─suspend (admin)─► SUSPENDED
///                ▲─────resume (admin)──────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum AppStatus {
    /// In use.
    Active,
    /// All of its credentials are stopped, reversibly.
    Suspended,
}
