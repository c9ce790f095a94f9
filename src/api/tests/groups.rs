use serde_json::{Value, json};

use super::*;
use crate::actors::request::Destination;

const GROUP: &str = "Y2FwaV9ncm91cDoxNzA1NTU1MDEzOToxMjAzNjM0MDQ2OTQyMzM4MjAZD";

fn text(place: Value) -> Value {
    let mut body = json!({ "type": "text", "text": { "body": "halo" } });
    for (name, value) in place.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[actix_web::test]
async fn a_message_to_a_group_goes_to_its_id_whatever_that_looks_like() {
    let api = Api::start().await;
    for id in [GROUP, "628123456789"] {
        let body = text(json!({ "messaging_product": "whatsapp", "recipient_type": "group", "to": id }));
        let answer = api.post("/v1/messages", &body).await;
        assert_eq!(answer.status, 202, "{}", answer.json());
        let sent = api.core.submitted.lock().unwrap().remove(0);
        let Destination::Contact { aliases, .. } = &sent.to else {
            panic!("{:?}", sent.to)
        };
        assert_eq!(aliases.group.as_ref().unwrap().value.as_ref(), id);
        assert_eq!(aliases.strongest_first().count(), 1);
        assert_eq!(
            sent.content.to_value(),
            json!({ "type": "text", "text": { "body": "halo" } })
        );
    }
}

#[actix_web::test]
async fn a_group_is_named_by_its_id_alone() {
    let api = Api::start().await;
    for (place, said) in [
        (json!({ "to": "two words" }), "`to` must be the id of a group"),
        (json!({ "to": "" }), "`to` must be the id of a group"),
        (json!({ "recipient": "US.1" }), "named by `to`"),
        (json!({ "to": GROUP, "recipient": "US.1" }), "named by `to`"),
        (
            json!({ "conversation_id": "0".repeat(32) }),
            "`recipient_type` follows",
        ),
        (json!({}), "exactly one of"),
    ] {
        let mut body = text(place);
        body["recipient_type"] = "group".into();
        let answer = api.post("/v1/messages", &body).await;
        assert_eq!(answer.outcome(), (400, "invalid_request".to_owned()), "{body}");
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(said), "{message:?} lacks {said:?}");
    }
    assert!(api.core.submitted.lock().unwrap().is_empty());
}
