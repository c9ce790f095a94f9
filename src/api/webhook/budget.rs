//! How much may be in hand at once: webhooks, and bytes of their bodies.

use std::sync::Arc;

use metrics::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::telemetry::metrics as measured;

/// Room for webhooks. Nobody waits for it: Meta comes back.
pub(super) struct Budget {
    places: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    in_flight: Gauge,
}

/// Room that one webhook takes until it is answered.
pub(super) struct Place {
    bytes: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    in_flight: Gauge,
    _place: OwnedSemaphorePermit,
}

impl Budget {
    pub(super) fn new(webhooks: usize, bytes: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(webhooks.min(Semaphore::MAX_PERMITS))),
            bytes: Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))),
            in_flight: measured::webhooks_in_flight(),
        }
    }

    /// Takes a place, if there is one.
    pub(super) fn enter(&self) -> Option<Place> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        self.in_flight.increment(1.0);
        Some(Place {
            bytes: Arc::clone(&self.bytes),
            held: None,
            in_flight: self.in_flight.clone(),
            _place: place,
        })
    }
}

impl Place {
    /// Takes room for more bytes, if there is any.
    pub(super) fn hold(&mut self, more: usize) -> bool {
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.bytes).try_acquire_many_owned(more) else {
            return false;
        };
        match &mut self.held {
            Some(held) => held.merge(room),
            none => *none = Some(room),
        }
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.in_flight.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_webhooks_and_no_more_bytes_are_in_hand_than_allowed() {
        let budget = Budget::new(2, 100);
        let mut one = budget.enter().unwrap();
        let mut two = budget.enter().unwrap();
        assert!(budget.enter().is_none());
        assert!(one.hold(60) && one.hold(10));
        assert!(!two.hold(31));
        assert!(two.hold(30));
        drop(one);
        assert!(two.hold(70) && !two.hold(1));
        drop(two);
        assert!(budget.enter().unwrap().hold(100));
    }
}
