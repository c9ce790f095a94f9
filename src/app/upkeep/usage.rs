//! Counting what tenants use: those that run here, when their ledger has grown, and now and then what a process that was killed left
//! uncounted. Nobody is woken for it.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::time::Instant;

use super::each;
use crate::actors::Directory;
use crate::domain::{Clock, Epoch, Seq, TenantId};
use crate::shutdown::Shutdown;
use crate::store::{TenantHead, usage};
use crate::telemetry::metrics;

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(30);
/// How often it is looked whether something is left uncounted: where a gateway was killed whose tenants nobody wanted since. Events are
/// kept for seven days.
const LEFT: Duration = Duration::from_hours(12);
/// Pages of events that are counted in one go: then it is somebody else's turn, and how far it is stands in the store.
const PAGES: usize = 20;
/// Tenants that are counted at once.
const TOGETHER: usize = 4;
/// The longest that a tenant whose events cannot be read waits for its next turn; it begins with the time between two looks.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// How far each tenant that ran at the last look is counted.
type Known = HashMap<TenantId, TenantHead>;

/// Counts for ever.
pub(super) async fn run(directory: &Directory, clock: &dyn Clock, shutdown: &Shutdown, keep: Duration) {
    let counter = Counter {
        directory,
        clock,
        shutdown,
        keep,
    };
    let mut due = each(LOOK);
    let mut known = Known::new();
    let mut retries = Retries::default();
    let mut left_due = Instant::now();
    loop {
        due.tick().await;
        if clock.doubt().is_some() {
            continue;
        }
        if left_due <= Instant::now() {
            if counter.count_what_was_left(&mut retries).await {
                left_due = Instant::now() + LEFT;
            }
        } else {
            counter.count_again(&mut retries).await;
        }
        known = counter.look(known, &mut retries).await;
    }
}

/// Tenants whose events could not be read: each has its turn by itself, after a wait that grows, so that none makes the others be read
/// again.
#[derive(Default)]
struct Retries(HashMap<TenantId, Retry>);

struct Retry {
    due: Instant,
    wait: Duration,
}

impl Retries {
    fn is_waiting(&self, tenant: TenantId, now: Instant) -> bool {
        self.0.get(&tenant).is_some_and(|retry| now < retry.due)
    }

    fn due(&self, now: Instant) -> Vec<TenantId> {
        let due = self.0.iter().filter(|(_, retry)| retry.due <= now);
        due.map(|(tenant, _)| *tenant).collect()
    }

    fn note(&mut self, tenant: TenantId, counted: Option<Seq>, now: Instant) {
        if counted.is_some() {
            self.0.remove(&tenant);
            return;
        }
        let wait = self
            .0
            .get(&tenant)
            .map_or(LOOK, |retry| retry.wait.saturating_mul(2).min(LONGEST_WAIT));
        let due = now + wait;
        self.0.insert(tenant, Retry { due, wait });
    }
}

/// A tenant that was counted: in which ledger, and how far; `None` where its events could not be read.
type Turn = (TenantId, Option<Epoch>, Option<Seq>);

struct Counter<'a> {
    directory: &'a Directory,
    clock: &'a dyn Clock,
    shutdown: &'a Shutdown,
    keep: Duration,
}

