//! `portico migrate`: brings the database to the present shape.

use super::CommandError;
use crate::{
    config::StorageOptions,
    data_directory::DataDirectory,
    database::{Database, backup},
    server::StartError,
};

pub(super) async fn run(storage: &StorageOptions) -> Result<(), CommandError> {
    let directory = DataDirectory::lock(&storage.data_dir).map_err(StartError::from)?;
    if storage.database_url.is_none() {
        directory.prepare_database().map_err(StartError::from)?;
    }
    let database = Database::connect(&storage.url()).await?;
    if let Some(copy) = backup::before_migration(&database, directory.path()).await? {
        anstream::println!("Backed up to {}.", copy.display());
    }
    if database.needs_migration().await? {
        database.migrate().await?;
        anstream::println!("The database has its present shape.");
    } else {
        anstream::println!("The database has its present shape already.");
    }
    Ok(database.close().await?)
}
