//! Erasing customers: listed first, then carried out, each step of which may be done again.
//!
//! A call lists an erasure and waits a moment for it. [`Erasures::run`] carries out what is listed, also what another call, or an
//! earlier run of the process, left: webhooks that came before are applied first; what waits to be sent is taken back; then the rows and
//! files go, and whoever shows any of them is told to read again. It happens where the tenant is. Actors hold nothing of a customer: each
//! of their changes is decided by the rows, of which there are none any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use crate::actors::TenantPort;
use crate::actors::request::Refusal;
use crate::crash::{self, CrashPoint};
use crate::domain::{Clock, Contact, ContactId, TenantId};
use crate::media::{Media, MediaError};
use crate::shutdown::Shutdown;
use crate::store::op::Erase;
use crate::store::plain::{Found, PlainTable};
use crate::store::tables::ContactErasure;
use crate::store::{Store, StoreError};
use crate::telemetry::labels::ErasureOf;
use crate::telemetry::metrics;

/// How often it is looked for erasures that no call of this process listed.
const LOOK: Duration = Duration::from_secs(5);
/// How often it is looked again for one that cannot be carried out yet.
const AGAIN: Duration = Duration::from_millis(500);
/// Erasures of a tenant that are not done.
const MOST_OF_ONE: usize = 1_000;
/// Erasures of a tenant that are carried out before others get a turn.
const TURN: usize = 8;
/// Tenants whose erasures are carried out at once: each reads the events of a week.
const AT_ONCE: usize = 4;
/// Rows that are read at once.
const PAGE: usize = 200;
/// How often a call looks whether it is done.
const ASK: Duration = Duration::from_millis(100);

/// Why a customer is not erased.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// Too many are listed.
    #[error("{MOST_OF_ONE} customers of the business are being erased already: try again later")]
    TooMany,
    /// The store does not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Files cannot be removed.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The tenant does not take it.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// How far one look brought an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Done,
    /// Webhooks that came before it are not applied yet.
    Waits,
    /// Another process has the tenant, and does it.
    Elsewhere,
}

/// All erasures of customers.
pub struct Erasures {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    tenants: Arc<dyn TenantPort>,
    media: Arc<Media>,
    wake: Notify,
    /// How often an erasure that is listed could not be carried out.
    failures: Mutex<BTreeMap<(TenantId, ContactId), u32>>,
}

