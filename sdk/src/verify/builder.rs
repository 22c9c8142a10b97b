//! What a verifier is told before it begins.

use std::{error::Error as StdError, path::PathBuf, time::Duration};

use domain::{contact::MaxStaleness, gateway_token::GatewayToken, id::GatewayNodeId};
use gateway::control_plane::{LinkConfig, TokenSource};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Shared, StateDirectory, Verifier};

/// Builds a [`Verifier`]: [`Verifier::builder`].
#[derive(Debug)]
#[must_use]
pub struct VerifierBuilder {
    control_plane: String,
    token: Option<Token>,
    name: Option<String>,
    authorities: Option<Vec<u8>>,
    max_staleness: MaxStaleness,
    state_directory: Option<PathBuf>,
}

#[derive(Debug)]
enum Token {
    Given(SecretString),
    File(PathBuf),
}

/// The verifier cannot begin. That the control plane is away is none of these.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is none, or would send the token in the clear.
    #[error("the control plane's URL cannot be used")]
    Url(#[source] Box<dyn StdError + Send + Sync>),
    /// There is no token, its file cannot be read, or what is there is none.
    #[error("a gateway's token is needed, as createGatewayToken makes it")]
    Token(#[source] Option<Box<dyn StdError + Send + Sync>>),
    /// The authorities are no certificates, or TLS cannot be set up.
    #[error("the connection to the control plane cannot be set up")]
    Tls(#[source] Box<dyn StdError + Send + Sync>),
    /// The state directory cannot be made, written to or read.
    #[error("the state directory {} cannot be used", path.display())]
    StateDirectory {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another verifier has the state directory: each needs its own, or one would vouch for the other.
    #[error("another process uses the state directory {}; choose another", .0.display())]
    StateDirectoryInUse(PathBuf),
}

impl VerifierBuilder {
    pub(super) fn new(control_plane: String) -> Self {
        Self {
            control_plane,
            token: None,
            name: None,
            authorities: None,
            max_staleness: MaxStaleness::default(),
            state_directory: None,
        }
    }

    /// The gateway's token that it proves itself with.
    pub fn token(mut self, token: SecretString) -> Self {
        self.token = Some(Token::Given(token));
        self
    }

    /// A file with that token, read again for every connection, so that the token can be replaced while the service runs.
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token = Some(Token::File(path.into()));
        self
    }

    /// What it is called in `gatewayNodes`; `service` unless set.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Certificates (PEM) that alone may vouch for the control plane; those of the system unless set.
    pub fn certificate_authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities = Some(pem.into());
        self
    }

    /// How long to go on without the control plane; 24 hours unless set, [`Duration::ZERO`] for as long as it takes. What is
    /// revoked meanwhile goes on passing for so long.
    pub fn max_staleness(mut self, limit: Duration) -> Self {
        self.max_staleness = MaxStaleness::new(limit);
        self
    }

    /// A directory for what outlives the process: its identity in the fleet, and a copy of what it decides by, for a start
    /// while the control plane is away. Made if missing, readable by its owner alone, used by one process at a time; it holds
    /// hashes of keys, and no key.
    ///
    /// Without one, each start is another gateway to the control plane. One that was killed is then waited for, by calls
    /// that wait for all gateways, until its staleness is over.
    pub fn state_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_directory = Some(path.into());
        self
    }

    /// Begins to follow the control plane, on the Tokio runtime that this runs on, which must go on running. Returns when it
    /// knows what to decide by, or when that is not to be had for now (within two seconds): then every request is answered
    /// 503 until the control plane is there.
    ///
    /// # Errors
    /// [`ConnectError`], for what waiting does not mend.
    pub async fn connect(self) -> Result<Verifier, ConnectError> {
        let url = self
            .control_plane
            .parse()
            .map_err(|error| ConnectError::Url(boxed(error)))?;
        let token = match self.token {
            Some(Token::Given(token)) => GatewayToken::parse(token.expose_secret().trim().as_bytes())
                .map(TokenSource::Given)
                .map_err(|error| ConnectError::Token(Some(boxed(error))))?,
            Some(Token::File(path)) => TokenSource::File(path),
            None => return Err(ConnectError::Token(None)),
        };
        token.read().map_err(|error| ConnectError::Token(Some(boxed(error))))?;
        let state = self.state_directory.map(StateDirectory::open).transpose()?;
        let config = LinkConfig {
            url,
            token,
            authorities: self.authorities,
            node: state.as_ref().map_or_else(GatewayNodeId::new, StateDirectory::node),
            name: self.name.unwrap_or_else(|| "service".to_owned()),
            version: concat!("portico-sdk ", env!("CARGO_PKG_VERSION")).to_owned(),
            max_staleness: self.max_staleness,
            copy: state.as_ref().map(StateDirectory::copy),
        };
        let gateway = gateway::verifier::Verifier::connect(config)
            .await
            .map_err(|error| ConnectError::Tls(boxed(error)))?;
        Ok(Verifier {
            shared: std::sync::Arc::new(Shared { gateway, _state: state }),
            version: None,
        })
    }
}

fn boxed(error: impl StdError + Send + Sync + 'static) -> Box<dyn StdError + Send + Sync> {
    Box::new(error)
}
