//! Groups: what is sent to one, what its members write, and examples of sends of every kind.

use mesej::domain::{Clock as _, SystemClock};
use mesej_simulator::control::SendQuery;
use serde_json::{Value, json};

use crate::gateway::{CUSTOMER, TestGateway, text_to};
use crate::kept::{Kept, on_every_store};
use crate::payloads::payloads;

on_every_store! {
    a_message_to_a_group_is_sent_once_and_its_members_write_in_the_same_conversation,
}

const GROUP: &str = "Y2FwaV9ncm91cDoxNzA1NTU1MDEzOToxMjAzNjM0MDQ2OTQyMzM4MjAZD";

fn to_group(text: &str) -> Value {
    json!({ "recipient_type": "group", "to": GROUP, "type": "text", "text": { "body": text } })
}

/// A customer's message as Meta tells it.
fn written(number: &str, message: &Value) -> Vec<u8> {
    told(number, "messages", &json!([message]))
}

fn told(number: &str, part: &str, elements: &Value) -> Vec<u8> {
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "1", "phone_number_id": number },
        part: elements,
    });
    let change = json!({ "field": "messages", "value": value });
    let entry = json!({ "id": "1", "changes": [change] });
    json!({ "object": "whatsapp_business_account", "entry": [entry] })
        .to_string()
        .into_bytes()
}

async fn number(gateway: &TestGateway) -> String {
    let (_, numbers) = gateway.get("/v1/numbers").await;
    numbers["numbers"][0]["phone_number_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn now() -> String {
    SystemClock::new().now().as_secs().to_string()
}

async fn a_message_to_a_group_is_sent_once_and_its_members_write_in_the_same_conversation(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let (status, sent) = gateway
        .post("/v1/messages", Some("once"), &to_group("hello all"))
        .await;
    assert_eq!(status, 202, "{sent}");
    let (_, again) = gateway
        .post("/v1/messages", Some("once"), &to_group("hello all"))
        .await;
    assert_eq!(again["message_id"], sent["message_id"]);
    let id = sent["message_id"].as_str().unwrap();
    let row = gateway.until_state(id, "delivered").await;
    assert_eq!(row["delivery"]["attempts"], 1);
    let number = number(&gateway).await;
    let status = |member: &str, state: &str| {
        json!({
            "id": row["wamid"], "status": state, "timestamp": now(), "recipient_id": GROUP,
            "recipient_type": "group", "recipient_participant_id": member,
        })
    };
    let statuses = json!([status("16505551234", "read"), status("16505551235", "delivered")]);
    assert_eq!(gateway.webhook(&told(&number, "statuses", &statuses)).await, 200);
    gateway.until_state(id, "read").await;
    let sends = gateway.meta.sends(&SendQuery {
        message_id: Some(id.to_owned()),
        ..SendQuery::default()
    });
    assert_eq!(sends.len(), 1);
    assert_eq!(sends[0].to, GROUP);
    let answer = json!({
        "from": CUSTOMER, "group_id": GROUP, "id": "wamid.inagroup", "timestamp": now(),
        "type": "text", "text": { "body": "hello from a member" },
    });
    let body = written(&number, &answer);
    assert_eq!(gateway.webhook(&body).await, 200);
    let heard = gateway.in_history("hello from a member").await;
    assert_eq!(heard["conversation_id"], sent["conversation_id"]);
    assert_eq!(heard["author"]["kind"], "member");
    let conversation = format!("/v1/conversations/{}", sent["conversation_id"].as_str().unwrap());
    let (_, shown) = gateway.get(&conversation).await;
    assert_eq!(shown["contact"]["group_id"], GROUP);
    assert_eq!(shown["contact"].get("phone"), None);
    // No window is asked for, and the conversation alone says where it goes.
    let reply = json!({
        "conversation_id": sent["conversation_id"], "type": "text", "text": { "body": "welcome" },
    });
    let (status, reply) = gateway.post("/v1/messages", None, &reply).await;
    assert_eq!(status, 202, "{reply}");
    gateway
        .until_state(reply["message_id"].as_str().unwrap(), "delivered")
        .await;
    // What a member wrote in the group opens no window between the two.
    let (status, refused) = gateway
        .post("/v1/messages", None, &text_to(CUSTOMER, "just you"))
        .await;
    assert_eq!(
        (status, refused["error"]["code"].as_str()),
        (422, Some("window_closed"))
    );
    gateway.stop().await;
}

/// Marks of examples that hold words to be replaced instead of values.
const PLACEHOLDERS: [&str; 7] = [
    "<",
    "{{",
    "http(s)",
    "template-name",
    "language-and-locale-code",
    "text-string",
    "your-",
];

#[actix::test]
async fn every_example_of_a_send_is_accepted() {
    let gateway = TestGateway::start(Kept::in_a_folder()).await;
    let number = number(&gateway).await;
    let mut sent = 0;
    for (place, mut example) in payloads("send") {
        // Marking as read is another call here.
        let sends = example.get("status").is_none();
        let individual = example["recipient_type"] != "group" && example["to"].is_string();
        if individual {
            example["to"] = CUSTOMER.into();
        }
        if !sends || PLACEHOLDERS.iter().any(|mark| example.to_string().contains(mark)) {
            continue;
        }
        let from = match example["recipient"].as_str() {
            Some(id) => json!({ "from_user_id": id }),
            None => json!({ "from": CUSTOMER }),
        };
        let mut hello = json!({
            "id": format!("wamid.hello{sent}"), "timestamp": now(),
            "type": "text", "text": { "body": format!("hello {sent}") },
        });
        hello
            .as_object_mut()
            .unwrap()
            .extend(from.as_object().unwrap().clone());
        assert_eq!(gateway.webhook(&written(&number, &hello)).await, 200);
        gateway.in_history(&format!("hello {sent}")).await;
        let (status, answer) = gateway.post("/v1/messages", None, &example).await;
        // The account has none of the templates that examples name.
        let is_unknown = example["type"] == "template" && answer["error"]["code"] == "template_unknown";
        assert!(status == 202 || is_unknown, "{place}: {answer}");
        sent += 1;
    }
    assert!(sent >= 20, "only {sent} examples hold values");
    gateway.stop().await;
}
