//! Rows of versions.

use std::collections::HashMap;

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    id::{AccessRequestId, AuthStrategyId, ProductId, VersionId},
    version::VersionLifecycle,
    viewer::Viewer,
};
use entity::{access_request, version, version_specification};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::{NotSet, Set},
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
    TryInsertResult,
    sea_query::OnConflict,
};
use uuid::Uuid;

use crate::{
    error::{ServiceError, StoreError},
    pagination::{self, Direction, Page, Slice, SortKey, SortValue},
    product::visibility::CatalogView,
};

/// A version as services see it. Its specification is read apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRecord {
    /// The id.
    pub id: VersionId,
    /// Its product.
    pub product_id: ProductId,
    /// Its name, unique in the product.
    pub name: String,
    /// Where it stands in its life.
    pub lifecycle: VersionLifecycle,
    /// Where the gateway sends its traffic; `None`: it has no gateway service.
    pub upstream_url: Option<String>,
    /// Whether new requests are taken.
    pub registration_enabled: bool,
    /// Whether requests are approved at once.
    pub auto_approve: bool,
    /// What callers prove themselves by; `None`: nothing opens it.
    pub auth_strategy_id: Option<AuthStrategyId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl From<version::Model> for VersionRecord {
    fn from(row: version::Model) -> Self {
        let version::Model {
            id,
            product_id,
            name,
            lifecycle,
            upstream_url,
            registration_enabled,
            auto_approve,
            auth_strategy_id,
            created_at,
            updated_at,
        } = row;
        Self {
            id: VersionId::from_uuid(id),
            product_id: ProductId::from_uuid(product_id),
            name,
            lifecycle: lifecycle.into(),
            upstream_url,
            registration_enabled,
            auto_approve,
            auth_strategy_id: auth_strategy_id.map(AuthStrategyId::from_uuid),
            created_at: Timestamp::from_millis(created_at),
            updated_at: Timestamp::from_millis(updated_at),
        }
    }
}

impl From<&VersionRecord> for version::ActiveModel {
    fn from(record: &VersionRecord) -> Self {
        let VersionRecord {
            id,
            product_id,
            name,
            lifecycle,
            upstream_url,
            registration_enabled,
            auto_approve,
            auth_strategy_id,
            created_at,
            updated_at,
        } = record;
        Self {
            id: Set(id.uuid()),
            product_id: Set(product_id.uuid()),
            name: Set(name.clone()),
            lifecycle: Set((*lifecycle).into()),
            upstream_url: Set(upstream_url.clone()),
            registration_enabled: Set(*registration_enabled),
            auto_approve: Set(*auto_approve),
            auth_strategy_id: Set(auth_strategy_id.map(|id| id.uuid())),
            created_at: Set(created_at.as_millis()),
            updated_at: Set(updated_at.as_millis()),
        }
    }
}

/// Which versions are wanted. What is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct VersionFilter {
    /// In one of these states.
    pub lifecycle: Option<Vec<VersionLifecycle>>,
    /// Whether they take new requests.
    pub registration_enabled: Option<bool>,
    /// What their callers prove themselves by.
    pub auth_strategy_id: Option<AuthStrategyId>,
}

/// What a list of versions belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionParent {
    /// The product whose versions they are.
    Product(ProductId),
    /// The strategy that they use.
    AuthStrategy(AuthStrategyId),
}

/// The parents of one kind, in the form that pages and counts by parent take.
struct Parents {
    column: version::Column,
    of: fn(&version::Model) -> Uuid,
    ids: Vec<Uuid>,
    parent: fn(Uuid) -> VersionParent,
}

impl Parents {
    fn of(parents: &[VersionParent]) -> [Self; 2] {
        let (mut products, mut strategies) = (Vec::new(), Vec::new());
        for parent in parents {
            match parent {
                VersionParent::Product(id) => products.push(id.uuid()),
                VersionParent::AuthStrategy(id) => strategies.push(id.uuid()),
            }
        }
        let products = Self {
            column: version::Column::ProductId,
            of: |row| row.product_id,
            ids: products,
            parent: |id| VersionParent::Product(ProductId::from_uuid(id)),
        };
        let strategies = Self {
            column: version::Column::AuthStrategyId,
            // Rows are found by this very column: one without a strategy is not among them.
            of: |row| row.auth_strategy_id.unwrap_or_default(),
            ids: strategies,
            parent: |id| VersionParent::AuthStrategy(AuthStrategyId::from_uuid(id)),
        };
        [products, strategies]
    }
}

