//! Why a command did not do what it was told.

use std::path::PathBuf;

use portico_sdk::{BuildError, Error};

use crate::exit_code;

/// Why a command did not do what it was told. No secret stands in any of its texts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The call failed or was refused.
    #[error(transparent)]
    Call(#[from] Error),
    /// The client cannot be made of what was given.
    #[error(transparent)]
    Client(#[from] BuildError),
    /// There is no object with this id, or not for this account.
    #[error("{what} {id}: there is none such, or none that this account may see")]
    NotFound {
        /// The kind of object.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// Something on the command line, or in a file that it names, is wrong.
    #[error("{0}")]
    Usage(String),
    /// Nobody is signed in.
    #[error(
        "nobody is signed in to the profile `{profile}`: run `porticoctl sign-in`, or set PORTICO_EMAIL and PORTICO_PASSWORD"
    )]
    SignedOut {
        /// The profile.
        profile: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Failure {
    /// No object with this id.
    pub(crate) fn not_found(what: &'static str, id: impl Into<String>) -> Self {
        Self::NotFound { what, id: id.into() }
    }

    /// For failures of this file.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        |source| Self::File { path, source }
    }

    /// What the process ends with.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Call(error) => exit_code::of_error(error),
            Self::Client(_) | Self::Usage(_) => exit_code::USAGE,
            Self::NotFound { .. } => exit_code::NOT_FOUND,
            Self::SignedOut { .. } => exit_code::NOT_ALLOWED,
            Self::File { .. } => exit_code::FAILURE,
        }
    }
}
