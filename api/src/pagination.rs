//! Keyset pagination, after the Relay cursor connections specification
//! (<https://relay.dev/graphql/connections.htm>): a cursor holds the sort key and id of its row, so that a page is one
//! index range however deep it lies, and rows that come or go meanwhile neither repeat nor hide others.

use std::{collections::HashMap, hash::Hash};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
pub use domain::page::Page;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, Order as SqlOrder, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Select,
    sea_query::{Asterisk, Expr, ExprTrait as _, Query, WindowStatement},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::ServiceError;

/// Which way a list runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// The value that a list is ordered by, of one row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SortValue {
    /// No value: sorted last, whatever the direction.
    Null,
    /// An instant or a number.
    Integer(i64),
    /// A text, compared byte by byte.
    Text(String),
}

/// How a list of rows of `E` is ordered: by a column, ties by id.
pub struct SortKey<E: EntityTrait> {
    /// The column.
    pub column: E::Column,
    /// The id column that breaks ties.
    pub id_column: E::Column,
    /// The column's value in a row.
    pub value: fn(&E::Model) -> SortValue,
    /// The row's id.
    pub id: fn(&E::Model) -> Uuid,
    /// Which way it runs.
    pub direction: Direction,
    /// Whether the column may be null. Nulls come last, both ways.
    pub nullable: bool,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// The rows in the list's order, each with its cursor.
    pub rows: Vec<(String, T)>,
    /// Whether rows follow.
    pub has_next: bool,
    /// Whether rows come before.
    pub has_previous: bool,
}

impl<T> Slice<T> {
    /// A page of an empty list.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            rows: Vec::new(),
            has_next: false,
            has_previous: false,
        }
    }

    /// The same page of other things.
    #[must_use]
    pub fn map<U>(self, mut to: impl FnMut(T) -> U) -> Slice<U> {
        Slice {
            rows: self.rows.into_iter().map(|(cursor, row)| (cursor, to(row))).collect(),
            has_next: self.has_next,
            has_previous: self.has_previous,
        }
    }

    /// The same page of other things, where turning a row into one may fail.
    ///
    /// # Errors
    /// The first failure of `to`.
    pub fn try_map<U, F>(self, mut to: impl FnMut(T) -> Result<U, F>) -> Result<Slice<U>, F> {
        let rows = self.rows.into_iter().map(|(cursor, row)| Ok((cursor, to(row)?)));
        Ok(Slice {
            rows: rows.collect::<Result<_, F>>()?,
            has_next: self.has_next,
            has_previous: self.has_previous,
        })
    }
}

/// What a cursor says. The column and direction are in it, so that a cursor of one order is refused in another.
#[derive(Serialize, Deserialize)]
struct Cursor(String, bool, SortValue, Uuid);

fn encode<E: EntityTrait>(key: &SortKey<E>, row: &E::Model) -> String {
    let cursor = Cursor(
        column_name::<E>(key),
        key.direction == Direction::Ascending,
        (key.value)(row),
        (key.id)(row),
    );
    // Serialising these four plain values cannot fail; an empty cursor would be refused when it comes back.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default())
}

fn decode<E: EntityTrait>(key: &SortKey<E>, text: &str) -> Result<(SortValue, Uuid), ServiceError> {
    let refuse = || {
        ServiceError::BadUserInput(
            "The cursor is not one of this list in this order. Take it from endCursor or startCursor of a page with the same orderBy."
                .to_owned(),
        )
    };
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refuse())?;
    let Cursor(column, ascending, value, id) = serde_json::from_slice(&bytes).map_err(|_| refuse())?;
    let fits = match (&value, (key.column.def().get_column_type(), key.nullable)) {
        (SortValue::Null, (_, nullable)) => nullable,
        (SortValue::Integer(_), (kind, _)) => !matches!(kind, sea_orm::ColumnType::Text),
        (SortValue::Text(_), (kind, _)) => matches!(kind, sea_orm::ColumnType::Text),
    };
    if column != column_name::<E>(key) || ascending != (key.direction == Direction::Ascending) || !fits {
        return Err(refuse());
    }
    Ok((value, id))
}

fn column_name<E: EntityTrait>(key: &SortKey<E>) -> String {
    sea_orm::IdenStatic::as_str(&key.column).to_owned()
}

/// A page's arguments, made ready for one order: its cursor is decoded, the row limit known.
struct Range<'a, E: EntityTrait> {
    key: &'a SortKey<E>,
    size: u64,
    backward: bool,
    cursor: Option<(SortValue, Uuid)>,
    bound: Option<(SortValue, Uuid)>,
}

