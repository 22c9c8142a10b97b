//! Calls from code that is not async.
//!
//! A [`Client`] is a [`Portico`] with a runtime of its own. Every call of the crate is there: make it as ever, and
//! hand the future to [`Client::wait`], or a list to [`Client::iter`].
//!
//! ```no_run
//! use portico_sdk::{CreateAppInput, Portico, Realm, SecretString, blocking};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let portico = blocking::Client::new(Portico::builder("http://localhost:4000"))?;
//! portico.wait(portico.sign_in(Realm::Portal, "dev@example.com", SecretString::from("…")))?;
//! let app = portico.wait(portico.apps().create(CreateAppInput::new("Mobile banking", "mobile-banking")))?;
//! for credential in portico.iter(portico.credentials().list(&app.id).stream()) {
//!     println!("{}", credential?.hint);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Not for code that runs inside of a runtime: there [`Client::wait`] panics, as blocking a runtime's thread does
//! anywhere. Use [`Portico`] there.

use std::{future::Future, ops::Deref};

use futures_util::{Stream, StreamExt};
use tokio::runtime::Runtime;

use crate::{BuildError, Builder, Portico};

/// A client for code that is not async; see the [module](self).
#[derive(Debug)]
pub struct Client {
    portico: Portico,
    runtime: Runtime,
}

impl Client {
    /// A client with these settings. It connects with its first call.
    ///
    /// # Errors
    ///
    /// [`BuildError`], by what is wrong with the settings, or where the system gives no runtime.
    pub fn new(settings: Builder) -> Result<Self, BuildError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| BuildError::Http(error.into()))?;
        Ok(Self {
            portico: settings.build()?,
            runtime,
        })
    }

    /// Makes a call, and blocks this thread until it is answered.
    pub fn wait<F: Future>(&self, call: F) -> F::Output {
        self.runtime.block_on(call)
    }

    /// Reads a stream; each step blocks this thread until it is answered.
    pub fn iter<S: Stream + Unpin>(&self, mut stream: S) -> impl Iterator<Item = S::Item> {
        std::iter::from_fn(move || self.runtime.block_on(stream.next()))
    }
}

impl Deref for Client {
    type Target = Portico;

    fn deref(&self) -> &Portico {
        &self.portico
    }
}
