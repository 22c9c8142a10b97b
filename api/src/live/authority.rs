//! How long a connection's token is worth something.

use domain::Timestamp;

use super::close::Close;
use crate::session::{access_token::Claims, directory::AccountDirectory};

/// Completes when the token, its session or its account's right to act has ended, and says which.
pub(super) async fn ended(directory: &AccountDirectory, claims: Claims) -> Close {
    let mut changes = directory.changes();
    let lasts = claims.expires_at.saturating_duration_since(Timestamp::now());
    let expiry = tokio::time::sleep(lasts);
    tokio::pin!(expiry);
    loop {
        // Whatever the token's own end is: that is the timer's to tell.
        if directory.check(&claims, Timestamp::now()).is_err() {
            return Close::SessionEnded;
        }
        tokio::select! {
            () = &mut expiry => return Close::TokenExpired,
            // The sender lives as long as the directory.
            changed = changes.changed() => if changed.is_err() {
                return Close::SessionEnded;
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{
        developer::DeveloperStatus,
        id::{DeveloperId, SessionId},
    };

    use super::*;
    use crate::session::{directory::SessionState, realm::AccountId};

    fn scene() -> (AccountDirectory, Claims) {
        let (developer, session, now) = (DeveloperId::new(), SessionId::new(), Timestamp::now());
        let directory = AccountDirectory::new();
        let account = AccountId::Developer(developer);
        directory.update(|state| {
            state.put_developer(developer, DeveloperStatus::Approved);
            let ends_at = now.saturating_add(Duration::from_secs(3600));
            state.put_session(session, SessionState { account, ends_at });
        });
        let claims = Claims {
            account,
            session,
            not_before: now,
            issued_at: now,
            expires_at: now.saturating_add(Duration::from_secs(900)),
        };
        (directory, claims)
    }

    #[tokio::test]
    async fn it_lasts_as_long_as_the_token() {
        let (directory, claims) = scene();
        let expires_at = Timestamp::now().saturating_add(Duration::from_millis(50));
        let claims = Claims { expires_at, ..claims };
        let mut waiting = Box::pin(ended(&directory, claims));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        assert_eq!(waiting.await, Close::TokenExpired);
        assert!(Timestamp::now() >= expires_at);
    }

    #[tokio::test]
    async fn it_ends_with_the_session_and_with_the_right_to_act() {
        for end in [
            (|state, claims| state.remove_session(claims.session))
                as fn(&mut crate::session::directory::DirectoryState, &Claims),
            |state, claims| {
                if let AccountId::Developer(id) = claims.account {
                    state.put_developer(id, DeveloperStatus::Revoked);
                }
            },
        ] {
            let (directory, claims) = scene();
            let mut waiting = Box::pin(ended(&directory, claims));
            assert!(futures_util::poll!(&mut waiting).is_pending());
            directory.update(|state| end(state, &claims));
            assert_eq!(waiting.await, Close::SessionEnded);
        }
    }
}
