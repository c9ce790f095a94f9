use serde_json::{Value, json};

use super::*;
use crate::actors::request::{ContentClass, Refusal};
use crate::domain::Purpose;

fn template(extra: Value) -> Value {
    let mut body = json!({
        "to": "628123456789", "type": "template",
        "template": { "name": "promo", "language": { "code": "id" } },
    });
    let extra = extra.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(extra);
    body
}

#[actix_web::test]
async fn marketing_is_what_says_so_and_templates_that_can_wait() {
    let api = Api::start().await;
    let text = json!({ "to": "628123456789", "type": "text", "text": { "body": "x" } });
    let mut offer = text.clone();
    offer["category"] = "marketing".into();
    for (body, purpose) in [
        (text, Purpose::Other),
        (offer, Purpose::Marketing),
        (template(json!({})), Purpose::Other),
        (template(json!({ "category": "marketing" })), Purpose::Marketing),
        (template(json!({ "priority": "bulk" })), Purpose::Marketing),
        (
            template(json!({ "priority": "bulk", "category": "utility" })),
            Purpose::Other,
        ),
        (
            template(json!({ "priority": "bulk", "category": "authentication" })),
            Purpose::Other,
        ),
    ] {
        let answer = api.post("/v1/messages", &body).await;
        assert_eq!(answer.status, 202, "{body}: {}", answer.json());
        let sent = api.core.submitted.lock().unwrap().remove(0);
        assert_eq!(sent.purpose, purpose, "{body}");
        assert_eq!(sent.content.to_value().get("category"), None, "{body}");
    }
}

#[actix_web::test]
async fn a_text_that_says_its_category_goes_out_at_any_time_and_meta_is_told() {
    let api = Api::start().await;
    let body = json!({
        "to": "628123456789", "type": "text", "text": { "body": "x" }, "category": "utility", "ttl_seconds": 600,
    });
    let answer = api.post("/v1/messages", &body).await;
    assert_eq!(answer.status, 202, "{}", answer.json());
    let sent = api.core.submitted.lock().unwrap().remove(0);
    assert_eq!(
        (sent.class, sent.purpose),
        (ContentClass::Template, Purpose::Other)
    );
    assert_eq!(
        sent.content.to_value(),
        json!({ "type": "text", "text": { "body": "x" }, "category": "utility", "ttl_seconds": 600 })
    );
}

#[actix_web::test]
async fn a_category_that_means_nothing_there_is_refused() {
    let api = Api::start().await;
    let place = json!({
        "to": "628123456789", "type": "location", "location": { "latitude": 1.5, "longitude": 2.5 },
        "category": "utility",
    });
    for body in [place, template(json!({ "category": "promotion" }))] {
        let answer = api.post("/v1/messages", &body).await;
        assert_eq!(answer.outcome(), (400, "invalid_request".to_owned()), "{body}");
    }
}

#[actix_web::test]
async fn who_stopped_marketing_is_told_by_a_code_of_its_own() {
    let api = Api::start().await;
    *api.core.refusal.lock().unwrap() = Some(Refusal::OptedOut);
    let answer = api
        .post("/v1/messages", &template(json!({ "category": "marketing" })))
        .await;
    assert_eq!(answer.outcome(), (422, "opted_out".to_owned()));
}
