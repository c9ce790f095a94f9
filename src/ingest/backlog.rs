//! What waits to be applied, and whose turn it is.
//!
//! Each tenant's urgent webhooks and each tenant's statuses are a flow of their own, in the journal's order. Flows take
//! turns (deficit round robin over bytes), and each has only so much in flight: whoever is flooded, slow or stuck holds up
//! nobody else. Only ids are held beyond a few bodies, and of those a bounded number: what is beyond that is *unlisted*, and
//! listed by a [`Scan`] of the journal when its flow comes to it.

mod item;
mod left;
mod listing;
mod missing;
mod queue;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::in_flight::InFlightOps;
use super::intake_priority::{Behind, IntakePriority, Load, Turn};
use crate::domain::JournalId;
use crate::store::Sharing;
use crate::whatsapp::webhook::Haste;
use left::LeftToOthers;
use missing::AllMissing;
use queue::{Phase, Queue};
use scan::Scan;

pub(super) use item::{Ends, Flow, Item, Owner, Part, Strays, TakenIn};
pub(super) use missing::Missing;
pub(super) use scan::{After, Seen};

/// Entries in flight of all flows, beside those that each may always have.
const IN_HAND: usize = 4_096;
/// Ops of one flow that may be in flight: two of the largest batches of its ledger, one being written and one that gathers.
/// Whoever sends waits behind them, so there are no more.
const MOST: usize = 512;
/// The same where somebody else of the tenant waits, and what a flow may always have.
pub(super) const LEAST: usize = 16;
/// Entries taken in one turn.
const BATCH: usize = 64;
/// Bytes of them.
const QUANTUM: i64 = 64 << 10;
/// A flow with so many waiting is behind: it works only when the machine has time for it.
const BEHIND: usize = 1_024;
/// How long what failed waits before it is tried again.
pub(super) const AGAIN: Duration = Duration::from_secs(1);
/// How soon a flow that waits for its own entries in flight looks again.
const LOOK: Duration = Duration::from_millis(5);

/// What one flow may do now.
pub(super) struct Work {
    pub(super) flow: Flow,
    /// Ops that it may have in flight.
    pub(super) share: usize,
    pub(super) ops: Arc<InFlightOps>,
    /// In order.
    pub(super) items: VecDeque<Item>,
    /// It is a part of a backlog.
    pub(super) pace: Pace,
}

/// Whether an entry was taken as a part of a backlog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Its flow keeps up.
    KeepsUp,
    /// Its flow is behind.
    IsBehind,
}

