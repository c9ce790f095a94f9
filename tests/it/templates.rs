//! Templates from the draft to the customer, with Meta's review between.

use mesej_simulator::{Faults, TemplateFate};
use serde_json::{Value, json};

use crate::gateway::{CUSTOMER, TestGateway, until};
use crate::kept::{Kept, on_every_store};

on_every_store! {
    a_template_is_made_reviewed_sent_paused_and_refused,
    a_templates_picture_is_given_to_meta_in_pieces_and_reviewed,
    a_template_of_metas_library_is_sent_without_a_review,
    a_template_that_the_review_refuses_says_why_and_may_not_be_sent,
    what_meta_has_for_marketing_is_marketing_whatever_the_message_says,
}

const WABA: &str = "102290129340398";

fn message(name: &str, values: &[&str]) -> Value {
    let parameters: Vec<Value> = values
        .iter()
        .map(|text| json!({ "type": "text", "text": text }))
        .collect();
    json!({
        "to": format!("+{CUSTOMER}"), "type": "template",
        "template": { "name": name, "language": { "code": "en_US" },
            "components": [{ "type": "body", "parameters": parameters }] },
    })
}

async fn refused(gateway: &TestGateway, message: &Value) -> (u16, Value) {
    let (status, answer) = gateway.post("/v1/messages", None, message).await;
    (status, answer["error"].clone())
}

async fn until_status(gateway: &TestGateway, id: &str, wanted: &str) {
    until("the template stands so", || async {
        let (_, shown) = gateway.get(&format!("/v1/templates/{id}")).await;
        (shown["status"] == wanted).then_some(())
    })
    .await;
}

async fn a_template_is_made_reviewed_sent_paused_and_refused(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    until("the account is looked up", || async {
        let (_, shown) = gateway.get("/v1/templates/sync").await;
        shown["accounts"][0]["at"].is_i64().then_some(())
    })
    .await;
    let (status, error) = refused(&gateway, &message("table_ready", &["Ana"])).await;
    assert_eq!((status, error["code"].as_str()), (422, Some("template_unknown")));
    let draft = json!({
        "waba_id": WABA, "name": "table_ready", "language": "en_US", "category": "UTILITY",
        "components": [{ "type": "BODY", "text": "Hi {{1}}, your table is ready.",
            "example": { "body_text": [["Ana"]] } }],
    });
    let (status, made) = gateway.post("/v1/templates", None, &draft).await;
    assert_eq!(
        (status, made["status"].as_str()),
        (201, Some("PENDING")),
        "{made}"
    );
    let id = made["template_id"].as_str().unwrap();
    let (status, error) = refused(&gateway, &message("table_ready", &["Ana"])).await;
    assert_eq!(
        (status, error["status"].as_str()),
        (422, Some("PENDING")),
        "{error}"
    );
    until_status(&gateway, id, "APPROVED").await;
    let (status, error) = refused(&gateway, &message("table_ready", &["Ana", "Bo"])).await;
    assert_eq!(
        (status, error["code"].as_str()),
        (422, Some("template_invalid")),
        "{error}"
    );
    assert_eq!(error["path"], "template.components[0].parameters");
    let (status, sent) = gateway
        .post("/v1/messages", None, &message("table_ready", &["Ana"]))
        .await;
    assert_eq!(status, 202, "{sent}");
    gateway
        .until_state(sent["message_id"].as_str().unwrap(), "read")
        .await;
    gateway
        .meta
        .change_template(&TemplateFate {
            name: "table_ready".to_owned(),
            language: "en_US".to_owned(),
            status: Some("PAUSED".to_owned()),
            quality: Some("RED".to_owned()),
            ..TemplateFate::default()
        })
        .unwrap();
    until_status(&gateway, id, "PAUSED").await;
    let (status, error) = refused(&gateway, &message("table_ready", &["Ana"])).await;
    assert_eq!(
        (status, error["code"].as_str(), error["status"].as_str()),
        (422, Some("template_not_sendable"), Some("PAUSED"))
    );
    let (_, versions) = gateway.get(&format!("/v1/templates/{id}/versions")).await;
    let told: Vec<&str> = versions["versions"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|version| version["status"].as_str())
        .collect();
    assert_eq!(told, ["PAUSED", "APPROVED", "PENDING"], "{versions}");
    gateway.stop().await;
}

