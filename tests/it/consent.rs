//! Customers who want no marketing get none, and everything else.

use mesej::domain::{Clock as _, SystemClock};
use mesej_simulator::CustomerSpec;
use mesej_simulator::oracle::OptOut;
use reqwest::Method;
use serde_json::{Value, json};

use crate::gateway::{CUSTOMER, TestGateway, text_to, until};
use crate::kept::{Kept, on_every_store};

on_every_store! {
    who_stops_marketing_gets_none_from_then_on_and_replies_still_go,
    who_writes_a_word_for_it_stops_marketing,
    nothing_goes_to_who_is_under_age,
    who_is_blocked_is_not_reached_until_that_is_lifted,
}

fn offer(extra: &Value) -> Value {
    let mut body = json!({
        "to": format!("+{CUSTOMER}"), "type": "template", "priority": "bulk",
        "template": { "name": "weekend_news", "language": { "code": "en_US" }, "components": [{
            "type": "body",
            "parameters": [{ "type": "text", "text": "Ana" }, { "type": "text", "text": "rye bread" }],
        }] },
    });
    let extra = extra.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(extra);
    body
}

/// The customer says whether marketing is wanted, and it is committed.
async fn wants(gateway: &TestGateway, marketing: bool) {
    let spec = CustomerSpec {
        phone: Some(CUSTOMER.to_owned()),
        marketing: Some(marketing),
        ..CustomerSpec::default()
    };
    gateway.meta.customer(&spec).unwrap();
    until("the contact shows it", || async {
        let (_, list) = gateway.get("/v1/conversations").await;
        let contact = &list["conversations"][0]["contact"];
        (contact["opted_out_at"].is_i64() != marketing).then_some(())
    })
    .await;
}

async fn who_stops_marketing_gets_none_from_then_on_and_replies_still_go(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    let soon = SystemClock::new().now().as_millis() + 5_000;
    let (status, before) = gateway
        .post("/v1/messages", None, &offer(&json!({ "send_at": soon })))
        .await;
    assert_eq!(status, 202, "{before}");
    wants(&gateway, false).await;
    gateway.meta.report_opt_outs(&[OptOut {
        customer: CUSTOMER.to_owned(),
        committed_at_ms: SystemClock::new().now().as_millis(),
        everything: false,
        grace_ms: 0,
    }]);
    for refused in [
        offer(&json!({})),
        offer(&json!({ "priority": "interactive", "category": "marketing" })),
    ] {
        let (status, answer) = gateway.post("/v1/messages", None, &refused).await;
        assert_eq!(
            (status, answer["error"]["code"].as_str()),
            (422, Some("opted_out"))
        );
    }
    let reply = gateway.send_text("about your order").await;
    gateway.until_state(&reply, "read").await;
    let failed = gateway
        .until_state(before["message_id"].as_str().unwrap(), "failed")
        .await;
    assert_eq!(failed["delivery"]["error"]["code"], 131_050);
    assert_eq!(failed["delivery"]["attempts"], 0);
    let told = gateway.events().await.into_iter().any(|event| {
        event["kind"] == "status"
            && event["data"]["message_id"] == before["message_id"]
            && event["data"]["state"] == "failed"
    });
    assert!(told, "agents see that it failed");
    let report = gateway.meta.report();
    let kept = report
        .invariants
        .iter()
        .find(|promise| promise.id == "I7")
        .unwrap();
    assert_eq!((kept.checked, kept.violations), (1, 0), "{kept:?}");
    wants(&gateway, true).await;
    let (status, again) = gateway.post("/v1/messages", None, &offer(&json!({}))).await;
    assert_eq!(status, 202, "{again}");
    gateway
        .until_state(again["message_id"].as_str().unwrap(), "read")
        .await;
    gateway.stop().await;
}

/// Whether the customer's contact shows that marketing is stopped, and why.
async fn opted_out_by(gateway: &TestGateway) -> Value {
    let (_, list) = gateway.get("/v1/conversations").await;
    list["conversations"][0]["contact"]["opted_out_by"].clone()
}

