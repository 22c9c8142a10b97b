use domain::{RefusalCode, audit::AuditAction, developer::DeveloperStatus, viewer::Viewer};
use entity::audit_event;
use sea_orm::EntityTrait as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::{sign_in::MAX_SESSIONS, test_support::*, *};
use crate::{
    developer::{service as developers, store as developer_store},
    portal::store as portals,
    session::password::HashedPassword,
    test_fixture::Fixture,
};

async fn try_sign_up(fixture: &Fixture, email: &str) -> Result<DeveloperStatus, ServiceError> {
    let wanted = SignUp {
        email: email.to_owned(),
        password: SecretString::from(PASSWORD),
        full_name: "Ada".to_owned(),
    };
    let developer = sign_up(&fixture.plane, &anyone(), wanted).await?;
    let automatic = developer.decision.as_ref().map(|decision| decision.automatic);
    assert_eq!(
        automatic,
        (developer.status == DeveloperStatus::Approved).then_some(true)
    );
    Ok(developer.status)
}

async fn set_portal(fixture: &Fixture, set: impl Fn(&mut domain::portal::PortalSettings)) {
    let transaction = fixture.plane.write().await.unwrap();
    let mut portal = portals::lock(&*transaction).await.unwrap();
    set(&mut portal.settings);
    portals::update(&*transaction, &portal).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn who_signs_up_waits_and_may_sign_in_meanwhile() {
    let fixture = Fixture::new().await;
    let id = developer(&fixture).await;
    let session = signed_in(&fixture).await;
    let pending = Viewer::Developer {
        id,
        status: DeveloperStatus::Pending,
    };
    assert_eq!(viewer_of(&fixture, &session), Ok(pending));
    assert_eq!(session.account.email(), EMAIL);
    let audited = fixture.audited().await;
    assert_eq!(audited.get(AuditAction::DeveloperSignUp.name()), Some(&1));
    assert_eq!(audited.get(AuditAction::SessionSignIn.name()), Some(&1));
    assert_eq!(audited.get(AuditAction::DeveloperApprove.name()), None);
}

#[tokio::test]
async fn a_portal_that_approves_by_itself_does_so_but_never_undoes_a_persons_decision() {
    let fixture = Fixture::new().await;
    set_portal(&fixture, |settings| settings.auto_approve_developers = true).await;
    assert_eq!(try_sign_up(&fixture, EMAIL).await.unwrap(), DeveloperStatus::Approved);
    let session = signed_in(&fixture).await;
    let Ok(Viewer::Developer { id, .. }) = viewer_of(&fixture, &session) else {
        panic!("a developer");
    };
    developers::delete(&fixture.plane, &as_viewer(fixture.admin), id, false)
        .await
        .unwrap();
    assert_eq!(
        viewer_of(&fixture, &session),
        Err(crate::session::access_token::BadToken)
    );
    assert_eq!(
        try_sign_up(&fixture, "ADA@Example.com").await.unwrap(),
        DeveloperStatus::Pending
    );
    assert_eq!(
        try_sign_up(&fixture, "grace@example.com").await.unwrap(),
        DeveloperStatus::Approved
    );
}

#[tokio::test]
async fn a_public_portal_takes_no_sign_ups() {
    let fixture = Fixture::new().await;
    set_portal(&fixture, |settings| settings.is_public = true).await;
    assert_eq!(
        refusal(try_sign_up(&fixture, EMAIL).await).0,
        RefusalCode::PortalIsPublic
    );
}

#[tokio::test]
async fn an_email_has_one_account_however_it_is_written() {
    let fixture = Fixture::new().await;
    developer(&fixture).await;
    for email in [EMAIL, "ADA@EXAMPLE.COM", "  Ada@example.com "] {
        assert_eq!(
            refusal(try_sign_up(&fixture, email).await),
            (RefusalCode::Taken, "email".to_owned())
        );
        try_sign_in(&fixture.plane, &anyone(), Realm::Portal, email, PASSWORD)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn all_that_is_wrong_with_a_sign_up_is_said_at_once() {
    let fixture = Fixture::new().await;
    let wanted = SignUp {
        email: "nobody".to_owned(),
        password: SecretString::from("short"),
        full_name: " \n".to_owned(),
    };
    let Err(ServiceError::Refused(refusals)) = sign_up(&fixture.plane, &anyone(), wanted).await else {
        panic!("refused");
    };
    let fields: Vec<_> = refusals.iter().map(|refusal| refusal.field.join(".")).collect();
    assert_eq!(fields, ["email", "fullName", "password"]);
    assert!(!format!("{refusals:?}").contains("short\""));
}

#[tokio::test]
async fn what_is_wrong_with_a_sign_in_is_not_said() {
    let fixture = Fixture::new().await;
    developer(&fixture).await;
    let mut answers = Vec::new();
    for (realm, email, password) in [
        (Realm::Portal, EMAIL, OTHER_PASSWORD),
        (Realm::Portal, EMAIL, ""),
        (Realm::Portal, "nobody@example.com", PASSWORD),
        (Realm::Portal, "", PASSWORD),
        (Realm::Admin, EMAIL, PASSWORD),
    ] {
        let answer = try_sign_in(&fixture.plane, &anyone(), realm, email, password).await;
        answers.push(format!("{:?}", answer.unwrap_err()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers[0].contains("InvalidCredentials"), "{answers:?}");
    let audited = fixture.audited().await;
    assert_eq!(audited.get(AuditAction::SessionSignInFailed.name()), Some(&5));
    // Somebody may have typed a password where the e-mail belongs.
    let events = audit_event::Entity::find()
        .all(fixture.plane.database.read())
        .await
        .unwrap();
    assert!(!format!("{events:?}").contains("nobody@example.com"));
    assert!(!format!("{events:?}").contains(OTHER_PASSWORD));
}

#[tokio::test]
async fn the_realms_have_nothing_in_common() {
    let fixture = Fixture::new().await;
    developer(&fixture).await;
    admin(&fixture, EMAIL).await;
    let portal = signed_in(&fixture).await;
    let other = try_sign_in(&fixture.plane, &anyone(), Realm::Admin, EMAIL, PASSWORD)
        .await
        .unwrap();
    assert!(matches!(viewer_of(&fixture, &portal), Ok(Viewer::Developer { .. })));
    assert!(matches!(viewer_of(&fixture, &other), Ok(Viewer::Admin { .. })));
    let hours = |signed_in: &SignedIn| {
        let lasts = signed_in
            .refresh_token_expires_at
            .saturating_duration_since(domain::Timestamp::now());
        lasts.as_secs().div_ceil(3600)
    };
    assert_eq!((hours(&portal), hours(&other)), (7 * 24, 12));
}

#[tokio::test]
async fn guessing_is_slowed_down_before_the_password_is_looked_at() {
    let fixture = with_lasting_throttle().await;
    developer(&fixture).await;
    let home = anyone();
    signed_in(&fixture).await;
    let mut refused = 0;
    for index in 0..12 {
        let call = from_address(&format!("198.51.100.{index}"));
        match try_sign_in(&fixture.plane, &call, Realm::Portal, EMAIL, OTHER_PASSWORD).await {
            Err(ServiceError::RateLimited { retry_after_seconds }) => {
                assert!((1..=24 * 60 * 60).contains(&retry_after_seconds));
                refused += 1;
            }
            other => assert_eq!(refusal(other).0, RefusalCode::InvalidCredentials),
        }
    }
    // Ten in all: the owner's first sign-in was from an address that was new then, too.
    assert_eq!(refused, 3);
    // Not even the right password from elsewhere, but the owner's own address goes on.
    let elsewhere = from_address("203.0.113.1");
    let right = try_sign_in(&fixture.plane, &elsewhere, Realm::Portal, EMAIL, PASSWORD).await;
    assert!(matches!(right, Err(ServiceError::RateLimited { .. })));
    try_sign_in(&fixture.plane, &home, Realm::Portal, EMAIL, PASSWORD)
        .await
        .unwrap();
}

#[tokio::test]
async fn one_account_cannot_close_sign_in_for_everyone() {
    let fixture = with_lasting_throttle().await;
    developer(&fixture).await;
    admin(&fixture, "root@example.com").await;
    signed_in(&fixture).await;
    let home = anyone();
    // With the right password: nothing of it is a failure.
    let crowd = futures_util::future::join_all(
        (0..130).map(|_| try_sign_in(&fixture.plane, &home, Realm::Portal, EMAIL, PASSWORD)),
    );
    let elsewhere = from_address("203.0.113.1");
    let admins = async {
        for _ in 0..6 {
            let signed_in = try_sign_in(&fixture.plane, &elsewhere, Realm::Admin, "root@example.com", PASSWORD).await;
            signed_in.unwrap();
        }
    };
    let (crowd, ()) = futures_util::future::join(crowd, admins).await;
    let passed = crowd.iter().filter(|outcome| outcome.is_ok()).count();
    assert!((1..=4).contains(&passed), "{passed}");
    let refused = crowd
        .iter()
        .filter(|outcome| matches!(outcome, Err(ServiceError::RateLimited { .. })));
    assert!(refused.count() >= 126);
    // One after the other, too: a success is no new quota.
    let mut passed = 0;
    while try_sign_in(&fixture.plane, &home, Realm::Portal, EMAIL, PASSWORD)
        .await
        .is_ok()
    {
        passed += 1;
        assert!(passed <= 60);
    }
}

#[tokio::test]
async fn the_oldest_session_of_too_many_ends() {
    let fixture = Fixture::new().await;
    developer(&fixture).await;
    let first = signed_in(&fixture).await;
    let second = signed_in(&fixture).await;
    // The rest as rows, for a password takes its time.
    let transaction = fixture.plane.write().await.unwrap();
    let id = first.account.id();
    let now = domain::Timestamp::now();
    for index in 2..MAX_SESSIONS {
        let session = crate::session::store::SessionRecord {
            id: domain::id::SessionId::new(),
            account: id,
            created_at: now.saturating_add(std::time::Duration::from_millis(index)),
            expires_at: now.saturating_add(std::time::Duration::from_secs(3600)),
            ended_at: None,
        };
        crate::session::store::insert(&*transaction, &session).await.unwrap();
    }
    transaction.commit().await.unwrap();
    assert!(viewer_of(&fixture, &first).is_ok() && viewer_of(&fixture, &second).is_ok());
    let later = later(&anyone(), 1);
    let newest = try_sign_in(&fixture.plane, &later, Realm::Portal, EMAIL, PASSWORD)
        .await
        .unwrap();
    assert!(viewer_of(&fixture, &first).is_err());
    assert!(viewer_of(&fixture, &second).is_ok() && viewer_of(&fixture, &newest).is_ok());
    let refreshed = refresh(&fixture.plane, &anyone(), first.refresh_token.expose_secret()).await;
    assert_eq!(refusal(refreshed).0, RefusalCode::InvalidCredentials);
    let events = audit_event::Entity::find()
        .all(fixture.plane.database.read())
        .await
        .unwrap();
    assert!(
        events
            .iter()
            .any(|event| format!("{event:?}").contains("endedSessions"))
    );
}

#[tokio::test]
async fn a_revoked_developers_live_token_stops_at_once_and_stays_dead() {
    let fixture = Fixture::new().await;
    let id = developer(&fixture).await;
    let by_admin = as_viewer(fixture.admin);
    developers::approve(&fixture.plane, &by_admin, id, None).await.unwrap();
    let before = signed_in(&fixture).await;
    assert!(viewer_of(&fixture, &before).is_ok());
    developers::revoke(&fixture.plane, &by_admin, id, "left the company")
        .await
        .unwrap();
    assert!(viewer_of(&fixture, &before).is_err());
    let refreshed = refresh(&fixture.plane, &anyone(), before.refresh_token.expose_secret()).await;
    assert_eq!(
        refusal(refreshed),
        (RefusalCode::InvalidCredentials, "refreshToken".to_owned())
    );
    // Who has the right password learns why; who has not learns nothing.
    let right = try_sign_in(&fixture.plane, &anyone(), Realm::Portal, EMAIL, PASSWORD).await;
    assert_eq!(refusal(right).0, RefusalCode::DeveloperNotApproved);
    let wrong = try_sign_in(&fixture.plane, &anyone(), Realm::Portal, EMAIL, OTHER_PASSWORD).await;
    assert_eq!(refusal(wrong).0, RefusalCode::InvalidCredentials);
    developers::approve(&fixture.plane, &by_admin, id, None).await.unwrap();
    assert!(viewer_of(&fixture, &before).is_err());
    assert!(viewer_of(&fixture, &signed_in(&fixture).await).is_ok());
}

#[tokio::test]
async fn a_weaker_hash_is_made_anew_at_the_next_sign_in() {
    let fixture = Fixture::new().await;
    let id = developer(&fixture).await;
    let weak = argon2::Params::new(1024, 1, 1, None).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, weak);
    let hash = argon2::PasswordHasher::hash_password(&argon2, PASSWORD.as_bytes()).unwrap();
    let weak = HashedPassword::from_stored(hash.to_string());
    let transaction = fixture.plane.write().await.unwrap();
    developer_store::set_password(&*transaction, id, &weak).await.unwrap();
    transaction.commit().await.unwrap();
    signed_in(&fixture).await;
    let found = developer_store::find_with_password(fixture.plane.database.read(), id).await;
    let (_, stored) = found.unwrap().unwrap();
    assert!(stored.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    signed_in(&fixture).await;
}
