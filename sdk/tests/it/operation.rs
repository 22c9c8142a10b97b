//! Every operation: its text, what it sends, and that none of the schema's is missing.

use std::{collections::BTreeSet, fmt::Debug, future::Future};

use async_graphql_parser::{
    parse_query, parse_schema,
    types::{DocumentOperations, Selection, TypeKind, TypeSystemDefinition},
};
use portico_sdk::{
    AccessRequestFilter, AccessRequestId, AccessRequestOrder, AccessRequestOrderField, AccessRequestStatus, AppFilter,
    AppId, AppOrder, AppOrderField, AppStatus, AuditEventFilter, AuditEventId, AuthStrategyId, CreateAppInput,
    CreateGatewayTokenInput, CreateKeyAuthStrategyInput, CreateProductInput, CreateVersionInput, CredentialId,
    DeveloperFilter, DeveloperId, DeveloperOrder, DeveloperOrderField, DeveloperStatus, DocumentInput,
    EnableRegistrationInput, Error, ErrorCode, GatewayNodeId, GatewayTokenId, GenerateCredentialInput, LabelInput,
    NodeId, OrderDirection, Patch, Portico, ProductFilter, ProductId, ProductOrder, ProductOrderField,
    ProductVersionFilter, Realm, RejectAccessRequestInput, RequestAccessInput, RevokeAccessRequestInput,
    RotateCredentialInput, RouteInput, SCHEMA, SecretString, SetGatewayServiceInput, SignUpInput, Timestamp,
    UpdateAppInput, UpdateKeyAuthStrategyInput, UpdatePortalInput, UpdateProductInput, UpdateVersionInput, VersionId,
    VersionLifecycle,
};
use serde_json::{Value, json};

use crate::server::{answering_graphql, client_with, tokens};

/// One operation as it was sent.
pub(crate) struct Sent {
    name: String,
    query: String,
    variables: Value,
}

impl Sent {
    pub(crate) fn of(body: &Value) -> Self {
        Self {
            name: body["operationName"].as_str().unwrap().to_owned(),
            query: body["query"].as_str().unwrap().to_owned(),
            variables: body["variables"].clone(),
        }
    }
}

/// Runs a call against a server that refuses everything, and checks that it did go out.
async fn refused<T: Debug>(call: impl Future<Output = Result<T, Error>>) {
    let error = call.await.unwrap_err();
    let error = match &error {
        Error::Session { source, .. } => source,
        other => other,
    };
    assert!(error.has_code(&ErrorCode::Internal), "{error:?}");
}

async fn all_operations() -> Vec<Sent> {
    let refusal = json!({"data": null, "errors": [{"message": "no", "extensions": {"code": "INTERNAL"}}]});
    let server = answering_graphql(refusal).await;
    let portico = client_with(&server, tokens("access", "refresh", 3600));
    sessions(&portico).await;
    refused(client_with(&server, tokens("stale", "refresh", 0)).viewer()).await;
    catalog(&portico).await;
    apps(&portico).await;
    administration(&portico).await;
    let requests = server.received_requests().await.unwrap();
    let sent = requests.iter().map(|request| Sent::of(&request.body_json().unwrap()));
    sent.collect()
}

async fn sessions(portico: &Portico) {
    let secret = |text: &str| SecretString::from(text);
    refused(portico.sign_up(SignUpInput::new("dev@example.com", secret("pw"), "Dev"))).await;
    refused(portico.sign_in(Realm::Portal, "dev@example.com", secret("pw"))).await;
    refused(portico.sign_out()).await;
    refused(portico.change_password(secret("old"), secret("new"))).await;
    refused(portico.reset_password(secret("token"), secret("new"))).await;
    refused(portico.viewer()).await;
    refused(portico.node(&AppId::new("app_1"))).await;
    refused(portico.nodes([NodeId::new("app_1"), NodeId::new("prod_1")])).await;
}

