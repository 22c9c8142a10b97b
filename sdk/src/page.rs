//! Lists: what may be asked of one, and a page of it.

use std::future::Future;

use crate::{Error, Portico, operation::graphql_enum, schema};

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The objects, in the list's order.
    pub nodes: Vec<T>,
    /// Where the page stands in the list.
    pub page_info: PageInfo,
    /// How many objects the whole list has.
    pub total_count: i32,
}

/// Where a page stands in its list.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
#[non_exhaustive]
pub struct PageInfo {
    /// Whether objects follow; ask for them with [`List::after`] and `end_cursor`.
    pub has_next_page: bool,
    /// Whether objects precede; ask for them with [`List::before`] and `start_cursor`.
    pub has_previous_page: bool,
    /// The cursor of the page's first object; None on an empty page.
    pub start_cursor: Option<String>,
    /// The cursor of the page's last object; None on an empty page.
    pub end_cursor: Option<String>,
}

graphql_enum! {
    /// Which end of an order comes first.
    OrderDirection {
        /// The smallest, or the oldest.
        Asc = "ASC",
        /// The greatest, or the newest.
        Desc = "DESC",
    }
}

/// A list to be fetched: nothing is sent before [`List::page`].
///
/// Unless told otherwise a page has the first 20 objects, the newest first.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `page`"]
pub struct List<'a, L> {
    client: &'a Portico,
    arguments: PageArguments,
    listing: L,
}

/// What is listed. Only this crate implements it.
pub trait Listing: sealed::Fetch {}

/// A list that can be filtered.
pub trait Filtered: Listing {
    /// What to filter by.
    type Filter;

    #[doc(hidden)]
    fn set_filter(&mut self, filter: Self::Filter);
}

/// A list whose order can be chosen.
pub trait Ordered: Listing {
    /// What to order by.
    type Order;

    #[doc(hidden)]
    fn set_order(&mut self, order: Self::Order);
}

#[derive(Clone, Debug, Default)]
#[doc(hidden)]
pub struct PageArguments {
    pub(crate) first: Option<i32>,
    pub(crate) after: Option<String>,
    pub(crate) last: Option<i32>,
    pub(crate) before: Option<String>,
}

pub(crate) mod sealed {
    use super::{Error, Future, Page, PageArguments, Portico};

    pub trait Fetch {
        type Item;

        fn fetch(
            self,
            client: &Portico,
            arguments: PageArguments,
        ) -> impl Future<Output = Result<Page<Self::Item>, Error>> + Send;
    }
}

impl<'a, L: Listing> List<'a, L> {
    pub(crate) fn new(client: &'a Portico, listing: L) -> Self {
        Self {
            client,
            arguments: PageArguments::default(),
            listing,
        }
    }

    /// The first so many objects, 1 to 100, of the list or after the cursor.
    pub fn first(mut self, count: i32) -> Self {
        self.arguments.first = Some(count);
        self
    }

    /// Only what comes after this cursor, a page's `end_cursor`.
    pub fn after(mut self, cursor: impl Into<String>) -> Self {
        self.arguments.after = Some(cursor.into());
        self
    }

    /// The last so many objects, 1 to 100, of the list or before the cursor. Not together with `first`.
    pub fn last(mut self, count: i32) -> Self {
        self.arguments.last = Some(count);
        self
    }

    /// Only what comes before this cursor, a page's `start_cursor`.
    pub fn before(mut self, cursor: impl Into<String>) -> Self {
        self.arguments.before = Some(cursor.into());
        self
    }

    /// Only what passes this filter.
    pub fn filter(mut self, filter: L::Filter) -> Self
    where
        L: Filtered,
    {
        self.listing.set_filter(filter);
        self
    }

    /// In this order; ties by id.
    pub fn order_by(mut self, order: L::Order) -> Self
    where
        L: Ordered,
    {
        self.listing.set_order(order);
        self
    }

    /// Fetches one page.
    ///
    /// # Errors
    ///
    /// [`Error::GraphQl`] with BAD_USER_INPUT for a page size out of range, both ends or a bad cursor; with
    /// UNAUTHENTICATED or FORBIDDEN where the list is not for the caller. [`Error::NotFound`] where the object that it
    /// is a list of does not exist for the caller.
    pub async fn page(self) -> Result<Page<L::Item>, Error> {
        self.listing.fetch(self.client, self.arguments).await
    }
}
