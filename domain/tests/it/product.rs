use domain::{
    RefusalCode, Timestamp,
    developer::DeveloperStatus,
    id::{AdminId, DeveloperId},
    portal::PortalSettings,
    product::{PublishStep, check_deletion, is_visible, publish, unpublish},
    viewer::Viewer,
};
use strum::IntoEnumIterator as _;

#[test]
fn publishing_and_unpublishing_are_repeatable() {
    let (first, now) = (Timestamp::from_millis(1), Timestamp::from_millis(2));
    assert_eq!(publish(None, now), PublishStep::Changed(Some(now)));
    assert_eq!(publish(Some(first), now), PublishStep::Unchanged);
    assert_eq!(unpublish(Some(first)), PublishStep::Changed(None));
    assert_eq!(unpublish(None), PublishStep::Unchanged);
}

#[test]
fn every_viewer_sees_what_they_may() {
    let developers = DeveloperStatus::iter().map(|status| Viewer::Developer {
        id: DeveloperId::new(),
        status,
    });
    let viewers = [Viewer::Anonymous, Viewer::Admin { id: AdminId::new() }]
        .into_iter()
        .chain(developers);
    for viewer in viewers {
        for public in [false, true] {
            for published in [false, true] {
                for own_request in [false, true] {
                    let expected = match viewer {
                        Viewer::Admin { .. } => true,
                        Viewer::Developer {
                            status: DeveloperStatus::Approved,
                            ..
                        } => published || own_request,
                        Viewer::Developer { .. } | Viewer::Anonymous => published && public,
                    };
                    assert_eq!(
                        is_visible(&viewer, public, published, own_request),
                        expected,
                        "{viewer:?} {public} {published} {own_request}"
                    );
                }
            }
        }
    }
}

#[test]
fn approved_requests_stand_in_the_way_of_deleting_unless_forced() {
    assert!(check_deletion(0, false).is_ok());
    assert!(check_deletion(2, true).is_ok());
    assert_eq!(check_deletion(1, false).unwrap_err().code, RefusalCode::InUse);
}

#[test]
fn the_portal_approves_everywhere_or_leaves_it_to_the_version() {
    for portal in [false, true] {
        for version in [false, true] {
            let settings = PortalSettings {
                auto_approve_access_requests: portal,
                ..PortalSettings::default()
            };
            assert_eq!(settings.approves_requests(version), portal || version);
        }
    }
}
