use domain::{
    RefusalCode,
    developer::{
        DeveloperAction, DeveloperStatus, allowed_actions, check_approved, check_deletion, holds_sign_up,
        may_hold_session, sign_up_status, step,
    },
    portal::PortalSettings,
    viewer::Actor,
};
use strum::IntoEnumIterator as _;

use DeveloperAction::{Approve, Delete, Reject, Revoke};
use DeveloperStatus::{Approved, Pending, Rejected, Revoked};

#[test]
fn every_step_from_every_state_is_as_drawn() {
    let drawn = [
        (Pending, Approve, Approved),
        (Pending, Reject, Rejected),
        (Approved, Revoke, Revoked),
        (Rejected, Approve, Approved),
        (Revoked, Approve, Approved),
    ];
    for status in DeveloperStatus::iter() {
        for action in DeveloperAction::iter() {
            let expected = drawn
                .iter()
                .find(|row| row.0 == status && row.1 == action)
                .map(|row| row.2);
            match (action, expected) {
                (Delete, _) => assert_eq!(step(status, action), Ok(None)),
                (_, Some(expected)) => assert_eq!(step(status, action), Ok(Some(expected)), "{status} {action}"),
                (_, None) => {
                    let refusal = step(status, action).unwrap_err();
                    assert_eq!(refusal.code, RefusalCode::InvalidTransition, "{status} {action}");
                }
            }
        }
    }
}

#[test]
fn every_actor_in_every_state_may_do_what_the_table_says() {
    let table: [(DeveloperStatus, &[DeveloperAction]); 4] = [
        (Pending, &[Approve, Reject, Delete]),
        (Approved, &[Revoke, Delete]),
        (Rejected, &[Approve, Delete]),
        (Revoked, &[Approve, Delete]),
    ];
    for (status, of_admin) in table {
        assert_eq!(allowed_actions(status, Actor::Admin), of_admin, "{status}");
        assert_eq!(allowed_actions(status, Actor::Owner), [], "{status}");
        assert_eq!(allowed_actions(status, Actor::Stranger), [], "{status}");
    }
}

#[test]
fn a_sign_up_is_approved_only_by_an_automatic_portal_without_a_hold() {
    for is_public in [false, true] {
        for auto_approve_developers in [false, true] {
            for auto_approve_access_requests in [false, true] {
                for held in [false, true] {
                    let portal = PortalSettings {
                        is_public,
                        auto_approve_developers,
                        auto_approve_access_requests,
                    };
                    let outcome = sign_up_status(&portal, held).map_err(|refusal| refusal.code);
                    let expected = match (is_public, auto_approve_developers, held) {
                        (true, _, _) => Err(RefusalCode::PortalIsPublic),
                        (false, true, false) => Ok(Approved),
                        (false, true, true) | (false, false, _) => Ok(Pending),
                    };
                    assert_eq!(outcome, expected, "{portal:?} {held}");
                }
            }
        }
    }
}

#[test]
fn what_an_admin_did_against_a_developer_is_remembered() {
    let held: Vec<_> = DeveloperAction::iter()
        .filter(|&action| holds_sign_up(action))
        .collect();
    assert_eq!(held, [Reject, Revoke, Delete]);
}

#[test]
fn only_the_revoked_may_not_sign_in_and_only_the_approved_may_act() {
    let may_sign_in: Vec<_> = DeveloperStatus::iter()
        .filter(|&status| may_hold_session(status))
        .collect();
    assert_eq!(may_sign_in, [Pending, Approved, Rejected]);
    for status in DeveloperStatus::iter() {
        match check_approved(status) {
            Ok(()) => assert_eq!(status, Approved),
            Err(refusal) => {
                assert_ne!(status, Approved);
                assert_eq!(refusal.code, RefusalCode::DeveloperNotApproved);
            }
        }
    }
}

#[test]
fn a_developer_with_approved_requests_is_deleted_only_by_force() {
    assert!(check_deletion(0, false).is_ok());
    assert!(check_deletion(3, true).is_ok());
    assert_eq!(check_deletion(1, false).unwrap_err().code, RefusalCode::InUse);
}
