//! Files from the customer's phone to the agent and back, over real HTTP with Meta in a box.

use mesej_simulator::control::{Say, SendQuery};
use mesej_simulator::{MediaFault, SaidFile};
use serde_json::{Value, json};

use crate::gateway::{CUSTOMER, TestGateway, until};
use crate::kept::{Kept, on_every_store};

on_every_store! {
    what_a_customer_sends_is_fetched_kept_and_handed_out_after_a_restart_too,
    what_an_agent_uploads_reaches_the_customer_with_metas_id,
    files_of_a_templates_cards_reach_the_customer_and_stay_with_the_message,
    a_file_with_a_fault_is_whole_in_the_end_or_said_not_to_be,
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and the rest of a picture";
/// A picture that the simulator makes when it is fetched.
const PICTURE: &str = "7000000000000000";

fn picture() -> Say {
    let image = json!({ "type": "image", "image": { "id": PICTURE, "mime_type": "image/png" } });
    Say {
        from: CUSTOMER.to_owned(),
        message: image.as_object().cloned(),
        ..Say::default()
    }
}

/// The message of a kind, once its file is there.
async fn with_its_file(gateway: &TestGateway, kind: &str) -> Value {
    until("the file is there", || async {
        let all = gateway.history().await;
        all.into_iter()
            .find(|message| message["content"]["type"] == kind && message["media"]["state"] == "stored")
    })
    .await
}

async fn bytes(gateway: &TestGateway, media: &Value) -> Vec<u8> {
    let path = format!(
        "{}/v1/media/{}",
        gateway.base,
        media["media_id"].as_str().unwrap()
    );
    let answer = gateway
        .client
        .get(path)
        .bearer_auth(&gateway.key)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let shown = answer.headers()["content-disposition"].to_str().unwrap();
    assert!(shown.starts_with("attachment"), "{shown}");
    answer.bytes().await.unwrap().to_vec()
}

async fn what_a_customer_sends_is_fetched_kept_and_handed_out_after_a_restart_too(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.meta.say(&picture()).unwrap();
    let message = with_its_file(&gateway, "image").await;
    let media = &message["media"];
    let file = bytes(&gateway, media).await;
    assert_eq!(media["bytes"], file.len());
    assert!(file.starts_with(b"\x89PNG"));
    let told = gateway
        .events()
        .await
        .into_iter()
        .find(|event| event["kind"] == "media");
    let told = told.unwrap();
    assert_eq!(
        (&told["data"]["message_id"], &told["data"]["media"]),
        (&message["id"], media)
    );
    let gateway = gateway.restart().await;
    assert_eq!(bytes(&gateway, media).await, file);
    gateway.stop().await;
}

async fn upload(gateway: &TestGateway, bytes: &'static [u8]) -> Value {
    let upload = gateway
        .client
        .post(format!("{}/v1/media?name=menu.png", gateway.base))
        .bearer_auth(&gateway.key)
        .header("Content-Type", "image/png")
        .body(bytes);
    upload.send().await.unwrap().json().await.unwrap()
}

async fn files_of_a_templates_cards_reach_the_customer_and_stay_with_the_message(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    let other: &'static [u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and another one";
    let (first, second) = (upload(&gateway, PNG).await, upload(&gateway, other).await);
    let card = |file: &Value| {
        json!({ "components": [{ "type": "header", "parameters": [
            { "type": "image", "image": { "media_id": file["media_id"] } } ] }] })
    };
    let template = json!({ "name": "new_in_store", "language": { "code": "en_US" }, "components": [
        { "type": "body", "parameters": [{ "type": "text", "text": "Ana" }] },
        { "type": "carousel", "cards": [card(&first), card(&second), card(&first)] } ] });
    let mut body = json!({ "to": format!("+{CUSTOMER}"), "type": "template", "template": template });
    let (status, sent) = gateway.post("/v1/messages", None, &body).await;
    assert_eq!(status, 202, "{sent}");
    gateway
        .until_state(sent["message_id"].as_str().unwrap(), "read")
        .await;
    let sends = gateway.meta.sends(&SendQuery {
        contains: Some("new_in_store".to_owned()),
        ..SendQuery::default()
    });
    assert_eq!(sends.len(), 1);
    let message = until("its files are there", || async {
        let all = gateway.history().await;
        all.into_iter().find(|message| {
            let files = message["files"].as_array();
            files.is_some_and(|files| files.len() == 2 && files.iter().all(|file| file["state"] == "stored"))
        })
    })
    .await;
    for (file, wanted) in message["files"].as_array().unwrap().iter().zip([PNG, other]) {
        assert_eq!(bytes(&gateway, file).await, wanted);
    }
    // A customer's or another's file, and one of another kind, are refused at their place.
    let place = "/template/components/1/cards/2/components/0/parameters/0/image/media_id";
    *body.pointer_mut(place).unwrap() = message["files"][0]["media_id"].clone();
    let (status, refused) = gateway.post("/v1/messages", None, &body).await;
    assert_eq!(status, 400, "{refused}");
    let why = refused["error"]["message"].as_str().unwrap();
    assert!(
        why.contains("cards[2].components[0].parameters[0].image.media_id"),
        "{why}"
    );
    gateway.stop().await;
}

async fn what_an_agent_uploads_reaches_the_customer_with_metas_id(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    let uploaded = upload(&gateway, PNG).await;
    let body = json!({
        "to": format!("+{CUSTOMER}"), "type": "image",
        "image": { "media_id": uploaded["media_id"], "caption": "today" },
    });
    for _ in 0..2 {
        let (status, sent) = gateway.post("/v1/messages", None, &body).await;
        assert_eq!(status, 202, "{sent}");
        gateway
            .until_state(sent["message_id"].as_str().unwrap(), "read")
            .await;
    }
    let sends = gateway.meta.sends(&SendQuery {
        contains: Some("\"caption\":\"today\"".to_owned()),
        ..SendQuery::default()
    });
    assert_eq!(sends.len(), 2);
    let message = with_its_file(&gateway, "image").await;
    assert_eq!(bytes(&gateway, &message["media"]).await, PNG);
    let wrong = json!({
        "to": format!("+{CUSTOMER}"), "type": "video", "video": { "media_id": uploaded["media_id"] },
    });
    let (status, refused) = gateway.post("/v1/messages", None, &wrong).await;
    assert_eq!(status, 400, "{refused}");
    gateway.stop().await;
}

async fn a_file_with_a_fault_is_whole_in_the_end_or_said_not_to_be(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let faults = [
        MediaFault::Missing,
        MediaFault::Slow,
        MediaFault::Truncated,
        MediaFault::Expired,
        MediaFault::WrongType,
    ];
    for (place, fault) in faults.into_iter().enumerate() {
        let say = Say {
            from: format!("{CUSTOMER}{place}"),
            file: Some(SaidFile {
                kind: "document".to_owned(),
                filename: Some(format!("{fault:?}.pdf")),
                bytes: Some(100_000),
                fault: Some(fault),
                times: Some(1),
            }),
            ..Say::default()
        };
        gateway.meta.say(&say).unwrap();
    }
    for fault in faults {
        let name = format!("{fault:?}.pdf");
        let media = until("it is known how a file ended", || async {
            let events = gateway.events().await;
            events.into_iter().find_map(|event| {
                let media = &event["data"]["media"];
                (event["kind"] == "media" && media["name"] == name.as_str()).then(|| media.clone())
            })
        })
        .await;
        assert_eq!(media["state"], "stored", "{media}");
        let file = bytes(&gateway, &media).await;
        assert!(file.len() == 100_000 && file.starts_with(b"%PDF-"), "{name}");
    }
    gateway.stop().await;
}
