//! What the contract's queries cost the databases: no large table is read from end to end.

mod postgres;
mod queries;
mod sqlite;
