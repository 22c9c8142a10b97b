//! Configuration: flags, each with an environment variable; a flag wins over its variable.

mod arguments;
mod gateway_options;
mod storage;

use std::{
    net::SocketAddr,
    num::NonZero,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use clap::{Args, ValueEnum};
use domain::{api_key::ApiKeyPrefix, limits::Limits};
use gateway::IpNet;
use secrecy::SecretString;

pub use self::{
    arguments::{AdminCommand, Arguments, Command},
    gateway_options::GatewayOptions,
    storage::{DEFAULT_DATA_DIRECTORY, DatabaseUrl, StorageOptions},
};
use crate::{
    http::cors::Origin,
    metrics::MetricsOptions,
    proxy_listeners::ProxyOptions,
    query_options::QueryOptions,
    session::throttle::{Limit, ThrottleLimits},
};

/// How many bytes of answers are kept unless told otherwise.
pub const DEFAULT_ANSWER_CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// How to serve.
#[derive(Clone, Debug, Args)]
pub struct ServeOptions {
    /// Address of the API: /graphql, /graphiql, /healthz, /readyz, /.well-known/. Port 0 takes a free port.
    #[arg(
        long,
        env = "PORTICO_LISTEN",
        default_value = "127.0.0.1:4000",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,
    /// Address of the gateway; `off` for none. Port 0 takes a free port.
    #[arg(
        long,
        env = "PORTICO_GATEWAY_LISTEN",
        default_value = "127.0.0.1:8000",
        value_name = "ADDRESS"
    )]
    pub gateway_listen: GatewayListen,
    /// Threads of the gateway. Default: as many as there are cores for this process.
    #[arg(long, env = "PORTICO_GATEWAY_WORKERS", value_name = "NUMBER")]
    pub gateway_workers: Option<NonZero<usize>>,
    /// What callers' requests to the gateway start with, shown by the API. Default: http://localhost with the
    /// gateway's port.
    #[arg(long, env = "PORTICO_GATEWAY_PUBLIC_URL", value_name = "URL", value_parser = http_url)]
    pub gateway_public_url: Option<String>,
    /// Where proxies ask.
    #[command(flatten)]
    pub proxies: ProxyOptions,
    /// Where metrics are scraped.
    #[command(flatten)]
    pub metrics: MetricsOptions,
    /// Where data is kept.
    #[command(flatten)]
    pub storage: StorageOptions,
    /// E-mail of the first admin, made at the first start only; set PORTICO_ADMIN_PASSWORD with it. Default:
    /// admin@localhost with a password in a file whose path is printed.
    #[arg(long, env = "PORTICO_ADMIN_EMAIL", value_name = "E-MAIL")]
    pub admin_email: Option<String>,
    /// The first admin's password, from PORTICO_ADMIN_PASSWORD only.
    #[arg(skip = password_from_environment())]
    pub admin_password: Option<SecretString>,
    /// File with the portal realm's signing keys (Ed25519, PKCS#8 PEM): the first signs, all verify. Default: made in
    /// the data directory. PostgreSQL requires it, so that all nodes share it.
    #[arg(long, env = "PORTICO_PORTAL_SIGNING_KEYS_FILE", value_name = "FILE")]
    pub portal_signing_keys_file: Option<PathBuf>,
    /// File with the admin realm's signing keys, as above.
    #[arg(long, env = "PORTICO_ADMIN_SIGNING_KEYS_FILE", value_name = "FILE")]
    pub admin_signing_keys_file: Option<PathBuf>,
    /// Addresses or networks of proxies whose forwarding headers are believed on either port, and who may ask for
    /// decisions, separated by commas. Default: none.
    #[arg(long, env = "PORTICO_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network, value_name = "NETWORKS")]
    pub trusted_proxies: Vec<IpNet>,
    /// Origins of web pages that may call the API from a browser, separated by commas. Default: none.
    #[arg(long, env = "PORTICO_ALLOWED_ORIGINS", value_delimiter = ',', value_name = "ORIGINS")]
    pub allowed_origins: Vec<Origin>,
    /// Seconds that one API request may take before it is answered TIMEOUT.
    #[arg(long, env = "PORTICO_REQUEST_TIMEOUT", default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub request_timeout: u64,
    /// Seconds that requests may go on after SIGTERM or Ctrl-C.
    #[arg(long, env = "PORTICO_SHUTDOWN_GRACE", default_value_t = 20, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub shutdown_grace: u64,
    /// What callers may ask of the API.
    #[command(flatten)]
    pub queries: QueryOptions,
    /// Apps that a developer may have.
    #[arg(
        long,
        env = "PORTICO_MAX_APPS_PER_DEVELOPER",
        default_value_t = 500,
        value_name = "NUMBER"
    )]
    pub max_apps_per_developer: u64,
    /// Live keys that an app may have.
    #[arg(long, env = "PORTICO_MAX_KEYS_PER_APP", default_value_t = 20, value_name = "NUMBER")]
    pub max_keys_per_app: u64,
    /// Bytes of memory for answers to queries that are given again while nothing they depend on has changed; 0 executes
    /// every query.
    #[arg(
        long,
        env = "PORTICO_ANSWER_CACHE_BYTES",
        default_value_t = DEFAULT_ANSWER_CACHE_BYTES,
        value_name = "BYTES"
    )]
    pub answer_cache_bytes: u64,
    /// Sign-ins from one address, to accounts that never signed in from there, and to each account that did: so many at
    /// once, then one in every so many seconds.
    #[arg(
        long,
        env = "PORTICO_SIGN_INS_PER_ADDRESS",
        default_value = "60/10",
        value_name = "TRIES/SECONDS"
    )]
    pub sign_ins_per_address: Limit,
    /// Sign-ins to one account, from addresses where it never signed in.
    #[arg(
        long,
        env = "PORTICO_SIGN_INS_PER_ACCOUNT",
        default_value = "10/60",
        value_name = "TRIES/SECONDS"
    )]
    pub sign_ins_per_account: Limit,
    /// Failed sign-ins to one account, from one address where it signed in before, since the last that succeeded.
    #[arg(
        long,
        env = "PORTICO_SIGN_INS_PER_KNOWN_ADDRESS",
        default_value = "10/30",
        value_name = "TRIES/SECONDS"
    )]
    pub sign_ins_per_known_address: Limit,
    /// Sign-ups from one address.
    #[arg(
        long,
        env = "PORTICO_SIGN_UPS_PER_ADDRESS",
        default_value = "20/180",
        value_name = "TRIES/SECONDS"
    )]
    pub sign_ups_per_address: Limit,
    /// What API keys start with, so that secret scanners know whose they are.
    #[arg(long, env = "PORTICO_KEY_PREFIX", default_value = "ptk_", value_name = "PREFIX", value_parser = key_prefix)]
    pub key_prefix: ApiKeyPrefix,
    /// Form of the log lines on standard error.
    #[arg(long, env = "PORTICO_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// What is logged: a level, or levels by target such as `info,portico=debug`.
    #[arg(long, env = "PORTICO_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
}

