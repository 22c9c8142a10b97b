//! PostgreSQL away and back: coded errors meanwhile, nothing acknowledged lost, and everything by itself afterwards.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use portico_sdk::{AppId, CreateAppInput, CreateProductInput, Error, Portico, ProductId};
use portico_tests::{
    database::{self, Postgres},
    server::{PATIENCE, TestServer},
};
use test_cluster::{Programs, Shutdown};
use tokio::sync::mpsc;

use crate::postgres_change_log::Fleet;

/// What an answer says while the database is away.
fn is_unavailable(error: &Error) -> bool {
    error.code() == Some("UNAVAILABLE")
}

/// Creates apps without end, telling of each that was acknowledged, until `enough` of them; every failure must be coded.
async fn write(client: Portico, name: String, acknowledged: mpsc::UnboundedSender<Result<AppId, ()>>) {
    for number in 0.. {
        let input = CreateAppInput::new("Load", format!("{name}-{number}"));
        let told = match client.apps().create(input).await {
            Ok(app) => Ok(app.into_inner().id),
            Err(error) => {
                assert!(is_unavailable(&error), "{error:?}");
                Err(())
            }
        };
        if acknowledged.send(told).is_err() {
            return;
        }
    }
}

async fn ready(node: &TestServer) -> u16 {
    let answer = reqwest::get(node.api("/readyz")).await.unwrap();
    answer.status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_stops_and_starts_costs_nothing_that_was_acknowledged() {
    let mut cluster = database::own_cluster(&[]);
    let url = database::new_database(&cluster.server()).await;
    let fleet = Fleet::start(&url).await;
    for shutdown in [Shutdown::Fast, Shutdown::Immediate] {
        let (sender, mut told) = mpsc::unbounded_channel();
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let name = format!("{shutdown:?}-{writer}");
                tokio::spawn(write(fleet.dana.client.clone(), name, sender.clone()))
            })
            .collect();
        drop(sender);
        let mut acknowledged = Vec::new();
        while acknowledged.len() < 20 {
            acknowledged.extend(tokio::time::timeout(PATIENCE, told.recv()).await.unwrap().unwrap());
        }
        cluster.stop(shutdown).unwrap();
        // Writes and reads are refused with a code, and the gateway goes on.
        let mut refused = 0;
        while refused < 4 {
            match tokio::time::timeout(PATIENCE, told.recv()).await.unwrap().unwrap() {
                Ok(app) => acknowledged.push(app),
                Err(()) => refused += 1,
            }
        }
        let read = fleet.dana.client.apps().get(&acknowledged[0]).await.unwrap_err();
        assert!(is_unavailable(&read), "{read:?}");
        for node in fleet.nodes() {
            assert_eq!(node.verdict("/mock", Some(&fleet.key)).await.0, 200);
            assert_eq!(ready(node).await, 503);
        }

        cluster.start_again().unwrap();
        // The writers find out by themselves.
        let before = acknowledged.len();
        while acknowledged.len() < before + 8 {
            acknowledged.extend(tokio::time::timeout(PATIENCE, told.recv()).await.unwrap().unwrap());
        }
        drop(told);
        for writer in writers {
            writer.await.unwrap();
        }
        for app in &acknowledged {
            let found = fleet.dana.client.apps().get(app).await.unwrap();
            assert!(found.is_some(), "{app} was acknowledged");
        }
        for node in fleet.nodes() {
            node.server().plane().follower.catch_up().await.unwrap();
            assert_eq!(ready(node).await, 200);
        }
    }
    fleet.admin.developers().revoke(&fleet.dana.id, "left").await.unwrap();
    fleet.second.wait_for_verdict("/mock", &fleet.key, 403).await;
    fleet.stop().await;
}

