//! Connections, after the Relay cursor connections specification: edges, nodes, page information and a count that is
//! only taken when it is asked for.

use std::sync::Arc;

use async_graphql::SimpleObject;
use futures_util::future::BoxFuture;

use crate::error::ServiceError;

/// Where a page stands in its list.
#[derive(Clone, Debug, SimpleObject)]
pub struct PageInfo {
    /// Whether items follow this page.
    pub has_next_page: bool,
    /// Whether items come before this page.
    pub has_previous_page: bool,
    /// The cursor of the page's first item; null on an empty page.
    pub start_cursor: Option<String>,
    /// The cursor of the page's last item; null on an empty page. Pass it as `after` for the next page.
    pub end_cursor: Option<String>,
}

/// How to count a list, if somebody asks.
#[derive(Clone)]
pub struct TotalCount(Arc<dyn Fn() -> BoxFuture<'static, Result<u64, Arc<ServiceError>>> + Send + Sync>);

impl TotalCount {
    /// Counts by calling `count`.
    pub fn new<F, Fut, E>(count: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<u64, E>> + Send + 'static,
        E: Into<Arc<ServiceError>>,
    {
        Self(Arc::new(move || {
            let count = count();
            Box::pin(async move { count.await.map_err(Into::into) })
        }))
    }

    /// The count is known already.
    #[must_use]
    pub fn known(count: u64) -> Self {
        Self::new(move || std::future::ready(Ok::<_, ServiceError>(count)))
    }

    /// Takes the count, as GraphQL's `Int` holds it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take(&self) -> Result<i32, Arc<ServiceError>> {
        Ok(i32::try_from((self.0)().await?).unwrap_or(i32::MAX))
    }
}

/// Defines a connection and its edge: `connection!(AppConnection, AppEdge, App, "apps")`.
#[macro_export]
macro_rules! connection {
    ($connection:ident, $edge:ident, $node:ty, $plural:literal) => {
        #[doc = concat!("An item of a page of ", $plural, ", with its cursor.")]
        #[derive(async_graphql::SimpleObject)]
        pub struct $edge {
            /// Where the item stands in the list; pass it as `after` or `before`.
            cursor: String,
            /// The item.
            node: $node,
        }

        #[doc = concat!("A page of ", $plural, ".")]
        pub struct $connection {
            slice: $crate::pagination::Slice<$node>,
            total: $crate::graphql::connection::TotalCount,
        }

        impl $connection {
            /// The page `slice` of a list that `total` counts.
            pub fn new(
                slice: $crate::pagination::Slice<impl Into<$node>>,
                total: $crate::graphql::connection::TotalCount,
            ) -> Self {
                Self {
                    slice: slice.map(Into::into),
                    total,
                }
            }
        }

        #[doc = concat!("A page of ", $plural, ".")]
        #[async_graphql::Object]
        impl $connection {
            /// The items with their cursors.
            async fn edges(&self) -> Vec<$edge> {
                let rows = self.slice.rows.iter();
                rows.map(|(cursor, node)| $edge {
                    cursor: cursor.clone(),
                    node: node.clone(),
                })
                .collect()
            }

            /// The items.
            async fn nodes(&self) -> Vec<$node> {
                self.slice.rows.iter().map(|(_, node)| node.clone()).collect()
            }

            /// Where the page stands in its list.
            async fn page_info(&self) -> $crate::graphql::connection::PageInfo {
                $crate::graphql::connection::PageInfo {
                    has_next_page: self.slice.has_next,
                    has_previous_page: self.slice.has_previous,
                    start_cursor: self.slice.rows.first().map(|(cursor, _)| cursor.clone()),
                    end_cursor: self.slice.rows.last().map(|(cursor, _)| cursor.clone()),
                }
            }

            /// How many items the whole list has. Costs a count; leave it out where it is not shown.
            async fn total_count(&self, context: &async_graphql::Context<'_>) -> async_graphql::Result<i32> {
                self.total
                    .take()
                    .await
                    .map_err(|failure| $crate::graphql::error::to_graphql(context, failure))
            }
        }
    };
}
