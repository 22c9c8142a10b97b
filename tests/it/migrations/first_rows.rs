//! A row of each of the first tables, as the first release wrote it.

use domain::api_key::ApiKey;
use sea_orm::{DbBackend, Statement};

/// The key of the credential.
pub(super) const KEY: &str = "ptk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA16emvW";

const PORTAL: u8 = 1;
const ADMIN: u8 = 2;
const DEVELOPER: u8 = 3;
const SESSION: u8 = 4;
const PRODUCT: u8 = 5;
const STRATEGY: u8 = 6;
const VERSION: u8 = 7;
const APP: u8 = 8;
const ACCESS_REQUEST: u8 = 9;
const CREDENTIAL: u8 = 10;
const AUDIT_EVENT: u8 = 11;

/// A table, and one row of it: columns and what stands in them, as SQL. Never edited, like the steps.
pub(super) struct Row {
    pub(super) table: &'static str,
    columns: Vec<(&'static str, String)>,
}

impl Row {
    pub(super) fn insertion(&self) -> String {
        let (names, values): (Vec<_>, Vec<_>) = self
            .columns
            .iter()
            .map(|(name, value)| (format!("\"{name}\""), value.as_str()))
            .unzip();
        let (names, values) = (names.join(", "), values.join(", "));
        format!("INSERT INTO {} ({names}) VALUES ({values})", self.table)
    }

