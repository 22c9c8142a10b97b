use domain::{
    RefusalCode,
    developer::DeveloperStatus,
    id::{AdminId, DeveloperId},
    version::{VersionLifecycle, Visibility, is_visible, specification, step},
    viewer::Viewer,
};
use strum::IntoEnumIterator as _;

use VersionLifecycle::{Active, Deprecated, Draft, Retired};

#[test]
fn every_step_from_every_state_is_as_drawn() {
    let drawn = [
        (Draft, Active),
        (Active, Deprecated),
        (Deprecated, Active),
        (Active, Retired),
        (Deprecated, Retired),
        (Retired, Active),
        (Retired, Deprecated),
    ];
    for present in VersionLifecycle::iter() {
        for wanted in VersionLifecycle::iter() {
            if drawn.contains(&(present, wanted)) {
                assert_eq!(step(present, wanted), Ok(wanted), "{present} {wanted}");
            } else {
                let refusal = step(present, wanted).unwrap_err();
                assert_eq!(refusal.code, RefusalCode::InvalidTransition, "{present} {wanted}");
                assert_eq!(refusal.field, ["lifecycle"]);
            }
        }
    }
    assert_eq!(
        VersionLifecycle::iter()
            .filter(|state| state.is_live())
            .collect::<Vec<_>>(),
        [Active, Deprecated]
    );
}

#[test]
fn every_viewer_sees_what_the_table_says() {
    let developers = DeveloperStatus::iter().map(|status| Viewer::Developer {
        id: DeveloperId::new(),
        status,
    });
    let viewers = [Viewer::Anonymous, Viewer::Admin { id: AdminId::new() }]
        .into_iter()
        .chain(developers);
    for viewer in viewers {
        for lifecycle in VersionLifecycle::iter() {
            for portal_is_public in [false, true] {
                for product_published in [false, true] {
                    for has_own_request in [false, true] {
                        let facts = Visibility {
                            portal_is_public,
                            product_published,
                            lifecycle,
                            has_own_request,
                        };
                        let approved = matches!(
                            viewer,
                            Viewer::Developer {
                                status: DeveloperStatus::Approved,
                                ..
                            }
                        );
                        let expected = match (viewer, lifecycle) {
                            (Viewer::Admin { .. }, _) => true,
                            (_, Draft) => false,
                            (_, Retired) => approved && has_own_request,
                            (_, Active | Deprecated) => {
                                (approved && has_own_request) || (product_published && (approved || portal_is_public))
                            }
                        };
                        assert_eq!(is_visible(&viewer, &facts), expected, "{viewer:?} {facts:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_specification_is_kept_as_it_is_and_bounded() {
    let text = "openapi: 3.1.0\r\n\tinfo: {}\n  ";
    assert_eq!(specification("specification", text, 100).unwrap(), text);
    assert_eq!(
        specification("specification", " \n", 100).unwrap_err().code,
        RefusalCode::Required
    );
    assert_eq!(
        specification("specification", "a\0b", 100).unwrap_err().code,
        RefusalCode::Invalid
    );
    assert!(specification("specification", &"é".repeat(50), 100).is_ok());
    assert_eq!(
        specification("specification", &"é".repeat(51), 100).unwrap_err().code,
        RefusalCode::TooLong
    );
}
