//! What most tests begin with: a published version that takes requests, and an app that may call it.

use portico_sdk::{
    AccessRequest, App, CreateAppInput, CreateProductInput, CreateVersionInput, EnableRegistrationInput,
    GenerateCredentialInput, Portico, Product, ProductVersion, RequestAccessInput, RouteInput, SetGatewayServiceInput,
};

use crate::{server::TestDeveloper, upstream::Upstream};

/// A published product with one version.
pub struct Published {
    /// The product.
    pub product: Product,
    /// Its version, served below `/<name>`.
    pub version: ProductVersion,
}

/// Creates and publishes the product `name` with a version served below `/<name>`, registration enabled.
pub async fn publish(admin: &Portico, upstream: &Upstream, name: &str, auto_approve: bool) -> Published {
    let product = admin
        .products()
        .create(CreateProductInput::new(name))
        .await
        .unwrap()
        .into_inner();
    let version = admin
        .versions()
        .create(CreateVersionInput::new(&product.id, "v1"))
        .await
        .unwrap()
        .into_inner();
    serve(admin, upstream, &version, &format!("/{name}")).await;
    let product = admin.products().publish(&product.id).await.unwrap();
    let enable = EnableRegistrationInput::new(&version.id).auto_approve(auto_approve);
    let version = admin.registrations().enable(enable).await.unwrap().remove(0);
    Published { product, version }
}

/// Serves the version below `path`.
pub async fn serve(admin: &Portico, upstream: &Upstream, version: &ProductVersion, path: &str) {
    let service = SetGatewayServiceInput::new(&version.id, upstream.url(), [RouteInput::path(path)]);
    admin.gateway_services().set(service).await.unwrap();
}

/// Creates the app `reference_id` of a developer.
pub async fn app(developer: &TestDeveloper, reference_id: &str) -> App {
    let input = CreateAppInput::new(reference_id, reference_id);
    developer.client.apps().create(input).await.unwrap().into_inner()
}

/// Requests access to the version with the app.
pub async fn request(developer: &TestDeveloper, app: &App, version: &ProductVersion) -> AccessRequest {
    let input = RequestAccessInput::new(&app.id, &version.id);
    developer
        .client
        .access_requests()
        .request(input)
        .await
        .unwrap()
        .into_inner()
}

/// Generates a key for the app.
pub async fn key(developer: &TestDeveloper, app: &App) -> (portico_sdk::Credential, String) {
    let generated = developer
        .client
        .credentials()
        .generate(GenerateCredentialInput::new(&app.id))
        .await
        .unwrap();
    (generated.credential, generated.secret.expose().to_owned())
}
