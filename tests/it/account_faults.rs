//! What Meta says of the account and the number, and what is not Meta's word at all.

use std::time::Duration;

use mesej::domain::{Clock as _, SystemClock};
use mesej_simulator::control::SendQuery;
use mesej_simulator::{Faults, Millis, NumberConfig};
use serde_json::{Value, json};

use crate::gateway::{CUSTOMER, Setup, TestGateway, text_to, until};
use crate::kept::{Kept, on_every_store};

on_every_store! {
    a_failed_status_about_the_account_pauses_the_number,
    a_number_that_meta_does_not_know_pauses_and_loses_nothing,
    a_call_limit_is_waited_for,
    a_proxy_in_between_fails_no_message,
    a_line_break_in_a_template_is_refused_before_a_call_is_spent,
    the_state_that_is_shown_never_goes_back,
}

fn template() -> Value {
    json!({
        "to": format!("+{CUSTOMER}"), "type": "template",
        "template": { "name": "hello_world", "language": { "code": "en_US" } },
    })
}

async fn accept(gateway: &TestGateway, body: &Value) -> String {
    let (status, accepted) = gateway.post("/v1/messages", None, body).await;
    assert_eq!(status, 202, "{accepted}");
    accepted["message_id"].as_str().unwrap().to_owned()
}

async fn lane_event(gateway: &TestGateway, state: &str) -> Value {
    until(&format!("agents hear that the lane is {state}"), || async {
        let events = gateway.events().await;
        let mut lane = events.into_iter().filter(|event| event["kind"] == "lane");
        lane.find(|event| event["data"]["state"] == state)
    })
    .await["data"]
        .clone()
}

async fn mend(gateway: &TestGateway) {
    let number = NumberConfig::default();
    gateway.add_number(&number).await;
}

async fn a_failed_status_about_the_account_pauses_the_number(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    let message = accept(&gateway, &template()).await;
    let sent = gateway.until_state(&message, "read").await;
    let number = NumberConfig::default();
    let status = json!({
        "id": sent["wamid"], "status": "failed", "timestamp": now(), "recipient_id": "62855",
        "errors": [{
            "code": 131_031, "title": "Business Account locked", "message": "Business Account locked",
            "error_data": { "details": "Business account has been locked." },
        }],
    });
    let webhook = json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": number.waba_id, "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": number.display_phone_number, "phone_number_id": number.phone_number_id,
            },
            "statuses": [status],
        } }] }],
    });
    assert_eq!(gateway.webhook(webhook.to_string().as_bytes()).await, 200);
    let told = lane_event(&gateway, "paused").await;
    assert_eq!(
        (&told["scope"], &told["reason"], &told["code"]),
        (&json!("all"), &json!("account_blocked"), &json!(131_031)),
        "{told}"
    );
    assert_eq!(told["title"], "Business Account locked");
    assert_eq!(told["details"], "Business account has been locked.");
    assert!(told["until"].is_i64(), "{told}");

    let waiting = gateway.send_text("after the lock").await;
    let shown = until("it is shown why it waits", || async {
        let (_, shown) = gateway.get(&format!("/v1/messages/{waiting}")).await;
        (shown["delay"]["reason"] == "lane_paused").then_some(shown)
    })
    .await;
    assert_eq!(shown["delay"]["error"]["code"], 131_031, "{shown}");
    assert!(shown["delay"]["until"].is_i64(), "{shown}");
    let query = SendQuery {
        message_id: Some(waiting.clone()),
        ..SendQuery::default()
    };
    assert!(gateway.meta.sends(&query).is_empty());
    mend(&gateway).await;
    gateway.until_state(&waiting, "read").await;
    gateway.stop().await;
}

fn now() -> String {
    SystemClock::new().now().as_secs().to_string()
}

/// Sends twenty messages while Meta, or somebody in its place, behaves so; none may fail. Gives their ids.
async fn twenty(gateway: &TestGateway, faults: Faults) -> Vec<String> {
    gateway.customer_says("hello").await;
    gateway.faults(faults);
    let mut messages = Vec::new();
    for count in 0..20 {
        messages.push(gateway.send_text(&format!("number {count}")).await);
    }
    messages
}

async fn none_failed(gateway: &TestGateway, messages: &[String]) {
    for message in messages {
        let (_, shown) = gateway.get(&format!("/v1/messages/{message}")).await;
        let state = &shown["delivery"]["state"];
        assert!(state == "queued" || state == "claimed", "{shown}");
    }
}

async fn all_arrive(gateway: &TestGateway, messages: &[String]) {
    gateway.faults(Faults::default());
    mend(gateway).await;
    for message in messages {
        // The pair limit makes twenty messages to one customer take long.
        until("Meta took it once", || async {
            let query = SendQuery {
                message_id: Some(message.clone()),
                ..SendQuery::default()
            };
            (gateway.meta.sends(&query).len() == 1).then_some(())
        })
        .await;
    }
}

