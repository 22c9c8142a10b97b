//! PostgreSQL's notifications (<https://www.postgresql.org/docs/current/sql-notify.html>): hints between nodes.

use std::sync::Arc;

use sea_orm::{
    ConnectionTrait as _, DbBackend, DbErr, RuntimeErr, Statement,
    sqlx::{
        self,
        postgres::{PgConnectOptions, PgListener, PgPoolOptions},
    },
};

use super::{ACQUIRE_TIMEOUT, Database};
use crate::error::StoreError;

/// A connection that listens to one channel.
pub(crate) struct Listener(PgListener);

impl Listener {
    /// The next notification's payload; `None` when the connection was lost.
    ///
    /// # Errors
    /// [`StoreError`] when it was lost with words.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, StoreError> {
        let notification = self.0.try_recv().await.map_err(failed)?;
        Ok(notification.map(|notification| notification.payload().to_owned()))
    }
}

impl Database {
    /// How to connect to PostgreSQL beside the pools.
    pub(crate) fn postgres_options(&self) -> Arc<PgConnectOptions> {
        self.follower.sea_orm.get_postgres_connection_pool().connect_options()
    }

    /// Listens to a channel, on a connection beside the pools.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer. Only PostgreSQL has notifications.
    pub(crate) async fn listen(&self, channel: &str) -> Result<Listener, StoreError> {
        let options = self.postgres_options();
        // Kept for as long as the server lives, however long it hears nothing.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with((*options).clone())
            .await
            .map_err(failed)?;
        let mut listener = PgListener::connect_with(&pool).await.map_err(failed)?;
        listener.eager_reconnect(false);
        listener.listen(channel).await.map_err(failed)?;
        Ok(Listener(listener))
    }

    /// Notifies who listens to the channel right now.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub(crate) async fn notify(&self, channel: &str, payload: &str) -> Result<(), StoreError> {
        let values = [channel.into(), payload.into()];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, "SELECT pg_notify($1, $2)", values);
        self.follower.execute_raw(statement).await?;
        Ok(())
    }
}

fn failed(error: sqlx::Error) -> StoreError {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))).into()
}
