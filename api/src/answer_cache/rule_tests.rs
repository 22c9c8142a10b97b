use std::collections::HashSet;

use async_graphql::parser::{parse_query, parse_schema, types};
use domain::{
    developer::DeveloperStatus,
    id::{AdminId, DeveloperId},
    viewer::Viewer,
};

use super::{OF_THE_CATALOG, OF_THE_VIEWER, Scope, Shown, depends_on, scope, shown};
use crate::{
    change::{Subject, Subjects},
    http::operation,
    product::visibility::CatalogView,
};

fn shown_by(document: &str, name: Option<&str>) -> Option<Shown> {
    let document = parse_query(document).unwrap();
    shown(&document, operation::select(&document, name).unwrap())
}

#[test]
fn what_is_kept_goes_by_the_fields() {
    for (document, expected) in [
        (
            "{ products { nodes { name versions { nodes { name registration { enabled } } } } } }",
            Some(Shown::Catalog),
        ),
        (
            "{ portal { name isPublic } product(slug: \"a\") { id } }",
            Some(Shown::Catalog),
        ),
        ("{ a: products { edges { cursor node { id } } } }", Some(Shown::Catalog)),
        (
            "query($s: Boolean!) { products { nodes { id @skip(if: $s) } } }",
            Some(Shown::Catalog),
        ),
        (
            "{ apps { nodes { id accessRequests { nodes { status version { product { name } } } } } } }",
            Some(Shown::Viewer),
        ),
        (
            "{ products { nodes { versions { nodes { viewerCanRegister } } } } }",
            Some(Shown::Viewer),
        ),
        ("{ viewer { id ... on Developer { status } } }", Some(Shown::Viewer)),
        (
            "{ products { nodes { ...F } } } fragment F on Product { versions { nodes { accessRequests { totalCount } } } }",
            Some(Shown::Viewer),
        ),
        // What another operation of the document shows counts, too: too much is on the safe side.
        (
            "{ ...F } fragment F on Query { ... on Query { apps { totalCount } } }",
            Some(Shown::Viewer),
        ),
        (
            "{ apps { nodes { credentials { nodes { name status expiresAt } } } } }",
            Some(Shown::Viewer),
        ),
        // Not kept.
        ("{ apps { nodes { credentials { nodes { lastUsedAt } } } } }", None),
        (
            "{ apps { nodes { ...C } } } fragment C on App { credentials { nodes { u: lastUsedAt } } }",
            None,
        ),
        (
            "{ products { nodes { versions { nodes { eligibleApps { totalCount } } } } } }",
            None,
        ),
        ("{ authStrategies { nodes { inUse } } }", None),
        ("{ auditEvents { nodes { id } } }", None),
        ("{ node(id: \"evt_1\") { id } }", None),
        ("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", None),
        ("{ __schema { queryType { name } } }", None),
        ("{ gatewayNodes { nodes { id } } }", None),
        ("{ aFieldOfTomorrow }", None),
        ("{ products { nodes { aFieldOfTomorrow { name } } } }", None),
        (
            "mutation { createApp(input: {name: \"a\", referenceId: \"a\"}) { app { id } } }",
            None,
        ),
        ("mutation { portal { name } }", None),
        ("subscription { portal { name } }", None),
    ] {
        assert_eq!(shown_by(document, None), expected, "{document}");
    }
}

#[test]
fn an_operation_counts_even_when_another_one_is_executed() {
    let document = "query A { portal { name } } query B { apps { totalCount } } mutation C { portal { name } }";
    assert_eq!(shown_by(document, Some("A")), Some(Shown::Viewer));
    assert_eq!(shown_by(document, Some("C")), None);
}

