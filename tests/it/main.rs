//! End-to-end tests: a real server, a real database, real HTTP, driven through the SDK. One file a property;
//! `docs/how-to-add-a-mutation.md` says what goes where.

// What a helper cannot do must fail the test that uses it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod auto_approve;
mod bad_arguments;
mod bad_input;
mod browsers;
mod crash;
mod documents;
mod fleet;
mod flow;
mod frontend;
mod gateway_effects;
mod gateway_equality;
mod graphiql;
mod graphql_over_http;
mod idempotency;
mod in_use;
mod invalid_transition;
mod kept_answers;
mod limits;
mod live;
mod metrics;
mod migrations;
mod persisted_queries;
mod postgres_change_log;
mod postgres_faults;
mod process;
mod proxies;
mod query_budget;
mod query_limits;
mod query_plans;
mod races;
mod refused_requests;
mod sdk;
mod sdk_subscriptions;
mod secrets;
mod session;
mod sigterm;
mod traces;
mod trusted_documents;
mod verify;
mod who_may_call_what;
