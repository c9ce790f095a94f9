//! The limits that hold for each tenant, and whether it may send, read from its rows now and then, and the pace of all its calls together.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;

use crate::accounts::subscriptions::SubscriptionBook;
use crate::api::error::{ApiError, ErrorCode};
use crate::api::gcra::{Rate, SharedPace};
use crate::domain::quota::{Quota, QuotaLimits};
use crate::domain::{Clock, TenantId, Timestamp};
use crate::store::Store;

/// How long what was read is trusted.
const FRESH: Duration = Duration::from_secs(30);
/// Tenants kept ready; some 150 bytes each. One that is forgotten begins its pace anew.
const KEPT: NonZeroUsize = NonZeroUsize::new(20_000).unwrap();

/// Who calls: each kind has a pace of its own, so that a program that floods keeps no person from work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A program, by its key.
    Program,
    /// Somebody who is signed in.
    Person,
}

#[derive(Debug, Default)]
struct Paces {
    programs: SharedPace,
    people: SharedPace,
}

/// What a tenant may have, and how fast it calls.
#[derive(Debug, Clone)]
pub struct TenantQuotas {
    limits: QuotaLimits,
    /// From when on its subscription lets nothing be sent.
    refused_from: Option<Timestamp>,
    paces: Arc<Paces>,
    /// When the row was read; `None` once it is known to have changed.
    read: Option<Duration>,
}

impl TenantQuotas {
    /// One limit.
    pub fn limit(&self, quota: Quota) -> u64 {
        self.limits.limit(quota)
    }

    /// A limit as what is counted has it.
    pub fn most(&self, quota: Quota) -> usize {
        usize::try_from(self.limit(quota)).unwrap_or(usize::MAX)
    }

    /// Refuses something because of a quota.
    pub fn refuse(&self, code: ErrorCode, quota: Quota) -> ApiError {
        ApiError::over_quota(code, quota, self.limit(quota))
    }

    /// Refuses so many bytes more than are kept of files, if that is more than may be. Those that come at the same moment do not count yet.
    pub fn demand_storage(&self, kept: u64, more: u64) -> Result<(), ApiError> {
        if kept.saturating_add(more) <= self.limit(Quota::Storage) {
            return Ok(());
        }
        Err(self.refuse(ErrorCode::StorageFull, Quota::Storage))
    }

    /// The same for what the core refused because too much waits.
    pub fn explain(&self, error: ApiError) -> ApiError {
        if error.code() != ErrorCode::QueueFull {
            return error;
        }
        let wait = error.retry_in().unwrap_or_default();
        self.refuse(ErrorCode::QueueFull, Quota::Backlog)
            .retry_after(wait)
    }

    /// Refuses to send something for a tenant whose subscription is over.
    pub fn demand_subscription(&self, now: Timestamp) -> Result<(), ApiError> {
        match self.refused_from {
            Some(from) if from <= now => Err(ErrorCode::SubscriptionEnded.into()),
            _ => Ok(()),
        }
    }

    fn rate(&self) -> Rate {
        let per_second = u32::try_from(self.limit(Quota::RequestsPerS));
        Rate::per_second(per_second.unwrap_or(u32::MAX))
    }

    fn line_rate(&self) -> Rate {
        let per_second = u32::try_from(self.limit(Quota::RequestsPerS)).unwrap_or(u32::MAX);
        Rate::even(per_second, of_lines(per_second))
    }

    fn pace(&self, caller: Caller) -> &SharedPace {
        match caller {
            Caller::Program => &self.paces.programs,
            Caller::Person => &self.paces.people,
        }
    }

    /// Counts a call, or says when there is room for one.
    pub fn admit(&self, caller: Caller, now: Duration) -> Result<(), ApiError> {
        let booked = self.pace(caller).book(self.rate(), now, Duration::ZERO);
        booked.map(drop).map_err(|wait| {
            self.refuse(ErrorCode::RateLimited, Quota::RequestsPerS)
                .retry_after(wait)
        })
    }