impl Erasures {
    /// None is known yet.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        tenants: Arc<dyn TenantPort>,
        media: Arc<Media>,
    ) -> Self {
        Self {
            store,
            clock,
            tenants,
            media,
            wake: Notify::new(),
            failures: Mutex::default(),
        }
    }

    fn table(&self) -> PlainTable<'_, ContactErasure> {
        PlainTable::of(self.store.as_ref(), self.clock.now())
    }

    /// Lists the erasure of the customer who is shown under a contact: durable on return, and carried out from now on.
    pub async fn begin(
        &self,
        tenant: TenantId,
        contact: ContactId,
        customer: &[Contact],
    ) -> Result<(), ErasureError> {
        if self.count_of(tenant).await? >= MOST_OF_ONE {
            return Err(ErasureError::TooMany);
        }
        let fresh = ContactErasure::new(tenant, contact, customer, self.clock.now());
        let list =
            |before: Option<&ContactErasure>| Ok::<_, StoreError>(Some(before.unwrap_or(&fresh).clone()));
        self.table()
            .change(ContactErasure::at(tenant, contact), list)
            .await?;
        crash::point(CrashPoint::ErasureListed);
        self.wake.notify_one();
        Ok(())
    }

    /// Whether a customer's erasure is listed and not done.
    pub async fn is_open(&self, tenant: TenantId, contact: ContactId) -> Result<bool, StoreError> {
        let found = self.table().get(&ContactErasure::at(tenant, contact)).await?;
        Ok(found.is_some())
    }

    /// Waits a while for an erasure; whether it is done.
    pub async fn ends_within(
        &self,
        tenant: TenantId,
        contact: ContactId,
        patience: Duration,
    ) -> Result<bool, StoreError> {
        let ends = async {
            while self.is_open(tenant, contact).await? {
                tokio::time::sleep(ASK).await;
            }
            Ok(true)
        };
        tokio::time::timeout(patience, ends).await.unwrap_or(Ok(false))
    }

    /// Carries erasures out until the process ends.
    pub async fn run(&self, shutdown: &Shutdown) {
        let mut due = tokio::time::interval(LOOK);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let work = async {
            loop {
                tokio::select! {
                    () = self.wake.notified() => {}
                    _ = due.tick() => {}
                }
                while self.look().await {
                    tokio::time::sleep(AGAIN).await;
                }
            }
        };
        // What is cut off is taken up by whoever looks next.
        tokio::select! {
            () = shutdown.begun() => {}
            () = work => {}
        }
    }

    /// Takes all that are listed on in turn; whether some are left that this process may go on with soon.
    async fn look(&self) -> bool {
        let open = match self.open().await {
            Ok(open) => open,
            Err(error) => {
                tracing::warn!(%error, "cannot tell whether customers are to be erased");
                return false;
            }
        };
        self.tell(&open);
        let mut turns: BTreeMap<TenantId, Vec<Found<ContactErasure>>> = BTreeMap::new();
        for erasure in open {
            turns.entry(erasure.row.tenant).or_default().push(erasure);
        }
        let turns = stream::iter(turns.into_values()).map(|turn| self.take_turn(turn));
        turns
            .buffer_unordered(AT_ONCE)
            .fold(false, async |left, more| left || more)
            .await
    }

    /// Tells how many are listed, and since when the oldest is; what is known of those that are listed no more is forgotten.
    fn tell(&self, open: &[Found<ContactErasure>]) {
        let count = u64::try_from(open.len()).unwrap_or(u64::MAX);
        metrics::erasures(ErasureOf::Customer).set(metrics::number(count));
        let now = self.clock.now();
        let oldest = open.iter().map(|erasure| now.since(erasure.row.begun)).max();
        metrics::erasures_oldest_seconds(ErasureOf::Customer).set(oldest.unwrap_or_default().as_secs_f64());
        let listed: BTreeSet<_> = open
            .iter()
            .map(|erasure| (erasure.row.tenant, erasure.row.contact))
            .collect();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|customer, _| listed.contains(customer));
    }

    fn failures_of(&self, customer: (TenantId, ContactId)) -> u32 {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(&customer).copied().unwrap_or_default()
    }

    fn note_failures(&self, customer: (TenantId, ContactId), count: u32) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if count == 0 {
            failures.remove(&customer);
        } else {
            failures.insert(customer, count);
        }
    }

    /// Carries out some erasures of one tenant; whether some are left.
    async fn take_turn(&self, mut erasures: Vec<Found<ContactErasure>>) -> bool {
        // Whoever waits longest comes first; who could not be erased before keeps nobody else waiting.
        erasures.sort_by_key(|erasure| {
            (
                self.failures_of((erasure.row.tenant, erasure.row.contact)),
                erasure.row.begun,
            )
        });
        let (mut left, mut failed) = (erasures.len() > TURN, false);
        for erasure in erasures.into_iter().take(TURN) {
            let ContactErasure { tenant, contact, .. } = erasure.row;
            match self.carry_out(&erasure).await {
                Ok(Progress::Done) => {
                    self.note_failures((tenant, contact), 0);
                    tracing::info!(tenant.id = %tenant, contact.id = %contact, "a customer is erased");
                }
                Ok(Progress::Waits) => left = true,
                Ok(Progress::Elsewhere) => return false,
                Err(error) => {
                    let before = self.failures_of((tenant, contact));
                    self.note_failures((tenant, contact), before.saturating_add(1));
                    failed = true;
                    tracing::warn!(tenant.id = %tenant, contact.id = %contact, %error, "a customer stays half erased for now");
                }
            }
        }
        // What failed is not tried again at once.
        left && !failed
    }

    async fn carry_out(&self, erasure: &Found<ContactErasure>) -> Result<Progress, ErasureError> {
        let ContactErasure {
            tenant,
            contact,
            begun,
            ..
        } = erasure.row;
        if self.tenants.backlog(tenant).await?.is_none() {
            return Ok(Progress::Elsewhere);
        }
        // What came before would bring the customer back.
        let oldest = self.store.journal_open(None, 1).await?;
        if oldest.first().is_some_and(|entry| entry.received <= begun) {
            return Ok(Progress::Waits);
        }
        let Some(erasure) = self.as_known_now(erasure).await? else {
            return Ok(Progress::Waits);
        };
        let contacts = &erasure.row.contacts;
        let begins = Erase::Begins(contacts.clone());
        self.tenants.erase_customer(tenant, begins).await?;
        self.media.erase_contacts(tenant, contacts.clone()).await?;
        self.tenants.erase_customer(tenant, Erase::IsDone).await?;
        crash::point(CrashPoint::AfterErasure);
        let (place, ended) = erasure.row.ended(self.clock.now());
        self.table().replace(&place, None, Some(&ended)).await?;
        let key = ContactErasure::at(tenant, contact);
        // An import that was under way may want it once more.
        let is_done = self.table().replace(&key, Some(&erasure), None).await?;
        Ok(if is_done { Progress::Done } else { Progress::Waits })
    }

    /// Notes whoever turned out to be the same customer since the erasure was listed: once their rows are gone nothing tells that they
    /// were. Nothing where somebody listed it anew meanwhile.
    async fn as_known_now(
        &self,
        erasure: &Found<ContactErasure>,
    ) -> Result<Option<Found<ContactErasure>>, StoreError> {
        let ContactErasure { tenant, contact, .. } = erasure.row;
        let (mut todo, mut known) = (erasure.row.contacts.clone(), BTreeSet::new());
        let mut customer: Vec<Contact> = Vec::new();
        loop {
            todo.retain(|contact| known.insert(*contact));
            if todo.is_empty() {
                break;
            }
            let rows = self.store.contacts(tenant, std::mem::take(&mut todo)).await?;
            for row in rows.into_iter().flatten() {
                todo.extend(row.everyone());
                customer.push(row);
            }
        }
        let key = ContactErasure::at(tenant, contact);
        let all = erasure.row.with(&customer);
        if all != erasure.row && !self.table().replace(&key, Some(erasure), Some(&all)).await? {
            return Ok(None);
        }
        let found = self.table().get(&key).await?;
        Ok(found.filter(|found: &Found<ContactErasure>| found.row == all))
    }

    /// How many of a tenant are not done. Those of others are not read.
    async fn count_of(&self, tenant: TenantId) -> Result<usize, StoreError> {
        let (mut count, mut after) = (0, Some(ContactErasure::before_those_of(tenant)));
        loop {
            let page = self.table().page(ContactErasure::open(), after, PAGE).await?;
            after = page.items.last().map(|found| found.sort.clone());
            let read = page.items.len();
            let own = page.items.iter().filter(|found| found.row.tenant == tenant);
            let own = own.count();
            count += own;
            if own < read || !page.more {
                return Ok(count);
            }
        }
    }

    /// Those that are not done.
    async fn open(&self) -> Result<Vec<Found<ContactErasure>>, StoreError> {
        let (mut open, mut after) = (Vec::new(), None);
        loop {
            let page = self.table().page(ContactErasure::open(), after, PAGE).await?;
            after = page.items.last().map(|found| found.sort.clone());
            open.extend(page.items);
            if !page.more {
                return Ok(open);
            }
        }
    }
}
