//! The client that a command uses: which server, and as whom.

use std::env;

use portico_sdk::{Builder, Portico, Realm, SecretString};

use crate::{arguments::Connection, failure::Failure, profile::Profile};

/// Where nobody sits at the keyboard: whom to sign in as, for this one command. Nothing is kept.
const EMAIL: &str = "PORTICO_EMAIL";
/// The password; `porticoctl sign-in` reads it too.
pub(crate) const PASSWORD: &str = "PORTICO_PASSWORD";
/// PORTAL, unless it is ADMIN.
const REALM: &str = "PORTICO_REALM";

/// Where the server is, unless somebody says.
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:4000/graphql";

/// A server, and the profile that goes with it.
#[derive(Debug)]
pub(crate) struct Session {
    endpoint: String,
    profile: Profile,
}

impl Session {
    /// What the command line and the profile say.
    ///
    /// # Errors
    /// Where the profile cannot be read.
    pub(crate) fn of(connection: &Connection) -> Result<Self, Failure> {
        let profile = Profile::of(&connection.profile, connection.config_dir.as_deref())?;
        let endpoint = match &connection.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => profile.endpoint()?.unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned()),
        };
        Ok(Self { endpoint, profile })
    }

    /// A client that keeps its session in the profile, for signing in and out.
    ///
    /// # Errors
    /// Where the endpoint is none.
    pub(crate) fn keeping_client(&self) -> Result<Portico, Failure> {
        Ok(self.builder().token_store(self.profile.store(&self.endpoint)).build()?)
    }

    /// A client that need not be signed in.
    ///
    /// # Errors
    /// Where the endpoint is none, or the environment names half of an account.
    pub(crate) fn client(&self) -> Result<Portico, Failure> {
        match credentials()? {
            Some((realm, email, password)) => Ok(self.builder().credentials(realm, email, password).build()?),
            None if self.profile.has_session(&self.endpoint)? => self.keeping_client(),
            None => self.anonymous_client(),
        }
    }

    /// Whether the profile has a session with this server.
    ///
    /// # Errors
    /// Where the profile cannot be read.
    pub(crate) fn is_kept(&self) -> Result<bool, Failure> {
        self.profile.has_session(&self.endpoint)
    }

    /// A client that is nobody's, for signing up and the like.
    ///
    /// # Errors
    /// Where the endpoint is none.
    pub(crate) fn anonymous_client(&self) -> Result<Portico, Failure> {
        Ok(self.builder().build()?)
    }

    /// That nobody is signed in.
    pub(crate) fn signed_out(&self) -> Failure {
        Failure::SignedOut {
            profile: self.profile.name().to_owned(),
        }
    }

    /// A client that is signed in: as the environment says, or else with the profile's session.
    ///
    /// # Errors
    /// Where nobody is.
    pub(crate) fn signed_in_client(&self) -> Result<Portico, Failure> {
        if credentials()?.is_none() && !self.profile.has_session(&self.endpoint)? {
            return Err(self.signed_out());
        }
        self.client()
    }

    fn builder(&self) -> Builder {
        Portico::builder(&self.endpoint).user_agent(concat!("porticoctl/", env!("CARGO_PKG_VERSION")))
    }
}

fn credentials() -> Result<Option<(Realm, String, SecretString)>, Failure> {
    let Ok(email) = env::var(EMAIL) else {
        return Ok(None);
    };
    let password = env::var(PASSWORD).map_err(|_| Failure::Usage(format!("{EMAIL} is set, but {PASSWORD} is not")))?;
    let realm = match env::var(REALM).as_deref() {
        Err(_) | Ok("PORTAL") => Realm::Portal,
        Ok("ADMIN") => Realm::Admin,
        Ok(_) => return Err(Failure::Usage(format!("{REALM} is PORTAL or ADMIN"))),
    };
    Ok(Some((realm, email, SecretString::from(password))))
}
