//! The proxies that others run, as processes of their own, with the files in `deploy/` as their configuration. Each is
//! compared with Portico's own gateway, call by call.

mod caddy;
mod client;
mod envoy;
mod nginx;
mod program;
mod scene;
mod suite;
mod traefik;
