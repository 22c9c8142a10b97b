//! The flags of `portico gateway`.

use std::{
    ffi::OsStr,
    net::SocketAddr,
    num::NonZero,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, builder::TypedValueParser, error::ErrorKind};
use domain::{contact::MaxStaleness, gateway_token::GatewayToken};
use gateway::{IpNet, control_plane::ControlPlaneUrl};

use super::{DEFAULT_DATA_DIRECTORY, GatewayListen, LogFormat, network};
use crate::{metrics::MetricsOptions, proxy_listeners::ProxyOptions};

/// How to run a gateway of its own.
#[derive(Clone, Debug, Args)]
pub struct GatewayOptions {
    /// URL of the control plane's API: https, or http on this machine alone.
    #[arg(long, env = "PORTICO_CONTROL_PLANE", value_name = "URL")]
    pub control_plane: ControlPlaneUrl,
    /// Token that createGatewayToken made. Prefer the variable or --token-file: arguments show in process lists.
    #[arg(long, env = "PORTICO_GATEWAY_TOKEN", hide_env_values = true, value_name = "TOKEN", value_parser = GatewayTokenParser)]
    pub token: Option<GatewayToken>,
    /// File that holds the token, read for every connection, so that it can be replaced meanwhile. Wins over --token.
    #[arg(long, env = "PORTICO_GATEWAY_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// File with the authorities (PEM) that alone may vouch for the control plane. Default: those of the system.
    #[arg(long, env = "PORTICO_CONTROL_PLANE_CA", value_name = "FILE")]
    pub control_plane_ca: Option<PathBuf>,
    /// Address of the gateway. Port 0 takes a free port.
    #[arg(
        long,
        env = "PORTICO_GATEWAY_LISTEN",
        default_value = "127.0.0.1:8000",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,
    /// Threads of the gateway. Default: as many as there are cores for this process.
    #[arg(long, env = "PORTICO_GATEWAY_WORKERS", value_name = "NUMBER")]
    pub gateway_workers: Option<NonZero<usize>>,
    /// Address of /healthz and /readyz; `off` for none. Port 0 takes a free port.
    #[arg(
        long,
        env = "PORTICO_HEALTH_LISTEN",
        default_value = "127.0.0.1:8001",
        value_name = "ADDRESS"
    )]
    pub health_listen: GatewayListen,
    /// What gatewayNodes calls it. Default: the machine's name.
    #[arg(long, env = "PORTICO_GATEWAY_NAME", value_name = "NAME")]
    pub name: Option<String>,
    /// Directory of the snapshot's copy and the gateway's id; made when missing, readable by this user alone.
    #[arg(long, env = "PORTICO_DATA_DIR", default_value = DEFAULT_DATA_DIRECTORY, value_name = "DIRECTORY")]
    pub data_dir: PathBuf,
    /// Seconds that it goes on without the control plane, the age of the copy that it started from included; then every
    /// call is answered 503. 0: for ever.
    #[arg(long, env = "PORTICO_MAX_STALENESS", default_value_t = 86_400, value_name = "SECONDS", value_parser = max_staleness)]
    pub max_staleness: u64,
    /// Where proxies that others run ask for decisions.
    #[command(flatten)]
    pub proxies: ProxyOptions,
    /// Where metrics are scraped.
    #[command(flatten)]
    pub metrics: MetricsOptions,
    /// Addresses or networks of proxies in front whose forwarding headers are believed, separated by commas. Default:
    /// none.
    #[arg(long, env = "PORTICO_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network, value_name = "NETWORKS")]
    pub trusted_proxies: Vec<IpNet>,
    /// Seconds that requests may go on after SIGTERM or Ctrl-C.
    #[arg(long, env = "PORTICO_SHUTDOWN_GRACE", default_value_t = 20, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub shutdown_grace: u64,
    /// Form of the log lines on standard error.
    #[arg(long, env = "PORTICO_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// What is logged: a level, or levels by target such as `info,portico_gateway=debug`.
    #[arg(long, env = "PORTICO_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
}

impl GatewayOptions {
    /// How long it goes on without the control plane.
    #[must_use]
    pub fn max_staleness(&self) -> MaxStaleness {
        MaxStaleness::new(Duration::from_secs(self.max_staleness))
    }

    /// How long requests may go on once it is to stop.
    #[must_use]
    pub fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace)
    }

    /// The defaults, with data in `directory`, on free ports of the loopback address: for tools and tests.
    #[must_use]
    pub fn local(control_plane: ControlPlaneUrl, token: GatewayToken, directory: &Path) -> Self {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            control_plane,
            token: Some(token),
            token_file: None,
            control_plane_ca: None,
            listen: loopback,
            gateway_workers: None,
            health_listen: GatewayListen::On(loopback),
            name: None,
            data_dir: directory.to_owned(),
            max_staleness: 86_400,
            proxies: ProxyOptions::OFF,
            metrics: MetricsOptions::OFF,
            trusted_proxies: Vec::new(),
            shutdown_grace: 20,
            log_format: LogFormat::Text,
            log: "info".to_owned(),
        }
    }
}

/// Shorter limits would be reached between two heartbeats.
const SHORTEST_STALENESS: u64 = 10;

fn max_staleness(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Ok(0),
        Ok(seconds) if seconds >= SHORTEST_STALENESS => Ok(seconds),
        Ok(_) | Err(_) => Err(format!("expected 0 or at least {SHORTEST_STALENESS} seconds")),
    }
}

/// Reads a gateway token, and does not repeat a bad one: it may be a good one with a character lost.
#[derive(Clone)]
struct GatewayTokenParser;

impl TypedValueParser for GatewayTokenParser {
    type Value = GatewayToken;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<GatewayToken, clap::Error> {
        GatewayToken::parse(value.as_encoded_bytes().trim_ascii()).map_err(|error| {
            let message = format!("invalid value for '--token' (PORTICO_GATEWAY_TOKEN): {error}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}
