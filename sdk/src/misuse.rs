//! What must not compile, each beside its like that does. Built for the documentation's tests alone.
//!
//! An app's id is no version's:
//!
//! ```
//! # async fn f(portico: portico_sdk::Portico, app: portico_sdk::AppId, version: portico_sdk::VersionId) {
//! portico.versions().get(&version).await;
//! # }
//! ```
//!
//! ```compile_fail,E0308
//! # async fn f(portico: portico_sdk::Portico, app: portico_sdk::AppId, version: portico_sdk::VersionId) {
//! portico.versions().get(&app).await;
//! # }
//! ```
//!
//! Nor can the two be swapped in a request:
//!
//! ```
//! # fn f(app: portico_sdk::AppId, version: portico_sdk::VersionId) {
//! portico_sdk::RequestAccessInput::new(&app, &version);
//! # }
//! ```
//!
//! ```compile_fail,E0277
//! # fn f(app: portico_sdk::AppId, version: portico_sdk::VersionId) {
//! portico_sdk::RequestAccessInput::new(&version, &app);
//! # }
//! ```
//!
//! A key is shown where that is asked for, neither printed nor serialised:
//!
//! ```
//! # fn f(key: portico_sdk::ApiKey) {
//! format!("{}", key.expose());
//! # }
//! ```
//!
//! ```compile_fail,E0277
//! # fn f(key: portico_sdk::ApiKey) {
//! format!("{key}");
//! # }
//! ```
//!
//! ```compile_fail,E0277
//! # fn f(key: portico_sdk::ApiKey) {
//! serde_json::to_string(&key);
//! # }
//! ```
//!
//! ```compile_fail,E0277
//! # fn f(tokens: portico_sdk::SessionTokens) {
//! serde_json::to_string(&tokens);
//! # }
//! ```
//!
//! A password is no plain text:
//!
//! ```
//! # fn f(password: portico_sdk::SecretString) {
//! portico_sdk::SignUpInput::new("dev@example.com", password, "Dev");
//! # }
//! ```
//!
//! ```compile_fail,E0308
//! # fn f(password: String) {
//! portico_sdk::SignUpInput::new("dev@example.com", password, "Dev");
//! # }
//! ```
//!
//! A state that a newer server adds is thought of:
//!
//! ```
//! # fn f(status: portico_sdk::AppStatus) -> bool {
//! use portico_sdk::AppStatus::{Active, Suspended, Unknown};
//! match status { Active => true, Suspended | Unknown(_) => false, _ => false }
//! # }
//! ```
//!
//! ```compile_fail,E0004
//! # fn f(status: portico_sdk::AppStatus) -> bool {
//! use portico_sdk::AppStatus::{Active, Suspended, Unknown};
//! match status { Active => true, Suspended | Unknown(_) => false }
//! # }
//! ```
//!
//! Inputs and errors may grow: neither is built or taken apart field by field outside of the crate.
//!
//! ```compile_fail,E0639
//! # fn f(field: portico_sdk::AppOrderField, direction: portico_sdk::OrderDirection) {
//! portico_sdk::AppOrder { field, direction };
//! # }
//! ```
//!
//! ```
//! # fn f(field: portico_sdk::AppOrderField, direction: portico_sdk::OrderDirection) {
//! portico_sdk::AppOrder::new(field, direction);
//! # }
//! ```
//!
//! ```compile_fail,E0638
//! # fn f(error: portico_sdk::Error) -> bool {
//! matches!(error, portico_sdk::Error::NotFound { what: "App" })
//! # }
//! ```
//!
//! ```
//! # fn f(error: portico_sdk::Error) -> bool {
//! matches!(error, portico_sdk::Error::NotFound { what: "App", .. })
//! # }
//! ```
//!
//! Lists are the crate's own, and only those that can be ordered are:
//!
//! ```compile_fail,E0277
//! #[derive(Clone)]
//! struct Mine;
//! impl portico_sdk::page::Listing for Mine {}
//! ```
//!
//! ```compile_fail,E0599
//! # fn f(portico: portico_sdk::Portico, order: portico_sdk::AppOrder) {
//! let _ = portico.audit_events().list().order_by(order);
//! # }
//! ```
//!
//! ```
//! # fn f(portico: portico_sdk::Portico, order: portico_sdk::AppOrder) {
//! let _ = portico.apps().list().order_by(order);
//! # }
//! ```
