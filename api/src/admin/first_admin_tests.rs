use std::sync::Arc;

use domain::RefusalCode;
use entity::{admin, audit_event};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};

use super::*;
use crate::{
    control_plane::ControlPlane,
    session::service::{self as sessions, Realm, SignIn},
    test_fixture::Fixture,
};

const PASSWORD: &str = "an engine of analysis";

fn accounts(plane: &ControlPlane) -> AdminAccounts {
    AdminAccounts {
        database: plane.database.clone(),
        follower: Arc::clone(&plane.follower),
        passwords: plane.passwords.clone(),
    }
}

async fn can_sign_in(fixture: &Fixture, email: &str, password: &str) -> bool {
    let claimed = SignIn {
        realm: Realm::Admin,
        email: email.to_owned(),
        password: SecretString::from(password),
    };
    sessions::sign_in(&fixture.plane, &CallContext::internal(), claimed)
        .await
        .is_ok()
}

fn new_admin(email: &str, password: &str) -> NewAdmin {
    NewAdmin {
        email: email.to_owned(),
        full_name: "Charles".to_owned(),
        password: SecretString::from(password),
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> Vec<(RefusalCode, String)> {
    match result {
        Err(ServiceError::Refused(refusals)) => refusals
            .into_iter()
            .map(|refusal| (refusal.code, refusal.field.join(".")))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_first_start_writes_a_password_that_signs_in() {
    let fixture = Fixture::new().await;
    let data = tempfile::tempdir().unwrap();
    let accounts = accounts(&fixture.plane);
    let made = ensure_first_admin(&accounts, FirstAdmin::default(), data.path())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(made.admin.email, "admin@localhost");
    let path = made.password_file.unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let password = fs::read_to_string(&path).unwrap();
    assert!(can_sign_in(&fixture, "admin@localhost", password.trim_end()).await);
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 1);
    let events = audit_event::Entity::find()
        .all(fixture.plane.database.read())
        .await
        .unwrap();
    assert!(!format!("{events:?}").contains(password.trim_end()));
    let made = events.iter().find(|event| event.action == "admin.create").unwrap();
    assert_eq!(made.actor, "system");
    // The second start leaves all as it is.
    let again = ensure_first_admin(&accounts, FirstAdmin::default(), data.path()).await;
    assert_eq!(again.unwrap(), None);
    assert_eq!(fs::read_to_string(&path).unwrap(), password);
}

#[tokio::test]
async fn the_configuration_names_the_first_admin_once_per_database() {
    let fixture = Fixture::new().await;
    let data = tempfile::tempdir().unwrap();
    let accounts = accounts(&fixture.plane);
    let configured = |email: &str, password: &str| FirstAdmin {
        email: Some(email.to_owned()),
        password: Some(SecretString::from(password)),
    };
    let made = ensure_first_admin(&accounts, configured("ada@example.com", PASSWORD), data.path()).await;
    assert_eq!(made.unwrap().unwrap().password_file, None);
    assert!(can_sign_in(&fixture, "ada@example.com", PASSWORD).await);
    let again = configured("eve@example.com", "another long password");
    assert_eq!(ensure_first_admin(&accounts, again, data.path()).await.unwrap(), None);
    assert!(!can_sign_in(&fixture, "eve@example.com", "another long password").await);
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_refused_configuration_makes_nobody() {
    let fixture = Fixture::new().await;
    let data = tempfile::tempdir().unwrap();
    let accounts = accounts(&fixture.plane);
    for (email, password) in [("not an address", PASSWORD), ("ada@example.com", "short")] {
        let configured = FirstAdmin {
            email: Some(email.to_owned()),
            password: Some(SecretString::from(password)),
        };
        let refused = ensure_first_admin(&accounts, configured, data.path()).await;
        assert!(matches!(
            refused,
            Err(FirstAdminError::Service(ServiceError::Refused(_)))
        ));
    }
    // Nor does a password that cannot be written down.
    let file = data.path().join("file");
    fs::write(&file, "").unwrap();
    let unwritable = ensure_first_admin(&accounts, FirstAdmin::default(), &file).await;
    assert!(matches!(unwritable, Err(FirstAdminError::Io { .. })));
    let count = admin::Entity::find().count(fixture.plane.database.read()).await;
    assert_eq!(count.unwrap(), 0);
}

#[tokio::test]
async fn servers_that_start_at_once_make_one_admin() {
    let fixture = Fixture::new().await;
    let data = tempfile::tempdir().unwrap();
    let accounts = accounts(&fixture.plane);
    let (one, other) = futures_util::future::join(
        ensure_first_admin(&accounts, FirstAdmin::default(), data.path()),
        ensure_first_admin(&accounts, FirstAdmin::default(), data.path()),
    )
    .await;
    assert!(one.unwrap().is_some() != other.unwrap().is_some());
    let count = admin::Entity::find().count(fixture.plane.database.read()).await;
    assert_eq!(count.unwrap(), 1);
    let password = fs::read_to_string(data.path().join(PASSWORD_FILE)).unwrap();
    assert!(can_sign_in(&fixture, "admin@localhost", password.trim_end()).await);
}

#[tokio::test]
async fn operators_make_admins_and_reset_their_passwords() {
    let fixture = Fixture::new().await;
    let accounts = accounts(&fixture.plane);
    accounts.create(new_admin("ada@example.com", PASSWORD)).await.unwrap();
    assert!(can_sign_in(&fixture, "ADA@example.com", PASSWORD).await);
    let taken = accounts.create(new_admin("Ada@Example.com", PASSWORD)).await;
    assert_eq!(refused(taken), [(RefusalCode::Taken, "email".to_owned())]);
    let wrong = accounts.create(new_admin(" ", "short")).await;
    let expected = [
        (RefusalCode::Required, "email".to_owned()),
        (RefusalCode::Invalid, "password".to_owned()),
    ];
    assert_eq!(refused(wrong), expected);

    let new = || SecretString::from("another long password");
    let unknown = accounts.reset_password("eve@example.com", new()).await;
    assert_eq!(refused(unknown), [(RefusalCode::NotFound, "email".to_owned())]);
    let short = accounts
        .reset_password("ada@example.com", SecretString::from("short"))
        .await;
    assert_eq!(refused(short), [(RefusalCode::Invalid, "password".to_owned())]);
    accounts.reset_password("ADA@example.com", new()).await.unwrap();
    assert!(can_sign_in(&fixture, "ada@example.com", "another long password").await);
    assert!(!can_sign_in(&fixture, "ada@example.com", PASSWORD).await);
    let events = audit_event::Entity::find()
        .all(fixture.plane.database.read())
        .await
        .unwrap();
    let by_operators: Vec<_> = events
        .iter()
        .filter(|event| event.actor == "operator")
        .map(|event| event.action.as_str())
        .collect();
    assert_eq!(by_operators, ["admin.create", "admin.reset_password"]);
}
