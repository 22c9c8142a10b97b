//! What the snapshot costs at scale: memory, look-ups, the copy on disk, and single changes. Prints one JSON object.
//!
//! ```text
//!   cargo run --release -p portico-gateway --example snapshot_scale [KEYS]      1,000,000 unless told
//! ```
//!
//! Memory and start are measured in processes of their own, so that nothing that was freed before is counted. Look-ups
//! are counted by processor time, which other work on the machine disturbs least; single changes by the clock.

use std::{
    env,
    error::Error,
    fs,
    hint::black_box,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    api_key::{ApiKey, ApiKeyHash, ApiKeyPrefix},
    app::AppStatus,
    auth_strategy::AuthStrategyType,
    credential::CredentialKind,
    developer::DeveloperStatus,
    gateway_service::{GatewayService, RouteInput},
    id::{AppId, AuthStrategyId, CredentialId, DeveloperId, VersionId},
    version::VersionLifecycle,
};
use portico_gateway::{
    record::{
        AccessRequestRecord, AppRecord, AuthStrategyRecord, CredentialRecord, DeveloperRecord, Update, VersionRecord,
    },
    snapshot::{self, Snapshot, SnapshotReader, SnapshotWriter},
    snapshot_copy::{self, CopyHeader},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use uuid::Uuid;

/// The binary's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const KEYS: u64 = 1_000_000;
const FEW_KEYS: u64 = 10_000;
const KEYS_OF_AN_APP: u64 = 5;
const DEVELOPERS: u64 = 5_000;
const VERSIONS: u64 = 100;
const LOOK_UPS: usize = 200_000;
const ROUNDS: usize = 9;
const CHANGES: usize = 3_000;
/// The instant that all is made around: 2026-01-01.
const EPOCH: i64 = 1_767_225_600_000;
const NOW: Timestamp = Timestamp::from_millis(EPOCH + 2 * KEYS as i64);

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let report = match arguments.as_slice() {
        [] => measure(KEYS)?,
        [keys] => measure(keys.parse()?)?,
        ["load", keys, path] => load(keys.parse()?, Path::new(path))?,
        ["start", keys, path] => start(keys.parse()?, Path::new(path))?,
        ["work", keys, path] => work(keys.parse()?, Path::new(path))?,
        _ => return Err("expected no argument, or the number of keys".into()),
    };
    Ok(writeln!(std::io::stdout(), "{report}")?)
}

fn measure(keys: u64) -> Result<Value> {
    let path = env::temp_dir().join(format!("portico-snapshot-scale-{}", std::process::id()));
    let step = |name: &str| -> Result<Value> {
        let output = Command::new(env::current_exe()?)
            .args([name, &keys.to_string()])
            .arg(&path)
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("{name} failed").into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    let report = (|| {
        Ok(json!({
            "keys": keys,
            "apps": keys.div_ceil(KEYS_OF_AN_APP),
            "developers": DEVELOPERS,
            "full_load": step("load")?,
            "start_from_copy": step("start")?,
            "steps": step("work")?,
        }))
    })();
    let _ = fs::remove_file(&path);
    report
}

/// A full load as the control plane gives it (each kind by itself), and the copy of it.
fn load(keys: u64, path: &Path) -> Result<Value> {
    let before = resident_bytes()?;
    let (mut writer, reader) = snapshot::channel();
    let clock = Clock::start()?;
    writer.replace(everything(keys));
    let load = clock.read()?;
    let resident = settled_bytes(&mut writer)?.saturating_sub(before);
    let header = CopyHeader {
        position: keys.to_string(),
        taken_at: NOW,
    };
    let snapshot = loaded(&reader)?;
    let clock = Clock::start()?;
    snapshot_copy::write(path, &header, &snapshot)?;
    Ok(json!({
        "with_making_the_keys": load,
        "bytes_per_key": per(resident, keys),
        "copy_write": clock.read()?,
        "copy_bytes": fs::metadata(path)?.len(),
    }))
}

fn start(keys: u64, path: &Path) -> Result<Value> {
    let before = resident_bytes()?;
    let (mut writer, reader) = snapshot::channel();
    let clock = Clock::start()?;
    let (header, snapshot) = snapshot_copy::read(path)?;
    writer.restore(snapshot);
    let time = clock.read()?;
    let at_once = resident_bytes()?.saturating_sub(before);
    let resident = settled_bytes(&mut writer)?.saturating_sub(before);
    if header.position != keys.to_string() || reader.load().is_none() {
        return Err("the copy is another one".into());
    }
    Ok(json!({
        "time": time,
        "bytes_per_key": per(resident, keys),
        "bytes_per_key_before_the_first_change": per(at_once, keys),
    }))
}

/// Look-ups in this and a small snapshot by turns, and single changes of this one.
fn work(keys: u64, path: &Path) -> Result<Value> {
    let (mut writer, reader) = snapshot::channel();
    writer.restore(snapshot_copy::read(path)?.1);
    let mut small = Snapshot::empty();
    small.extend(everything(FEW_KEYS));
    let large = loaded(&reader)?;
    let (few, many) = (Sample::of(FEW_KEYS), Sample::of(keys));
    let mut rounds: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        rounds[0].push(few.find(&small)?);
        rounds[1].push(many.find(&large)?);
        rounds[2].push(few.parse_and_find(&small)?);
        rounds[3].push(many.parse_and_find(&large)?);
    }
    drop(large);
    let [find_few, find_many, call_few, call_many] = rounds.map(median);
    Ok(json!({
        "index_and_decision": {
            "per_second_at_10000": find_few,
            "per_second": find_many,
            "ratio": find_many / find_few,
        },
        "key_to_decision": {
            "per_second_at_10000": call_few,
            "per_second": call_many,
            "ratio": call_many / call_few,
        },
        "change_microseconds": changes(&mut writer, &reader)?,
    }))
}

