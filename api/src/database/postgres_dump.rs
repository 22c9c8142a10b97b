//! Backups of PostgreSQL: `pg_dump` in its custom format, which `pg_restore` reads.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use url::Url;

use super::backup::{BackupError, create_private};

/// What of a database's URL `pg_dump` is given, under the names that sqlx takes and libpq's own.
const PARAMETERS: [(&str, &str); 13] = [
    ("host", "host"),
    ("hostaddr", "hostaddr"),
    ("port", "port"),
    ("dbname", "dbname"),
    ("user", "user"),
    ("sslmode", "sslmode"),
    ("ssl-mode", "sslmode"),
    ("sslrootcert", "sslrootcert"),
    ("ssl-root-cert", "sslrootcert"),
    ("sslcert", "sslcert"),
    ("ssl-cert", "sslcert"),
    ("sslkey", "sslkey"),
    ("ssl-key", "sslkey"),
];

/// Writes a consistent copy of the PostgreSQL database to `file`, readable by its owner alone, also while servers
/// write. It blocks until `pg_dump` has ended.
///
/// The password goes to `pg_dump` in its environment, never as an argument; without one in the URL, libpq's own ways
/// (PGPASSWORD, PGPASSFILE) are open to it.
///
/// # Errors
/// [`BackupError`]; a file that exists is never overwritten, and what could not be finished is deleted.
pub fn to_file(database_url: &str, file: &Path) -> Result<(), BackupError> {
    let (place, password) = without_password(database_url).ok_or(BackupError::BadUrl)?;
    let program = in_path("pg_dump").ok_or(BackupError::NoPgDump)?;
    let written = create_private(file)?;
    let copied = dump(&program, &place, password, file, written);
    if copied.is_err() {
        let _ = fs::remove_file(file);
    }
    copied
}

fn dump(
    program: &Path,
    place: &Url,
    password: Option<String>,
    file: &Path,
    written: fs::File,
) -> Result<(), BackupError> {
    let failed = |source| BackupError::Io {
        path: file.to_owned(),
        source,
    };
    let mut command = Command::new(program);
    command
        .args(["--format=custom", "--no-password", "--dbname"])
        .arg(place.as_str())
        .stdin(Stdio::null())
        .stdout(written.try_clone().map_err(failed)?);
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    let output = command
        .output()
        .map_err(|error| BackupError::PgDump(error.to_string()))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(BackupError::PgDump(told.trim().to_owned()));
    }
    written.sync_all().map_err(failed)
}

/// The URL as libpq takes it, and the password that it had.
fn without_password(database_url: &str) -> Option<(Url, Option<String>)> {
    let mut url = Url::parse(database_url).ok()?;
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .ok()
            .map(String::from)
    };
    let mut password = match url.password() {
        Some(encoded) => Some(decode(encoded)?),
        None => None,
    };
    url.set_password(None).ok()?;
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    url.set_query(None);
    for (name, value) in pairs {
        if name == "password" {
            password = Some(value);
        } else if let Some((_, known)) = PARAMETERS.iter().find(|(given, _)| *given == name) {
            url.query_pairs_mut().append_pair(known, &value);
        }
    }
    Some((url, password))
}

fn in_path(name: &str) -> Option<std::path::PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_leaves_the_url() {
        for (given, place, password) in [
            ("postgres://u:p%40ss@h:5432/n", "postgres://u@h:5432/n", Some("p@ss")),
            ("postgresql://u@h/n", "postgresql://u@h/n", None),
            (
                "postgres://u@h/n?password=secret&ssl-mode=require&statement-cache-capacity=1",
                "postgres://u@h/n?sslmode=require",
                Some("secret"),
            ),
        ] {
            let (url, found) = without_password(given).unwrap();
            assert_eq!((url.as_str(), found.as_deref()), (place, password));
        }
        assert!(without_password("postgres").is_none());
    }
}
