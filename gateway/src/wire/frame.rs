//! The stream's lines.
//!
//! ```text
//!   begin ─► records* ─► end ─┬─► change ─┐
//!                             ├─► heartbeat ─┤
//!                             └◄─────────────┘
//! ```

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::record::Record;
use crate::record::Update;

/// The format that this version speaks. Another one is not read.
pub const FORMAT: u32 = 1;

/// The longest line that is read, in bytes.
pub const MAX_LINE: usize = 16 * 1024 * 1024;

/// How many records a line of a full snapshot holds.
const RECORDS_PER_LINE: usize = 500;

/// One line. `R` is [`Record`] where it is written, and its text where it is read: each record is decoded by itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Frame<R> {
    /// A full snapshot begins.
    Begin {
        /// See [`FORMAT`].
        format: u32,
    },
    /// A part of the full snapshot.
    Records {
        /// Objects that are there.
        records: Vec<R>,
    },
    /// The full snapshot is complete.
    End {
        /// Which state of the control plane it is; opaque to gateways.
        position: String,
        /// The control plane's time, in milliseconds since the Unix epoch.
        time: i64,
    },
    /// Objects changed.
    Change {
        /// Which state of the control plane is reached with them.
        position: String,
        /// The control plane's time.
        time: i64,
        /// Their present state.
        records: Vec<R>,
    },
    /// Nothing changed that gateways know of. Sent every second, so that silence is known for a broken line.
    Heartbeat {
        /// Which state of the control plane it is by now.
        position: String,
        /// The control plane's time.
        time: i64,
    },
}

/// A line as a gateway reads it.
pub type ReadFrame = Frame<Box<RawValue>>;

/// A line as the control plane writes it.
pub type WrittenFrame = Frame<Record>;

impl WrittenFrame {
    /// The change that these updates are.
    #[must_use]
    pub fn change(position: String, time: Timestamp, updates: &[Update]) -> Self {
        Self::Change {
            position,
            time: time.as_millis(),
            records: updates.iter().cloned().map(Record::from).collect(),
        }
    }

    /// The line, its end included.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        // Text, numbers and lists alone: this cannot fail, and an empty line would end the stream where it is read.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// The lines of a full snapshot, made one at a time as they are taken.
pub fn full(position: String, time: Timestamp, updates: impl Iterator<Item = Update>) -> impl Iterator<Item = Vec<u8>> {
    let mut updates = updates.map(Record::from).peekable();
    let records = std::iter::from_fn(move || {
        updates.peek()?;
        let records = updates.by_ref().take(RECORDS_PER_LINE).collect();
        Some(WrittenFrame::Records { records }.line())
    });
    let begin = WrittenFrame::Begin { format: FORMAT }.line();
    let end = WrittenFrame::End {
        position,
        time: time.as_millis(),
    };
    std::iter::once(begin).chain(records).chain(std::iter::once(end.line()))
}
