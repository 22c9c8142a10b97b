//! Objects by id, whatever their kind.

use clap::Subcommand;
use portico_sdk::{NodeId, Portico};

use crate::{
    answer::{Column, Outcome},
    failure::Failure,
};

const COLUMNS: &[Column] = &[("ID", "/id"), ("KIND", "/__typename")];

/// Objects by id, whatever their kind.
#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Tell of what kind objects are (`node`, `nodes`)
    Kind {
        /// Which objects
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

impl NodeCommand {
    pub(crate) async fn run(self, client: &Portico) -> Result<Outcome, Failure> {
        let Self::Kind { ids } = self;
        let nodes = client.nodes(ids.iter().map(NodeId::new)).await?;
        let mut found = Vec::with_capacity(nodes.len());
        for (node, id) in nodes.into_iter().zip(ids) {
            found.push(node.ok_or_else(|| Failure::not_found("object", id))?);
        }
        Ok(Outcome::list(&found, COLUMNS))
    }
}
