//! The two macros behind the lists: a connection of the schema, and the operation that fetches a page of it.

/// A connection's page: `connection!(AppConnection of App)`.
macro_rules! connection {
    ($connection:ident of $item:ident) => {
        #[derive(cynic::QueryFragment)]
        pub(crate) struct $connection {
            nodes: Vec<$item>,
            page_info: crate::page::PageInfo,
            total_count: i32,
        }

        impl From<$connection> for crate::page::Page<$item> {
            fn from(connection: $connection) -> Self {
                Self {
                    nodes: connection.nodes,
                    page_info: connection.page_info,
                    total_count: connection.total_count,
                }
            }
        }
    };
}
pub(crate) use connection;

/// The parts that lists share: what is asked for, and how a page of it is fetched.
macro_rules! listing {
    // A list at the root of the schema.
    (
        $(#[$doc:meta])*
        $listing:ident = $query:ident($variables:ident).$root:ident -> $connection:ident of $item:ident
            $(, filter: $by:ident)? $(, order_by: $sort:ident)?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $listing {
            $(filter: Option<$by>,)?
            $(order_by: Option<$sort>,)?
        }

        #[derive(cynic::QueryVariables)]
        pub(crate) struct $variables {
            #[cynic(skip_serializing_if = "Option::is_none")]
            first: Option<i32>,
            #[cynic(skip_serializing_if = "Option::is_none")]
            after: Option<String>,
            #[cynic(skip_serializing_if = "Option::is_none")]
            last: Option<i32>,
            #[cynic(skip_serializing_if = "Option::is_none")]
            before: Option<String>,
            $(
                #[cynic(skip_serializing_if = "Option::is_none")]
                filter: Option<$by>,
            )?
            $(
                #[cynic(skip_serializing_if = "Option::is_none")]
                order_by: Option<$sort>,
            )?
        }

        crate::listing::listing!(@root $query($variables).$root -> $connection $(, filter: $by)? $(, order_by: $sort)?);

        impl crate::page::sealed::Fetch for $listing {
            type Item = $item;

            async fn fetch(
                self,
                client: &crate::Portico,
                arguments: crate::page::PageArguments,
            ) -> Result<crate::page::Page<$item>, crate::Error> {
                let crate::page::PageArguments { first, after, last, before } = arguments;
                let variables = $variables {
                    first,
                    after,
                    last,
                    before,
                    $(filter: crate::listing::listing!(@with $by, self.filter),)?
                    $(order_by: crate::listing::listing!(@with $sort, self.order_by),)?
                };
                let data = client.query::<$query, _>(variables).await?;
                let connection =
                    data.$root.ok_or_else(|| crate::error::DecodeError::missing(stringify!($root)))?;
                Ok(connection.into())
            }
        }

        impl crate::page::Listing for $listing {}

        $(
            impl crate::page::Filtered for $listing {
                type Filter = $by;

                fn set_filter(&mut self, filter: $by) {
                    self.filter = Some(filter);
                }
            }
        )?

        $(
            impl crate::page::Ordered for $listing {
                type Order = $sort;

                fn set_order(&mut self, order: $sort) {
                    self.order_by = Some(order);
                }
            }
        )?
    };

    // A list of one object, found by its id.
    (
        $(#[$doc:meta])*
        $listing:ident($key:ident) = $query:ident($variables:ident).$node:ident::$parent:ident($parent_type:literal)
            .$field:ident -> $connection:ident of $item:ident
            $(, filter: $by:ident)?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $listing {
            id: $key,
            $(filter: Option<$by>,)?
        }

        impl $listing {
            pub(crate) fn of(id: &$key) -> Self {
                Self { id: id.clone(), $(filter: crate::listing::listing!(@with $by, None))? }
            }
        }

        #[derive(cynic::QueryVariables)]
        pub(crate) struct $variables {
            id: $key,
            #[cynic(skip_serializing_if = "Option::is_none")]
            first: Option<i32>,
            #[cynic(skip_serializing_if = "Option::is_none")]
            after: Option<String>,
            #[cynic(skip_serializing_if = "Option::is_none")]
            last: Option<i32>,
            #[cynic(skip_serializing_if = "Option::is_none")]
            before: Option<String>,
            $(
                #[cynic(skip_serializing_if = "Option::is_none")]
                filter: Option<$by>,
            )?
        }

        crate::listing::listing!(@parent $parent($parent_type, $variables).$field -> $connection $(, filter: $by)?);

        #[derive(cynic::InlineFragments)]
        #[cynic(graphql_type = "Node", variables = $variables)]
        pub(crate) enum $node {
            $parent($parent),
            #[cynic(fallback)]
            Other,
        }

        #[derive(cynic::QueryFragment)]
        #[cynic(graphql_type = "Query", variables = $variables)]
        pub(crate) struct $query {
            #[arguments(id: $id)]
            node: Option<$node>,
        }

        impl crate::page::sealed::Fetch for $listing {
            type Item = $item;

            async fn fetch(
                self,
                client: &crate::Portico,
                arguments: crate::page::PageArguments,
            ) -> Result<crate::page::Page<$item>, crate::Error> {
                let crate::page::PageArguments { first, after, last, before } = arguments;
                let variables = $variables {
                    id: self.id,
                    first,
                    after,
                    last,
                    before,
                    $(filter: crate::listing::listing!(@with $by, self.filter),)?
                };
                let data = client.query::<$query, _>(variables).await?;
                match data.node {
                    Some($node::$parent(parent)) => {
                        parent.$field.map(Into::into).ok_or(crate::Error::NotFound { what: stringify!($field) })
                    }
                    Some($node::Other) | None => Err(crate::Error::NotFound { what: $parent_type }),
                }
            }
        }

        impl crate::page::Listing for $listing {}

        $(
            impl crate::page::Filtered for $listing {
                type Filter = $by;

                fn set_filter(&mut self, filter: $by) {
                    self.filter = Some(filter);
                }
            }
        )?
    };

    (@with $kind:ident, $value:expr) => { $value };

    (@root $query:ident($variables:ident).$root:ident -> $connection:ident) => {
        #[derive(cynic::QueryFragment)]
        #[cynic(graphql_type = "Query", variables = $variables)]
        pub(crate) struct $query {
            #[arguments(first: $first, after: $after, last: $last, before: $before)]
            $root: Option<$connection>,
        }
    };

    (@root $query:ident($variables:ident).$root:ident -> $connection:ident, filter: $by:ident) => {
        #[derive(cynic::QueryFragment)]
        #[cynic(graphql_type = "Query", variables = $variables)]
        pub(crate) struct $query {
            #[arguments(first: $first, after: $after, last: $last, before: $before, filter: $filter)]
            $root: Option<$connection>,
        }
    };

    (@root $query:ident($variables:ident).$root:ident -> $connection:ident, filter: $by:ident, order_by: $sort:ident) => {
        #[derive(cynic::QueryFragment)]
        #[cynic(graphql_type = "Query", variables = $variables)]
        pub(crate) struct $query {
            #[arguments(
                first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $order_by
            )]
            $root: Option<$connection>,
        }
    };

    (@parent $parent:ident($parent_type:literal, $variables:ident).$field:ident -> $connection:ident) => {
        #[derive(cynic::QueryFragment)]
        #[cynic(graphql_type = $parent_type, variables = $variables)]
        pub(crate) struct $parent {
            #[arguments(first: $first, after: $after, last: $last, before: $before)]
            $field: Option<$connection>,
        }
    };

    (@parent $parent:ident($parent_type:literal, $variables:ident).$field:ident -> $connection:ident, filter: $by:ident) => {
        #[derive(cynic::QueryFragment)]
        #[cynic(graphql_type = $parent_type, variables = $variables)]
        pub(crate) struct $parent {
            #[arguments(first: $first, after: $after, last: $last, before: $before, filter: $filter)]
            $field: Option<$connection>,
        }
    };
}
pub(crate) use listing;
