//! Which number belongs to which tenant, and where each tenant's actors are: the only lock of the actors.
//!
//! Tenants are started here when they are needed, put to rest when nobody needs them any more, and started again when an
//! actor of theirs died: everything that they know is in the store.

mod numbers;
mod processes;
mod rest;
mod start;
mod starts;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod victim;
mod webhooks;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use actix::ArbiterHandle;

use super::bounded::BoundedAddr;
use super::conversation::{commit_refusal, store_refusal};
use super::incarnation::Incarnation;
use super::lane::{Earlier, LaneHandle, LaneLimits};
use super::ledger::LedgerHandle;
use super::messages::tenant::{NumberChanged, Retire};
use super::request::Refusal;
use super::tenant::{Tenant, TenantLimits};
use crate::domain::{Clock, PhoneNumberId, Retention, TenantId};
use crate::media::outbound::OutboundFiles;
use crate::store::{ClaimsAhead, Number, Store, StoreError, Tenant as TenantRow};
use crate::telemetry::Seldom;
use crate::whatsapp::Graph;
use numbers::Numbers;
use processes::Processes;
use starts::Starts;

pub use processes::Look;
pub use rest::TenantCounts;

/// What a tenant that does not run answers while the process ends.
const ENDING: Refusal = Refusal::Unavailable {
    retry_after: Some(Duration::from_secs(5)),
};
/// How long the remains of a tenant may take to hear that they are over.
const RETIREMENT: Duration = Duration::from_secs(1);

/// How often the log tells of tenants that cannot be started: while the store is away, none of those can that are asked for.
const TOLD_EACH: Duration = Duration::from_secs(10);

/// What all tenants are made of.
#[derive(Clone)]
pub struct DirectoryParts {
    /// Where everything durable lives.
    pub store: Arc<dyn Store>,
    /// The way to Meta.
    pub graph: Arc<dyn Graph>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Threads for tenants; a tenant and its children stay on one.
    pub arbiters: Vec<ArbiterHandle>,
    /// Bounds of a tenant.
    pub tenant_limits: TenantLimits,
    /// Bounds of a lane.
    pub lane_limits: Arc<LaneLimits>,
    /// Calls to Meta in flight in the whole process.
    pub calls: Arc<tokio::sync::Semaphore>,
    /// Where it is noted which claims have no call yet.
    pub ahead: Arc<ClaimsAhead>,
    /// Brings files of messages to Meta.
    pub files: Arc<dyn OutboundFiles>,
    /// Names of the apps that are configured.
    pub apps: Vec<Arc<str>>,
    /// Where epochs, message ids and jitter come from.
    pub seed: u64,
    /// Who may have sent from these numbers before.
    pub earlier: Earlier,
}

/// A running tenant.
#[derive(Clone)]
pub struct TenantHandle {
    /// Its settings.
    pub row: Arc<TenantRow>,
    /// The writer of its log.
    pub ledger: LedgerHandle,
    /// Its numbers' outbound queues.
    pub lanes: Arc<BTreeMap<PhoneNumberId, LaneHandle>>,
    pub(crate) addr: BoundedAddr<Tenant>,
    incarnation: Incarnation,
    used: Arc<rest::Used>,
}

impl TenantHandle {
    /// Stops what is left of it, so that nothing of it works beside its successor.
    async fn retire(&self) {
        // Whichever actor died already takes nothing more; calls under way end by themselves.
        drop(self.addr.tell(Retire, RETIREMENT).await);
        self.ledger.retire().await;
        for lane in self.lanes.values() {
            let lane = lane.clone();
            tokio::spawn(async move { lane.drain().await });
        }
    }

    fn is_alive(&self) -> bool {
        let lanes = self.lanes.values().all(LaneHandle::is_connected);
        lanes && self.addr.is_connected() && self.ledger.is_connected()
    }
}

impl std::fmt::Debug for TenantHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TenantHandle({})", self.row.id)
    }
}

