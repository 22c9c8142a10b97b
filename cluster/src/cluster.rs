//! A PostgreSQL server of one's own.

use std::{
    fs, io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{Programs, Server};

/// The superuser's name.
const USER: &str = "portico";

/// How long the server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether it is ready.
const GLANCE: Duration = Duration::from_millis(10);

/// How many free ports are tried: another process may take one between the asking and the taking.
const PORTS: usize = 5;

/// Holds the server until standard input ends, which it does when the process that started it ends, whatever way it
/// ends: then it stops the server (with the signal that was written, or SIGINT) and removes its directory, unless that
/// has a file `keep`. A server that ended by itself leaves its log for the one who started it. Standard input goes to descriptor 3, because a command in the background has none.
///
/// `$1` is the directory, the rest is the server's command.
const KEEPER: &str = r#"
directory=$1; shift
exec 3<&0
"$@" </dev/null >>"$directory/log" 2>&1 3<&- &
server=$!
(read -r signal <&3; : >"$directory/over"; kill -"${signal:-INT}" "$server") 2>/dev/null &
wait "$server"
if [ -e "$directory/over" ] && [ ! -e "$directory/keep" ]; then rm -rf "$directory"; fi
"#;

/// A server on a free port of the loopback address, with everything in a temporary directory. Anybody on this machine
/// may connect, as the user `portico`. Dropped, it stops and is removed; so it is when this process is killed.
///
/// As root it runs as the user `postgres` or, where there is none, `nobody`: PostgreSQL refuses to run as root.
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    directory: TempDir,
    account: Option<Account>,
    settings: Vec<String>,
    port: u16,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    keeper: Child,
    input: Option<ChildStdin>,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Connections are closed, everything is written.
    Fast,
    /// As if it crashed: what was committed is recovered at the next start.
    Immediate,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Its directory or its process cannot be made.
    #[error("the PostgreSQL server could not be started: {0}")]
    Io(#[from] io::Error),
    /// `initdb` failed.
    #[error("initdb failed: {0}")]
    Initdb(String),
    /// This process is root, and there is no account to run it as.
    #[error("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as")]
    NoAccount,
    /// It ended, or did not get ready.
    #[error("the PostgreSQL server did not start: {0}")]
    NotReady(String),
}

#[derive(Clone, Copy, Debug)]
struct Account {
    user: u32,
    group: u32,
}

impl Cluster {
    /// Starts a server. `settings` are added to its own, as `name=value`.
    ///
    /// # Errors
    /// [`ClusterError`]; nothing is left behind then.
    pub fn start(programs: &Programs, settings: &[&str]) -> Result<Self, ClusterError> {
        let directory = tempfile::Builder::new().prefix("portico-postgres-").tempdir()?;
        let account = account(directory.path())?;
        let mut cluster = Self {
            programs: programs.clone(),
            directory,
            account,
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
            port: 0,
            running: None,
        };
        cluster.initialise()?;
        let mut tries = 1;
        loop {
            // Held until the number is read: no two tests in a row get the same one.
            cluster.port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            match cluster.run() {
                Err(ClusterError::NotReady(log)) if tries < PORTS && log.contains("could not bind") => tries += 1,
                Err(error) => return Err(error),
                Ok(()) => return Ok(cluster),
            }
        }
    }

    /// Where databases are made.
    #[must_use]
    pub fn server(&self) -> Server {
        Server::new(
            format!("postgres://{USER}@127.0.0.1:{}", self.port),
            self.programs.clone(),
        )
    }

    /// The server's programs.
    #[must_use]
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// The port that it listens on, the same after it was stopped and started.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server and keeps its data.
    ///
    /// # Errors
    /// When its directory cannot be written to.
    pub fn stop(&mut self, shutdown: Shutdown) -> Result<(), ClusterError> {
        fs::write(self.keep_file(), "")?;
        self.end(shutdown);
        Ok(())
    }

    /// Starts the server again after [`stop`](Self::stop), on the same port.
    ///
    /// # Errors
    /// [`ClusterError`] when it does not get ready.
    pub fn start_again(&mut self) -> Result<(), ClusterError> {
        fs::remove_file(self.keep_file())?;
        self.run()
    }

    /// From now on, who connects needs this password.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn require_password(&self, password: &str) -> Result<(), ClusterError> {
        let sql = format!("ALTER USER {USER} PASSWORD '{password}'");
        let server = self.server();
        let refused = |error: crate::DatabaseError| ClusterError::Io(io::Error::other(error));
        server.execute("postgres", &sql).map_err(refused)?;
        fs::write(
            self.data().join("pg_hba.conf"),
            "host all all 127.0.0.1/32 scram-sha-256\n",
        )?;
        // The last that works without one.
        server.execute("postgres", "SELECT pg_reload_conf()").map_err(refused)?;
        Ok(())
    }

    /// What the server has logged since it was last started.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn log(&self) -> io::Result<String> {
        fs::read_to_string(self.directory.path().join("log"))
    }

    fn keep_file(&self) -> PathBuf {
        self.directory.path().join("keep")
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn initialise(&self) -> Result<(), ClusterError> {
        // An order unlike the bytes' own, where this PostgreSQL has one: no list may depend on the database's default.
        let icu = self.initdb(&["--locale-provider=icu", "--icu-locale=en-US"]);
        if icu.is_err() {
            let _ = fs::remove_dir_all(self.data());
            return self.initdb(&[]);
        }
        icu
    }

    fn initdb(&self, arguments: &[&str]) -> Result<(), ClusterError> {
        let mut command = self.programs.command("initdb");
        command
            .args([
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--username",
                USER,
            ])
            .args(arguments)
            .arg("--pgdata")
            .arg(self.data());
        let output = self.as_account(&mut command).stdin(Stdio::null()).output()?;
        if output.status.success() {
            Ok(())
        } else {
            Err(ClusterError::Initdb(
                String::from_utf8_lossy(&output.stderr).into_owned(),
            ))
        }
    }

    fn as_account<'command>(&self, command: &'command mut Command) -> &'command mut Command {
        // It must be able to enter the directory it is started in.
        command.current_dir(self.directory.path());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt as _;
            // A group of its own: Ctrl-C at the terminal is for this process, whose end then ends the server.
            command.process_group(0);
            if let Some(Account { user, group }) = self.account {
                command.uid(user).gid(group);
            }
        }
        command
    }

    fn run(&mut self) -> Result<(), ClusterError> {
        for file in ["log", "over"] {
            let _ = fs::remove_file(self.directory.path().join(file));
        }
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(self.directory.path());
        command.arg(self.programs.path("postgres")).arg("-D").arg(self.data());
        let port = format!("port={}", self.port);
        // A crash of the machine may cost a test's data; nothing else is different from a real server.
        let own = [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=300",
            "fsync=off",
        ];
        for setting in own
            .into_iter()
            .chain([port.as_str()])
            .chain(self.settings.iter().map(String::as_str))
        {
            command.args(["-c", setting]);
        }
        self.as_account(&mut command)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut keeper = command.spawn()?;
        let input = keeper.stdin.take();
        self.running = Some(Running { keeper, input });
        self.wait_until_ready()
    }

    /// Waits until the server says so in `postmaster.pid`
    /// (<https://www.postgresql.org/docs/current/storage-file-layout.html>), as `pg_ctl` does.
    fn wait_until_ready(&mut self) -> Result<(), ClusterError> {
        let since = Instant::now();
        let status = self.data().join("postmaster.pid");
        let log = self.directory.path().join("log");
        while since.elapsed() < PATIENCE {
            let ended = match &mut self.running {
                Some(running) => log.exists() && !alive(&mut running.keeper),
                None => true,
            };
            let text = fs::read_to_string(&status).unwrap_or_default();
            if text.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            if ended {
                break;
            }
            thread::sleep(GLANCE);
        }
        Err(ClusterError::NotReady(fs::read_to_string(log).unwrap_or_default()))
    }

    fn end(&mut self, shutdown: Shutdown) {
        let Some(mut running) = self.running.take() else {
            return;
        };
        if let (Some(mut input), Shutdown::Immediate) = (running.input.take(), shutdown) {
            let _ = io::Write::write_all(&mut input, b"QUIT\n");
        }
        let _ = running.keeper.wait();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end(Shutdown::Immediate);
    }
}

