//! What services answer when they cannot do what was asked.

use domain::Refusal;
use sea_orm::{DbErr, RuntimeErr, sqlx};

/// A service's failure. [`crate::graphql::error`] is the one place that turns it into a GraphQL answer.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A rule said no. Shown as `userErrors` by mutations.
    #[error("refused: {0:?}")]
    Refused(Vec<Refusal>),
    /// Nobody is signed in, or the token is worth nothing.
    #[error("nobody is signed in")]
    Unauthenticated,
    /// The caller is known and may not do this.
    #[error("not allowed")]
    Forbidden,
    /// An argument has the wrong form; the words say which and what to do.
    #[error("bad input: {0}")]
    BadUserInput(String),
    /// Too many tries; the caller may come back after so many seconds.
    #[error("rate limited for {retry_after_seconds} s")]
    RateLimited {
        /// Seconds until another try can succeed.
        retry_after_seconds: u64,
    },
    /// A part that is needed is overloaded or away for now; trying again may work.
    #[error("unavailable: {0}")]
    Unavailable(&'static str),
    /// The database failed, or holds what it should not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A part of the server failed in a way that no caller can mend.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl AsRef<ServiceError> for ServiceError {
    fn as_ref(&self) -> &ServiceError {
        self
    }
}

impl From<Refusal> for ServiceError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal])
    }
}

impl From<Vec<Refusal>> for ServiceError {
    fn from(refusals: Vec<Refusal>) -> Self {
        Self::Refused(refusals)
    }
}

impl From<DbErr> for ServiceError {
    fn from(error: DbErr) -> Self {
        Self::Store(StoreError::from(error))
    }
}

/// The database's failure.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away, its line is full, or it had to end the transaction for another's sake: nothing is wrong
    /// with the statement, and trying again may work.
    #[error("the database is not available")]
    Unavailable(#[source] DbErr),
    /// A unique index refused the row; the constraint's or columns' name as the database tells it.
    #[error("a unique index refused the row: {0}")]
    Duplicate(String),
    /// Any other failure of a statement.
    #[error("the database failed")]
    Failed(#[source] DbErr),
    /// A row holds what no migration and no store would have put there.
    #[error("a row is corrupt: {0}")]
    Corrupt(&'static str),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if let Some(sea_orm::SqlErr::UniqueConstraintViolation(constraint)) = error.sql_err() {
            return Self::Duplicate(constraint);
        }
        let is_away = match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
            DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => is_away(error),
            _ => false,
        };
        if is_away {
            Self::Unavailable(error)
        } else {
            Self::Failed(error)
        }
    }
}

/// Whether the connection failed, or the server said one of
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html> that passes.
fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            let code = code.as_ref();
            // Connection exceptions; too many connections; being shut down or started; read-only, as a standby is;
            // ended for another transaction's sake.
            (code.len() == 5 && code.starts_with("08"))
                || ["53300", "57P01", "57P02", "57P03", "25006", "40001", "40P01"].contains(&code)
        }),
        _ => false,
    }
}
