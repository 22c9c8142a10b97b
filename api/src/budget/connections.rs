//! How many connections for live updates one subscriber may hold.

use super::Payer;
use crate::session::in_flight::{InFlight, UnderWay};

/// Counts the connections of all subscribers. Clones count together. Holds an entry only for who has a connection.
#[derive(Clone, Debug)]
pub struct Connections {
    open: InFlight<Payer>,
    at_most: usize,
}

/// A place for one connection, until it is dropped.
#[derive(Debug)]
#[must_use = "the place is given back when this is dropped"]
pub struct Connection(#[expect(dead_code, reason = "held for its drop")] UnderWay<Payer>);

/// The subscriber holds as many connections as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("There are {at_most} connections open already. Close one of them, or use one for several subscriptions.")]
pub struct TooManyConnections {
    /// The most that one subscriber may hold.
    pub at_most: usize,
}

impl Connections {
    /// `at_most` connections for each subscriber.
    #[must_use]
    pub fn new(at_most: usize) -> Self {
        Self {
            open: InFlight::default(),
            at_most,
        }
    }

    /// Takes a place for one more connection of this subscriber.
    ///
    /// # Errors
    /// [`TooManyConnections`] when there is none.
    pub fn open(&self, subscriber: Payer) -> Result<Connection, TooManyConnections> {
        self.open
            .begin(subscriber, self.at_most)
            .map(Connection)
            .ok_or(TooManyConnections { at_most: self.at_most })
    }
}

#[cfg(test)]
mod tests {
    use domain::{developer::DeveloperStatus, id::DeveloperId, viewer::Viewer};

    use super::*;

    #[test]
    fn each_account_and_each_address_has_so_many() {
        let connections = Connections::new(2);
        let home = Some("192.0.2.1".parse().unwrap());
        let elsewhere = Some("192.0.2.2".parse().unwrap());
        let ada = Viewer::Developer {
            id: DeveloperId::new(),
            status: DeveloperStatus::Approved,
        };
        let first = connections.open(Payer::of(ada, home)).unwrap();
        let _second = connections.open(Payer::of(ada, elsewhere)).unwrap();
        let refused = connections.clone().open(Payer::of(ada, home)).unwrap_err();
        assert_eq!(
            refused,
            TooManyConnections { at_most: 2 },
            "an account is one, wherever it calls from"
        );
        let _stranger = connections.open(Payer::of(Viewer::Anonymous, home)).unwrap();
        let _another = connections.open(Payer::of(Viewer::Anonymous, home)).unwrap();
        assert!(connections.open(Payer::of(Viewer::Anonymous, home)).is_err());
        let _elsewhere = connections.open(Payer::of(Viewer::Anonymous, elsewhere)).unwrap();
        drop(first);
        let _again = connections.open(Payer::of(ada, home)).unwrap();
    }
}