fn select(view: &CatalogView, filter: &VersionFilter) -> Select<version::Entity> {
    let VersionFilter {
        lifecycle,
        registration_enabled,
        auth_strategy_id,
    } = filter;
    let mut select = version::Entity::find().filter(view.versions());
    if let Some(wanted) = lifecycle {
        let wanted = wanted.iter().map(|lifecycle| version::Lifecycle::from(*lifecycle));
        select = select.filter(version::Column::Lifecycle.is_in(wanted));
    }
    if let Some(enabled) = registration_enabled {
        select = select.filter(version::Column::RegistrationEnabled.eq(*enabled));
    }
    if let Some(strategy) = auth_strategy_id {
        select = select.filter(version::Column::AuthStrategyId.eq(strategy.uuid()));
    }
    select
}

/// The same page of each parent's versions that exist for `viewer`, the latest first.
///
/// # Errors
/// `BAD_USER_INPUT` for a cursor of another list.
pub async fn pages_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    parents: &[VersionParent],
    filter: &VersionFilter,
    page: &Page,
) -> Result<HashMap<VersionParent, Slice<VersionRecord>>, ServiceError> {
    let view = CatalogView::of(connection, viewer).await?;
    let latest_first = SortKey {
        column: version::Column::CreatedAt,
        id_column: version::Column::Id,
        value: |row: &version::Model| SortValue::Integer(row.created_at),
        id: |row: &version::Model| row.id,
        direction: Direction::Descending,
        nullable: false,
    };
    let mut pages = HashMap::new();
    for Parents {
        column,
        of,
        ids,
        parent,
    } in Parents::of(parents)
    {
        if !ids.is_empty() {
            let versions = select(&view, filter);
            let slices =
                pagination::pages_by_parent(connection, versions, (column, of), ids, &latest_first, page).await?;
            let slices = slices.into_iter();
            pages.extend(slices.map(|(id, slice)| (parent(id), slice.map(VersionRecord::from))));
        }
    }
    Ok(pages)
}

/// How many versions of each parent exist for `viewer`.
///
/// # Errors
/// When the database fails.
pub async fn counts_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    parents: &[VersionParent],
    filter: &VersionFilter,
) -> Result<HashMap<VersionParent, u64>, ServiceError> {
    let view = CatalogView::of(connection, viewer).await?;
    let mut all = HashMap::new();
    for Parents {
        column,
        ids,
        parent,
        of: _,
    } in Parents::of(parents)
    {
        if !ids.is_empty() {
            let counts = pagination::counts_by_parent(connection, select(&view, filter), column, ids).await?;
            all.extend(counts.into_iter().map(|(id, count)| (parent(id), count)));
        }
    }
    Ok(all)
}

/// The versions with these ids that exist for `viewer`.
pub async fn find_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: impl IntoIterator<Item = VersionId>,
) -> Result<Vec<VersionRecord>, StoreError> {
    let view = CatalogView::of(connection, viewer).await?;
    let rows = select(&view, &VersionFilter::default())
        .filter(version::Column::Id.is_in(ids.into_iter().map(|id| id.uuid())))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(VersionRecord::from).collect())
}

/// The versions of these products with one of these names that exist for `viewer`.
pub async fn find_named_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    products: &[ProductId],
    names: &[String],
) -> Result<Vec<VersionRecord>, StoreError> {
    let view = CatalogView::of(connection, viewer).await?;
    let rows = select(&view, &VersionFilter::default())
        .filter(version::Column::ProductId.is_in(products.iter().map(|id| id.uuid())))
        .filter(version::Column::Name.is_in(names))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(VersionRecord::from).collect())
}

