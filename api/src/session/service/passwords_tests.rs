use domain::{RefusalCode, audit::AuditAction, id::DeveloperId, viewer::Viewer};
use secrecy::{ExposeSecret as _, SecretString};

use super::{test_support::*, *};
use crate::{context::CallContext, test_fixture::Fixture};

fn call_of(fixture: &Fixture, session: &SignedIn) -> CallContext {
    let claims = fixture
        .plane
        .access_tokens
        .verify(session.access_token.token.expose_secret())
        .unwrap();
    CallContext {
        session: Some(claims.session),
        ..as_viewer(viewer_of(fixture, session).unwrap())
    }
}

async fn change(fixture: &Fixture, call: &CallContext, current: &str, new: &str) -> Result<(), ServiceError> {
    let change = ChangePassword {
        current_password: SecretString::from(current),
        new_password: SecretString::from(new),
    };
    change_password(&fixture.plane, call, change).await
}

async fn reset(fixture: &Fixture, call: &CallContext, token: &str, new: &str) -> Result<(), ServiceError> {
    let reset = ResetPassword {
        reset_token: SecretString::from(token),
        new_password: SecretString::from(new),
    };
    reset_password(&fixture.plane, call, reset).await
}

async fn password_is(fixture: &Fixture, password: &str) -> bool {
    let signed_in = try_sign_in(&fixture.plane, &anyone(), Realm::Portal, EMAIL, password).await;
    signed_in.is_ok()
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let fixture = Fixture::new().await;
    developer(&fixture).await;
    let own = signed_in(&fixture).await;
    let other = signed_in(&fixture).await;
    change(&fixture, &call_of(&fixture, &own), PASSWORD, OTHER_PASSWORD)
        .await
        .unwrap();
    assert!(viewer_of(&fixture, &own).is_ok());
    assert!(viewer_of(&fixture, &other).is_err());
    assert!(password_is(&fixture, OTHER_PASSWORD).await);
    assert!(!password_is(&fixture, PASSWORD).await);
    let audited = fixture.audited().await;
    assert_eq!(audited.get(AuditAction::AccountChangePassword.name()), Some(&1));
}

#[tokio::test]
async fn an_admin_changes_the_own_password_too() {
    let fixture = Fixture::new().await;
    admin(&fixture, EMAIL).await;
    let own = try_sign_in(&fixture.plane, &anyone(), Realm::Admin, EMAIL, PASSWORD)
        .await
        .unwrap();
    change(&fixture, &call_of(&fixture, &own), PASSWORD, OTHER_PASSWORD)
        .await
        .unwrap();
    let again = try_sign_in(&fixture.plane, &anyone(), Realm::Admin, EMAIL, OTHER_PASSWORD).await;
    assert!(again.is_ok());
}

#[tokio::test]
async fn changing_a_password_takes_the_present_one_and_a_good_new_one() {
    let fixture = Fixture::new().await;
    developer(&fixture).await;
    let call = call_of(&fixture, &signed_in(&fixture).await);
    for (current, new, code, field) in [
        (
            OTHER_PASSWORD,
            OTHER_PASSWORD,
            RefusalCode::InvalidCredentials,
            "currentPassword",
        ),
        (PASSWORD, "short", RefusalCode::Invalid, "newPassword"),
        (PASSWORD, "", RefusalCode::Required, "newPassword"),
        (PASSWORD, &"x".repeat(10_000), RefusalCode::TooLong, "newPassword"),
        (PASSWORD, "ada@example.com", RefusalCode::Invalid, "newPassword"),
    ] {
        let refused = refusal(change(&fixture, &call, current, new).await);
        assert_eq!(refused, (code, field.to_owned()));
    }
    assert!(password_is(&fixture, PASSWORD).await);
    let anonymous = change(&fixture, &anyone(), PASSWORD, OTHER_PASSWORD).await;
    assert!(matches!(anonymous, Err(ServiceError::Unauthenticated)));
}

