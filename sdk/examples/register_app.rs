//! A developer's whole flow: finds a version, makes an app, asks for access, waits for the decision, gets a key.
//!
//! PORTICO_URL=http://localhost:4000 PORTICO_EMAIL=… PORTICO_PASSWORD=… cargo run --example register_app

use std::{env, error::Error, fs, time::Duration};

use portico_sdk::{
    AccessRequestStatus, ApiKey, CreateAppInput, GenerateCredentialInput, Portico, Realm, RequestAccessInput,
    SecretString,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let password = SecretString::from(env::var("PORTICO_PASSWORD")?);
    let portico = Portico::builder(env::var("PORTICO_URL")?)
        .credentials(Realm::Portal, env::var("PORTICO_EMAIL")?, password)
        .build()?;
    let key = register(&portico, "mock-api", "v1", "mobile-banking").await?;
    fs::write("api-key", key.expose())?; // shown here, once
    Ok(())
}

pub(crate) async fn register(
    portico: &Portico,
    product: &str,
    version: &str,
    reference_id: &str,
) -> Result<ApiKey, Box<dyn Error>> {
    let product = portico
        .products()
        .get_by_slug(product)
        .await?
        .ok_or("no such product")?;
    let version = portico
        .versions()
        .get_by_name(&product.id, version)
        .await?
        .ok_or("no such version")?;
    let app = portico
        .apps()
        .create(CreateAppInput::new("Mobile banking", reference_id))
        .await?;
    let request = RequestAccessInput::new(&app.id, &version.id).justification("For our customers' phones");
    let request = portico.access_requests().request(request).await?;
    let decided = request.wait_until_decided(Duration::from_secs(24 * 3600)).await?;
    if decided.status != AccessRequestStatus::Approved {
        let reason = decided
            .decision
            .and_then(|decision| decision.reason)
            .unwrap_or_default();
        return Err(format!("{}: {reason}", decided.status).into());
    }
    let generated = portico
        .credentials()
        .generate(GenerateCredentialInput::new(&app.id))
        .await?;
    Ok(generated.secret)
}