async fn a_number_that_meta_does_not_know_pauses_and_loses_nothing(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let faults = Faults {
        unknown_object: 1.0,
        ..Faults::default()
    };
    let messages = twenty(&gateway, faults).await;
    let told = lane_event(&gateway, "paused").await;
    assert_eq!(
        (&told["reason"], &told["code"]),
        (&json!("number_not_ready"), &json!(100)),
        "{told}"
    );
    assert!(
        told["title"].as_str().unwrap().contains("does not exist"),
        "{told}"
    );
    none_failed(&gateway, &messages).await;
    all_arrive(&gateway, &messages[..5]).await;
    gateway.stop().await;
}

async fn a_call_limit_is_waited_for(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let faults = Faults {
        call_limited: 1.0,
        ..Faults::default()
    };
    let messages = twenty(&gateway, faults).await;
    let told = lane_event(&gateway, "slowed").await;
    assert_eq!(told["reason"], "throttled", "{told}");
    assert!(told["until"].is_i64(), "a full stop says until when: {told}");
    none_failed(&gateway, &messages).await;
    all_arrive(&gateway, &messages[1..5]).await;
    gateway.stop().await;
}

async fn a_proxy_in_between_fails_no_message(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let faults = Faults {
        not_graph: 1.0,
        ..Faults::default()
    };
    let messages = twenty(&gateway, faults).await;
    let told = lane_event(&gateway, "slowed").await;
    assert_eq!(told["reason"], "not_graph", "{told}");
    tokio::time::sleep(Duration::from_secs(4)).await;
    none_failed(&gateway, &messages).await;
    let (_, first) = gateway.get(&format!("/v1/messages/{}", messages[0])).await;
    let title = first["delivery"]["error"]["title"].as_str().unwrap_or_default();
    assert!(title.starts_with("HTTP "), "{first}");
    all_arrive(&gateway, &messages[..5]).await;
    gateway.stop().await;
}

async fn a_line_break_in_a_template_is_refused_before_a_call_is_spent(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let body = |name: &str| {
        json!({
            "to": "+6287700000101", "type": "template",
            "template": { "name": "order_shipped", "language": { "code": "en_US" }, "components": [
                { "type": "body", "parameters": [
                    { "type": "text", "text": name }, { "type": "text", "text": "A-1" },
                    { "type": "text", "text": "besok" },
                ] },
                { "type": "button", "sub_type": "url", "index": "0",
                  "parameters": [{ "type": "text", "text": "A-1" }] },
            ] },
        })
    };
    let (status, refused) = gateway.post("/v1/messages", None, &body("Ani\nbaris dua")).await;
    assert_eq!(
        (status, refused["error"]["code"].as_str().unwrap()),
        (400, "invalid_request")
    );
    let words = refused["error"]["message"].as_str().unwrap();
    assert!(words.contains("components[0].parameters[0].text"), "{words}");
    let message = accept(&gateway, &body("Ani, baris dua")).await;
    let sent = until("Meta took it", || async {
        let (_, shown) = gateway.get(&format!("/v1/messages/{message}")).await;
        shown["wamid"].is_string().then_some(shown)
    })
    .await;
    assert_ne!(sent["delivery"]["state"], "failed", "{sent}");
    gateway.stop().await;
}

async fn the_state_that_is_shown_never_goes_back(kept: Kept) {
    const RANKS: [&str; 7] = [
        "queued",
        "claimed",
        "unknown",
        "held",
        "sent",
        "delivered",
        "read",
    ];
    let mut setup = Setup::default();
    setup.simulator.statuses.sent = Millis::between(50, 100);
    let gateway = TestGateway::start_with(kept, setup).await;
    gateway.customer_says("hello").await;
    gateway.faults(Faults {
        throttled: 1.0,
        latency: Millis::between(30, 60),
        ..Faults::default()
    });
    let message = accept(&gateway, &text_to(CUSTOMER, "patience")).await;
    let (mut shown, mut calls) = (Vec::new(), 0);
    let began = std::time::Instant::now();
    while shown.last() != Some(&"read".to_owned()) {
        assert!(began.elapsed() < Duration::from_secs(30), "{shown:?}");
        let (status, now) = gateway.get(&format!("/v1/messages/{message}")).await;
        if status == 429 {
            // Asked as fast as the key may ask.
            continue;
        }
        shown.push(now["delivery"]["state"].as_str().unwrap().to_owned());
        calls = now["delivery"]["attempts"].as_u64().unwrap();
        if calls > 2 {
            gateway.faults(Faults::default());
        }
    }
    assert!(calls > 2, "it was tried again");
    let ranks: Vec<_> = shown
        .iter()
        .map(|state| RANKS.iter().position(|rank| rank == state).unwrap())
        .collect();
    assert!(ranks.is_sorted(), "{shown:?}");
    gateway.stop().await;
}
