//! Who calls: API keys of tenants, and the operator's token.
//!
//! A key is looked up by its hash; an answer is trusted for [`FRESH`], so that a revoked key is refused everywhere
//! within that time. [`Call`] is the only place where a handler gets a tenant from.

mod admin;
mod call;
pub mod key;
mod session;
mod wrong;

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::sync::Semaphore;

pub use admin::AdminCall;
pub(super) use admin::{LOOKUPS as OPERATOR_LOOKUPS, same_secret, shows_operator_token};
pub use call::{Call, CanManageAgents, CanRead, CanSend, Need};
pub use session::{OpenCall, SessionCall};
pub(super) use session::{csrf_token, new_token, set_cookie};
pub(super) use wrong::WrongTokens;

use super::error::{ApiError, ErrorCode};
use crate::accounts::{Accounts, SignedIn};
use crate::config::LimitsConfig;
use crate::domain::roles::{Right, Role};
use crate::domain::{AgentId, Clock, UserId};
use crate::limiter::api::ApiLimiter;
use crate::store::directory::Scope;
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

/// Somebody of a tenant's team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colleague {
    /// Who.
    pub id: UserId,
    /// The same as an agent.
    pub agent: AgentId,
    /// What colleagues see.
    pub name: Arc<str>,
}

/// A key that may be used now.
#[derive(Debug, Clone)]
pub struct KnownKey {
    key: Arc<ApiKey>,
    user: Option<Arc<Colleague>>,
    looked_up: Duration,
}

impl KnownKey {
    /// The key as the store has it. That of somebody who is signed in has the scopes of the role.
    pub fn key(&self) -> &Arc<ApiKey> {
        &self.key
    }

    /// Who is signed in, where it is no program.
    pub fn user(&self) -> Option<&Arc<Colleague>> {
        self.user.as_ref()
    }
}

/// Looks keys up and remembers them for a while.
pub struct KeyRing {
    store: Arc<dyn Store>,
    accounts: Arc<Accounts>,
    clock: Arc<dyn Clock>,
    // Holds keys that the store knows and no others, so it needs no bound of its own.
    pace: ApiLimiter<KeyHash>,
    known: Mutex<LruCache<KeyHash, KnownKey>>,
    lookups: Semaphore,
    renewals: Semaphore,
}

impl KeyRing {
    /// A ring that knows no key yet.
    pub fn new(
        store: Arc<dyn Store>,
        accounts: Arc<Accounts>,
        clock: Arc<dyn Clock>,
        limits: &LimitsConfig,
    ) -> Self {
        let at_least_one = |value| NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN);
        Self {
            pace: ApiLimiter::new(
                at_least_one(limits.key_requests_per_s),
                at_least_one(limits.key_burst),
                Arc::clone(&clock),
            ),
            store,
            accounts,
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

    /// Who is signed in with a token, as the store has it now, in the pace of that session.
    pub(super) async fn session(&self, token: KeyHash) -> Result<Option<SignedIn>, ApiError> {
        let _place = self
            .lookups
            .try_acquire()
            .map_err(|_full| ApiError::new(ErrorCode::Busy).retry_after(Duration::from_secs(1)))?;
        let Some(who) = self.accounts.session(token).await? else {
            return Ok(None);
        };
        let paced = self.pace.check(&token);
        paced.map_err(|wait| ApiError::new(ErrorCode::RateLimited).retry_after(wait))?;
        Ok(Some(who))
    }

    /// Has the key looked up again when next it is presented.
    pub fn forget(&self, hash: KeyHash) {
        self.known().pop(&hash);
    }

    async fn fetch(&self, hash: KeyHash, now: Duration, places: &Semaphore) -> Result<KnownKey, ApiError> {
        let _place = places
            .try_acquire()
            .map_err(|_full| ApiError::new(ErrorCode::Busy).retry_after(Duration::from_secs(1)))?;
        let found = match self.store.key(hash).await? {
            Some(key) => Some((key, None)),
            None => self.accounts.session(hash).await?.and_then(of_session),
        };
        let Some((key, user)) = found else {
            self.forget(hash);
            return Err(ErrorCode::Unauthorized.into());
        };
        let known = KnownKey {
            key: Arc::new(key),
            user,
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

/// What somebody who is signed in may do in the tenant, as a key that ends with the session.
fn of_session(who: SignedIn) -> Option<(ApiKey, Option<Arc<Colleague>>)> {
    let (tenant, role) = who.tenant?;
    let agent = AgentId::parse(&who.user.to_string()).ok()?;
    let key = ApiKey {
        hash: who.token,
        id: who.session,
        tenant,
        name: who.name.clone(),
        scopes: scopes_of(role),
        created: who.created,
        revoked: None,
        expires: Some(who.until),
    };
    let colleague = Colleague {
        id: who.user,
        agent,
        name: who.name.into(),
    };
    Some((key, Some(Arc::new(colleague))))
}

/// What a role allows, as scopes.
fn scopes_of(role: Role) -> Vec<Scope> {
    let scopes = [
        (Scope::Send, Right::Answer),
        (Scope::Read, Right::Read),
        (Scope::Agents, Right::Read),
    ];
    let allowed = scopes.into_iter().filter(|(_, right)| role.allows(*right));
    allowed.map(|(scope, _)| scope).collect()
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
        let config = Config::from_sources(None, []).unwrap();
        let clock_of_ring: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
        let accounts = Accounts::new(store.clone(), Arc::clone(&clock_of_ring), config.accounts);
        let ring = KeyRing::new(store, Arc::new(accounts), clock_of_ring, &config.limits);
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