async fn catalog(portico: &Portico) {
    let (product, version) = (ProductId::new("prod_1"), VersionId::new("ver_1"));
    let products = portico.products();
    let order = ProductOrder::new(ProductOrderField::PublishedAt, OrderDirection::Desc);
    let filter = ProductFilter::new()
        .search("mo")
        .is_published(true)
        .labels([LabelInput::new("team", "pay")]);
    refused(
        products
            .list()
            .first(5)
            .after("cursor")
            .filter(filter)
            .order_by(order)
            .page(),
    )
    .await;
    refused(products.get(&product)).await;
    refused(products.get_by_slug("mock")).await;
    refused(products.documents(&product)).await;
    refused(products.document(&product, "start")).await;
    let documents = [DocumentInput::new("start", "Start", "# Start")];
    refused(
        products.create(
            CreateProductInput::new("Mock")
                .documents(documents)
                .idempotency_key("k"),
        ),
    )
    .await;
    let update = UpdateProductInput::new(&product)
        .description(Patch::Clear)
        .labels(vec![LabelInput::new("a", "b")]);
    refused(products.update(update)).await;
    refused(products.publish(&product)).await;
    refused(products.unpublish(&product)).await;
    refused(products.delete_forced(&product)).await;

    let versions = portico.versions();
    let filter = ProductVersionFilter::new()
        .registration_enabled(true)
        .lifecycle([VersionLifecycle::Active]);
    refused(versions.list(&product).last(5).before("cursor").filter(filter).page()).await;
    refused(versions.get(&version)).await;
    refused(versions.get_by_name(&product, "v1")).await;
    refused(versions.specification(&version)).await;
    refused(versions.eligible_apps(&version).first(100).page()).await;
    refused(versions.create(CreateVersionInput::new(&product, "v1").lifecycle(VersionLifecycle::Draft))).await;
    refused(versions.update(UpdateVersionInput::new(&version).specification(Patch::Clear))).await;
    refused(versions.set_lifecycle(&version, VersionLifecycle::Retired)).await;
    refused(versions.delete(&version)).await;

    let route = RouteInput::path("/mock")
        .hosts(["api.example.com"])
        .methods(["GET"])
        .strip_path(false);
    let service = SetGatewayServiceInput::new(&version, "http://127.0.0.1:9000", vec![route]);
    refused(portico.gateway_services().set(service)).await;
    refused(portico.gateway_services().remove(&version)).await;
    refused(
        portico
            .registrations()
            .enable(EnableRegistrationInput::new(&version).auto_approve(true)),
    )
    .await;
    refused(portico.registrations().disable_for_all_versions(&version)).await;
}

async fn apps(portico: &Portico) {
    let (app, version) = (AppId::new("app_1"), VersionId::new("ver_1"));
    let apps = portico.apps();
    let order = AppOrder::new(AppOrderField::Name, OrderDirection::Asc);
    let filter = AppFilter::new()
        .status([AppStatus::Active])
        .developer_id(DeveloperId::new("dev_1"));
    refused(apps.list().filter(filter).order_by(order).page()).await;
    refused(apps.get(&app)).await;
    refused(apps.create(CreateAppInput::new("Banking", "banking").description("Mobile"))).await;
    refused(apps.update(UpdateAppInput::new(&app).name("Bank").description(Patch::Clear))).await;
    refused(apps.delete(&app)).await;
    refused(apps.suspend(&app, "abuse")).await;
    refused(apps.suspend_and_wait(&app, "abuse")).await;
    refused(apps.resume(&app)).await;

    let (requests, request) = (portico.access_requests(), AccessRequestId::new("req_1"));
    let order = AccessRequestOrder::new(AccessRequestOrderField::UpdatedAt, OrderDirection::Desc);
    let filter = AccessRequestFilter::new()
        .status([AccessRequestStatus::Pending])
        .version_id(&version);
    refused(requests.list().filter(filter).order_by(order).page()).await;
    refused(requests.get(&request)).await;
    refused(requests.request(RequestAccessInput::new(&app, &version).justification("please"))).await;
    refused(requests.cancel(&request)).await;
    refused(requests.approve(&request, None)).await;
    refused(requests.reject(RejectAccessRequestInput::new(&request, "no").all_of_developer(true))).await;
    refused(requests.revoke(RevokeAccessRequestInput::new(&request, "over"))).await;
    let all = RevokeAccessRequestInput::new(&request, "over").all_of_developer(true);
    refused(requests.revoke_and_wait(all)).await;

    let (credentials, credential) = (portico.credentials(), CredentialId::new("cred_1"));
    let at: Timestamp = "2027-01-31T09:30:00Z".parse().unwrap();
    refused(credentials.list(&app).first(20).page()).await;
    refused(credentials.get(&credential)).await;
    refused(credentials.generate(GenerateCredentialInput::new(&app).name("ci").expires_at(at))).await;
    refused(credentials.rotate(RotateCredentialInput::new(&credential).overlap_seconds(60))).await;
    refused(credentials.revoke(&credential)).await;
    refused(credentials.revoke_and_wait(&credential)).await;
}

