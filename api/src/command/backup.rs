//! `portico backup`: copies the database, also while the server runs.

use std::path::Path;

use super::CommandError;
use crate::{
    config::StorageOptions,
    database::{Database, backup, postgres_dump},
};

pub(super) async fn run(storage: &StorageOptions, file: &Path) -> Result<(), CommandError> {
    let url = storage.url();
    if url.starts_with("sqlite:") {
        let database = Database::connect(&url).await?;
        backup::to_file(&database, file).await?;
        database.close().await?;
    } else {
        postgres_dump::to_file(&url, file)?;
    }
    anstream::println!("Backed up to {}.", file.display());
    Ok(())
}
