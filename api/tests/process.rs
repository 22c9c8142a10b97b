//! The binary as an operator meets it: arguments, ports, signals, exit codes.

// What a helper cannot do must fail the test that uses it.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStderr, Command, Output, Stdio},
};

use tempfile::TempDir;

fn portico(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
    command
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PORTICO_") || name == "DATABASE_URL") {
        command.env_remove(name);
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let output = portico(directory.path(), arguments).output().unwrap();
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert!(left.is_empty(), "{arguments:?} leaves files behind: {left:?}");
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A server that is killed when its test is over, however that ends.
struct Serving {
    child: Child,
    log: BufReader<ChildStderr>,
    listen: String,
    _directory: TempDir,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let free = [
            "--listen",
            "127.0.0.1:0",
            "--gateway-listen",
            "127.0.0.1:0",
            "--log-format",
            "json",
        ];
        let mut command = portico(directory.path(), &free);
        let mut child = command.args(arguments).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("serving") {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended before it served");
        }
        let addresses = fs::read_to_string(directory.path().join("data/addresses.json")).unwrap();
        let addresses: serde_json::Value = serde_json::from_str(&addresses).unwrap();
        let listen = addresses["listen"].as_str().unwrap().to_owned();
        assert!(addresses["gateway_listen"].as_str().unwrap().starts_with("127.0.0.1:"));
        Self {
            child,
            log,
            listen,
            _directory: directory,
        }
    }

    /// The answer to a GET, its head included.
    fn get(&self, path: &str) -> String {
        let mut connection = TcpStream::connect(&self.listen).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }

    fn wait_for_line(&mut self, part: &str) {
        let mut line = String::new();
        while !line.contains(part) {
            line.clear();
            assert_ne!(
                self.log.read_line(&mut line).unwrap(),
                0,
                "it ended before it said {part:?}"
            );
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }
}

#[test]
fn help_explains_every_flag_and_shows_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = portico(directory.path(), &["--help"]);
    command
        .env("PORTICO_ADMIN_PASSWORD", "hunter2")
        .env("DATABASE_URL", "postgres://portico:hunter2@localhost/portico");
    let output = command.output().unwrap();
    let help = text(&output.stdout);
    assert!(output.status.success());
    for word in [
        "--listen",
        "PORTICO_LISTEN",
        "--gateway-listen",
        "PORTICO_GATEWAY_LISTEN",
        "--gateway-public-url",
        "--data-dir",
        "PORTICO_DATA_DIR",
        "--database-url",
        "DATABASE_URL",
        "PORTICO_ADMIN_EMAIL",
        "PORTICO_ADMIN_PASSWORD",
        "127.0.0.1:4000",
        "127.0.0.1:8000",
    ] {
        assert!(help.contains(word), "{word} is not explained:\n{help}");
    }
    assert!(!help.contains("hunter2"), "{help}");
}

#[test]
fn the_schema_needs_no_database() {
    let output = run(&["schema"]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), include_str!("../../schema.graphql"));
}

#[test]
fn mistakes_are_told_and_fail() {
    for (arguments, told) in [
        (&["--listen", "4000"][..], "--listen"),
        (&["--gateway-listen", "on"], "off"),
        (&["--no-such-flag"], "--no-such-flag"),
        (&["no-such-command"], "no-such-command"),
        (&["--database-url", "postgre://u:hunter2@localhost/n"], "--database-url"),
    ] {
        let output = run(arguments);
        let message = text(&output.stderr);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(message.contains(told), "{arguments:?}: {message}");
        assert!(!message.contains("hunter2"), "a password is repeated: {message}");
    }
}

#[test]
fn a_taken_port_names_the_flag_to_change_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (flag, other) in [("--listen", "--gateway-listen"), ("--gateway-listen", "--listen")] {
        let directory = tempfile::tempdir().unwrap();
        let output = portico(directory.path(), &[flag, &address, other, "127.0.0.1:0"])
            .output()
            .unwrap();
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(
            message.contains(&address) && message.contains(&format!("with {flag} ")),
            "{message}"
        );
        assert!(!directory.path().join("data/addresses.json").exists());
    }
}

#[cfg(unix)]
#[test]
fn signals_stop_it_in_order() {
    for name in ["TERM", "INT"] {
        let mut serving = Serving::start();
        // An idle connection keeps nothing from stopping.
        let mut idle = TcpStream::connect(&serving.listen).unwrap();
        idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut status = [0; 12];
        idle.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
        serving.signal(name);
        let mut rest = String::new();
        serving.log.read_to_string(&mut rest).unwrap();
        assert!(serving.child.wait().unwrap().success(), "{name}: {rest}");
        assert!(rest.contains("stopping") && rest.contains("stopped"), "{name}: {rest}");
    }
}

#[cfg(unix)]
#[test]
fn a_request_under_way_is_finished_before_it_stops() {
    let mut serving = Serving::start();
    let body = r#"{"query":"{ portal { name } }"}"#;
    let (begun, rest) = body.split_at(10);
    let mut busy = TcpStream::connect(&serving.listen).unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    busy.write_all(head.as_bytes()).unwrap();
    // The handler asks for the body, so the request is under way.
    let mut answer = [0; 25];
    busy.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    busy.write_all(begun.as_bytes()).unwrap();
    serving.signal("TERM");
    let mut line = String::new();
    while !line.contains("stopping") {
        line.clear();
        assert_ne!(
            serving.log.read_line(&mut line).unwrap(),
            0,
            "it ended before it said so"
        );
    }
    busy.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains(r#"{"portal":{"name":"#),
        "{answer}"
    );
    assert!(serving.child.wait().unwrap().success());
}

#[cfg(unix)]
#[test]
fn hanging_up_reads_the_trusted_documents_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("documents.json");
    // `printf '{portal{name}}' | sha256sum`
    let hash = "349f27fd0b89fc71df8c1331767fd726f8b0990370c62cc0e7e68515ba211b4a";
    let list = format!(r#"{{"{hash}":"{{portal{{name}}}}"}}"#);
    fs::write(&file, "{}").unwrap();
    let mut serving = Serving::start_with(&["--trusted-documents", file.to_str().unwrap()]);
    let ask = |serving: &Serving| serving.get("/graphql?query=%7Bportal%7Bname%7D%7D");
    assert!(ask(&serving).contains("DOCUMENT_NOT_TRUSTED"));
    fs::write(&file, &list).unwrap();
    serving.signal("HUP");
    serving.wait_for_line("were read again");
    assert!(ask(&serving).contains(r#"{"portal":{"name":"#), "{}", ask(&serving));
    fs::write(&file, "no list").unwrap();
    serving.signal("HUP");
    serving.wait_for_line("stay as they were");
    assert!(ask(&serving).contains(r#"{"portal":{"name":"#));
    serving.signal("TERM");
    assert!(serving.child.wait().unwrap().success());
}
