use domain::{
    RefusalCode,
    access_request::{
        AccessRequestAction, AccessRequestStatus, allowed_actions, holds_requests, may_take, step, sweep,
    },
    viewer::Actor,
};
use strum::IntoEnumIterator as _;

use AccessRequestAction::{Approve, Cancel, Reject, Revoke};
use AccessRequestStatus::{Approved, Cancelled, Pending, Rejected, Revoked};

/// The whole drawing: what each step leads to, `None` where it is refused.
const STEPS: [(AccessRequestStatus, AccessRequestAction, Option<AccessRequestStatus>); 20] = [
    (Pending, Approve, Some(Approved)),
    (Pending, Reject, Some(Rejected)),
    (Pending, Revoke, None),
    (Pending, Cancel, Some(Cancelled)),
    (Approved, Approve, None),
    (Approved, Reject, None),
    (Approved, Revoke, Some(Revoked)),
    (Approved, Cancel, Some(Cancelled)),
    (Rejected, Approve, None),
    (Rejected, Reject, None),
    (Rejected, Revoke, None),
    (Rejected, Cancel, None),
    (Revoked, Approve, Some(Approved)),
    (Revoked, Reject, None),
    (Revoked, Revoke, None),
    (Revoked, Cancel, None),
    (Cancelled, Approve, None),
    (Cancelled, Reject, None),
    (Cancelled, Revoke, None),
    (Cancelled, Cancel, None),
];

#[test]
fn every_step_from_every_state_is_as_drawn() {
    let mut seen = 0;
    for status in AccessRequestStatus::iter() {
        for action in AccessRequestAction::iter() {
            let rows: Vec<_> = STEPS.iter().filter(|row| row.0 == status && row.1 == action).collect();
            let [(_, _, expected)] = rows[..] else {
                panic!("{status} {action} stands {} times in the table", rows.len())
            };
            match (step(status, action), expected) {
                (Ok(reached), Some(expected)) => assert_eq!(reached, *expected, "{status} {action}"),
                (Err(refusal), None) => {
                    assert_eq!(refusal.code, RefusalCode::InvalidTransition, "{status} {action}");
                    assert_eq!(refusal.field, ["id"]);
                    assert!(refusal.message.contains(&status.to_string()), "{}", refusal.message);
                }
                (outcome, expected) => panic!("{status} {action}: {outcome:?}, expected {expected:?}"),
            }
            seen += 1;
        }
    }
    assert_eq!(seen, STEPS.len());
}

#[test]
fn every_actor_in_every_state_may_do_what_the_table_says() {
    let table: [(AccessRequestStatus, &[AccessRequestAction], &[AccessRequestAction]); 5] = [
        // status, admin's, owner's
        (Pending, &[Approve, Reject], &[Cancel]),
        (Approved, &[Revoke], &[Cancel]),
        (Rejected, &[], &[]),
        (Revoked, &[Approve], &[]),
        (Cancelled, &[], &[]),
    ];
    assert_eq!(table.len(), AccessRequestStatus::iter().count());
    for (status, of_admin, of_owner) in table {
        assert_eq!(allowed_actions(status, Actor::Admin), of_admin, "{status}");
        assert_eq!(allowed_actions(status, Actor::Owner), of_owner, "{status}");
        assert_eq!(allowed_actions(status, Actor::Stranger), [], "{status}");
    }
}

#[test]
fn each_step_is_one_actors() {
    for action in AccessRequestAction::iter() {
        let takers: Vec<Actor> = Actor::iter().filter(|&actor| may_take(actor, action)).collect();
        let expected = match action {
            Approve | Reject | Revoke => Actor::Admin,
            Cancel => Actor::Owner,
        };
        assert_eq!(takers, [expected], "{action}");
    }
}

#[test]
fn open_are_pending_approved_and_revoked() {
    let open: Vec<_> = AccessRequestStatus::iter().filter(|status| status.is_open()).collect();
    assert_eq!(open, [Pending, Approved, Revoked]);
}

#[test]
fn a_sweep_leaves_nothing_that_could_pass_or_be_approved_by_itself() {
    for status in AccessRequestStatus::iter() {
        let after = sweep(status).map_or(Ok(status), |action| step(status, action)).unwrap();
        assert!(!matches!(after, Pending | Approved), "{status} became {after}");
        if let Some(action) = sweep(status) {
            assert!(may_take(Actor::Admin, action));
            assert!(holds_requests(action));
        }
    }
}

#[test]
fn only_a_persons_no_is_remembered() {
    let held: Vec<_> = AccessRequestAction::iter()
        .filter(|&action| holds_requests(action))
        .collect();
    assert_eq!(held, [Reject, Revoke]);
}