async fn a_templates_picture_is_given_to_meta_in_pieces_and_reviewed(kept: Kept) {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and the rest of a picture";
    let gateway = TestGateway::start(kept).await;
    let upload = gateway
        .client
        .post(format!("{}/v1/media?name=menu.png", gateway.base))
        .bearer_auth(&gateway.key)
        .header("Content-Type", "image/png")
        .body(PNG);
    let uploaded: Value = upload.send().await.unwrap().json().await.unwrap();
    let header = |format: &str| json!({ "type": "HEADER", "format": format, "example": { "media_id": uploaded["media_id"] } });
    let draft = |format: &str| {
        json!({
            "waba_id": WABA, "name": "menu_today", "language": "en_US", "category": "UTILITY",
            "components": [header(format), { "type": "BODY", "text": "This is on today." }],
        })
    };
    let mut wrong = draft("VIDEO");
    let (status, refused) = gateway.post("/v1/templates", None, &wrong).await;
    assert_eq!(
        (status, refused["error"]["path"].as_str()),
        (422, Some("components[0].example.media_id")),
        "{refused}"
    );
    wrong.as_object_mut().unwrap().remove("waba_id");
    let (status, checked) = gateway.post("/v1/templates/check-definition", None, &wrong).await;
    assert_eq!(
        (status, checked["problems"][0]["path"].as_str()),
        (200, Some("components[0].example.media_id")),
        "{checked}"
    );
    // Half of what is on its way breaks off; it goes on from there.
    let broken = Faults {
        sample_broken: 0.5,
        ..Faults::default()
    };
    gateway.meta.set_faults(&broken).unwrap();
    let (status, made) = gateway.post("/v1/templates", None, &draft("IMAGE")).await;
    assert_eq!(status, 201, "{made}");
    gateway.meta.set_faults(&Faults::default()).unwrap();
    let example = &made["components"][0]["example"];
    assert!(example["media_id"].is_null(), "{example}");
    let handle = example["header_handle"][0].as_str().unwrap();
    assert!(handle.starts_with("4::"), "{handle}");
    let id = made["template_id"].as_str().unwrap();
    until_status(&gateway, id, "APPROVED").await;
    gateway.stop().await;
}

async fn a_template_of_metas_library_is_sent_without_a_review(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    let taken = json!({
        "waba_id": WABA, "name": "on_its_way", "language": "en_US", "category": "UTILITY",
        "library_template_name": "delivery_update_1",
        "library_template_button_inputs": [
            { "type": "URL", "url": { "base_url": "https://shop.example/t" } },
            { "type": "PHONE_NUMBER", "phone_number": "+15550700000" }],
    });
    let (status, made) = gateway.post("/v1/templates", None, &taken).await;
    assert_eq!(
        (status, made["status"].as_str()),
        (201, Some("APPROVED")),
        "{made}"
    );
    // What it says is known with the next look-up; until then Meta decides.
    let (status, sent) = gateway
        .post("/v1/messages", None, &message("on_its_way", &["Ana", "7"]))
        .await;
    assert_eq!(status, 202, "{sent}");
    until("it is sent", || async {
        let all = gateway.history().await;
        let sent = all
            .iter()
            .find(|message| message["content"]["type"] == "template")?;
        let state = sent["delivery"]["state"].as_str()?;
        ["sent", "delivered", "read"].contains(&state).then_some(())
    })
    .await;
}

async fn a_template_that_the_review_refuses_says_why_and_may_not_be_sent(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    let draft = json!({
        "waba_id": WABA, "name": "half_price", "language": "en_US", "category": "UTILITY",
        "components": [{ "type": "BODY", "text": "Hi {{1}}, all is 50% off today.",
            "example": { "body_text": [["Ana"]] } }],
    });
    let (status, made) = gateway.post("/v1/templates", None, &draft).await;
    assert_eq!(
        (status, made["status"].as_str()),
        (201, Some("PENDING")),
        "{made}"
    );
    let id = made["template_id"].as_str().unwrap().to_owned();
    until_status(&gateway, &id, "REJECTED").await;
    until("the reason is told", || async {
        let (_, shown) = gateway.get(&format!("/v1/templates/{id}")).await;
        (shown["reason"] == "TAG_CONTENT_MISMATCH").then_some(())
    })
    .await;
    let (status, error) = refused(&gateway, &message("half_price", &["Ana"])).await;
    assert_eq!(
        (status, error["code"].as_str()),
        (422, Some("template_not_sendable"))
    );
}

async fn what_meta_has_for_marketing_is_marketing_whatever_the_message_says(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let draft = json!({
        "waba_id": WABA, "name": "table_offer", "language": "en_US", "category": "MARKETING",
        "components": [{ "type": "BODY", "text": "Hi {{1}}, a table is half the price.",
            "example": { "body_text": [["Ana"]] } }],
    });
    let (status, made) = gateway.post("/v1/templates", None, &draft).await;
    assert_eq!(status, 201, "{made}");
    until_status(&gateway, made["template_id"].as_str().unwrap(), "APPROVED").await;
    gateway.customer_says("stop").await;
    until("the customer stopped marketing", || async {
        let (_, list) = gateway.get("/v1/conversations").await;
        let contact = &list["conversations"][0]["contact"];
        contact["opted_out_at"].is_i64().then_some(())
    })
    .await;
    for said in [Value::Null, json!("utility")] {
        let mut offer = message("table_offer", &["Ana"]);
        if said.is_string() {
            offer["category"] = said;
        }
        let (status, error) = refused(&gateway, &offer).await;
        assert_eq!(
            (status, error["code"].as_str()),
            (422, Some("opted_out")),
            "{error}"
        );
    }
    gateway.stop().await;
}
