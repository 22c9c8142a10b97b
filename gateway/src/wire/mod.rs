//! What the control plane and the gateways of the fleet say to each other, as JSON lines.
//!
//! ```text
//!   control plane ── GET /gateway/v1/stream ──►  begin, records…, end, then change… and heartbeat…   ──► gateway
//!   control plane ◄─ POST /gateway/v1/report ──  what it enforces, how it is, which credentials were used
//! ```
//!
//! The types here are the wire's own, apart from [`crate::record`], so that neither changes the other unseen. A record
//! with a field or a value that this version does not know is not read by halves: it closes what it stands for (see
//! [`decode`]). So a control plane that is newer than its gateways closes what they would get wrong.

pub mod decode;
pub mod frame;
pub mod record;
pub mod report;
mod text;
