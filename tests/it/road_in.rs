//! Customers write, and what Meta sends becomes history and events.

use serde_json::json;

use crate::gateway::{CUSTOMER, TestGateway, until};
use crate::kept::{Kept, on_every_store};
use mesej_simulator::{Faults, Millis, NumberConfig};

on_every_store! {
    a_customers_message_is_in_history_once_and_opens_the_conversation,
    webhooks_that_come_twice_late_in_pieces_and_out_of_order_make_one_message_each,
    a_webhook_whose_sender_hangs_up_before_the_answer_is_applied_all_the_same,
    a_forged_webhook_is_refused_and_leaves_nothing,
    a_message_to_a_number_that_nobody_has_waits_in_quarantine_until_it_is_replayed,
    a_customer_without_a_phone_number_can_be_answered,
}

async fn a_customers_message_is_in_history_once_and_opens_the_conversation(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let message = gateway.customer_says("is the cake still there?").await;
    assert_eq!(message["direction"], "inbound");
    let (_, list) = gateway.get("/v1/conversations").await;
    let conversation = &list["conversations"][0];
    assert_eq!(conversation["status"], "open");
    assert_eq!(conversation["unread"], 1);
    assert_eq!(conversation["contact"]["phone"], CUSTOMER);
    assert_eq!(conversation["preview"], "is the cake still there?");
    gateway.stop().await;
}

async fn webhooks_that_come_twice_late_in_pieces_and_out_of_order_make_one_message_each(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.faults(Faults {
        // Minutes in reality.
        reordered_by: Millis::between(0, 500),
        ..Faults::dirty_webhooks()
    });
    for number in 0..60 {
        gateway
            .meta
            .say_text(CUSTOMER, &format!("message {number}"))
            .unwrap();
    }
    let history = until("all sixty are there", || async {
        let history = gateway.history().await;
        (history.len() >= 60).then_some(history)
    })
    .await;
    gateway.meta.quiesce(std::time::Duration::from_secs(20)).await;
    let mut wamids: Vec<_> = gateway
        .history()
        .await
        .iter()
        .map(|row| row["wamid"].to_string())
        .collect();
    wamids.sort();
    let before = wamids.len();
    wamids.dedup();
    assert_eq!((before, wamids.len(), history.len()), (60, 60, 60));
    let seqs: Vec<_> = gateway
        .events()
        .await
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(
        seqs,
        (1..=u64::try_from(seqs.len()).unwrap()).collect::<Vec<_>>(),
        "dense from 1"
    );
    gateway.stop().await;
}

async fn a_webhook_whose_sender_hangs_up_before_the_answer_is_applied_all_the_same(kept: Kept) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let gateway = TestGateway::start(kept).await;
    let number = NumberConfig::default();
    let body = json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "9", "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "1", "phone_number_id": number.phone_number_id },
            "contacts": [{ "profile": { "name": "Sam" }, "wa_id": "15557654321" }],
            "messages": [{ "from": "15557654321", "id": "wamid.HUNGUP", "timestamp": "1790000000", "type": "text",
                           "text": { "body": "hello? hello?" } }],
        } }] }],
    })
    .to_string();
    let address = gateway.base.trim_start_matches("http://");
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /webhooks/whatsapp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         X-Hub-Signature-256: {}\r\nContent-Length: {}\r\n\r\n{body}",
        crate::gateway::signature(body.as_bytes()),
        body.len()
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer).await;
    // Whether or not it was answered: it was stored perhaps, and then it must not wait for the next start.
    if !answer.starts_with(b"HTTP/1.1 200") {
        assert_eq!(answer, b"", "no other answer");
    }
    gateway.in_history("hello? hello?").await;
    gateway.stop().await;
}

async fn a_forged_webhook_is_refused_and_leaves_nothing(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let body = json!({ "object": "whatsapp_business_account", "entry": [] }).to_string();
    let url = format!("{}/webhooks/whatsapp", gateway.base);
    let forged = gateway
        .client
        .post(&url)
        .header("X-Hub-Signature-256", format!("sha256={}", "0".repeat(64)));
    assert_eq!(forged.body(body.clone()).send().await.unwrap().status(), 401);
    assert_eq!(
        gateway
            .client
            .post(&url)
            .body(body)
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    assert!(gateway.events().await.is_empty());
    gateway.stop().await;
}

async fn a_message_to_a_number_that_nobody_has_waits_in_quarantine_until_it_is_replayed(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let late = NumberConfig::numbered(7);
    let body = json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "9", "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550770007", "phone_number_id": late.phone_number_id },
            "contacts": [{ "profile": { "name": "Sam" }, "wa_id": "15557654321" }],
            "messages": [{ "from": "15557654321", "id": "wamid.LATE", "timestamp": "1790000000", "type": "text",
                           "text": { "body": "anybody there?" } }],
        } }] }],
    });
    assert_eq!(gateway.webhook(body.to_string().as_bytes()).await, 200);
    let url = format!("{}/v1/admin/quarantine", gateway.base);
    let listed = until("it is in quarantine", || async {
        let answer = gateway
            .client
            .get(&url)
            .bearer_auth(crate::gateway::ADMIN)
            .send()
            .await
            .ok()?;
        let text = answer.text().await.ok()?;
        text.contains("unknown_number").then_some(text)
    })
    .await;
    assert!(
        !listed.contains("anybody there?"),
        "a list shows reasons, not customers' words"
    );
    gateway.add_number(&late).await;
    gateway
        .admin("/v1/admin/quarantine/replay", &json!({ "all": true }))
        .await;
    gateway.in_history("anybody there?").await;
    gateway.stop().await;
}

async fn a_customer_without_a_phone_number_can_be_answered(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let mina = gateway
        .meta
        .customer(&mesej_simulator::CustomerSpec {
            name: Some("Mina".to_owned()),
            username: Some("mina.k".to_owned()),
            ..Default::default()
        })
        .unwrap();
    gateway.meta.say_text(&mina.user_id, "do you deliver?").unwrap();
    let message = gateway.in_history("do you deliver?").await;
    let (_, conversation) = gateway
        .get(&format!(
            "/v1/conversations/{}",
            message["conversation_id"].as_str().unwrap()
        ))
        .await;
    assert!(conversation["contact"]["phone"].is_null(), "{conversation}");
    let reply = json!({
        "conversation_id": message["conversation_id"], "type": "text", "text": { "body": "we do" },
    });
    let (status, body) = gateway.post("/v1/messages", None, &reply).await;
    assert_eq!(status, 202, "{body}");
    gateway
        .until_state(body["message_id"].as_str().unwrap(), "read")
        .await;
    gateway.stop().await;
}
