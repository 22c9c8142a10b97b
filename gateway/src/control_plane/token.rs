//! Where the gateway's token comes from.

use std::{fs, io, path::PathBuf};

use domain::gateway_token::{GatewayToken, MalformedGatewayToken};

/// Where the token is.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// Here.
    Given(GatewayToken),
    /// In a file, read again for every connection, so that it can be replaced while the gateway runs.
    File(PathBuf),
}

/// There is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("the token's file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What is there is no token.
    #[error(transparent)]
    Malformed(#[from] MalformedGatewayToken),
}

impl TokenSource {
    /// The token as it is now.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn read(&self) -> Result<GatewayToken, TokenError> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::File(path) => {
                let text = fs::read_to_string(path).map_err(|source| TokenError::Unreadable {
                    path: path.clone(),
                    source,
                })?;
                Ok(GatewayToken::parse(text.trim().as_bytes())?)
            }
        }
    }
}
