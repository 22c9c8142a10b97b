//! Pages: the arguments of a list, after the Relay cursor connections specification
//! (<https://relay.dev/graphql/connections.htm>).

/// Rows on a page when none is asked for.
pub const DEFAULT_SIZE: u32 = 20;

/// The most rows on a page.
pub const MAX_SIZE: u32 = 100;

/// Which part of a list is wanted. The cursors are opaque here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// How many rows at most, 1 to 100.
    pub size: u32,
    /// Counted from the end of the range between the cursors, not from its start.
    pub backward: bool,
    /// Only rows after this cursor, in the list's order.
    pub after: Option<String>,
    /// Only rows before this cursor, in the list's order.
    pub before: Option<String>,
}

/// Why a page's arguments are refused. Its text says what to do (`BAD_USER_INPUT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPage {
    /// Both ends at once.
    #[error("Pass first or last, not both.")]
    FirstAndLast,
    /// `first` or `last` is too small or too large.
    #[error("{argument} is {value}; it must be from 1 to {MAX_SIZE}.")]
    OutOfRange {
        /// `first` or `last`.
        argument: &'static str,
        /// What was passed.
        value: i32,
    },
}

impl Page {
    /// Reads a list's arguments. Without `first` and `last` a page has 20 rows: the last ones before `before` when
    /// only that cursor is given (paging back), else the first ones.
    ///
    /// # Errors
    /// [`InvalidPage`] when both `first` and `last` are given or one is not from 1 to 100.
    pub fn new(
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Self, InvalidPage> {
        let (size, backward) = match (first, last) {
            (Some(_), Some(_)) => return Err(InvalidPage::FirstAndLast),
            (Some(first), None) => (size("first", first)?, false),
            (None, Some(last)) => (size("last", last)?, true),
            (None, None) => (DEFAULT_SIZE, before.is_some() && after.is_none()),
        };
        Ok(Self {
            size,
            backward,
            after,
            before,
        })
    }
}

fn size(argument: &'static str, value: i32) -> Result<u32, InvalidPage> {
    u32::try_from(value)
        .ok()
        .filter(|size| (1..=MAX_SIZE).contains(size))
        .ok_or(InvalidPage::OutOfRange { argument, value })
}
