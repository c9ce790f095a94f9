//! What businesses pay for: events of the payment provider are merged into the row of the business whose customer they are about.
//!
//! Which business a customer is, a checkout tells; what is told before is put aside, and merged when the checkout comes. The row that binds
//! the customer is written before that is read, and read again after something was put aside, so that none of the two is missed by the
//! other. Whoever is killed between two rows loses nothing: the provider sends again what was not answered, and merging the same twice
//! changes nothing.

pub mod event;
pub mod reference;
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
    AuditActor, AuditDetails, AuditScope, AuditTarget, AuditTargetKind, PaymentCustomer, PaymentsAside,
    SetByHand, Subscription,
};
use crate::store::{Store, StoreError, StoreErrorKind};
use event::{Names, ProviderEvent};
use reference::ReferenceKeys;

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
    /// It names a business that did not ask for it: nothing was changed.
    Unproven,
}

/// See the module.
pub struct SubscriptionBook {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    audit: Arc<AuditLog>,
    settings: PaymentsConfig,
    plans: Plans,
    references: ReferenceKeys,
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
            references: ReferenceKeys::new(&settings.webhook_secrets),
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

    /// By what a checkout that this business begins now is told from others; `None` without a provider.
    pub fn checkout_reference(&self, tenant: TenantId) -> Option<String> {
        self.references.issue(tenant, self.clock.now())
    }

    /// Reads what the provider sent; `None` where it says nothing of subscriptions.
    pub fn read(&self, body: &[u8]) -> Option<ProviderEvent> {
        event::read(body, &self.plans, &self.references)
    }

    /// Takes an event, durably.
    pub async fn apply(&self, event: &ProviderEvent) -> Result<Applied, SubscriptionError> {
        let tenant = match event.names {
            Names::Unproven => return Ok(Applied::Unproven),
            Names::Nobody => return self.apply_to_customer(event).await,
            Names::Tenant(tenant) => tenant,
        };
        if self.store.tenant(tenant).await?.is_none() {
            return Ok(Applied::Unproven);
        }
        let bound = self
            .table()
            .change(PaymentCustomer::at(&event.customer), |before| {
                Ok::<_, StoreError>(Some(before.copied().unwrap_or(PaymentCustomer { tenant })))
            });
        let (_, bound) = bound.await?;
        let tenant = bound.map_or(tenant, |bound| bound.tenant);
        // Whoever puts something aside from here on finds the customer's row.
        let key = PaymentsAside::at(&event.customer);
        let aside = self.table::<PaymentsAside>().get(&key).await?;
        let mut bought = event.bought.clone();
        let early = aside.as_ref().and_then(|aside| aside.row.of(&event.customer));
        if let Some(early) = early {
            bought.merge(early);
        }
        self.merge_into(tenant, &bought).await?;
        if early.is_some() {
            let rid = self.table().change(key, |before: Option<&PaymentsAside>| {
                Ok::<_, StoreError>(before.cloned().and_then(|aside| aside.without(&event.customer)))
            });
            rid.await?;
        }
        Ok(Applied::To(tenant))
    }

    async fn apply_to_customer(&self, event: &ProviderEvent) -> Result<Applied, SubscriptionError> {
        let key = PaymentCustomer::at(&event.customer);
        let mut known = self.table::<PaymentCustomer>().get(&key).await?;
        if known.is_none() {
            let now = self.clock.now();
            let shelf = PaymentsAside::at(&event.customer);
            let put = self.table().change(shelf, |before: Option<&PaymentsAside>| {
                let mut aside = before.cloned().unwrap_or_default();
                aside.add(&event.customer, &event.bought, now);
                Ok::<_, StoreError>(Some(aside))
            });
            put.await?;
            // The checkout may have come meanwhile, and not have seen it.
            known = self.table().get(&key).await?;
        }
        let Some(known) = known else {
            return Ok(Applied::Aside);
        };
        self.merge_into(known.row.tenant, &event.bought).await?;
        Ok(Applied::To(known.row.tenant))
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
