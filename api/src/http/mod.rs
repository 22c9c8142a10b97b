//! The HTTP edge: what stands between a socket and the GraphQL schema.
//!
//! Nothing here knows the database or the rules. The schema is reached through [`graphql::GraphqlService`].

pub mod accept;
pub mod actual_cost;
pub mod bearer;
pub mod client_address;
pub mod cors;
pub mod document_hash;
pub mod document_source;
pub mod graphiql;
pub mod graphql;
pub mod health;
pub mod layers;
pub mod listener;
pub mod operation;
pub mod parsed_documents;
pub mod persisted_queries;
pub mod preparation;
pub mod query_cost;
mod query_input;
pub mod query_tokens;
pub mod request_id;
pub mod request_log;
pub mod request_parameters;
pub(crate) mod response_body;
pub mod router;
pub mod security_headers;
pub mod trusted_documents;
pub mod well_known;
