//! Businesses answer, and what happens to each message shows.

use std::time::Duration;

use mesej_simulator::control::SendQuery;
use mesej_simulator::{Faults, Millis};
use serde_json::json;

use crate::gateway::{CUSTOMER, Setup, TestGateway, text_to, until};
use crate::kept::{Kept, on_every_store};

on_every_store! {
    a_reply_travels_from_queued_to_read,
    the_same_key_gives_the_same_answer_and_sends_once,
    outside_the_service_window_only_templates_go,
    an_answer_that_never_came_is_settled_by_the_status_and_never_sent_again,
    the_fault_that_the_readme_shows_leads_to_unknown_and_then_to_the_late_status,
    what_meta_provably_did_not_take_is_tried_again_until_it_goes,
    a_reply_is_held_back_when_somebody_wrote_since,
    a_scheduled_message_can_be_taken_back_and_is_never_sent,
    a_bad_token_pauses_the_lane_and_a_new_one_lets_it_go_on,
}

fn accepted(gateway: &TestGateway, message: &str) -> usize {
    gateway
        .meta
        .sends(&SendQuery {
            message_id: Some(message.to_owned()),
            ..SendQuery::default()
        })
        .len()
}

async fn a_reply_travels_from_queued_to_read(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    let message = gateway.send_text("hello to you").await;
    let read = gateway.until_state(&message, "read").await;
    assert_eq!(read["delivery"]["attempts"], 1);
    for state in ["sent", "delivered", "read"] {
        assert!(read["delivery"]["times"][state].is_i64(), "{state}: {read}");
    }
    assert!(read["wamid"].as_str().unwrap().starts_with("wamid."));
    assert_eq!(accepted(&gateway, &message), 1);
    gateway.stop().await;
}

async fn the_same_key_gives_the_same_answer_and_sends_once(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    let body = text_to(CUSTOMER, "only once");
    let (first, one) = gateway.post("/v1/messages", Some("order-1"), &body).await;
    let (second, two) = gateway.post("/v1/messages", Some("order-1"), &body).await;
    assert_eq!((first, second), (202, 202));
    assert_eq!(one["message_id"], two["message_id"]);
    let (other, refusal) = gateway
        .post("/v1/messages", Some("order-1"), &text_to(CUSTOMER, "else"))
        .await;
    assert_eq!(
        (other, refusal["error"]["code"].as_str().unwrap()),
        (422, "idempotency_mismatch")
    );
    gateway
        .until_state(one["message_id"].as_str().unwrap(), "read")
        .await;
    let all = gateway.meta.sends(&SendQuery {
        to: Some(CUSTOMER.to_owned()),
        ..SendQuery::default()
    });
    assert_eq!(all.len(), 1);
    gateway.stop().await;
}

async fn outside_the_service_window_only_templates_go(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let (status, refusal) = gateway
        .post("/v1/messages", None, &text_to("6281234567899", "hello?"))
        .await;
    assert!((400..500).contains(&status), "{status} {refusal}");
    assert_eq!(refusal["error"]["code"], "window_closed");
    let template = json!({
        "to": "+6281234567899", "type": "template",
        "template": { "name": "hello_world", "language": { "code": "en_US" } },
    });
    let (status, body) = gateway.post("/v1/messages", None, &template).await;
    assert_eq!(status, 202, "{body}");
    let sent = until("the template is settled", || async {
        let (_, body) = gateway
            .get(&format!("/v1/messages/{}", body["message_id"].as_str().unwrap()))
            .await;
        let state = body["delivery"]["state"].as_str()?.to_owned();
        ["sent", "delivered", "read", "failed"]
            .contains(&state.as_str())
            .then_some(body)
    })
    .await;
    assert_ne!(sent["delivery"]["state"], "failed", "{sent}");
    gateway.stop().await;
}

async fn an_answer_that_never_came_is_settled_by_the_status_and_never_sent_again(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    gateway.faults(Faults {
        error_after: 1.0,
        ..Faults::default()
    });
    let message = gateway.send_text("did it arrive?").await;
    let read = gateway.until_state(&message, "read").await;
    assert_eq!(read["delivery"]["attempts"], 1);
    assert_eq!(accepted(&gateway, &message), 1);
    gateway.stop().await;
}

/// The faults of the README's tour, with statuses that come sooner.
fn of_the_readme(late_by: Millis) -> Faults {
    let readme = include_str!("../../README.md");
    let shown = readme
        .lines()
        .filter_map(|line| line.trim().strip_prefix("-d '")?.strip_suffix('\''))
        .find(|faults| faults.contains("error_after"))
        .unwrap();
    let faults: Faults = serde_json::from_str(shown).unwrap();
    assert!(faults.status_late_by.min >= 10_000, "long enough to be seen");
    Faults {
        status_late_by: late_by,
        ..faults
    }
}

