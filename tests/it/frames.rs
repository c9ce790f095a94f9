//! Every frame of sockets as every role: allowed is what the table of roles allows, and another tenant's ids answer like ids that
//! nobody has.

use futures_util::SinkExt as _;
use mesej::domain::roles::{Right, Role};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::gateway::TestGateway;
use crate::kept::Kept;
use crate::people::joined_team;
use crate::presence::{Socket, frame, opened};

const NOBODYS: &str = "00112233445566778899aabbccddeeff";

/// What each frame needs, with its fields beside a conversation.
fn frames() -> Vec<(&'static str, Right, Value)> {
    let text = json!({ "type": "text", "text": { "body": "x" } });
    vec![
        ("hello", Right::Read, json!({})),
        ("ack", Right::Read, json!({ "seq": 0 })),
        (
            "send",
            Right::Answer,
            json!({ "client_msg_id": "m1", "message": text }),
        ),
        (
            "note",
            Right::Answer,
            json!({ "client_msg_id": "n1", "text": "x" }),
        ),
        ("typing", Right::Read, json!({ "on": true })),
        ("viewing", Right::Read, json!({})),
        ("presence", Right::Read, json!({ "state": "away" })),
        ("read", Right::Answer, json!({})),
        ("assign", Right::Answer, json!({ "agent": null })),
        ("label", Right::Answer, json!({ "add": ["x"] })),
        ("status", Right::Answer, json!({ "status": "resolved" })),
        ("ping", Right::Read, json!({})),
    ]
}

/// Frames that name a conversation.
fn names_one(kind: &str) -> bool {
    !["hello", "ack", "presence", "ping"].contains(&kind)
}

/// Sends a frame, and gives what is said to it.
async fn said(socket: &mut Socket, kind: &str, fields: &Value, conversation: &str) -> Vec<Value> {
    let mut asked = fields.clone();
    asked["type"] = json!(kind);
    if kind != "ack" && kind != "hello" && kind != "presence" {
        asked["ref"] = json!("asked");
    }
    if names_one(kind) {
        asked["conversation_id"] = json!(conversation);
    }
    for frame in [asked, json!({ "type": "ping", "ref": "after" })] {
        socket.send(Message::text(frame.to_string())).await.unwrap();
    }
    // An answer from the core may come after that of the ping.
    let waits = names_one(kind) && !["typing", "viewing"].contains(&kind);
    let (mut answers, mut is_after) = (Vec::new(), false);
    while !is_after || (waits && answers.is_empty()) {
        let heard = frame(socket).await;
        is_after |= heard["ref"] == "after";
        let is_answer =
            heard["ref"] == "asked" || heard["client_msg_id"].is_string() && heard.get("seq").is_none();
        if heard["type"] == "error" || is_answer {
            let text = heard.to_string().replace(conversation, "ID");
            answers.push(serde_json::from_str(&text).unwrap());
        }
    }
    answers
}

#[test]
fn the_table_holds_every_frame() {
    let page = include_str!("../../src/api/ws/protocol/client.rs");
    let (_, kinds) = page.split_once("\nkinds! {\n").unwrap();
    let kinds = kinds.lines().take_while(|line| *line != "}");
    let kinds: Vec<&str> = kinds.map(|line| line.split('"').nth(1).unwrap()).collect();
    let table: Vec<&str> = frames().into_iter().map(|(kind, ..)| kind).collect();
    assert_eq!(table, kinds);
}

#[actix::test]
async fn each_role_sends_what_the_table_allows_and_into_its_own_tenant_alone() {
    let gateway = TestGateway::start(Kept::in_a_folder()).await;
    let theirs = gateway.customer_says("halo").await["conversation_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let other = json!({ "name": "Warung Dua" });
    let other = gateway.admin("/v1/admin/tenants", &other).await["tenant_id"].clone();
    let path = format!("/v1/conversations/{theirs}");
    let before = gateway.get(&path).await;
    for role in Role::ALL {
        let email = format!("{}@example.com", role.as_str());
        let who = joined_team(&gateway, &other, &email, role.as_str()).await;
        for (kind, right, fields) in frames() {
            // A second greeting ends the socket.
            if kind == "hello" {
                continue;
            }
            let at = format!("{role:?} {kind}");
            let (mut socket, _) = opened(&gateway, &who.ticket(&gateway).await).await;
            let of_other = said(&mut socket, kind, &fields, &theirs).await;
            let of_nobody = said(&mut socket, kind, &fields, NOBODYS).await;
            assert_eq!(
                of_other, of_nobody,
                "{at}: ids of others are told from those of nobody"
            );
            let is_refused = of_other.iter().any(|answer| answer["code"] == "forbidden");
            assert_eq!(is_refused, !role.allows(right), "{at}: {of_other:?}");
        }
    }
    assert_eq!(
        gateway.get(&path).await,
        before,
        "somebody else changed something"
    );
    // In the own tenant the same frames do something.
    for role in Role::ALL {
        let email = format!("own-{}@example.com", role.as_str());
        let who = joined_team(&gateway, &json!(gateway.tenant), &email, role.as_str()).await;
        for (kind, right, fields) in frames().into_iter().filter(|(kind, ..)| names_one(kind)) {
            let (mut socket, _) = opened(&gateway, &who.ticket(&gateway).await).await;
            let answers = said(&mut socket, kind, &fields, &theirs).await;
            let codes: Vec<&Value> = answers.iter().map(|answer| &answer["code"]).collect();
            let is_refused = codes.contains(&&json!("forbidden"));
            assert_eq!(is_refused, !role.allows(right), "{role:?} {kind}: {answers:?}");
            assert!(
                !codes.contains(&&json!("not_found")),
                "{role:?} {kind}: {answers:?}"
            );
        }
    }
    gateway.stop().await;
}
