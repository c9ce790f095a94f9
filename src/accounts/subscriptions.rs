//! What businesses pay for: events of the payment provider are merged into two rows, that of its customer and that of the business.
//!
//! The customer's row is written first. It says which business the customer is, once a checkout told that, and keeps what came before. So
//! whoever is killed between the two rows, or hears of a checkout last, loses nothing: the provider sends again what was not answered, and
//! merging the same twice changes nothing.

pub mod event;
pub mod signature;

use std::sync::Arc;
use std::time::Duration;

use super::audit::{AuditError, AuditEvent, AuditLog};
use crate::config::{PaymentsConfig, Plans};
use crate::domain::quota::Quotas;
use crate::domain::subscription::{Standing, SubscriptionState, Subscriptions};
use crate::domain::{AuditAction, Clock, TenantId};
use crate::store::plain::{PlainRow, PlainTable};
use crate::store::tables::{
    AuditActor, AuditDetails, AuditScope, AuditTarget, AuditTargetKind, PaymentCustomer, SetByHand,
    Subscription,
};
use crate::store::{Store, StoreError, StoreErrorKind};
use event::ProviderEvent;

/// How often a row that others change, too, is read again.
const TRIES: usize = 8;
/// Rows that are read at once.
const PAGE: usize = 500;
/// What the audit log calls the provider.
const PROVIDER: &str = "payments";

/// Why an event was not taken, or a subscription not changed.
#[derive(Debug, thiserror::Error)]
pub enum SubscriptionError {
    /// The change could not be recorded.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of an event that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is about this business.
    To(TenantId),
    /// Nobody knows yet which business it is about.
    Aside,
}

/// See the module.
pub struct SubscriptionBook {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    audit: Arc<AuditLog>,
    settings: PaymentsConfig,
    plans: Plans,
}

