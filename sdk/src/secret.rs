//! Secrets: redacted in `Debug`, wiped when dropped, and serialised only where they go to the server.

use std::fmt;

use cynic::schema::IsScalar;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An API key in full, as the server shows it once: it calls the versions that its app was approved for.
///
/// `Debug` prints `ApiKey([REDACTED])`; there is no `Display` and no `Serialize`. It is wiped from memory when dropped.
#[derive(Clone)]
pub struct ApiKey(SecretString);

impl ApiKey {
    /// The key itself, to store in a vault or to send in the header that the strategy names. Keep it out of logs.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<ApiKey> for SecretString {
    fn from(key: ApiKey) -> Self {
        key.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey([REDACTED])")
    }
}

/// A secret on its way to the server or from it. The one type here with `Serialize`; it stays inside of the crate.
#[derive(Clone, Debug)]
pub(crate) struct WireSecret(pub(crate) SecretString);

impl From<WireSecret> for ApiKey {
    fn from(secret: WireSecret) -> Self {
        Self(secret.0)
    }
}

impl Serialize for WireSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl<'de> Deserialize<'de> for WireSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretString::from(text)))
    }
}

impl IsScalar<String> for WireSecret {
    type SchemaType = String;
}
