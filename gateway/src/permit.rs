//! Permits: being allowed is a value, and the proxy takes it as an argument.
//!
//! ```text
//!   key ─► form ─► SHA-256 ─► index ─► domain::access::decide ─► Permit ─► proxy
//! ```

use std::sync::Arc;

use domain::{
    Timestamp,
    access::Denial,
    api_key::{ApiKey, ApiKeyHash},
    auth_strategy::AuthStrategyType,
    id::{AppId, CredentialId, VersionId},
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    answer::Refused,
    consumer::Consumer,
    record::VersionRecord,
    snapshot::{Closed, Credential, Snapshot, SnapshotReader},
    strategy::Strategy,
};

/// One call may pass, or go on, under this. Only [`Permit::of_call`] makes one.
#[derive(Clone, Debug)]
pub(crate) struct Permit {
    version: Arc<VersionRecord>,
    credential: CredentialId,
    key_hash: ApiKeyHash,
    key_name: HeaderName,
    app: AppId,
    /// Until the upstream has been told.
    consumer: Option<Consumer>,
    ends_at: Option<Timestamp>,
}

impl Permit {
    /// Decides on a call to this version.
    ///
    /// # Errors
    /// The answer to give instead. Only holders of a key that exists learn why.
    #[cfg_attr(feature = "undecided", expect(dead_code, reason = "such a build does not decide"))]
    pub(crate) fn of_call(
        snapshot: &Snapshot,
        version: VersionId,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Self, Refused> {
        let version = snapshot.version(version).ok_or(Refused::NoRoute)?;
        let strategy = snapshot.strategy_of(version).ok_or(Refused::Unauthorized)?;
        let (key_name, key_hash, credential) = shown_credential(snapshot, strategy, headers)?;
        match snapshot.decide(credential, version, now) {
            Ok(ends_at) => Ok(Self {
                version: Arc::clone(version),
                credential: credential.id(),
                key_hash,
                key_name,
                app: credential.app().id(),
                consumer: Some(Consumer::of(credential.app())),
                ends_at,
            }),
            Err(Closed::Denied(denial)) => Err(Refused::Denied(denial)),
            Err(Closed::Unknown) => Err(Refused::Unauthorized),
        }
    }

    /// No decision at all: for measuring what the decision costs.
    #[cfg(feature = "undecided")]
    pub(crate) fn undecided(snapshot: &Snapshot, version: VersionId) -> Result<Self, Refused> {
        Ok(Self {
            version: Arc::clone(snapshot.version(version).ok_or(Refused::NoRoute)?),
            credential: CredentialId::from_uuid(uuid::Uuid::nil()),
            key_hash: ApiKeyHash::from_bytes([0; 32]),
            key_name: HeaderName::from_static("apikey"),
            app: AppId::from_uuid(uuid::Uuid::nil()),
            consumer: None,
            ends_at: None,
        })
    }

    /// The answer to a call of a retired version: with the reason for a key that exists, without it for all others.
    pub(crate) fn of_retired(snapshot: &Snapshot, version: VersionId, headers: &HeaderMap) -> Refused {
        let shown = snapshot
            .version(version)
            .and_then(|version| snapshot.strategy_of(version))
            .map(|strategy| shown_credential(snapshot, strategy, headers));
        match shown {
            Some(Ok(_)) => Refused::Denied(Denial::VersionRetired),
            Some(Err(_)) | None => Refused::Retired,
        }
    }

    /// Asks again, of the snapshot that holds now: still allowed?
    ///
    /// # Errors
    /// The answer that the call would get now.
    pub(crate) fn check(&mut self, reader: &SnapshotReader, now: Timestamp) -> Result<(), Refused> {
        let snapshot = reader.load().ok_or(Refused::NotReady)?;
        let version = snapshot.version(self.version.id).ok_or(Refused::NoRoute)?;
        if version.service.is_none() {
            return Err(Refused::NoRoute);
        }
        let strategy = snapshot.strategy_of(version).ok_or(Refused::Unauthorized)?;
        if !strategy.key_names().contains(&self.key_name) {
            return Err(Refused::NoKey);
        }
        let credential = snapshot
            .credential_of_app(self.app, &self.key_hash)
            .filter(|credential| credential.id() == self.credential)
            .ok_or(Refused::Unauthorized)?;
        self.ends_at = snapshot
            .decide(credential, version, now)
            .map_err(|closed| match closed {
                Closed::Denied(denial) => Refused::Denied(denial),
                Closed::Unknown => Refused::Unauthorized,
            })?;
        Ok(())
    }

    /// When time alone will end it, if it will.
    pub(crate) const fn ends_at(&self) -> Option<Timestamp> {
        self.ends_at
    }

    /// The version that it opens.
    pub(crate) fn version(&self) -> &VersionRecord {
        &self.version
    }

    /// The credential that it was given for.
    pub(crate) const fn credential(&self) -> CredentialId {
        self.credential
    }

    /// The app that it was given to.
    pub(crate) const fn app_id(&self) -> AppId {
        self.app
    }

    /// Puts in what the upstream learns of the caller, once.
    pub(crate) fn introduce(&mut self, headers: &mut HeaderMap) {
        if cfg!(feature = "undecided") {
            return;
        }
        // Moved, not cloned: a value's first clone costs as much as making it.
        if let Some(Consumer {
            id,
            custom_id,
            username,
        }) = self.consumer.take()
        {
            headers.insert(CONSUMER_ID, id);
            headers.insert(CONSUMER_CUSTOM_ID, custom_id);
            headers.insert(CONSUMER_USERNAME, username);
        }
        if let Ok(credential) = HeaderValue::try_from(self.credential.to_string()) {
            headers.insert(CREDENTIAL_IDENTIFIER, credential);
        }
    }
}

const CONSUMER_ID: HeaderName = HeaderName::from_static("x-consumer-id");
const CONSUMER_CUSTOM_ID: HeaderName = HeaderName::from_static("x-consumer-custom-id");
const CONSUMER_USERNAME: HeaderName = HeaderName::from_static("x-consumer-username");
const CREDENTIAL_IDENTIFIER: HeaderName = HeaderName::from_static("x-credential-identifier");

/// The credential whose key stands in one of the strategy's headers.
fn shown_credential<'a>(
    snapshot: &'a Snapshot,
    strategy: &Strategy,
    headers: &HeaderMap,
) -> Result<(HeaderName, ApiKeyHash, Credential<'a>), Refused> {
    match strategy.kind() {
        AuthStrategyType::KeyAuth => {}
        AuthStrategyType::OpenidConnect => return Err(Refused::BearerUnauthorized),
    }
    let mut shown = strategy
        .key_names()
        .iter()
        .flat_map(|name| headers.get_all(name).iter().map(move |value| (name, value)));
    let (name, value) = shown.next().ok_or(Refused::NoKey)?;
    if shown.next().is_some() {
        return Err(Refused::DuplicateKey);
    }
    if value.is_empty() {
        return Err(Refused::NoKey);
    }
    let hash = ApiKey::hash_sent(value.as_bytes()).map_err(|_| Refused::Unauthorized)?;
    let credential = snapshot.credential_of_key(&hash).ok_or(Refused::Unauthorized)?;
    Ok((name.clone(), hash, credential))
}
