//! Rotates an app's keys that are older than some days; the old ones go on for an hour beside the new.
//!
//! PORTICO_URL=http://localhost:4000 PORTICO_EMAIL=… PORTICO_PASSWORD=… cargo run --example rotate_keys -- app_01h… 90

#![allow(clippy::print_stdout)]

use std::{env, error::Error, fs};

use portico_sdk::{
    ApiKey, AppId, Credential, CredentialAction, CredentialId, Error as PorticoError, Portico, Realm,
    RotateCredentialInput, SecretLost, SecretString, Timestamp,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let app = AppId::new(arguments.next().ok_or("which app?")?);
    let days: i64 = arguments.next().ok_or("older than how many days?")?.parse()?;
    let password = SecretString::from(env::var("PORTICO_PASSWORD")?);
    let portico = Portico::builder(env::var("PORTICO_URL")?)
        .credentials(Realm::Portal, env::var("PORTICO_EMAIL")?, password)
        .build()?;
    let day = 24 * 60 * 60 * 1000;
    let made_before = Timestamp::from_unix_milliseconds(Timestamp::now().unix_milliseconds() - days * day)?;
    for (credential, key) in rotate(&portico, &app, made_before).await? {
        fs::write(format!("{}.key", credential.id), key.expose())?; // shown here, once
        println!("{} takes the place of an old one", credential.hint);
    }
    Ok(())
}

/// Answers with the new credentials and their keys.
pub(crate) async fn rotate(
    portico: &Portico,
    app: &AppId,
    made_before: Timestamp,
) -> Result<Vec<(Credential, ApiKey)>, PorticoError> {
    let mut old = Vec::new();
    let mut credentials = portico.credentials().list(app).page_size(100).stream();
    while let Some(credential) = credentials.next().await {
        let credential = credential?;
        // The server says what may be rotated: neither what has ended, nor what was replaced already.
        if credential.created_at < made_before && credential.allowed_actions.contains(&CredentialAction::Rotate) {
            old.push(credential.id);
        }
    }
    let mut rotated = Vec::new();
    for id in old {
        rotated.push(rotate_one(portico, &id).await?);
    }
    Ok(rotated)
}

async fn rotate_one(portico: &Portico, id: &CredentialId) -> Result<(Credential, ApiKey), PorticoError> {
    let input = RotateCredentialInput::new(id).overlap_seconds(3600);
    let generated = match portico.credentials().rotate(input).await {
        // The new key was made, and the answer that showed it was lost: nobody has it, so it needs no overlap.
        Err(PorticoError::SecretLost(SecretLost::Credential(lost))) => {
            portico
                .credentials()
                .rotate(RotateCredentialInput::new(lost.id))
                .await?
        }
        rotated => rotated?,
    };
    Ok((generated.credential, generated.secret))
}
