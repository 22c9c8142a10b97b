//! What changes, while it changes.

use clap::{Args, Subcommand};
use portico_sdk::{AccessRequestFilter, AccessRequestId, AppId, Change, Error, Portico, Subscription};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Outcome, json_of},
    choice::RequestStatusChoice,
    failure::Failure,
    output,
};

/// What changes, while it changes: a line of JSON for each, until the command is stopped.
#[derive(Debug, Subcommand)]
pub(crate) enum WatchCommand {
    /// Follow your requests, or everybody's as an admin; of one request its present state first (`accessRequestChanged`)
    Requests {
        /// One request
        id: Option<String>,
        /// In one of these states, and what may have left them
        #[arg(long, value_delimiter = ',', ignore_case = true, conflicts_with = "id")]
        status: Vec<RequestStatusChoice>,
        #[command(flatten)]
        until: Until,
    },
    /// Follow your apps' credentials, or everybody's as an admin; never their secrets (`credentialChanged`)
    Credentials {
        /// One app's
        #[arg(long, value_name = "ID")]
        app: Option<String>,
        #[command(flatten)]
        until: Until,
    },
    /// Follow your own account: a developer learns that they were approved (`viewerChanged`)
    Account {
        #[command(flatten)]
        until: Until,
    },
}

/// When to stop.
#[derive(Debug, Args)]
pub(crate) struct Until {
    /// Stop after so many changes
    #[arg(long, value_name = "NUMBER")]
    count: Option<usize>,
}

impl WatchCommand {
    pub(crate) async fn run(self, client: &Portico) -> Result<Outcome, Failure> {
        match self {
            Self::Requests { id, status, until } => {
                let requests = client.access_requests();
                let changes = match id {
                    Some(id) => requests.changes_of(&AccessRequestId::new(id)),
                    None if status.is_empty() => requests.changes(AccessRequestFilter::new()),
                    None => requests.changes(AccessRequestFilter::new().status(status)),
                };
                show(changes, until, change).await
            }
            Self::Credentials { app, until } => {
                let app = app.map(AppId::new);
                show(client.credentials().changes(app.as_ref()), until, change).await
            }
            Self::Account { until } => show(client.viewer_changes(), until, |account| json_of(&account)).await,
        }
    }
}

fn change<T: Serialize, Id: Serialize>(change: Change<T, Id>) -> Value {
    match change {
        Change::Present(object) => json_of(&object),
        Change::Gone(id) => json!({ "deletedId": json_of(&id) }),
        // What a later SDK may tell besides.
        _ => Value::Null,
    }
}

/// Shows each update when it comes.
async fn show<T>(mut updates: Subscription<T>, until: Until, as_json: impl Fn(T) -> Value) -> Result<Outcome, Failure> {
    let mut shown = 0;
    while until.count.is_none_or(|count| shown < count) {
        let Some(update) = updates.next_update().await else {
            break;
        };
        let update: Result<T, Error> = update;
        if !output::line(&as_json(update?)) {
            break;
        }
        shown += 1;
    }
    Ok(Outcome::of(Answer::Shown))
}
