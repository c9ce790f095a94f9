//! Messages that are edited and taken back, and messages of a number that others use, too.

use std::collections::BTreeSet;

use mesej::domain::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::gateway::{CUSTOMER, TestGateway, until};
use crate::kept::{Kept, on_every_store};

on_every_store! {
    an_edited_message_changes_and_a_revoked_one_is_gone,
    what_the_business_writes_on_its_phone_is_answered_by_nobody,
    a_thousand_imported_messages_stand_in_order_and_ask_for_nothing,
    a_thread_that_another_program_has_is_shown,
}

const DISPLAY: &str = "15550710000";

fn now() -> i64 {
    SystemClock::new().now().as_secs()
}

async fn number(gateway: &TestGateway) -> String {
    let (_, numbers) = gateway.get("/v1/numbers").await;
    numbers["numbers"][0]["phone_number_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn told(gateway: &TestGateway, field: &str, value: Value) {
    let mut value = value;
    value["messaging_product"] = "whatsapp".into();
    value["metadata"] = json!({ "display_phone_number": DISPLAY, "phone_number_id": number(gateway).await });
    let change = json!({ "field": field, "value": value });
    let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "102290129340398", "changes": [change] }] });
    assert_eq!(gateway.webhook(body.to_string().as_bytes()).await, 200);
}

/// A customer's message as Meta tells it.
async fn written(gateway: &TestGateway, message: Value) {
    let contacts = json!([{ "profile": { "name": "Ani" }, "wa_id": CUSTOMER }]);
    told(
        gateway,
        "messages",
        json!({ "contacts": contacts, "messages": [message] }),
    )
    .await;
}

fn text(id: &str, body: &str) -> Value {
    json!({ "from": CUSTOMER, "id": id, "timestamp": now().to_string(), "type": "text", "text": { "body": body } })
}

fn amendment(kind: &str, id: &str, original: &str, edited: Option<&str>) -> Value {
    let mut what = json!({ "original_message_id": original });
    if let Some(body) = edited {
        what["message"] = json!({ "type": "text", "text": { "body": body }, "context": { "id": "M0" } });
    }
    json!({ "from": CUSTOMER, "id": id, "timestamp": now().to_string(), "type": kind, kind: what })
}

async fn by_wamid(gateway: &TestGateway, wamid: &str, is: impl Fn(&Value) -> bool) -> Value {
    until(&format!("{wamid} is as it should be"), || async {
        let all = gateway.history().await;
        all.into_iter()
            .find(|message| message["wamid"] == wamid && is(message))
    })
    .await
}

/// The row of a conversation once it is so: on a cluster other readers see the rows of a commit one after another.
async fn listed(gateway: &TestGateway, of: &Value, is: impl Fn(&Value) -> bool) -> Value {
    let id = of["conversation_id"].as_str().unwrap();
    let path = format!("/v1/conversations/{id}");
    until(&format!("{path} is as it should be"), || async {
        Some(gateway.get(&path).await.1).filter(&is)
    })
    .await
}

async fn an_edited_message_changes_and_a_revoked_one_is_gone(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    written(&gateway, text("wamid.T1", "halo")).await;
    written(
        &gateway,
        amendment("edit", "wamid.E1", "wamid.T1", Some("halo (diubah)")),
    )
    .await;
    let edited = by_wamid(&gateway, "wamid.T1", |message| message["edited_at"].is_number()).await;
    assert_eq!(edited["content"]["text"]["body"], "halo (diubah)");
    assert_eq!(edited["versions"][0]["content"]["text"]["body"], "halo");
    let is_new = |row: &Value| row["preview"] == "halo (diubah)" && row["unread"] == 1;
    listed(&gateway, &edited, is_new).await;
    written(&gateway, amendment("revoke", "wamid.E2", "wamid.T1", None)).await;
    // One that is taken back before it comes.
    written(&gateway, amendment("revoke", "wamid.E3", "wamid.T2", None)).await;
    written(&gateway, text("wamid.T2", "halo yang hilang")).await;
    written(&gateway, text("wamid.T3", "the end")).await;
    let revoked = by_wamid(&gateway, "wamid.T1", |message| message["revoked_at"].is_number()).await;
    assert_eq!(revoked["content"], json!({ "type": "revoked" }));
    gateway.in_history("the end").await;
    let gateway = gateway.restart().await;
    let history = gateway.history().await;
    assert_eq!(history.len(), 3, "each stands there once: {history:?}");
    let (events, list) = (gateway.events().await, gateway.get("/v1/conversations").await.1);
    for everything in [json!(history), json!(events), list] {
        assert!(
            !everything.to_string().contains("halo"),
            "it is still there: {everything}"
        );
    }
    let kinds: BTreeSet<&str> = events.iter().filter_map(|event| event["kind"].as_str()).collect();
    assert!(
        kinds.contains("message_revoked") && kinds.contains("erased"),
        "{kinds:?}"
    );
    gateway.stop().await;
}

