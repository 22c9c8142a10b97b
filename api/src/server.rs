//! The server: both planes in one process, from start to an orderly end.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use domain::Timestamp;
use gateway::{BindError, Gateway, GatewayConfig, Observer, Protocol, Usage};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerWaitFuture},
};

use crate::{
    admin::{self, first_admin::FirstAdmin},
    answer_cache::AnswerCache,
    budget::Budgets,
    change::{ChangeWatch, Follower},
    config::{GatewayListen, ServeOptions},
    control_plane::ControlPlane,
    credential::usage,
    data_directory::{DataDirectory, DataDirectoryError, write_addresses},
    database::{Database, backup},
    error::{ServiceError, StoreError},
    fleet::{gateway_process::host_name, node_id},
    gateway_node::{self, GatewayNodes, registry::OwnGateway},
    graphql, housekeeping,
    http::{
        self,
        document_source::DocumentSource,
        graphql::GraphqlSettings,
        health::Readiness,
        listener::{self, ListenerSettings},
        persisted_queries::PersistedQueries,
        preparation::Preparation,
        trusted_documents::{TrustedDocuments, TrustedDocumentsError},
    },
    initial_data,
    live::Live,
    metrics::{self, GraphqlMetrics, LiveMetrics, MetricsListenError, MetricsListener, PlaneCollector},
    proxy_listeners::{ProxyListenError, ProxyListeners},
    query_options::{BudgetTooSmall, QueryOptions},
    session::{
        access_token::AccessTokens,
        directory::AccountDirectory,
        password::{PasswordError, PasswordHasher},
        service as sessions,
        signing_key::{SigningKeyError, SigningKeys},
        signing_key_file::{self, SigningKeyFileError},
        throttle::Throttle,
    },
};

