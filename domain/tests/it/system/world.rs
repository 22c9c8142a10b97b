//! A portal in memory: vectors in place of tables.

use std::collections::{BTreeSet, HashSet};

use domain::{
    Refusal, RefusalCode, Timestamp,
    access::{self, CredentialFacts, Denial, Facts, StrategyFacts},
    access_request::AccessRequestStatus,
    app::{AppStatus, BoundKinds},
    auth_strategy::AuthStrategyType,
    credential::{self, CredentialKind, CredentialStatus, StrategyChoice},
    developer::DeveloperStatus,
    id::{AdminId, AuthStrategyId, DeveloperId},
    portal::PortalSettings,
    registration::Registration,
    version::VersionLifecycle,
    viewer::{Actor, Viewer},
};

use super::action::{EMAILS, PRODUCTS, STRATEGIES, VERSIONS, Who};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Account {
    pub(super) id: DeveloperId,
    pub(super) status: DeveloperStatus,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct App {
    /// An app outlives neither its owner nor its e-mail.
    pub(super) email: usize,
    pub(super) status: AppStatus,
    pub(super) deleted: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    pub(super) app: usize,
    pub(super) version: usize,
    pub(super) status: AccessRequestStatus,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Credential {
    pub(super) app: usize,
    pub(super) strategy: AuthStrategyId,
    pub(super) kind: CredentialKind,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) revoked_at: Option<Timestamp>,
    pub(super) replaced: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Version {
    pub(super) product: usize,
    pub(super) lifecycle: VersionLifecycle,
    pub(super) registration: Registration,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) portal: PortalSettings,
    pub(super) accounts: [Option<Account>; EMAILS],
    pub(super) apps: Vec<App>,
    pub(super) versions: Vec<Version>,
    pub(super) published_at: [Option<Timestamp>; PRODUCTS],
    /// By number; the first is built in. Two of each kind; the second and fourth have a TTL.
    pub(super) strategies: [Option<StrategyChoice>; STRATEGIES],
    pub(super) requests: Vec<Request>,
    pub(super) credentials: Vec<Credential>,
    pub(super) holds: HashSet<(usize, usize)>,
    pub(super) sign_up_holds: HashSet<usize>,
}

/// A call that someone could make: with a credential, to a version.
pub(super) type Call = (usize, usize);

const TTL_DAYS: u32 = 10;

pub(super) fn not_found() -> Vec<Refusal> {
    vec![Refusal::at("id", RefusalCode::NotFound, "It does not exist.")]
}

impl World {
    /// A private portal: two approved developers with an app each, three versions in two products, ready to be
    /// registered with.
    pub(super) fn new() -> Self {
        let choice = |kind| {
            Some(StrategyChoice {
                id: AuthStrategyId::new(),
                kind,
            })
        };
        let strategies = [
            choice(AuthStrategyType::KeyAuth),
            choice(AuthStrategyType::KeyAuth),
            choice(AuthStrategyType::OpenidConnect),
            choice(AuthStrategyType::OpenidConnect),
        ];
        let now = Timestamp::from_millis(1_700_000_000_000);
        let account = || {
            Some(Account {
                id: DeveloperId::new(),
                status: DeveloperStatus::Approved,
            })
        };
        let app = |email| App {
            email,
            status: AppStatus::Active,
            deleted: false,
        };
        let version = |number: usize| Version {
            product: number % PRODUCTS,
            lifecycle: VersionLifecycle::Active,
            registration: Registration {
                enabled: true,
                auto_approve: number != 1,
                auth_strategy: strategies[number / 2],
            },
        };
        Self {
            now,
            portal: PortalSettings {
                auto_approve_developers: true,
                ..PortalSettings::default()
            },
            accounts: [account(), account(), None],
            apps: vec![app(0), app(1)],
            versions: (0..VERSIONS).map(version).collect(),
            published_at: [Some(now); PRODUCTS],
            strategies,
            requests: Vec::new(),
            credentials: Vec::new(),
            holds: HashSet::new(),
            sign_up_holds: HashSet::new(),
        }
    }

    /// The calls that pass now.
    pub(super) fn passing(&self) -> BTreeSet<Call> {
        (0..self.credentials.len())
            .flat_map(|credential| (0..VERSIONS).map(move |version| (credential, version)))
            .filter(|&call| self.decide(call).is_ok())
            .collect()
    }

    pub(super) fn decide(&self, (credential, version): Call) -> Result<(), Denial> {
        let credential = &self.credentials[credential];
        let app = &self.apps[credential.app];
        let Some(developer) = self.accounts[app.email].as_ref().filter(|_| !app.deleted) else {
            // The key index no longer has the key.
            return Err(Denial::CredentialRevoked);
        };
        let version_now = &self.versions[version];
        let of_pair = || {
            self.requests
                .iter()
                .filter(|request| request.app == credential.app && request.version == version)
        };
        let request = of_pair()
            .find(|request| request.status.is_open())
            .or_else(|| of_pair().next_back());
        let facts = Facts {
            lifecycle: version_now.lifecycle,
            strategy: version_now.registration.auth_strategy.map(|choice| StrategyFacts {
                kind: choice.kind,
                credential_ttl_days: self.ttl_days(choice),
            }),
            credential: CredentialFacts {
                kind: credential.kind,
                created_at: credential.created_at,
                expires_at: credential.expires_at,
                revoked_at: credential.revoked_at,
            },
            app: app.status,
            developer: developer.status,
            request: request.map(|request| request.status),
        };
        access::decide(&facts, self.now)
    }

    pub(super) fn ttl_days(&self, choice: StrategyChoice) -> Option<u32> {
        [1, 3]
            .iter()
            .any(|&number| self.strategies[number] == Some(choice))
            .then_some(TTL_DAYS)
    }

    pub(super) fn state(&self, credential: &Credential) -> CredentialStatus {
        credential::status(credential.revoked_at, credential.expires_at, self.now)
    }

    /// Who looks at something of `owner`'s.
    pub(super) fn viewer(&self, who: Who, owner: usize) -> Viewer {
        let email = match who {
            Who::Admin => return Viewer::Admin { id: AdminId::new() },
            Who::Owner => owner,
            Who::Email(email) => email,
        };
        self.accounts[email]
            .as_ref()
            .map_or(Viewer::Anonymous, |account| Viewer::Developer {
                id: account.id,
                status: account.status,
            })
    }

    /// What `who` is to an app that exists.
    pub(super) fn actor(&self, who: Who, app: usize) -> Result<Actor, Vec<Refusal>> {
        let app = &self.apps[app];
        let owner = self.accounts[app.email]
            .as_ref()
            .filter(|_| !app.deleted)
            .ok_or_else(not_found)?;
        match self.viewer(who, app.email).actor_towards(owner.id) {
            Actor::Stranger => Err(not_found()),
            actor @ (Actor::Owner | Actor::Admin) => Ok(actor),
        }
    }

    pub(super) fn owned_by(&self, who: Who, app: usize) -> Result<DeveloperStatus, Vec<Refusal>> {
        match (self.actor(who, app)?, &self.accounts[self.apps[app].email]) {
            (Actor::Owner, Some(account)) => Ok(account.status),
            (Actor::Owner | Actor::Admin | Actor::Stranger, _) => Err(not_found()),
        }
    }

    pub(super) fn bound_to(&self, app: usize) -> BoundKinds {
        let live = self
            .credentials
            .iter()
            .filter(|one| one.app == app && self.state(one) == CredentialStatus::Active);
        BoundKinds::new(
            live.map(|one| one.kind),
            self.open_strategies(app).into_iter().map(|choice| choice.kind),
        )
    }

    pub(super) fn open_strategies(&self, app: usize) -> Vec<StrategyChoice> {
        let open = self
            .requests
            .iter()
            .filter(|request| request.app == app && request.status.is_open());
        open.filter_map(|request| self.versions[request.version].registration.auth_strategy)
            .collect()
    }

    pub(super) fn approved_requests(&self, of: impl Fn(&Request) -> bool) -> u64 {
        let approved = |request: &&Request| request.status == AccessRequestStatus::Approved && of(request);
        self.requests.iter().filter(approved).count() as u64
    }
}
