//! The record that people would keep: who said no to whom, for what. It knows nothing of holds or of the rules; it
//! looks at two worlds and at who acted.

use std::collections::HashSet;

use domain::{
    access_request::{AccessRequestAction, AccessRequestStatus},
    app::AppStatus,
    credential::CredentialStatus,
    developer::{DeveloperAction, DeveloperStatus},
    version::VersionLifecycle,
};

use super::{
    action::{Action, EMAILS, Effect, VERSIONS, Who},
    world::{Call, Request, World},
};

/// What happened in a run, so that a property that never met its case is noticed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) calls_passed: u64,
    pub(super) approved_automatically: u64,
    /// Auto-approve was on, and yet the request waits.
    pub(super) waits_for_person: u64,
    pub(super) asked_again_after_sweep: u64,
    pub(super) account_made_again: u64,
    pub(super) stopped: u64,
    pub(super) undone_and_redone: u64,
}

#[derive(Default)]
pub(super) struct Ledger {
    /// (e-mail, version): a person said no to a request, or an app was deleted while suspended with one.
    noes: HashSet<(usize, usize)>,
    /// (e-mail, version): a person said no to all of the developer's requests, and yes to none since.
    shut: HashSet<(usize, usize)>,
    /// E-mails of developers whom an admin rejected, revoked or deleted.
    unwelcome: HashSet<usize>,
    pub(super) seen: Seen,
}

impl Ledger {
    /// Checks the step from `before` to `after`, and writes down what people decided in it.
    pub(super) fn watch(&mut self, before: &World, action: &Action, after: &World) {
        self.watch_requests(before, action, after);
        self.watch_accounts(before, action, after);
        Self::watch_kinds(before, after);
        self.watch_traffic(before, action, after);
    }

    fn watch_requests(&mut self, before: &World, action: &Action, after: &World) {
        for app in 0..after.apps.len() {
            for version in 0..VERSIONS {
                let of_pair = |request: &&Request| request.app == app && request.version == version;
                let open = after
                    .requests
                    .iter()
                    .filter(of_pair)
                    .filter(|request| request.status.is_open());
                assert!(
                    open.count() <= 1,
                    "two open requests of app {app} for version {version}"
                );
            }
        }
        // Deleting an app takes its requests away; nothing else moves them.
        let kept: Vec<&Request> = before
            .requests
            .iter()
            .filter(|request| !after.apps[request.app].deleted)
            .collect();
        for (old, new) in kept.iter().zip(&after.requests) {
            assert_eq!((old.app, old.version), (new.app, new.version));
            if old.status != new.status {
                self.watch_decision(action, before, new);
            }
        }
        for new in after.requests.iter().skip(kept.len()) {
            self.watch_submission(before, action, new);
        }
        for (app, (old, new)) in before.apps.iter().zip(&after.apps).enumerate() {
            if new.deleted && !old.deleted && old.status == AppStatus::Suspended {
                let asked = before.requests.iter().filter(|request| request.app == app);
                self.noes.extend(asked.map(|request| (old.email, request.version)));
            }
        }
    }

    fn watch_decision(&mut self, action: &Action, before: &World, new: &Request) {
        let email = before.apps[new.app].email;
        let &Action::Request {
            who,
            action,
            all_of_developer,
            ..
        } = action
        else {
            panic!("{action:?} changed {new:?}")
        };
        match new.status {
            AccessRequestStatus::Approved => {
                assert_eq!((who, action), (Who::Admin, AccessRequestAction::Approve));
                self.shut.remove(&(email, new.version));
            }
            AccessRequestStatus::Rejected | AccessRequestStatus::Revoked => {
                assert_eq!(who, Who::Admin);
                self.noes.insert((email, new.version));
                if all_of_developer {
                    self.shut.insert((email, new.version));
                }
            }
            AccessRequestStatus::Cancelled => assert!(is_owner(who, email)),
            AccessRequestStatus::Pending => panic!("{new:?} waits again"),
        }
    }

    fn watch_submission(&mut self, before: &World, action: &Action, new: &Request) {
        let app = &before.apps[new.app];
        let version = &before.versions[new.version];
        let key = (app.email, new.version);
        // "Requesting needs".
        let &Action::Submit { who, .. } = action else {
            panic!("{action:?} made {new:?}")
        };
        assert!(is_owner(who, app.email), "asked with another's app");
        assert!(!before.portal.is_public);
        assert_eq!(
            before.accounts[app.email].as_ref().map(|one| one.status),
            Some(DeveloperStatus::Approved)
        );
        assert_eq!(app.status, AppStatus::Active);
        assert!(before.published_at[version.product].is_some());
        assert_eq!(version.lifecycle, VersionLifecycle::Active);
        assert!(version.registration.enabled && version.registration.auth_strategy.is_some());
        let automatic = before.portal.auto_approve_access_requests || version.registration.auto_approve;
        let suspended = before.requests.iter().any(|request| {
            let asking = &before.apps[request.app];
            request.version == new.version && asking.email == app.email && asking.status == AppStatus::Suspended
        });
        let said_no = self.noes.contains(&key);
        self.seen.asked_again_after_sweep += u64::from(self.shut.contains(&key));
        match new.status {
            AccessRequestStatus::Approved => {
                assert!(
                    automatic && !said_no && !suspended,
                    "{new:?} undoes a person's decision"
                );
                self.seen.approved_automatically += 1;
            }
            AccessRequestStatus::Pending => {
                assert!(!automatic || said_no || suspended, "{new:?} waits for no reason");
                self.seen.waits_for_person += u64::from(automatic);
            }
            AccessRequestStatus::Rejected | AccessRequestStatus::Revoked | AccessRequestStatus::Cancelled => {
                panic!("{new:?} begins where none begins")
            }
        }
    }

