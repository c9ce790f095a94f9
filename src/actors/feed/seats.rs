//! Who sits at a feed and waits to be woken.

use std::task::Waker;

/// A place at a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

#[derive(Debug)]
enum Slot {
    Free,
    Taken(Option<Waker>),
}

/// The places at one feed. Waking takes all wakers at once, so nobody is woken twice for one event.
#[derive(Debug, Default)]
pub(super) struct Seats {
    slots: Vec<Slot>,
    free: Vec<usize>,
}

impl Seats {
    /// Takes a place.
    pub(super) fn sit(&mut self) -> Place {
        let taken = Slot::Taken(None);
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
            match waiting {
                Some(known) => known.clone_from(waker),
                None => *waiting = Some(waker.clone()),
            }
        }
    }

    /// Moves all wakers to `out`: they are to be woken once nothing is borrowed any more.
    pub(super) fn drain(&mut self, out: &mut Vec<Waker>) {
        out.extend(self.slots.iter_mut().filter_map(|slot| match slot {
            Slot::Taken(waiting) => waiting.take(),
            Slot::Free => None,
        }));
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
        let mut seats = Seats::default();
        let (one, two, three) = (seats.sit(), seats.sit(), seats.sit());
        for place in [one, two, one] {
            seats.wait(place, Waker::noop());
        }
        seats.leave(two);
        let mut woken = Vec::new();
        seats.drain(&mut woken);
        assert_eq!(woken.len(), 1);
        seats.drain(&mut woken);
        assert_eq!(woken.len(), 1);
        assert_eq!(seats.sit(), two, "a place that was given up is used again");
        seats.leave(one);
        seats.leave(two);
        seats.leave(three);
        assert!(seats.is_empty());
    }
}