async fn the_fault_that_the_readme_shows_leads_to_unknown_and_then_to_the_late_status(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    gateway.faults(of_the_readme(Millis::between(4_000, 4_000)));
    let asked = std::time::Instant::now();
    let message = gateway.send_text("did it arrive?").await;
    let unknown = gateway.until_state(&message, "unknown").await;
    assert!(asked.elapsed() < Duration::from_secs(4), "before its status");
    let error = &unknown["delivery"]["error"];
    assert_eq!(error["code"], 131_000, "{unknown}");
    let read = gateway.until_state(&message, "read").await;
    assert!(
        asked.elapsed() >= Duration::from_secs(4),
        "no sooner than its status"
    );
    assert_eq!(read["delivery"]["attempts"], 1, "{read}");
    assert_eq!(accepted(&gateway, &message), 1);
    gateway.stop().await;
}

async fn what_meta_provably_did_not_take_is_tried_again_until_it_goes(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    gateway.faults(Faults {
        throttled: 1.0,
        ..Faults::default()
    });
    let message = gateway.send_text("patience").await;
    until("it was tried", || async {
        let (_, body) = gateway.get(&format!("/v1/messages/{message}")).await;
        (body["delivery"]["error"]["code"] == 130_429).then_some(())
    })
    .await;
    gateway.faults(Faults::default());
    let read = gateway.until_state(&message, "read").await;
    assert!(read["delivery"]["attempts"].as_u64().unwrap() > 1);
    assert_eq!(accepted(&gateway, &message), 1);
    gateway.stop().await;
}

async fn a_reply_is_held_back_when_somebody_wrote_since(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("first").await;
    let (_, seen) = gateway.get("/v1/conversations").await;
    let seen = seen["as_of_seq"].clone();
    gateway.customer_says("second").await;
    let mut body = text_to(CUSTOMER, "to the first");
    body["last_seen_seq"] = seen;
    let (status, refusal) = gateway.post("/v1/messages", None, &body).await;
    assert_eq!(
        (status, refusal["error"]["code"].as_str().unwrap()),
        (409, "conversation_changed")
    );
    gateway.stop().await;
}

async fn a_scheduled_message_can_be_taken_back_and_is_never_sent(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    let (_, list) = gateway.get("/v1/conversations").await;
    let later = list["conversations"][0]["last_activity"].as_i64().unwrap() + 3_600_000;
    let mut body = text_to(CUSTOMER, "later");
    body["send_at"] = json!(later);
    let (status, accepted_body) = gateway.post("/v1/messages", None, &body).await;
    assert_eq!(status, 202);
    let id = accepted_body["message_id"].as_str().unwrap();
    let (_, waiting) = gateway.get(&format!("/v1/messages/{id}")).await;
    assert_eq!(waiting["delay"]["reason"], "scheduled", "{waiting}");
    let url = format!("{}/v1/messages/{id}", gateway.base);
    let taken_back = gateway
        .client
        .delete(url)
        .bearer_auth(&gateway.key)
        .send()
        .await
        .unwrap();
    assert!(taken_back.status().is_success());
    gateway.until_state(id, "cancelled").await;
    assert_eq!(accepted(&gateway, id), 0);
    gateway.stop().await;
}

async fn a_bad_token_pauses_the_lane_and_a_new_one_lets_it_go_on(kept: Kept) {
    let mut setup = Setup::default();
    setup.simulator.access_tokens = vec!["the-right-token".to_owned()];
    let gateway = TestGateway::start_with(kept, setup).await;
    gateway.customer_says("hello").await;
    let message = gateway.send_text("held up").await;
    until("the lane says that it paused", || async {
        let events = gateway.events().await;
        events
            .into_iter()
            .find(|event| event["kind"] == "lane" && event["data"]["state"] == "paused")
    })
    .await;
    let number = mesej_simulator::NumberConfig::default();
    let body = json!({
        "phone_number_id": number.phone_number_id, "waba_id": number.waba_id, "app": "simulated",
        "display_phone_number": number.display_phone_number, "access_token": "the-right-token", "rate": 80,
    });
    gateway
        .admin(&format!("/v1/admin/tenants/{}/numbers", gateway.tenant), &body)
        .await;
    gateway.until_state(&message, "read").await;
    gateway.stop().await;
}
