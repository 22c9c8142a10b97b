//! `portico schema`: prints the schema, without a database; and what is documented from the code besides.

use std::io::Write as _;

use super::CommandError;
use crate::{config::ErrorTable, graphql::error_reference};

pub(super) fn run() -> Result<(), CommandError> {
    std::io::stdout().write_all(crate::graphql::sdl().as_bytes())?;
    Ok(())
}

pub(super) fn error_codes(table: ErrorTable) -> Result<(), CommandError> {
    let table = match table {
        ErrorTable::User => error_reference::user_errors(),
        ErrorTable::TopLevel => error_reference::top_level_errors(),
    };
    std::io::stdout().write_all(table.as_bytes())?;
    Ok(())
}
