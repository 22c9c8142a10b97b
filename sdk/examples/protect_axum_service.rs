//! A service that stands behind no gateway, and lets those call who may: it is one version of a product in the portal.
//!
//! PORTICO_URL=http://localhost:4000 PORTICO_GATEWAY_TOKEN=… cargo run --example protect_axum_service \
//!     --features verify-axum -- VERSION-ID

use std::{env, error::Error};

use axum::{Router, http::StatusCode, routing::get};
use portico_sdk::{
    SecretString, VersionId,
    verify::{Caller, InvalidVersionId, Verifier, VerifyLayer},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let version = VersionId::new(env::args().nth(1).ok_or("which version?")?);
    let verifier = Verifier::builder(env::var("PORTICO_URL")?)
        .token(SecretString::from(env::var("PORTICO_GATEWAY_TOKEN")?))
        .name("accounts")
        .connect()
        .await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, service(&verifier, &version)?)
        .with_graceful_shutdown(async { tokio::signal::ctrl_c().await.unwrap_or_default() })
        .await?;
    verifier.stop().await;
    Ok(())
}

/// The service: all but its health is for callers that may.
pub(crate) fn service(verifier: &Verifier, version: &VersionId) -> Result<Router, InvalidVersionId> {
    let ready = verifier.clone();
    let readiness = async move || match ready.is_ready() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    Ok(Router::new()
        .route("/accounts", get(accounts))
        .layer(VerifyLayer::new(verifier.of_version(version)?))
        .route("/readyz", get(readiness)))
}

async fn accounts(caller: Caller) -> String {
    format!("The accounts of {}\n", caller.reference_id)
}
