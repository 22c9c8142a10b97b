//! What tests of credentials begin with.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    developer::DeveloperStatus,
    id::{AppId, AuthStrategyId, DeveloperId, VersionId},
    version::VersionLifecycle,
    viewer::Viewer,
};
use entity::{auth_strategy, version};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, IntoActiveModel as _};
use serde_json::{Value, json};

use crate::{auth_strategy::store as strategies, test_fixture::Fixture};

pub(super) const GENERATE: &str = "mutation ($input: GenerateCredentialInput!) { generateCredential(input: $input) {
    credential { id name kind status hint clientId expiresAt revokedAt replacedBy { id } lastUsedAt allowedActions
        app { id } authStrategy { id } }
    secret replayed userErrors { field code } } }";
pub(super) const ROTATE: &str = "mutation ($input: RotateCredentialInput!) { rotateCredential(input: $input) {
    credential { id name status hint createdAt expiresAt authStrategy { id } } secret replayed userErrors { field code }
    } }";
pub(super) const REVOKE: &str = "mutation ($input: RevokeCredentialInput!) { revokeCredential(input: $input) {
    credential { id status allowedActions } userErrors { field code } } }";
pub(super) const NODE: &str = "query ($id: ID!) { node(id: $id) { ... on Credential {
    status createdAt expiresAt replacedBy { id } lastUsedAt allowedActions } } }";

/// An approved developer with an app, and a version that the app is approved for.
pub(super) struct Scene {
    pub(super) fixture: Fixture,
    pub(super) ada: DeveloperId,
    pub(super) own: Viewer,
    pub(super) app: AppId,
    pub(super) version: VersionId,
    pub(super) built_in: AuthStrategyId,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let fixture = Fixture::new().await;
        let built_in = strategies::built_in(fixture.plane.database.read()).await.unwrap().id;
        let ada = fixture.developer("ada@example.com").await;
        let app = fixture.app(ada, "adas").await;
        let product = fixture.product("payments").await;
        let version = fixture.version(product, "v1", VersionLifecycle::Active).await;
        let scene = Self {
            own: Viewer::Developer {
                id: ada,
                status: DeveloperStatus::Approved,
            },
            fixture,
            ada,
            app,
            version,
            built_in,
        };
        scene.put(version, built_in).await;
        scene.request(version).await;
        scene.fixture.plane.follower.load().await.unwrap();
        scene
    }

    /// Puts the version under the strategy.
    pub(super) async fn put(&self, version: VersionId, strategy: AuthStrategyId) {
        let mut row: version::ActiveModel = self.fixture.version_row(version).await.into_active_model();
        row.auth_strategy_id = Set(Some(strategy.uuid()));
        row.update(self.fixture.plane.database.read()).await.unwrap();
    }

    pub(super) async fn request(&self, version: VersionId) {
        let owner = (self.ada, self.app);
        self.fixture
            .access_request(owner, version, AccessRequestStatus::Approved)
            .await;
    }

    pub(super) async fn strategy(&self, name: &str, kind: auth_strategy::Kind) -> AuthStrategyId {
        let id = AuthStrategyId::new();
        let row = auth_strategy::ActiveModel {
            id: Set(id.uuid()),
            kind: Set(kind),
            name: Set(name.to_owned()),
            built_in: Set(false),
            key_names: Set("[\"x-key\"]".to_owned()),
            credential_ttl_days: Set(None),
            created_at: Set(Timestamp::now().as_millis()),
        };
        row.insert(self.fixture.plane.database.read()).await.unwrap();
        id
    }

    pub(super) async fn generate(&self, mut input: Value) -> Value {
        input["appId"] = json!(self.app.to_string());
        self.fixture.mutate_as(self.own, GENERATE, input).await
    }

    pub(super) async fn rotate(&self, id: &str, mut input: Value) -> Value {
        input["id"] = json!(id);
        self.fixture.mutate_as(self.own, ROTATE, input).await
    }

    pub(super) async fn node(&self, id: &str) -> Value {
        let response = self.fixture.execute(self.own, NODE, json!({ "id": id })).await;
        assert_eq!(response["errors"], Value::Null);
        response["data"]["node"].clone()
    }

    /// The credentials that open something at the gateway `after` so long from now.
    pub(super) fn open_after(&self, after: Duration) -> BTreeSet<String> {
        let snapshot = self.fixture.plane.snapshot.load().unwrap();
        let grants = snapshot.grants(Timestamp::now().saturating_add(after));
        grants
            .into_iter()
            .map(|grant| grant.credential_id.to_string())
            .collect()
    }

    pub(super) fn open_now(&self) -> BTreeSet<String> {
        self.open_after(Duration::ZERO)
    }
}

pub(super) fn id_of(payload: &Value) -> String {
    payload["credential"]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{payload}"))
        .to_owned()
}

pub(super) fn refused(field: Value, code: &str) -> Value {
    json!([{ "field": field, "code": code }])
}

pub(super) fn instant(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

pub(super) fn one(id: &str) -> BTreeSet<String> {
    BTreeSet::from([id.to_owned()])
}
