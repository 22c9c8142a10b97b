//! How many connections there may be, from where and of whom.

use std::net::IpAddr;

use super::LiveLimits;
use crate::{
    budget::{Connection, Connections, Payer, TooManyConnections},
    http::client_address::Network,
    session::in_flight::{InFlight, UnderWay},
};

/// Counts the connections.
#[derive(Debug)]
pub(crate) struct Admission {
    limits: LiveLimits,
    all: InFlight<()>,
    event_streams: InFlight<()>,
    newcomers: InFlight<()>,
    newcomers_of_addresses: InFlight<Network>,
    addresses: InFlight<Network>,
    subscribers: Connections,
}

/// A connection's place among those of its address, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _of_all: UnderWay<()>,
    _of_event_streams: Option<UnderWay<()>>,
    _of_address: Option<UnderWay<Network>>,
}

/// A place for as long as nobody has said who it is, until it is dropped.
#[derive(Debug)]
pub(crate) struct NewcomersPlace {
    _of_all: UnderWay<()>,
    _of_address: Option<UnderWay<Network>>,
}

/// There are too many connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("There are too many live connections. Close some, or try again later.")]
pub(crate) struct Crowded;

impl Admission {
    pub(super) fn new(limits: LiveLimits, per_subscriber: usize) -> Self {
        Self {
            limits,
            all: InFlight::default(),
            event_streams: InFlight::default(),
            newcomers: InFlight::default(),
            newcomers_of_addresses: InFlight::default(),
            addresses: InFlight::default(),
            subscribers: Connections::new(per_subscriber),
        }
    }

    /// A place for one more connection from this address, whoever it is.
    pub(super) fn connection(&self, address: Option<IpAddr>) -> Result<Place, Crowded> {
        let of_address = address
            .map(|address| {
                let limit = self.limits.connections_per_address;
                self.addresses.begin(Network::of(address), limit).ok_or(Crowded)
            })
            .transpose()?;
        Ok(Place {
            _of_all: self.all.begin((), self.limits.connections).ok_or(Crowded)?,
            _of_event_streams: None,
            _of_address: of_address,
        })
    }

    /// A place for one more event stream from this address, whoever it is.
    pub(super) fn event_stream(&self, address: Option<IpAddr>) -> Result<Place, Crowded> {
        let of_event_streams = self.event_streams.begin((), self.limits.event_streams).ok_or(Crowded)?;
        Ok(Place {
            _of_event_streams: Some(of_event_streams),
            ..self.connection(address)?
        })
    }

    /// A place for one more connection from this address that is still to say who it is.
    pub(super) fn newcomer(&self, address: Option<IpAddr>) -> Result<NewcomersPlace, Crowded> {
        let of_address = address.map(|address| {
            let limit = self.limits.newcomers_per_address;
            self.newcomers_of_addresses
                .begin(Network::of(address), limit)
                .ok_or(Crowded)
        });
        Ok(NewcomersPlace {
            _of_all: self.newcomers.begin((), self.limits.newcomers).ok_or(Crowded)?,
            _of_address: of_address.transpose()?,
        })
    }

    /// A place for one more connection of this subscriber.
    pub(super) fn subscriber(&self, subscriber: Payer) -> Result<Connection, TooManyConnections> {
        self.subscribers.open(subscriber)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_holds_by_itself_and_places_come_back() {
        let limits = LiveLimits {
            connections: 3,
            connections_per_address: 2,
            ..LiveLimits::default()
        };
        let admission = Admission::new(limits, 1);
        let address = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let first = admission.connection(address("2001:db8::1")).unwrap();
        let _second = admission.connection(address("2001:db8::2")).unwrap();
        // One network of 64 bits is one customer.
        assert!(admission.connection(address("2001:db8::3")).is_err());
        let third = admission.connection(address("192.0.2.1")).unwrap();
        assert!(admission.connection(address("192.0.2.2")).is_err(), "the node is full");
        drop(third);
        drop(first);
        assert!(admission.connection(address("2001:db8::3")).is_ok());
    }

    #[test]
    fn event_streams_leave_places_for_others() {
        let limits = LiveLimits {
            event_streams: 1,
            ..LiveLimits::default()
        };
        let admission = Admission::new(limits, 1);
        let stream = admission.event_stream(None).unwrap();
        assert!(admission.event_stream(None).is_err());
        assert!(admission.connection(None).is_ok(), "a websocket is none");
        drop(stream);
        assert!(admission.event_stream(None).is_ok());
    }

    #[test]
    fn who_says_nothing_takes_few_places() {
        let limits = LiveLimits {
            newcomers: 3,
            newcomers_per_address: 2,
            ..LiveLimits::default()
        };
        let admission = Admission::new(limits, 1);
        let (home, elsewhere) = (Some([192, 0, 2, 1].into()), Some([192, 0, 2, 2].into()));
        let first = admission.newcomer(home).unwrap();
        let _second = admission.newcomer(home).unwrap();
        assert!(admission.newcomer(home).is_err());
        let _third = admission.newcomer(elsewhere).unwrap();
        assert!(admission.newcomer(elsewhere).is_err(), "the node has enough");
        drop(first);
        assert!(admission.newcomer(home).is_ok());
    }
}
