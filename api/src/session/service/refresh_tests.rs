use domain::{RefusalCode, audit::AuditAction};
use secrecy::{ExposeSecret as _, SecretString};

use super::{test_support::*, *};
use crate::test_fixture::Fixture;

const BAD_TOKEN: RefusalCode = RefusalCode::InvalidCredentials;

async fn try_refresh(fixture: &Fixture, token: &SecretString) -> Result<SignedIn, ServiceError> {
    refresh(&fixture.plane, &anyone(), token.expose_secret()).await
}

#[tokio::test]
async fn a_refresh_token_is_taken_for_the_next_within_the_same_session() {
    let fixture = Fixture::new().await;
    developer(&fixture).await;
    let first = signed_in(&fixture).await;
    let second = try_refresh(&fixture, &first.refresh_token).await.unwrap();
    assert_ne!(
        first.refresh_token.expose_secret(),
        second.refresh_token.expose_secret()
    );
    assert_eq!(first.account, second.account);
    // The first access token holds until it ends: the session is the same.
    assert!(viewer_of(&fixture, &first).is_ok());
    assert!(viewer_of(&fixture, &second).is_ok());
    let third = try_refresh(&fixture, &second.refresh_token).await.unwrap();
    assert!(viewer_of(&fixture, &third).is_ok());
}

#[tokio::test]
async fn using_a_token_twice_ends_the_session_with_all_that_followed() {
    let fixture = Fixture::new().await;
    developer(&fixture).await;
    let stolen = signed_in(&fixture).await;
    let unconcerned = signed_in(&fixture).await;
    let next = try_refresh(&fixture, &stolen.refresh_token).await.unwrap();
    assert_eq!(refusal(try_refresh(&fixture, &stolen.refresh_token).await).0, BAD_TOKEN);
    assert!(viewer_of(&fixture, &next).is_err());
    assert_eq!(refusal(try_refresh(&fixture, &next.refresh_token).await).0, BAD_TOKEN);
    assert!(viewer_of(&fixture, &unconcerned).is_ok());
    let reused = AuditAction::SessionRefreshReuse.name();
    assert_eq!(fixture.audited().await.get(reused), Some(&1));
    // Again: the session is over already, there is nothing more to end or to record.
    assert_eq!(refusal(try_refresh(&fixture, &stolen.refresh_token).await).0, BAD_TOKEN);
    assert_eq!(fixture.audited().await.get(reused), Some(&1));
}

#[tokio::test]
async fn of_two_uses_at_once_one_comes_first_and_the_other_ends_the_session() {
    let fixture = Fixture::new().await;
    developer(&fixture).await;
    let session = signed_in(&fixture).await;
    let (one, other) = futures_util::future::join(
        try_refresh(&fixture, &session.refresh_token),
        try_refresh(&fixture, &session.refresh_token),
    )
    .await;
    let winner = match (one, other) {
        (Ok(winner), Err(_)) | (Err(_), Ok(winner)) => winner,
        both => panic!("{both:?}"),
    };
    assert!(viewer_of(&fixture, &winner).is_err());
}

#[tokio::test]
async fn tokens_and_sessions_end_with_time() {
    const DAY: u64 = 24 * 60 * 60;
    let fixture = Fixture::new().await;
    developer(&fixture).await;
    let call = anyone();
    let idle = signed_in(&fixture).await;
    let token = idle.refresh_token.expose_secret();
    assert_eq!(
        refusal(refresh(&fixture.plane, &later(&call, 7 * DAY + 60), token).await).0,
        BAD_TOKEN
    );
    // Being late was no use: the token still works in its time.
    let mut present = refresh(&fixture.plane, &later(&call, 6 * DAY), token).await.unwrap();
    for day in [12, 18, 24, 29] {
        let token = present.refresh_token.expose_secret().to_owned();
        present = refresh(&fixture.plane, &later(&call, day * DAY), &token).await.unwrap();
    }
    let token = present.refresh_token.expose_secret();
    assert_eq!(
        refusal(refresh(&fixture.plane, &later(&call, 30 * DAY + 60), token).await).0,
        BAD_TOKEN
    );
}

#[tokio::test]
async fn signing_out_ends_the_session_and_is_no_way_to_ask_for_tokens() {
    let fixture = Fixture::new().await;
    developer(&fixture).await;
    let session = signed_in(&fixture).await;
    let other = signed_in(&fixture).await;
    let token = session.refresh_token.expose_secret();
    sign_out(&fixture.plane, &anyone(), token).await.unwrap();
    assert!(viewer_of(&fixture, &session).is_err());
    assert!(viewer_of(&fixture, &other).is_ok());
    assert_eq!(
        refusal(try_refresh(&fixture, &session.refresh_token).await).0,
        BAD_TOKEN
    );
    sign_out(&fixture.plane, &anyone(), token).await.unwrap();
    let unknown = crate::session::opaque_token::RefreshToken::generate().unwrap();
    sign_out(&fixture.plane, &anyone(), unknown.to_secret().expose_secret())
        .await
        .unwrap();
    let audited = fixture.audited().await;
    assert_eq!(audited.get(AuditAction::SessionSignOut.name()), Some(&1));
    assert_eq!(audited.get(AuditAction::SessionRefreshReuse.name()), None);
}

#[tokio::test]
async fn junk_is_no_token() {
    let fixture = Fixture::new().await;
    let unknown = crate::session::opaque_token::RefreshToken::generate().unwrap();
    for sent in ["", "ptr_", "hunter2", unknown.to_secret().expose_secret()] {
        let expected = (BAD_TOKEN, "refreshToken".to_owned());
        assert_eq!(refusal(refresh(&fixture.plane, &anyone(), sent).await), expected);
    }
    assert_eq!(refusal(sign_out(&fixture.plane, &anyone(), "junk").await).0, BAD_TOKEN);
}