/// Keys in random order, as callers send them and hashed.
struct Sample {
    keys: Vec<(String, ApiKeyHash, VersionId)>,
}

impl Sample {
    fn of(keys: u64) -> Self {
        let mut random = StdRng::seed_from_u64(7);
        let keys = (0..LOOK_UPS).map(|_| {
            let number = random.random_range(0..keys);
            let key = key(number);
            let version = version_of_app(number / KEYS_OF_AN_APP);
            (key.expose().to_owned(), key.hash(), version)
        });
        Self { keys: keys.collect() }
    }

    fn find(&self, snapshot: &Snapshot) -> Result<f64> {
        self.time(|(_, hash, version)| snapshot.opens(hash, *version, NOW))
    }

    fn parse_and_find(&self, snapshot: &Snapshot) -> Result<f64> {
        self.time(|(text, _, version)| {
            ApiKey::parse(text.as_bytes()).is_ok_and(|key| snapshot.opens(&key.hash(), *version, NOW))
        })
    }

    /// How many in a second of the processor.
    fn time(&self, opens: impl Fn(&(String, ApiKeyHash, VersionId)) -> bool) -> Result<f64> {
        let began = processor_seconds()?;
        let open = self.keys.iter().filter(|key| black_box(opens(key))).count();
        let seconds = processor_seconds()? - began;
        // Some have expired or were revoked.
        if open < LOOK_UPS / 2 || open == LOOK_UPS {
            return Err(format!("{open} of {LOOK_UPS} keys open their version").into());
        }
        Ok(LOOK_UPS as f64 / seconds)
    }
}

/// Changes one by one; of every four, two while a reader holds the snapshot before.
fn changes(writer: &mut SnapshotWriter, reader: &SnapshotReader) -> Result<Value> {
    let mut random = StdRng::seed_from_u64(11);
    let snapshot = loaded(reader)?;
    let apps_and_credentials: Vec<Update> = snapshot
        .updates()
        .filter(|update| {
            matches!(
                update,
                Update::App(..) | Update::Credential(..) | Update::AccessRequest(..)
            )
        })
        .filter(|_| random.random_ratio(1, 50))
        .collect();
    drop(snapshot);
    let mut microseconds: [Vec<f64>; 4] = Default::default();
    let processor = processor_seconds()?;
    for number in 0..CHANGES {
        let mut update = apps_and_credentials[random.random_range(0..apps_and_credentials.len())].clone();
        let kind = match &mut update {
            Update::App(_, Some(app)) => {
                app.status = AppStatus::Suspended;
                0
            }
            Update::Credential(id, Some(credential)) if number % 2 == 0 => {
                *id = CredentialId::new();
                credential.id = *id;
                credential.key_hash = Some(key(u64::MAX - number as u64).hash());
                1
            }
            Update::Credential(_, Some(credential)) => {
                credential.revoked_at = Some(NOW);
                2
            }
            Update::AccessRequest(_, _, Some(request)) => {
                request.status = AccessRequestStatus::Revoked;
                3
            }
            _ => return Err("another kind of update".into()),
        };
        let held = (number % 4 < 2).then(|| reader.load());
        let began = Instant::now();
        writer.apply([update])?;
        microseconds[kind].push(began.elapsed().as_secs_f64() * 1e6);
        drop(held);
    }
    let processor = processor_seconds()? - processor;
    let all = microseconds.concat();
    let [app, new_credential, revoked_credential, request] = microseconds.map(median);
    Ok(json!({
        "median": median(all.clone()),
        "p99": quantile(all, 0.99),
        "mean_of_the_processor": processor / CHANGES as f64 * 1e6,
        "median_app": app,
        "median_new_credential": new_credential,
        "median_revoked_credential": revoked_credential,
        "median_request": request,
    }))
}

