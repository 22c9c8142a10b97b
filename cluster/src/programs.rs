//! Where PostgreSQL's programs are.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What a directory must hold to be PostgreSQL's.
const NEEDED: [&str; 5] = ["initdb", "postgres", "psql", "pg_dump", "pg_restore"];

/// Where Debian keeps one directory for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The programs of one PostgreSQL installation.
#[derive(Clone, Debug)]
pub struct Programs {
    directory: PathBuf,
}

/// There is no PostgreSQL server on this machine, or a part of it is missing.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "no PostgreSQL server was found: PATH, `pg_config --bindir` and /usr/lib/postgresql/*/bin have no directory with \
     initdb, postgres, psql, pg_dump and pg_restore"
)]
pub struct NotFound;

impl Programs {
    /// Looks in PATH, in `pg_config --bindir`, and where Debian keeps them, the newest version first.
    ///
    /// # Errors
    /// [`NotFound`] when no directory has all that is needed.
    pub fn find() -> Result<Self, NotFound> {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            // A link in PATH leads to the directory that has the rest.
            .filter_map(|directory| {
                fs::canonicalize(directory.join("initdb"))
                    .ok()?
                    .parent()
                    .map(Path::to_owned)
            })
            .chain(pg_config())
            .chain(debian())
            .find(|directory| NEEDED.iter().all(|name| directory.join(name).is_file()))
            .map(|directory| Self { directory })
            .ok_or(NotFound)
    }

    /// The path of one of them.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A command that runs one of them.
    #[must_use]
    pub fn command(&self, name: &str) -> Command {
        Command::new(self.path(name))
    }
}

fn pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(text.trim()))
}

fn debian() -> impl Iterator<Item = PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_unstable_by(|left, right| right.cmp(left));
    versions.into_iter().map(|(_, directory)| directory)
}
