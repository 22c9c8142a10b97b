//! What an empty database begins with: the portal and the built-in strategy.

use domain::{
    audit::AuditAction,
    auth_strategy::AuthStrategyType,
    id::{AuthStrategyId, PortalId},
    key_name,
    portal::PortalSettings,
};

use crate::{
    audit::record::AuditRecord,
    auth_strategy::store::{self as strategies, AuthStrategyRecord},
    change::Subject,
    context::CallContext,
    control_plane::ControlPlane,
    database::advisory_lock::AdvisoryLock,
    error::ServiceError,
    portal::store::{self as portals, PortalRecord},
};

/// What a new portal is called until an admin changes it.
const PORTAL_NAME: &str = "Developer portal";
/// What the built-in strategy is called.
const STRATEGY_NAME: &str = "key-auth";

/// Makes the portal and the built-in `key-auth` strategy, unless the database has them; both or neither, and once,
/// however many processes start on it together. The tables must be there already.
///
/// # Errors
/// When the database fails; nothing was made then.
pub async fn ensure(plane: &ControlPlane) -> Result<(), ServiceError> {
    let mut transaction = plane.write().await?;
    AdvisoryLock::InitialData.take(&*transaction).await?;
    if portals::exists(&*transaction).await? {
        return Ok(());
    }
    let call = CallContext::internal();
    let portal = PortalRecord {
        id: PortalId::new(),
        name: PORTAL_NAME.to_owned(),
        settings: PortalSettings::default(),
    };
    portals::insert(&*transaction, &portal, call.now).await?;
    transaction.changed(Subject::Portal, portal.id.uuid());
    let strategy = AuthStrategyRecord {
        id: AuthStrategyId::new(),
        kind: AuthStrategyType::KeyAuth,
        name: STRATEGY_NAME.to_owned(),
        built_in: true,
        key_names: vec![key_name::DEFAULT.to_owned()],
        credential_ttl_days: None,
        created_at: call.now,
    };
    strategies::insert(&*transaction, &strategy).await?;
    transaction.changed(Subject::AuthStrategy, strategy.id.uuid());
    transaction.audit(AuditRecord::new(&call, AuditAction::AuthStrategyCreate, strategy.id).by("system"));
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use entity::{auth_strategy, portal};
    use sea_orm::EntityTrait as _;
    use tempfile::TempDir;

    use super::*;
    use crate::test_fixture;

    #[tokio::test]
    async fn happens_once_however_many_start_together() {
        let directory = TempDir::new().unwrap();
        let url = test_fixture::database_url(directory.path()).await;
        // The first one makes the tables, so that only the filling is raced for.
        let first = test_fixture::plane(&url).await;
        let others = [test_fixture::plane(&url).await, test_fixture::plane(&url).await];
        let results = futures_util::future::join3(ensure(&first), ensure(&others[0]), ensure(&others[1])).await;
        results.0.unwrap();
        results.1.unwrap();
        results.2.unwrap();
        ensure(&first).await.unwrap();

        let connection = first.database.read();
        let portals = portal::Entity::find().all(connection).await.unwrap();
        assert_eq!(portals.len(), 1);
        let settings = portals.into_iter().map(PortalRecord::from).next().unwrap().settings;
        assert_eq!(settings, PortalSettings::default());
        let rows = auth_strategy::Entity::find().all(connection).await.unwrap();
        assert_eq!(rows.len(), 1);
        let strategy = strategies::built_in(connection).await.unwrap();
        assert_eq!(
            (strategy.name.as_str(), strategy.key_names),
            ("key-auth", vec!["apikey".to_owned()])
        );
    }
}
