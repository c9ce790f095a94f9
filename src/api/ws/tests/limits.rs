//! What a client may ask and how much of it.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::SocketOptions;
use super::rig::{BOTH, Rig, options};
use crate::actors::feed::rig::Asked;
use crate::actors::request::Refusal;
use crate::domain::Seq;

const CONVERSATION: &str = "00112233445566778899aabbccddeeff";

fn send(client_msg_id: &str) -> serde_json::Value {
    json!({
        "type": "send", "client_msg_id": client_msg_id, "conversation_id": CONVERSATION, "ref": "r1",
        "message": {"type": "text", "text": {"body": "hello"}},
    })
}

#[actix::test]
async fn a_message_is_accepted_and_a_refusal_carries_its_reason() {
    let rig = Rig::start(options()).await;
    let (mut client, _) = rig.greet("ana", None).await;
    client.say(send("m1")).await;
    let accepted = client.frame_of("accepted").await;
    assert_eq!(
        (
            &accepted["client_msg_id"],
            &accepted["ref"],
            &accepted["duplicate"]
        ),
        (&json!("m1"), &json!("r1"), &json!(false))
    );
    rig.port
        .refusals
        .lock()
        .unwrap()
        .push(Refusal::ConversationChanged(Seq::new(40)));
    client.say(send("m2")).await;
    let error = client.frame_of("error").await;
    assert_eq!(
        (&error["code"], &error["client_msg_id"], &error["newest_seq"]),
        (&json!("conversation_changed"), &json!("m2"), &json!(40))
    );
    rig.stop().await;
}

#[actix::test]
async fn requests_under_way_are_bounded_and_events_flow_past_them() {
    let rig = Rig::start(options()).await;
    let (mut client, _) = rig.greet("ana", None).await;
    let gate = rig.port.gate.lock().await;
    for number in 0..9 {
        client.say(send(&format!("m{number}"))).await;
    }
    let busy = client.frame_of("error").await;
    assert_eq!(
        (&busy["code"], &busy["client_msg_id"]),
        (&json!("busy"), &json!("m8"))
    );
    rig.say("meanwhile").await;
    client.events_to(0, 1).await;
    drop(gate);
    for _ in 0..8 {
        client.frame_of("accepted").await;
    }
    rig.stop().await;
}

#[actix::test]
async fn a_request_that_takes_too_long_is_uncertain() {
    let command = std::time::Duration::from_millis(50);
    let rig = Rig::start(SocketOptions { command, ..options() }).await;
    let (mut client, _) = rig.greet("ana", None).await;
    let gate = rig.port.gate.lock().await;
    client.say(send("m1")).await;
    assert_eq!(client.frame_of("error").await["code"], "uncertain");
    drop(gate);
    rig.stop().await;
}