    fn watch_accounts(&mut self, before: &World, action: &Action, after: &World) {
        for email in 0..EMAILS {
            match (&before.accounts[email], &after.accounts[email]) {
                (None, None) => {}
                (None, Some(new)) => {
                    assert!(!before.portal.is_public);
                    let automatic = before.portal.auto_approve_developers && !self.unwelcome.contains(&email);
                    let expected = if automatic {
                        DeveloperStatus::Approved
                    } else {
                        DeveloperStatus::Pending
                    };
                    assert_eq!(new.status, expected);
                    self.seen.account_made_again += u64::from(self.unwelcome.contains(&email));
                }
                (Some(old), new) => {
                    if new.as_ref().is_some_and(|new| new == old) {
                        continue;
                    }
                    let &Action::Developer {
                        who: Who::Admin,
                        action,
                        ..
                    } = action
                    else {
                        panic!("{action:?} changed {old:?}")
                    };
                    if action != DeveloperAction::Approve {
                        self.unwelcome.insert(email);
                    }
                }
            }
        }
    }

    /// Whatever an app takes on is of the kind of all that it has.
    fn watch_kinds(before: &World, after: &World) {
        let check = |app: usize, kind| {
            let live =
                |one: &&super::world::Credential| one.app == app && before.state(one) == CredentialStatus::Active;
            assert!(
                before
                    .credentials
                    .iter()
                    .filter(live)
                    .all(|one| one.kind.strategy_type() == kind)
            );
            for request in before
                .requests
                .iter()
                .filter(|one| one.app == app && one.status.is_open())
            {
                let strategy = before.versions[request.version].registration.auth_strategy;
                assert!(strategy.is_none_or(|strategy| strategy.kind == kind));
            }
        };
        let is_new_submission = after.requests.len() > before.requests.len();
        if let Some(request) = after.requests.last().filter(|_| is_new_submission) {
            check(
                request.app,
                after.versions[request.version].registration.auth_strategy.unwrap().kind,
            );
        }
        let rotated = before
            .credentials
            .iter()
            .zip(&after.credentials)
            .any(|(old, new)| old.replaced != new.replaced);
        for credential in after
            .credentials
            .iter()
            .skip(before.credentials.len())
            .filter(|_| !rotated)
        {
            check(credential.app, credential.kind.strategy_type());
        }
    }

    fn watch_traffic(&mut self, before: &World, action: &Action, after: &World) {
        let (was, is) = (before.passing(), after.passing());
        match action.effect() {
            Effect::None => assert_eq!(was, is, "{action:?} changed traffic"),
            Effect::Stops => assert!(is.is_subset(&was), "{action:?} opened {:?}", is.difference(&was)),
            Effect::Opens => {}
        }
        self.seen.stopped += was.difference(&is).count() as u64;
        self.seen.calls_passed += is.len() as u64;
        for credential in 0..after.credentials.len() {
            for version in 0..VERSIONS {
                let passes = is.contains(&(credential, version));
                assert_eq!(
                    passes,
                    conditions_hold(after, (credential, version)),
                    "{credential} {version}"
                );
                let key = (after.apps[after.credentials[credential].app].email, version);
                assert!(
                    !passes || !self.shut.contains(&key),
                    "{key:?} passes after a no, without a later yes"
                );
            }
        }
    }
}

fn is_owner(who: Who, owner: usize) -> bool {
    match who {
        Who::Admin => false,
        Who::Owner => true,
        Who::Email(email) => email == owner,
    }
}

/// "Traffic flows only if", as DESIGN.md words it, from the world's own fields.
fn conditions_hold(world: &World, (credential, version): Call) -> bool {
    let credential = &world.credentials[credential];
    let app = &world.apps[credential.app];
    let version_now = &world.versions[version];
    let now = world.now.as_millis();
    let Some(strategy) = version_now.registration.auth_strategy else {
        return false;
    };
    let age = now - credential.created_at.as_millis();
    credential.revoked_at.is_none()
        && credential.expires_at.is_none_or(|at| now < at.as_millis())
        && world
            .ttl_days(strategy)
            .is_none_or(|days| age < i64::from(days) * 86_400_000)
        && credential.kind == strategy.kind.credential_kind()
        && !app.deleted
        && app.status == AppStatus::Active
        && world.accounts[app.email]
            .as_ref()
            .is_some_and(|one| one.status == DeveloperStatus::Approved)
        && world.requests.iter().any(|request| {
            request.app == credential.app
                && request.version == version
                && request.status == AccessRequestStatus::Approved
        })
        && matches!(
            version_now.lifecycle,
            VersionLifecycle::Active | VersionLifecycle::Deprecated
        )
}
