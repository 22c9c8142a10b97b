//! The account directory: which sessions live and which accounts may act, in memory, asked on every request.
//!
//! A token that was signed an instant ago is worth nothing once its session has ended or its developer was revoked.
//! The change log feeds this state; what it does not know does not exist, so a gap closes doors and opens none.

use arc_swap::ArcSwap;
use domain::{
    Timestamp,
    developer::DeveloperStatus,
    gateway_token::GatewayTokenHash,
    id::{AdminId, DeveloperId, GatewayTokenId, SessionId},
    viewer::Viewer,
};
use rpds::{HashTrieMapSync, HashTrieSetSync};
use tokio::sync::watch;

use super::{
    access_token::{BadToken, Claims},
    realm::AccountId,
};

/// A session that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// Whose it is.
    pub account: AccountId,
    /// When it ends, however often it is refreshed.
    pub ends_at: Timestamp,
}

/// All that the directory knows at one moment. Cheap to clone: versions share their structure.
#[derive(Clone, Debug, Default)]
pub struct DirectoryState {
    sessions: HashTrieMapSync<SessionId, SessionState>,
    developers: HashTrieMapSync<DeveloperId, DeveloperStatus>,
    admins: HashTrieSetSync<AdminId>,
    gateway_tokens: HashTrieMapSync<GatewayTokenHash, GatewayTokenId>,
}

impl DirectoryState {
    /// Adds a session or replaces what is known of it.
    pub fn put_session(&mut self, id: SessionId, session: SessionState) {
        self.sessions.insert_mut(id, session);
    }

    /// Forgets a session: it has ended.
    pub fn remove_session(&mut self, id: SessionId) {
        self.sessions.remove_mut(&id);
    }

    /// Adds a developer or replaces the status.
    pub fn put_developer(&mut self, id: DeveloperId, status: DeveloperStatus) {
        self.developers.insert_mut(id, status);
    }

    /// Forgets a developer: the account was deleted.
    pub fn remove_developer(&mut self, id: DeveloperId) {
        self.developers.remove_mut(&id);
    }

    /// Adds an admin.
    pub fn put_admin(&mut self, id: AdminId) {
        self.admins.insert_mut(id);
    }

    /// Forgets an admin.
    pub fn remove_admin(&mut self, id: AdminId) {
        self.admins.remove_mut(&id);
    }

    /// Adds a token that gateways may use.
    pub fn put_gateway_token(&mut self, hash: GatewayTokenHash, id: GatewayTokenId) {
        self.gateway_tokens.insert_mut(hash, id);
    }

    /// Forgets a token: it was revoked.
    pub fn remove_gateway_token(&mut self, id: GatewayTokenId) {
        // There are few, and they are hardly ever revoked.
        let hash = self.gateway_tokens.iter().find(|(_, known)| **known == id);
        if let Some(hash) = hash.map(|(hash, _)| *hash) {
            self.gateway_tokens.remove_mut(&hash);
        }
    }
}

/// The directory. Readers never wait; writers replace the whole state by a changed copy.
#[derive(Debug, Default)]
pub struct AccountDirectory {
    state: ArcSwap<DirectoryState>,
    /// Counts the changes.
    changes: watch::Sender<u64>,
}

impl AccountDirectory {
    /// A directory that knows nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Who the bearer of a checked token is at `now`.
    ///
    /// # Errors
    /// [`BadToken`] when the session or the account is unknown, they do not belong together, the session is over, or
    /// the developer was revoked.
    pub fn check(&self, claims: &Claims, now: Timestamp) -> Result<Viewer, BadToken> {
        let state = self.state.load();
        let session = state.sessions.get(&claims.session).ok_or(BadToken)?;
        if session.account != claims.account || session.ends_at <= now {
            return Err(BadToken);
        }
        match claims.account {
            AccountId::Developer(id) => match state.developers.get(&id).copied() {
                Some(status @ (DeveloperStatus::Pending | DeveloperStatus::Approved | DeveloperStatus::Rejected)) => {
                    Ok(Viewer::Developer { id, status })
                }
                Some(DeveloperStatus::Revoked) | None => Err(BadToken),
            },
            AccountId::Admin(id) if state.admins.contains(&id) => Ok(Viewer::Admin { id }),
            AccountId::Admin(_) => Err(BadToken),
        }
    }

