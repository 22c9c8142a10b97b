use domain::{
    developer::DeveloperStatus,
    id::{AdminId, DeveloperId},
    viewer::{Actor, Viewer},
};
use strum::IntoEnumIterator as _;

#[test]
fn only_the_approved_developer_whose_it_is_owns_it() {
    let owner = DeveloperId::new();
    assert_eq!(Viewer::Anonymous.actor_towards(owner), Actor::Stranger);
    assert_eq!(Viewer::Admin { id: AdminId::new() }.actor_towards(owner), Actor::Admin);
    for status in DeveloperStatus::iter() {
        let other = Viewer::Developer {
            id: DeveloperId::new(),
            status,
        };
        assert_eq!(other.actor_towards(owner), Actor::Stranger, "{status}");
        let expected = if status == DeveloperStatus::Approved {
            Actor::Owner
        } else {
            Actor::Stranger
        };
        assert_eq!(
            Viewer::Developer { id: owner, status }.actor_towards(owner),
            expected,
            "{status}"
        );
    }
}

#[test]
fn the_catalog_is_for_admins_approved_developers_and_anyone_on_a_public_portal() {
    for portal_is_public in [false, true] {
        assert!(Viewer::Admin { id: AdminId::new() }.sees_catalog(portal_is_public));
        assert_eq!(Viewer::Anonymous.sees_catalog(portal_is_public), portal_is_public);
        for status in DeveloperStatus::iter() {
            let viewer = Viewer::Developer {
                id: DeveloperId::new(),
                status,
            };
            let expected = portal_is_public || status == DeveloperStatus::Approved;
            assert_eq!(viewer.sees_catalog(portal_is_public), expected, "{status}");
        }
    }
}
