//! `portico admin`: admins' accounts, from the command line, also while the server runs: it follows the change log.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::CommandError;
use crate::{
    admin::{
        first_admin::random_password,
        service::{AdminAccounts, NewAdmin},
    },
    change::Follower,
    config::{AdminCommand, StorageOptions},
    database::Database,
    session::password::PasswordHasher,
};

pub(super) async fn run(command: AdminCommand) -> Result<(), CommandError> {
    match command {
        AdminCommand::Create {
            email,
            full_name,
            password,
            storage,
        } => {
            let (password, made_up) = password_or_random(password);
            let accounts = accounts(&storage).await?;
            let admin = accounts
                .create(NewAdmin {
                    email,
                    full_name,
                    password: password.clone(),
                })
                .await?;
            anstream::println!("Created the admin {} ({}).", admin.email, admin.id);
            tell(made_up, &password);
            Ok(accounts.database.close().await?)
        }
        AdminCommand::ResetPassword {
            email,
            password,
            storage,
        } => {
            let (password, made_up) = password_or_random(password);
            let accounts = accounts(&storage).await?;
            let admin = accounts.reset_password(&email, password.clone()).await?;
            anstream::println!("Set a new password for {}; all sessions have ended.", admin.email);
            tell(made_up, &password);
            Ok(accounts.database.close().await?)
        }
    }
}

async fn accounts(storage: &StorageOptions) -> Result<AdminAccounts, CommandError> {
    let database = Database::connect(&storage.url()).await?;
    if database.needs_migration().await? {
        return Err(CommandError::Refused(
            "The database lacks migrations. Run `portico migrate` first.".to_owned(),
        ));
    }
    // A follower that feeds nobody: the server that runs, if one does, follows the change log by itself.
    let (snapshot, _) = gateway::snapshot::channel();
    let follower = Arc::new(Follower::new(database.clone(), Arc::default(), snapshot));
    Ok(AdminAccounts {
        database,
        follower,
        passwords: PasswordHasher::new()?,
    })
}

fn password_or_random(configured: Option<SecretString>) -> (SecretString, bool) {
    configured.map_or_else(|| (random_password(), true), |password| (password, false))
}

/// Shows a password that was made up: nobody else knows it, and it is not kept.
fn tell(made_up: bool, password: &SecretString) {
    if made_up {
        anstream::println!("The password is {}", password.expose_secret());
    }
}
