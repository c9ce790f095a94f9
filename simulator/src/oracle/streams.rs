//! What one agent saw of one ledger: every place once or more, none left out.

use std::collections::BTreeSet;

use crate::ids::{Epoch, TenantId};

/// Whose view of which ledger.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct StreamKey {
    pub(super) tenant: Option<TenantId>,
    pub(super) agent: String,
    pub(super) epoch: Epoch,
}

/// The places seen.
#[derive(Debug)]
pub(super) struct Stream {
    /// Everything from the start up to here was seen.
    up_to: u64,
    /// Seen beyond a hole.
    beyond: BTreeSet<u64>,
    seen: u64,
    /// Seen more than once: allowed on the wire, sorted out by the client.
    pub(super) repeats: u64,
}

impl Stream {
    /// A view that begins after a place.
    pub(super) const fn after(cursor: u64) -> Self {
        Self {
            up_to: cursor,
            beyond: BTreeSet::new(),
            seen: 0,
            repeats: 0,
        }
    }

    pub(super) fn see(&mut self, seq: u64) {
        if seq <= self.up_to || !self.beyond.insert(seq) {
            self.repeats += 1;
            return;
        }
        self.seen += 1;
        while self.beyond.remove(&(self.up_to + 1)) {
            self.up_to += 1;
        }
    }

    /// Places that were passed over.
    pub(super) fn holes(&self) -> u64 {
        let last = self.beyond.last().copied().unwrap_or(self.up_to);
        let kept = u64::try_from(self.beyond.len()).unwrap_or(u64::MAX);
        (last - self.up_to).saturating_sub(kept)
    }

    /// The first place that was passed over.
    pub(super) fn first_hole(&self) -> Option<u64> {
        (self.holes() > 0).then_some(self.up_to + 1)
    }

    pub(super) const fn seen(&self) -> u64 {
        self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_place_that_never_comes_is_a_hole() {
        let mut stream = Stream::after(10);
        for seq in [11, 12, 14, 12, 16] {
            stream.see(seq);
        }
        assert_eq!(
            (stream.holes(), stream.first_hole(), stream.repeats),
            (2, Some(13), 1)
        );
        stream.see(13);
        stream.see(15);
        assert_eq!((stream.holes(), stream.first_hole(), stream.seen()), (0, None, 6));
    }

    proptest! {
        #[test]
        fn any_order_with_repeats_leaves_no_hole(mut order in Just((1_u64..60).collect::<Vec<_>>()).prop_shuffle(), again in 0_usize..59) {
            order.push(order[again]);
            let mut stream = Stream::after(0);
            for seq in &order {
                stream.see(*seq);
            }
            prop_assert_eq!((stream.holes(), stream.repeats, stream.seen()), (0, 1, 59));
        }
    }
}