/// A tenant that rests is here by its numbers alone.
#[derive(Default)]
struct Map {
    live: HashMap<TenantId, Box<TenantHandle>>,
    numbers: Numbers,
}

/// The directory. See the module.
pub struct Directory {
    parts: DirectoryParts,
    map: RwLock<Map>,
    starts: Starts,
    not_started: Seldom,
    rng: Mutex<fastrand::Rng>,
    /// Whether the process ends: then nothing is started.
    closed: AtomicBool,
    /// The store's numbers as they were read last.
    numbers_version: tokio::sync::Mutex<i64>,
    taken_over: Arc<tokio::sync::Notify>,
    processes: Processes,
}

impl Directory {
    /// Reads from the store whose each number is. Tenants start when first needed, or by [`Self::start_due`].
    pub async fn open(parts: DirectoryParts) -> Result<Self, StoreError> {
        let version = parts.store.numbers_version().await?;
        let numbers = Numbers::of(parts.store.number_owners().await?, &parts.apps);
        let map = Map {
            numbers,
            ..Map::default()
        };
        let rng = Mutex::new(fastrand::Rng::with_seed(parts.seed));
        Ok(Self {
            parts,
            map: RwLock::new(map),
            starts: Starts::default(),
            not_started: Seldom::each(TOLD_EACH),
            rng,
            closed: AtomicBool::new(false),
            numbers_version: tokio::sync::Mutex::new(version),
            taken_over: Arc::default(),
            processes: Processes::default(),
        })
    }

