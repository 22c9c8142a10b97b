//! The rows that all servers answer from.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use test_cluster::Cluster;

use super::DEVELOPERS;
use crate::bench::{
    Bench,
    portico::{Portico, Server},
};

const PASSWORD: &str = "a developer's password";

/// Somebody with apps.
pub(super) struct Developer {
    /// The row's id.
    pub(super) id: String,
    email: String,
}

/// A database with rows, and what is needed to serve it.
pub(super) struct Rows<'a> {
    program: &'a Path,
    /// Where its servers' directories are.
    directory: tempfile::TempDir,
    keys: PathBuf,
    pub(super) database_url: String,
    pub(super) developers: Vec<Developer>,
}

impl<'a> Rows<'a> {
    /// A new database with so many apps. The schema, the portal and the developers who ask are made by Portico itself.
    pub(super) fn prepare(bench: &Bench, program: &'a Path, cluster: &Cluster, apps: u64) -> Result<Self, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        // On PostgreSQL, signing keys have to be configured; a start without it makes some.
        let own = directory.path().join("keys");
        let making_keys = Portico {
            bench,
            program,
            directory: &own,
            database_url: None,
            keys: None,
            flags: &[],
        };
        drop(making_keys.start()?);
        let server = cluster.server();
        let database = server.create_database(None).map_err(|error| error.to_string())?;
        let mut rows = Self {
            program,
            keys: own.join("signing-keys"),
            database_url: server.database_url(&database),
            developers: Vec::new(),
            directory,
        };
        let first = rows.serve(bench, "first", &[])?;
        sign_up(&first)?;
        drop(first);
        println!("  writing {apps} apps");
        let sql = format!("SET bench.apps = {apps};\n{}", include_str!("seed.sql"));
        server.execute(&database, &sql).map_err(|error| error.to_string())?;
        let asking = "SELECT id || ' ' || email FROM developer WHERE email LIKE 'bench-%' ORDER BY created_at, id";
        let found = server.execute(&database, asking).map_err(|error| error.to_string())?;
        let developer = |row: &str| {
            let (id, email) = row.split_once(' ')?;
            Some(Developer {
                id: id.to_owned(),
                email: email.to_owned(),
            })
        };
        rows.developers = found.lines().filter_map(developer).collect();
        Ok(rows)
    }

    /// A server on the database, with a directory of this name.
    pub(super) fn serve(&self, bench: &Bench, name: &str, flags: &[&str]) -> Result<Server, String> {
        let portico = Portico {
            bench,
            program: self.program,
            directory: &self.directory.path().join(name),
            database_url: Some(&self.database_url),
            keys: Some(&self.keys),
            flags,
        };
        portico.start()
    }

    /// An access token of each developer, from a server on the database; good on all of them for 15 minutes.
    pub(super) fn tokens(&self, server: &Server) -> Result<Vec<String>, String> {
        let tokens = self.developers.iter().enumerate().map(|(number, developer)| {
            let input = json!({ "email": developer.email, "password": PASSWORD });
            server.sign_in(number, &input)
        });
        tokens.collect()
    }
}

fn sign_up(server: &Server) -> Result<(), String> {
    let admin = server.sign_in_admin(DEVELOPERS)?;
    let open = "mutation { updatePortal(input: { autoApproveDevelopers: true }) { userErrors { code } } }";
    server.ask(&server.request(open, &json!({}), Some(&admin)))?;
    let document = "mutation($input: SignUpInput!) { signUp(input: $input) { userErrors { code message } } }";
    for number in 0..DEVELOPERS {
        let input =
            json!({ "email": format!("bench-{number:02}@example.com"), "password": PASSWORD, "fullName": "Bench" });
        let answer = server.ask(&server.request_from(number, document, &json!({ "input": input })))?;
        if answer["data"]["signUp"]["userErrors"] != json!([]) {
            return Err(format!("a developer could not sign up: {answer}"));
        }
    }
    Ok(())
}

/// The process id of PostgreSQL's first process, whose children do the work.
pub(super) fn postmaster(cluster: &Cluster) -> Result<u32, String> {
    let directory = cluster
        .server()
        .execute("postgres", "SHOW data_directory")
        .map_err(|error| error.to_string())?;
    let file = Path::new(&directory).join("postmaster.pid");
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let first = text.lines().next().and_then(|line| line.parse().ok());
    first.ok_or_else(|| format!("{} names no process", file.display()))
}

/// A random UUID (version 4), from the kernel.
pub(super) fn random_uuid() -> String {
    fs::read_to_string("/proc/sys/kernel/random/uuid")
        .unwrap_or_default()
        .trim_end()
        .to_owned()
}