    /// Reads these columns back, each as the database itself writes it down.
    pub(super) fn reading(&self, backend: DbBackend) -> Statement {
        let quote = match backend {
            DbBackend::Sqlite => "quote",
            _ => "quote_nullable",
        };
        let columns = self.columns.iter().map(|(name, _)| format!("{quote}(\"{name}\")"));
        let columns = columns.collect::<Vec<_>>().join(" || ', ' || ");
        let sql = format!("SELECT {columns} AS written FROM {} ORDER BY written", self.table);
        Statement::from_string(backend, sql)
    }
}

/// One row of each table. The app may call the version, which serves `/mock` from `upstream`.
pub(super) fn rows(backend: DbBackend, upstream: &str) -> Vec<Row> {
    let bytes = |bytes: &[u8]| {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match backend {
            DbBackend::Sqlite => format!("X'{hex}'"),
            _ => format!("'\\x{hex}'"),
        }
    };
    let id = |number: u8| match backend {
        DbBackend::Sqlite => bytes(&[number; 16]),
        _ => format!("'{}'", sea_orm::prelude::Uuid::from_bytes([number; 16])),
    };
    let text = |text: &str| format!("'{text}'");
    let number = |number: i64| number.to_string();
    let yes = || "TRUE".to_owned();
    let no = || "FALSE".to_owned();
    let at = || "1767225600000".to_owned();
    let never = || "4102444800000".to_owned();
    let hash = ApiKey::parse(KEY.as_bytes()).unwrap().hash();
    let row = |table, columns: &[(&'static str, String)]| Row {
        table,
        columns: columns.to_vec(),
    };
    vec![
        row(
            "portal",
            &[
                ("id", id(PORTAL)),
                ("name", text("The portal")),
                ("is_public", no()),
                ("auto_approve_developers", no()),
                ("auto_approve_access_requests", yes()),
                ("created_at", at()),
            ],
        ),
        row(
            "admin",
            &[
                ("id", id(ADMIN)),
                ("email", text("Ada@example.com")),
                ("email_normalised", text("ada@example.com")),
                ("full_name", text("Ada Admin")),
                ("password_hash", text("$argon2id$")),
                ("created_at", at()),
            ],
        ),
        row(
            "developer",
            &[
                ("id", id(DEVELOPER)),
                ("email", text("Dana@example.com")),
                ("email_normalised", text("dana@example.com")),
                ("full_name", text("Dana Developer")),
                ("password_hash", text("$argon2id$")),
                ("status", text("APPROVED")),
                ("decided_by", id(ADMIN)),
                ("decision_automatic", no()),
                ("decided_at", at()),
                ("decision_reason", text("known")),
                ("created_at", at()),
            ],
        ),
        row(
            "session",
            &[
                ("id", id(SESSION)),
                ("realm", text("PORTAL")),
                ("account_id", id(DEVELOPER)),
                ("created_at", at()),
                ("expires_at", never()),
                ("ended_at", "NULL".to_owned()),
            ],
        ),
        row(
            "refresh_token",
            &[
                ("hash", bytes(&[1; 32])),
                ("session_id", id(SESSION)),
                ("created_at", at()),
                ("expires_at", never()),
                ("used_at", at()),
            ],
        ),
        row(
            "password_reset",
            &[
                ("hash", bytes(&[2; 32])),
                ("developer_id", id(DEVELOPER)),
                ("created_at", at()),
                ("expires_at", never()),
            ],
        ),
        row(
            "sign_up_hold",
            &[("email_normalised", text("mallory@example.com")), ("held_at", at())],
        ),
        row(
            "product",
            &[
                ("id", id(PRODUCT)),
                ("slug", text("mock")),
                ("name", text("Mock")),
                ("name_folded", text("mock")),
                ("description", text("says what it saw")),
                ("published_at", at()),
                ("created_at", at()),
                ("updated_at", at()),
            ],
        ),
        row(
            "product_label",
            &[
                ("product_id", id(PRODUCT)),
                ("key", text("team")),
                ("value", text("payments")),
            ],
        ),
        row(
            "product_document",
            &[
                ("product_id", id(PRODUCT)),
                ("slug", text("start")),
                ("position", number(0)),
                ("title", text("Start")),
                ("body", text("# Start")),
            ],
        ),
        row(
            "auth_strategy",
            &[
                ("id", id(STRATEGY)),
                ("kind", text("KEY_AUTH")),
                ("name", text("key-auth")),
                ("built_in", yes()),
                ("key_names", text(r#"["apikey"]"#)),
                ("credential_ttl_days", "NULL".to_owned()),
                ("created_at", at()),
            ],
        ),
        row(
            "version",
            &[
                ("id", id(VERSION)),
                ("product_id", id(PRODUCT)),
                ("name", text("v1")),
                ("lifecycle", text("ACTIVE")),
                ("upstream_url", text(upstream)),
                ("registration_enabled", yes()),
                ("auto_approve", no()),
                ("auth_strategy_id", id(STRATEGY)),
                ("created_at", at()),
                ("updated_at", at()),
            ],
        ),
        row(
            "version_specification",
            &[("version_id", id(VERSION)), ("document", text("openapi: 3.1.0"))],
        ),
        row(
            "route",
            &[
                ("version_id", id(VERSION)),
                ("position", number(0)),
                ("hosts", text("[]")),
                ("paths", text(r#"["/mock"]"#)),
                ("methods", text("[]")),
                ("strip_path", yes()),
            ],
        ),
        row("route_path", &[("path", text("/mock")), ("version_id", id(VERSION))]),
        row(
            "app",
            &[
                ("id", id(APP)),
                ("developer_id", id(DEVELOPER)),
                ("name", text("Banking")),
                ("name_folded", text("banking")),
                ("reference_id", text("Banking-1")),
                ("reference_id_folded", text("banking-1")),
                ("description", "NULL".to_owned()),
                ("status", text("ACTIVE")),
                ("suspended_by", "NULL".to_owned()),
                ("suspended_at", "NULL".to_owned()),
                ("suspension_reason", "NULL".to_owned()),
                ("created_at", at()),
                ("updated_at", at()),
            ],
        ),
        row(
            "reference_id_claim",
            &[
                ("reference_id", text("Banking-1")),
                ("email_normalised", text("dana@example.com")),
            ],
        ),
        row(
            "access_request",
            &[
                ("id", id(ACCESS_REQUEST)),
                ("app_id", id(APP)),
                ("version_id", id(VERSION)),
                ("developer_id", id(DEVELOPER)),
                ("status", text("APPROVED")),
                ("justification", text("to pay")),
                ("decided_by", "NULL".to_owned()),
                ("decision_automatic", yes()),
                ("decided_at", at()),
                ("decision_reason", "NULL".to_owned()),
                ("created_at", at()),
                ("updated_at", at()),
            ],
        ),
        row(
            "access_request_hold",
            &[
                ("email_normalised", text("mallory@example.com")),
                ("version_id", id(VERSION)),
                ("held_at", at()),
            ],
        ),
        row(
            "credential",
            &[
                ("id", id(CREDENTIAL)),
                ("app_id", id(APP)),
                ("auth_strategy_id", id(STRATEGY)),
                ("kind", text("API_KEY")),
                ("name", text("first")),
                ("key_hash", bytes(hash.as_bytes())),
                ("hint", text("ptk_…0000")),
                ("client_id", "NULL".to_owned()),
                ("created_at", at()),
                ("expires_at", "NULL".to_owned()),
                ("revoked_at", "NULL".to_owned()),
                ("replaced_by", "NULL".to_owned()),
                ("last_used_at", at()),
            ],
        ),
        row(
            "audit_event",
            &[
                ("id", id(AUDIT_EVENT)),
                ("at", at()),
                ("actor", text("system")),
                ("action", text("portal.update")),
                ("subject_id", text("portal_1")),
                ("reason", "NULL".to_owned()),
                ("request_id", text("r-1")),
                ("client_address", text("192.0.2.1")),
                ("before", text("{}")),
                ("after", text("{}")),
            ],
        ),
        row(
            "idempotency_key",
            &[
                ("caller", text("dev_1")),
                ("mutation", text("createApp")),
                ("key", text("k")),
                ("input_hash", bytes(&[3; 32])),
                ("subject_id", id(APP)),
                ("created_at", never()),
            ],
        ),
        row(
            "change_log",
            &[("subject", text("APP")), ("subject_id", id(APP)), ("at", never())],
        ),
    ]
}
