//! The command under test, in a configuration folder of its own.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use portico_tests::server::{ADMIN_PASSWORD, TestServer};
use serde_json::Value;
use tempfile::TempDir;

/// The command under test: one server, one configuration folder.
pub(crate) struct Porticoctl {
    endpoint: String,
    folder: TempDir,
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Porticoctl {
    pub(crate) fn of(server: &TestServer) -> Self {
        Self::at(server.endpoint())
    }

    pub(crate) fn at(endpoint: String) -> Self {
        Self {
            endpoint,
            folder: TempDir::new().unwrap(),
        }
    }

    /// The same command of an admin who has signed in.
    pub(crate) async fn of_admin(server: &TestServer) -> Self {
        let porticoctl = Self::of(server);
        let arguments = ["sign-in", "--realm", "admin", "--email", "admin@example.com"];
        porticoctl
            .with(&[("PORTICO_PASSWORD", ADMIN_PASSWORD)], &arguments)
            .await
            .succeeded();
        porticoctl
    }

    /// Where its profiles are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs it.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        self.with(&[], arguments).await
    }

    /// Runs it, and reads what it answers as JSON.
    pub(crate) async fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--output", "json"]].concat()).await.succeeded();
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// The command with these arguments, to be started by the caller.
    pub(crate) fn command(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_porticoctl"));
        for variable in [
            "PORTICO_EMAIL",
            "PORTICO_PASSWORD",
            "PORTICO_REALM",
            "PORTICO_PROFILE",
            "PORTICO_OUTPUT",
        ] {
            command.env_remove(variable);
        }
        command
            .args(arguments)
            .env("PORTICO_ENDPOINT", &self.endpoint)
            .env("PORTICO_CONFIG_DIR", self.folder.path())
            .envs(variables.iter().copied())
            .stdin(Stdio::null());
        command
    }

    /// Runs it with these variables besides.
    pub(crate) async fn with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
        let mut command = self.command(variables, arguments);
        let Output { status, stdout, stderr } = tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap();
        Ended {
            code: status.code().unwrap(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }
}

impl Ended {
    /// What it printed, where it succeeded.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        self.with_code(0)
    }

    /// What it printed, where it ended with this code.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}
