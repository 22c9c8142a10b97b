use std::{collections::HashMap, net::IpAddr, time::Duration};

use domain::Timestamp;

use crate::{
    admin::store as admin_store,
    audit::store as audit_store,
    control_plane::ControlPlane,
    developer::store as developer_store,
    error::ServiceError,
    session::realm::{AccountId, Realm},
};

/// How far back it goes.
const SPAN: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// The most pairs of account and address; about as many as the throttle remembers accounts.
const MAX_PAIRS: u64 = 20_000;
/// Accounts that are looked up in one statement.
const BATCH: usize = 500;

/// Tells the throttle, which has no memory of its own, where accounts signed in before: once, at start. Without it,
/// strangers could use a restart to lock an owner out.
///
/// # Errors
/// When the database fails. The server can start all the same.
pub async fn remember_sign_ins(plane: &ControlPlane, now: Timestamp) -> Result<(), ServiceError> {
    let connection = plane.database.read();
    let mut pairs: Vec<(AccountId, IpAddr)> =
        audit_store::recent_sign_ins(connection, now.saturating_sub(SPAN), MAX_PAIRS)
            .await?
            .into_iter()
            .filter_map(|(actor, address)| Some((account(&actor)?, address.parse().ok()?)))
            .collect();
    // The throttle forgets what it was told first.
    pairs.reverse();
    let mut emails: HashMap<AccountId, String> = HashMap::new();
    for batch in pairs.chunks(BATCH) {
        let developers = batch.iter().filter_map(|(account, _)| match account {
            AccountId::Developer(id) => Some(*id),
            AccountId::Admin(_) => None,
        });
        let found = developer_store::normalised_emails(connection, developers).await?;
        emails.extend(found.into_iter().map(|(id, email)| (AccountId::Developer(id), email)));
        let admins = batch.iter().filter_map(|(account, _)| match account {
            AccountId::Admin(id) => Some(*id),
            AccountId::Developer(_) => None,
        });
        let found = admin_store::normalised_emails(connection, admins).await?;
        emails.extend(found.into_iter().map(|(id, email)| (AccountId::Admin(id), email)));
    }
    for (account, address) in pairs {
        if let Some(email) = emails.get(&account) {
            plane.throttle.remember_sign_in(account.realm(), email, Some(address));
        }
    }
    Ok(())
}

fn account(actor: &str) -> Option<AccountId> {
    [Realm::Portal, Realm::Admin]
        .into_iter()
        .find_map(|realm| AccountId::parse(realm, actor).ok())
}

#[cfg(test)]
mod tests {
    use crate::session::service::test_support::*;

    use super::*;

    #[tokio::test]
    async fn a_restart_does_not_lock_an_owner_out() {
        let fixture = with_lasting_throttle().await;
        developer(&fixture).await;
        admin(&fixture, EMAIL).await;
        signed_in(&fixture).await;
        let elsewhere = from_address("2001:db8::7");
        let in_admin_realm = try_sign_in(&fixture.plane, &elsewhere, Realm::Admin, EMAIL, PASSWORD).await;
        in_admin_realm.unwrap();
        // The restart: another throttle, which knows nothing.
        let mut plane = std::sync::Arc::into_inner(fixture.plane).unwrap();
        plane.throttle = std::sync::Arc::into_inner(with_lasting_throttle().await.plane)
            .unwrap()
            .throttle;
        let use_up = |plane: &ControlPlane, realm| {
            for index in 0..20 {
                let stranger = format!("198.51.100.{index}").parse().unwrap();
                let _ = plane.throttle.admit_sign_in(realm, EMAIL, Some(stranger));
            }
        };
        let known = |plane: &ControlPlane, realm, call: &crate::context::CallContext| {
            plane.throttle.admit_sign_in(realm, EMAIL, call.client_address).is_ok()
        };
        use_up(&plane, Realm::Portal);
        use_up(&plane, Realm::Admin);
        assert!(!known(&plane, Realm::Portal, &anyone()));
        remember_sign_ins(&plane, Timestamp::now()).await.unwrap();
        assert!(known(&plane, Realm::Portal, &anyone()));
        assert!(known(&plane, Realm::Admin, &elsewhere));
        assert!(!known(&plane, Realm::Portal, &elsewhere));
        assert!(!known(&plane, Realm::Admin, &anyone()));
    }
}
