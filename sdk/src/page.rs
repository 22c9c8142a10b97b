//! Lists: what may be asked of one, and a page of it.

use std::{
    collections::HashSet,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use crate::{
    Error, Portico,
    error::DecodeError,
    operation::graphql_enum,
    platform::{BoxedStream, MaybeSend},
    schema,
};

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
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
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

/// A list to be fetched: all of it, one object after the other ([`List::stream`]), or a page of it ([`List::page`]).
/// Nothing is sent before.
///
/// Unless told otherwise a page has 20 objects and the newest come first.
///
/// ```no_run
/// # async fn list(portico: portico_sdk::Portico) -> Result<(), portico_sdk::Error> {
/// use portico_sdk::{AppFilter, AppStatus};
///
/// let suspended = AppFilter::new().status([AppStatus::Suspended]);
/// let mut apps = portico.apps().list().filter(suspended).page_size(50).stream();
/// while let Some(app) = apps.next().await {
///     println!("{}", app?.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `page` or `stream`"]
pub struct List<'a, L> {
    client: &'a Portico,
    arguments: PageArguments,
    listing: L,
}

/// What is listed. Only this crate implements it.
pub trait Listing: sealed::Fetch + Clone + MaybeSend + 'static {}

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
    use super::{Error, Future, MaybeSend, Page, PageArguments, Portico};

    pub trait Fetch {
        type Item: MaybeSend + 'static;

        fn fetch(
            self,
            client: &Portico,
            arguments: PageArguments,
        ) -> impl Future<Output = Result<Page<Self::Item>, Error>> + MaybeSend;
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

    /// How many objects a page has, 1 to 100, when the whole list is fetched; 20 unless given. The same as
    /// [`List::first`].
    pub fn page_size(self, count: i32) -> Self {
        self.first(count)
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

    /// The whole list, one object after the other: a page is fetched when its first object is asked for. With
    /// [`List::last`] or [`List::before`] it runs from the end to the start.
    ///
    /// An error ends the stream: those of [`List::page`], and [`Error::Decode`] when the server names a cursor a second
    /// time, because the list would never end. What is added or removed while the list is read may be in it or not.
    pub fn stream(self) -> ListStream<L::Item> {
        let pages = self.into_pages();
        let items = pages.map_ok(|(page, forward)| {
            let mut nodes = page.nodes;
            if !forward {
                nodes.reverse();
            }
            stream::iter(nodes.into_iter().map(Ok))
        });
        ListStream(Box::pin(items.try_flatten().fuse()))
    }

    /// The whole list, page by page: a page is fetched when it is asked for. Otherwise as [`List::stream`].
    pub fn pages(self) -> ListStream<Page<L::Item>> {
        ListStream(Box::pin(self.into_pages().map_ok(|(page, _)| page).fuse()))
    }

    /// The pages, each with whether the list is read forward.
    fn into_pages(self) -> impl Stream<Item = Result<(Page<L::Item>, bool), Error>> + use<L> {
        let walk = Walk {
            client: self.client.clone(),
            forward: self.arguments.last.is_none() && self.arguments.before.is_none(),
            arguments: self.arguments,
            listing: self.listing,
            seen: HashSet::new(),
        };
        stream::try_unfold(Step::Fetch(walk), |step| async move {
            let mut walk = match step {
                Step::Fetch(walk) => walk,
                Step::Fail(error) => return Err(error),
                Step::End => return Ok(None),
            };
            let page = walk.listing.clone().fetch(&walk.client, walk.arguments.clone()).await?;
            let forward = walk.forward;
            let next = match walk.advance(&page.page_info) {
                Ok(true) => Step::Fetch(walk),
                Ok(false) => Step::End,
                Err(error) => Step::Fail(error),
            };
            Ok(Some(((page, forward), next)))
        })
    }
}

/// A list being read from page to page.
struct Walk<L> {
    client: Portico,
    listing: L,
    arguments: PageArguments,
    forward: bool,
    seen: HashSet<String>,
}

/// What reading a list does next. A page is given out before the next one is found to be wanting.
enum Step<L> {
    Fetch(Walk<L>),
    Fail(Error),
    End,
}

impl<L> Walk<L> {
    /// Sets out for the page after this one; false where there is none.
    fn advance(&mut self, at: &PageInfo) -> Result<bool, Error> {
        let (more, cursor, name) = if self.forward {
            (at.has_next_page, &at.end_cursor, "endCursor")
        } else {
            (at.has_previous_page, &at.start_cursor, "startCursor")
        };
        if !more {
            return Ok(false);
        }
        let cursor = cursor.clone().ok_or_else(|| DecodeError::missing(name))?;
        if !self.seen.insert(cursor.clone()) {
            return Err(DecodeError::new("the list names a cursor for the second time, and would never end").into());
        }
        let wanted = if self.forward {
            &mut self.arguments.after
        } else {
            &mut self.arguments.before
        };
        *wanted = Some(cursor);
        Ok(true)
    }
}

/// A list being read: a [`Stream`] (of the crates `futures-core` and `futures-util`) of its objects or pages, with a
/// [`ListStream::next`] of its own for who wants no other crate. It holds a clone of the client, and is `Unpin`.
#[must_use = "nothing is sent before it is asked for its next object"]
pub struct ListStream<T>(BoxedStream<Result<T, Error>>);

impl<T> ListStream<T> {
    /// The next object or page; None at the end, and after an error.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        self.0.next().await
    }

    /// All that is left, until the end or the first error. Mind that a list may be long.
    ///
    /// # Errors
    ///
    /// The first error; what was read before it is dropped.
    pub async fn try_collect(self) -> Result<Vec<T>, Error> {
        self.0.try_collect().await
    }
}

impl<T> Stream for ListStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl<T> fmt::Debug for ListStream<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ListStream(…)")
    }
}