#[actix::test]
async fn slips_are_told_and_garbage_ends_the_socket() {
    for transport in BOTH {
        let rig = Rig::start_over(transport, options()).await;
        let (mut client, _) = rig.greet("ana", None).await;
        client.say(json!({"type": "asign", "ref": "a"})).await;
        let slip = client.frame().await;
        assert!(
            slip["message"]
                .as_str()
                .unwrap()
                .contains("did you mean `assign`?"),
            "{slip}"
        );
        client
            .say(json!({"type": "status", "conversation_id": CONVERSATION, "status": "gone", "ref": "b"}))
            .await;
        let slip = client.frame().await;
        assert_eq!(
            (&slip["code"], &slip["ref"]),
            (&json!("invalid_request"), &json!("b"))
        );
        client.say(json!({"type": "ping", "ref": "c"})).await;
        assert_eq!(client.frame().await, json!({"type": "pong", "ref": "c"}));
        client.send(Message::text("{not json")).await;
        assert_eq!(client.closed().await, 4400);
        for garbage in [
            Message::text("[1]"),
            Message::text(r#"{"type":5}"#),
            Message::binary(vec![1, 2, 3]),
            Message::text(r#"{"type":"hello"}"#),
        ] {
            let (mut client, _) = rig.greet("ana", None).await;
            client.send(garbage.clone()).await;
            assert_eq!(client.closed().await, 4400, "{garbage:?}");
        }
        rig.stop().await;
    }
}

#[actix::test]
async fn the_first_frame_must_be_a_hello() {
    let rig = Rig::start(options()).await;
    let mut client = rig.connect("ana").await;
    client.say(json!({"type": "ping"})).await;
    assert_eq!(client.closed().await, 4400);
    rig.stop().await;
}

#[actix::test]
async fn frames_and_messages_that_are_too_long_end_the_socket() {
    for transport in BOTH {
        let rig = Rig::start_over(
            transport,
            SocketOptions {
                frames_per_s: 10_000,
                ..options()
            },
        )
        .await;
        let (mut client, _) = rig.greet("ana", None).await;
        client.send(Message::text("x".repeat(65 * 1024))).await;
        assert_eq!(client.closed().await, 1009);

        let part = |first: bool, text: String| {
            let opcode = if first { Data::Text } else { Data::Continue };
            Message::Frame(Frame::message(text, OpCode::Data(opcode), false))
        };
        let (mut client, _) = rig.greet("ana", None).await;
        for number in 0..5 {
            client.send(part(number == 0, "x".repeat(60 * 1024))).await;
        }
        assert_eq!(client.closed().await, 1009);

        let (mut client, _) = rig.greet("ana", None).await;
        client.send(part(true, String::new())).await;
        for _ in 0..4_200 {
            client.send(part(false, String::new())).await;
        }
        assert_eq!(client.closed().await, 1009);
        rig.stop().await;
    }
}

#[actix::test]
async fn a_message_in_several_frames_is_one_message() {
    let rig = Rig::start(options()).await;
    let (mut client, _) = rig.greet("ana", None).await;
    let (head, tail) = (r#"{"type":"#, r#""ping"}"#);
    let head = Frame::message(head, OpCode::Data(Data::Text), false);
    let tail = Frame::message(tail, OpCode::Data(Data::Continue), true);
    client.send(Message::Frame(head)).await;
    client.send(Message::Ping("in between".into())).await;
    client.send(Message::Frame(tail)).await;
    assert_eq!(client.frame().await["type"], "pong");
    rig.stop().await;
}

#[actix::test]
async fn a_flood_ends_the_socket() {
    let rig = Rig::start(options()).await;
    let (mut client, _) = rig.greet("ana", None).await;
    for _ in 0..40 {
        client.say(json!({"type": "ack", "seq": 1})).await;
    }
    assert_eq!(client.closed().await, 4429);
    rig.stop().await;
}

#[actix::test]
async fn each_kind_of_request_reaches_the_core_and_is_answered() {
    let rig = Rig::start(SocketOptions {
        frames_per_s: 1_000,
        ..options()
    })
    .await;
    let (mut client, _) = rig.greet("ana", None).await;
    let at = |mut frame: serde_json::Value| {
        frame["conversation_id"] = json!(CONVERSATION);
        frame["ref"] = json!("r");
        frame
    };
    let shown = |rig: &Rig, what: &str| {
        let asked = rig.port.asked.lock().unwrap();
        assert!(
            asked.iter().any(|asked| format!("{asked:?}").contains(what)),
            "no {what} in {asked:?}"
        );
    };
    for (frame, what) in [
        (json!({"type": "typing", "on": true}), "Began"),
        (json!({"type": "viewing"}), "Viewing(Some"),
        (json!({"type": "assign", "agent": "ben"}), "Assign(Some"),
        (json!({"type": "assign", "agent": null}), "Assign(None)"),
        (json!({"type": "label", "add": ["vip"], "remove": []}), "vip"),
        (
            json!({"type": "status", "status": "resolved"}),
            "Status(Resolved)",
        ),
        (json!({"type": "read", "receipt": true}), "change: Read"),
    ] {
        client.say(at(frame)).await;
        assert_eq!(client.frame_of("ok").await["ref"], "r");
        shown(&rig, what);
    }
    shown(&rig, "Receipt(");
    client
        .say(at(json!({"type": "note", "client_msg_id": "n1", "text": "look"})))
        .await;
    assert_eq!(client.frame_of("accepted").await["client_msg_id"], "n1");
    client
        .say(json!({"type": "presence", "state": "busy", "ref": "p"}))
        .await;
    assert_eq!(client.frame_of("ok").await["ref"], "p");
    let by_ana = |asked: &Asked| matches!(asked, Asked::Organise(change) if format!("{:?}", change.author).contains("ana"));
    rig.port.wait_for(by_ana).await;
    rig.stop().await;
}
