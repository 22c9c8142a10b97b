//! Where data is kept: the directory, and the database's URL.

use std::{ffi::OsStr, fmt, path::PathBuf, str::FromStr};

use clap::{Args, builder::TypedValueParser, error::ErrorKind};

/// Where data is kept unless told otherwise.
pub const DEFAULT_DATA_DIRECTORY: &str = "./data";

/// Where data is kept.
#[derive(Clone, Debug, Args)]
pub struct StorageOptions {
    /// Directory of the SQLite database and the signing keys; made when missing, readable by this user alone.
    #[arg(long, env = "PORTICO_DATA_DIR", default_value = DEFAULT_DATA_DIRECTORY, value_name = "DIRECTORY")]
    pub data_dir: PathBuf,
    /// Database: `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/NAME`. Default: `portico.db` in the data
    /// directory. Prefer the variable: arguments show in process lists.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL", value_parser = DatabaseUrlParser)]
    pub database_url: Option<DatabaseUrl>,
}

impl StorageOptions {
    /// The database's URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.database_url.as_ref().map_or_else(
            || crate::database::Database::sqlite_url(&self.data_dir),
            |url| url.0.clone(),
        )
    }
}

/// A database's URL. Its Debug shows the scheme alone: there may be a password in it.
#[derive(Clone)]
pub struct DatabaseUrl(String);

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://…", self.0.split(':').next().unwrap_or_default())
    }
}

const DATABASE_URL_EXPECTED: &str = "expected sqlite://FILE or postgres://USER:PASSWORD@HOST/NAME";

impl FromStr for DatabaseUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
        match scheme {
            "sqlite" | "postgres" | "postgresql" => Ok(Self(text.to_owned())),
            _ => Err(DATABASE_URL_EXPECTED),
        }
    }
}

/// Reads the URL, and does not repeat a bad one: clap's own message would print the password in it.
#[derive(Clone)]
struct DatabaseUrlParser;

impl TypedValueParser for DatabaseUrlParser {
    type Value = DatabaseUrl;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<DatabaseUrl, clap::Error> {
        let parsed = value.to_str().ok_or(DATABASE_URL_EXPECTED).and_then(str::parse);
        parsed.map_err(|expected| {
            let message = format!("invalid value for '--database-url' (DATABASE_URL): {expected}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}