async fn what_the_business_writes_on_its_phone_is_answered_by_nobody(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let asked = gateway.customer_says("ada stok?").await;
    let id = asked["conversation_id"].as_str().unwrap().to_owned();
    for (path, body) in [("read", json!({})), ("status", json!({ "status": "resolved" }))] {
        let (status, answer) = gateway
            .post(&format!("/v1/conversations/{id}/{path}"), None, &body)
            .await;
        assert_eq!(status, 200, "{answer}");
    }
    let echo = json!({
        "from": DISPLAY, "to": CUSTOMER, "id": "wamid.ECHO1", "timestamp": now().to_string(),
        "type": "text", "text": { "body": "dibalas dari HP" },
    });
    let contacts = json!([{ "profile": { "name": "" }, "wa_id": CUSTOMER }]);
    told(
        &gateway,
        "smb_message_echoes",
        json!({ "contacts": contacts, "message_echoes": [echo] }),
    )
    .await;
    let shown = gateway.in_history("dibalas dari HP").await;
    assert_eq!(shown["conversation_id"], asked["conversation_id"]);
    assert_eq!(
        (&shown["direction"], &shown["author"]["kind"]),
        (&json!("outbound"), &json!("business_app"))
    );
    assert!(shown.get("delivery").is_none());
    assert!(
        shown["id"].as_str() > asked["id"].as_str(),
        "it came after the question"
    );
    let is_done = |row: &Value| row["unread"] == 0 && row["status"] == "resolved";
    let after = listed(&gateway, &asked, is_done).await;
    assert_eq!(after["contact"]["name"], gateway_name(&asked, &gateway).await);
    let own = format!("/v1/messages/{}", shown["id"].as_str().unwrap());
    assert_eq!(gateway.get(&own).await.0, 200);
    assert!(
        gateway
            .meta
            .sends(&mesej_simulator::control::SendQuery::default())
            .is_empty()
    );
    gateway.stop().await;
}

/// What the customer was called before.
async fn gateway_name(of: &Value, gateway: &TestGateway) -> Value {
    let events = gateway.events().await;
    let first = events
        .iter()
        .find(|event| event["data"]["message"]["id"] == of["id"])
        .unwrap();
    first["data"]["contact"]["name"].clone()
}

async fn a_thousand_imported_messages_stand_in_order_and_ask_for_nothing(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let began = now() - 30 * 86_400;
    // Four in a second, from both sides, of 2.8 MB together.
    let message = |n: i64| {
        let from = if n % 2 == 0 { CUSTOMER } else { DISPLAY };
        json!({
            "from": from, "id": format!("wamid.H{n:04}"), "timestamp": (began + n / 4).to_string(), "type": "text",
            "text": { "body": format!("{n:04} {}", "x".repeat(2_650)) }, "history_context": { "status": "READ" },
        })
    };
    let messages: Vec<Value> = (0..1_000).map(message).collect();
    let threads = json!([{ "id": CUSTOMER, "messages": messages }]);
    let chunk = json!({ "metadata": { "phase": 1, "chunk_order": 1, "progress": 100 }, "threads": threads });
    let size = chunk.to_string().len();
    assert!((2_700_000..3_000_000).contains(&size), "{size} bytes");
    told(&gateway, "history", json!({ "history": [chunk] })).await;
    let last = by_wamid(&gateway, "wamid.H0999", |_| true).await;
    let id = last["conversation_id"].as_str().unwrap().to_owned();
    let mut found: Vec<String> = Vec::new();
    let mut before = String::new();
    loop {
        let (_, page) = gateway
            .get(&format!("/v1/conversations/{id}/messages?limit=100{before}"))
            .await;
        let rows = page["messages"].as_array().unwrap();
        found.extend(rows.iter().map(|row| row["wamid"].as_str().unwrap().to_owned()));
        assert!(rows.iter().all(|row| row["via"] == "history"));
        match page["next_cursor"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    let expected: Vec<String> = (0..1_000).rev().map(|n| format!("wamid.H{n:04}")).collect();
    assert_eq!(found, expected);
    let is_done = |row: &Value| row["unread"] == 0 && row["status"] == "resolved";
    let row = listed(&gateway, &last, is_done).await;
    assert!(row.get("last_inbound").is_none(), "it opens no window: {row}");
    assert_eq!(row["last_activity"], last["created"]);
    let (status, refused) = gateway
        .post("/v1/messages", None, &crate::gateway::text_to(CUSTOMER, "hello?"))
        .await;
    assert_eq!(
        (status, &refused["error"]["code"]),
        (422, &json!("window_closed"))
    );
    gateway.stop().await;
}

async fn a_thread_that_another_program_has_is_shown(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let sent = json!({ "messaging_product": "whatsapp", "to": CUSTOMER, "type": "text", "text": { "body": "I am a program" } });
    let standby = json!({
        "contacts": [{ "profile": { "name": "Ani" }, "wa_id": CUSTOMER }],
        "messages": [text("wamid.S1", "anybody?")],
        "message_echoes": [{ "id": "wamid.S2", "timestamp": now().to_string(), "message": sent }],
    });
    told(&gateway, "standby", json!({ "standby": standby })).await;
    let answer = gateway.in_history("I am a program").await;
    assert_eq!(
        (&answer["via"], &answer["author"]["kind"]),
        (&json!("standby"), &json!("other_app"))
    );
    let asked = by_wamid(&gateway, "wamid.S1", |message| message["via"] == "standby").await;
    listed(&gateway, &asked, |row| row["unread"] == 0).await;
    written(&gateway, text("wamid.S1", "anybody?")).await;
    by_wamid(&gateway, "wamid.S1", |message| message.get("via").is_none()).await;
    listed(&gateway, &asked, |row| row["unread"] == 1).await;
    gateway.stop().await;
}