/// The specifications of these versions, which the viewer has been found to see; one without is left out.
pub async fn specifications(
    connection: &impl ConnectionTrait,
    versions: impl IntoIterator<Item = VersionId>,
) -> Result<HashMap<VersionId, String>, StoreError> {
    let rows = version_specification::Entity::find()
        .filter(version_specification::Column::VersionId.is_in(versions.into_iter().map(|id| id.uuid())))
        .all(connection)
        .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| (VersionId::from_uuid(row.version_id), row.document))
        .collect())
}

/// The version, locked: the last in the order portal, developer, app, version. A service calls it before a rule
/// decides, and answers itself for who may see the version.
pub async fn lock(connection: &impl ConnectionTrait, id: VersionId) -> Result<Option<VersionRecord>, StoreError> {
    let row = version::Entity::find_by_id(id.uuid())
        .lock_exclusive()
        .one(connection)
        .await?;
    Ok(row.map(VersionRecord::from))
}

/// The product's versions, locked in the order of their ids.
pub async fn lock_all_of(
    connection: &impl ConnectionTrait,
    product: ProductId,
) -> Result<Vec<VersionRecord>, StoreError> {
    let rows = version::Entity::find()
        .filter(version::Column::ProductId.eq(product.uuid()))
        .order_by_asc(version::Column::Id)
        .lock_exclusive()
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(VersionRecord::from).collect())
}

/// Adds a version, unless its product has one of that name: then `false`.
pub(super) async fn insert(connection: &impl ConnectionTrait, version: &VersionRecord) -> Result<bool, StoreError> {
    let name = [version::Column::ProductId, version::Column::Name];
    let inserted = version::Entity::insert(version::ActiveModel::from(version))
        .on_conflict(OnConflict::columns(name).do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(connection)
        .await?;
    Ok(matches!(inserted, TryInsertResult::Inserted(1..)))
}

/// Writes the name, lifecycle and time of change of a version that is there and locked.
///
/// # Errors
/// [`StoreError::Duplicate`] when its product has another version of that name.
pub(super) async fn update(connection: &impl ConnectionTrait, version: &VersionRecord) -> Result<(), StoreError> {
    let row = version::ActiveModel {
        product_id: NotSet,
        upstream_url: NotSet,
        registration_enabled: NotSet,
        auto_approve: NotSet,
        auth_strategy_id: NotSet,
        created_at: NotSet,
        ..version.into()
    };
    row.update(connection).await?;
    Ok(())
}

/// Puts `document` in the place of the version's specification; `None`: it has none any more.
pub(super) async fn replace_specification(
    connection: &impl ConnectionTrait,
    version: VersionId,
    document: Option<String>,
) -> Result<(), StoreError> {
    version_specification::Entity::delete_by_id(version.uuid())
        .exec(connection)
        .await?;
    if let Some(document) = document {
        let row = version_specification::ActiveModel {
            version_id: Set(version.uuid()),
            document: Set(document),
        };
        version_specification::Entity::insert(row)
            .exec_without_returning(connection)
            .await?;
    }
    Ok(())
}

/// The requests for these versions, whatever their state.
pub(super) async fn requests(
    connection: &impl ConnectionTrait,
    versions: impl IntoIterator<Item = VersionId>,
) -> Result<Vec<(AccessRequestId, AccessRequestStatus)>, StoreError> {
    let rows: Vec<(Uuid, access_request::Status)> = access_request::Entity::find()
        .select_only()
        .column(access_request::Column::Id)
        .column(access_request::Column::Status)
        .filter(access_request::Column::VersionId.is_in(versions.into_iter().map(|id| id.uuid())))
        .into_tuple()
        .all(connection)
        .await?;
    let requests = rows.into_iter();
    Ok(requests
        .map(|(id, status)| (AccessRequestId::from_uuid(id), status.into()))
        .collect())
}

/// Deletes the versions; their specifications, routes, requests and holds go along by their foreign keys.
pub(super) async fn delete(
    connection: &impl ConnectionTrait,
    versions: impl IntoIterator<Item = VersionId>,
) -> Result<(), StoreError> {
    version::Entity::delete_many()
        .filter(version::Column::Id.is_in(versions.into_iter().map(|id| id.uuid())))
        .exec(connection)
        .await?;
    Ok(())
}
