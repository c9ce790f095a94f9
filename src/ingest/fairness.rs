//! Room among the ops in hand, for each tenant its share, so that one whose ledger is slow or stuck holds up nobody else.
//!
//! Once something of a tenant found no room, nothing of it is taken until the journal is read again from its beginning: that
//! keeps its events in order, and costs the others one wait at most.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::domain::TenantId;

/// How long an op waits for room. What is refused then is applied again later.
const ROOM: Duration = Duration::from_secs(2);
/// Ops of one tenant that may be in hand: two of the largest batches of its ledger, one being written and one that gathers.
/// Whoever sends waits behind them, so there are no more.
const MOST: usize = 512;
/// Ops of one tenant that may always be in hand.
const LEAST: usize = 16;

/// The shares of all tenants that have something in hand.
#[derive(Debug)]
pub(super) struct Fairness {
    /// Ops that all tenants together should have in hand.
    together: usize,
    tenants: HashMap<TenantId, Flow>,
}

#[derive(Debug, Default)]
struct Flow {
    hand: Arc<Hand>,
    held_up: HeldUp,
}

/// Whether a tenant found no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum HeldUp {
    #[default]
    No,
    /// When the journal was read last. It is not waited for again until it took something.
    Before,
    /// Since the journal was read last.
    Now,
}

#[derive(Debug, Default)]
struct Hand {
    ops: AtomicUsize,
    freed: Notify,
}

/// One op's place. Dropping it frees the place.
#[derive(Debug)]
pub(super) struct Place(Arc<Hand>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.ops.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_one();
    }
}

impl Fairness {
    /// Shares so many places.
    pub(super) fn new(together: usize) -> Self {
        Self {
            together,
            tenants: HashMap::new(),
        }
    }

    /// The journal is read from its beginning: everybody may try again.
    pub(super) fn begin_again(&mut self) {
        self.tenants.retain(|_, flow| {
            if flow.held_up == HeldUp::Now {
                flow.held_up = HeldUp::Before;
            }
            flow.held_up == HeldUp::Before || flow.hand.ops.load(Ordering::Acquire) > 0
        });
    }

    /// Whether something of the tenant found no room since the journal was read.
    pub(super) fn is_held_up(&self, tenant: TenantId) -> bool {
        self.tenants
            .get(&tenant)
            .is_some_and(|flow| flow.held_up == HeldUp::Now)
    }

    /// Notes that something of the tenant was not taken.
    pub(super) fn hold_up(&mut self, tenant: TenantId) {
        self.tenants.entry(tenant).or_default().held_up = HeldUp::Now;
    }

    /// Notes that something of the tenant was taken.
    pub(super) fn taken(&mut self, tenant: TenantId) {
        self.tenants.entry(tenant).or_default().held_up = HeldUp::No;
    }

    /// How long an op of the tenant may wait for room.
    pub(super) fn patience(&self, tenant: TenantId) -> Duration {
        match self.tenants.get(&tenant).map(|flow| flow.held_up) {
            None | Some(HeldUp::No) => ROOM,
            Some(HeldUp::Before | HeldUp::Now) => Duration::ZERO,
        }
    }

    /// A place for an op of the tenant, as soon as its share has room; `None` when it has none for too long.
    pub(super) async fn place(&mut self, tenant: TenantId) -> Option<Place> {
        let until = Instant::now() + self.patience(tenant);
        let hand = Arc::clone(&self.tenants.entry(tenant).or_default().hand);
        loop {
            let ops = hand.ops.load(Ordering::Acquire);
            if ops < LEAST || ops < self.share() {
                hand.ops.fetch_add(1, Ordering::AcqRel);
                return Some(Place(hand));
            }
            timeout_at(until, hand.freed.notified()).await.ok()?;
        }
    }

    fn share(&self) -> usize {
        let holds = |flow: &&Flow| flow.hand.ops.load(Ordering::Acquire) > 0;
        let holders = self.tenants.values().filter(holds).count();
        (self.together / holders.max(1)).clamp(LEAST, MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: TenantId = TenantId::new(1);
    const B: TenantId = TenantId::new(2);

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_waited_for_once_and_others_find_room() {
        let mut fairness = Fairness::new(100);
        let mut held = Vec::new();
        let began = Instant::now();
        while let Some(place) = fairness.place(A).await {
            held.push(place);
        }
        assert_eq!((held.len(), began.elapsed()), (100, ROOM));
        fairness.hold_up(A);
        let other = fairness.place(B).await.unwrap();
        assert!(fairness.place(A).await.is_none(), "its share is smaller now");
        fairness.begin_again();
        assert!(!fairness.is_held_up(A));
        assert!(fairness.place(A).await.is_none());
        assert_eq!(began.elapsed(), ROOM, "it was not waited for again");
        drop(other);
        held.truncate(99);
        held.push(fairness.place(A).await.unwrap());
        fairness.taken(A);
        assert!(fairness.place(A).await.is_none());
        assert_eq!(
            began.elapsed(),
            ROOM * 2,
            "it takes things, so it is worth a wait"
        );
    }
}