fn everything(keys: u64) -> impl Iterator<Item = Update> {
    let apps = keys.div_ceil(KEYS_OF_AN_APP);
    let strategies = [AuthStrategyRecord {
        id: AuthStrategyId::from_uuid(id(1, 0)),
        kind: AuthStrategyType::KeyAuth,
        key_names: vec!["apikey".to_owned()],
        credential_ttl_days: None,
    }];
    let versions = (0..VERSIONS).map(|number| {
        let route = RouteInput {
            hosts: Vec::new(),
            paths: vec![format!("/version-{number}")],
            methods: Vec::new(),
            strip_path: true,
        };
        VersionRecord {
            id: VersionId::from_uuid(id(2, number)),
            lifecycle: VersionLifecycle::Active,
            strategy: Some(AuthStrategyId::from_uuid(id(1, 0))),
            service: GatewayService::validate("http://localhost:9000", &[route]).ok(),
        }
    });
    let developers = (0..DEVELOPERS.min(apps)).map(|number| DeveloperRecord {
        id: DeveloperId::from_uuid(id(3, number)),
        status: DeveloperStatus::Approved,
    });
    let app_records = (0..apps).map(move |number| AppRecord {
        id: AppId::from_uuid(id(4, number)),
        developer_id: DeveloperId::from_uuid(id(3, number % DEVELOPERS.min(apps))),
        status: AppStatus::Active,
        name: format!("Weather app {number}"),
        reference_id: format!("weather-{number}"),
    });
    // Every fifth app has a second request.
    let requests = (0..apps).flat_map(|app| {
        let second = app
            .is_multiple_of(5)
            .then(|| VersionId::from_uuid(id(2, (app + 1) % VERSIONS)));
        let versions = [Some(version_of_app(app)), second].into_iter().flatten();
        versions.map(move |version_id| AccessRequestRecord {
            app_id: AppId::from_uuid(id(4, app)),
            version_id,
            status: AccessRequestStatus::Approved,
        })
    });
    strategies
        .into_iter()
        .map(Update::from)
        .chain(versions.map(Update::from))
        .chain(developers.map(Update::from))
        .chain(app_records.map(Update::from))
        .chain((0..keys).map(|number| Update::from(credential(number))))
        .chain(requests.map(Update::from))
}

/// One key in ten expires one day, one in twenty was revoked.
fn credential(number: u64) -> CredentialRecord {
    let created_at = EPOCH + number as i64;
    CredentialRecord {
        id: CredentialId::from_uuid(id(5, number)),
        app_id: AppId::from_uuid(id(4, number / KEYS_OF_AN_APP)),
        kind: CredentialKind::ApiKey,
        key_hash: Some(key(number).hash()),
        created_at: Timestamp::from_millis(created_at),
        expires_at: (number % 10 == 3).then(|| Timestamp::from_millis(created_at + 90 * 86_400_000)),
        revoked_at: (number % 20 == 7).then(|| Timestamp::from_millis(created_at + 1)),
    }
}

fn key(number: u64) -> ApiKey {
    ApiKey::generate(&ApiKeyPrefix::default(), &mut StdRng::seed_from_u64(number))
}

fn version_of_app(app: u64) -> VersionId {
    VersionId::from_uuid(id(2, app % VERSIONS))
}

/// The same UUIDv7 in every process.
fn id(kind: u64, number: u64) -> Uuid {
    let mut random = StdRng::seed_from_u64(kind << 56 | number);
    uuid::Builder::from_unix_timestamp_millis(EPOCH as u64 + number, &random.random()).into_uuid()
}

fn loaded(reader: &SnapshotReader) -> Result<std::sync::Arc<Snapshot>> {
    reader.load().ok_or_else(|| "no snapshot".into())
}

/// Time by the clock and of the processor.
struct Clock {
    began: Instant,
    processor: f64,
}

impl Clock {
    fn start() -> Result<Self> {
        Ok(Self {
            began: Instant::now(),
            processor: processor_seconds()?,
        })
    }

    fn read(&self) -> Result<Value> {
        Ok(json!({
            "seconds": self.began.elapsed().as_secs_f64(),
            "processor_seconds": processor_seconds()? - self.processor,
        }))
    }
}

/// What this thread has had of the processor: the first field of its schedstat, in nanoseconds.
fn processor_seconds() -> Result<f64> {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: u64 = schedstat.split(' ').next().ok_or("schedstat is empty")?.parse()?;
    Ok(nanoseconds as f64 / 1e9)
}

/// The second field of /proc/self/statm, in pages.
fn resident_bytes() -> Result<u64> {
    const PAGE: u64 = 4096;
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').nth(1).ok_or("statm has no second field")?.parse()?;
    Ok(pages * PAGE)
}

/// What is resident when the allocator, which gives memory back a while after it was freed, had the occasion to.
fn settled_bytes(writer: &mut SnapshotWriter) -> Result<u64> {
    for number in 0..30 {
        writer.apply([Update::from(credential(number))])?;
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    resident_bytes()
}

fn per(bytes: u64, keys: u64) -> f64 {
    bytes as f64 / keys as f64
}

fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}

fn quantile(mut values: Vec<f64>, at: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values
        .get((last as f64 * at).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}
