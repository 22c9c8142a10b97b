//! Decisions in the schema.

use async_graphql::{Context, Object, Result};
use domain::decision::Decision as DecisionRecord;

use crate::{admin::graphql::Admin, graphql::scalar::DateTime, loader::RequestContext as _};

/// Who last ruled on something, when and why.
#[derive(Clone)]
pub struct Decision(DecisionRecord);

impl From<DecisionRecord> for Decision {
    fn from(record: DecisionRecord) -> Self {
        Self(record)
    }
}

/// Who last ruled on something, when and why.
#[Object]
impl Decision {
    /// The admin who took it; null for developers, and when it was automatic.
    async fn by(&self, context: &Context<'_>) -> Option<Result<Admin>> {
        match self.0.by {
            Some(id) if context.call().admin().is_ok() => {
                context.load(id).await.map(|admin| admin.map(Admin::from)).transpose()
            }
            Some(_) | None => None,
        }
    }

    /// Whether a setting took it, not a person.
    async fn automatic(&self) -> bool {
        self.0.automatic
    }

    /// When it was taken.
    async fn at(&self) -> DateTime {
        self.0.at.into()
    }

    /// The admin's words.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }
}
