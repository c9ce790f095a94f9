//! Who is subscribed to a feed and waits to be woken, or to be handed events.

use std::task::Waker;

use super::idle_sockets::{IdleSocket, Left};
use super::tail::{Ends, Ready};
use crate::domain::Seq;

/// A place at a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

#[derive(Debug)]
enum Slot {
    Free,
    Taken(Waiting),
}

#[derive(Debug, Default)]
struct Waiting {
    waker: Option<Waker>,
    idle: Option<IdleSocket>,
}

impl Waiting {
    /// Hands over what there is, and says whether the socket has to look for itself.
    fn looks(&mut self, ledgers: u64, known: &mut Known<impl FnMut(Seq) -> Ready>, turn: &mut Turn) -> bool {
        let Some(idle) = &mut self.idle else {
            return true;
        };
        if !idle.is_ready(ledgers) {
            return true;
        }
        match known.after(idle.after()) {
            Ready::Chunk { chunk, ends } => {
                let written = idle.serve(chunk);
                turn.served = turn.served.saturating_add(1);
                turn.bytes = turn.bytes.saturating_add(written);
                *ends == Ends::Before || written < chunk.bytes.len()
            }
            Ready::Nothing => false,
            Ready::Elsewhere => true,
        }
    }
}

/// Sockets beside each other stand at the same position, with few exceptions.
struct Known<F> {
    ready: F,
    last: Option<(Seq, Ready)>,
}

impl<F: FnMut(Seq) -> Ready> Known<F> {
    fn after(&mut self, after: Seq) -> &Ready {
        let known = self.last.take().filter(|(of, _)| *of == after);
        let (_, ready) = self
            .last
            .insert(known.unwrap_or_else(|| (after, (self.ready)(after))));
        ready
    }
}

/// What was done in one turn of a round.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Who has to be woken, once nothing is borrowed any more.
    pub(super) wakers: Vec<Waker>,
    /// How many were handed events.
    pub(super) served: usize,
    /// The bytes that they took.
    pub(super) bytes: usize,
}

/// The places at one feed. Waking takes all wakers at once, so nobody is woken twice for one event.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    slots: Vec<Slot>,
    free: Vec<usize>,
}

impl Subscriptions {
    /// Takes a place.
    pub(super) fn subscribe(&mut self) -> Place {
        let taken = Slot::Taken(Waiting::default());
        if let Some(place) = self.free.pop()
            && let Some(slot) = self.slots.get_mut(place)
        {
            *slot = taken;
            return Place(place);
        }
        self.slots.push(taken);
        Place(self.slots.len().saturating_sub(1))
    }

    /// Gives a place up.
    pub(super) fn leave(&mut self, place: Place) {
        if let Some(slot) = self.slots.get_mut(place.0) {
            *slot = Slot::Free;
            self.free.push(place.0);
        }
        if self.is_empty() {
            // After a crowd has left, its room is given back.
            *self = Self::default();
        }
    }

    /// Wakes this one when the next event comes.
    pub(super) fn wait(&mut self, place: Place, waker: &Waker) {
        if let Some(Slot::Taken(waiting)) = self.slots.get_mut(place.0) {
            match &mut waiting.waker {
                Some(known) => known.clone_from(waker),
                None => waiting.waker = Some(waker.clone()),
            }
        }
    }

    /// Hands this one the next events, until it is taken back.
    pub(super) fn stand_by(&mut self, place: Place, idle: IdleSocket) {
        if let Some(Slot::Taken(waiting)) = self.slots.get_mut(place.0) {
            waiting.idle = Some(idle);
        }
    }

    /// Ends standing by, and says how far it got.
    pub(super) fn take_back(&mut self, place: Place) -> Option<Left> {
        match self.slots.get_mut(place.0) {
            Some(Slot::Taken(waiting)) => waiting.idle.take().map(IdleSocket::into_left),
            _ => None,
        }
    }

    /// Moves all wakers to `out`: they are to be woken once nothing is borrowed any more.
    pub(super) fn drain(&mut self, out: &mut Vec<Waker>) {
        out.extend(self.slots.iter_mut().filter_map(|slot| match slot {
            Slot::Taken(waiting) => waiting.waker.take(),
            Slot::Free => None,
        }));
    }

    /// The same for the places from one on, `count` at most. Gives the place to go on from, if there is one.
    pub(super) fn drain_some(&mut self, from: usize, count: usize, out: &mut Vec<Waker>) -> Option<usize> {
        let slots = self.slots.iter_mut().skip(from).take(count);
        out.extend(slots.filter_map(|slot| match slot {
            Slot::Taken(waiting) => waiting.waker.take(),
            Slot::Free => None,
        }));
        let to = from.saturating_add(count);
        (to < self.slots.len()).then_some(to)
    }

    /// Serves the places from one on, `count` at most: those that stand by are handed what `ready` has for them, the
    /// others are to be woken. Gives the place to go on from, if there is one.
    pub(super) fn serve(
        &mut self,
        from: usize,
        count: usize,
        ledgers: u64,
        ready: impl FnMut(Seq) -> Ready,
        turn: &mut Turn,
    ) -> Option<usize> {
        let mut known = Known { ready, last: None };
        let slots = self.slots.iter_mut().skip(from).take(count);
        for slot in slots {
            let Slot::Taken(waiting) = slot else { continue };
            if waiting.looks(ledgers, &mut known, turn) {
                turn.wakers.extend(waiting.waker.take());
            }
        }
        let to = from.saturating_add(count);
        (to < self.slots.len()).then_some(to)
    }

    /// How many places are taken.
    pub(super) fn len(&self) -> usize {
        self.slots.len().saturating_sub(self.free.len())
    }

    /// Whether nobody sits here.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_who_waits_is_woken_once_and_nobody_who_left() {
        let mut subscriptions = Subscriptions::default();
        let (one, two, three) = (
            subscriptions.subscribe(),
            subscriptions.subscribe(),
            subscriptions.subscribe(),
        );
        for place in [one, two, one] {
            subscriptions.wait(place, Waker::noop());
        }
        subscriptions.leave(two);
        let mut woken = Vec::new();
        assert_eq!(subscriptions.drain_some(1, 2, &mut woken), None);
        assert_eq!(
            (woken.len(), subscriptions.drain_some(0, 2, &mut woken)),
            (0, Some(2))
        );
        assert_eq!(woken.len(), 1);
        subscriptions.drain(&mut woken);
        assert_eq!(woken.len(), 1);
        assert_eq!(
            subscriptions.subscribe(),
            two,
            "a place that was given up is used again"
        );
        subscriptions.leave(one);
        subscriptions.leave(two);
        subscriptions.leave(three);
        assert!(subscriptions.is_empty());
    }
}
