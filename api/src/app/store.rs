//! Rows of apps, and of the reference ids that were ever theirs.

use domain::{
    Timestamp,
    app::AppStatus,
    decision::Decision,
    email::NormalisedEmail,
    id::{AdminId, AppId, DeveloperId},
    text,
    viewer::Viewer,
};
use entity::{app, reference_id_claim};
use sea_orm::{
    ActiveEnum as _, ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DbBackend,
    EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryResult, QuerySelect as _, Select, Statement,
    sea_query::Expr,
};

use crate::{
    database::WriteTransaction,
    error::StoreError,
    pagination::{Direction, SortKey, SortValue},
};

/// An app as services see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRecord {
    /// Its id.
    pub id: AppId,
    /// Whose it is.
    pub developer_id: DeveloperId,
    /// Its name.
    pub name: String,
    /// The developer's own id for it, unique in the portal.
    pub reference_id: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether its credentials may open anything.
    pub status: AppStatus,
    /// Why it is suspended; `None` unless it is.
    pub suspension: Option<Decision>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl From<app::Model> for AppRecord {
    fn from(row: app::Model) -> Self {
        let app::Model {
            id,
            developer_id,
            name,
            name_folded: _,
            reference_id,
            reference_id_folded: _,
            description,
            status,
            suspended_by,
            suspended_at,
            suspension_reason,
            created_at,
            updated_at,
        } = row;
        Self {
            id: AppId::from_uuid(id),
            developer_id: DeveloperId::from_uuid(developer_id),
            name,
            reference_id,
            description,
            status: status.into(),
            suspension: suspended_at.map(|at| Decision {
                by: suspended_by.map(AdminId::from_uuid),
                automatic: false,
                at: Timestamp::from_millis(at),
                reason: suspension_reason,
            }),
            created_at: Timestamp::from_millis(created_at),
            updated_at: Timestamp::from_millis(updated_at),
        }
    }
}

impl From<&AppRecord> for app::ActiveModel {
    fn from(record: &AppRecord) -> Self {
        let AppRecord {
            id,
            developer_id,
            name,
            reference_id,
            description,
            status,
            suspension,
            created_at,
            updated_at,
        } = record;
        let suspension = suspension.as_ref();
        Self {
            id: Set(id.uuid()),
            developer_id: Set(developer_id.uuid()),
            name: Set(name.clone()),
            name_folded: Set(text::folded(name)),
            reference_id: Set(reference_id.clone()),
            reference_id_folded: Set(text::folded(reference_id)),
            description: Set(description.clone()),
            status: Set((*status).into()),
            suspended_by: Set(suspension.and_then(|decision| decision.by).map(|id| id.uuid())),
            suspended_at: Set(suspension.map(|decision| decision.at.as_millis())),
            suspension_reason: Set(suspension.and_then(|decision| decision.reason.clone())),
            created_at: Set(created_at.as_millis()),
            updated_at: Set(updated_at.as_millis()),
        }
    }
}

/// Which apps are wanted. What is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppFilter {
    /// What the name or the reference id starts with, whatever its case.
    pub search: Option<String>,
    /// In one of these states.
    pub status: Option<Vec<AppStatus>>,
    /// Of this developer.
    pub developer_id: Option<DeveloperId>,
    /// With exactly this reference id.
    pub reference_id: Option<String>,
}

/// What apps are listed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppSort {
    /// The case-folded name.
    Name,
    /// When they were made.
    CreatedAt,
}

/// The order of a list of apps.
#[must_use]
pub fn sort_key(by: AppSort, direction: Direction) -> SortKey<app::Entity> {
    let (column, value): (_, fn(&app::Model) -> SortValue) = match by {
        AppSort::Name => (app::Column::NameFolded, |row| SortValue::Text(row.name_folded.clone())),
        AppSort::CreatedAt => (app::Column::CreatedAt, |row| SortValue::Integer(row.created_at)),
    };
    SortKey {
        column,
        id_column: app::Column::Id,
        value,
        id: |row| row.id,
        direction,
        nullable: false,
    }
}

