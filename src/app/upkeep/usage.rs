//! Counting what tenants use: those that run here, when their ledger has grown, and now and then what a process that was killed left
//! uncounted. Nobody is woken for it.

use std::collections::HashMap;
use std::time::Duration;

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
    let mut left_due = Instant::now();
    loop {
        due.tick().await;
        if clock.doubt().is_some() {
            continue;
        }
        if left_due <= Instant::now() && counter.count_what_was_left().await {
            left_due = Instant::now() + LEFT;
        }
        known = counter.look(known).await;
    }
}

struct Counter<'a> {
    directory: &'a Directory,
    clock: &'a dyn Clock,
    shutdown: &'a Shutdown,
    keep: Duration,
}

impl Counter<'_> {
    /// Counts those that have grown. One that rests since the last look is counted once more.
    async fn look(&self, mut known: Known) -> Known {
        let running = self.directory.running().into_iter();
        let running: HashMap<TenantId, TenantHead> = running
            .map(|tenant| (tenant.row.id, tenant.ledger.head()))
            .collect();
        let resting = known.iter().filter(|(tenant, _)| !running.contains_key(tenant));
        let resting: Vec<(TenantId, Epoch)> = resting.map(|(tenant, head)| (*tenant, head.epoch)).collect();
        for (tenant, epoch) in resting {
            if self.count_all(tenant, Some(epoch)).await.is_some() {
                known.remove(&tenant);
            }
        }
        for (tenant, head) in running {
            if known.get(&tenant) == Some(&head) {
                continue;
            }
            let epoch = head.epoch;
            let counted = self.count_all(tenant, Some(epoch)).await;
            let head = counted.unwrap_or_default();
            known.insert(tenant, TenantHead { epoch, head });
        }
        known
    }

    /// Counts what a process that was killed did not, of all tenants that no other gateway has. Whether all were looked at.
    async fn count_what_was_left(&self) -> bool {
        let store = self.directory.store();
        let tenants = match store.tenants().await {
            Ok(tenants) => tenants,
            Err(error) => {
                tracing::warn!(error = %error, "cannot tell whose events are not counted");
                return false;
            }
        };
        let mut is_whole = true;
        for tenant in tenants {
            // Where nobody can tell, whoever takes the tenant over counts.
            if !matches!(self.directory.elsewhere(tenant.id).await, Ok(None)) {
                continue;
            }
            let head = store.tenant_head(tenant.id).await;
            let epoch = head.ok().flatten().map(|head| head.epoch);
            is_whole &= self.count_all(tenant.id, epoch).await.is_some();
        }
        is_whole
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
