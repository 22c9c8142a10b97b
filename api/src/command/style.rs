//! Colours of what the commands print; `anstream` leaves them out where the terminal has none.

use anstyle::{AnsiColor, Style};

/// A failure.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// A step that was done.
pub const DONE: Style = AnsiColor::Green.on_default().bold();
/// What is quoted: ids, addresses, commands.
pub const VALUE: Style = AnsiColor::Cyan.on_default();
/// A heading.
pub const HEADING: Style = Style::new().bold();
/// What matters less.
pub const FAINT: Style = Style::new().dimmed();
