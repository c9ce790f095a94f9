//! Who calls: API keys of tenants, and the operator's token.
//!
//! A key is looked up by its hash; an answer is trusted for [`FRESH`], so that a revoked key is refused everywhere
//! within that time. [`Call`] is the only place where a handler gets a tenant from.

mod admin;
mod call;
pub mod key;
mod wrong;

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::sync::Semaphore;

pub use admin::AdminCall;
pub(super) use admin::{LOOKUPS as OPERATOR_LOOKUPS, same_secret, shows_operator_token};
pub use call::{Call, CanManageAgents, CanRead, CanSend, Need};
pub(super) use wrong::WrongTokens;

use super::error::{ApiError, ErrorCode};
use crate::config::LimitsConfig;
use crate::domain::Clock;
use crate::limiter::api::ApiLimiter;
use crate::store::{ApiKey, KeyHash, Store};
use key::{KeyKind, PresentedKey};

/// How long a looked-up key is trusted.
pub const FRESH: Duration = Duration::from_secs(30);
/// Keys kept ready; some 300 bytes each.
const KEPT: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
/// Look-ups at once of keys that are not known. Invented ones are never kept, so this is what a flood of them may cost
/// the store.
const LOOKUPS: usize = 64;
/// Look-ups at once of keys that the store knew a while ago.
const RENEWALS: usize = 64;

/// A key that may be used now.
#[derive(Debug, Clone)]
pub struct KnownKey {
    key: Arc<ApiKey>,
    looked_up: Duration,
}

impl KnownKey {
    /// The key as the store has it.
    pub fn key(&self) -> &Arc<ApiKey> {
        &self.key
    }
}

/// Looks keys up and remembers them for a while.
pub struct KeyRing {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    // Holds keys that the store knows and no others, so it needs no bound of its own.
    pace: ApiLimiter<KeyHash>,
    known: Mutex<LruCache<KeyHash, KnownKey>>,
    lookups: Semaphore,
    renewals: Semaphore,
}

impl KeyRing {
    /// A ring that knows no key yet.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, limits: &LimitsConfig) -> Self {
        let at_least_one = |value| NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN);
        Self {
            pace: ApiLimiter::new(
                at_least_one(limits.key_requests_per_s),
                at_least_one(limits.key_burst),
                Arc::clone(&clock),
            ),
            store,
            clock,
            known: Mutex::new(LruCache::new(KEPT)),
            lookups: Semaphore::new(LOOKUPS),
            renewals: Semaphore::new(RENEWALS),
        }
    }

    /// The key that was presented, if it may be used now. Does not count against its pace.
    pub async fn recognise(&self, presented: &str) -> Result<KnownKey, ApiError> {
        let presented = PresentedKey::parse(KeyKind::Tenant, presented).ok_or(ErrorCode::Unauthorized)?;
        self.look_up(presented.hash()).await
    }

    /// The key with this hash, if it may still be used: for sockets that outlive the call that made their ticket.
    pub async fn look_up(&self, hash: KeyHash) -> Result<KnownKey, ApiError> {
        let now = self.clock.monotonic();
        let kept = self.known().get(&hash).cloned();
        let known = match kept {
            Some(known) if now.saturating_sub(known.looked_up) < FRESH => known,
            Some(_) => self.fetch(hash, now, &self.renewals).await?,
            None => self.fetch(hash, now, &self.lookups).await?,
        };
        if !known.key.is_valid_at(self.clock.now()) {
            return Err(ErrorCode::Unauthorized.into());
        }
        Ok(known)
    }

    /// Takes a call's place in the key's pace, or says when there will be one.
    pub fn admit(&self, known: &KnownKey) -> Result<(), ApiError> {
        self.pace
            .check(&known.key.hash)
            .map_err(|wait| ApiError::new(ErrorCode::RateLimited).retry_after(wait))
    }

    /// Has the key looked up again when next it is presented.
    pub fn forget(&self, hash: KeyHash) {
        self.known().pop(&hash);
    }

    async fn fetch(&self, hash: KeyHash, now: Duration, places: &Semaphore) -> Result<KnownKey, ApiError> {
        let _place = places
            .try_acquire()
            .map_err(|_full| ApiError::new(ErrorCode::Busy).retry_after(Duration::from_secs(1)))?;
        let Some(key) = self.store.key(hash).await? else {
            self.forget(hash);
            return Err(ErrorCode::Unauthorized.into());
        };
        let known = KnownKey {
            key: Arc::new(key),
            looked_up: now,
        };
        self.known().put(hash, known.clone());
        Ok(known)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, LruCache<KeyHash, KnownKey>> {
        // What is kept is only ever replaced whole, so a panic elsewhere leaves nothing half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyRing")
    }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::config::Config;
    use crate::domain::{TenantId, TestClock, Timestamp};
    use crate::store::memory::MemoryStore;
    use key::NewKey;

    #[tokio::test]
    async fn a_flood_of_invented_keys_keeps_nobody_out_whose_key_is_known() {
        let now = Timestamp::from_secs(1_800_000_000);
        let (store, clock) = (Arc::new(MemoryStore::default()), Arc::new(TestClock::at(now)));
        let mine = NewKey::generate(KeyKind::Tenant, &SystemRandom::new()).unwrap();
        let key = ApiKey {
            hash: mine.hash,
            id: mine.id,
            tenant: TenantId::new(1),
            name: "mine".to_owned(),
            scopes: Vec::new(),
            created: now,
            revoked: None,
            expires: None,
        };
        store.put_key(key).await.unwrap();
        let limits = Config::from_sources(None, []).unwrap().limits;
        let clock_of_ring: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
        let ring = KeyRing::new(store, clock_of_ring, &limits);
        ring.recognise(mine.text.expose_secret()).await.unwrap();
        clock.advance(FRESH);
        let all = u32::try_from(LOOKUPS).unwrap();
        let _flood = ring.lookups.acquire_many(all).await.unwrap();
        ring.recognise(mine.text.expose_secret()).await.unwrap();
        let invented = NewKey::generate(KeyKind::Tenant, &SystemRandom::new()).unwrap();
        let refused = ring.recognise(invented.text.expose_secret()).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Busy);
    }
}