#[tokio::test]
async fn a_stolen_access_token_is_no_faster_way_to_guess() {
    let fixture = with_lasting_throttle().await;
    developer(&fixture).await;
    let stolen = CallContext {
        client_address: Some("203.0.113.5".parse().unwrap()),
        ..call_of(&fixture, &signed_in(&fixture).await)
    };
    let mut guesses = 0;
    loop {
        match change(&fixture, &stolen, OTHER_PASSWORD, OTHER_PASSWORD).await {
            Err(ServiceError::RateLimited { .. }) => break,
            refused => assert_eq!(refusal(refused).0, RefusalCode::InvalidCredentials),
        }
        guesses += 1;
        assert!(guesses < 50);
    }
    // The sign-in itself was the first of ten tries at this account from addresses that it did not know.
    assert_eq!(guesses, 9);
}

#[tokio::test]
async fn a_reset_token_sets_the_password_once_and_ends_all_sessions() {
    let fixture = Fixture::new().await;
    let id = developer(&fixture).await;
    let session = signed_in(&fixture).await;
    let issued = issue_password_reset(&fixture.plane, &as_viewer(fixture.admin), id)
        .await
        .unwrap();
    let token = issued.token.expose_secret();
    // A refused password leaves the token usable.
    let refused = refusal(reset(&fixture, &anyone(), token, "short").await);
    assert_eq!(refused, (RefusalCode::Invalid, "newPassword".to_owned()));
    reset(&fixture, &anyone(), token, OTHER_PASSWORD).await.unwrap();
    assert!(viewer_of(&fixture, &session).is_err());
    assert!(password_is(&fixture, OTHER_PASSWORD).await);
    let again = refusal(reset(&fixture, &anyone(), token, PASSWORD).await);
    assert_eq!(again, (RefusalCode::InvalidCredentials, "resetToken".to_owned()));
    assert!(password_is(&fixture, OTHER_PASSWORD).await);
    let audited = fixture.audited().await;
    assert_eq!(audited.get(AuditAction::DeveloperIssuePasswordReset.name()), Some(&1));
    assert_eq!(audited.get(AuditAction::AccountResetPassword.name()), Some(&1));
}

#[tokio::test]
async fn of_two_uses_of_a_reset_token_at_once_one_sets_the_password() {
    let fixture = Fixture::new().await;
    let id = developer(&fixture).await;
    let issued = issue_password_reset(&fixture.plane, &as_viewer(fixture.admin), id)
        .await
        .unwrap();
    let token = issued.token.expose_secret();
    let call = anyone();
    let (one, other) = futures_util::future::join(
        reset(&fixture, &call, token, "the first of the two"),
        reset(&fixture, &call, token, "the second of the two"),
    )
    .await;
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
}

#[tokio::test]
async fn reset_tokens_end_after_an_hour_and_with_the_next() {
    let fixture = Fixture::new().await;
    let id = developer(&fixture).await;
    let by_admin = as_viewer(fixture.admin);
    let first = issue_password_reset(&fixture.plane, &by_admin, id).await.unwrap();
    let late = later(&by_admin, 60 * 60);
    let refused = refusal(reset(&fixture, &late, first.token.expose_secret(), OTHER_PASSWORD).await);
    assert_eq!(refused.0, RefusalCode::InvalidCredentials);
    let second = issue_password_reset(&fixture.plane, &by_admin, id).await.unwrap();
    let refused = refusal(reset(&fixture, &anyone(), first.token.expose_secret(), OTHER_PASSWORD).await);
    assert_eq!(refused.0, RefusalCode::InvalidCredentials);
    reset(&fixture, &anyone(), second.token.expose_secret(), OTHER_PASSWORD)
        .await
        .unwrap();
    for junk in ["", "junk", "ptp_"] {
        let refused = refusal(reset(&fixture, &anyone(), junk, OTHER_PASSWORD).await);
        assert_eq!(refused, (RefusalCode::InvalidCredentials, "resetToken".to_owned()));
    }
}

#[tokio::test]
async fn only_admins_issue_resets_and_only_for_developers_that_exist() {
    let fixture = Fixture::new().await;
    let id = developer(&fixture).await;
    let own = Viewer::Developer {
        id,
        status: domain::developer::DeveloperStatus::Approved,
    };
    let refused = issue_password_reset(&fixture.plane, &as_viewer(own), id).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden)));
    let refused = issue_password_reset(&fixture.plane, &anyone(), id).await;
    assert!(matches!(refused, Err(ServiceError::Unauthenticated)));
    let unknown = issue_password_reset(&fixture.plane, &as_viewer(fixture.admin), DeveloperId::new()).await;
    assert_eq!(refusal(unknown), (RefusalCode::NotFound, "developerId".to_owned()));
}
