//! The newest events of a ledger, encoded, without a gap.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::domain::Seq;

/// How much a buffer holds; whichever is reached first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EventBufferLimits {
    /// Events.
    pub(super) events: usize,
    /// Bytes of encoded events.
    pub(super) bytes: usize,
}

/// What became of an event that was offered to a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offered {
    /// It is the new head.
    Taken,
    /// It was there already.
    Known,
    /// Something before it is missing; nothing changed.
    Gap,
}

/// Events `base + 1 ..= head`.
#[derive(Debug)]
pub(super) struct EventBuffer {
    base: Seq,
    events: VecDeque<Bytes>,
    bytes: usize,
    limits: EventBufferLimits,
    /// Whether what is older was dropped, or cannot be had: reading it again would not make room for it.
    closed_below: bool,
}

impl EventBuffer {
    /// An empty buffer at a position.
    pub(super) fn at(head: Seq, limits: EventBufferLimits) -> Self {
        Self {
            base: head,
            events: VecDeque::new(),
            bytes: 0,
            limits,
            closed_below: false,
        }
    }

    /// The position of the newest event.
    pub(super) fn head(&self) -> Seq {
        Seq::new(self.base.get().saturating_add(count(self.events.len())))
    }

    /// The position before the oldest event: the smallest cursor that can be served.
    pub(super) fn base(&self) -> Seq {
        self.base
    }

    /// Whether older events than these may still be added.
    pub(super) fn is_open_below(&self) -> bool {
        !self.closed_below && self.events.len() < self.limits.events && self.bytes < self.limits.bytes
    }

    /// Adds the newest event and drops the oldest ones if need be.
    pub(super) fn push(&mut self, seq: Seq, json: Bytes) -> Offered {
        let head = self.head();
        if seq <= head {
            return Offered::Known;
        }
        if seq > head.next() {
            return Offered::Gap;
        }
        self.bytes = self.bytes.saturating_add(json.len());
        self.events.push_back(json);
        while self.events.len() > 1 && self.is_over() {
            self.drop_oldest();
        }
        Offered::Taken
    }

    /// Adds events that end right before the oldest one, as many of the newest as there is room for, and takes note
    /// that there is no more to be had below them.
    pub(super) fn extend_below(&mut self, older: impl DoubleEndedIterator<Item = (Seq, Bytes)>) {
        for (seq, json) in older.rev() {
            let fits = self.events.len() < self.limits.events
                && self.bytes.saturating_add(json.len()) <= self.limits.bytes;
            if seq != self.base || !fits {
                break;
            }
            self.bytes = self.bytes.saturating_add(json.len());
            self.events.push_front(json);
            self.base = Seq::new(self.base.get().saturating_sub(1));
        }
    }

    /// Says that older events than these cannot be added.
    pub(super) fn close_below(&mut self) {
        self.closed_below = true;
    }

    /// Whether older events than these cannot be added.
    pub(super) fn is_closed_below(&self) -> bool {
        self.closed_below
    }

    /// Events after a position that the buffer covers, oldest first; nothing for any other.
    pub(super) fn after(&self, seq: Seq) -> impl Iterator<Item = &Bytes> {
        let skip = seq
            .get()
            .checked_sub(self.base.get())
            .and_then(|skip| usize::try_from(skip).ok())
            .unwrap_or(usize::MAX);
        self.events.iter().skip(skip)
    }

    fn is_over(&self) -> bool {
        self.events.len() > self.limits.events || self.bytes > self.limits.bytes
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.events.pop_front() {
            self.bytes = self.bytes.saturating_sub(oldest.len());
            self.base = self.base.next();
            self.closed_below = true;
        }
    }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: EventBufferLimits = EventBufferLimits { events: 4, bytes: 40 };

    fn json(seq: u64) -> Bytes {
        Bytes::from(format!("e{seq}"))
    }

    fn buffer(from: u64, to: u64) -> EventBuffer {
        let mut buffer = EventBuffer::at(Seq::new(from), LIMITS);
        for seq in from + 1..=to {
            assert_eq!(buffer.push(Seq::new(seq), json(seq)), Offered::Taken);
        }
        buffer
    }

    fn held(buffer: &EventBuffer, after: u64) -> Vec<Bytes> {
        buffer.after(Seq::new(after)).cloned().collect()
    }

    #[test]
    fn the_oldest_leave_when_there_are_too_many() {
        let buffer = buffer(10, 16);
        assert_eq!((buffer.base(), buffer.head()), (Seq::new(12), Seq::new(16)));
        assert_eq!(held(&buffer, 14), [json(15), json(16)]);
        assert!(!buffer.is_open_below());
    }

    #[test]
    fn the_oldest_leave_when_they_are_too_long_but_the_newest_stays() {
        let mut buffer = buffer(0, 2);
        buffer.push(Seq::new(3), Bytes::from(vec![b'x'; 100]));
        assert_eq!((buffer.base(), buffer.head()), (Seq::new(2), Seq::new(3)));
    }

    #[test]
    fn a_gap_and_a_repetition_change_nothing() {
        let mut buffer = buffer(10, 12);
        assert_eq!(buffer.push(Seq::new(14), json(14)), Offered::Gap);
        assert_eq!(buffer.push(Seq::new(12), json(12)), Offered::Known);
        assert_eq!(held(&buffer, 10), [json(11), json(12)]);
    }

    #[test]
    fn older_events_are_added_while_there_is_room() {
        let mut buffer = buffer(10, 12);
        buffer.extend_below((5..=10).map(|seq| (Seq::new(seq), json(seq))));
        assert_eq!((buffer.base(), buffer.head()), (Seq::new(8), Seq::new(12)));
        assert_eq!(held(&buffer, 8), [json(9), json(10), json(11), json(12)]);
        let mut other = EventBuffer::at(Seq::new(10), LIMITS);
        other.extend_below([(Seq::new(7), json(7))].into_iter());
        assert_eq!(other.base(), Seq::new(10), "there is a hole between them");
    }
}