impl<'a, E: EntityTrait> Range<'a, E> {
    fn new(key: &'a SortKey<E>, page: &Page) -> Result<Self, ServiceError> {
        let after = page.after.as_deref().map(|text| decode(key, text)).transpose()?;
        let before = page.before.as_deref().map(|text| decode(key, text)).transpose()?;
        let (cursor, bound) = if page.backward {
            (before, after)
        } else {
            (after, before)
        };
        Ok(Self {
            key,
            size: u64::from(page.size),
            backward: page.backward,
            cursor,
            bound,
        })
    }

    /// Rows strictly beyond the cursor (and, when both were given, strictly within the other one).
    fn condition(&self) -> Condition {
        let mut condition = Condition::all();
        if let Some(cursor) = &self.cursor {
            condition = condition.add(self.beyond(cursor, self.backward));
        }
        if let Some(bound) = &self.bound {
            condition = condition.add(self.beyond(bound, !self.backward));
        }
        condition
    }

    /// Rows that come after `position` in the list's order, or before it when `earlier`.
    fn beyond(&self, (value, id): &(SortValue, Uuid), earlier: bool) -> Condition {
        let column = self.key.column;
        let id_column = self.key.id_column;
        let upward = (self.key.direction == Direction::Ascending) != earlier;
        let value: sea_orm::Value = match value {
            SortValue::Null => {
                let tie = Condition::all()
                    .add(column.is_null())
                    .add(strictly(id_column, *id, upward));
                return if earlier {
                    Condition::any().add(column.is_not_null()).add(tie)
                } else {
                    tie
                };
            }
            SortValue::Integer(number) => (*number).into(),
            SortValue::Text(text) => text.clone().into(),
        };
        let mut condition = Condition::any().add(strictly(column, value.clone(), upward)).add(
            Condition::all()
                .add(column.eq(value))
                .add(strictly(id_column, *id, upward)),
        );
        if self.key.nullable && !earlier {
            condition = condition.add(column.is_null());
        }
        condition
    }

    /// The order in which rows are read: the list's, or its reverse for a page that is counted from the end.
    fn orders(&self) -> Vec<(sea_orm::sea_query::Expr, SqlOrder)> {
        let upward = (self.key.direction == Direction::Ascending) != self.backward;
        let order = if upward { SqlOrder::Asc } else { SqlOrder::Desc };
        let mut orders = Vec::with_capacity(3);
        if self.key.nullable {
            let nulls = if self.backward { SqlOrder::Desc } else { SqlOrder::Asc };
            orders.push((self.key.column.is_null(), nulls));
        }
        orders.push((Expr::col(self.key.column.as_column_ref()), order.clone()));
        orders.push((Expr::col(self.key.id_column.as_column_ref()), order));
        orders
    }

    fn slice(&self, mut rows: Vec<E::Model>) -> Slice<E::Model> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        if self.backward {
            rows.reverse();
        }
        // Beyond the cursor that a page starts from lies at least the cursor's own row.
        let (has_next, has_previous) = if self.backward {
            (self.cursor.is_some(), more)
        } else {
            (more, self.cursor.is_some())
        };
        Slice {
            rows: rows.into_iter().map(|row| (encode(self.key, &row), row)).collect(),
            has_next,
            has_previous,
        }
    }
}

fn strictly<C: ColumnTrait>(column: C, value: impl Into<sea_orm::Value>, upward: bool) -> sea_orm::sea_query::Expr {
    if upward { column.gt(value) } else { column.lt(value) }
}

/// One page of the rows that `select` finds.
///
/// # Errors
/// `BAD_USER_INPUT` for a cursor of another list or order.
pub async fn page<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    select: Select<E>,
    key: &SortKey<E>,
    page: &Page,
) -> Result<Slice<E::Model>, ServiceError>
where
    E::Model: Send + Sync,
{
    let range = Range::new(key, page)?;
    let mut select = select.filter(range.condition()).limit(range.size + 1);
    for (expression, order) in range.orders() {
        select = select.order_by(expression, order);
    }
    Ok(range.slice(select.all(connection).await?))
}

/// How many rows `select` finds.
///
/// # Errors
/// When the database fails.
pub async fn count<E: EntityTrait>(connection: &impl ConnectionTrait, select: Select<E>) -> Result<u64, ServiceError>
where
    E::Model: Send + Sync,
{
    Ok(select.count(connection).await?)
}