impl ServeOptions {
    /// How much of everything there may be.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            apps_per_developer: self.max_apps_per_developer,
            live_keys_per_app: self.max_keys_per_app,
            ..Limits::default()
        }
    }

    /// How often somebody may try to sign in and to sign up.
    #[must_use]
    pub const fn throttle_limits(&self) -> ThrottleLimits {
        ThrottleLimits {
            sign_in_per_address: self.sign_ins_per_address,
            sign_in_per_account: self.sign_ins_per_account,
            sign_in_per_known_address: self.sign_ins_per_known_address,
            sign_up_per_address: self.sign_ups_per_address,
        }
    }

    /// How long one API request may take.
    #[must_use]
    pub fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout)
    }

    /// How long requests may go on once the server is to stop.
    #[must_use]
    pub fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace)
    }

    /// The defaults, with data in `directory`, on free ports of the loopback address: for tools and tests.
    #[must_use]
    pub fn local(directory: &Path) -> Self {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let throttle = ThrottleLimits::default();
        Self {
            listen: loopback,
            gateway_listen: GatewayListen::On(loopback),
            gateway_workers: None,
            gateway_public_url: None,
            proxies: ProxyOptions::OFF,
            metrics: MetricsOptions::OFF,
            storage: StorageOptions {
                data_dir: directory.to_owned(),
                database_url: None,
            },
            admin_email: None,
            admin_password: None,
            portal_signing_keys_file: None,
            admin_signing_keys_file: None,
            trusted_proxies: Vec::new(),
            allowed_origins: Vec::new(),
            request_timeout: 30,
            shutdown_grace: 20,
            queries: QueryOptions::default(),
            max_apps_per_developer: 500,
            max_keys_per_app: 20,
            answer_cache_bytes: DEFAULT_ANSWER_CACHE_BYTES,
            sign_ins_per_address: throttle.sign_in_per_address,
            sign_ins_per_account: throttle.sign_in_per_account,
            sign_ins_per_known_address: throttle.sign_in_per_known_address,
            sign_ups_per_address: throttle.sign_up_per_address,
            key_prefix: ApiKeyPrefix::default(),
            log_format: LogFormat::Text,
            log: "info".to_owned(),
        }
    }
}

/// Where the gateway listens, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayListen {
    /// This process runs no gateway.
    Off,
    /// On this address.
    On(SocketAddr),
}

impl FromStr for GatewayListen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse()
            .map(Self::On)
            .map_err(|_| "expected an address such as 127.0.0.1:8000, or off")
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// A password in the environment. It is never an argument: those show in process lists.
fn password_from_environment() -> Option<SecretString> {
    std::env::var("PORTICO_ADMIN_PASSWORD")
        .ok()
        .filter(|password| !password.is_empty())
        .map(SecretString::from)
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse().map(|address: std::net::IpAddr| IpNet::from(address));
    text.parse()
        .or_else(|_| address())
        .map_err(|_| format!("{text} is no address such as 10.0.0.1 or network such as 10.0.0.0/8"))
}

fn http_url(text: &str) -> Result<String, String> {
    if crate::graphql::scalar::is_http_url(text) {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("expected an absolute http or https URL such as https://gateway.example.com".to_owned())
    }
}

fn key_prefix(text: &str) -> Result<ApiKeyPrefix, String> {
    ApiKeyPrefix::new(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
