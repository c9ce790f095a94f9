//! Tenants of whom nobody wants anything go to rest: their actors end, and whatever comes next starts them again.
//!
//! A tenant leaves the map only while nobody else holds it, and its turn to start is kept until its actors have ended:
//! whoever comes meanwhile waits for that, and then starts it again. Nobody is refused.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};

use super::{Directory, RETIREMENT, TenantHandle};
use crate::actors::lane::LaneHandle;
use crate::actors::messages::tenant::{AskIdle, Retire};
use crate::domain::TenantId;

/// Tenants that are looked at, or end, at once.
const TOGETHER: usize = 16;
/// An idle actor ends at once. One that takes longer is left to the fence of whoever starts the tenant next.
const ENDING: Duration = Duration::from_secs(5);
/// One handle is in the map, and one is held by whoever puts the tenant to rest.
const OURS: usize = 2;

/// When a tenant was last asked for: shared by all handles to it, and thereby also tells how many there are.
#[derive(Debug)]
pub(super) struct Used(AtomicU64);

impl Used {
    pub(super) fn at(now: Duration) -> Arc<Self> {
        let used = Self(AtomicU64::new(0));
        used.note(now);
        Arc::new(used)
    }

    pub(super) fn note(&self, now: Duration) {
        let ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.0.store(ms, Ordering::Release);
    }

    fn last(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Acquire))
    }
}

/// How many tenants run and how many rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantCounts {
    /// Those with actors.
    pub live: usize,
    /// Those without, of tenants that have a number.
    pub rest: usize,
}

impl Directory {
    /// How many tenants run and how many rest.
    pub fn tenant_counts(&self) -> TenantCounts {
        let map = self.read();
        let rest = map.numbers.tenants().filter(|id| !map.live.contains_key(id));
        TenantCounts {
            live: map.live.len(),
            rest: rest.count(),
        }
    }

    /// How long a tenant runs of whom nobody wants anything.
    pub fn idle(&self) -> Duration {
        self.parts.tenant_limits.idle
    }

    /// Puts every tenant to rest that nobody asked for in a while and that has nothing to do.
    pub async fn rest_idle(&self) {
        let now = self.parts.clock.monotonic();
        let unused: Vec<_> = {
            let map = self.read();
            let unused = map
                .live
                .iter()
                .filter(|(_, handle)| now.saturating_sub(handle.used.last()) >= self.idle());
            unused.map(|(id, _)| *id).collect()
        };
        stream::iter(unused)
            .for_each_concurrent(TOGETHER, |id| self.rest(id))
            .await;
    }

    async fn rest(&self, id: TenantId) {
        let turn = self.starts.turn(id);
        let mine = turn.lock().await;
        if let Some(idle) = self.take_idle(id).await {
            end(&idle).await;
            tracing::debug!(tenant.id = %id, "the tenant rests");
        }
        drop(mine);
        self.starts.leave(id);
    }

    /// Takes a tenant off the map, unless it has something to do or somebody holds it.
    async fn take_idle(&self, id: TenantId) -> Option<TenantHandle> {
        let running = (**self.read().live.get(&id)?).clone();
        let last = running.used.last();
        if !self.is_idle(&running).await {
            return None;
        }
        let mut map = self.write();
        // Nobody got a handle since it was asked whether it is idle, and nobody gets one while the map is held.
        let is_left = Arc::strong_count(&running.used) == OURS && running.used.last() == last;
        if !is_left || self.is_closed() {
            return None;
        }
        map.live.remove(&id).map(|taken| *taken)
    }

    /// Whether nobody is there, and nothing waits, is under way or must be remembered.
    async fn is_idle(&self, tenant: &TenantHandle) -> bool {
        // First, too: when it knows what became of a commit, its lanes have to look.
        if !tenant.ledger.is_idle().await {
            return false;
        }
        for lane in tenant.lanes.values() {
            if !lane.is_idle().await || self.has_outbox(tenant.row.id, lane).await {
                return false;
            }
        }
        let (reply, answer) = tokio::sync::oneshot::channel();
        let asked = tenant.addr.try_tell(AskIdle(reply)).is_ok();
        let nobody = asked && answer.await == Ok(true) && tenant.addr.depth() == 0;
        nobody && tenant.ledger.is_idle().await
    }

    /// What waits there and the lane does not know of, it looks for again.
    async fn has_outbox(&self, tenant: TenantId, lane: &LaneHandle) -> bool {
        let rows = self
            .parts
            .store
            .outbox(tenant, lane.number().clone(), None, 1)
            .await;
        !rows.is_ok_and(|rows| rows.is_empty())
    }
}

/// Ends the actors of a tenant that is not on the map any more, those first that need others.
async fn end(tenant: &TenantHandle) {
    let in_order = async {
        for lane in tenant.lanes.values() {
            lane.drain().await;
        }
        // Whoever is gone already has nothing left to end.
        drop(tenant.addr.tell(Retire, RETIREMENT).await);
        tenant.ledger.finish().await;
    };
    if tokio::time::timeout(ENDING, in_order).await.is_err() {
        tracing::warn!(tenant.id = %tenant.row.id, "a tenant that was idle takes long to end");
        tenant.retire().await;
    }
}
