//! Starts of tenants: each at most once at a time, and after a failure not at once again. None waits for another tenant's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::{Backoff, TenantId};

/// How long a tenant that could not be started is left alone.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(250), Duration::from_secs(8));

/// One tenant's starts.
#[derive(Debug, Default)]
struct Start {
    turn: Arc<tokio::sync::Mutex<()>>,
    failures: u32,
    /// Of the monotonic clock.
    not_before: Duration,
}

/// Starts under way, and those that failed. A tenant that runs or rests is not in it.
#[derive(Debug, Default)]
pub(super) struct Starts(Mutex<HashMap<TenantId, Start>>);

impl Starts {
    fn all(&self) -> MutexGuard<'_, HashMap<TenantId, Start>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What whoever starts the tenant holds meanwhile.
    pub(super) fn turn(&self, tenant: TenantId) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(&self.all().entry(tenant).or_default().turn)
    }

    /// How much longer the tenant is left alone, because it could not be started.
    pub(super) fn wait(&self, tenant: TenantId, now: Duration) -> Option<Duration> {
        let all = self.all();
        let wait = all.get(&tenant)?.not_before.saturating_sub(now);
        (!wait.is_zero()).then_some(wait)
    }

    /// The tenant could not be started; says for how long it is left alone.
    pub(super) fn failed(&self, tenant: TenantId, now: Duration) -> Duration {
        let mut all = self.all();
        let start = all.entry(tenant).or_default();
        start.failures = start.failures.saturating_add(1);
        let wait = BACKOFF.after(start.failures);
        start.not_before = now + wait;
        wait
    }

    /// The tenant runs.
    pub(super) fn done(&self, tenant: TenantId) {
        if let Some(start) = self.all().get_mut(&tenant) {
            (start.failures, start.not_before) = (0, Duration::ZERO);
        }
        self.leave(tenant);
    }

    /// Whoever has the tenant's turn is about to give it back: it is forgotten unless others wait for it, or it failed.
    pub(super) fn leave(&self, tenant: TenantId) {
        let mut all = self.all();
        let is_over = |start: &Start| start.failures == 0 && Arc::strong_count(&start.turn) <= 2;
        if all.get(&tenant).is_some_and(is_over) {
            all.remove(&tenant);
        }
    }

    /// Tenants that could not be started when it was tried last.
    pub(super) fn missing(&self) -> Vec<TenantId> {
        let all = self.all();
        let failed = all.iter().filter(|(_, start)| start.failures > 0);
        let mut missing: Vec<_> = failed.map(|(tenant, _)| *tenant).collect();
        missing.sort_unstable();
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: TenantId = TenantId::new(1);
    const B: TenantId = TenantId::new(2);

    #[test]
    fn who_fails_again_and_again_is_left_alone_for_longer_and_others_are_not() {
        let starts = Starts::default();
        let mut now = Duration::from_secs(1);
        let mut waits = Vec::new();
        for _ in 0..7 {
            let wait = starts.failed(A, now);
            assert_eq!(starts.wait(A, now), Some(wait));
            now += wait;
            assert_eq!(starts.wait(A, now), None);
            waits.push(wait.as_millis());
        }
        assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000]);
        assert_eq!(starts.wait(B, now), None);
        assert_eq!(starts.missing(), [A]);
        starts.done(A);
        assert!(starts.missing().is_empty());
        assert_eq!(starts.failed(A, now), BACKOFF.first);
    }
}
