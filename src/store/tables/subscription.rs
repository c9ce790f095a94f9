//! What businesses pay for, and which customer of the payment provider is which business. No card data: the provider has that.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Kept, PLAIN, Subject, Table};
use crate::domain::ids::digest16;
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
    says: "which business a customer of the payment provider is",
    key: "the provider's customer",
    subject: Subject::Tenant,
    ..PLAIN
};

/// Where those are declared of whom no checkout told yet which business they are.
pub const PAYMENTS_ASIDE: Table = Table {
    name: "payments_aside",
    says: "what the payment provider told of customers that are no business yet: states and periods; 30 days",
    key: "a part of the digest of the provider's customer",
    kept: Kept::AsLongAsItSays,
    ..PLAIN
};

/// How long it is kept what was told of a customer that is no business yet.
const ASIDE: Duration = Duration::from_hours(30 * 24);
/// Rows of such customers.
const SHELVES: u8 = 128;
/// Customers in one of them: its longest value has room for so many with as many subscriptions as are kept.
const ON_A_SHELF: usize = 8;

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

/// A customer of the payment provider's that is a business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentCustomer {
    /// Which business it is: its first checkout told that.
    pub tenant: TenantId,
}

impl PaymentCustomer {
    /// The one with this id.
    pub fn at(id: &PaymentId) -> PlainKey {
        Partition::of(&PAYMENT_CUSTOMER, id.as_str().as_bytes()).row(&[])
    }
}

impl PlainRow for PaymentCustomer {
    const TABLE: &'static Table = &PAYMENT_CUSTOMER;
}

/// What was told of one customer before anybody knew which business it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Early {
    last: Timestamp,
    bought: Subscriptions,
}

/// Some of the customers that no checkout has named yet. There are [`SHELVES`] of these rows and no more, and few customers stand in each,
/// however many customers the provider has that are no businesses here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PaymentsAside(BTreeMap<PaymentId, Early>);

impl PaymentsAside {
    /// The one in which a customer stands.
    pub fn at(id: &PaymentId) -> PlainKey {
        let [shelf, ..] = digest16(&[id.as_str().as_bytes()]);
        Partition::of(&PAYMENTS_ASIDE, &[shelf % SHELVES]).row(&[])
    }

    /// What was told of a customer.
    pub fn of(&self, id: &PaymentId) -> Option<&Subscriptions> {
        self.0.get(id).map(|early| &early.bought)
    }

    /// Adds to that. Who is too many goes: the customer of whom nothing was told for longest.
    pub fn add(&mut self, id: &PaymentId, bought: &Subscriptions, now: Timestamp) {
        self.0.retain(|_, early| now < early.last.after(ASIDE));
        let early = self.0.entry(id.clone()).or_insert_with(|| Early {
            last: now,
            bought: Subscriptions::default(),
        });
        early.last = now.max(early.last);
        early.bought.merge(bought);
        while self.0.len() > ON_A_SHELF {
            let others = self.0.iter().filter(|(one, _)| *one != id);
            let Some((_, oldest)) = others.map(|(one, early)| (early.last, one.clone())).min() else {
                return;
            };
            self.0.remove(&oldest);
        }
    }

    /// Without a customer; `None` when nobody is left.
    pub fn without(mut self, id: &PaymentId) -> Option<Self> {
        self.0.remove(id);
        (!self.0.is_empty()).then_some(self)
    }
}

impl PlainRow for PaymentsAside {
    const TABLE: &'static Table = &PAYMENTS_ASIDE;

    fn expires(&self) -> Option<Timestamp> {
        self.0.values().map(|early| early.last.after(ASIDE)).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::subscription::{Bought, Invoice, Told};

    fn id(number: usize) -> PaymentId {
        format!("cus_n{number}").parse().unwrap()
    }

    fn paid(at: i64) -> Subscriptions {
        let invoice = Told {
            at: Timestamp::from_secs(at),
            rank: 4,
            what: Invoice::Paid,
        };
        let bought = Bought {
            invoice: Some(invoice),
            snapshot: None,
        };
        Subscriptions::of("sub_one".parse().unwrap(), bought)
    }

    #[test]
    fn few_customers_stand_aside_and_the_one_that_was_silent_for_longest_goes() {
        let now = |secs: usize| Timestamp::from_secs(i64::try_from(1_800_000_000 + secs).unwrap());
        let mut aside = PaymentsAside::default();
        for number in 0..=ON_A_SHELF {
            aside.add(&id(number), &paid(5), now(number));
            // The first one is told of again and again.
            aside.add(&id(0), &paid(6), now(number));
        }
        assert_eq!(aside.0.len(), ON_A_SHELF);
        assert_eq!(aside.of(&id(0)), Some(&paid(6)));
        assert_eq!(aside.of(&id(1)), None);
        assert!(aside.of(&id(ON_A_SHELF)).is_some());
        // A newcomer of an earlier time does not lose its own place.
        aside.add(&id(99), &paid(5), now(0));
        assert!(aside.of(&id(99)).is_some());
        // Nobody stays for longer than a month.
        let month = now(ON_A_SHELF).after(ASIDE);
        assert_eq!(aside.expires(), Some(month));
        aside.add(&id(100), &paid(5), month);
        assert_eq!(aside.0.len(), 1);
        assert_eq!(aside.without(&id(100)), None);
    }

    #[test]
    fn no_crowd_of_customers_takes_more_rows_than_there_are_shelves() {
        let rows: std::collections::BTreeSet<PlainKey> =
            (0..5_000).map(|number| PaymentsAside::at(&id(number))).collect();
        assert_eq!(rows.len(), usize::from(SHELVES));
    }
}
