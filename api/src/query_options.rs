//! What callers may ask of the API, as operators configure it.

use clap::Args;

/// How much one caller may ask for.
#[derive(Clone, Debug, Args)]
pub struct QueryOptions {
    /// Connections for live updates that one account may hold, or one address where nobody is signed in.
    #[arg(
        long,
        env = "PORTICO_MAX_CONNECTIONS_PER_SUBSCRIBER",
        default_value_t = 20,
        value_name = "NUMBER"
    )]
    pub max_connections_per_subscriber: usize,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self {
            max_connections_per_subscriber: 20,
        }
    }
}