    /// Counts one of many things that a call asks for, or says how long it is to wait. It leaves a fifth of the burst to other calls.
    pub fn admit_line(&self, caller: Caller, now: Duration) -> Result<(), Duration> {
        let wait = self.pace(caller).wait(self.line_rate(), now);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.pace(caller).book(self.rate(), now, Duration::ZERO).map(drop)
    }

    /// Calls of about the last second, by programs or by people: whichever are more.
    pub fn calls(&self, now: Duration) -> u32 {
        let Paces { programs, people } = self.paces.as_ref();
        programs.owes(self.rate(), now).max(people.owes(self.rate(), now))
    }
}

/// See the module.
pub struct QuotaCache {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    defaults: QuotaLimits,
    subscriptions: Arc<SubscriptionBook>,
    known: Mutex<LruCache<TenantId, TenantQuotas>>,
}

/// How much of a rate, or of a burst, is for the lines of requests that ask for much.
pub fn of_lines(rate: u32) -> u32 {
    rate.saturating_sub(rate / 5)
}

impl QuotaCache {
    /// Knows no tenant yet.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        defaults: QuotaLimits,
        subscriptions: Arc<SubscriptionBook>,
    ) -> Self {
        Self {
            store,
            clock,
            defaults,
            subscriptions,
            known: Mutex::new(LruCache::new(KEPT)),
        }
    }

    /// By the default settings.
    #[cfg(test)]
    pub(crate) fn by_default(store: Arc<dyn Store>, clock: &Arc<dyn Clock>) -> Self {
        let subscriptions = SubscriptionBook::by_default(&store, clock);
        let defaults = crate::config::Config::defaults().unwrap().quotas();
        Self::new(store, Arc::clone(clock), defaults, subscriptions)
    }

    /// A tenant's. To be asked for those alone whom somebody who was let in belongs to.
    pub async fn of(&self, tenant: TenantId) -> Result<TenantQuotas, ApiError> {
        let now = self.clock.monotonic();
        let kept = self.known().get(&tenant).cloned();
        let is_fresh = |read| now.saturating_sub(read) < FRESH;
        if let Some(kept) = kept.filter(|kept| kept.read.is_some_and(is_fresh)) {
            return Ok(kept);
        }
        let row = self.store.tenant(tenant).await?;
        let set = row.map(|row| row.quotas).unwrap_or_default();
        let standing = self.subscriptions.standing(tenant).await?;
        let set = self.subscriptions.quotas(&standing, &set);
        let mut known = self.known();
        let fresh = TenantQuotas {
            limits: self.defaults.of(&set),
            refused_from: standing.refused_from,
            paces: known
                .get(&tenant)
                .map(|kept| Arc::clone(&kept.paces))
                .unwrap_or_default(),
            read: Some(now),
        };
        known.put(tenant, fresh.clone());
        Ok(fresh)
    }

    /// Has a tenant's row read again when next it is asked for.
    pub fn renew(&self, tenant: TenantId) {
        // Its pace goes on.
        if let Some(known) = self.known().get_mut(&tenant) {
            known.read = None;
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, LruCache<TenantId, TenantQuotas>> {
        // What is kept is only ever replaced whole, so a panic elsewhere leaves nothing half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for QuotaCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("QuotaCache")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_leave_a_fifth_of_what_may_come_at_once_to_single_calls() {
        let quotas = TenantQuotas {
            limits: QuotaLimits::by_default(|_quota| 100),
            refused_from: None,
            paces: Arc::default(),
            read: None,
        };
        let now = Duration::from_secs(1_000);
        let lines = (0..200).filter(|_| quotas.admit_line(Caller::Program, now).is_ok());
        assert_eq!(lines.count(), 80);
        let calls = (0..200).filter(|_| quotas.admit(Caller::Program, now).is_ok());
        assert_eq!(calls.count(), 20);
        assert!(quotas.admit_line(Caller::Program, now).is_err());
        let later = now + Duration::from_secs(1);
        assert!(quotas.admit_line(Caller::Program, later).is_ok());
    }
}
