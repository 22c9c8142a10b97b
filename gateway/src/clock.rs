//! The time by which the gateway decides: this machine's, and the control plane's where it is heard.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use domain::{
    Timestamp,
    contact::{ClockReading, Contact},
};

/// The clock that belongs to a snapshot. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    origin: Instant,
    contact: Arc<ArcSwapOption<Contact>>,
}

impl Clock {
    /// This machine's clock, as long as no control plane is heard.
    pub(crate) fn system() -> Self {
        Self {
            origin: Instant::now(),
            contact: Arc::default(),
        }
    }

    /// The time by which expiries are judged; see [`Contact::now`].
    pub(crate) fn now(&self) -> Timestamp {
        match self.contact.load().as_deref() {
            // In the control plane's own process there is one clock.
            None => Timestamp::now(),
            Some(contact) => contact.now(self.reading()),
        }
    }

    /// How long ago the snapshot was known to be true; `None` where no control plane has been heard of, in its own
    /// process.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.contact
            .load()
            .as_deref()
            .map(|contact| contact.age(self.reading()))
    }

    /// Both clocks of this machine, now.
    pub(crate) fn reading(&self) -> ClockReading {
        ClockReading {
            system: Timestamp::now(),
            monotonic: self.origin.elapsed(),
        }
    }

    /// From now on goes by this contact.
    pub(crate) fn note(&self, contact: Contact) {
        self.contact.store(Some(Arc::new(contact)));
    }

    /// The last contact.
    pub(crate) fn contact(&self) -> Option<Contact> {
        self.contact.load().as_deref().copied()
    }
}
