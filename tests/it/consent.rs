//! Customers who want no marketing get none, and everything else.

use mesej::domain::{Clock as _, SystemClock};
use mesej_simulator::CustomerSpec;
use mesej_simulator::oracle::OptOut;
use serde_json::{Value, json};

use crate::gateway::{CUSTOMER, TestGateway, until};
use crate::kept::{Kept, on_every_store};

on_every_store! {
    who_stops_marketing_gets_none_from_then_on_and_replies_still_go,
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
