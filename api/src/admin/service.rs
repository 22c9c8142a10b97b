//! What operators do with admins' accounts: make them, and give them new passwords.

use std::sync::Arc;

use domain::{Refusal, RefusalCode, audit::AuditAction, email, email::NormalisedEmail, id::AdminId, password, text};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::store;
pub use super::store::AdminRecord;
use crate::{
    audit::record::AuditRecord,
    change::{Follower, Subject},
    context::CallContext,
    database::{Database, WriteTransaction},
    error::{ServiceError, StoreError},
    session::{
        password::{HashedPassword, PasswordHasher},
        realm::AccountId,
        store as session_store,
    },
};

/// Whose hands are at work, as audit events name them.
const OPERATOR: &str = "operator";

/// What accounts of admins are kept with. The command line has this much of a server, no more.
#[derive(Clone)]
pub struct AdminAccounts {
    /// The database.
    pub database: Database,
    /// What is told of changes.
    pub follower: Arc<Follower>,
    /// What hashes passwords.
    pub passwords: PasswordHasher,
}

/// An admin to be.
#[derive(Clone, Debug)]
pub struct NewAdmin {
    /// The e-mail address to sign in with.
    pub email: String,
    /// The name.
    pub full_name: String,
    /// The password.
    pub password: SecretString,
}

impl AdminAccounts {
    /// Makes an admin's account, as an operator on the command line.
    ///
    /// # Errors
    /// Refusals at `email`, `fullName` and `password`; `TAKEN` when an admin has the e-mail address.
    pub async fn create(&self, new: NewAdmin) -> Result<AdminRecord, ServiceError> {
        let call = CallContext::internal();
        let (admin, password) = self.prepare(&call, new).await?;
        let transaction = self.write().await?;
        insert(transaction, &call, OPERATOR, &admin, &password)
            .await?
            .commit()
            .await?;
        Ok(admin)
    }

    /// Gives an admin a new password and ends all of their sessions, as an operator on the command line.
    ///
    /// # Errors
    /// `NOT_FOUND` at `email`; refusals at `password`.
    pub async fn reset_password(&self, email: &str, password: SecretString) -> Result<AdminRecord, ServiceError> {
        let call = CallContext::internal();
        let found = store::find_to_authenticate(self.database.read(), &NormalisedEmail::of(email)).await?;
        let Some((admin, _)) = found else {
            return Err(Refusal::at("email", RefusalCode::NotFound, "No admin has this e-mail address.").into());
        };
        password::check("password", password.expose_secret(), &admin.email, &admin.full_name)?;
        let hash = self.passwords.hash(password).await?;
        let mut transaction = self.write().await?;
        store::set_password(&*transaction, admin.id, &hash).await?;
        for session in session_store::end_all_of(&*transaction, AccountId::Admin(admin.id), None, call.now).await? {
            transaction.changed(Subject::Session, session.uuid());
        }
        transaction.audit(AuditRecord::new(&call, AuditAction::AdminResetPassword, admin.id).by(OPERATOR));
        transaction.commit().await?;
        Ok(admin)
    }

    pub(super) async fn write(&self) -> Result<WriteTransaction, ServiceError> {
        Ok(WriteTransaction::begin(&self.database, Arc::clone(&self.follower)).await?)
    }

    /// Checks what was given and hashes the password, before the database's one writer is taken.
    pub(super) async fn prepare(
        &self,
        call: &CallContext,
        new: NewAdmin,
    ) -> Result<(AdminRecord, HashedPassword), ServiceError> {
        let mut refusals = Vec::new();
        let email = email::email("email", &new.email).map_err(|refusal| refusals.push(refusal));
        let full_name = text::name("fullName", &new.full_name).map_err(|refusal| refusals.push(refusal));
        let checked = password::check("password", new.password.expose_secret(), &new.email, &new.full_name)
            .map_err(|refusal| refusals.push(refusal));
        let (Ok(email), Ok(full_name), Ok(())) = (email, full_name, checked) else {
            return Err(refusals.into());
        };
        let admin = AdminRecord {
            id: AdminId::new(),
            email,
            full_name,
            created_at: call.now,
        };
        Ok((admin, self.passwords.hash(new.password).await?))
    }
}

/// Writes a new admin into the transaction, and gives it back to be committed.
pub(super) async fn insert(
    mut transaction: WriteTransaction,
    call: &CallContext,
    actor: &'static str,
    admin: &AdminRecord,
    password: &HashedPassword,
) -> Result<WriteTransaction, ServiceError> {
    match store::insert(&*transaction, admin, password).await {
        Ok(()) => {}
        Err(StoreError::Duplicate(_)) => {
            return Err(Refusal::at("email", RefusalCode::Taken, "An admin has this e-mail address already.").into());
        }
        Err(error @ (StoreError::Unavailable(_) | StoreError::Failed(_) | StoreError::Corrupt(_))) => {
            return Err(error.into());
        }
    }
    transaction.audit(
        AuditRecord::new(call, AuditAction::AdminCreate, admin.id)
            .by(actor)
            .after(json!({ "email": admin.email, "fullName": admin.full_name })),
    );
    transaction.changed(Subject::Admin, admin.id.uuid());
    Ok(transaction)
}
