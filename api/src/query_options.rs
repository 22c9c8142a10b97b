//! What callers may ask of the API, as operators configure it.

use std::{num::NonZeroU64, path::PathBuf, str::FromStr, time::Duration};

use clap::Args;
use domain::budget::Budget;

use crate::{
    budget::BudgetLimits,
    http::{
        graphql::BodyLimits,
        preparation::Introspection,
        query_cost::{DEEPEST, QueryLimits},
    },
};

/// What callers may ask for, and how much of it.
#[derive(Clone, Debug, Args)]
pub struct QueryOptions {
    /// Levels of fields that an operation may nest. The standard introspection has 15.
    #[arg(long, env = "PORTICO_MAX_QUERY_DEPTH", default_value_t = 15, value_name = "LEVELS", value_parser = clap::value_parser!(u32).range(1..=DEEPEST))]
    pub max_query_depth: u32,
    /// What an operation may cost: its fields, those of lists times the number of objects that are asked for.
    #[arg(long, env = "PORTICO_MAX_QUERY_COST", default_value_t = 10_000, value_name = "COST", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_query_cost: u32,
    /// Aliases that an operation may have.
    #[arg(long, env = "PORTICO_MAX_QUERY_ALIASES", default_value_t = 50, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub max_query_aliases: u32,
    /// Directives that an operation may have.
    #[arg(long, env = "PORTICO_MAX_QUERY_DIRECTIVES", default_value_t = 50, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub max_query_directives: u32,
    /// Tokens that a document may have.
    #[arg(long, env = "PORTICO_MAX_QUERY_TOKENS", default_value_t = 10_000, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_query_tokens: u32,
    /// Bytes that a request's body may have.
    #[arg(long, env = "PORTICO_MAX_BODY_BYTES", default_value_t = 1024 * 1024, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1024..=64 * 1024 * 1024))]
    pub max_body_bytes: u32,
    /// Bytes that the body of an admin's request may have: specifications of 5 MiB are uploaded in one.
    #[arg(long, env = "PORTICO_MAX_ADMIN_BODY_BYTES", default_value_t = 6 * 1024 * 1024, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1024..=64 * 1024 * 1024))]
    pub max_admin_body_bytes: u32,
    /// What a developer's operations may cost together, or those from one address where nobody is signed in: so much at
    /// once, and as much again in every so many seconds. 0: no bound.
    #[arg(
        long,
        env = "PORTICO_QUERY_BUDGET",
        default_value = "200000/100",
        value_name = "COST/SECONDS"
    )]
    pub query_budget: QueryBudget,
    /// What an admin's operations may cost together, as above.
    #[arg(
        long,
        env = "PORTICO_ADMIN_QUERY_BUDGET",
        default_value = "2000000/100",
        value_name = "COST/SECONDS"
    )]
    pub admin_query_budget: QueryBudget,
    /// Connections for live updates that one account may hold, or one address where nobody is signed in.
    #[arg(
        long,
        env = "PORTICO_MAX_CONNECTIONS_PER_SUBSCRIBER",
        default_value_t = 20,
        value_name = "NUMBER"
    )]
    pub max_connections_per_subscriber: usize,
    /// Who may ask for the schema by introspection.
    #[arg(long, env = "PORTICO_INTROSPECTION", value_enum, default_value_t = Introspection::Everyone)]
    pub introspection: Introspection,
    /// File with the documents that developers and those who are not signed in may send, and no others: JSON that leads
    /// from the SHA-256 of each document to its text. Read at start and on SIGHUP. Default: any document.
    #[arg(long, env = "PORTICO_TRUSTED_DOCUMENTS", value_name = "FILE")]
    pub trusted_documents: Option<PathBuf>,
    /// Bytes of memory for documents that clients send once and name by their hash afterwards (automatic persisted
    /// queries); 0 keeps none.
    #[arg(
        long,
        env = "PORTICO_PERSISTED_QUERY_BYTES",
        default_value_t = 16 * 1024 * 1024,
        value_name = "BYTES"
    )]
    pub persisted_query_bytes: u64,
    /// Seconds for which caches in front may show answers to queries by GET without a token that hold nothing but the
    /// catalog, as strangers see it; 0: not at all.
    #[arg(long, env = "PORTICO_PUBLIC_MAX_AGE", default_value_t = 0, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=86_400))]
    pub public_max_age: u64,
}

impl Default for QueryOptions {
    fn default() -> Self {
        const HUNDRED_SECONDS: Duration = Duration::from_secs(100);
        let budget = |cost| QueryBudget(NonZeroU64::new(cost).map(|cost| Budget::new(cost, HUNDRED_SECONDS)));
        Self {
            max_query_depth: 15,
            max_query_cost: 10_000,
            max_query_aliases: 50,
            max_query_directives: 50,
            max_query_tokens: 10_000,
            max_body_bytes: 1024 * 1024,
            max_admin_body_bytes: 6 * 1024 * 1024,
            query_budget: budget(200_000),
            admin_query_budget: budget(2_000_000),
            max_connections_per_subscriber: 20,
            introspection: Introspection::Everyone,
            trusted_documents: None,
            persisted_query_bytes: 16 * 1024 * 1024,
            public_max_age: 0,
        }
    }
}

