//! The flow: an admin publishes a product and enables registration; a developer registers an app and calls it.

use portico_sdk::{
    CreateAppInput, CreateProductInput, CreateVersionInput, EnableRegistrationInput, GenerateCredentialInput, Portico,
    ProductVersion, Realm, RequestAccessInput, RouteInput, SetGatewayServiceInput, SignUpInput,
};
use secrecy::SecretString;

use super::{CommandError, narrator::Narrator, random_password, upstream::Upstream};
use crate::server::Server;

/// Who acts.
pub(super) struct Account {
    pub(super) email: String,
    pub(super) password: SecretString,
}

fn failed(error: impl std::fmt::Display) -> CommandError {
    CommandError::Demo(error.to_string())
}

/// Performs the flow; answers the developer's account.
pub(super) async fn perform(
    narrator: &Narrator,
    server: &Server,
    upstream: &Upstream,
    admin: &Account,
) -> Result<Account, CommandError> {
    let endpoint = format!("http://{}/graphql", server.listen());
    let anonymous = Portico::builder(&endpoint).build().map_err(failed)?;
    narrator.heading("As an admin");
    let admin_client = anonymous.without_session();
    let version = publish(narrator, &admin_client, upstream, admin).await?;
    narrator.heading("As a developer");
    let registered = register(narrator, &anonymous, &admin_client, &version).await?;
    narrator.heading("Call the API");
    call(narrator, &server.plane().gateway_public_url, &registered.secret).await?;
    Ok(registered.developer)
}

async fn publish(
    narrator: &Narrator,
    client: &Portico,
    upstream: &Upstream,
    admin: &Account,
) -> Result<ProductVersion, CommandError> {
    narrator.begin("signing in");
    let account = client
        .sign_in(Realm::Admin, &admin.email, admin.password.clone())
        .await
        .map_err(failed)?;
    narrator.step("Signed in", account.email());
    narrator.begin("creating a product");
    let product = client
        .products()
        .create(CreateProductInput::new("Mock API"))
        .await
        .map_err(failed)?;
    narrator.step("Created the product Mock API", product.id.as_ref());
    narrator.begin("creating a version");
    let version = client
        .versions()
        .create(CreateVersionInput::new(&product.id, "v1"))
        .await
        .map_err(failed)?;
    narrator.step(
        "Created its version v1",
        &format!("{}, {}", version.id, version.lifecycle),
    );
    narrator.begin("setting the gateway service");
    let service = SetGatewayServiceInput::new(&version.id, upstream.url(), [RouteInput::path("/mock")]);
    client.gateway_services().set(service).await.map_err(failed)?;
    narrator.step("Set its gateway service", &format!("/mock → {}", upstream.url()));
    narrator.begin("publishing");
    client.products().publish(&product.id).await.map_err(failed)?;
    narrator.step("Published the product", &product.slug);
    narrator.begin("enabling registration");
    let enabled = client
        .registrations()
        .enable(EnableRegistrationInput::new(&version.id).auto_approve(true))
        .await
        .map_err(failed)?;
    let version = enabled
        .into_iter()
        .next()
        .ok_or_else(|| failed("no version was enabled"))?;
    let plugins: Vec<_> = version.plugins.iter().map(|plugin| plugin.name.as_str()).collect();
    narrator.step(
        "Enabled registration, auto-approve on",
        &format!("read-only plugins {}", plugins.join(", ")),
    );
    Ok(version)
}

struct Registered {
    developer: Account,
    secret: String,
}

async fn register(
    narrator: &Narrator,
    client: &Portico,
    admin: &Portico,
    version: &ProductVersion,
) -> Result<Registered, CommandError> {
    let developer = Account {
        email: "dev@example.com".to_owned(),
        password: random_password(),
    };
    narrator.begin("signing up");
    let signed_up = client
        .sign_up(SignUpInput::new(
            &developer.email,
            developer.password.clone(),
            "Dana Developer",
        ))
        .await
        .map_err(failed)?;
    narrator.step(
        "Signed up as dev@example.com",
        &format!("{}, {}", signed_up.id, signed_up.status),
    );
    narrator.begin("being approved");
    let approved = admin
        .developers()
        .approve(&signed_up.id, Some("Welcome"))
        .await
        .map_err(failed)?;
    narrator.step("The admin approved the sign-up", &approved.status.to_string());
    let account = client
        .sign_in(Realm::Portal, &developer.email, developer.password.clone())
        .await
        .map_err(failed)?;
    narrator.step("Signed in", account.email());
    narrator.begin("creating an app");
    let app = client
        .apps()
        .create(CreateAppInput::new("Mobile banking", "mobile-banking"))
        .await
        .map_err(failed)?;
    narrator.step(
        "Created the app Mobile banking",
        &format!("{}, reference id {}", app.id, app.reference_id),
    );
    narrator.begin("requesting access");
    let request = client
        .access_requests()
        .request(RequestAccessInput::new(&app.id, &version.id))
        .await
        .map_err(failed)?;
    narrator.step(
        "Requested access to Mock API v1",
        &format!("{}, {}", request.id, request.status),
    );
    narrator.begin("generating a credential");
    let generated = client
        .credentials()
        .generate(GenerateCredentialInput::new(&app.id))
        .await
        .map_err(failed)?;
    narrator.step(
        "Generated a credential, shown once",
        &format!("{}, {}", generated.credential.id, generated.credential.hint),
    );
    Ok(Registered {
        developer,
        secret: generated.secret.expose().to_owned(),
    })
}

/// Calls the gateway with the key and without, and shows the real answers.
async fn call(narrator: &Narrator, gateway_url: &str, key: &str) -> Result<(), CommandError> {
    let url = format!("{gateway_url}/mock");
    let http = reqwest::Client::builder().no_proxy().build().map_err(failed)?;
    narrator.note(
        "Repeat this in another shell",
        &format!("curl -i {url} -H 'apikey: {key}'"),
    );
    let answer = http.get(&url).header("apikey", key).send().await.map_err(failed)?;
    let allowed = answer.status();
    show(narrator, answer).await?;
    narrator.note("The same call without the key", &format!("curl -i {url}"));
    let answer = http.get(&url).send().await.map_err(failed)?;
    let refused = answer.status();
    show(narrator, answer).await?;
    match (allowed.as_u16(), refused.as_u16()) {
        (200, 401) => Ok(()),
        (allowed, refused) => Err(failed(format!(
            "expected 200 with the key and 401 without, got {allowed} and {refused}"
        ))),
    }
}

async fn show(narrator: &Narrator, answer: reqwest::Response) -> Result<(), CommandError> {
    let mut shown = format!("{:?} {}\n", answer.version(), answer.status());
    for (name, value) in answer.headers() {
        shown.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    }
    let body = answer.text().await.map_err(failed)?;
    narrator.quote(&format!("{shown}\n{body}"));
    Ok(())
}
