//! Which answers may be kept, for whom, and what they depend on: a pure function of the document and the viewer.
//!
//! It goes by the names of fields, and by a list of those that are known: a field that is not on it, such as one that
//! somebody adds tomorrow, keeps the whole answer from being kept. So forgetting it here costs speed and nothing else.
//!
//! Not on the list, on purpose:
//! - `lastUsedAt` is written outside the change log.
//! - `auditEvents` and their fields: events are written without a change.
//! - `node(id:)` and `nodes(ids:)`, which may be asked for an audit event.
//! - `eligibleApps` and `inUse` depend on which credentials live, so on the time, in statements that do not tell until
//!   when.
//! - The introspection is not ours to count, and nobody asks for it often.

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet};
use domain::{id::DeveloperId, viewer::Viewer};

use crate::change::{Subject, Subjects};

/// Fields that show the catalog and nothing of their viewer: the portal, products, versions, strategies, and pages of
/// them. In alphabetical order.
const OF_THE_CATALOG: [&str; 54] = [
    "__typename",
    "authStrategies",
    "authStrategy",
    "autoApprove",
    "autoApproveAccessRequests",
    "autoApproveDevelopers",
    "body",
    "config",
    "createdAt",
    "credentialTtlDays",
    "cursor",
    "description",
    "document",
    "documents",
    "edges",
    "enabled",
    "endCursor",
    "gatewayService",
    "gatewayUrl",
    "hasNextPage",
    "hasPreviousPage",
    "hosts",
    "id",
    "isPublic",
    "isPublished",
    "key",
    "keyNames",
    "labels",
    "lifecycle",
    "methods",
    "name",
    "node",
    "nodes",
    "pageInfo",
    "paths",
    "plugins",
    "portal",
    "product",
    "products",
    "publishedAt",
    "readOnly",
    "registration",
    "routes",
    "slug",
    "specification",
    "startCursor",
    "stripPath",
    "title",
    "totalCount",
    "updatedAt",
    "upstreamUrl",
    "value",
    "version",
    "versions",
];

/// Fields that show what belongs to somebody, or what the viewer may do. In alphabetical order.
const OF_THE_VIEWER: [&str; 27] = [
    "accessRequests",
    "allowedActions",
    "app",
    "apps",
    "at",
    "automatic",
    "by",
    "clientId",
    "credentials",
    "decision",
    "developer",
    "developers",
    "email",
    "expiresAt",
    "fullName",
    "hint",
    "justification",
    "kind",
    "reason",
    "referenceId",
    "replacedBy",
    "revokedAt",
    "status",
    "suspension",
    "viewer",
    "viewerCanRegister",
    "viewerCannotRegisterReasons",
];

/// What an answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shown {
    /// The catalog alone.
    Catalog,
    /// What is the viewer's, too.
    Viewer,
}

/// Whose an answer is. Viewers of one scope are answered alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The catalog as admins see it: all of it.
    CatalogOfAdmins,
    /// The catalog as an approved developer sees it: what is published, and what their own requests lead to.
    CatalogOf(DeveloperId),
    /// The catalog as everyone else sees it: what is published if the portal is public, else nothing.
    CatalogOfStrangers,
    /// Everything else: one viewer in one state.
    Viewer(Viewer),
}

/// What the answer to an operation shows; `None`: it is not to be kept.
///
/// Fields of fragments and of operations that are not executed count, too: the rule errs on the side of showing more.
#[must_use]
pub fn shown(document: &ExecutableDocument, operation: &OperationDefinition) -> Option<Shown> {
    if operation.ty != OperationType::Query {
        return None;
    }
    let operations = document
        .operations
        .iter()
        .map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document
        .fragments
        .values()
        .map(|fragment| &fragment.node.selection_set.node);
    let mut shown = Shown::Catalog;
    for set in operations.chain(fragments) {
        if shown_by(set)? == Shown::Viewer {
            shown = Shown::Viewer;
        }
    }
    Some(shown)
}

fn shown_by(set: &SelectionSet) -> Option<Shown> {
    let mut shown = Shown::Catalog;
    for selection in &set.items {
        let part = match &selection.node {
            Selection::Field(field) => {
                let name = field.node.name.node.as_str();
                let is_by_id = matches!(name, "node" | "nodes") && !field.node.arguments.is_empty();
                let own = if is_by_id {
                    return None;
                } else if OF_THE_CATALOG.binary_search(&name).is_ok() {
                    Shown::Catalog
                } else if OF_THE_VIEWER.binary_search(&name).is_ok() {
                    Shown::Viewer
                } else {
                    return None;
                };
                match (own, shown_by(&field.node.selection_set.node)?) {
                    (Shown::Catalog, Shown::Catalog) => Shown::Catalog,
                    (Shown::Viewer, _) | (_, Shown::Viewer) => Shown::Viewer,
                }
            }
            Selection::InlineFragment(inline) => shown_by(&inline.node.selection_set.node)?,
            // Each fragment is looked at once, by itself.
            Selection::FragmentSpread(_) => Shown::Catalog,
        };
        if part == Shown::Viewer {
            shown = Shown::Viewer;
        }
    }
    Some(shown)
}

/// Whose the viewer's answer is. It says of the catalog what [`crate::product::visibility::CatalogView`] depends on.
#[must_use]
pub fn scope(shown: Shown, viewer: Viewer) -> Scope {
    match (shown, viewer) {
        (Shown::Viewer, _) => Scope::Viewer(viewer),
        (Shown::Catalog, Viewer::Admin { .. }) => Scope::CatalogOfAdmins,
        (Shown::Catalog, Viewer::Developer { id, .. }) if viewer.is_approved_developer() => Scope::CatalogOf(id),
        (Shown::Catalog, Viewer::Developer { .. } | Viewer::Anonymous) => Scope::CatalogOfStrangers,
    }
}

/// What the answers of a scope depend on. Sessions are shown nowhere, and sign-ins are the most frequent change of
/// all; the rest of what is shown of a viewer is bound to so much that it is not told apart.
#[must_use]
pub fn depends_on(scope: Scope) -> Subjects {
    let catalog = Subjects::of(Subject::Portal)
        | Subjects::of(Subject::Product)
        | Subjects::of(Subject::Version)
        | Subjects::of(Subject::AuthStrategy);
    match scope {
        Scope::CatalogOfAdmins | Scope::CatalogOfStrangers => catalog,
        Scope::CatalogOf(_) => catalog | Subjects::of(Subject::AccessRequest),
        Scope::Viewer(_) => Subjects::all().without(Subject::Session),
    }
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
