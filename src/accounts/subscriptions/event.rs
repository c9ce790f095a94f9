//! Events of the payment provider, in Stripe's shape: the few fields that say how it is with a subscription. Whatever else stands in
//! a body is not read, so that nothing of a card gets any further.
//!
//! Source: Stripe API, Event types and the objects Checkout Session, Subscription and Invoice (2026-04).

use serde_json::Value;

use super::reference::{Reference, ReferenceKeys};
use crate::config::Plans;
use crate::domain::subscription::{
    Bought, Invoice, PaymentId, Snapshot, SubscriptionState, Subscriptions, Told,
};
use crate::domain::{TenantId, Timestamp};

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEvent {
    /// Of which customer.
    pub customer: PaymentId,
    /// Which business that is.
    pub names: Names,
    /// What of its subscriptions.
    pub bought: Subscriptions,
}

/// Which business an event names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// None: it is about a customer.
    Nobody,
    /// This one, which asked for the link.
    Tenant(TenantId),
    /// One that did not ask for the link, or too long ago.
    Unproven,
}

/// Reads a body that was signed; `None` where it says nothing of subscriptions.
pub fn read(body: &[u8], plans: &Plans, references: &ReferenceKeys) -> Option<ProviderEvent> {
    let event: Value = serde_json::from_slice(body).ok()?;
    let kind = event.get("type")?.as_str()?;
    let at = time(event.get("created"))?;
    let object = event.pointer("/data/object")?;
    let customer = PaymentId::parse(id(object.get("customer")?)?, "cus_")?;
    let (names, bought) = match kind {
        "checkout.session.completed" => {
            let names = match references.read(object.get("client_reference_id")?.as_str()?, at) {
                Reference::Of(tenant) => Names::Tenant(tenant),
                Reference::Unproven => Names::Unproven,
                Reference::Foreign => return None,
            };
            (names, Subscriptions::default())
        }
        "invoice.paid" | "invoice.payment_failed" => {
            let what = if kind == "invoice.paid" {
                Invoice::Paid
            } else {
                Invoice::Failed
            };
            let invoice = Told {
                at,
                rank: rank(kind)?,
                what,
            };
            let bought = Bought {
                invoice: Some(invoice),
                snapshot: None,
            };
            (Names::Nobody, Subscriptions::of(invoiced(object)?, bought))
        }
        _ => {
            let snapshot = Told {
                at,
                rank: rank(kind)?,
                what: snapshot(kind, object, plans)?,
            };
            let bought = Bought {
                snapshot: Some(snapshot),
                invoice: None,
            };
            let subscription = PaymentId::parse(object.get("id")?.as_str()?, "sub_")?;
            (Names::Nobody, Subscriptions::of(subscription, bought))
        }
    };
    Some(ProviderEvent {
        customer,
        names,
        bought,
    })
}

/// Which of two events of the same second is the later one; `None` for kinds that say nothing.
fn rank(kind: &str) -> Option<u8> {
    Some(match kind {
        "customer.subscription.created" => 0,
        "customer.subscription.trial_will_end" => 1,
        "customer.subscription.updated" => 2,
        "invoice.payment_failed" => 3,
        "invoice.paid" => 4,
        "customer.subscription.paused" => 5,
        "customer.subscription.resumed" => 6,
        "customer.subscription.deleted" => 7,
        _ => return None,
    })
}

fn state(kind: &str, status: &str) -> Option<SubscriptionState> {
    use SubscriptionState as State;
    if kind == "customer.subscription.deleted" {
        return Some(State::Cancelled);
    }
    Some(match status {
        "trialing" => State::Trial,
        "active" => State::Active,
        "past_due" | "unpaid" | "incomplete" => State::PastDue,
        "canceled" | "incomplete_expired" | "paused" => State::Cancelled,
        _ => return None,
    })
}

fn snapshot(kind: &str, object: &Value, plans: &Plans) -> Option<Snapshot> {
    let item = object.pointer("/items/data/0");
    let of_item = |name: &str| time(item.and_then(|item| item.get(name)).or_else(|| object.get(name)));
    let text = |path: &str| item.and_then(|item| item.pointer(path)).and_then(Value::as_str);
    let own = object.pointer("/metadata/plan").and_then(Value::as_str);
    let metadata = own.into_iter().chain(text("/price/metadata/plan"));
    Some(Snapshot {
        state: state(kind, object.get("status")?.as_str()?)?,
        plan: plans.named(text("/price/lookup_key"), metadata),
        trial_ends: time(object.get("trial_end")),
        period_begins: of_item("current_period_start"),
        period_ends: of_item("current_period_end"),
    })
}

