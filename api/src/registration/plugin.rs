//! Plugins in the schema: what the gateway enforces on a version.

use async_graphql::{Context, Result, SimpleObject};
use domain::plugin::{Plugin as Enforced, PluginStrategy, plugins};
use serde_json::json;

use crate::{graphql::scalar::Json, loader::RequestContext as _, version::service::VersionRecord};

/// Something that the gateway enforces on a version.
#[derive(Clone, Debug, SimpleObject)]
pub struct Plugin {
    /// What it is: acl, key-auth.
    name: String,
    /// Whether it follows from the version's registration, and cannot be changed by itself.
    read_only: bool,
    /// Its settings.
    config: Json,
}

impl From<Enforced> for Plugin {
    fn from(enforced: Enforced) -> Self {
        let name = enforced.name().to_owned();
        let config = match enforced {
            Enforced::Acl { allow } => json!({ "allow": [allow.to_string()] }),
            Enforced::KeyAuth {
                key_names,
                credential_ttl_days,
            } => json!({ "keyNames": key_names, "credentialTtlDays": credential_ttl_days }),
            Enforced::OpenidConnect => json!({}),
        };
        Self {
            name,
            read_only: true,
            config: Json(config),
        }
    }
}

/// The plugins of a version that the viewer sees.
///
/// # Errors
/// When the strategy cannot be loaded.
pub(crate) async fn of(context: &Context<'_>, version: &VersionRecord) -> Result<Vec<Plugin>> {
    let strategy = match version.auth_strategy_id {
        Some(id) => context.load(id).await?,
        None => None,
    };
    let strategy = strategy.as_ref().map(|strategy| PluginStrategy {
        kind: strategy.kind,
        key_names: &strategy.key_names,
        credential_ttl_days: strategy.credential_ttl_days,
    });
    Ok(plugins(version.id, strategy.as_ref())
        .into_iter()
        .map(Plugin::from)
        .collect())
}
