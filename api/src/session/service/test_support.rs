use std::net::IpAddr;

use domain::{RefusalCode, Timestamp, id::DeveloperId, viewer::Viewer};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Realm, SignIn, SignUp, SignedIn, sign_in, sign_up};
use crate::{
    admin::service::{AdminAccounts, NewAdmin},
    context::CallContext,
    control_plane::ControlPlane,
    error::ServiceError,
    session::{
        access_token::BadToken,
        throttle::{Limit, Throttle, ThrottleLimits},
    },
    test_fixture::Fixture,
};

pub(super) const EMAIL: &str = "ada@example.com";
pub(super) const PASSWORD: &str = "an engine of analysis";
pub(super) const OTHER_PASSWORD: &str = "notes upon the memoir";

/// A fixture whose throttle gives nothing back while the test runs, however slow the machine.
pub(in crate::session) async fn with_lasting_throttle() -> Fixture {
    let mut fixture = Fixture::new().await;
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    let plane = std::sync::Arc::get_mut(&mut fixture.plane).unwrap();
    plane.throttle = Throttle::new(ThrottleLimits {
        sign_in_per_address: Limit::new(60, day),
        sign_in_per_account: Limit::new(10, day),
        sign_in_per_known_address: Limit::new(10, day),
        sign_up_per_address: Limit::new(20, day),
    });
    fixture
}

pub(super) fn from_address(address: &str) -> CallContext {
    CallContext {
        client_address: Some(address.parse::<IpAddr>().unwrap()),
        ..CallContext::internal()
    }
}

pub(super) fn anyone() -> CallContext {
    from_address("192.0.2.1")
}

pub(super) fn as_viewer(viewer: Viewer) -> CallContext {
    CallContext { viewer, ..anyone() }
}

pub(super) fn later(call: &CallContext, seconds: u64) -> CallContext {
    CallContext {
        now: call.now.saturating_add(std::time::Duration::from_secs(seconds)),
        ..call.clone()
    }
}

pub(super) async fn try_sign_in(
    plane: &ControlPlane,
    call: &CallContext,
    realm: Realm,
    email: &str,
    password: &str,
) -> Result<SignedIn, ServiceError> {
    let claimed = SignIn {
        realm,
        email: email.to_owned(),
        password: SecretString::from(password),
    };
    sign_in(plane, call, claimed).await
}

/// A developer with [`EMAIL`] and [`PASSWORD`].
pub(super) async fn developer(fixture: &Fixture) -> DeveloperId {
    let wanted = SignUp {
        email: EMAIL.to_owned(),
        password: SecretString::from(PASSWORD),
        full_name: "Ada".to_owned(),
    };
    sign_up(&fixture.plane, &anyone(), wanted).await.unwrap().id
}

/// A session of the developer.
pub(super) async fn signed_in(fixture: &Fixture) -> SignedIn {
    try_sign_in(&fixture.plane, &anyone(), Realm::Portal, EMAIL, PASSWORD)
        .await
        .unwrap()
}

/// An admin with this e-mail and [`PASSWORD`].
pub(super) async fn admin(fixture: &Fixture, email: &str) {
    let accounts = AdminAccounts {
        database: fixture.plane.database.clone(),
        follower: std::sync::Arc::clone(&fixture.plane.follower),
        passwords: fixture.plane.passwords.clone(),
    };
    let new = NewAdmin {
        email: email.to_owned(),
        full_name: "Charles".to_owned(),
        password: SecretString::from(PASSWORD),
    };
    accounts.create(new).await.unwrap();
}

/// Who the bearer of the session's access token is now.
pub(super) fn viewer_of(fixture: &Fixture, signed_in: &SignedIn) -> Result<Viewer, BadToken> {
    let token = signed_in.access_token.token.expose_secret();
    let claims = fixture.plane.access_tokens.verify(token)?;
    fixture.plane.directory.check(&claims, Timestamp::now())
}

/// The one refusal that came of it: its code and field.
pub(super) fn refusal<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> (RefusalCode, String) {
    match result {
        Err(ServiceError::Refused(refusals)) => {
            assert_eq!(refusals.len(), 1, "{refusals:?}");
            (refusals[0].code, refusals[0].field.join("."))
        }
        other => panic!("{other:?}"),
    }
}
