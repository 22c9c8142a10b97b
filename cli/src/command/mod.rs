//! The commands: one file an area, as in the SDK. The field of the schema that a command calls stands in its help.

mod access_request;
mod account;
mod app;
mod audit;
mod auth_strategy;
mod credential;
mod developer;
mod gateway;
mod node;
mod portal;
mod product;
mod registration;
mod version;
mod watch;

use std::path::PathBuf;

use clap::Subcommand;
use clap_complete::Shell;
use futures_util::TryStreamExt as _;
use portico_sdk::{Error, List, page::Listing};

use crate::{
    answer::Outcome,
    apply,
    arguments::{Arguments, Listed},
    failure::Failure,
    manual,
    session::Session,
};

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Account(account::AccountCommand),
    /// The portal and its settings
    #[command(subcommand)]
    Portal(portal::PortalCommand),
    /// API products
    #[command(subcommand)]
    Products(product::ProductCommand),
    /// Versions of products
    #[command(subcommand)]
    Versions(version::VersionCommand),
    /// Where the gateway serves versions
    #[command(subcommand)]
    GatewayServices(gateway::GatewayServiceCommand),
    /// Whether and how apps register against versions
    #[command(subcommand)]
    Registration(registration::RegistrationCommand),
    /// What credentials open versions
    #[command(subcommand)]
    AuthStrategies(auth_strategy::AuthStrategyCommand),
    /// Developers' accounts
    #[command(subcommand)]
    Developers(developer::DeveloperCommand),
    /// Developers' apps
    #[command(subcommand)]
    Apps(app::AppCommand),
    /// Apps' requests for access to versions
    #[command(subcommand)]
    Requests(access_request::AccessRequestCommand),
    /// Apps' credentials
    #[command(subcommand)]
    Credentials(credential::CredentialCommand),
    /// The gateways of the fleet
    #[command(subcommand)]
    GatewayNodes(gateway::GatewayNodeCommand),
    /// Tokens that gateways prove themselves with
    #[command(subcommand)]
    GatewayTokens(gateway::GatewayTokenCommand),
    /// What was done, by whom and to what
    #[command(subcommand)]
    AuditEvents(audit::AuditCommand),
    /// Follow what changes, a line of JSON for each
    #[command(subcommand)]
    Watch(watch::WatchCommand),
    #[command(flatten)]
    Node(node::NodeCommand),
    /// Make portal settings, strategies, products and versions match a file; what the file does not name stays
    Apply(apply::ApplyCommand),
    /// Print the script that makes a shell complete this command
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write this command's manual pages
    ManualPages {
        /// Into which folder
        folder: PathBuf,
    },
}

/// Does what the command line says.
///
/// # Errors
/// Why it was not done.
pub(crate) async fn run(arguments: Arguments) -> Result<Outcome, Failure> {
    let Arguments { connection, command } = arguments;
    let session = Session::of(&connection)?;
    match command {
        Command::Account(command) => command.run(&session).await,
        Command::Portal(command) => command.run(&session).await,
        // The catalogue may be open to everyone.
        Command::Products(command) => command.run(&session.client()?).await,
        Command::Versions(command) => command.run(&session.client()?).await,
        Command::GatewayServices(command) => command.run(&session.signed_in_client()?).await,
        Command::Registration(command) => command.run(&session.signed_in_client()?).await,
        Command::AuthStrategies(command) => command.run(&session.signed_in_client()?).await,
        Command::Developers(command) => command.run(&session.signed_in_client()?).await,
        Command::Apps(command) => command.run(&session.signed_in_client()?).await,
        Command::Requests(command) => command.run(&session.signed_in_client()?).await,
        Command::Credentials(command) => command.run(&session.signed_in_client()?).await,
        Command::GatewayNodes(command) => command.run(&session.signed_in_client()?).await,
        Command::GatewayTokens(command) => command.run(&session.signed_in_client()?).await,
        Command::AuditEvents(command) => command.run(&session.signed_in_client()?).await,
        Command::Watch(command) => command.run(&session.signed_in_client()?).await,
        Command::Node(command) => command.run(&session.client()?).await,
        Command::Apply(command) => command.run(&session.signed_in_client()?).await,
        Command::Completions { shell } => Ok(manual::completions(shell)),
        Command::ManualPages { folder } => manual::pages(&folder),
    }
}

/// A list, or as much of it as was asked for.
async fn fetch<L: Listing>(list: List<'_, L>, listed: &Listed) -> Result<Vec<L::Item>, Error> {
    let smallest = listed.limit.and_then(|limit| i32::try_from(limit.max(1)).ok());
    let page_size = smallest.map_or(listed.page_size, |limit| limit.min(listed.page_size));
    let objects = list.page_size(page_size).stream();
    let mut objects = std::pin::pin!(objects);
    let mut all = Vec::new();
    while listed.limit.is_none_or(|limit| all.len() < limit) {
        let Some(object) = objects.try_next().await? else { break };
        all.push(object);
    }
    Ok(all)
}

/// One object that may not be there.
fn found<T: serde::Serialize>(object: Option<T>, what: &'static str, id: &str) -> Result<Outcome, Failure> {
    object
        .map(|object| Outcome::object(&object))
        .ok_or_else(|| Failure::not_found(what, id))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use async_graphql_parser::{
        parse_schema,
        types::{TypeKind, TypeSystemDefinition},
    };
    use clap::{CommandFactory as _, Parser as _};

    use crate::arguments::Arguments;

    /// The fields that the help of a command and of those below it names.
    fn called(command: &clap::Command, fields: &mut BTreeSet<String>) {
        let help = command.get_about().map(ToString::to_string).unwrap_or_default();
        fields.extend(help.split('`').skip(1).step_by(2).map(str::to_owned));
        command.get_subcommands().for_each(|command| called(command, fields));
    }

    fn root_fields() -> BTreeSet<String> {
        let mut fields = BTreeSet::new();
        for definition in parse_schema(portico_sdk::SCHEMA).unwrap().definitions {
            if let TypeSystemDefinition::Type(root) = definition
                && matches!(root.node.name.node.as_str(), "Query" | "Mutation" | "Subscription")
                && let TypeKind::Object(object) = root.node.kind
            {
                fields.extend(object.fields.into_iter().map(|field| field.node.name.node.to_string()));
            }
        }
        fields
    }

    #[test]
    fn every_query_mutation_and_subscription_of_the_schema_has_a_command() {
        let mut called_fields = BTreeSet::new();
        called(&Arguments::command(), &mut called_fields);
        assert!(!called_fields.is_empty());
        assert_eq!(called_fields, root_fields());
    }

    #[test]
    fn every_command_on_its_page_is_one() {
        let page = include_str!("../../../docs/porticoctl.md");
        let commands: Vec<&str> = page.lines().filter(|line| line.starts_with("porticoctl ")).collect();
        assert!(commands.len() > 8, "{commands:?}");
        for line in commands {
            let command = line.split(['|', '#']).next().unwrap_or_default();
            let words = shlex::split(command).unwrap();
            Arguments::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
