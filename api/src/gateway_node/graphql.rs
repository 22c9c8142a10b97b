//! Gateways of the fleet in the schema.

use async_graphql::{Context, ID, Object, Result};

use super::service::{self, GatewayNodeRecord};
use crate::{
    connection,
    gateway_token::graphql::GatewayToken,
    graphql::{connection::TotalCount, scalar::DateTime},
    loader::RequestContext as _,
    pagination,
};

/// A gateway of the fleet, as it last reported itself.
#[derive(Clone)]
pub struct GatewayNode(GatewayNodeRecord);

impl From<GatewayNodeRecord> for GatewayNode {
    fn from(record: GatewayNodeRecord) -> Self {
        Self(record)
    }
}

/// A gateway of the fleet, as it last reported itself.
#[Object]
impl GatewayNode {
    /// The gateway's id, which it keeps in its data directory.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What its operator calls it (`--name`).
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The version of Portico that it runs.
    async fn version(&self) -> &str {
        &self.0.version
    }

    /// The token that it last came with; null for a gateway inside of an API node.
    async fn token(&self, context: &Context<'_>) -> Result<Option<GatewayToken>> {
        match self.0.token_id {
            Some(id) => Ok(context.load(id).await?.map(GatewayToken::from)),
            None => Ok(None),
        }
    }

    /// Which state of the control plane it enforces, a text to compare by equality alone; null when it enforces none
    /// and answers every call 503.
    async fn position(&self) -> Option<&str> {
        self.0.position.as_deref()
    }

    /// Whether it has confirmed that it enforces all that is committed by now.
    async fn is_confirmed(&self, context: &Context<'_>) -> bool {
        service::has_confirmed(context.plane(), &self.0)
    }

    /// For how many milliseconds there has been a change that it has not confirmed; 0 when there is none, null when it
    /// enforces nothing.
    async fn lag_milliseconds(&self, context: &Context<'_>) -> Option<i32> {
        let lag = service::lag(context.plane(), &self.0, context.call().now)?;
        Some(i32::try_from(lag.as_millis()).unwrap_or(i32::MAX))
    }

    /// For how many seconds it goes on without contact (`--max-staleness`); 0: for ever.
    async fn max_staleness_seconds(&self) -> i32 {
        let limit = self.0.sighting.max_staleness.limit().unwrap_or_default();
        i32::try_from(limit.as_secs()).unwrap_or(i32::MAX)
    }

    /// What is wrong with its copy of the snapshot on disk; null: nothing.
    async fn copy_failure(&self) -> Option<&str> {
        self.0.copy_failure.as_deref()
    }

    /// When it was first seen.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it was last seen.
    async fn last_seen_at(&self) -> DateTime {
        DateTime(self.0.sighting.last_seen_at)
    }

    /// When it said that it stops serving; null unless it did and was not seen since.
    async fn stopped_at(&self) -> Option<DateTime> {
        self.0.sighting.stopped_at.map(DateTime)
    }
}

connection!(GatewayNodeConnection, GatewayNodeEdge, GatewayNode, "gateways");

/// The gateways' root field.
#[derive(Default)]
pub struct GatewayNodeQuery;

/// Root fields of gateways.
#[Object]
impl GatewayNodeQuery {
    /// The gateways of the fleet, those inside of API nodes included, the latest first seen first. One that was not
    /// seen for 7 days is forgotten; one that goes on without contact for longer, after that time; one that goes on for
    /// ever, after 30 days. Admins; FORBIDDEN for everyone else.
    async fn gateway_nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 unless given.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Option<Result<GatewayNodeConnection>> {
        let (plane, call) = (context.plane().clone(), context.call().clone());
        let listed = async {
            let page = pagination::arguments(first, after, last, before)?;
            service::list(&plane, &call, &page).await
        };
        let slice = context.give(listed.await);
        let total = TotalCount::new(move || {
            let (plane, call) = (plane.clone(), call.clone());
            async move { service::count(&plane, &call).await }
        });
        Some(slice.map(|slice| GatewayNodeConnection::new(slice, total)))
    }
}
