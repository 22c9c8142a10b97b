//! What this node tells the gateways of the fleet, and hears from them.
//!
//! ```text
//!   change::Follower ──► Hub ──► http (stream) ──► gateways
//!                         ▲                           │
//!   waitForGateways ──────┤                           │
//!                         └── gateway_node ◄── http (report)
//! ```

pub mod gateway_process;
pub mod http;
mod hub;
pub mod node_id;

pub use hub::Hub;
pub(crate) use hub::{Message, Subscription};
