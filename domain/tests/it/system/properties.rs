use domain::{
    access_request::AccessRequestAction, access_request::AccessRequestStatus, developer::DeveloperAction,
    version::VersionLifecycle,
};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};

use super::{
    action::{Action, Who, action},
    ledger::{Ledger, Seen},
    world::{Call, World},
};

/// Performs the actions one after the other, watching each.
fn run(actions: &[Action]) -> (World, Seen) {
    let mut world = World::new();
    let mut ledger = Ledger::default();
    for action in actions {
        let before = world.clone();
        if world.perform(action).is_err() {
            assert_eq!(world, before, "a refused {action:?} changed something");
        }
        ledger.watch(&before, action, &world);
    }
    let undone_and_redone = undo_and_redo_everything(&world);
    (
        world,
        Seen {
            undone_and_redone,
            ..ledger.seen
        },
    )
}

/// For each call that passes: undoing any one of its conditions stops it at once; redoing it lets exactly the same
/// calls through again, with the same keys.
fn undo_and_redo_everything(world: &World) -> u64 {
    let passing = world.passing();
    for &call in &passing {
        for (undo, redo) in undos(world, call) {
            let mut world = world.clone();
            assert_eq!(world.perform(&undo), Ok(()), "{undo:?}");
            assert!(world.decide(call).is_err(), "{undo:?} does not stop {call:?}");
            if let Some(redo) = redo {
                assert_eq!(world.perform(&redo), Ok(()), "{redo:?}");
                assert_eq!(world.passing(), passing, "{undo:?}, {redo:?}");
            }
        }
        let mut world = world.clone();
        let version = &mut world.versions[call.1];
        let strategy = version.registration.auth_strategy.take();
        assert!(world.decide(call).is_err(), "passes without a strategy");
        world.versions[call.1].registration.auth_strategy = strategy;
        assert!(world.decide(call).is_ok());
    }
    passing.len() as u64
}

fn undos(world: &World, (credential, version): Call) -> Vec<(Action, Option<Action>)> {
    let who = Who::Admin;
    let app = world.credentials[credential].app;
    let email = world.apps[app].email;
    let is_approval = |request: &super::world::Request| {
        request.app == app && request.version == version && request.status == AccessRequestStatus::Approved
    };
    let request = world.requests.iter().position(is_approval).unwrap();
    let rule = |action| Action::Request {
        who,
        request,
        action,
        all_of_developer: false,
    };
    let developer = |action| Action::Developer {
        who,
        email,
        action,
        force: false,
    };
    let present = world.versions[version].lifecycle;
    vec![
        (
            rule(AccessRequestAction::Revoke),
            Some(rule(AccessRequestAction::Approve)),
        ),
        (Action::Suspend { who, app }, Some(Action::Resume { who, app })),
        (
            developer(DeveloperAction::Revoke),
            Some(developer(DeveloperAction::Approve)),
        ),
        (
            Action::Lifecycle {
                version,
                wanted: VersionLifecycle::Retired,
            },
            Some(Action::Lifecycle {
                version,
                wanted: present,
            }),
        ),
        (Action::RevokeCredential { who, credential }, None),
        (Action::DeleteApp { who, app }, None),
        (
            Action::Developer {
                who,
                email,
                action: DeveloperAction::Delete,
                force: true,
            },
            None,
        ),
        (
            Action::Request {
                who: Who::Owner,
                request,
                action: AccessRequestAction::Cancel,
                all_of_developer: false,
            },
            None,
        ),
    ]
}

proptest! {
    #![proptest_config(Config { cases: 200, max_shrink_iters: 20_000, ..Config::default() })]

    #[test]
    fn no_sequence_of_actions_breaks_a_promise(actions in vec(action(), 1..120)) {
        run(&actions);
    }
}

/// A property says nothing about a case that it never meets.
#[test]
fn the_sequences_meet_every_case() {
    let mut runner = TestRunner::deterministic();
    let mut total = Seen::default();
    for _ in 0..100 {
        let actions = vec(action(), 120).new_tree(&mut runner).unwrap().current();
        let (_, seen) = run(&actions);
        total.calls_passed += seen.calls_passed;
        total.approved_automatically += seen.approved_automatically;
        total.waits_for_person += seen.waits_for_person;
        total.asked_again_after_sweep += seen.asked_again_after_sweep;
        total.account_made_again += seen.account_made_again;
        total.stopped += seen.stopped;
        total.undone_and_redone += seen.undone_and_redone;
    }
    assert!(total.calls_passed > 5000, "{total:?}");
    assert!(total.approved_automatically > 200, "{total:?}");
    assert!(total.waits_for_person > 25, "{total:?}");
    assert!(total.asked_again_after_sweep > 8, "{total:?}");
    assert!(total.account_made_again > 4, "{total:?}");
    assert!(total.stopped > 200, "{total:?}");
    assert!(total.undone_and_redone > 100, "{total:?}");
}
