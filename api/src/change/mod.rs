//! The change log, and the follower that keeps this node's gateway snapshot and account directory true to it.
//!
//! A row names what changed, never its new value: the follower reads the present state, and removes what is gone. So a
//! row may be applied late, twice or together with later ones, and the result is the same.

mod account_state;
mod backoff;
mod follower;
mod gateway_state;
mod log;
mod position;
mod progress;
mod unknown_subjects;
mod wake;
mod watch;

pub use entity::change::Subject;
pub use follower::Follower;
pub use position::{BadPosition, CommittedChange, Position};
pub use progress::Progress;
pub use watch::{ChangeWatch, Generations, Subjects};
