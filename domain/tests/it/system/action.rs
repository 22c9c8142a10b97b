//! What can be done, and how often it is tried.

use domain::{access_request::AccessRequestAction, developer::DeveloperAction, version::VersionLifecycle};
use proptest::{bool::weighted, option, prelude::*, sample::select};
use strum::IntoEnumIterator as _;

pub(super) const EMAILS: usize = 3;
pub(super) const VERSIONS: usize = 3;
pub(super) const PRODUCTS: usize = 2;
pub(super) const STRATEGIES: usize = 4;

/// Who tries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Admin,
    /// Whoever has the account that the app in question belongs to.
    Owner,
    /// Whoever has the account of this e-mail at present; nobody when there is none.
    Email(usize),
}

/// A step. Apps, requests and credentials are numbers among those made so far (modulo their count).
#[derive(Clone, Debug)]
pub(super) enum Action {
    SignUp {
        email: usize,
    },
    Developer {
        who: Who,
        email: usize,
        action: DeveloperAction,
        force: bool,
    },
    CreateApp {
        email: usize,
    },
    Suspend {
        who: Who,
        app: usize,
    },
    Resume {
        who: Who,
        app: usize,
    },
    DeleteApp {
        who: Who,
        app: usize,
    },
    Submit {
        who: Who,
        app: usize,
        version: usize,
    },
    Request {
        who: Who,
        request: usize,
        action: AccessRequestAction,
        all_of_developer: bool,
    },
    Generate {
        who: Who,
        app: usize,
        named: Option<usize>,
        life_seconds: Option<i64>,
    },
    Rotate {
        who: Who,
        credential: usize,
        overlap_seconds: i32,
    },
    RevokeCredential {
        who: Who,
        credential: usize,
    },
    Portal {
        is_public: bool,
        auto_approve_developers: bool,
        auto_approve_access_requests: bool,
    },
    Publish {
        product: usize,
        published: bool,
    },
    Lifecycle {
        version: usize,
        wanted: VersionLifecycle,
    },
    Enable {
        version: usize,
        strategy: Option<usize>,
        auto_approve: Option<bool>,
    },
    Disable {
        version: usize,
    },
    DeleteStrategy {
        strategy: usize,
        force: bool,
    },
    Wait {
        seconds: i64,
    },
}

/// What an action may do to traffic, whatever it does else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Visibility is not access: not a single call changes.
    None,
    /// It may only end something.
    Stops,
    /// It may let something through.
    Opens,
}

impl Action {
    pub(super) fn effect(&self) -> Effect {
        match self {
            Self::SignUp { .. }
            | Self::CreateApp { .. }
            | Self::Portal { .. }
            | Self::Publish { .. }
            | Self::Disable { .. } => Effect::None,
            Self::Suspend { .. }
            | Self::DeleteApp { .. }
            | Self::RevokeCredential { .. }
            | Self::DeleteStrategy { .. }
            | Self::Wait { .. } => Effect::Stops,
            Self::Resume { .. }
            | Self::Submit { .. }
            | Self::Generate { .. }
            | Self::Rotate { .. }
            | Self::Enable { .. } => Effect::Opens,
            Self::Developer { action, .. } => match action {
                DeveloperAction::Approve => Effect::Opens,
                DeveloperAction::Reject | DeveloperAction::Revoke | DeveloperAction::Delete => Effect::Stops,
            },
            Self::Request { action, .. } => match action {
                AccessRequestAction::Approve => Effect::Opens,
                AccessRequestAction::Reject | AccessRequestAction::Revoke | AccessRequestAction::Cancel => {
                    Effect::Stops
                }
            },
            Self::Lifecycle { wanted, .. } => match wanted {
                VersionLifecycle::Active | VersionLifecycle::Deprecated => Effect::Opens,
                VersionLifecycle::Draft | VersionLifecycle::Retired => Effect::Stops,
            },
        }
    }
}

/// Mostly the owner, so that most of what is tried happens.
fn mostly_owner() -> impl Strategy<Value = Who> {
    prop_oneof![6 => Just(Who::Owner), 1 => Just(Who::Admin), 1 => (0..EMAILS).prop_map(Who::Email)]
}

