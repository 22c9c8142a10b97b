//! `portico backup`: copies the database, also while the server runs.

use std::path::Path;

use super::CommandError;
use crate::{
    config::StorageOptions,
    database::{Database, backup},
};

pub(super) async fn run(storage: &StorageOptions, file: &Path) -> Result<(), CommandError> {
    let database = Database::connect(&storage.url()).await?;
    backup::to_file(&database, file).await?;
    database.close().await?;
    anstream::println!("Backed up to {}.", file.display());
    Ok(())
}
