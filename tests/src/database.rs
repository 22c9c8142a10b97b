//! Databases for servers under test: SQLite, or PostgreSQL where the environment names a server.

use std::{fs, path::Path};

use portico::{
    config::{DatabaseUrl, ServeOptions},
    database::Database,
    session::signing_key,
};
use secrecy::ExposeSecret as _;
use test_cluster::{Cluster, Programs, Server};
use tokio::sync::OnceCell;

/// A PostgreSQL server for tests that are about PostgreSQL: the one that the tests run on, or else one of their own.
pub enum Postgres {
    /// Used by other tests too.
    Shared(Server),
    /// Gone with this value.
    Own(Cluster),
}

impl Postgres {
    /// Finds or starts one.
    pub fn any() -> Self {
        postgres_server().map_or_else(|| Self::Own(own_cluster(&[])), Self::Shared)
    }

    /// The server.
    pub fn server(&self) -> Server {
        match self {
            Self::Shared(server) => server.clone(),
            Self::Own(cluster) => cluster.server(),
        }
    }
}

/// Starts a PostgreSQL server that a test may stop, with settings of its own.
pub fn own_cluster(settings: &[&str]) -> Cluster {
    let programs = Programs::find().unwrap_or_else(|missing| panic!("{missing}; `cargo xtask test` says what to do"));
    Cluster::start(&programs, settings).unwrap()
}

/// The PostgreSQL server that the tests run on, if they do.
#[must_use]
pub fn postgres_server() -> Option<Server> {
    Server::from_environment().unwrap()
}

/// Gives the server that `options` describe a new database of its own: a file in its data directory, or a database on
/// the PostgreSQL server, for which it also needs signing keys.
pub async fn provide(options: &mut ServeOptions) {
    if let Some(server) = postgres_server() {
        let url = new_database(&server).await;
        on_postgres(options, &url);
    }
}

/// Points `options` to this PostgreSQL database, with signing keys beside the data directory: the same for every
/// server whose data directory is beside it.
pub fn on_postgres(options: &mut ServeOptions, url: &str) {
    let url: DatabaseUrl = url.parse().unwrap();
    let beside = options.storage.data_dir.parent().unwrap();
    options.portal_signing_keys_file = Some(signing_keys(&beside.join("portal.pem")));
    options.admin_signing_keys_file = Some(signing_keys(&beside.join("admin.pem")));
    options.storage.database_url = Some(url);
}

/// Makes a database on the server with all tables, and answers its URL.
///
/// It is a copy of one that this process has migrated once: that takes a fraction of the time of the migrations.
pub async fn new_database(server: &Server) -> String {
    static TEMPLATE: OnceCell<(String, String)> = OnceCell::const_new();
    let make_template = async || {
        let name = server.create_database(None).unwrap();
        migrate(&server.database_url(&name)).await;
        (server.url().to_owned(), name)
    };
    let (place, name) = TEMPLATE.get_or_init(make_template).await;
    // A server that a test has to itself has no template.
    let template = (place == server.url()).then_some(name.as_str());
    let name = server.create_database(template).unwrap();
    let url = server.database_url(&name);
    if template.is_none() {
        migrate(&url).await;
    }
    url
}

async fn migrate(url: &str) {
    let database = Database::connect(url).await.unwrap();
    database.migrate().await.unwrap();
    database.close().await.unwrap();
}

/// The variables that point the binary with this data directory to a database of its own, the same each time: none on
/// SQLite.
pub fn variables(data_directory: &Path) -> Vec<(&'static str, String)> {
    let Some(server) = postgres_server() else {
        return Vec::new();
    };
    let beside = data_directory.with_extension("beside");
    fs::create_dir_all(&beside).unwrap();
    let noted = beside.join("database-url");
    let url = fs::read_to_string(&noted).unwrap_or_else(|_| {
        // The binary migrates it itself.
        let url = server.database_url(&server.create_database(None).unwrap());
        fs::write(&noted, &url).unwrap();
        url
    });
    let keys = |name: &str| signing_keys(&beside.join(name)).to_str().unwrap().to_owned();
    vec![
        ("DATABASE_URL", url),
        ("PORTICO_PORTAL_SIGNING_KEYS_FILE", keys("portal.pem")),
        ("PORTICO_ADMIN_SIGNING_KEYS_FILE", keys("admin.pem")),
    ]
}

fn signing_keys(path: &Path) -> std::path::PathBuf {
    if !path.exists() {
        fs::write(path, signing_key::generate_pem().unwrap().expose_secret()).unwrap();
    }
    path.to_owned()
}
