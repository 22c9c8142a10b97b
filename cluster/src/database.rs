//! Databases on a server.

use std::{
    env,
    process::{Command, Stdio},
};

use crate::{NotFound, Programs, URL_VARIABLE};

/// A server that databases can be made on.
#[derive(Clone, Debug)]
pub struct Server {
    url: String,
    programs: Programs,
}

/// Why a database was not made.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// PostgreSQL's program could not be started.
    #[error("PostgreSQL's program could not be started: {0}")]
    Io(#[from] std::io::Error),
    /// The server refused.
    #[error("{0}")]
    Refused(String),
}

impl Server {
    /// The server that [`URL_VARIABLE`] names; `None` when it names none.
    ///
    /// # Errors
    /// [`NotFound`] when it does, and `psql` is not there to make databases on it.
    pub fn from_environment() -> Result<Option<Self>, NotFound> {
        match env::var(URL_VARIABLE) {
            Ok(url) => Ok(Some(Self::new(url, Programs::find()?))),
            Err(_) => Ok(None),
        }
    }

    pub(crate) fn new(url: String, programs: Programs) -> Self {
        Self { url, programs }
    }

    /// `postgres://user@host:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of one of its databases.
    #[must_use]
    pub fn database_url(&self, name: &str) -> String {
        format!("{}/{name}", self.url)
    }

    /// Makes a database with a new name, which is the answer; a copy of `template` if one is named, to which nobody
    /// may be connected.
    ///
    /// # Errors
    /// [`DatabaseError`] when the server refuses.
    pub fn create_database(&self, template: Option<&str>) -> Result<String, DatabaseError> {
        let name = format!("test_{}", uuid::Uuid::now_v7().simple());
        let template = template
            .map(|template| format!(" TEMPLATE {template}"))
            .unwrap_or_default();
        self.execute("postgres", &format!("CREATE DATABASE {name}{template}"))?;
        Ok(name)
    }

    /// All of a database as SQL.
    ///
    /// # Errors
    /// [`DatabaseError`] when the server refuses.
    pub fn dump(&self, database: &str) -> Result<String, DatabaseError> {
        let mut command = self.programs.command("pg_dump");
        command.arg(self.database_url(database));
        output(&mut command)
    }

    /// Executes statements in the database, and answers the rows, columns separated by `|`.
    ///
    /// # Errors
    /// [`DatabaseError`] when the server refuses one of them.
    pub fn execute(&self, database: &str, sql: &str) -> Result<String, DatabaseError> {
        let mut command = self.programs.command("psql");
        command
            .args([
                "--no-psqlrc",
                "--quiet",
                "--tuples-only",
                "--no-align",
                "--set",
                "ON_ERROR_STOP=1",
            ])
            .args(["--command", sql, &self.database_url(database)]);
        output(&mut command).map(|rows| rows.trim_end().to_owned())
    }
}

fn output(command: &mut Command) -> Result<String, DatabaseError> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(DatabaseError::Refused(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ))
    }
}
