//! Customers who write by themselves.

use std::collections::HashSet;

use super::*;

fn scripted(reply: Reply) -> CustomerSpec {
    CustomerSpec {
        phone: Some(CUSTOMER.into()),
        reply: Some(reply),
        ..CustomerSpec::default()
    }
}

#[actix_web::test]
async fn a_customer_answers_as_scripted() {
    let rig = Rig::start(quick()).await;
    rig.simulator.say_text(CUSTOMER, "first").unwrap();
    rig.receiver.message().await;
    for (reply, wanted) in [
        (Reply::Echo, "how are you?"),
        (Reply::Text("busy".into()), "busy"),
    ] {
        rig.simulator.customer(&scripted(reply)).unwrap();
        assert_eq!(rig.send_text(CUSTOMER, "how are you?", "t").await.0, 200);
        assert_eq!(rig.receiver.message().await["text"]["body"], wanted);
    }
    rig.simulator.customer(&scripted(Reply::Silent)).unwrap();
    assert_eq!(rig.send_text(CUSTOMER, "still there?", "t").await.0, 200);
    rig.simulator.quiesce(Duration::from_secs(10)).await;
    assert_eq!(rig.simulator.stats().inbound, 3);
}

#[actix_web::test]
async fn what_can_be_tapped_is_tapped() {
    let rig = Rig::start(quick()).await;
    rig.simulator.say_text(CUSTOMER, "first").unwrap();
    rig.receiver.message().await;
    rig.simulator.customer(&scripted(Reply::Natural)).unwrap();
    let interactive = |kind: &str, action: Value| {
        json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "interactive",
               "interactive": {"type": kind, "body": {"text": "b"}, "action": action}})
    };
    let cases = [
        (
            interactive(
                "button",
                json!({"buttons": [{"type": "reply", "reply": {"id": "yes", "title": "Yes"}}]}),
            ),
            "/interactive/button_reply/id",
            "yes",
        ),
        (
            interactive(
                "list",
                json!({"button": "Choose", "sections": [{"rows": [{"id": "r1", "title": "One"}]}]}),
            ),
            "/interactive/list_reply/id",
            "r1",
        ),
        (
            interactive("location_request_message", json!({"name": "send_location"})),
            "/type",
            "location",
        ),
        (
            interactive("contact_request", json!({"name": "request_contact_info"})),
            "/contacts/0/phones/0/wa_id",
            "6281234567890",
        ),
        (
            interactive(
                "flow",
                json!({"name": "flow", "parameters": {"flow_message_version": "3",
                "flow_id": "1", "flow_cta": "Go", "flow_token": "tok"}}),
            ),
            "/interactive/nfm_reply/name",
            "flow",
        ),
        (
            json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "template", "template": {
                "name": "weekend_news", "language": {"code": "en_US"}, "components": [{"type": "body",
                "parameters": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]}}),
            "/button/payload",
            "Stop promotions",
        ),
    ];
    for (body, place, wanted) in cases {
        let (status, answer) = rig.post(&body).await;
        assert_eq!(status, 200, "{answer}");
        let message = rig.receiver.message().await;
        assert_eq!(message.pointer(place), Some(&Value::from(wanted)), "{message}");
        assert_eq!(message["context"]["id"], answer["messages"][0]["id"], "{message}");
    }
}

#[actix_web::test]
async fn chatter_is_varied_and_falls_silent() {
    let mut config = quick();
    config.numbers[0].rate = 10_000;
    let rig = Rig::start(config).await;
    rig.simulator
        .set_chatter(ChatterConfig {
            rate: 2_000.0,
            customers: 200,
            ..ChatterConfig::default()
        })
        .unwrap();
    let (mut kinds, mut people, mut texts) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut without_phone = 0;
    for _ in 0..600 {
        let message = rig.receiver.message().await;
        kinds.insert(message["type"].as_str().unwrap().to_owned());
        people.insert(message["from_user_id"].as_str().unwrap().to_owned());
        texts.insert(message["text"]["body"].to_string());
        without_phone += usize::from(message.get("from").is_none());
    }
    assert!(kinds.len() >= 4, "{kinds:?}");
    assert!(people.len() > 100 && texts.len() > 30);
    assert!((20..150).contains(&without_phone), "{without_phone}");
    rig.simulator.set_chatter(ChatterConfig::default()).unwrap();
    assert!(rig.simulator.quiesce(Duration::from_secs(10)).await.quiet());
    let written = rig.simulator.stats().inbound;
    rig.simulator.quiesce(Duration::from_secs(10)).await;
    assert_eq!(rig.simulator.stats().inbound, written);
}

#[actix_web::test]
async fn chatter_answers_the_business_first() {
    let rig = Rig::start(quick()).await;
    rig.simulator.say_text(CUSTOMER, "first").unwrap();
    rig.receiver.message().await;
    rig.simulator
        .set_chatter(ChatterConfig {
            rate: 1.0,
            ..ChatterConfig::default()
        })
        .unwrap();
    assert_eq!(rig.send_text(CUSTOMER, "hello", "t").await.0, 200);
    let message = rig.receiver.message().await;
    assert_eq!(message["from"], "6281234567890");
}

#[actix_web::test]
async fn a_customers_picture_can_be_fetched() {
    let mut config = quick();
    config.numbers[0].rate = 10_000;
    let rig = Rig::start(config).await;
    rig.simulator
        .set_chatter(ChatterConfig {
            rate: 1_000.0,
            ..ChatterConfig::default()
        })
        .unwrap();
    let message = rig.receiver.find(|item| item["type"] == "image").await;
    let (_, fields) = rig
        .get(&format!("v25.0/{}", message["image"]["id"].as_str().unwrap()))
        .await;
    assert_eq!(fields["sha256"], message["image"]["sha256"]);
    assert_eq!(fields["mime_type"], message["image"]["mime_type"]);
}