/// The apps that exist for `viewer` and pass `filter`: for admins all, for approved developers their own.
#[must_use]
pub fn select_for(viewer: &Viewer, filter: &AppFilter) -> Select<app::Entity> {
    let AppFilter {
        search,
        status,
        developer_id,
        reference_id,
    } = filter;
    let mut select = app::Entity::find();
    match *viewer {
        Viewer::Admin { .. } => {}
        Viewer::Developer { id, .. } if viewer.is_approved_developer() => {
            select = select.filter(app::Column::DeveloperId.eq(id.uuid()));
        }
        Viewer::Developer { .. } | Viewer::Anonymous => select = select.filter(Expr::value(false)),
    }
    if let Some(search) = search {
        let prefix = text::folded(search);
        select = select.filter(
            Condition::any()
                .add(starts_with(app::Column::NameFolded, &prefix))
                .add(starts_with(app::Column::ReferenceIdFolded, &prefix)),
        );
    }
    if let Some(wanted) = status {
        let wanted = wanted.iter().map(|status| app::Status::from(*status));
        select = select.filter(app::Column::Status.is_in(wanted));
    }
    if let Some(id) = developer_id {
        select = select.filter(app::Column::DeveloperId.eq(id.uuid()));
    }
    if let Some(reference_id) = reference_id {
        select = select.filter(app::Column::ReferenceId.eq(reference_id));
    }
    select
}

fn starts_with(column: app::Column, prefix: &str) -> Condition {
    Condition::all()
        .add(column.gte(prefix))
        .add_option(text::prefix_upper_bound(prefix).map(|bound| column.lt(bound)))
}

/// The apps with these ids that exist for `viewer`.
pub async fn find_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: impl IntoIterator<Item = AppId>,
) -> Result<Vec<AppRecord>, StoreError> {
    let ids = ids.into_iter().map(|id| id.uuid());
    let rows = select_for(viewer, &AppFilter::default())
        .filter(app::Column::Id.is_in(ids))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(AppRecord::from).collect())
}

/// The app, locked: third in the order portal, developer, app, version. The caller has checked that the viewer may see
/// it.
pub async fn lock(connection: &impl ConnectionTrait, id: AppId) -> Result<Option<AppRecord>, StoreError> {
    let row = app::Entity::find_by_id(id.uuid())
        .lock_exclusive()
        .one(connection)
        .await?;
    Ok(row.map(AppRecord::from))
}

/// How many apps a developer has. Exact while the developer is locked.
pub async fn count_of(connection: &impl ConnectionTrait, developer: DeveloperId) -> Result<u64, StoreError> {
    let of_developer = app::Entity::find().filter(app::Column::DeveloperId.eq(developer.uuid()));
    Ok(of_developer.count(connection).await?)
}

/// Adds an app.
///
/// # Errors
/// [`StoreError::Duplicate`] when the reference id is taken.
pub async fn insert(connection: &impl ConnectionTrait, record: &AppRecord) -> Result<(), StoreError> {
    app::Entity::insert(app::ActiveModel::from(record))
        .exec_without_returning(connection)
        .await?;
    Ok(())
}

/// Writes an app that is there and locked.
///
/// # Errors
/// [`StoreError::Duplicate`] when the reference id is taken.
pub async fn update(connection: &impl ConnectionTrait, record: &AppRecord) -> Result<(), StoreError> {
    app::ActiveModel::from(record).update(connection).await?;
    Ok(())
}