    /// Makes some changes at once: readers see all of them or none.
    pub fn update(&self, change: impl Fn(&mut DirectoryState)) {
        self.state.rcu(|state| {
            let mut changed = DirectoryState::clone(state);
            change(&mut changed);
            changed
        });
        self.changes.send_modify(|count| *count += 1);
    }

    /// Puts a state in place of all that was known, as at start and after a gap in the change log.
    pub fn replace_all(&self, state: DirectoryState) {
        self.state.store(state.into());
        self.changes.send_modify(|count| *count += 1);
    }

    /// Whose token has this hash; `None` when nobody's, or when it was revoked. The index of 256-bit hashes is asked
    /// once, whatever the token: how long it takes tells nothing of the tokens that are there.
    #[must_use]
    pub fn gateway_token(&self, hash: &GatewayTokenHash) -> Option<GatewayTokenId> {
        self.state.load().gateway_tokens.get(hash).copied()
    }

    /// Changes after every change of the directory.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Forgets the sessions that are over at `now`; they count for nothing already. Returns how many they were.
    pub fn forget_expired(&self, now: Timestamp) -> usize {
        let state = self.state.load_full();
        let expired: Vec<SessionId> = state
            .sessions
            .iter()
            .filter(|(_, session)| session.ends_at <= now)
            .map(|(id, _)| *id)
            .collect();
        if !expired.is_empty() {
            self.update(|state| expired.iter().for_each(|id| state.remove_session(*id)));
        }
        expired.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const LATER: Timestamp = Timestamp::from_millis(2_000_000);

    fn claims(account: AccountId, session: SessionId) -> Claims {
        Claims {
            account,
            session,
            not_before: NOW,
            issued_at: NOW,
            expires_at: LATER,
        }
    }

    struct Fixture {
        directory: AccountDirectory,
        developer: DeveloperId,
        admin: AdminId,
        developers_session: SessionId,
        admins_session: SessionId,
    }

    fn fixture() -> Fixture {
        let fixture = Fixture {
            directory: AccountDirectory::new(),
            developer: DeveloperId::new(),
            admin: AdminId::new(),
            developers_session: SessionId::new(),
            admins_session: SessionId::new(),
        };
        fixture.directory.update(|state| {
            state.put_developer(fixture.developer, DeveloperStatus::Approved);
            state.put_admin(fixture.admin);
            state.put_session(
                fixture.developers_session,
                SessionState {
                    account: AccountId::Developer(fixture.developer),
                    ends_at: LATER,
                },
            );
            state.put_session(
                fixture.admins_session,
                SessionState {
                    account: AccountId::Admin(fixture.admin),
                    ends_at: LATER,
                },
            );
        });
        fixture
    }

    impl Fixture {
        fn developer(&self) -> Result<Viewer, BadToken> {
            self.directory.check(
                &claims(AccountId::Developer(self.developer), self.developers_session),
                NOW,
            )
        }

        fn admin(&self) -> Result<Viewer, BadToken> {
            self.directory
                .check(&claims(AccountId::Admin(self.admin), self.admins_session), NOW)
        }
    }

    #[test]
    fn live_sessions_of_known_accounts_pass() {
        let fixture = fixture();
        assert_eq!(
            fixture.developer(),
            Ok(Viewer::Developer {
                id: fixture.developer,
                status: DeveloperStatus::Approved
            })
        );
        assert_eq!(fixture.admin(), Ok(Viewer::Admin { id: fixture.admin }));
    }

    #[test]
    fn the_status_decides_whether_a_developer_may_act_and_changes_at_once() {
        let fixture = fixture();
        for status in [
            DeveloperStatus::Pending,
            DeveloperStatus::Rejected,
            DeveloperStatus::Revoked,
            DeveloperStatus::Approved,
        ] {
            fixture
                .directory
                .update(|state| state.put_developer(fixture.developer, status));
            let expected = match status {
                DeveloperStatus::Revoked => Err(BadToken),
                other => Ok(Viewer::Developer {
                    id: fixture.developer,
                    status: other,
                }),
            };
            assert_eq!(fixture.developer(), expected);
        }
    }

    #[test]
    fn what_is_gone_ends_the_token() {
        let fixture = fixture();
        fixture
            .directory
            .update(|state| state.remove_session(fixture.developers_session));
        assert_eq!(fixture.developer(), Err(BadToken));
        assert!(fixture.admin().is_ok());
        fixture.directory.update(|state| state.remove_admin(fixture.admin));
        assert_eq!(fixture.admin(), Err(BadToken));
        let fixture = self::fixture();
        fixture
            .directory
            .update(|state| state.remove_developer(fixture.developer));
        assert_eq!(fixture.developer(), Err(BadToken));
    }

    #[test]
    fn a_session_serves_its_own_account_only() {
        let fixture = fixture();
        let other = DeveloperId::new();
        fixture
            .directory
            .update(|state| state.put_developer(other, DeveloperStatus::Approved));
        for (account, session) in [
            (AccountId::Developer(other), fixture.developers_session),
            (AccountId::Admin(fixture.admin), fixture.developers_session),
            (AccountId::Developer(fixture.developer), fixture.admins_session),
            // The same UUID under the other kind's name.
            (
                AccountId::Admin(AdminId::from_uuid(fixture.developer.uuid())),
                fixture.developers_session,
            ),
            (AccountId::Developer(fixture.developer), SessionId::new()),
        ] {
            assert_eq!(
                fixture.directory.check(&claims(account, session), NOW),
                Err(BadToken),
                "{account}"
            );
        }
    }

    #[test]
    fn a_session_is_over_at_its_end_and_then_forgotten() {
        let fixture = fixture();
        let claims = claims(AccountId::Developer(fixture.developer), fixture.developers_session);
        let before = Timestamp::from_millis(LATER.as_millis() - 1);
        assert!(fixture.directory.check(&claims, before).is_ok());
        assert_eq!(fixture.directory.check(&claims, LATER), Err(BadToken));
        assert_eq!(fixture.directory.forget_expired(before), 0);
        assert!(fixture.directory.check(&claims, before).is_ok());
        assert_eq!(fixture.directory.forget_expired(LATER), 2);
        assert_eq!(fixture.directory.check(&claims, before), Err(BadToken));
    }

    #[test]
    fn replacing_all_leaves_nothing_of_before() {
        let fixture = fixture();
        let mut state = DirectoryState::default();
        state.put_developer(fixture.developer, DeveloperStatus::Approved);
        fixture.directory.replace_all(state);
        assert_eq!(fixture.developer(), Err(BadToken));
        assert_eq!(fixture.admin(), Err(BadToken));
    }

    #[test]
    fn an_empty_directory_knows_nobody() {
        let directory = AccountDirectory::new();
        let account = AccountId::Admin(AdminId::new());
        assert_eq!(directory.check(&claims(account, SessionId::new()), NOW), Err(BadToken));
    }

    #[test]
    fn changes_at_once_are_all_kept() {
        let directory = AccountDirectory::new();
        let ids: Vec<AdminId> = (0..64).map(|_| AdminId::new()).collect();
        std::thread::scope(|scope| {
            for id in &ids {
                let directory = &directory;
                scope.spawn(move || directory.update(|state| state.put_admin(*id)));
            }
        });
        let state = directory.state.load();
        assert!(ids.iter().all(|id| state.admins.contains(id)));
    }
}