fn backup(url: &str, variables: &[(&str, &str)], file: &str) -> Output {
    let directory = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_portico-under-test"))
        .env_clear()
        .env("PORTICO_DATA_DIR", directory.path())
        .env("DATABASE_URL", url)
        .env("PATH", Programs::find().unwrap().path(""))
        .envs(variables.iter().copied())
        .args(["backup", file])
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn products(fleet: &Fleet) -> Vec<ProductId> {
    let page = fleet.admin.products().list().page().await.unwrap();
    page.nodes.into_iter().map(|product| product.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_postgres_backup_is_what_every_node_then_holds() {
    let postgres = Postgres::any();
    let server = postgres.server();
    let url = database::new_database(&server).await;
    let name = url.rsplit('/').next().unwrap().to_owned();
    let fleet = Fleet::start(&url).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("portico.dump");
    let file = file.to_str().unwrap();
    let output = backup(&url, &[], file);
    assert!(output.status.success(), "{}", told(&output));
    let again = backup(&url, &[], file);
    assert!(
        !again.status.success() && told(&again).contains("exists already"),
        "{}",
        told(&again)
    );
    let before = products(&fleet).await;

    // Into the database as it is, and into a new one of the same name: with the nodes connected all the while.
    for anew in [false, true] {
        let upstream = portico_tests::upstream::Upstream::start().await;
        let path = format!("since-{anew}");
        let later = portico_tests::fixture::publish(&fleet.admin, &upstream, &path, true).await;
        let eve = fleet.first.developer(&fleet.admin, &format!("eve-{anew}")).await;
        let app = portico_tests::fixture::app(&eve, &path).await;
        portico_tests::fixture::request(&eve, &app, &later.version).await;
        let (_, since) = portico_tests::fixture::key(&eve, &app).await;
        let path = format!("/{path}");
        fleet.second.wait_for_verdict(&path, &since, 200).await;

        if anew {
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            server.execute("postgres", &drop).unwrap();
            server.execute("postgres", &format!("CREATE DATABASE {name}")).unwrap();
        }
        loop {
            let mut restore = Programs::find().unwrap().command("pg_restore");
            let restored = restore
                .args(["--single-transaction", "--clean", "--if-exists", "--dbname", &url, file])
                .output()
                .unwrap();
            // It locks table after table, as a node does that reads at this moment; nothing has happened then.
            if !told(&restored).contains("deadlock") {
                assert!(restored.status.success(), "{}", told(&restored));
                break;
            }
        }
        for node in fleet.nodes() {
            // The route is gone, and with it everything that was made since.
            node.wait_for_verdict(&path, &since, 404).await;
            assert_eq!(node.verdict("/mock", Some(&fleet.key)).await.0, 200);
        }
        assert_eq!(products(&fleet).await, before);
        let input = CreateProductInput::new("after");
        let made = fleet.admin.products().create(input).await.unwrap().into_inner();
        fleet.admin.products().delete(&made.id).await.unwrap();
    }
    fleet.stop().await;
}

#[test]
fn a_postgres_backup_gives_its_password_to_nobody_who_looks() {
    const PASSWORD: &str = "a password's own p@ss";
    let cluster = database::own_cluster(&[]);
    let server = cluster.server();
    let name = server.create_database(None).unwrap();
    cluster.require_password(&PASSWORD.replace('\'', "''")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let without = server.database_url(&name);
    let with = without.replace("portico@", "portico:a%20password%27s%20own%20p%40ss@");

    let refused = backup(&without, &[], &file("refused"));
    assert!(
        !refused.status.success() && told(&refused).contains("pg_dump failed"),
        "{}",
        told(&refused)
    );
    assert!(!PathBuf::from(file("refused")).exists());
    let output = backup(&with, &[], &file("url"));
    assert!(output.status.success(), "{}", told(&output));
    let passwords = file("pgpass");
    std::fs::write(&passwords, format!("*:*:*:*:{PASSWORD}\n")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&passwords, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let output = backup(&without, &[("PGPASSFILE", &passwords)], &file("pgpass.dump"));
    assert!(output.status.success(), "{}", told(&output));
    for dumped in ["url", "pgpass.dump"] {
        assert!(std::fs::read(file(dumped)).unwrap().starts_with(b"PGDMP"));
    }
}

#[test]
fn a_postgres_backup_without_pg_dump_says_what_to_install() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("dump");
    let path = directory.path().to_str().unwrap();
    let output = backup(
        "postgres://nobody@127.0.0.1/none",
        &[("PATH", path)],
        file.to_str().unwrap(),
    );
    assert!(
        !output.status.success() && told(&output).contains("postgresql-client"),
        "{}",
        told(&output)
    );
    assert!(!file.exists());

    // What it is started with: no password among the arguments.
    let spy = directory.path().join("pg_dump");
    std::fs::write(&spy, "#!/bin/sh\necho \"$@\"\necho \"$PGPASSWORD\"\n").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&spy, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let output = backup(
        "postgres://portico:hunter2@127.0.0.1/portico",
        &[("PATH", path)],
        file.to_str().unwrap(),
    );
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "--format=custom --no-password --dbname postgres://portico@127.0.0.1/portico\nhunter2\n"
    );
}
