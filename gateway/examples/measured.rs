//! A gateway with made-up keys, for `cargo xtask bench`: what the binary runs, without a control plane.
//!
//! Writes one line for each key to `--keys-file` (path, space, key), then prints `listening on ADDRESS` and serves
//! until its standard input ends.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a measuring tool: it speaks to its caller, and ends on what it cannot do"
)]

use std::{
    fs::File,
    io::{BufWriter, Read as _, Write as _},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
};

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    api_key::{ApiKey, ApiKeyPrefix},
    app::AppStatus,
    auth_strategy::AuthStrategyType,
    credential::CredentialKind,
    developer::DeveloperStatus,
    gateway_service::{GatewayService, RouteInput},
    id::{AppId, AuthStrategyId, CredentialId, DeveloperId, VersionId},
    version::VersionLifecycle,
};
use portico_gateway::{
    Gateway, GatewayConfig, Usage,
    record::{
        AccessRequestRecord, AppRecord, AuthStrategyRecord, CredentialRecord, DeveloperRecord, Update, VersionRecord,
    },
    snapshot,
};
use rand::{SeedableRng as _, rngs::StdRng};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const VERSIONS: usize = 100;
const KEYS_PER_APP: usize = 5;
const APPS_PER_DEVELOPER: usize = 10;

struct Arguments {
    listen: SocketAddr,
    upstream: String,
    keys: usize,
    keys_file: PathBuf,
}

fn arguments() -> Arguments {
    let all: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = all.iter().position(|argument| argument == name).expect(name);
        all.get(at + 1).expect(name).clone()
    };
    Arguments {
        listen: value("--listen").parse().expect("--listen: an address"),
        upstream: value("--upstream"),
        keys: value("--keys").parse().expect("--keys: a number"),
        keys_file: value("--keys-file").into(),
    }
}

#[tokio::main]
async fn main() {
    let arguments = arguments();
    let (mut writer, reader) = snapshot::channel();
    writer.replace(updates(&arguments));
    let gateway = Gateway::bind(GatewayConfig::new(arguments.listen), reader, Arc::new(Usage::new()))
        .await
        .expect("an address to listen on");
    println!("listening on {}", gateway.local_addr());
    let stopped = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    gateway
        .serve(async {
            let _ = stopped.await;
        })
        .await;
}

fn updates(arguments: &Arguments) -> Vec<Update> {
    let mut updates = Vec::new();
    let strategy = AuthStrategyRecord {
        id: AuthStrategyId::new(),
        kind: AuthStrategyType::KeyAuth,
        key_names: vec!["apikey".to_owned(), "x-api-key".to_owned()],
        credential_ttl_days: None,
    };
    let versions: Vec<(VersionId, String)> = (0..VERSIONS)
        .map(|at| (VersionId::new(), format!("/api-{at}")))
        .collect();
    for (id, path) in &versions {
        let route = RouteInput {
            hosts: Vec::new(),
            paths: vec![path.clone()],
            methods: Vec::new(),
            strip_path: true,
        };
        let record = VersionRecord {
            id: *id,
            lifecycle: VersionLifecycle::Active,
            strategy: Some(strategy.id),
            service: Some(GatewayService::validate(&arguments.upstream, &[route]).expect("--upstream: a URL")),
        };
        updates.push(record.into());
    }
    updates.push(strategy.into());

    let mut random = StdRng::seed_from_u64(1);
    let mut keys_file = BufWriter::new(File::create(&arguments.keys_file).expect("--keys-file: to be writable"));
    let apps = arguments.keys.div_ceil(KEYS_PER_APP);
    let mut developer_id = DeveloperId::new();
    for app in 0..apps {
        if app % APPS_PER_DEVELOPER == 0 {
            developer_id = DeveloperId::new();
            let record = DeveloperRecord {
                id: developer_id,
                status: DeveloperStatus::Approved,
            };
            updates.push(record.into());
        }
        let app_id = AppId::new();
        let (version_id, path) = &versions[app % VERSIONS];
        let record = AppRecord {
            id: app_id,
            developer_id,
            status: AppStatus::Active,
            name: format!("Application {app}"),
            reference_id: format!("application-{app}"),
        };
        updates.push(record.into());
        let request = AccessRequestRecord {
            app_id,
            version_id: *version_id,
            status: AccessRequestStatus::Approved,
        };
        updates.push(request.into());
        for _ in 0..KEYS_PER_APP.min(arguments.keys - app * KEYS_PER_APP) {
            let key = ApiKey::generate(&ApiKeyPrefix::default(), &mut random);
            writeln!(keys_file, "{path} {}", key.expose()).expect("the keys file to be writable");
            let record = CredentialRecord {
                id: CredentialId::new(),
                app_id,
                kind: CredentialKind::ApiKey,
                key_hash: Some(key.hash()),
                created_at: Timestamp::now(),
                expires_at: None,
                revoked_at: None,
            };
            updates.push(record.into());
        }
    }
    keys_file.flush().expect("the keys file to be writable");
    updates
}
