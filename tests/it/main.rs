//! End-to-end tests: a real server, a real database, real HTTP, driven through the SDK. One file a concept.

mod flow;
