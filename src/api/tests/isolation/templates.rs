//! Calls about message templates.

use super::*;

pub(super) fn routes() -> Vec<(&'static str, &'static str, Guard, Value)> {
    let components = json!([{ "type": "BODY", "text": "Hello!" }]);
    let draft = json!({ "name": "a", "language": "en", "category": "UTILITY", "components": components });
    let mut new = draft.clone();
    new["waba_id"] = json!("102290129340398");
    let used = json!({ "phone_number_id": "1", "template": { "name": "a", "language": { "code": "en" } } });
    vec![
        ("GET", "/v1/templates", READ, json!({})),
        ("POST", "/v1/templates", MANAGE, new),
        ("GET", "/v1/templates/sync", READ, json!({})),
        ("POST", "/v1/templates/sync", MANAGE, json!({})),
        ("POST", "/v1/templates/check", READ, used),
        ("POST", "/v1/templates/check-definition", READ, draft),
        ("GET", "/v1/template-library", READ, json!({})),
        ("GET", "/v1/templates/{template_id}", READ, json!({})),
        (
            "PUT",
            "/v1/templates/{template_id}",
            MANAGE,
            json!({ "components": components }),
        ),
        ("DELETE", "/v1/templates/{template_id}", MANAGE, json!({})),
        ("GET", "/v1/templates/{template_id}/versions", READ, json!({})),
    ]
}
