//! Properties of the whole system: a small pure portal, any actions by any actors in any order, time passing.
//!
//! [`world`] holds the state; [`service`] does what the services do, with the rules of the domain. [`ledger`] watches
//! from outside: it looks only at what changed between two worlds, and keeps its own record of what people decided.

mod action;
mod ledger;
mod properties;
mod service;
mod world;