#[test]
fn the_lists_are_in_order_and_name_fields_of_the_schema() {
    let schema = parse_schema(crate::graphql::sdl()).unwrap();
    let mut fields = HashSet::from(["__typename".to_owned()]);
    for definition in schema.definitions {
        let types::TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        match definition.node.kind {
            types::TypeKind::Object(object) => {
                fields.extend(object.fields.iter().map(|field| field.node.name.node.to_string()))
            }
            types::TypeKind::Interface(interface) => {
                fields.extend(interface.fields.iter().map(|field| field.node.name.node.to_string()));
            }
            types::TypeKind::Scalar
            | types::TypeKind::Union(_)
            | types::TypeKind::Enum(_)
            | types::TypeKind::InputObject(_) => {}
        }
    }
    for list in [&OF_THE_CATALOG[..], &OF_THE_VIEWER[..]] {
        assert!(list.is_sorted(), "{list:?}");
        for name in list {
            assert!(fields.contains(*name), "{name}");
        }
    }
    assert!(OF_THE_CATALOG.iter().all(|name| !OF_THE_VIEWER.contains(name)));
}

fn viewers() -> Vec<Viewer> {
    let mut viewers = vec![
        Viewer::Anonymous,
        Viewer::Admin { id: AdminId::new() },
        Viewer::Admin { id: AdminId::new() },
    ];
    for id in [DeveloperId::new(), DeveloperId::new()] {
        for status in [
            DeveloperStatus::Pending,
            DeveloperStatus::Approved,
            DeveloperStatus::Rejected,
            DeveloperStatus::Revoked,
        ] {
            viewers.push(Viewer::Developer { id, status });
        }
    }
    viewers
}

#[test]
fn viewers_of_one_scope_see_the_same_catalog() {
    let mut shared = 0;
    for one in viewers() {
        for two in viewers().into_iter().chain([one]) {
            if scope(Shown::Catalog, one) != scope(Shown::Catalog, two) {
                continue;
            }
            shared += usize::from(one != two);
            for portal_is_public in [false, true] {
                assert_eq!(
                    CatalogView::seen_by(&one, portal_is_public),
                    CatalogView::seen_by(&two, portal_is_public),
                    "{one:?} {two:?}"
                );
            }
        }
    }
    assert!(shared > 0, "admins share, and so do strangers");
}

#[test]
fn what_is_a_viewers_own_is_kept_for_that_viewer_alone() {
    let viewers = viewers();
    for one in &viewers {
        for two in &viewers {
            let alike = scope(Shown::Viewer, *one) == scope(Shown::Viewer, *two);
            assert_eq!(alike, one == two, "{one:?} {two:?}");
            assert_ne!(scope(Shown::Viewer, *one), scope(Shown::Catalog, *two));
        }
    }
}

#[test]
fn answers_depend_on_what_they_show() {
    let developer = DeveloperId::new();
    for (scope, subject, depends) in [
        (Scope::CatalogOfAdmins, Subject::Product, true),
        (Scope::CatalogOfStrangers, Subject::Version, true),
        (Scope::CatalogOfStrangers, Subject::Portal, true),
        (Scope::CatalogOfStrangers, Subject::AuthStrategy, true),
        (Scope::CatalogOfStrangers, Subject::AccessRequest, false),
        (Scope::CatalogOfStrangers, Subject::App, false),
        (Scope::CatalogOf(developer), Subject::AccessRequest, true),
        (Scope::CatalogOf(developer), Subject::App, false),
        (Scope::CatalogOf(developer), Subject::Session, false),
        (Scope::Viewer(Viewer::Anonymous), Subject::App, true),
        (Scope::Viewer(Viewer::Anonymous), Subject::Admin, true),
        (Scope::Viewer(Viewer::Anonymous), Subject::Session, false),
    ] {
        assert_eq!(depends_on(scope).contain(subject), depends, "{scope:?} {subject:?}");
    }
    assert_eq!(
        depends_on(Scope::Viewer(Viewer::Anonymous)) | Subjects::of(Subject::Session),
        Subjects::all(),
        "a kind that is added counts for everything that is a viewer's"
    );
}