    /// The store that all tenants share.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.parts.store
    }

    /// The time that all tenants share.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.parts.clock
    }

    /// Starts nothing from now on: lanes end, and nobody must start them again. What runs is still reached, and what is
    /// accepted meanwhile waits in the store for the next start.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// A tenant that needs no start.
    pub(super) fn known(&self, id: TenantId) -> Result<Option<TenantHandle>, Refusal> {
        let map = self.read();
        let handle = map.live.get(&id);
        if self.is_closed() {
            let running = handle.ok_or(ENDING)?;
            return Ok(Some((**running).clone()));
        }
        let running = handle.filter(|handle| handle.is_alive());
        Ok(running.map(|handle| {
            handle.used.note(self.parts.clock.monotonic());
            (**handle).clone()
        }))
    }

    /// A tenant that runs, for a look that keeps nobody from resting.
    pub(super) fn running_one(&self, id: TenantId) -> Option<TenantHandle> {
        let map = self.read();
        let running = map.live.get(&id).filter(|handle| handle.is_alive());
        running.map(|handle| (**handle).clone())
    }

    /// Told whenever a tenant was taken from another process, which may have webhooks of it that it does not apply any more.
    pub fn taken_over(&self) -> Arc<tokio::sync::Notify> {
        Arc::clone(&self.taken_over)
    }

    /// The tenants that run now.
    pub fn running(&self) -> Vec<TenantHandle> {
        self.read()
            .live
            .values()
            .map(|handle| (**handle).clone())
            .collect()
    }

    /// Takes over a tenant that changed: for how long its messages are kept, and what it says of itself in the store by now,
    /// where it may have changed once more.
    pub async fn tenant_changed(&self, tenant: &TenantRow) -> Result<(), Refusal> {
        self.keep_for(tenant.id, tenant.retention).await?;
        let turn = self.starts.turn(tenant.id);
        let mine = turn.lock().await;
        let read = self.parts.store.tenant(tenant.id).await;
        if let Ok(Some(row)) = &read
            && let Some(live) = self.write().live.get_mut(&tenant.id)
        {
            live.row = Arc::new(row.clone());
        }
        drop(mine);
        self.starts.leave(tenant.id);
        read.map(drop).map_err(|error| store_refusal(&error))
    }

    /// Has a tenant's messages kept for so long from now on, and waits for what was being written until then.
    pub async fn keep_for(&self, tenant: TenantId, days: Retention) -> Result<(), Refusal> {
        let handle = self.tenant(tenant).await?;
        handle.ledger.keep_for(days);
        handle.ledger.pass().await.map_err(|error| commit_refusal(&error))
    }

    /// Takes over the numbers that another process added or changed since the store was read last.
    pub async fn read_numbers_again(&self) -> Result<(), StoreError> {
        // Whoever waits finds that it was done.
        let mut known = self.numbers_version.lock().await;
        let version = self.parts.store.numbers_version().await?;
        if version == *known {
            return Ok(());
        }
        for number in self.parts.store.numbers().await? {
            if !self.knows(&number) {
                self.read_number_again(number.tenant, number.id).await?;
            }
        }
        *known = version;
        Ok(())
    }

    /// Takes over a number as it is stored by now: it may have changed once more, and that may be known here.
    async fn read_number_again(&self, tenant: TenantId, id: PhoneNumberId) -> Result<(), StoreError> {
        let turn = self.starts.turn(tenant);
        let mine = turn.lock().await;
        let read = self.parts.store.number(id).await;
        let fresh = read.map(|number| number.filter(|number| !self.knows(number)));
        let told = match &fresh {
            Ok(Some(number)) => {
                tracing::info!(tenant.id = %tenant, number.id = %number.id, "takes over a number that was added or changed");
                self.with_lane(number, self.random())
            }
            Ok(None) | Err(_) => None,
        };
        drop(mine);
        self.starts.leave(tenant);
        tell_number(told).await;
        fresh.map(drop)
    }

    fn knows(&self, number: &Number) -> bool {
        let map = self.read();
        let lane = map
            .live
            .get(&number.tenant)
            .map(|running| running.lanes.get(&number.id));
        // A tenant that rests reads its numbers when it starts.
        map.numbers.has(number) && lane.is_none_or(|lane| lane.is_some_and(|lane| lane.knows(number)))
    }

    /// Takes over a number that was added to the store, or changed there. Its lane starts, or takes over the change.
    pub async fn number_changed(&self, number: Number) {
        let turn = self.starts.turn(number.tenant);
        let mine = turn.lock().await;
        let told = self.with_lane(&number, self.random());
        drop(mine);
        self.starts.leave(number.tenant);
        tell_number(told).await;
    }

    /// Notes the number, and starts its lane if its tenant runs; gives what the tenant must be told.
    fn with_lane(&self, number: &Number, seed: u64) -> Option<(BoundedAddr<Tenant>, NumberChanged)> {
        let mut map = self.write();
        map.numbers.insert(number.clone().into(), &self.parts.apps);
        let handle = map.live.get_mut(&number.tenant)?;
        if let Some(lane) = handle.lanes.get(&number.id) {
            lane.update(number.clone());
            return None;
        }
        let arbiter = self.arbiter_of(number.tenant)?;
        let own = (&handle.ledger, &handle.incarnation);
        let lane = self.start_lane(&handle.row, own, number.clone(), seed, &arbiter);
        let mut lanes = (*handle.lanes).clone();
        lanes.insert(number.id.clone(), lane.clone());
        handle.lanes = Arc::new(lanes);
        let id = number.id.clone();
        Some((handle.addr.clone(), NumberChanged { id, lane }))
    }

    /// Where a tenant's actors start, which they do not once the process ends.
    fn arbiter_of(&self, tenant: TenantId) -> Option<ArbiterHandle> {
        let count = u64::try_from(self.parts.arbiters.len())
            .ok()
            .filter(|count| *count > 0 && !self.is_closed())?;
        let index = usize::try_from(tenant.get() % count).ok()?;
        self.parts.arbiters.get(index).cloned()
    }

    /// A reader that panicked left the map whole: it only reads.
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Map> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Map> {
        self.map.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells a running tenant of a number's lane.
async fn tell_number(told: Option<(BoundedAddr<Tenant>, NumberChanged)>) {
    if let Some((addr, changed)) = told
        && addr.tell(changed, RETIREMENT).await.is_err()
    {
        // It is started again with all its numbers by whoever asks next.
        addr.tell(Retire, RETIREMENT).await.ok();
    }
}