fn alive(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(None))
}

/// Whom the server runs as when this process is root; the directory is given to them.
#[cfg(unix)]
fn account(directory: &Path) -> Result<Option<Account>, ClusterError> {
    use std::os::unix::fs::{MetadataExt as _, chown};
    // Whoever made the directory owns it.
    if fs::metadata(directory)?.uid() != 0 {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd")?;
    let account = ["postgres", "nobody"]
        .iter()
        .find_map(|name| accounts.lines().find_map(|line| entry(line, name)))
        .ok_or(ClusterError::NoAccount)?;
    chown(directory, Some(account.user), Some(account.group))?;
    Ok(Some(account))
}

#[cfg(not(unix))]
fn account(_: &Path) -> Result<Option<Account>, ClusterError> {
    Ok(None)
}

/// The account of `name`, if this line of `/etc/passwd` is theirs.
#[cfg(unix)]
fn entry(line: &str, name: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let found = fields.next()? == name;
    let (user, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
    found.then_some(Account { user, group })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[allow(clippy::unwrap_used)]
    fn started() -> Cluster {
        Cluster::start(&Programs::find().unwrap(), &[]).unwrap()
    }

    #[test]
    fn a_postgres_server_keeps_its_data_and_port_and_is_removed() {
        let mut cluster = started();
        let server = cluster.server();
        let directory = cluster.directory.path().to_owned();
        let name = server.create_database(None).unwrap();
        server
            .execute(&name, "CREATE TABLE kept (number int); INSERT INTO kept VALUES (42)")
            .unwrap();
        let copy = server.create_database(Some(&name)).unwrap();
        for shutdown in [Shutdown::Fast, Shutdown::Immediate] {
            cluster.stop(shutdown).unwrap();
            assert!(server.execute(&name, "SELECT 1").is_err());
            cluster.start_again().unwrap();
            for database in [&name, &copy] {
                assert_eq!(server.execute(database, "SELECT number FROM kept").unwrap(), "42");
            }
        }
        drop(cluster);
        assert!(!directory.exists());
    }

    #[test]
    fn a_postgres_server_ends_with_the_process_that_started_it() {
        let mut cluster = started();
        let directory = cluster.directory.path().to_owned();
        // What the end of this process does, whatever its cause: its end of the pipe is closed.
        let mut running = cluster.running.take().unwrap();
        drop(running.input.take());
        running.keeper.wait().unwrap();
        assert!(!directory.exists());
    }
}
