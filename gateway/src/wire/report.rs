//! What a gateway tells the control plane about itself.

use domain::{
    Timestamp,
    id::{CredentialId, GatewayNodeId},
};
use serde::{Deserialize, Serialize};

use super::text::id;

/// How many last uses one report holds at most.
pub const MAX_USES: usize = 5000;

/// A report. It opens nothing, so that unknown fields of newer gateways are passed over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Which gateway it is.
    #[serde(with = "id")]
    pub node: GatewayNodeId,
    /// What its operator calls it.
    pub name: String,
    /// Which version of Portico it runs.
    pub version: String,
    /// Which state of the control plane it enforces; none before the first one, and after one that became too old.
    pub position: Option<String>,
    /// For how many seconds it goes on without contact; 0: for ever.
    pub max_staleness_seconds: u64,
    /// Whether it is about to stop serving.
    pub stopping: bool,
    /// What is wrong with its copy on disk; none: nothing.
    pub copy_failure: Option<String>,
    /// Which credentials were used since the last report, at most [`MAX_USES`].
    pub used: Vec<Use>,
}

/// When a credential was last used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// Which one.
    #[serde(with = "id")]
    pub credential: CredentialId,
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
}

impl From<(CredentialId, Timestamp)> for Use {
    fn from((credential, at): (CredentialId, Timestamp)) -> Self {
        Self {
            credential,
            at: at.as_millis(),
        }
    }
}
