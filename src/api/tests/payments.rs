//! What businesses pay for: the provider's webhooks, what follows, and setting it by hand.

use ring::hmac;
use serde_json::{Value, json};

use super::people::{Browser, member};
use super::*;
use crate::accounts::subscriptions::reference::ReferenceKeys;
use crate::domain::roles::Role;
use crate::store::tables;

const PATH: &str = "/webhooks/payments";
pub(super) const SECRET: &str = "whsec_of_the_tests_alone";
pub(super) const SECTIONS: &str = "[accounts]\nhash_threads = 2\n[payments]\nwebhook_secrets = [\"another one of the tests\", \"whsec_of_the_tests_alone\"]\n\
    checkout_url = \"https://pay.example.com/?client_reference_id={reference}&prefilled_email={email}\"\n\
    portal_url = \"https://portal.example.com/\"\ngrace_days = 7\n\
    [plans.small]\nprice_lookup_keys = [\"small_monthly\"]\nagents = 3\nsockets = 30\n";

async fn start() -> Api {
    Api::start_with(Setup {
        sections: SECTIONS,
        ..Setup::default()
    })
    .await
}

pub(super) fn signed(body: &[u8], at: i64, secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let text = [at.to_string().as_bytes(), b".", body].concat();
    let hex = crate::domain::ids::hex(hmac::sign(&key, &text).as_ref());
    format!("t={at},v1={hex}")
}

async fn deliver(api: &Api, event: &Value) -> Answer {
    let body = event.to_string().into_bytes();
    let signature = signed(&body, api.clock_now().as_secs(), SECRET);
    let call = api.plain("POST", PATH).header("Stripe-Signature", &signature);
    call.body(body).send().await
}

fn event(kind: &str, after: i64, object: &Value) -> Value {
    json!({ "id": "evt_1", "type": kind, "created": NOW.as_secs() + after, "data": { "object": object } })
}

fn checkout(tenant: TenantId) -> Value {
    let references = ReferenceKeys::new(&[SECRET.into()]);
    checkout_by(&references.issue(tenant, NOW).unwrap())
}

fn checkout_by(reference: &str) -> Value {
    let object =
        json!({ "client_reference_id": reference, "customer": "cus_one", "subscription": "sub_one" });
    event("checkout.session.completed", 1, &object)
}

fn subscription(after: i64, status: &str) -> Value {
    let item = json!({ "price": { "lookup_key": "small_monthly" }, "current_period_start": NOW.as_secs(), "current_period_end": NOW.as_secs() + 1_000 });
    let object =
        json!({ "id": "sub_one", "customer": "cus_one", "status": status, "items": { "data": [item] } });
    event("customer.subscription.updated", after, &object)
}

async fn state(api: &Api, tenant: TenantId) -> Value {
    let path = format!("/v1/admin/tenants/{tenant}/subscription");
    api.as_admin("GET", &path).send().await.json()
}

async fn send(api: &Api) -> (u16, String) {
    let body = json!({ "to": "628123456789", "type": "text", "text": { "body": "x" } });
    let answer = api.post("/v1/messages", &body).await;
    if answer.status == 202 {
        return (202, String::new());
    }
    answer.outcome()
}

#[actix_web::test]
async fn only_what_the_provider_signed_lately_is_taken_and_without_a_provider_there_is_no_such_call() {
    let api = start().await;
    let body = checkout(ONE).to_string().into_bytes();
    let now = api.clock_now().as_secs();
    let refused = (400, "invalid_request".to_owned());
    for header in [
        signed(&body, now, "a secret of somebody"),
        signed(&body, now - 301, SECRET),
        "t=1,v1=ff".to_owned(),
    ] {
        let call = api.plain("POST", PATH).header("Stripe-Signature", &header);
        assert_eq!(
            call.body(body.clone()).send().await.outcome(),
            refused,
            "{header}"
        );
    }
    let unsigned = api.plain("POST", PATH).body(body.clone()).send().await;
    assert_eq!(unsigned.outcome(), refused);
    let long = vec![b' '; (256 << 10) + 1];
    let call = api
        .plain("POST", PATH)
        .header("Stripe-Signature", &signed(&long, now, SECRET));
    assert_eq!(call.body(long).send().await.status, 413);
    assert_eq!(state(&api, ONE).await["state"], "none");
    let off = Api::start().await;
    let call = off
        .plain("POST", PATH)
        .header("Stripe-Signature", &signed(&body, now, SECRET));
    assert_eq!(
        call.body(body).send().await.outcome(),
        (404, "not_found".to_owned())
    );
}

