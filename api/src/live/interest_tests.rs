use domain::{
    access_request::AccessRequestStatus::{self, Approved, Cancelled, Pending, Rejected, Revoked},
    developer::DeveloperStatus,
    id::AdminId,
};

use super::*;

struct Scene {
    route: RequestRoute,
    credential: CredentialRoute,
    owner: Viewer,
    other: Viewer,
    waiting: Viewer,
    admin: Viewer,
}

fn developer(id: DeveloperId, status: DeveloperStatus) -> Viewer {
    Viewer::Developer { id, status }
}

fn scene() -> Scene {
    let (owner, app) = (DeveloperId::new(), AppId::new());
    Scene {
        route: RequestRoute {
            id: AccessRequestId::new(),
            developer: owner,
            app,
            version: VersionId::new(),
            product: ProductId::new(),
            status: Pending,
        },
        credential: CredentialRoute {
            id: CredentialId::new(),
            app,
            developer: owner,
        },
        owner: developer(owner, DeveloperStatus::Approved),
        other: developer(DeveloperId::new(), DeveloperStatus::Approved),
        waiting: developer(owner, DeveloperStatus::Pending),
        admin: Viewer::Admin { id: AdminId::new() },
    }
}

fn all() -> Interest {
    Interest::AccessRequests(AccessRequestFilter::default())
}

#[test]
fn what_is_there_goes_to_its_owner_and_to_admins() {
    let scene = scene();
    let credentials = Interest::Credentials(None);
    for (viewer, takes) in [
        (scene.owner, true),
        (scene.admin, true),
        (scene.other, false),
        (scene.waiting, false),
        (Viewer::Anonymous, false),
    ] {
        assert_eq!(all().takes_request(&viewer, &scene.route), takes, "{viewer:?}");
        assert_eq!(
            credentials.takes_credential(&viewer, &scene.credential),
            takes,
            "{viewer:?}"
        );
        assert!(!credentials.takes_request(&viewer, &scene.route));
        assert!(!all().takes_credential(&viewer, &scene.credential));
    }
}

#[test]
fn what_is_gone_is_named_to_those_whose_it_was_and_to_admins() {
    let scene = scene();
    let known = KnownIds::from([
        (scene.route.id.uuid(), scene.route.app),
        (scene.credential.id.uuid(), scene.credential.app),
    ]);
    let nothing = KnownIds::new();
    let credentials = Interest::Credentials(None);
    for (viewer, known, takes) in [
        (scene.owner, Some(&known), true),
        (scene.owner, Some(&nothing), false),
        (scene.owner, None, false),
        (scene.other, Some(&nothing), false),
        (scene.waiting, Some(&known), false),
        (scene.admin, None, true),
        (Viewer::Anonymous, Some(&known), false),
    ] {
        assert_eq!(
            all().takes_gone_request(&viewer, scene.route.id, known),
            takes,
            "{viewer:?}"
        );
        let gone = credentials.takes_gone_credential(&viewer, scene.credential.id, known);
        assert_eq!(gone, takes, "{viewer:?}");
    }
    // Of one app: an admin too hears of that app's alone.
    for (viewer, app, known, takes) in [
        (scene.owner, scene.credential.app, Some(&known), true),
        (scene.owner, AppId::new(), Some(&known), false),
        (scene.admin, scene.credential.app, Some(&known), true),
        (scene.admin, scene.credential.app, Some(&nothing), false),
        (scene.admin, scene.credential.app, None, false),
    ] {
        let interest = Interest::Credentials(Some(app));
        assert_eq!(
            interest.takes_gone_credential(&viewer, scene.credential.id, known),
            takes,
            "{viewer:?}"
        );
    }
}

#[test]
fn each_condition_of_the_filter_must_hold() {
    let scene = scene();
    let route = &scene.route;
    let fits = AccessRequestFilter {
        status: Some(vec![Pending]),
        product_id: Some(route.product),
        version_id: Some(route.version),
        app_id: Some(route.app),
        developer_id: Some(route.developer),
    };
    let takes = |filter: AccessRequestFilter| Interest::AccessRequests(filter).takes_request(&scene.admin, route);
    assert!(takes(fits.clone()));
    let wrong: [fn(&mut AccessRequestFilter); 5] = [
        |filter| filter.status = Some(vec![Approved]),
        |filter| filter.product_id = Some(ProductId::new()),
        |filter| filter.version_id = Some(VersionId::new()),
        |filter| filter.app_id = Some(AppId::new()),
        |filter| filter.developer_id = Some(DeveloperId::new()),
    ];
    for change in wrong {
        let mut filter = fits.clone();
        change(&mut filter);
        assert!(!takes(filter.clone()), "{filter:?}");
    }
}

#[test]
fn a_status_also_takes_what_may_have_left_it() {
    let scene = scene();
    let takes = |wanted: AccessRequestStatus, status| {
        let filter = AccessRequestFilter {
            status: Some(vec![wanted]),
            ..AccessRequestFilter::default()
        };
        let route = RequestRoute { status, ..scene.route };
        Interest::AccessRequests(filter).takes_request(&scene.admin, &route)
    };
    for status in [Pending, Approved, Rejected, Revoked, Cancelled] {
        assert!(takes(Pending, status), "{status}");
        assert!(takes(status, status), "{status}");
    }
    for (wanted, status) in [
        (Approved, Pending),
        (Approved, Rejected),
        (Rejected, Approved),
        (Cancelled, Approved),
    ] {
        assert!(!takes(wanted, status), "{wanted} {status}");
    }
    assert!(takes(Approved, Revoked) && takes(Approved, Cancelled) && takes(Revoked, Approved));
}

#[test]
fn an_account_is_watched_by_its_own_subscriptions() {
    let (one, other) = (
        AccountId::Developer(DeveloperId::new()),
        AccountId::Admin(AdminId::new()),
    );
    assert!(Interest::Viewer.takes_account(one, one));
    assert!(!Interest::Viewer.takes_account(one, other));
    assert!(!all().takes_account(one, one));
}

#[test]
fn only_what_decides_about_deletions_is_remembered() {
    let (developer, admin, app) = (DeveloperId::new(), AdminId::new(), AppId::new());
    let (of_developer, of_admin) = (AccountId::Developer(developer), AccountId::Admin(admin));
    for (interest, account, expected) in [
        (all(), of_developer, Some(KnownKey::RequestsOf(developer))),
        (all(), of_admin, None),
        (
            Interest::Credentials(None),
            of_developer,
            Some(KnownKey::CredentialsOf(developer)),
        ),
        // A developer's own alone, whatever app they name.
        (
            Interest::Credentials(Some(app)),
            of_developer,
            Some(KnownKey::CredentialsOf(developer)),
        ),
        (
            Interest::Credentials(Some(app)),
            of_admin,
            Some(KnownKey::CredentialsOfApp(app)),
        ),
        (Interest::Credentials(None), of_admin, None),
        (Interest::AccessRequest(AccessRequestId::new()), of_developer, None),
        (Interest::Viewer, of_developer, None),
    ] {
        assert_eq!(interest.known_key(account), expected, "{interest:?} {account}");
    }
}