/// The subscription that an invoice is of: it stands in another place since 2025.
fn invoiced(object: &Value) -> Option<PaymentId> {
    let newer = object.pointer("/parent/subscription_details/subscription");
    let named = newer.or_else(|| object.get("subscription"))?;
    PaymentId::parse(id(named)?, "sub_")
}

/// The id of an object that may stand there whole.
fn id(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("id")?.as_str())
}

/// A time that is one: between 2001 and 2286.
fn time(value: Option<&Value>) -> Option<Timestamp> {
    let secs = value?.as_i64()?;
    (1_000_000_000..10_000_000_000)
        .contains(&secs)
        .then(|| Timestamp::from_secs(secs))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;

    fn plans() -> Plans {
        let file = "[plans.small]\nprice_lookup_keys = [\"small_monthly\"]\nagents = 3";
        Config::from_sources(Some(("test", file)), []).unwrap().plans
    }

    fn references() -> ReferenceKeys {
        ReferenceKeys::new(&["whsec_of_the_tests_alone".into()])
    }

    fn event(kind: &str, object: &Value) -> Option<ProviderEvent> {
        let body =
            json!({ "id": "evt_1", "type": kind, "created": 1_800_000_000, "data": { "object": object } });
        read(body.to_string().as_bytes(), &plans(), &references())
    }

    #[test]
    fn each_status_is_one_of_ours_and_a_plan_is_chosen_by_its_price() {
        use SubscriptionState as State;
        for (status, expected) in [
            ("trialing", State::Trial),
            ("active", State::Active),
            ("past_due", State::PastDue),
            ("unpaid", State::PastDue),
            ("incomplete", State::PastDue),
            ("canceled", State::Cancelled),
            ("incomplete_expired", State::Cancelled),
            ("paused", State::Cancelled),
        ] {
            let object = json!({
                "id": "sub_one", "customer": "cus_ana1", "status": status, "trial_end": 1_800_000_500,
                "items": { "data": [{ "price": { "lookup_key": "small_monthly" }, "current_period_end": 1_800_001_000 }] },
            });
            let read = event("customer.subscription.updated", &object).unwrap();
            let standing = read.bought.standing(std::time::Duration::ZERO).unwrap();
            assert_eq!(standing.state, expected, "{status}");
            assert_eq!(standing.plan.unwrap().as_str(), "small");
            let ended = event("customer.subscription.deleted", &object).unwrap();
            let ended = ended.bought.standing(std::time::Duration::ZERO).unwrap();
            assert_eq!(ended.state, State::Cancelled);
        }
        let odd = json!({ "id": "sub_one", "customer": "cus_ana1", "status": "odd" });
        assert_eq!(event("customer.subscription.updated", &odd), None);
    }

    #[test]
    fn an_invoice_names_its_subscription_in_either_place() {
        let old = json!({ "customer": "cus_ana1", "subscription": "sub_one" });
        let new = json!({
            "customer": { "id": "cus_ana1" }, "parent": { "subscription_details": { "subscription": "sub_one" } },
        });
        let (old, new) = (event("invoice.paid", &old), event("invoice.paid", &new));
        assert!(old.is_some());
        assert_eq!(old, new);
    }

    #[test]
    fn what_says_nothing_of_a_business_is_passed_over() {
        let asked = Timestamp::from_secs(1_799_999_000);
        let given = references().issue(TenantId::new(1), asked).unwrap();
        let object = json!({ "customer": "cus_ana1", "client_reference_id": given });
        let checkout = event("checkout.session.completed", &object).unwrap();
        assert_eq!(checkout.names, Names::Tenant(TenantId::new(1)));
        let forged = given.replacen("0000000000000001", "0000000000000002", 1);
        let forged = json!({ "customer": "cus_ana1", "client_reference_id": forged });
        let checkout = event("checkout.session.completed", &forged).unwrap();
        assert_eq!(checkout.names, Names::Unproven);
        let bare = json!({ "customer": "cus_ana1", "client_reference_id": "0000000000000001" });
        assert_eq!(event("checkout.session.completed", &bare), None);
        assert_eq!(event("charge.succeeded", &object), None);
        let strange = json!({ "customer": "4242424242424242", "client_reference_id": given });
        assert_eq!(event("checkout.session.completed", &strange), None);
        assert_eq!(read(b"{", &plans(), &references()), None);
    }
}
