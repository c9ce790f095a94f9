//! Broadcasts: a template to many, each of them once.
//!
//! | File | What it holds |
//! |---|---|
//! | `changes.rs` | what people do with broadcasts: make, change, plan, launch, pause, resume, cancel, delete |
//! | `steering.rs` | what the ledger is told of one |
//! | `definition.rs` | what people say of one |
//! | `upload.rs` | a file of recipients, taken as it comes |
//! | `variables.rs` | what of a template is filled for each recipient. Pure |
//! | `audience.rs` | whom a broadcast is for, step by step |
//! | `zones.rs` | in which zone each recipient is, and when the first of them begins |
//! | `plan.rs` | the job that writes recipients down, in `chunks.rs` |
//! | `jobs.rs` | which broadcasts are worked at here |
//! | `guard.rs` | when one stops by itself, and `pauses.rs` how |
//! | `cost.rs` | what one costs |
//! | `dry_run.rs` | what would become of one |
//! | `runner.rs` | the job that hands recipients to the ledger, at the pace of the lane |
//! | `results.rs` | what became of whom |
//! | `retry.rs` | sending again to whom one failed to reach |
//!
//! ADR 039 says why it is so.

mod audience;
mod changes;
mod chunks;
mod cost;
mod definition;
mod dry_run;
mod error;
mod guard;
mod jobs;
mod pauses;
mod plan;
pub mod results;
mod retry;
mod runner;
mod steering;
mod upload;
mod variables;
mod waits;
mod zones;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::accounts::audit::AuditLog;
use crate::actors::TenantPort;
use crate::bulk::folder::Folder;
use crate::config::{BroadcastsConfig, Config, ImportsConfig};
use crate::domain::{BroadcastId, Clock, MessageId, RateCard, TenantId};
use crate::store::plain::{Found, PlainRow, PlainTable};
use crate::store::tables::Broadcast;
use crate::store::{Store, StoreError};
use crate::templates::TemplateBook;
use crate::tenant_places::TenantPlaces;

pub use changes::{Launch, MOST};
pub use cost::BroadcastCost;
pub use definition::Definition;
pub use dry_run::DryRun;
pub use error::BroadcastError;
pub use upload::BroughtRecipients;
pub use zones::timetable_now;

/// Files of recipients that come at once, of a tenant and of all.
const COMING_OF_ONE: usize = 1;
const COMING: usize = 8;

/// All broadcasts of this gateway's tenants.
pub struct Broadcasts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    tenants: Arc<dyn TenantPort>,
    templates: Arc<TemplateBook>,
    folder: Folder,
    settings: ImportsConfig,
    pauses: BroadcastsConfig,
    rate_card: Arc<RateCard>,
    audit: Arc<AuditLog>,
    places: Arc<TenantPlaces>,
    /// Told when something is to be done.
    wake: Notify,
    random: Mutex<fastrand::Rng>,
}

impl Broadcasts {
    /// Files of recipients lie beside those of imports while they come, and as much of them may.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        (tenants, templates): (Arc<dyn TenantPort>, Arc<TemplateBook>),
        audit: Arc<AuditLog>,
        config: &Config,
        seed: u64,
    ) -> Self {
        let (settings, stored) = (&config.imports, &config.store);
        let root = if settings.path.as_os_str().is_empty() {
            stored.path.join("broadcasts")
        } else {
            settings.path.join("broadcasts")
        };
        Self {
            store,
            clock,
            tenants,
            templates,
            folder: Folder::new(root),
            settings: settings.clone(),
            pauses: config.broadcasts.clone(),
            rate_card: config.broadcasts.rate_card.card(),
            audit,
            places: TenantPlaces::new(COMING_OF_ONE, COMING),
            wake: Notify::new(),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
        }
    }

    fn table<R: PlainRow>(&self) -> PlainTable<'_, R> {
        PlainTable::of(self.store.as_ref(), self.clock.now())
    }

    async fn found(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
    ) -> Result<Option<Found<Broadcast>>, StoreError> {
        self.table().get(&Broadcast::at(tenant, broadcast)).await
    }

    /// The id of a message of now.
    fn message_id(&self) -> MessageId {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        MessageId::new(self.clock.for_ids(), 0, random.u64(..))
    }
}

impl std::fmt::Debug for Broadcasts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Broadcasts")
    }
}