/// Why the server does not start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDirectory(#[from] DataDirectoryError),
    /// The database cannot be reached or migrated.
    #[error("cannot open the database: {0}; check DATABASE_URL and --data-dir")]
    Database(#[from] StoreError),
    /// The copy of the database before a migration could not be written.
    #[error("cannot back up the database before migrating it: {0}")]
    Backup(#[from] backup::BackupError),
    /// The first rows could not be written.
    #[error("cannot prepare the database: {0}")]
    InitialData(#[from] ServiceError),
    /// The first admin could not be made.
    #[error(transparent)]
    FirstAdmin(#[from] admin::first_admin::FirstAdminError),
    /// The data directory's signing keys cannot be used.
    #[error(transparent)]
    SigningKeyFile(#[from] SigningKeyFileError),
    /// The configured signing keys cannot be used.
    #[error(transparent)]
    SigningKey(#[from] SigningKeyError),
    /// A configured file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The gateway's id cannot be kept.
    #[error("cannot use the data directory {path}: {source}; choose another with --data-dir", path = path.display())]
    NodeId {
        /// Which directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// One realm's keys were configured without the other's, or none on PostgreSQL.
    #[error(
        "set both --portal-signing-keys-file and --admin-signing-keys-file, so that all nodes sign with the same keys"
    )]
    SigningKeysIncomplete,
    /// The budgets do not suit the other limits.
    #[error(transparent)]
    Budget(#[from] BudgetTooSmall),
    /// The list of trusted documents cannot be used.
    #[error(transparent)]
    TrustedDocuments(#[from] TrustedDocumentsError),
    /// Passwords cannot be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The API's address is not to be had.
    #[error("cannot listen on {address}: {source}; choose another address with --listen (PORTICO_LISTEN)")]
    Listen {
        /// Which one.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The gateway's address is not to be had.
    #[error(
        "cannot listen on {address}: {source}; choose another address with --gateway-listen (PORTICO_GATEWAY_LISTEN), or `off`"
    )]
    GatewayListen {
        /// Which one.
        address: SocketAddr,
        /// What the gateway said.
        source: BindError,
    },
    /// Proxies cannot ask.
    #[error(transparent)]
    ProxyListen(#[from] ProxyListenError),
    /// Metrics cannot be scraped.
    #[error(transparent)]
    MetricsListen(#[from] MetricsListenError),
    /// The file that tells tools the addresses could not be written.
    #[error("cannot write addresses.json into the data directory: {0}")]
    Addresses(#[source] io::Error),
}

/// Where a server listens.
#[derive(Clone, Copy, Debug)]
struct Addresses {
    listen: SocketAddr,
    gateway_listen: Option<SocketAddr>,
    forward_auth_listen: Option<SocketAddr>,
    ext_authz_listen: Option<SocketAddr>,
    metrics_listen: Option<SocketAddr>,
}

/// What a server serves on.
struct Listeners {
    api: TcpListener,
    gateway: Option<Gateway>,
    gateway_metrics: gateway::Metrics,
    proxies: ProxyListeners,
    metrics: Option<MetricsListener>,
}

/// A server that runs.
pub struct Server {
    plane: Arc<ControlPlane>,
    addresses: Addresses,
    first_admin_password_file: Option<PathBuf>,
    readiness: Readiness,
    documents: DocumentSource,
    trusted_documents: Option<PathBuf>,
    shutdown: CancellationToken,
    background: CancellationToken,
    serving: TaskTracker,
    background_tasks: TaskTracker,
    executions: TaskTracker,
    grace: Duration,
    _data_directory: DataDirectory,
}

impl Server {
    /// Opens the database, migrates it, prepares what a new one needs, and serves both planes. Returns when both
    /// listen.
    ///
    /// # Errors
    /// [`StartError`]; nothing goes on running then.
    pub async fn start(options: &ServeOptions) -> Result<Self, StartError> {
        Self::start_observed(options, None).await
    }

    /// As [`Server::start`], with somebody who is told of each call that the gateway answers.
    ///
    /// # Errors
    /// [`StartError`]; nothing goes on running then.
    pub async fn start_observed(options: &ServeOptions, observer: Observer) -> Result<Self, StartError> {
        let budgets = Budgets::new(options.queries.budgets()?);
        let documents = document_source(&options.queries)?;
        let data_directory = DataDirectory::lock(&options.storage.data_dir)?;
        // Before anything slow: a taken port is told at once.
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(|source| StartError::Listen {
                address: options.listen,
                source,
            })?;
        let listen = listener.local_addr().map_err(|source| StartError::Listen {
            address: options.listen,
            source,
        })?;
        let (snapshot_writer, snapshot) = gateway::snapshot::channel();
        let usage = Arc::new(Usage::new());
        let metrics_listener = MetricsListener::bind(options.metrics).await?;
        let gateway_metrics = gateway::Metrics::new();
        let trusted = &options.trusted_proxies;
        let grace = options.shutdown_grace();
        let proxies =
            ProxyListeners::bind(options.proxies, trusted, grace, &snapshot, &usage, &gateway_metrics).await?;
        let gateway = match options.gateway_listen {
            GatewayListen::Off => None,
            GatewayListen::On(address) => {
                let metrics_address = metrics_listener.as_ref().map(MetricsListener::local_addr);
                let own = std::iter::once(listen)
                    .chain(proxies.addresses())
                    .chain(metrics_address);
                let mut config = gateway_config(options, address, own);
                config.metrics = gateway_metrics.clone();
                config.observer = observer;
                let gateway = Gateway::bind(config, snapshot.clone(), Arc::clone(&usage))
                    .await
                    .map_err(|source| StartError::GatewayListen { address, source })?;
                Some(gateway)
            }
        };
        let addresses = Addresses {
            listen,
            gateway_listen: gateway.as_ref().map(Gateway::local_addr),
            forward_auth_listen: proxies.address(Protocol::ForwardAuth),
            ext_authz_listen: proxies.address(Protocol::ExtAuthz),
            metrics_listen: metrics_listener.as_ref().map(MetricsListener::local_addr),
        };

        let signing_keys = signing_keys(options, data_directory.path())?;
        if options.storage.database_url.is_none() {
            data_directory.prepare_database()?;
        }
        let database = Database::connect(&options.storage.url()).await?;
        backup::before_migration(&database, data_directory.path()).await?;
        database.migrate().await?;
        let enforcing = [
            addresses.gateway_listen,
            addresses.forward_auth_listen,
            addresses.ext_authz_listen,
        ];
        let own_gateway = own_gateway(data_directory.path(), enforcing.into_iter().flatten().next())?;
        let directory = Arc::new(AccountDirectory::new());
        let follower = Arc::new(Follower::new(database.clone(), Arc::clone(&directory), snapshot_writer));
        let answers = (options.answer_cache_bytes > 0)
            .then(|| AnswerCache::new(ChangeWatch::new(database.clone()), options.answer_cache_bytes));
        let plane = Arc::new(ControlPlane {
            database,
            follower,
            directory,
            answers: answers.map(Arc::new),
            access_tokens: AccessTokens::new(signing_keys),
            passwords: PasswordHasher::new()?,
            throttle: Throttle::new(options.throttle_limits()),
            snapshot,
            usage,
            gateway_nodes: GatewayNodes::new(own_gateway),
            limits: options.limits(),
            gateway_public_url: gateway_public_url(options, addresses.gateway_listen),
            key_prefix: options.key_prefix.clone(),
        });
        initial_data::ensure(&plane).await?;
        let first_admin = FirstAdmin {
            email: options.admin_email.clone(),
            password: options.admin_password.clone(),
        };
        let first_admin =
            admin::first_admin::ensure_first_admin(&plane.admin_accounts(), first_admin, data_directory.path()).await?;
        plane.follower.load().await?;
        if let Err(error) = sessions::remember_sign_ins(&plane, Timestamp::now()).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "where accounts signed in before is not known to the throttle"
            );
        }

        let server = Self {
            plane,
            addresses,
            first_admin_password_file: first_admin.and_then(|made| made.password_file),
            readiness: Readiness::default(),
            documents,
            trusted_documents: options.queries.trusted_documents.clone(),
            shutdown: CancellationToken::new(),
            background: CancellationToken::new(),
            serving: TaskTracker::new(),
            background_tasks: TaskTracker::new(),
            executions: TaskTracker::new(),
            grace: options.shutdown_grace(),
            _data_directory: data_directory,
        };
        write_addresses(&options.storage.data_dir, &as_json(addresses)).map_err(StartError::Addresses)?;
        let listeners = Listeners {
            api: listener,
            gateway,
            gateway_metrics,
            proxies,
            metrics: metrics_listener,
        };
        server.serve(options, listeners, budgets);
        server.readiness.started();
        Ok(server)
    }

    fn serve(&self, options: &ServeOptions, listeners: Listeners, budgets: Budgets) {
        let Listeners {
            api,
            gateway,
            gateway_metrics,
            proxies,
            metrics,
        } = listeners;
        let graphql_metrics = GraphqlMetrics::default();
        let settings = GraphqlSettings {
            preparation: Preparation {
                limits: options.queries.limits(),
                documents: self.documents.clone(),
                introspection: options.queries.introspection,
                ..Preparation::default()
            },
            budgets,
            body_limits: options.queries.body_limits(),
            public_max_age: options.queries.public_max_age(),
            timeout: options.request_timeout(),
            executions: self.executions.clone(),
            metrics: graphql_metrics.clone(),
        };
        let live_metrics = LiveMetrics::default();
        let endpoint = http::graphql::Endpoint::new(graphql::Endpoint::new(Arc::clone(&self.plane)), settings);
        let live = Arc::new(Live::new(
            Arc::new(endpoint),
            options,
            live_metrics.clone(),
            self.shutdown.clone(),
            self.serving.clone(),
        ));
        let routes = http::router::router(&self.plane, &live, options, self.readiness.clone());
        let granted = ListenerSettings {
            shutdown_grace: options.shutdown_grace(),
            ..ListenerSettings::default()
        };
        let shutdown = self.shutdown.clone().cancelled_owned();
        self.serving.spawn(listener::serve(api, routes, granted, shutdown));
        if let Some(gateway) = gateway {
            self.serving
                .spawn(gateway.serve(self.shutdown.clone().cancelled_owned()));
        }
        proxies.serve(&self.serving, &self.shutdown);
        if let Some(metrics) = metrics {
            let mut registry = metrics::registry();
            gateway_metrics.register(&mut registry, self.plane.snapshot.clone());
            graphql_metrics.register(&mut registry);
            live_metrics.register(&mut registry);
            registry.register_collector(Box::new(PlaneCollector(Arc::clone(&self.plane))));
            metrics.serve(registry, &self.serving, &self.shutdown);
        }
        let plane = Arc::clone(&self.plane);
        let background = self.background.clone();
        self.background_tasks
            .spawn(async move { plane.follower.run(background).await });
        let background = self.background.clone();
        self.background_tasks
            .spawn(async move { live.hub.run(background).await });
        self.background_tasks
            .spawn(housekeeping::run(Arc::clone(&self.plane), self.background.clone()));
        self.background_tasks
            .spawn(usage::run(Arc::clone(&self.plane), self.background.clone()));
        self.background_tasks.spawn(gateway_node::registry::run(
            Arc::clone(&self.plane),
            self.background.clone(),
        ));
    }

    /// Where the API listens.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.addresses.listen
    }

    /// Where the gateway listens, if it does.
    #[must_use]
    pub fn gateway_listen(&self) -> Option<SocketAddr> {
        self.addresses.gateway_listen
    }

    /// Where proxies ask over HTTP, if they may.
    #[must_use]
    pub fn forward_auth_listen(&self) -> Option<SocketAddr> {
        self.addresses.forward_auth_listen
    }

    /// Where proxies ask over gRPC, if they may.
    #[must_use]
    pub fn ext_authz_listen(&self) -> Option<SocketAddr> {
        self.addresses.ext_authz_listen
    }

    /// Where metrics are scraped, if they are.
    #[must_use]
    pub fn metrics_listen(&self) -> Option<SocketAddr> {
        self.addresses.metrics_listen
    }

    /// The file that holds the first admin's password, when this start made one up.
    #[must_use]
    pub fn first_admin_password_file(&self) -> Option<&Path> {
        self.first_admin_password_file.as_deref()
    }

    /// Reads the list of trusted documents again, where there is one: how many documents are trusted from now on.
    ///
    /// # Errors
    /// [`TrustedDocumentsError`] when it cannot be used; then nothing has changed.
    pub fn read_trusted_documents(&self) -> Result<Option<usize>, TrustedDocumentsError> {
        let Some(path) = &self.trusted_documents else {
            return Ok(None);
        };
        let documents = TrustedDocuments::read(path)?;
        let count = documents.len();
        self.documents.trust(documents);
        // What was kept are answers to what might be asked until now.
        if let Some(answers) = &self.plane.answers {
            answers.clear();
        }
        Ok(Some(count))
    }

    /// The server's parts, for tools and tests in the same process.
    #[must_use]
    pub fn plane(&self) -> &Arc<ControlPlane> {
        &self.plane
    }

    /// Stops taking requests, finishes those under way on both ports within the grace period, writes what was
    /// gathered in memory, and closes the database.
    pub async fn stop(self) {
        self.readiness.stopping();
        self.shutdown.cancel();
        self.plane.follower.hub().close();
        // A mutation whose client went away still commits; waiting for it is part of finishing.
        let _ = tokio::time::timeout(self.grace, closed(&self.serving)).await;
        let _ = tokio::time::timeout(self.grace, closed(&self.executions)).await;
        self.background.cancel();
        closed(&self.background_tasks).await;
        if let Err(error) = self.plane.database.clone().close().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the database did not close cleanly"
            );
        }
    }
}

fn closed(tasks: &TaskTracker) -> TaskTrackerWaitFuture<'_> {
    tasks.close();
    tasks.wait()
}

/// Where the documents of requests come from.
fn document_source(options: &QueryOptions) -> Result<DocumentSource, TrustedDocumentsError> {
    let trusted = options
        .trusted_documents
        .as_deref()
        .map(TrustedDocuments::read)
        .transpose()?;
    let persisted = (options.persisted_query_bytes > 0).then(|| PersistedQueries::new(options.persisted_query_bytes));
    Ok(DocumentSource::new(trusted, persisted))
}

/// The gateway in this process, as the fleet knows it.
fn own_gateway(data_directory: &Path, listen: Option<SocketAddr>) -> Result<Option<OwnGateway>, StartError> {
    let Some(listen) = listen else {
        return Ok(None);
    };
    let id = node_id::load_or_create(data_directory).map_err(|source| StartError::NodeId {
        path: data_directory.to_owned(),
        source,
    })?;
    let name = format!("{} (serve, {listen})", host_name());
    Ok(Some(OwnGateway { id, name }))
}

/// `own`: our other listeners, which no upstream may be.
fn gateway_config(options: &ServeOptions, address: SocketAddr, own: impl Iterator<Item = SocketAddr>) -> GatewayConfig {
    let mut config = GatewayConfig::new(address);
    config.trusted_proxies.clone_from(&options.trusted_proxies);
    config.forbidden_upstreams.extend(own);
    config.timeouts.shutdown_grace = options.shutdown_grace();
    if let Some(workers) = options.gateway_workers {
        config.workers = workers;
    }
    config
}

fn gateway_public_url(options: &ServeOptions, gateway: Option<SocketAddr>) -> String {
    if let Some(url) = &options.gateway_public_url {
        return url.clone();
    }
    match gateway {
        Some(address) if is_local(address.ip()) => format!("http://localhost:{}", address.port()),
        Some(address) => format!("http://{address}"),
        None => "http://localhost:8000".to_owned(),
    }
}

fn is_local(address: IpAddr) -> bool {
    address.is_loopback() || address == IpAddr::V4(Ipv4Addr::UNSPECIFIED) || address.is_unspecified()
}

fn signing_keys(options: &ServeOptions, data_directory: &Path) -> Result<SigningKeys, StartError> {
    let read = |path: &PathBuf| {
        fs::read_to_string(path)
            .map(SecretString::from)
            .map_err(|source| StartError::Unreadable {
                path: path.clone(),
                source,
            })
    };
    match (&options.portal_signing_keys_file, &options.admin_signing_keys_file) {
        (Some(portal), Some(admin)) => Ok(SigningKeys::from_pem(&read(portal)?, &read(admin)?)?),
        (None, None) if options.storage.url().starts_with("sqlite:") => {
            Ok(signing_key_file::load_or_create(data_directory)?)
        }
        (None, None) | (Some(_), None) | (None, Some(_)) => Err(StartError::SigningKeysIncomplete),
    }
}

/// What `addresses.json` says of the server.
fn as_json(addresses: Addresses) -> serde_json::Value {
    let Addresses {
        listen,
        gateway_listen,
        forward_auth_listen,
        ext_authz_listen,
        metrics_listen,
    } = addresses;
    let text = |address: Option<SocketAddr>| address.map(|address| address.to_string());
    serde_json::json!({
        "listen": listen.to_string(),
        "gateway_listen": text(gateway_listen),
        "forward_auth_listen": text(forward_auth_listen),
        "ext_authz_listen": text(ext_authz_listen),
        "metrics_listen": text(metrics_listen),
    })
}
