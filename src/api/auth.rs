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
pub(super) use admin::same_secret;
pub use call::{Call, CanManageAgents, CanRead, CanSend, Need};
pub(super) use wrong::WrongTokens;

use super::error::{ApiError, ErrorCode};
use crate::config::LimitsConfig;
use crate::domain::Clock;
use crate::limiter::api::ApiLimiter;
use crate::store::{ApiKey, KeyHash, Store};
use key::PresentedKey;

/// How long a looked-up key is trusted.
pub const FRESH: Duration = Duration::from_secs(30);
/// Keys kept ready; some 300 bytes each.
const KEPT: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
/// Look-ups at once. Invented keys are never kept, so this is what a flood of them may cost the store.
const LOOKUPS: usize = 64;

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
        }
    }

    /// The key that was presented, if it may be used now. Does not count against its pace.
    pub async fn recognise(&self, presented: &str) -> Result<KnownKey, ApiError> {
        let presented = PresentedKey::parse(presented).ok_or(ErrorCode::Unauthorized)?;
        self.look_up(presented.hash()).await
    }

    /// The key with this hash, if it may still be used: for sockets that outlive the call that made their ticket.
    pub async fn look_up(&self, hash: KeyHash) -> Result<KnownKey, ApiError> {
        let now = self.clock.monotonic();
        let kept = self.known().get(&hash).cloned();
        let known = match kept {
            Some(known) if now.saturating_sub(known.looked_up) < FRESH => known,
            _ => self.fetch(hash, now).await?,
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

    async fn fetch(&self, hash: KeyHash, now: Duration) -> Result<KnownKey, ApiError> {
        let _place = self
            .lookups
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