#[actix_web::test]
async fn events_before_the_checkout_are_kept_and_older_ones_and_repeats_change_nothing() {
    let api = start().await;
    for event in [subscription(9, "active"), subscription(2, "trialing")] {
        assert_eq!(deliver(&api, &event).await.status, 200);
    }
    assert_eq!(state(&api, ONE).await["state"], "none");
    for event in [
        checkout(ONE),
        checkout(ONE),
        subscription(3, "past_due"),
        subscription(9, "active"),
    ] {
        assert_eq!(deliver(&api, &event).await.status, 200);
    }
    let shown = state(&api, ONE).await;
    assert_eq!(
        (&shown["state"], &shown["plan"]),
        (&json!("active"), &json!("small"))
    );
    assert_eq!(shown["paid_until"], NOW.as_millis() + 1_000_000);
    assert_eq!(state(&api, OTHER).await["state"], "none");
    // The plan's quotas hold, but for what an operator set.
    let quotas = format!("/v1/admin/tenants/{ONE}/quotas");
    let set = json!({ "agents": 5 });
    let quotas = api.as_admin("PUT", &quotas).json(&set).send().await.json();
    assert_eq!(
        (&quotas["quotas"][0]["limit"], &quotas["quotas"][4]["limit"]),
        (&json!(30), &json!(5))
    );
    // One entry for the one change that the business saw.
    let log = format!("/v1/admin/audit?tenant_id={ONE}&action=subscription_changed");
    let log = api.as_admin("GET", &log).send().await.json();
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{log}");
    assert_eq!(
        entries[0]["actor"],
        json!({ "kind": "operator", "id": "payments" })
    );
    assert_eq!(entries[0]["details"]["subscription"], "active");
}

#[actix_web::test]
async fn sends_are_refused_when_the_grace_is_over_or_the_subscription_is_and_come_back_with_it() {
    let api = start().await;
    assert_eq!(send(&api).await.0, 202);
    for event in [checkout(ONE), subscription(2, "past_due")] {
        assert_eq!(deliver(&api, &event).await.status, 200);
    }
    assert_eq!(send(&api).await.0, 202);
    api.clock
        .advance(Duration::from_hours(7 * 24) - Duration::from_secs(1));
    assert_eq!(send(&api).await.0, 202);
    api.clock.advance(Duration::from_secs(1));
    let ended = (402, "subscription_ended".to_owned());
    assert_eq!(send(&api).await, ended);
    assert_eq!(api.get("/v1/conversations").await.status, 200);
    assert_eq!(deliver(&api, &subscription(700_000, "active")).await.status, 200);
    assert_eq!(send(&api).await.0, 202);
    assert_eq!(
        deliver(&api, &subscription(700_001, "canceled")).await.status,
        200
    );
    assert_eq!(send(&api).await, ended);
    // By hand, until the provider is to say it again.
    let path = format!("/v1/admin/tenants/{ONE}/subscription");
    let by_hand = api
        .as_admin("PUT", &path)
        .json(&json!({ "state": "active" }))
        .send()
        .await;
    assert_eq!(
        (by_hand.status, &by_hand.json()["set_by"]),
        (200, &json!("operator"))
    );
    assert_eq!(send(&api).await.0, 202);
    let back = api
        .as_admin("PUT", &path)
        .json(&json!({ "state": null }))
        .send()
        .await
        .json();
    assert_eq!(
        (&back["set_by"], &back["state"]),
        (&json!("provider"), &json!("cancelled"))
    );
    assert_eq!(send(&api).await, ended);
    for wrong in [
        json!({}),
        json!({ "state": "paid" }),
        json!({ "state": "active", "plan": "large" }),
        json!({ "state": null, "plan": "small" }),
    ] {
        let refused = api.as_admin("PUT", &path).json(&wrong).send().await;
        assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()), "{wrong}");
    }
}

#[actix_web::test]
async fn a_business_sees_its_links_and_everybody_in_the_team_the_state() {
    let api = start().await;
    let ana = member(&api, ONE, "ana+shop@example.com", Role::Owner).await;
    let ben = member(&api, ONE, "ben@example.com", Role::Agent).await;
    let shown = ana.get(&api, "/v1/subscription").await.json();
    let link = shown["checkout_url"].as_str().unwrap();
    let rest = link.strip_prefix("https://pay.example.com/?client_reference_id=");
    let (reference, email) = rest.unwrap().split_once('&').unwrap();
    assert_eq!(email, "prefilled_email=ana%2Bshop%40example.com");
    assert_eq!(shown["portal_url"], "https://portal.example.com/");
    assert_eq!(ben.get(&api, "/v1/subscription").await.status, 403);
    assert_eq!(deliver(&api, &checkout_by(reference)).await.status, 200);
    assert_eq!(deliver(&api, &subscription(2, "past_due")).await.status, 200);
    let told = ben.get(&api, "/v1/session").await.json();
    assert_eq!(told["subscription"]["state"], "past_due");
    let off = super::people::start().await;
    let eva: Browser = member(&off, ONE, "eva@example.com", Role::Owner).await;
    assert_eq!(eva.said["subscription"], Value::Null);
}