/// Writes an app's new status and suspension if it is still in the state `from`. Tells whether it was.
pub async fn change_status(
    connection: &impl ConnectionTrait,
    from: AppStatus,
    record: &AppRecord,
) -> Result<bool, StoreError> {
    let app::ActiveModel {
        status,
        suspended_by,
        suspended_at,
        suspension_reason,
        updated_at,
        ..
    } = record.into();
    let done = app::Entity::update_many()
        .set(app::ActiveModel {
            status,
            suspended_by,
            suspended_at,
            suspension_reason,
            updated_at,
            ..Default::default()
        })
        .filter(app::Column::Id.eq(record.id.uuid()))
        .filter(app::Column::Status.eq(app::Status::from(from)))
        .exec(connection)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Deletes an app; the database deletes its requests and credentials with it.
pub async fn delete(connection: &impl ConnectionTrait, id: AppId) -> Result<(), StoreError> {
    app::Entity::delete_by_id(id.uuid()).exec(connection).await?;
    Ok(())
}

/// What stands for and against giving an app of a developer a reference id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceIdFacts {
    /// Whose it has been since it was first used: a normalised e-mail.
    pub claimed_by: Option<String>,
    /// Whether it was claimed just now.
    pub is_new: bool,
    /// How many reference ids the e-mail had claimed before. Exact while the developer is locked.
    pub claims_before: u64,
    /// Whether another app has it.
    pub in_use: bool,
    /// How many apps the developer has. Exact while the developer is locked.
    pub apps: u64,
}

/// Claims, and reads the rest in the same statement, which sees its own claim in no other part. Nor does it see a claim
/// that another transaction made while this one waited for it; then there is neither a new row nor an old one.
const CLAIM_ON_POSTGRES: &str = "\
claimed AS (INSERT INTO reference_id_claim (reference_id, email_normalised) VALUES ($1, $2) \
            ON CONFLICT DO NOTHING RETURNING email_normalised)";
const FACTS_ON_POSTGRES: &str = "\
coalesce((SELECT email_normalised FROM claimed), \
         (SELECT email_normalised FROM reference_id_claim WHERE reference_id = $1)) AS claimed_by, \
EXISTS (SELECT 1 FROM claimed) AS is_new, \
(SELECT count(*) FROM reference_id_claim WHERE email_normalised = $2) AS claims, \
EXISTS (SELECT 1 FROM app WHERE reference_id = $1 AND id <> $3) AS in_use, \
(SELECT count(*) FROM app WHERE developer_id = $4) AS apps";
/// Adds an app of the same reference id, id and developer, unless another one has the reference id.
const INSERT_ON_POSTGRES: &str = "\
made AS (INSERT INTO app (reference_id, id, developer_id, name, name_folded, reference_id_folded, description, status, \
                          created_at, updated_at) \
         VALUES ($1, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING RETURNING id)";

/// SQLite inserts in no part of a statement; the transaction is the one writer, so two are as good as one.
const CLAIM_ON_SQLITE: &str =
    "INSERT INTO reference_id_claim (reference_id, email_normalised) VALUES (?, ?) ON CONFLICT DO NOTHING";
const FACTS_ON_SQLITE: &str = "\
SELECT (SELECT email_normalised FROM reference_id_claim WHERE reference_id = ?1) AS claimed_by, \
       (SELECT count(*) FROM reference_id_claim WHERE email_normalised = ?2) AS claims, \
       EXISTS (SELECT 1 FROM app WHERE reference_id = ?1 AND id <> ?3) AS in_use, \
       (SELECT count(*) FROM app WHERE developer_id = ?4) AS apps";

