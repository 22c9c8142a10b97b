//! A proxy as a process of its own, with the file in `deploy/` as its configuration.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

const PATIENCE: Duration = Duration::from_secs(60);

/// What `cargo xtask test` unpacks.
pub(super) fn unpacked(program: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target/programs")
        .join(program);
    assert!(
        path.exists(),
        "{} is missing: `cargo xtask test` unpacks the programs that these tests run",
        path.display()
    );
    path.canonicalize().unwrap()
}

/// A file of `deploy/` with addresses and paths replaced, each of which must be in it.
pub(super) fn shipped(file: &str, replacements: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(file);
    let mut text = fs::read_to_string(&path).unwrap();
    for (old, new) in replacements {
        assert!(text.contains(old), "{} does not mention {old}", path.display());
        text = text.replace(old, new);
    }
    text
}

/// A free port of the loopback address, for a program that cannot be asked to take one.
///
/// It is none that the system gives to outgoing connections: one of those could take it before the program does.
pub(super) async fn free_address() -> SocketAddr {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    for _ in 0..COUNT {
        let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap();
        let port = FIRST + (start + TRIED.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).await.is_ok() {
            return address;
        }
    }
    panic!("no free port")
}

/// A program that runs until it is dropped.
pub(super) struct Program {
    child: Child,
    log: PathBuf,
    _directory: TempDir,
}

impl Program {
    /// Starts it in a directory of its own and waits until it listens on `address`.
    pub(super) async fn start(directory: TempDir, mut command: Command, address: SocketAddr) -> Self {
        let log = directory.path().join("log");
        let output = fs::File::create(&log).unwrap();
        let child = command
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let mut program = Self {
            child,
            log,
            _directory: directory,
        };
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while TcpStream::connect(address).await.is_err() {
            let ended = program.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {}", program.log());
            assert!(
                tokio::time::Instant::now() < deadline,
                "it does not listen: {}",
                program.log()
            );
            // There is no event to wait for in another process's listening.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        program
    }

    /// What it has written so far.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
