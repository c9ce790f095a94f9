//! What a lane leaves to the next lane of its number in this process, whatever ended it: what Meta still holds against the
//! number does not end with an actor.

use std::collections::BTreeMap;

use tokio::sync::watch;

use super::circuit_breaker::CircuitBreaker;
use super::pause::Pause;
use crate::domain::PhoneNumberId;
use crate::limiter::PairLimiter;
use crate::store::Number;

/// What is handed over. The number's own limit is not: calls of the earlier lane may still begin to count, so the next one
/// takes the last second for full.
#[derive(Debug)]
pub(super) struct Handover {
    /// The number as that lane knew it: a new token or rate ends a pause.
    pub(super) row: Number,
    pub(super) pair_limit: PairLimiter,
    pub(super) circuit_breaker: CircuitBreaker,
    pub(super) paused: Option<Pause>,
    pub(super) bulk_paused: Option<Pause>,
}

/// Whether a lane of the number ran before, in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Predecessor {
    None,
    Ran,
}

/// The handovers of a tenant's lanes, kept over restarts of its actors. A number that had a lane has an entry.
#[derive(Debug, Clone, Default)]
pub(in crate::actors) struct Handovers(watch::Sender<BTreeMap<PhoneNumberId, Option<Box<Handover>>>>);

impl Handovers {
    /// A lane of the number begins.
    pub(super) fn enter(&self, number: &PhoneNumberId) -> Predecessor {
        let entered_anew = self.0.send_if_modified(|left| {
            let known = left.contains_key(number);
            left.entry(number.clone()).or_default();
            !known
        });
        if entered_anew {
            Predecessor::None
        } else {
            Predecessor::Ran
        }
    }

    /// A lane of the number is over.
    pub(super) fn leave(&self, number: PhoneNumberId, handover: Handover) {
        self.0.send_modify(|left| {
            left.insert(number, Some(Box::new(handover)));
        });
    }

    /// What the earlier lane of the number left, once.
    pub(super) fn take(&self, number: &PhoneNumberId) -> Option<Box<Handover>> {
        let mut taken = None;
        self.0.send_if_modified(|left| {
            taken = left.get_mut(number).and_then(Option::take);
            false
        });
        taken
    }

    /// Says when something is left.
    pub(super) fn watch(&self) -> watch::Receiver<BTreeMap<PhoneNumberId, Option<Box<Handover>>>> {
        self.0.subscribe()
    }
}