/// Claims a reference id for an e-mail unless it is claimed, and tells what there is to know of it. Of two who claim it
/// at once, the second one waits for the first one's outcome. `app` is who is to have it.
pub async fn claim_reference_id(
    connection: &impl ConnectionTrait,
    reference_id: &str,
    email: &NormalisedEmail,
    (app, developer): (AppId, DeveloperId),
) -> Result<ReferenceIdFacts, StoreError> {
    let backend = connection.get_database_backend();
    let (app, developer) = (app.uuid(), developer.uuid());
    let values = [reference_id.into(), email.as_str().into(), app.into(), developer.into()];
    let (statement, claimed_now) = if backend == DbBackend::Postgres {
        let sql = format!("WITH {CLAIM_ON_POSTGRES} SELECT {FACTS_ON_POSTGRES}");
        (Statement::from_sql_and_values(backend, sql, values), None)
    } else {
        let claim = [reference_id.into(), email.as_str().into()];
        let claim = Statement::from_sql_and_values(backend, CLAIM_ON_SQLITE, claim);
        let is_new = connection.execute_raw(claim).await?.rows_affected() > 0;
        (
            Statement::from_sql_and_values(backend, FACTS_ON_SQLITE, values),
            Some(is_new),
        )
    };
    let row = connection.query_one_raw(statement).await?;
    let row = row.ok_or(StoreError::Corrupt("a statement that always has a row had none"))?;
    facts(connection, reference_id, &row, claimed_now).await
}

/// Claims a new app's reference id as [`claim_reference_id`] does, and adds the app unless another one has it. What was
/// noted of the transaction is written with it, on PostgreSQL all of it in one round trip. The caller looks at the facts
/// afterwards, and drops the transaction when one of them stands against it.
pub async fn claim_and_insert(
    transaction: &mut WriteTransaction,
    record: &AppRecord,
    email: &NormalisedEmail,
) -> Result<ReferenceIdFacts, StoreError> {
    let reference_id = record.reference_id.as_str();
    if transaction.get_database_backend() != DbBackend::Postgres {
        let owner = (record.id, record.developer_id);
        let facts = claim_reference_id(&**transaction, reference_id, email, owner).await?;
        if !facts.in_use {
            insert(&**transaction, record).await?;
        }
        return Ok(facts);
    }
    // What a new app has none of is left out.
    let AppRecord {
        id,
        developer_id,
        name,
        reference_id: _,
        description,
        status,
        suspension: _,
        created_at,
        updated_at,
    } = record;
    let values = vec![
        reference_id.into(),
        email.as_str().into(),
        id.uuid().into(),
        developer_id.uuid().into(),
        name.as_str().into(),
        text::folded(name).into(),
        text::folded(reference_id).into(),
        description.clone().into(),
        app::Status::from(*status).to_value().into(),
        created_at.as_millis().into(),
        updated_at.as_millis().into(),
    ];
    let expressions = format!("{CLAIM_ON_POSTGRES}, {INSERT_ON_POSTGRES}");
    let select = format!("{FACTS_ON_POSTGRES}, EXISTS (SELECT 1 FROM made) AS is_made");
    let row = transaction.write_with_notes(&expressions, &select, values).await?;
    let mut facts = facts(&**transaction, reference_id, &row, None).await?;
    // Another transaction may have committed an app with it while this one waited for that.
    let is_made: bool = row.try_get("", "is_made")?;
    facts.in_use |= !is_made;
    Ok(facts)
}

async fn facts(
    connection: &impl ConnectionTrait,
    reference_id: &str,
    row: &QueryResult,
    claimed_now: Option<bool>,
) -> Result<ReferenceIdFacts, StoreError> {
    let count =
        |column: &str| -> Result<u64, StoreError> { Ok(u64::try_from(row.try_get::<i64>("", column)?).unwrap_or(0)) };
    let mut claimed_by: Option<String> = row.try_get("", "claimed_by")?;
    if claimed_by.is_none() {
        let held = reference_id_claim::Entity::find_by_id(reference_id.to_owned());
        claimed_by = held.one(connection).await?.map(|claim| claim.email_normalised);
    }
    let claims = count("claims")?;
    let (is_new, claims_before) = match claimed_now {
        Some(is_new) => (is_new, claims.saturating_sub(u64::from(is_new))),
        None => (row.try_get("", "is_new")?, claims),
    };
    Ok(ReferenceIdFacts {
        claimed_by,
        is_new,
        claims_before,
        in_use: row.try_get("", "in_use")?,
        apps: count("apps")?,
    })
}