#[actix_web::test]
async fn who_knows_a_business_but_got_no_link_from_it_neither_buys_for_it_nor_ends_its_sends() {
    let api = start().await;
    let forger = ReferenceKeys::new(&["a secret of somebody".into()]);
    let forged = forger.issue(ONE, NOW).unwrap();
    let of_other = ReferenceKeys::new(&[SECRET.into()]).issue(OTHER, NOW).unwrap();
    let moved = of_other.replacen(&OTHER.to_string(), &ONE.to_string(), 1);
    let eight_days = Duration::from_hours(8 * 24);
    let old = ReferenceKeys::new(&[SECRET.into()])
        .issue(ONE, NOW.before(eight_days))
        .unwrap();
    for reference in [ONE.to_string(), forged, moved, old] {
        // A subscription that is over, of a customer who says to be this business.
        for event in [
            checkout_by(&reference),
            subscription(2, "active"),
            subscription(3, "canceled"),
        ] {
            assert_eq!(deliver(&api, &event).await.status, 200);
        }
        let shown = state(&api, ONE).await;
        assert_eq!(
            (&shown["state"], &shown["plan"]),
            (&json!("none"), &Value::Null),
            "{reference}"
        );
        assert_eq!(send(&api).await.0, 202);
    }
    // The link that it asked for binds the customer, with what was told before; no other business gets that customer.
    for (tenant, expected) in [(ONE, "cancelled"), (OTHER, "cancelled")] {
        assert_eq!(deliver(&api, &checkout(tenant)).await.status, 200);
        assert_eq!(state(&api, ONE).await["state"], expected);
        assert_eq!(state(&api, OTHER).await["state"], "none");
    }
    assert_eq!(send(&api).await, (402, "subscription_ended".to_owned()));
}

#[actix_web::test]
async fn a_crowd_of_customers_that_are_no_businesses_takes_bounded_room() {
    let api = start().await;
    for number in 0..3_000 {
        let mut event = subscription(2, "active");
        event["data"]["object"]["customer"] = json!(format!("cus_n{number}"));
        assert_eq!(deliver(&api, &event).await.status, 200);
    }
    let mut joined = checkout(ONE);
    joined["data"]["object"]["customer"] = json!("cus_n0");
    // Of the first one nothing is known any more; of the last one everything.
    assert_eq!(deliver(&api, &joined).await.status, 200);
    assert_eq!(state(&api, ONE).await["state"], "none");
    joined["data"]["object"]["customer"] = json!("cus_n2999");
    assert_eq!(deliver(&api, &joined).await.status, 200);
    assert_eq!(state(&api, ONE).await["state"], "active");
}

#[actix_web::test]
async fn no_card_gets_into_a_row_and_no_table_has_a_place_for_one() {
    let api = start().await;
    let card = "4242424242424242";
    let paid = json!({ "brand": "visa", "number": card, "last4": "4242", "cvc": "123", "fingerprint": card });
    deliver(&api, &checkout(ONE)).await;
    for (customer, id) in [("cus_one", "evt_1"), ("cus_other", card)] {
        let mut event = subscription(2, "active");
        event["id"] = json!(id);
        let object = &mut event["data"]["object"];
        object["customer"] = json!(customer);
        object["description"] = json!("4242 4242 4242 4242");
        object["default_payment_method"] = json!({ "card": paid });
        object["metadata"] = json!({ "plan": card, "note": "4242-4242-4242-4242" });
        assert_eq!(deliver(&api, &event).await.status, 200);
    }
    assert_eq!(state(&api, ONE).await["state"], "active");
    let (mut rows, mut after) = (0, None);
    loop {
        let page = api.store.export_plain(after, 100, NOW).await.unwrap();
        for record in page.records {
            let key = String::from_utf8_lossy(&record.key.sort).into_owned();
            for text in [key, String::from_utf8_lossy(&record.value.body).into_owned()] {
                let bare = text.replace([' ', '-'], "");
                assert!(!bare.contains(card) && !text.contains("visa"), "{text}");
            }
            rows += 1;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert!(rows >= 2, "{rows} rows: the subscription, and what is put aside");
    for table in tables::ALL {
        let parts = [table.personal, table.secret, &[table.name, table.key]].concat();
        for part in parts {
            for word in ["card", "cvc", "cvv", "iban"] {
                assert!(!part.contains(word), "{}: {part}", table.name);
            }
        }
    }
}
