//! Messages that come in several frames.

use bytes::{Bytes, BytesMut};

/// What an empty frame counts, so that endless empty ones come to an end too.
const LEAST: usize = 64;

/// A frame of a message of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Part {
    /// Its first.
    First(Bytes),
    /// One in between.
    Next(Bytes),
    /// Its last.
    Last(Bytes),
}

/// What a part leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// More is to come.
    NotYet,
    /// The whole message.
    Whole(Bytes),
    /// It is longer than allowed.
    TooLarge,
}

/// Joins the frames of one message. The codec sees to their order.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    message: BytesMut,
    counted: usize,
}

impl Fragments {
    /// Takes a part; all parts together may count up to `limit`.
    pub(super) fn take(&mut self, part: Part, limit: usize) -> Joined {
        let (bytes, is_last) = match part {
            Part::First(bytes) => {
                *self = Self::default();
                (bytes, false)
            }
            Part::Next(bytes) => (bytes, false),
            Part::Last(bytes) => (bytes, true),
        };
        self.counted = self.counted.saturating_add(bytes.len().max(LEAST));
        if self.counted > limit {
            *self = Self::default();
            return Joined::TooLarge;
        }
        self.message.extend_from_slice(&bytes);
        if is_last {
            Joined::Whole(std::mem::take(self).message.freeze())
        } else {
            Joined::NotYet
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1_024;

    fn text(part: &str) -> Bytes {
        Bytes::copy_from_slice(part.as_bytes())
    }

    #[test]
    fn parts_become_one_message_and_the_next_starts_afresh() {
        let mut fragments = Fragments::default();
        for _ in 0..100 {
            assert_eq!(fragments.take(Part::First(text("a")), LIMIT), Joined::NotYet);
            assert_eq!(fragments.take(Part::Next(text("")), LIMIT), Joined::NotYet);
            assert_eq!(
                fragments.take(Part::Last(text("b")), LIMIT),
                Joined::Whole(text("ab"))
            );
        }
    }

    #[test]
    fn a_message_without_end_is_too_large_even_when_its_parts_are_empty() {
        let mut fragments = Fragments::default();
        fragments.take(Part::First(text("x")), LIMIT);
        let taken = (0..1_000)
            .take_while(|_| fragments.take(Part::Next(text("")), LIMIT) == Joined::NotYet)
            .count();
        assert_eq!(taken, LIMIT / LEAST - 1);
        fragments.take(Part::First(text("x")), LIMIT);
        assert_eq!(
            fragments.take(Part::Last(text(&"x".repeat(LIMIT))), LIMIT),
            Joined::TooLarge
        );
    }
}
