//! What of the catalog exists for a viewer, as conditions of statements. They say in SQL what
//! [`domain::product::is_visible`] and [`domain::version::is_visible`] say of one object; a test compares the two.

use domain::{id::DeveloperId, viewer::Viewer};
use entity::{access_request, product, version};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    QueryTrait as _,
    sea_query::{Expr, ExprTrait, SelectStatement},
};

use crate::{error::StoreError, portal};

/// How much of the catalog a viewer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatalogView {
    /// All of it: admins.
    Everything,
    /// What is published, and what one's own access requests lead to.
    Published {
        /// The approved developer whose requests count.
        requested_by: Option<DeveloperId>,
    },
    /// Nothing of it.
    Nothing,
}

impl CatalogView {
    /// What the viewer sees at present.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(connection: &impl ConnectionTrait, viewer: &Viewer) -> Result<Self, StoreError> {
        // The portal is read only for those about whom its setting decides.
        let portal_is_public = !viewer.sees_catalog(false) && portal::store::load(connection).await?.settings.is_public;
        Ok(Self::seen_by(viewer, portal_is_public))
    }

    /// What the viewer sees on a portal that is public or not.
    #[must_use]
    pub fn seen_by(viewer: &Viewer, portal_is_public: bool) -> Self {
        match *viewer {
            Viewer::Admin { .. } => Self::Everything,
            Viewer::Developer { .. } | Viewer::Anonymous if !viewer.sees_catalog(portal_is_public) => Self::Nothing,
            Viewer::Developer { id, .. } => Self::Published {
                requested_by: viewer.is_approved_developer().then_some(id),
            },
            Viewer::Anonymous => Self::Published { requested_by: None },
        }
    }

    /// The products that a list shows: for everyone but admins, what is published.
    pub(crate) fn listed_products(&self) -> Condition {
        match self {
            Self::Everything => Condition::all(),
            Self::Published { .. } => Condition::all().add(product::Column::PublishedAt.is_not_null()),
            Self::Nothing => nothing(),
        }
    }

    /// The products that exist for the viewer: those of the list, and those of versions that the viewer has asked for.
    pub(crate) fn products(&self) -> Condition {
        match self {
            Self::Published {
                requested_by: Some(developer),
            } => {
                let requested = version::Entity::find()
                    .select_only()
                    .column(version::Column::ProductId)
                    .filter(version::Column::Id.in_subquery(requested_versions(*developer)))
                    .into_query();
                Condition::any()
                    .add(self.listed_products())
                    .add(product::Column::Id.in_subquery(requested))
            }
            Self::Everything | Self::Published { requested_by: None } | Self::Nothing => self.listed_products(),
        }
    }

    /// The versions that exist for the viewer: live ones of published products, and those that the viewer has asked
    /// for; no draft but for admins.
    pub(crate) fn versions(&self) -> Condition {
        let requested_by = match self {
            Self::Everything => return Condition::all(),
            Self::Nothing => return nothing(),
            Self::Published { requested_by } => requested_by,
        };
        // A value looked up by the product's key. PostgreSQL would make IN and EXISTS into a list of all published
        // products, for every statement.
        let published_at = product::Entity::find()
            .select_only()
            .column(product::Column::PublishedAt)
            .filter(ExprTrait::equals(
                Expr::col(product::Column::Id.as_column_ref()),
                version::Column::ProductId.as_column_ref(),
            ))
            .into_query();
        let is_published = ExprTrait::is_not_null(Expr::SubQuery(None, Box::new(published_at.into())));
        let live = [version::Lifecycle::Active, version::Lifecycle::Deprecated];
        let in_catalog = Condition::all()
            .add(version::Column::Lifecycle.is_in(live))
            .add(is_published);
        let Some(developer) = requested_by else {
            return in_catalog;
        };
        let requested = Condition::all()
            .add(version::Column::Lifecycle.ne(version::Lifecycle::Draft))
            .add(version::Column::Id.in_subquery(requested_versions(*developer)));
        Condition::any().add(in_catalog).add(requested)
    }
}

fn nothing() -> Condition {
    Condition::all().add(Expr::value(false))
}

fn requested_versions(developer: DeveloperId) -> SelectStatement {
    access_request::Entity::find()
        .select_only()
        .column(access_request::Column::VersionId)
        .filter(access_request::Column::DeveloperId.eq(developer.uuid()))
        .into_query()
}
