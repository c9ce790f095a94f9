//! Who calls: API keys of tenants, people who are signed in, and operators.
//!
//! A key is looked up by its hash; an answer is trusted for [`FRESH`], so that a revoked key is refused everywhere
//! within that time. [`Call`] is the only place where a handler gets a tenant from.

mod admin;
mod call;
pub mod key;
mod present;
pub(super) mod session;
mod watch;
mod wrong;

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::sync::Semaphore;

pub use admin::AdminCall;
pub(super) use admin::{LOOKUPS as OPERATOR_LOOKUPS, same_secret, shows_operator_token};
pub use call::{
    Call, CanBroadcast, CanExport, CanManage, CanManageAgents, CanRead, CanSeeBroadcasts, CanSend, Need,
    StreamCall,
};
pub(super) use session::{OPEN_CALLS, csrf_token, new_token, presented, set_cookie};
pub use session::{OpenCall, SessionCall};
pub(super) use watch::{Heard, KeyWatch, Voucher};
pub(super) use wrong::WrongTokens;

use super::error::{ApiError, ErrorCode};
use super::quotas::{Caller, QuotaCache, TenantQuotas, of_lines};
use crate::accounts::{Accounts, Asking, SignedIn};
use crate::config::LimitsConfig;
use crate::domain::roles::{Right, Role};
use crate::domain::{AgentId, Clock, NumberLimit, PhoneNumberId, TenantId, UserId};
use crate::limiter::api::ApiLimiter;
use crate::store::directory::Scope;
use crate::store::{ApiKey, KeyHash, Store};
use key::{KeyKind, PresentedKey};
use present::PresentMembers;
use watch::Watches;

/// How long a looked-up key is trusted.
pub const FRESH: Duration = Duration::from_secs(30);
/// The same where a socket goes by it, which looks again with its next ping, half of that later.
const FRESH_FOR_SOCKETS: Duration = Duration::from_secs(15);
/// Keys kept ready; some 300 bytes each.
const KEPT: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
/// Look-ups at once of keys that are not known. Invented ones are never kept, so this is what a flood of them may cost
/// the store.
const LOOKUPS: usize = 64;
/// Paces that are remembered before those that are at rest are forgotten.
const MOST_PACED: usize = 20_000;
/// Look-ups at once of keys that the store knew a while ago.
const RENEWALS: usize = 64;

/// Somebody of a tenant's team.
#[derive(Clone, PartialEq, Eq)]
pub struct Colleague {
    /// Who.
    pub id: UserId,
    /// The same as an agent.
    pub agent: AgentId,
    /// What colleagues see.
    pub name: Arc<str>,
    /// What the member may do.
    pub role: Role,
}

/// Names do not belong into logs.
impl std::fmt::Debug for Colleague {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Colleague({})", self.id)
    }
}

/// A key that may be used now.
#[derive(Debug, Clone)]
pub struct KnownKey {
    key: Arc<ApiKey>,
    user: Option<Arc<Colleague>>,
    /// Whether the session knows that it was used.
    asking: Asking,
    quotas: TenantQuotas,
    limit: NumberLimit,
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

    /// What the tenant may have.
    pub fn quotas(&self) -> &TenantQuotas {
        &self.quotas
    }

    /// The numbers whose conversations it may be used for. Keys of programs are limited to none in particular.
    pub fn limit(&self) -> &NumberLimit {
        &self.limit
    }
}

/// Looks keys up and remembers them for a while.
pub struct KeyRing {
    store: Arc<dyn Store>,
    accounts: Arc<Accounts>,
    quotas: Arc<QuotaCache>,
    clock: Arc<dyn Clock>,
    // Holds keys and people that the store knows and no others.
    pace: ApiLimiter<KeyHash>,
    /// That of lines alone: what they leave of the other is for single calls.
    line_pace: ApiLimiter<KeyHash>,
    known: Mutex<LruCache<KeyHash, KnownKey>>,
    /// Members for whom programs act on sockets.
    present: PresentMembers,
    lookups: Semaphore,
    renewals: Semaphore,
    /// How often something was forgotten: what was read before that is not kept.
    forgotten: AtomicU64,
    /// Sockets that are to hear of it.
    watches: Watches,
    /// The minute in which paces were looked at last.
    pruned: AtomicU64,
}