async fn who_writes_a_word_for_it_stops_marketing(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("don't stop by before five").await;
    assert_eq!(opted_out_by(&gateway).await, Value::Null);
    let soon = SystemClock::new().now().as_millis() + 5_000;
    let (status, before) = gateway
        .post("/v1/messages", None, &offer(&json!({ "send_at": soon })))
        .await;
    assert_eq!(status, 202, "{before}");
    gateway.customer_says("Please STOP, thank you \u{1f64f}").await;
    assert_eq!(opted_out_by(&gateway).await, "keyword");
    let (status, answer) = gateway.post("/v1/messages", None, &offer(&json!({}))).await;
    assert_eq!(
        (status, answer["error"]["code"].as_str()),
        (422, Some("opted_out"))
    );
    let reply = gateway.send_text("you get no more offers").await;
    gateway.until_state(&reply, "read").await;
    // What was taken before is not sent either.
    let failed = gateway
        .until_state(before["message_id"].as_str().unwrap(), "failed")
        .await;
    assert_eq!(failed["delivery"]["attempts"], 0);
    let path = format!("/v1/contacts/{}/consents", contact(&gateway).await);
    let (_, history) = gateway.get(&path).await;
    let last = &history["consents"][0];
    assert_eq!(
        (&last["purpose"], &last["state"], &last["source"]),
        (&json!("marketing"), &json!("withdrawn"), &json!("keyword"))
    );
    gateway.customer_says("start").await;
    assert_eq!(opted_out_by(&gateway).await, Value::Null);
    let (status, again) = gateway.post("/v1/messages", None, &offer(&json!({}))).await;
    assert_eq!(status, 202, "{again}");
    gateway.stop().await;
}

/// The only contact.
async fn contact(gateway: &TestGateway) -> String {
    let (_, list) = gateway.get("/v1/contacts").await;
    list["contacts"][0]["id"].as_str().unwrap().to_owned()
}

async fn nothing_goes_to_who_is_under_age(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    let at = format!("/v1/contacts/{}", contact(&gateway).await);
    let soon = SystemClock::new().now().as_millis() + 5_000;
    let mut later = text_to(CUSTOMER, "for later");
    later["send_at"] = soon.into();
    let (status, before) = gateway.post("/v1/messages", None, &later).await;
    assert_eq!(status, 202, "{before}");
    let (status, marked) = gateway.ask(Method::PUT, &at, &json!({ "is_minor": true })).await;
    assert_eq!((status, &marked["is_minor"]), (200, &json!(true)), "{marked}");
    let (status, refused) = gateway
        .post("/v1/messages", None, &text_to(CUSTOMER, "hello"))
        .await;
    assert_eq!(
        (status, refused["error"]["code"].as_str()),
        (422, Some("contact_is_minor"))
    );
    let failed = gateway
        .until_state(before["message_id"].as_str().unwrap(), "failed")
        .await;
    assert_eq!(failed["delivery"]["attempts"], 0);
    // What they write still comes, and once it is known that they are of age they are answered.
    gateway.customer_says("are you there?").await;
    gateway.ask(Method::PUT, &at, &json!({ "is_minor": false })).await;
    let reply = gateway.send_text("yes").await;
    gateway.until_state(&reply, "read").await;
    gateway.stop().await;
}

async fn who_is_blocked_is_not_reached_until_that_is_lifted(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    let at = format!("/v1/contacts/{}/block", contact(&gateway).await);
    let (_, numbers) = gateway.get("/v1/numbers").await;
    let number = &numbers["numbers"][0]["phone_number_id"];
    let body = json!({ "phone_number_id": number });
    let (status, blocked) = gateway.ask(Method::PUT, &at, &body).await;
    assert_eq!(
        (status, &blocked["blocked_on"]),
        (200, &json!([number])),
        "{blocked}"
    );
    let unheard = gateway.send_text("are you there?").await;
    gateway.until_state(&unheard, "failed").await;
    let (status, lifted) = gateway.ask(Method::DELETE, &at, &body).await;
    assert_eq!((status, lifted.get("blocked_on")), (200, None), "{lifted}");
    let heard = gateway.send_text("welcome back").await;
    gateway.until_state(&heard, "read").await;
    gateway.stop().await;
}