impl Counter<'_> {
    /// Counts those that have grown. One that rests since the last look is counted once more.
    async fn look(&self, mut known: Known, retries: &mut Retries) -> Known {
        let running = self.directory.running().into_iter();
        let running: HashMap<TenantId, TenantHead> = running
            .map(|tenant| (tenant.row.id, tenant.ledger.head()))
            .collect();
        let resting = known.iter().filter(|(tenant, _)| !running.contains_key(tenant));
        let grown = running
            .iter()
            .filter(|(tenant, head)| known.get(tenant) != Some(head));
        let now = Instant::now();
        let due = resting.chain(grown);
        let due: Vec<(TenantId, Option<Epoch>)> = due
            .filter(|(tenant, _)| !retries.is_waiting(**tenant, now))
            .map(|(tenant, head)| (*tenant, Some(head.epoch)))
            .collect();
        for (tenant, epoch, counted) in self.count(due, retries).await {
            match (running.contains_key(&tenant), epoch) {
                (true, Some(epoch)) => {
                    let head = counted.unwrap_or_default();
                    known.insert(tenant, TenantHead { epoch, head });
                }
                _ if counted.is_some() => drop(known.remove(&tenant)),
                _ => {}
            }
        }
        known
    }

    /// Counts what a process that was killed did not, of all tenants that no other gateway has. Whether it is known which there are.
    async fn count_what_was_left(&self, retries: &mut Retries) -> bool {
        let tenants = match self.directory.store().tenants().await {
            Ok(tenants) => tenants,
            Err(error) => {
                tracing::warn!(error = %error, "cannot tell whose events are not counted");
                return false;
            }
        };
        let all = tenants.into_iter().map(|tenant| tenant.id).collect();
        self.count_left_of(all, retries).await;
        true
    }

    /// Counts those again that could not be counted, when it is their turn.
    async fn count_again(&self, retries: &mut Retries) {
        self.count_left_of(retries.due(Instant::now()), retries).await;
    }

    async fn count_left_of(&self, tenants: Vec<TenantId>, retries: &mut Retries) {
        let mut due = Vec::with_capacity(tenants.len());
        for tenant in tenants {
            // Where nobody can tell, whoever takes the tenant over counts.
            if !matches!(self.directory.elsewhere(tenant).await, Ok(None)) {
                retries.0.remove(&tenant);
                continue;
            }
            let head = self.directory.store().tenant_head(tenant).await;
            due.push((tenant, head.ok().flatten().map(|head| head.epoch)));
        }
        self.count(due, retries).await;
    }

    /// Counts a few at a time.
    async fn count(&self, due: Vec<(TenantId, Option<Epoch>)>, retries: &mut Retries) -> Vec<Turn> {
        let mut turns = Vec::with_capacity(due.len());
        for (tenant, epoch) in due {
            turns.push(self.turn(tenant, epoch));
        }
        let turns: Vec<Turn> = stream::iter(turns).buffer_unordered(TOGETHER).collect().await;
        for (tenant, _, counted) in &turns {
            retries.note(*tenant, *counted, Instant::now());
        }
        turns
    }

    async fn turn(&self, tenant: TenantId, epoch: Option<Epoch>) -> Turn {
        (tenant, epoch, self.count_all(tenant, epoch).await)
    }

    /// Counts a tenant's events to the end; where that is. Half of the time belongs to others.
    async fn count_all(&self, tenant: TenantId, epoch: Option<Epoch>) -> Option<Seq> {
        while !self.shutdown.has_begun() {
            let began = Instant::now();
            let (store, now) = (self.directory.store().as_ref(), self.clock.now());
            let counted = usage::count(store, tenant, epoch, self.keep, now, PAGES).await;
            tokio::time::sleep(began.elapsed()).await;
            let counted = counted.inspect_err(|error| {
                tracing::warn!(tenant.id = %tenant, %error, "what the tenant uses is counted with the next look");
            });
            if let Some(counted) = counted.ok()? {
                metrics::usage_events_missed_total().increment(counted.missed);
                if counted.is_all {
                    return Some(counted.seq);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_that_cannot_be_read_waits_longer_each_time_and_alone() {
        let (one, other) = (TenantId::new(1), TenantId::new(2));
        let mut retries = Retries::default();
        let mut now = Instant::now();
        retries.note(other, Some(Seq::default()), now);
        let mut waits = Vec::new();
        for _ in 0..10 {
            retries.note(one, None, now);
            assert!(retries.is_waiting(one, now) && !retries.is_waiting(other, now));
            let wait = retries.0[&one].wait;
            now += wait;
            assert_eq!(retries.due(now), [one]);
            waits.push(wait);
        }
        assert_eq!(waits[..3], [LOOK, LOOK * 2, LOOK * 4]);
        assert_eq!(waits.last(), Some(&LONGEST_WAIT));
        retries.note(one, Some(Seq::default()), now);
        assert_eq!(retries.due(now), []);
    }
}
