//! What businesses pay for, and which customer of the payment provider is which business. No card data: the provider has that.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Kept, PLAIN, Subject, Table};
use crate::domain::subscription::{PaymentId, PlanName, Standing, SubscriptionState, Subscriptions};
use crate::domain::{TenantId, Timestamp};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where they are declared.
pub const SUBSCRIPTION: Table = Table {
    name: "subscription",
    says: "what a business pays for: the states and periods that the payment provider told, and what an operator set; no card data",
    key: "tenant",
    subject: Subject::Tenant,
    ..PLAIN
};

/// Where the provider's customers are declared.
pub const PAYMENT_CUSTOMER: Table = Table {
    name: "payment_customer",
    says: "which business a customer of the payment provider is, and what was told of it; 30 days where that is not known",
    key: "the provider's customer",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Tenant,
    ..PLAIN
};

/// How long it is kept what was told of a customer that is no business yet.
const ASIDE: Duration = Duration::from_hours(30 * 24);

/// What an operator set, for who pays by other means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetByHand {
    /// The state.
    pub state: SubscriptionState,
    /// The plan.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub plan: Option<PlanName>,
    /// Until when it is tried out or paid.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Timestamp>,
    /// When it was set.
    pub since: Timestamp,
}

/// A business's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Whose.
    pub tenant: TenantId,
    /// When the trial ends that began with its sign-up.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trial_ends: Option<Timestamp>,
    /// What it bought.
    #[serde(skip_serializing_if = "Subscriptions::is_empty", default)]
    pub bought: Subscriptions,
    /// What an operator set: it holds as long as it stands.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by_hand: Option<SetByHand>,
}

impl Subscription {
    /// One of which nothing is known.
    pub fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            trial_ends: None,
            bought: Subscriptions::default(),
            by_hand: None,
        }
    }

    /// All of them, of all tenants: they are counted.
    pub fn all() -> Partition {
        Partition::of(&SUBSCRIPTION, &[])
    }

    /// A tenant's.
    pub fn at(tenant: TenantId) -> PlainKey {
        Self::all().row(&tenant.get().to_be_bytes())
    }

    /// How it is with it.
    pub fn standing(&self, grace: Duration) -> Standing {
        if let Some(by_hand) = &self.by_hand {
            return by_hand.standing(grace);
        }
        let trial = self.trial_ends.map(|ends| Standing::trial(ends, grace));
        let bought = self.bought.standing(grace);
        bought.or(trial).unwrap_or(Standing::NONE)
    }
}

impl SetByHand {
    fn standing(&self, grace: Duration) -> Standing {
        use SubscriptionState as State;
        let (trial_ends, paid_until, refused_from) = match self.state {
            State::None => (None, None, None),
            State::Trial => (self.until, None, self.until.map(|until| until.after(grace))),
            State::Active => (None, self.until, None),
            State::PastDue => {
                let since = self.until.unwrap_or(self.since);
                (None, self.until, Some(since.after(grace)))
            }
            State::Cancelled => (None, None, Some(self.since)),
        };
        Standing {
            state: self.state,
            plan: self.plan.clone(),
            trial_ends,
            paid_until,
            refused_from,
        }
    }
}

impl PlainRow for Subscription {
    const TABLE: &'static Table = &SUBSCRIPTION;
}

/// A customer of the payment provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentCustomer {
    /// Which business it is, once its checkout told that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tenant: Option<TenantId>,
    /// What was told of it.
    #[serde(skip_serializing_if = "Subscriptions::is_empty", default)]
    pub bought: Subscriptions,
    /// Until when it is kept, where nobody knows which business it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires: Option<Timestamp>,
}

impl PaymentCustomer {
    /// One that is heard of for the first time.
    pub fn new(now: Timestamp) -> Self {
        Self {
            tenant: None,
            bought: Subscriptions::default(),
            expires: Some(now.after(ASIDE)),
        }
    }

    /// It is this business, unless it is one already.
    pub const fn belongs_to(&mut self, tenant: TenantId) {
        if self.tenant.is_none() {
            self.tenant = Some(tenant);
        }
        self.expires = None;
    }

    /// The one with this id.
    pub fn at(id: &PaymentId) -> PlainKey {
        Partition::of(&PAYMENT_CUSTOMER, id.as_str().as_bytes()).row(&[])
    }
}

impl PlainRow for PaymentCustomer {
    const TABLE: &'static Table = &PAYMENT_CUSTOMER;

    fn expires(&self) -> Option<Timestamp> {
        self.expires
    }
}
