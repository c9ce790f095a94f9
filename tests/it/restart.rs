//! What a restart in order keeps.

use serde_json::json;

use crate::gateway::{CUSTOMER, TestGateway, text_to};
use crate::kept::{Kept, on_every_store};

on_every_store! {
    history_and_the_ledger_go_on_after_a_restart,
    a_message_that_waited_is_sent_after_the_restart,
}

async fn history_and_the_ledger_go_on_after_a_restart(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("before").await;
    let before = gateway.events().await;
    let gateway = gateway.restart().await;
    assert_eq!(
        gateway.events().await,
        before,
        "an event once readable never changes"
    );
    gateway.customer_says("after").await;
    let after = gateway.events().await;
    assert_eq!(
        after.last().unwrap()["seq"].as_u64().unwrap(),
        u64::try_from(before.len()).unwrap() + 1
    );
    gateway.stop().await;
}

async fn a_message_that_waited_is_sent_after_the_restart(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    let (_, list) = gateway.get("/v1/conversations").await;
    let soon = list["conversations"][0]["last_activity"].as_i64().unwrap() + 3_000;
    let mut body = text_to(CUSTOMER, "a little later");
    body["send_at"] = json!(soon);
    let (status, accepted) = gateway.post("/v1/messages", Some("later-1"), &body).await;
    assert_eq!(status, 202);
    let gateway = gateway.restart().await;
    let id = accepted["message_id"].as_str().unwrap();
    gateway.until_state(id, "read").await;
    let (status, again) = gateway.post("/v1/messages", Some("later-1"), &body).await;
    assert_eq!(
        (status, again["message_id"].as_str().unwrap()),
        (202, id),
        "the key outlives the process"
    );
    gateway.stop().await;
}
