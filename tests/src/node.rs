//! Scripts for Node.js, with which tests do what frontend teams do: `tests/node/*.mjs`, run against a server under
//! test by the packages that `cargo xtask test` installs there.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use portico_sdk::Portico;
use secrecy::ExposeSecret as _;
use tokio::sync::mpsc;

use crate::server::TestServer;

/// How long a script may take in all. Compilers and browsers are slow where many tests run at once.
const PATIENCE: Duration = Duration::from_secs(240);

/// What `cargo xtask test` leaves in the npm project when its packages are installed; `xtask/src/node.rs` writes it.
const MARK: &str = "node_modules/.installed-from";

/// The browser's names; `xtask/src/node.rs` looks for the same.
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome"];

/// The folder of the npm project.
#[must_use]
pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("node")
}

/// A script that is to be run.
pub struct Script {
    name: String,
    command: Command,
}

impl Script {
    /// A script of `tests/node`, such as `audit.mjs`. It runs in a process without any variables but `PATH`, `HOME`
    /// and what is set here.
    ///
    /// # Panics
    ///
    /// When the packages are not installed as the lock file says.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let project = project();
        let manifest = |name: &str| fs::read_to_string(project.join(name)).unwrap();
        let wanted = manifest("package.json") + &manifest("package-lock.json");
        let installed = fs::read_to_string(project.join(MARK)).unwrap_or_default();
        assert!(
            wanted == installed,
            "the packages in tests/node are not installed, or others than package-lock.json says: `cargo xtask test` \
             installs what these tests need"
        );
        let mut command = Command::new("node");
        command.arg(name).current_dir(&project).env_clear();
        for kept in ["PATH", "HOME"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        Self {
            name: name.to_owned(),
            command,
        }
    }

    /// A script that is told where the server is: `GRAPHQL_URL` (`http://…/graphql`), `GRAPHQL_WS_URL`
    /// (`ws://…/graphql/ws`), `API_URL` (`http://…`, without a slash at its end) and `GATEWAY_URL`.
    #[must_use]
    pub fn against(server: &TestServer, name: &str) -> Self {
        Self::new(name)
            .variable("GRAPHQL_URL", server.endpoint())
            .variable(
                "GRAPHQL_WS_URL",
                server.api("/graphql/ws").replacen("http://", "ws://", 1),
            )
            .variable("API_URL", server.api(""))
            .variable("GATEWAY_URL", server.gateway(""))
    }

    /// Sets an environment variable of the script.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets an environment variable to the access token of whoever is signed in with the client.
    #[must_use]
    pub fn token(self, name: &str, client: &Portico) -> Self {
        let tokens = client.tokens().unwrap();
        self.variable(name, tokens.access_token.expose_secret())
    }

    /// Sets `CHROMIUM` to the browser's path.
    ///
    /// # Panics
    ///
    /// When there is no browser.
    #[must_use]
    pub fn with_browser(self) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let browser = BROWSERS
            .iter()
            .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
            .find(|candidate| candidate.is_file())
            .expect("Chromium is missing: `cargo xtask test` installs it, or says what to do");
        self.variable("CHROMIUM", browser)
    }

    /// Runs it to its end and returns what it printed.
    ///
    /// # Panics
    ///
    /// When it fails or does not end in time, with all its output.
    pub async fn run(self) -> Vec<String> {
        self.start().finished().await
    }

    /// Starts it.
    ///
    /// # Panics
    ///
    /// When there is no Node.js.
    #[must_use]
    pub fn start(mut self) -> Running {
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let spawned = self.command.spawn();
        let mut child =
            spawned.unwrap_or_else(|error| panic!("node: {error}; `cargo xtask test` installs it, or says what to do"));
        let (sender, lines) = mpsc::unbounded_channel();
        read_lines(child.stdout.take().unwrap(), sender.clone());
        read_lines(child.stderr.take().unwrap(), sender);
        Running {
            name: self.name,
            child,
            lines,
            seen: Vec::new(),
            deadline: tokio::time::Instant::now() + PATIENCE,
        }
    }
}

/// Reads to the end, so that the script never waits for room in the pipe.
fn read_lines(pipe: impl Read + Send + 'static, lines: mpsc::UnboundedSender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
}

/// A script that runs; killed when it is dropped before its end.
pub struct Running {
    name: String,
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    seen: Vec<String>,
    deadline: tokio::time::Instant,
}

impl Running {
    /// Waits until it prints a line that begins with `text`, and returns the line: so a script says how far it is.
    ///
    /// # Panics
    ///
    /// When it ends before that or does not get there in time, with all its output.
    pub async fn wait_for_line(&mut self, text: &str) -> String {
        loop {
            match self.next_line().await {
                Some(line) if line.starts_with(text) => return line,
                Some(_) => {}
                None => panic!("{} ended without {text:?}:\n{}", self.name, self.seen.join("\n")),
            }
        }
    }

    /// Waits for its end and returns everything that it printed.
    ///
    /// # Panics
    ///
    /// When it fails or does not end in time, with all its output.
    pub async fn finished(mut self) -> Vec<String> {
        while self.next_line().await.is_some() {}
        // It has closed its output, so it is at its end.
        let status = self.child.wait().unwrap();
        assert!(
            status.success(),
            "{} failed ({status}):\n{}",
            self.name,
            self.seen.join("\n")
        );
        std::mem::take(&mut self.seen)
    }

    async fn next_line(&mut self) -> Option<String> {
        let waited = tokio::time::timeout_at(self.deadline, self.lines.recv()).await;
        let line = waited.unwrap_or_else(|_| panic!("{} does not end:\n{}", self.name, self.seen.join("\n")));
        self.seen.extend(line.clone());
        line
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Without effect on a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