/// The column that holds the parent's id, and that id in a row.
pub type ParentColumn<E, P> = (<E as EntityTrait>::Column, fn(&<E as EntityTrait>::Model) -> P);

/// The same page of each parent's rows, in one statement: rows of `select` whose `parent_column` is one of `parents`,
/// numbered within their parent by a window function.
///
/// # Errors
/// `BAD_USER_INPUT` for a cursor of another list or order.
pub async fn pages_by_parent<E, P>(
    connection: &impl ConnectionTrait,
    select: Select<E>,
    (parent_column, parent): ParentColumn<E, P>,
    parents: Vec<P>,
    key: &SortKey<E>,
    page: &Page,
) -> Result<HashMap<P, Slice<E::Model>>, ServiceError>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Send + Sync,
    P: Copy + Eq + Hash + Into<sea_orm::Value>,
{
    let range = Range::new(key, page)?;
    let mut window = WindowStatement::partition_by(parent_column.as_column_ref());
    for (expression, order) in range.orders() {
        sea_orm::sea_query::OrderedStatement::order_by_expr(&mut window, expression, order);
    }
    let mut inner = select
        .filter(parent_column.is_in(parents.iter().copied()))
        .filter(range.condition())
        .into_query();
    inner.expr_window_as(Expr::cust("ROW_NUMBER()"), window, "row_in_parent");
    let outer = Query::select()
        .column(Asterisk)
        .from_subquery(inner, "numbered")
        .and_where(Expr::col("row_in_parent").lte(i64::try_from(range.size + 1).unwrap_or(i64::MAX)))
        .order_by("row_in_parent", SqlOrder::Asc)
        .to_owned();
    let rows = E::Model::find_by_statement(connection.get_database_backend().build(&outer))
        .all(connection)
        .await?;
    let mut by_parent: HashMap<P, Vec<E::Model>> = HashMap::new();
    for row in rows {
        by_parent.entry(parent(&row)).or_default().push(row);
    }
    Ok(parents
        .into_iter()
        .map(|id| (id, range.slice(by_parent.remove(&id).unwrap_or_default())))
        .collect())
}

/// How many rows of `select` each parent has; 0 for a parent without rows.
///
/// # Errors
/// When the database fails.
pub async fn counts_by_parent<E, P>(
    connection: &impl ConnectionTrait,
    select: Select<E>,
    parent_column: E::Column,
    parents: Vec<P>,
) -> Result<HashMap<P, u64>, ServiceError>
where
    E: EntityTrait,
    P: Copy + Eq + Hash + Into<sea_orm::Value> + sea_orm::TryGetable,
{
    let rows: Vec<(P, i64)> = select
        .filter(parent_column.is_in(parents.iter().copied()))
        .select_only()
        .column_as(parent_column, "parent")
        .column_as(Expr::col(Asterisk).count(), "count")
        .group_by(parent_column)
        .into_tuple()
        .all(connection)
        .await?;
    let mut counts: HashMap<P, u64> = parents.into_iter().map(|id| (id, 0)).collect();
    counts.extend(
        rows.into_iter()
            .map(|(id, count)| (id, u64::try_from(count).unwrap_or(0))),
    );
    Ok(counts)
}

/// Reads what a list is searched by (`filter.search`).
///
/// # Errors
/// `BAD_USER_INPUT` when it is longer than any name.
pub fn search(wanted: Option<String>) -> Result<Option<String>, ServiceError> {
    if let Some(wanted) = &wanted {
        domain::text::search("filter.search", wanted)
            .map_err(|refusal| ServiceError::BadUserInput(format!("filter.{}", refusal.message)))?;
    }
    Ok(wanted)
}

/// The states that a list is filtered by, each once: the statement grows with them.
#[must_use]
pub fn states<Given: Into<State>, State: PartialEq>(wanted: Option<Vec<Given>>) -> Option<Vec<State>> {
    wanted.map(|wanted| {
        let mut states = Vec::new();
        for state in wanted.into_iter().map(Into::into) {
            if !states.contains(&state) {
                states.push(state);
            }
        }
        states
    })
}

/// Reads a page's arguments.
///
/// # Errors
/// `BAD_USER_INPUT` when they do not fit together or are out of range.
pub fn arguments(
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
) -> Result<Page, ServiceError> {
    Page::new(first, after, last, before).map_err(|refusal| ServiceError::BadUserInput(refusal.to_string()))
}