/// Mostly an admin, so that most of what is tried happens.
fn mostly_admin() -> impl Strategy<Value = Who> {
    prop_oneof![6 => Just(Who::Admin), 1 => Just(Who::Owner), 1 => (0..EMAILS).prop_map(Who::Email)]
}

pub(super) fn action() -> impl Strategy<Value = Action> {
    let app = || 0_usize..8;
    prop_oneof![
        10 => (0..EMAILS).prop_map(|email| Action::SignUp { email }),
        8 => (mostly_admin(), 0..EMAILS, developer_action(), any::<bool>())
            .prop_map(|(who, email, action, force)| Action::Developer { who, email, action, force }),
        8 => (0..EMAILS).prop_map(|email| Action::CreateApp { email }),
        3 => (mostly_admin(), app()).prop_map(|(who, app)| Action::Suspend { who, app }),
        6 => (mostly_admin(), app()).prop_map(|(who, app)| Action::Resume { who, app }),
        2 => (mostly_owner(), app()).prop_map(|(who, app)| Action::DeleteApp { who, app }),
        60 => (mostly_owner(), app(), 0..VERSIONS)
            .prop_map(|(who, app, version)| Action::Submit { who, app, version }),
        30 => request(),
        30 => (mostly_owner(), app(), option::weighted(0.1, 0..STRATEGIES), option::weighted(0.3, 1_i64..100_000))
            .prop_map(|(who, app, named, life_seconds)| Action::Generate { who, app, named, life_seconds }),
        6 => (mostly_owner(), 0_usize..16, prop_oneof![Just(0), 0..=604_800])
            .prop_map(|(who, credential, overlap_seconds)| Action::Rotate { who, credential, overlap_seconds }),
        2 => (mostly_owner(), 0_usize..16)
            .prop_map(|(who, credential)| Action::RevokeCredential { who, credential }),
        4 => (weighted(0.1), any::<bool>(), any::<bool>()).prop_map(
            |(is_public, auto_approve_developers, auto_approve_access_requests)| Action::Portal {
                is_public,
                auto_approve_developers,
                auto_approve_access_requests,
            }
        ),
        3 => (0..PRODUCTS, weighted(0.8)).prop_map(|(product, published)| Action::Publish { product, published }),
        4 => (0..VERSIONS, lifecycle()).prop_map(|(version, wanted)| Action::Lifecycle { version, wanted }),
        8 => (0..VERSIONS, option::weighted(0.3, 0..STRATEGIES), option::of(weighted(0.8)))
            .prop_map(|(version, strategy, auto_approve)| Action::Enable { version, strategy, auto_approve }),
        2 => (0..VERSIONS).prop_map(|version| Action::Disable { version }),
        1 => (0..STRATEGIES, any::<bool>())
            .prop_map(|(strategy, force)| Action::DeleteStrategy { strategy, force }),
        4 => prop_oneof![9 => 0_i64..1000, 1 => 0_i64..2_000_000].prop_map(|seconds| Action::Wait { seconds }),
    ]
}

fn developer_action() -> impl Strategy<Value = DeveloperAction> {
    prop_oneof![
        5 => Just(DeveloperAction::Approve),
        1 => Just(DeveloperAction::Reject),
        1 => Just(DeveloperAction::Revoke),
        1 => Just(DeveloperAction::Delete),
    ]
}

/// The actor that may, three times in four.
fn request() -> impl Strategy<Value = Action> {
    let actions: Vec<AccessRequestAction> = AccessRequestAction::iter().collect();
    (
        mostly_admin(),
        mostly_owner(),
        weighted(0.25),
        0_usize..24,
        select(actions),
        any::<bool>(),
    )
        .prop_map(|(admin, owner, swapped, request, action, all_of_developer)| {
            let may = if action == AccessRequestAction::Cancel {
                owner
            } else {
                admin
            };
            let may_not = if action == AccessRequestAction::Cancel {
                admin
            } else {
                owner
            };
            let who = if swapped { may_not } else { may };
            Action::Request {
                who,
                request,
                action,
                all_of_developer,
            }
        })
}

fn lifecycle() -> impl Strategy<Value = VersionLifecycle> {
    prop_oneof![
        6 => Just(VersionLifecycle::Active),
        1 => Just(VersionLifecycle::Draft),
        1 => Just(VersionLifecycle::Deprecated),
        1 => Just(VersionLifecycle::Retired),
    ]
}
