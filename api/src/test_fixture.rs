//! A control plane on a database of its own, for tests that run operations of the schema.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use async_graphql::{Request, Variables};
use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    api_key::ApiKeyPrefix,
    app::AppStatus,
    credential::CredentialKind,
    developer::DeveloperStatus,
    id::{AccessRequestId, AdminId, AppId, AuthStrategyId, CredentialId, DeveloperId, ProductId, VersionId},
    limits::Limits,
    version::VersionLifecycle,
    viewer::Viewer,
};
use entity::{access_request, app, audit_event, credential, developer, product, version};
use gateway::usage::Usage;
use sea_orm::{ActiveModelBehavior, ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::{
    answer_cache::AnswerCache,
    change::{ChangeWatch, Follower},
    context::CallContext,
    control_plane::ControlPlane,
    database::Database,
    gateway_node::GatewayNodes,
    graphql::{Schema, schema},
    initial_data,
    loader::{self, Batches},
    session::{
        access_token::AccessTokens,
        directory::AccountDirectory,
        password::PasswordHasher,
        signing_key::{SigningKeys, generate_pem},
        throttle::{Throttle, ThrottleLimits},
    },
};

/// A control plane with its schema, on a database of its own.
pub(crate) struct Fixture {
    pub(crate) plane: Arc<ControlPlane>,
    pub(crate) admin: Viewer,
    schema: Schema,
    last_instant: AtomicI64,
    _directory: TempDir,
}

/// The URL of a database with tables and no row: a SQLite file in `directory`; or, when `PORTICO_TEST_POSTGRES_URL`
/// names a server (`postgres://user@host:port`), a new database there, which goes with the server.
pub(crate) async fn database_url(directory: &Path) -> String {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let Some(server) = test_cluster::Server::from_environment().unwrap() else {
        return Database::sqlite_url(directory);
    };
    let make_template = async || {
        let name = server.create_database(None).unwrap();
        let database = Database::connect(&server.database_url(&name)).await.unwrap();
        database.migrate().await.unwrap();
        database.close().await.unwrap();
        name
    };
    // Copying a database takes a fraction of the time that the migrations take.
    let template = TEMPLATE.get_or_init(make_template).await;
    server.database_url(&server.create_database(Some(template)).unwrap())
}

/// A control plane on a database. The gateway's public URL is `http://localhost:8000`.
pub(crate) async fn plane(database_url: &str) -> ControlPlane {
    let database = Database::connect(database_url).await.unwrap();
    database.migrate().await.unwrap();
    plane_on(database)
}

/// Another node's control plane, on a database that has been migrated.
pub(crate) fn plane_on(database: Database) -> ControlPlane {
    let (writer, snapshot) = gateway::snapshot::channel();
    let accounts = Arc::new(AccountDirectory::new());
    let keys = SigningKeys::from_pem(&generate_pem().unwrap(), &generate_pem().unwrap()).unwrap();
    ControlPlane {
        follower: Arc::new(Follower::new(database.clone(), Arc::clone(&accounts), writer)),
        answers: Some(Arc::new(AnswerCache::new(
            ChangeWatch::new(database.clone()),
            1024 * 1024,
        ))),
        database,
        directory: accounts,
        access_tokens: AccessTokens::new(keys),
        passwords: PasswordHasher::with_limits(NonZeroUsize::MIN, 1).unwrap(),
        throttle: Throttle::new(ThrottleLimits::default()),
        snapshot,
        usage: Arc::new(Usage::new()),
        gateway_nodes: GatewayNodes::default(),
        limits: Limits::default(),
        gateway_public_url: "http://localhost:8000".to_owned(),
        key_prefix: ApiKeyPrefix::default(),
    }
}

impl Fixture {
    /// A fresh one, with the portal and the built-in strategy.
    pub(crate) async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let plane = plane(&database_url(directory.path()).await).await;
        initial_data::ensure(&plane).await.unwrap();
        plane.follower.load().await.unwrap();
        Self {
            plane: Arc::new(plane),
            admin: Viewer::Admin { id: AdminId::new() },
            schema: schema(),
            last_instant: AtomicI64::default(),
            _directory: directory,
        }
    }

    /// Executes an operation with the viewer's eyes; the whole response as JSON.
    pub(crate) async fn execute(&self, viewer: Viewer, document: &str, variables: Value) -> Value {
        let call = CallContext {
            viewer,
            ..CallContext::internal()
        };
        let batches = Batches::default();
        let request = Request::new(document)
            .variables(Variables::from_json(variables))
            .data(loader::for_request(Arc::clone(&self.plane), call.clone(), &batches))
            .data(Arc::clone(&self.plane))
            .data(call);
        serde_json::to_value(batches.run(self.schema.execute(request)).await).unwrap()
    }

    /// Executes an admin's mutation, which is its document's one root field, and answers its payload. Top-level errors
    /// fail the test.
    pub(crate) async fn mutate(&self, document: &str, input: Value) -> Value {
        self.mutate_as(self.admin, document, input).await
    }

    /// Executes the viewer's mutation, which is its document's one root field, and answers its payload. Top-level
    /// errors fail the test.
    pub(crate) async fn mutate_as(&self, viewer: Viewer, document: &str, input: Value) -> Value {
        let variables = serde_json::json!({ "input": input });
        let mut response = self.execute(viewer, document, variables).await;
        assert!(response.get("errors").is_none(), "{response:#}");
        let data = response["data"].as_object_mut().unwrap();
        assert_eq!(data.len(), 1, "{data:?}");
        data.values_mut().next().unwrap().take()
    }

    /// Executes an admin's query and answers its data. Top-level errors fail the test.
    pub(crate) async fn query(&self, document: &str, variables: Value) -> Value {
        let mut response = self.execute(self.admin, document, variables).await;
        assert!(response.get("errors").is_none(), "{response:#}");
        response["data"].take()
    }

    /// How often each action was recorded, by name.
    pub(crate) async fn audited(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for event in audit_event::Entity::find()
            .all(self.plane.database.read())
            .await
            .unwrap()
        {
            *counts.entry(event.action).or_default() += 1;
        }
        counts
    }

    async fn insert<A>(&self, row: A)
    where
        A: ActiveModelTrait + ActiveModelBehavior + Send,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    {
        row.insert(self.plane.database.read()).await.unwrap();
    }

    /// A published product.
    pub(crate) async fn product(&self, slug: &str) -> ProductId {
        let id = ProductId::new();
        let now = self.next_instant();
        self.insert(product::ActiveModel {
            id: Set(id.uuid()),
            slug: Set(slug.to_owned()),
            name: Set(slug.to_owned()),
            name_folded: Set(slug.to_owned()),
            description: Set(None),
            published_at: Set(Some(now)),
            created_at: Set(now),
            updated_at: Set(now),
        })
        .await;
        id
    }

    /// A version without a gateway service and without a strategy.
    pub(crate) async fn version(&self, product: ProductId, name: &str, lifecycle: VersionLifecycle) -> VersionId {
        let id = VersionId::new();
        let now = self.next_instant();
        self.insert(version::ActiveModel {
            id: Set(id.uuid()),
            product_id: Set(product.uuid()),
            name: Set(name.to_owned()),
            lifecycle: Set(lifecycle.into()),
            upstream_url: Set(None),
            registration_enabled: Set(false),
            auto_approve: Set(false),
            auth_strategy_id: Set(None),
            created_at: Set(now),
            updated_at: Set(now),
        })
        .await;
        id
    }

    /// Now, and later than what it answered before: lists by time have one order, however fast rows are made. (Ids of
    /// one millisecond have none.)
    fn next_instant(&self) -> i64 {
        let now = Timestamp::now().as_millis();
        let last = self.last_instant.load(Ordering::Relaxed);
        let next = now.max(last + 1);
        self.last_instant.store(next, Ordering::Relaxed);
        next
    }

    /// A version's row as it is now.
    pub(crate) async fn version_row(&self, id: VersionId) -> version::Model {
        let found = version::Entity::find_by_id(id.uuid())
            .one(self.plane.database.read())
            .await;
        found.unwrap().unwrap()
    }

    /// An approved developer.
    pub(crate) async fn developer(&self, email: &str) -> DeveloperId {
        let id = DeveloperId::new();
        self.insert(developer::ActiveModel {
            id: Set(id.uuid()),
            email: Set(email.to_owned()),
            email_normalised: Set(email.to_owned()),
            full_name: Set(email.to_owned()),
            password_hash: Set("none".to_owned()),
            status: Set(DeveloperStatus::Approved.into()),
            decided_by: Set(None),
            decision_automatic: Set(false),
            decided_at: Set(None),
            decision_reason: Set(None),
            created_at: Set(self.next_instant()),
        })
        .await;
        id
    }

    /// An active app.
    pub(crate) async fn app(&self, developer: DeveloperId, reference_id: &str) -> AppId {
        let id = AppId::new();
        let now = self.next_instant();
        self.insert(app::ActiveModel {
            id: Set(id.uuid()),
            developer_id: Set(developer.uuid()),
            name: Set(reference_id.to_owned()),
            name_folded: Set(reference_id.to_owned()),
            reference_id: Set(reference_id.to_owned()),
            reference_id_folded: Set(reference_id.to_owned()),
            description: Set(None),
            status: Set(AppStatus::Active.into()),
            suspended_by: Set(None),
            suspended_at: Set(None),
            suspension_reason: Set(None),
            created_at: Set(now),
            updated_at: Set(now),
        })
        .await;
        id
    }

    /// A live API key of the app, made for the strategy.
    pub(crate) async fn credential(&self, app: AppId, strategy: AuthStrategyId) -> CredentialId {
        let id = CredentialId::new();
        self.insert(credential::ActiveModel {
            id: Set(id.uuid()),
            app_id: Set(app.uuid()),
            auth_strategy_id: Set(strategy.uuid()),
            kind: Set(CredentialKind::ApiKey.into()),
            name: Set("key".to_owned()),
            key_hash: Set(Some([id.uuid().as_bytes().as_slice(); 2].concat())),
            hint: Set("ptk_…0000".to_owned()),
            client_id: Set(None),
            created_at: Set(self.next_instant()),
            expires_at: Set(None),
            revoked_at: Set(None),
            replaced_by: Set(None),
            last_used_at: Set(None),
        })
        .await;
        id
    }

    /// A request of the app for the version, in this state.
    pub(crate) async fn access_request(
        &self,
        (developer, app): (DeveloperId, AppId),
        version: VersionId,
        status: AccessRequestStatus,
    ) -> AccessRequestId {
        let id = AccessRequestId::new();
        let now = self.next_instant();
        self.insert(access_request::ActiveModel {
            id: Set(id.uuid()),
            app_id: Set(app.uuid()),
            version_id: Set(version.uuid()),
            developer_id: Set(developer.uuid()),
            status: Set(status.into()),
            justification: Set(None),
            decided_by: Set(None),
            decision_automatic: Set(false),
            decided_at: Set(None),
            decision_reason: Set(None),
            created_at: Set(now),
            updated_at: Set(now),
        })
        .await;
        id
    }
}