async fn administration(portico: &Portico) {
    let (strategies, strategy) = (portico.auth_strategies(), AuthStrategyId::new("strat_1"));
    refused(strategies.list().first(1).page()).await;
    refused(strategies.get_key_auth(&strategy)).await;
    refused(strategies.versions_of_key_auth(&strategy).page()).await;
    refused(strategies.create_key_auth(CreateKeyAuthStrategyInput::new("header").key_names(["x-key"]))).await;
    let update = UpdateKeyAuthStrategyInput::new(&strategy)
        .key_names(vec!["x-key".to_owned()])
        .credential_ttl_days(Patch::Clear);
    refused(strategies.update_key_auth(update)).await;
    refused(strategies.delete(&strategy)).await;

    let (developers, developer) = (portico.developers(), DeveloperId::new("dev_1"));
    let order = DeveloperOrder::new(DeveloperOrderField::Email, OrderDirection::Asc);
    let filter = DeveloperFilter::new().search("dev@").status([DeveloperStatus::Pending]);
    refused(developers.list().filter(filter).order_by(order).page()).await;
    refused(developers.get(&developer)).await;
    refused(developers.approve(&developer, Some("known"))).await;
    refused(developers.reject(&developer, "unknown")).await;
    refused(developers.revoke(&developer, "left")).await;
    refused(developers.revoke_and_wait(&developer, "left")).await;
    refused(developers.delete_forced(&developer)).await;
    refused(developers.issue_password_reset(&developer)).await;

    let (tokens, token) = (portico.gateway_tokens(), GatewayTokenId::new("gwt_1"));
    refused(tokens.list().page()).await;
    refused(tokens.get(&token)).await;
    refused(tokens.create(CreateGatewayTokenInput::new("edge").idempotency_key("once"))).await;
    refused(tokens.revoke(&token)).await;
    refused(portico.gateway_nodes().list().page()).await;
    refused(portico.gateway_nodes().get(&GatewayNodeId::new("gwn_1"))).await;

    refused(portico.portal().get()).await;
    refused(portico.portal().update(UpdatePortalInput::new().is_public(false))).await;
    let since: Timestamp = "2026-01-31T09:30:00Z".parse().unwrap();
    let filter = AuditEventFilter::new().subject_id(AppId::new("app_1")).since(since);
    refused(portico.audit_events().list().filter(filter).page()).await;
    refused(portico.audit_events().get(&AuditEventId::new("evt_1"))).await;
}

#[tokio::test]
async fn every_operation_is_sent_as_written_down() {
    let mut seen = BTreeSet::new();
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    #[allow(unused_mut)]
    let mut sent = all_operations().await;
    #[cfg(feature = "subscriptions")]
    sent.extend(crate::subscription::all_operations().await);
    for Sent { name, query, variables } in sent {
        assert!(seen.insert(name.clone()), "{name} is the name of two operations");
        let mut variables = variables;
        if let Some(key) = variables.pointer_mut("/input/idempotencyKey") {
            // The crate makes one of its own, another one each time.
            if key.as_str().unwrap().len() == 36 {
                *key = json!("[made by the crate]");
            }
        }
        let variables = serde_json::to_string_pretty(&variables).unwrap();
        settings.bind(|| insta::assert_snapshot!(name.as_str(), format!("{query}\n# variables\n{variables}")));
    }
}

#[tokio::test]
async fn no_operation_of_the_schema_is_missing() {
    #[allow(unused_mut)]
    let mut sent = all_operations().await;
    #[cfg(feature = "subscriptions")]
    sent.extend(crate::subscription::all_operations().await);
    let mut used = BTreeSet::new();
    for Sent { name, query, .. } in &sent {
        let document = parse_query(query).unwrap_or_else(|error| panic!("{name}: {error}"));
        let operations: Vec<_> = match &document.operations {
            DocumentOperations::Single(operation) => vec![operation],
            DocumentOperations::Multiple(operations) => operations.values().collect(),
        };
        for operation in operations {
            for selection in &operation.node.selection_set.node.items {
                let Selection::Field(field) = &selection.node else {
                    panic!("{name} has a fragment at its root")
                };
                used.insert(format!("{}.{}", operation.node.ty, field.node.name.node));
            }
        }
    }
    let declared = root_fields();
    assert!(declared.len() > 50, "the schema was not understood: {declared:?}");
    let missing: Vec<_> = declared.difference(&used).collect();
    assert!(
        missing.is_empty(),
        "the schema has operations without a call in the crate: {missing:?}"
    );
}

/// `query.apps`, `mutation.createApp`, …
fn root_fields() -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    for definition in parse_schema(SCHEMA).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let root = definition.node.name.node.as_str().to_lowercase();
        if !matches!(root.as_str(), "query" | "mutation" | "subscription") {
            continue;
        }
        // Their calls are there with the feature alone, with which the workspace's tests are built.
        if root == "subscription" && cfg!(not(feature = "subscriptions")) {
            continue;
        }
        let TypeKind::Object(object) = definition.node.kind else {
            panic!("{root} is no object")
        };
        fields.extend(
            object
                .fields
                .iter()
                .map(|field| format!("{root}.{}", field.node.name.node)),
        );
    }
    fields
}