/// What there is to do.
pub(super) enum Next {
    /// This.
    Take(Work),
    /// Nothing before then, unless something changes.
    At(Instant),
    /// Nothing unless something changes.
    Nothing,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handed {
    /// All was handed over.
    All,
    /// The tenant takes nothing now.
    HeldUp,
    /// All of it; a part waits as an entry of its own, before what comes after.
    Split,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Backlog {
    flows: HashMap<Flow, Queue>,
    ring: VecDeque<Flow>,
    held: BTreeSet<(Instant, Flow)>,
    /// Taken, and not marked done in the journal.
    open: HashSet<(JournalId, Owner)>,
    in_flight: usize,
    behind_in_hand: usize,
    holders: usize,
    listed: usize,
    kept: usize,
    came: u64,
    turns: IntakePriority,
    scan: Scan,
    missing: AllMissing,
    left: LeftToOthers,
}

impl Backlog {
    /// Nothing is known yet: what an earlier process left is found by the first scan.
    pub(super) fn new(now: Instant, sharing: Sharing) -> Self {
        Self {
            flows: HashMap::new(),
            ring: VecDeque::new(),
            held: BTreeSet::new(),
            open: HashSet::new(),
            in_flight: 0,
            behind_in_hand: 0,
            holders: 0,
            listed: 0,
            kept: 0,
            came: 0,
            turns: IntakePriority::new(now),
            scan: Scan::opening(sharing),
            missing: AllMissing::default(),
            left: LeftToOthers::default(),
        }
    }

    /// Entries in flight, with those of which the journal does not know yet that they are done.
    pub(super) fn in_flight(&self) -> usize {
        self.open.len()
    }

    /// Whose turn it is.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        self.wake(now);
        while let Some(flow) = self.ring.pop_front() {
            let (room, share) = (self.room(flow), self.share(flow));
            let alone = self.ring.is_empty();
            let Some(queue) = self.flows.get_mut(&flow) else {
                continue;
            };
            if queue.phase != Phase::InTurn {
                continue;
            }
            if queue.len() == 0 || room == 0 {
                queue.phase = Phase::Resting;
                queue.credit = queue.credit.min(0);
                self.forget_if_over(flow);
                continue;
            }
            let pace = pace(queue);
            if pace == Pace::IsBehind {
                let until = match self.turns.turn(now) {
                    Turn::Go => None,
                    Turn::AfterThose(until) => Some(until.min(now + LOOK)),
                    Turn::At(until) => Some(until),
                };
                if let Some(until) = until {
                    self.hold(flow, until);
                    continue;
                }
            }
            queue.credit = if alone {
                QUANTUM
            } else {
                queue.credit.saturating_add(QUANTUM).min(QUANTUM)
            };
            if queue.credit <= 0 {
                self.ring.push_back(flow);
                continue;
            }
            return Next::Take(self.take(flow, (room, share), pace));
        }
        match self.held.first() {
            Some((until, _)) => Next::At(*until),
            None => Next::Nothing,
        }
    }

    fn take(&mut self, flow: Flow, (room, share): (usize, usize), pace: Pace) -> Work {
        let mut items = VecDeque::new();
        let queue = self.flows.entry(flow).or_default();
        let before = queue.in_flight;
        while queue.credit > 0
            && items.len() < BATCH.min(room)
            && let Some(item) = queue.pop()
        {
            queue.credit = queue
                .credit
                .saturating_sub(i64::try_from(item.size).unwrap_or(i64::MAX));
            self.kept -= item.kept();
            self.open.insert((item.id, flow.owner));
            items.push_back(item);
        }
        let taken = items.len();
        self.listed -= taken;
        self.in_flight += taken;
        queue.in_flight += taken;
        queue.phase = Phase::HandingOver;
        let ops = Arc::clone(&queue.ops);
        if before == 0 {
            self.holders += 1;
        }
        if pace == Pace::IsBehind {
            self.behind_in_hand += taken;
            for _ in 0..taken {
                self.turns.took();
            }
        }
        self.hunger(flow);
        Work {
            flow,
            share,
            ops,
            items,
            pace,
        }
    }

    /// A turn ended. What was not begun goes back.
    pub(super) fn handed(&mut self, flow: Flow, back: VecDeque<Item>, pace: Pace, how: Handed, now: Instant) {
        for item in back {
            self.leaves_hand(flow, pace);
            self.put_back(flow, item);
        }
        let Some(queue) = self.flows.get_mut(&flow) else {
            return;
        };
        queue.phase = Phase::Resting;
        let until = queue.not_before.take().filter(|until| *until > now);
        match (how, until) {
            (Handed::HeldUp, _) => self.hold(flow, now + AGAIN),
            (Handed::All | Handed::Split, Some(until)) => self.hold(flow, until),
            (Handed::All | Handed::Split, None) => self.stir(flow),
        }
    }

    /// An entry in flight is done with, but the journal does not know yet.
    pub(super) fn ended(&mut self, flow: Flow, pace: Pace) {
        self.leaves_hand(flow, pace);
        self.stir(flow);
    }

    /// An entry in flight has to be applied again: nothing of its flow goes before it.
    pub(super) fn again(&mut self, flow: Flow, item: Item, pace: Pace, now: Instant) {
        self.leaves_hand(flow, pace);
        self.put_back(flow, item);
        let Some(queue) = self.flows.get_mut(&flow) else {
            return;
        };
        match queue.phase {
            Phase::HandingOver => queue.not_before = Some(now + AGAIN),
            Phase::Resting | Phase::InTurn => self.hold(flow, now + AGAIN),
            Phase::Held => {}
        }
    }

    /// The journal knows that a part of an entry is done.
    pub(super) fn closed(&mut self, id: JournalId, owner: Owner) {
        self.open.remove(&(id, owner));
    }

    /// Notes how many were applied of those that were behind.
    pub(super) fn applied(&mut self, entries: usize, now: Instant) {
        let is_behind = self.flows.values().any(|queue| pace(queue) == Pace::IsBehind);
        let load = Load {
            came: self.came,
            behind: if is_behind { Behind::Yes } else { Behind::No },
            in_flight: self.behind_in_hand,
        };
        self.turns.applied(entries, load, now);
    }

    fn leaves_hand(&mut self, flow: Flow, pace: Pace) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if pace == Pace::IsBehind {
            self.behind_in_hand = self.behind_in_hand.saturating_sub(1);
        }
        if let Some(queue) = self.flows.get_mut(&flow) {
            queue.in_flight = queue.in_flight.saturating_sub(1);
            if queue.in_flight == 0 {
                self.holders = self.holders.saturating_sub(1);
            }
        }
    }

    /// Gives a flow that rests its turn, if it has something to do; forgets one that is over.
    fn stir(&mut self, flow: Flow) {
        let Some(queue) = self.flows.get_mut(&flow) else {
            return;
        };
        if queue.phase == Phase::Resting && queue.len() > 0 {
            queue.phase = Phase::InTurn;
            self.ring.push_back(flow);
        } else {
            self.forget_if_over(flow);
        }
    }

    fn hold(&mut self, flow: Flow, until: Instant) {
        if let Some(queue) = self.flows.get_mut(&flow) {
            queue.phase = Phase::Held;
            self.held.insert((until, flow));
        }
    }

    fn wake(&mut self, now: Instant) {
        while let Some((until, flow)) = self.held.first().copied()
            && until <= now
        {
            self.held.pop_first();
            if let Some(queue) = self.flows.get_mut(&flow)
                && queue.phase == Phase::Held
            {
                queue.phase = Phase::Resting;
                self.stir(flow);
            }
        }
    }

    fn forget_if_over(&mut self, flow: Flow) {
        if self.flows.get(&flow).is_some_and(Queue::is_over) {
            self.flows.remove(&flow);
        }
    }

    /// Entries that a flow may take now.
    fn room(&self, flow: Flow) -> usize {
        let own = self.flows.get(&flow).map_or(0, |queue| queue.in_flight);
        let least = LEAST.saturating_sub(own);
        let together = IN_HAND.saturating_sub(self.in_flight);
        least.max(self.share(flow).saturating_sub(own).min(together))
    }

    /// What a flow may have in flight: less the more others have, and of statuses little while customers' messages wait.
    fn share(&self, flow: Flow) -> usize {
        let share = (IN_HAND / 2 / self.holders.max(1)).clamp(LEAST, MOST);
        if flow.haste == Haste::Prompt {
            return share;
        }
        let prompt = Flow {
            haste: Haste::Prompt,
            ..flow
        };
        match self.flows.get(&prompt) {
            Some(queue) if queue.len() > 0 => LEAST,
            _ => (share / 2).max(LEAST),
        }
    }
}

fn pace(queue: &Queue) -> Pace {
    if queue.len() >= BEHIND || queue.unlisted.is_some() {
        Pace::IsBehind
    } else {
        Pace::KeepsUp
    }
}