impl KeyRing {
    /// A ring that knows no key yet.
    pub fn new(
        store: Arc<dyn Store>,
        accounts: Arc<Accounts>,
        quotas: Arc<QuotaCache>,
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
            line_pace: ApiLimiter::new(
                at_least_one(of_lines(limits.key_requests_per_s)),
                at_least_one(of_lines(limits.key_burst)),
                Arc::clone(&clock),
            ),
            store,
            accounts,
            quotas,
            clock,
            known: Mutex::new(LruCache::new(KEPT)),
            present: PresentMembers::default(),
            lookups: Semaphore::new(LOOKUPS),
            renewals: Semaphore::new(RENEWALS),
            forgotten: AtomicU64::new(0),
            watches: Watches::default(),
            pruned: AtomicU64::new(0),
        }
    }

    /// The key that was presented, if it may be used now. Does not count against its pace.
    pub async fn recognise(&self, presented: &str) -> Result<KnownKey, ApiError> {
        let presented = PresentedKey::parse(KeyKind::Tenant, presented).ok_or(ErrorCode::Unauthorized)?;
        self.look_up(presented.hash()).await
    }

    /// The key with this hash, if it may still be used: for what a socket does after the call that made its ticket. It counts as use
    /// of a session.
    pub async fn look_up(&self, hash: KeyHash) -> Result<KnownKey, ApiError> {
        self.valid(hash, Asking::Uses, FRESH).await
    }

    /// The same for a socket that is about to open.
    pub(super) async fn vouch(&self, hash: KeyHash) -> Result<KnownKey, ApiError> {
        self.valid(hash, Asking::Uses, FRESH_FOR_SOCKETS).await
    }

    /// Refuses as `Unauthorized` where what let a socket in lets nobody in any more; else says which numbers it is for. It is no use of a
    /// session.
    pub(super) async fn look_at(&self, voucher: Voucher) -> Result<NumberLimit, ApiError> {
        let known = self.valid(voucher.key, Asking::Looks, FRESH_FOR_SOCKETS).await;
        match known {
            // Signed in, and in no team any more.
            Err(refused) if refused.code() == ErrorCode::Forbidden => Err(ErrorCode::Unauthorized.into()),
            Err(refused) => Err(refused),
            Ok(known) => {
                self.demand_acting(&known, voucher.user).await?;
                Ok(known.limit)
            }
        }
    }

    /// A program acts as a member only for as long as it may, and the member is one.
    async fn demand_acting(&self, known: &KnownKey, user: Option<UserId>) -> Result<(), ApiError> {
        let (None, Some(user)) = (&known.user, user) else {
            return Ok(());
        };
        let may = known.key.scopes.contains(&Scope::ActAs);
        if may && self.is_present(known.key.tenant, user).await? {
            return Ok(());
        }
        Err(ErrorCode::Unauthorized.into())
    }

    /// Whether somebody is in a team.
    async fn is_present(&self, tenant: TenantId, user: UserId) -> Result<bool, ApiError> {
        let now = self.clock.monotonic();
        if self.present.knows(tenant, user, now) {
            return Ok(true);
        }
        let _place = self.renewals.try_acquire().map_err(|_full| busy())?;
        let forgotten = self.forgotten.load(Ordering::Acquire);
        let is_member = self.accounts.is_member(tenant, user).await?;
        self.present.note(tenant, user, now, || {
            is_member && self.forgotten.load(Ordering::Acquire) == forgotten
        });
        Ok(is_member)
    }

    /// Refuses who was in the tenant's team and is not any more.
    pub(super) async fn demand_present(&self, tenant: TenantId, agent: &AgentId) -> Result<(), ApiError> {
        Ok(self.accounts.demand_present(tenant, agent).await?)
    }

    /// Refuses whoever is limited to other numbers than this one.
    pub(super) async fn demand_assignable(
        &self,
        tenant: TenantId,
        agent: &AgentId,
        number: &PhoneNumberId,
    ) -> Result<(), ApiError> {
        Ok(self.accounts.demand_assignable(tenant, agent, number).await?)
    }

    /// Hears from now on when what lets a socket in is to be looked at again.
    pub(super) fn watch(&self, voucher: Voucher) -> KeyWatch {
        self.watches.watch(voucher)
    }

    async fn valid(&self, hash: KeyHash, asking: Asking, fresh: Duration) -> Result<KnownKey, ApiError> {
        let now = self.clock.monotonic();
        let kept = self.known().get(&hash).cloned();
        let noted = |known: &KnownKey| asking == Asking::Looks || known.asking == Asking::Uses;
        let known = match kept {
            Some(known) if now.saturating_sub(known.looked_up) < fresh && noted(&known) => known,
            Some(_) => self.fetch(hash, asking, now, &self.renewals).await?,
            None => self.fetch(hash, asking, now, &self.lookups).await?,
        };
        if !known.key.is_valid_at(self.clock.now()) {
            return Err(ErrorCode::Unauthorized.into());
        }
        Ok(known)
    }

    /// Takes a call's place in the pace of the key, or of the person, and in that of the tenant, or says when there will be one.
    pub fn admit(&self, known: &KnownKey) -> Result<(), ApiError> {
        let (whose, caller) = paced_by(known);
        self.take_place(whose)?;
        known.quotas.admit(caller, self.clock.monotonic())
    }

    /// Waits for a place in the same paces, however long that takes: for one of many things that one call asks for. A fifth of either
    /// stays free for calls that ask for one thing.
    pub(super) async fn turn(&self, known: &KnownKey) {
        let (whose, caller) = paced_by(known);
        for pace in [&self.line_pace, &self.pace] {
            while let Err(wait) = pace.check(&whose) {
                tokio::time::sleep(wait).await;
            }
        }
        while let Err(wait) = known.quotas.admit_line(caller, self.clock.monotonic()) {
            tokio::time::sleep(wait).await;
        }
    }

    fn take_place(&self, whose: KeyHash) -> Result<(), ApiError> {
        self.pace
            .check(&whose)
            .map_err(|wait| ApiError::new(ErrorCode::RateLimited).retry_after(wait))
    }

    /// Who is signed in with a token, as the store has it now, in the pace of that person alone: whatever the rest of the tenant does,
    /// one can sign out, and owners can revoke keys and remove members.
    pub(super) async fn session(&self, token: KeyHash) -> Result<Option<SignedIn>, ApiError> {
        // A flood of invented tokens keeps nobody out who is known.
        let places = if self.known().contains(&token) {
            &self.renewals
        } else {
            &self.lookups
        };
        let _place = places.try_acquire().map_err(|_full| busy())?;
        let Some(who) = self.accounts.session(token, Asking::Uses).await? else {
            return Ok(None);
        };
        self.take_place(who.paced_by())?;
        Ok(Some(who))
    }

    /// Has the key looked up again when next it is presented, and at once by the sockets that it let in.
    pub fn forget(&self, hash: KeyHash) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.known().pop(&hash);
        self.watches.wake_key(hash);
    }

    /// The same for all sessions of a user, and for sockets on which programs act for the user.
    pub fn forget_user(&self, user: UserId) {
        self.forget_those(|known| known.user.as_ref().is_some_and(|one| one.id == user));
        self.present.forget(user);
        self.watches.wake_user(user);
    }

    /// Has all keys and sessions of a tenant looked up again when next they are presented. Sockets do so with their next ping.
    pub fn forget_tenant(&self, tenant: TenantId) {
        self.forget_those(|known| known.key.tenant == tenant);
    }

    fn forget_those(&self, is_meant: impl Fn(&KnownKey) -> bool) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        let mut known = self.known();
        let meant: Vec<KeyHash> = known
            .iter()
            .filter(|(_, known)| is_meant(known))
            .map(|(hash, _)| *hash)
            .collect();
        for hash in meant {
            known.pop(&hash);
        }
    }

    async fn fetch(
        &self,
        hash: KeyHash,
        asking: Asking,
        now: Duration,
        places: &Semaphore,
    ) -> Result<KnownKey, ApiError> {
        let _place = places.try_acquire().map_err(|_full| busy())?;
        let forgotten = self.forgotten.load(Ordering::Acquire);
        let found = match self.store.key(hash).await? {
            Some(key) => Some((key, None, NumberLimit::All)),
            None => match self.accounts.session(hash, asking).await? {
                Some(who) => Some(of_session(who)?),
                None => None,
            },
        };
        let Some((key, user, limit)) = found else {
            self.known().pop(&hash);
            return Err(ErrorCode::Unauthorized.into());
        };
        let quotas = self.quotas.of(key.tenant).await?;
        let known = KnownKey {
            key: Arc::new(key),
            user,
            asking,
            quotas,
            limit,
            looked_up: now,
        };
        let mut kept = self.known();
        if self.forgotten.load(Ordering::Acquire) == forgotten {
            kept.put(hash, known.clone());
        }
        drop(kept);
        self.forget_paces_at_rest(now);
        Ok(known)
    }

    /// Once a minute, where there are many.
    fn forget_paces_at_rest(&self, now: Duration) {
        let minute = now.as_secs() / 60;
        let is_due = self.pruned.swap(minute, Ordering::AcqRel) != minute;
        if is_due && self.pace.len() > MOST_PACED {
            self.pace.prune();
            self.line_pace.prune();
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, LruCache<KeyHash, KnownKey>> {
        // What is kept is only ever replaced whole, so a panic elsewhere leaves nothing half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What somebody who is signed in may do in the tenant, as a key that ends with the session.
fn of_session(who: SignedIn) -> Result<(ApiKey, Option<Arc<Colleague>>, NumberLimit), ApiError> {
    let nowhere = || ApiError::because(ErrorCode::Forbidden, "you are in no team any more");
    let (tenant, role) = who.tenant.ok_or_else(nowhere)?;
    let agent = AgentId::parse(&who.user.to_string())?;
    let key = ApiKey {
        hash: who.token,
        id: who.session,
        tenant,
        name: who.name.clone(),
        scopes: scopes_of(role),
        created: who.created,
        created_by: None,
        revoked: None,
        expires: Some(who.until),
    };
    let colleague = Colleague {
        id: who.user,
        agent,
        name: who.name.into(),
        role,
    };
    Ok((key, Some(Arc::new(colleague)), who.limit))
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

fn busy() -> ApiError {
    ApiError::new(ErrorCode::Busy).retry_after(Duration::from_secs(1))
}

/// What the calls of a key or a person are paced by.
fn paced_by(known: &KnownKey) -> (KeyHash, Caller) {
    match &known.user {
        Some(user) => (pace_of(user.id), Caller::Person),
        None => (known.key.hash, Caller::Program),
    }
}

/// What a person's calls are paced by, in whichever browser.
fn pace_of(user: UserId) -> KeyHash {
    KeyHash::of(&user.to_string())
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyRing")
    }
}

#[cfg(test)]
mod tests;