/// The budgets do not suit the bound of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{flag} is less than --max-query-cost ({max_query_cost}), so that some operations could never run; raise it, lower \
     --max-query-cost, or set it to 0 for no bound"
)]
pub struct BudgetTooSmall {
    flag: &'static str,
    max_query_cost: u32,
}

impl QueryOptions {
    /// The bounds of one operation.
    #[must_use]
    pub fn limits(&self) -> QueryLimits {
        let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        QueryLimits {
            tokens: number(self.max_query_tokens),
            depth: number(self.max_query_depth),
            cost: number(self.max_query_cost),
            aliases: number(self.max_query_aliases),
            directives: number(self.max_query_directives),
            ..QueryLimits::default()
        }
    }

    /// The bounds of a request's body.
    #[must_use]
    pub fn body_limits(&self) -> BodyLimits {
        let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        BodyLimits {
            admins: number(self.max_admin_body_bytes),
            others: number(self.max_body_bytes),
        }
    }

    /// What operations may cost over time.
    ///
    /// # Errors
    /// [`BudgetTooSmall`] when one operation may cost more than a whole budget.
    pub fn budgets(&self) -> Result<BudgetLimits, BudgetTooSmall> {
        let suits = |flag, QueryBudget(budget): QueryBudget| match budget {
            Some(budget) if budget.cost.get() < u64::from(self.max_query_cost) => Err(BudgetTooSmall {
                flag,
                max_query_cost: self.max_query_cost,
            }),
            Some(_) | None => Ok(budget),
        };
        Ok(BudgetLimits {
            callers: suits("--query-budget", self.query_budget)?,
            admins: suits("--admin-query-budget", self.admin_query_budget)?,
        })
    }

    /// For how long caches in front may show what is everybody's, if at all.
    #[must_use]
    pub fn public_max_age(&self) -> Option<Duration> {
        (self.public_max_age > 0).then(|| Duration::from_secs(self.public_max_age))
    }
}

/// A budget as it is written; `None`: no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryBudget(pub Option<Budget>);

const BUDGET_EXPECTED: &str =
    "expected cost at once / seconds until as much again, such as 200000/100, from 1/1 to 1000000000/86400; or 0";

/// Reads `200000/100`: 200,000 at once, and as much again in every 100 seconds. `0` is no bound.
impl FromStr for QueryBudget {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "0" {
            return Ok(Self(None));
        }
        let (cost, seconds) = text.split_once('/').ok_or(BUDGET_EXPECTED)?;
        let cost: Option<NonZeroU64> = cost
            .parse()
            .ok()
            .filter(|cost: &NonZeroU64| cost.get() <= 1_000_000_000);
        let seconds = seconds.parse().ok().filter(|seconds| (1..=86_400).contains(seconds));
        match (cost, seconds) {
            (Some(cost), Some(seconds)) => Ok(Self(Some(Budget::new(cost, Duration::from_secs(seconds))))),
            _ => Err(BUDGET_EXPECTED),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        options: QueryOptions,
    }

    fn parsed(arguments: &[&str]) -> Result<QueryOptions, clap::Error> {
        let all = std::iter::once("portico").chain(arguments.iter().copied());
        Command::try_parse_from(all).map(|command| command.options)
    }

    #[test]
    fn the_flags_defaults_are_the_defaults() {
        let (flags, default) = (parsed(&[]).unwrap(), QueryOptions::default());
        assert_eq!(format!("{flags:?}"), format!("{default:?}"));
        assert_eq!(default.limits(), QueryLimits::default());
        assert_eq!(
            default.body_limits(),
            BodyLimits {
                admins: 6 * 1024 * 1024,
                others: 1024 * 1024
            }
        );
        assert_eq!(default.public_max_age(), None);
    }

    #[test]
    fn a_budget_is_cost_and_seconds_or_none() {
        let options = parsed(&["--query-budget", "50000/60", "--admin-query-budget", "0"]).unwrap();
        let expected = Budget::new(NonZeroU64::new(50_000).unwrap(), Duration::from_secs(60));
        let limits = options.budgets().unwrap();
        assert_eq!((limits.callers, limits.admins), (Some(expected), None));
        let small = parsed(&["--query-budget", "9999/60"]).unwrap().budgets().unwrap_err();
        assert!(
            small
                .to_string()
                .contains("--query-budget is less than --max-query-cost (10000)")
        );
        assert!(
            parsed(&["--query-budget", "9999/60", "--max-query-cost", "9999"])
                .unwrap()
                .budgets()
                .is_ok()
        );
    }

    #[test]
    fn bad_values_are_refused() {
        for arguments in [
            ["--query-budget", ""],
            ["--query-budget", "10"],
            ["--query-budget", "0/10"],
            ["--query-budget", "10/0"],
            ["--query-budget", "-1/9"],
            ["--admin-query-budget", "1000000001/1"],
            ["--max-query-depth", "33"],
            ["--max-query-depth", "0"],
            ["--max-query-cost", "0"],
            ["--max-query-tokens", "100001"],
            ["--max-body-bytes", "1000"],
            ["--introspection", "off"],
            ["--public-max-age", "-1"],
        ] {
            assert!(parsed(&arguments).is_err(), "{arguments:?}");
        }
    }
}
