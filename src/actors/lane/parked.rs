//! Messages of broadcasts that are halted: they stand in the outbox, and nothing is asked of them until their broadcast goes on.
//!
//! The lane learns of a halt from refused claims, so that a restart needs nothing else. It is told of one, too, for what it has claimed
//! before and not called for: those claims are given back. No more are kept than a broadcast has waiting at once.

use std::collections::{BTreeSet, HashMap, HashSet};

use actix::Context;

use super::Lane;
use super::waiting::{Item, Waiting};
use crate::domain::{BroadcastId, DeliveryState, MessageId, Priority};
use crate::store::op::Withdraw;

/// Those of one lane.
#[derive(Debug, Default)]
pub(super) struct Parked {
    by_broadcast: HashMap<BroadcastId, Vec<Waiting>>,
    /// All of them: each message that the lane hears of is looked for.
    messages: HashSet<MessageId>,
    /// Broadcasts that went on, or ended, while a claim was under way: its refusals may be older than that.
    steered: BTreeSet<BroadcastId>,
    /// Whether one was halted while a claim was under way: it may be older than that.
    is_overtaken_by_halt: bool,
}

impl Parked {
    /// Keeps a message.
    pub(super) fn add(&mut self, broadcast: BroadcastId, waiting: Waiting) {
        self.messages.insert(waiting.message);
        self.by_broadcast.entry(broadcast).or_default().push(waiting);
    }

    /// Takes out those of a broadcast, in the order in which they came.
    pub(super) fn take(&mut self, broadcast: BroadcastId) -> Vec<Waiting> {
        let taken = self.by_broadcast.remove(&broadcast).unwrap_or_default();
        for waiting in &taken {
            self.messages.remove(&waiting.message);
        }
        taken
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether a message is among them.
    pub(super) fn holds(&self, message: MessageId) -> bool {
        self.messages.contains(&message)
    }
}

impl Lane {
    /// The broadcast of a message does not go on for now: another message of the customer may.
    pub(super) fn park(&mut self, item: Item, broadcast: BroadcastId) {
        self.queue.free(item.waiting.contact, self.now());
        self.parked.add(broadcast, item.waiting);
    }

    /// A broadcast goes on, or ended: what its messages are to do, the next claims tell.
    pub(super) fn unpark(&mut self, broadcast: BroadcastId) {
        if !self.claiming.is_idle() {
            self.parked.steered.insert(broadcast);
        }
        let now = self.now();
        for waiting in self.parked.take(broadcast) {
            self.admit(waiting, now);
        }
    }

    /// The answers to claims were taken in: those that a broadcast's going on overtook are asked for again.
    pub(super) fn unpark_overtaken(&mut self) {
        for broadcast in std::mem::take(&mut self.parked.steered) {
            self.unpark(broadcast);
        }
    }

    /// A broadcast is halted or ended: bulk claims for which no call has begun are given back. Whatever is claimed from now on is none of its.
    pub(super) fn halt(&mut self) {
        self.parked.is_overtaken_by_halt = !self.claiming.is_idle();
        self.return_unstarted(Priority::Bulk);
    }

    /// The answers to claims were taken in: those that a halt overtook are given back, too.
    pub(super) fn return_overtaken(&mut self) {
        if std::mem::take(&mut self.parked.is_overtaken_by_halt) {
            self.return_unstarted(Priority::Bulk);
        }
    }

    /// The broadcast of a message was cancelled: it is taken back.
    pub(super) fn take_back(&mut self, item: &Item, ctx: &mut Context<Self>) {
        let contact = item.waiting.contact;
        let cancel = Withdraw {
            at: item.waiting.at(),
            number: self.row.id.clone(),
            to: DeliveryState::Cancelled,
            error: None,
        };
        self.withdraw(cancel, ctx, move |lane| lane.queue.free(contact, lane.now()));
    }
}
