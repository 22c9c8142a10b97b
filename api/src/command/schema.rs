//! `portico schema`: prints the schema, without a database.

use std::io::Write as _;

use super::CommandError;

pub(super) fn run() -> Result<(), CommandError> {
    std::io::stdout().write_all(crate::graphql::sdl().as_bytes())?;
    Ok(())
}