impl SubscriptionBook {
    /// On a store, by the settings.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        audit: Arc<AuditLog>,
        (settings, plans): (PaymentsConfig, Plans),
    ) -> Self {
        Self {
            store,
            clock,
            audit,
            settings,
            plans,
        }
    }

    /// By the default settings.
    #[cfg(test)]
    pub(crate) fn by_default(store: &Arc<dyn Store>, clock: &Arc<dyn Clock>) -> Arc<Self> {
        let config = crate::config::Config::defaults().unwrap();
        let audit = AuditLog::new(Arc::clone(store), Arc::clone(clock), config.audit.keep(), 0);
        let settings = (config.payments, config.plans);
        Arc::new(Self::new(
            Arc::clone(store),
            Arc::clone(clock),
            Arc::new(audit),
            settings,
        ))
    }

    /// The plans that there are.
    pub const fn plans(&self) -> &Plans {
        &self.plans
    }

    fn table<R: PlainRow>(&self) -> PlainTable<'_, R> {
        PlainTable::of(self.store.as_ref(), self.clock.now())
    }

    fn grace(&self) -> Duration {
        self.settings.grace()
    }

    /// A business's row.
    pub async fn row(&self, tenant: TenantId) -> Result<Option<Subscription>, StoreError> {
        let found = self.table().get(&Subscription::at(tenant)).await?;
        Ok(found.map(|found| found.row))
    }

    /// How it is with a business.
    pub async fn standing(&self, tenant: TenantId) -> Result<Standing, StoreError> {
        let row = self.row(tenant).await?;
        Ok(row.map_or(Standing::NONE, |row| row.standing(self.grace())))
    }

    /// What a business may have by its plan, and what an operator set for it.
    pub fn quotas(&self, standing: &Standing, set: &Quotas) -> Quotas {
        self.plans.quotas(standing.plan.as_ref(), set)
    }

    /// Takes an event, durably.
    pub async fn apply(&self, event: &ProviderEvent) -> Result<Applied, SubscriptionError> {
        let named = match event.tenant {
            Some(tenant) => self.store.tenant(tenant).await?.map(|row| row.id),
            None => None,
        };
        let now = self.clock.now();
        let key = PaymentCustomer::at(&event.customer);
        let merged = self.table().change(key, |before: Option<&PaymentCustomer>| {
            let mut row = before.cloned().unwrap_or_else(|| PaymentCustomer::new(now));
            if let Some(tenant) = named {
                row.belongs_to(tenant);
            }
            row.bought.merge(&event.bought);
            Ok::<_, StoreError>(Some(row))
        });
        let (_, customer) = merged.await?;
        let customer = customer.unwrap_or_else(|| PaymentCustomer::new(now));
        let Some(tenant) = customer.tenant else {
            return Ok(Applied::Aside);
        };
        self.merge_into(tenant, &customer.bought).await?;
        Ok(Applied::To(tenant))
    }

    async fn merge_into(&self, tenant: TenantId, bought: &Subscriptions) -> Result<(), SubscriptionError> {
        let key = Subscription::at(tenant);
        for _ in 0..TRIES {
            let before = self.table::<Subscription>().get(&key).await?;
            let row = before.as_ref().map(|found| &found.row);
            let mut after = row.cloned().unwrap_or_else(|| Subscription::new(tenant));
            after.bought.merge(bought);
            if row == Some(&after) {
                return Ok(());
            }
            let was = row.map_or(Standing::NONE, |row| row.standing(self.grace()));
            let is = after.standing(self.grace());
            if (was.state, &was.plan) != (is.state, &is.plan) {
                self.record(tenant, is.state).await?;
            }
            if self.table().replace(&key, before.as_ref(), Some(&after)).await? {
                tracing::info!(tenant.id = %tenant, state = %is.state, "the payment provider told of a subscription");
                return Ok(());
            }
        }
        Err(StoreError::new(StoreErrorKind::Overloaded, "others change the same subscription").into())
    }

    /// A change is recorded before it is made.
    async fn record(&self, tenant: TenantId, state: SubscriptionState) -> Result<(), AuditError> {
        let event = AuditEvent {
            actor: AuditActor::Operator(PROVIDER.to_owned()),
            action: AuditAction::SubscriptionChanged,
            target: AuditTarget::of(AuditTargetKind::Tenant, &tenant.to_string()),
            address: None,
            details: AuditDetails {
                subscription: Some(state),
                ..AuditDetails::default()
            },
        };
        self.audit.record(AuditScope::Tenant(tenant), event).await?;
        Ok(())
    }

    /// A business that is about to sign up tries it out, where there is a provider.
    pub async fn begin_trial(&self, tenant: TenantId) -> Result<(), StoreError> {
        if !self.settings.has_provider() {
            return Ok(());
        }
        let ends = self.clock.now().after(self.settings.trial());
        let begun = self.table().change(Subscription::at(tenant), |before| {
            let mut row = before.cloned().unwrap_or_else(|| Subscription::new(tenant));
            // An earlier try of the same sign-up began it.
            row.trial_ends = row.trial_ends.or(Some(ends));
            Ok::<_, StoreError>(Some(row))
        });
        begun.await.map(drop)
    }

    /// Sets a business's subscription by hand; `None` has the provider say it again.
    pub async fn set(&self, tenant: TenantId, by_hand: Option<SetByHand>) -> Result<(), StoreError> {
        let set = self.table().change(Subscription::at(tenant), |before| {
            let mut row = before.cloned().unwrap_or_else(|| Subscription::new(tenant));
            row.by_hand.clone_from(&by_hand);
            Ok::<_, StoreError>(Some(row))
        });
        set.await.map(drop)
    }

    /// How many businesses are in each state; of those alone that ever were in one.
    pub async fn counts(&self) -> Result<Vec<(SubscriptionState, u64)>, StoreError> {
        let mut counts: Vec<(SubscriptionState, u64)> =
            SubscriptionState::ALL.iter().map(|state| (*state, 0)).collect();
        let mut after = None;
        loop {
            let page = self
                .table::<Subscription>()
                .page(Subscription::all(), after, PAGE)
                .await?;
            for found in &page.items {
                let state = found.row.standing(self.grace()).state;
                if let Some((_, count)) = counts.iter_mut().find(|(one, _)| *one == state) {
                    *count += 1;
                }
            }
            after = page.items.last().map(|found| found.sort.clone());
            if !page.more || after.is_none() {
                return Ok(counts);
            }
        }
    }
}

impl std::fmt::Debug for SubscriptionBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubscriptionBook")
    }
}
