//! Meta's library of ready templates: a few of them.
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-library>

use serde_json::{Value, json};

use super::TemplateSpec;
use super::shape::{list_of, text_of};
use crate::graph::error::GraphError;

/// A template that is made of one of the library: `library_template_name`, and what its buttons lead to.
pub(crate) fn from_library(body: &Value) -> Result<TemplateSpec, GraphError> {
    let wanted = text_of(body, "library_template_name");
    let ready = library()
        .into_iter()
        .find(|ready| text_of(ready, "name") == wanted);
    let ready = ready.ok_or_else(|| wrong(format!("There is no library template {wanted}.")))?;
    if text_of(body, "category") != text_of(&ready, "category") {
        return Err(wrong("The category is not the library template's."));
    }
    let texts: Vec<&str> = list_of(&ready, "body_params")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mut components = vec![json!({
        "type": "BODY", "text": ready.get("body"), "example": { "body_text": [texts] }
    })];
    let (buttons, inputs) = (
        list_of(&ready, "buttons"),
        list_of(body, "library_template_button_inputs"),
    );
    if buttons.len() != inputs.len() {
        return Err(wrong(format!(
            "library_template_button_inputs: {} buttons need as many inputs.",
            buttons.len()
        )));
    }
    let filled = buttons
        .iter()
        .zip(inputs)
        .map(|(button, input)| fill(button, input));
    let filled = filled.collect::<Result<Vec<Value>, GraphError>>()?;
    if !filled.is_empty() {
        components.push(json!({ "type": "BUTTONS", "buttons": filled }));
    }
    Ok(TemplateSpec {
        name: text_of(body, "name").to_owned(),
        language: text_of(body, "language").to_owned(),
        category: text_of(body, "category").to_owned(),
        status: "APPROVED".to_owned(),
        parameter_format: None,
        message_send_ttl_seconds: None,
        components,
        quality: None,
    })
}

fn fill(button: &Value, input: &Value) -> Result<Value, GraphError> {
    let kind = text_of(button, "type");
    if text_of(input, "type") != kind {
        return Err(wrong(format!(
            "library_template_button_inputs: a button of type {kind} is wanted."
        )));
    }
    let mut filled = button.clone();
    let mut put = |key: &str, value: Value| {
        if let Some(fields) = filled.as_object_mut() {
            fields.insert(key.to_owned(), value);
        }
    };
    match kind {
        "URL" => {
            let base = input
                .pointer("/url/base_url")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if !base.starts_with("https://") {
                return Err(wrong(
                    "library_template_button_inputs: url.base_url must begin with https://.",
                ));
            }
            put("url", base.into());
            let example = input.pointer("/url/url_suffix_example");
            match (base.contains("{{"), example) {
                (true, Some(example)) => put("example", json!([example])),
                (true, None) => {
                    return Err(wrong(
                        "library_template_button_inputs: url_suffix_example is missing.",
                    ));
                }
                (false, _) => {}
            }
        }
        "PHONE_NUMBER" => match input.get("phone_number").and_then(Value::as_str) {
            Some(phone) if phone.starts_with('+') => put("phone_number", phone.into()),
            _ => {
                return Err(wrong(
                    "library_template_button_inputs: phone_number begins with +.",
                ));
            }
        },
        _ => {}
    }
    Ok(filled)
}

fn wrong(details: impl Into<String>) -> GraphError {
    GraphError::new(100, details.into())
}

/// Ready templates in English.
pub(crate) fn library() -> Vec<Value> {
    let one = |id: &str, name: &str, topic: &str, body: &str, params: &[&str]| {
        json!({
            "id": id, "name": name, "language": "en_US", "category": "UTILITY", "topic": topic,
            "usecase": topic, "industry": ["E_COMMERCE"], "body": body, "body_params": params,
            "body_param_types": vec!["TEXT"; params.len()], "buttons": [],
        })
    };
    let mut tracked = one(
        "7138055039625658",
        "delivery_update_1",
        "ORDER_MANAGEMENT",
        "Hi {{1}}, your order {{2}} is out for delivery.",
        &["Jim", "123456"],
    );
    if let Some(fields) = tracked.as_object_mut() {
        let buttons = json!([
            { "type": "URL", "text": "Track order", "url": "https://www.example.com" },
            { "type": "PHONE_NUMBER", "text": "Call us", "phone_number": "+18005551234" },
        ]);
        fields.insert("buttons".to_owned(), buttons);
    }
    vec![
        tracked,
        one(
            "7138055039625659",
            "payment_reminder_1",
            "PAYMENTS",
            "Hi {{1}}, your payment of {{2}} is due on {{3}}.",
            &["Jim", "$10", "Jan 1"],
        ),
        one(
            "7138055039625660",
            "appointment_confirmed_1",
            "EVENT_REMINDER",
            "Hi {{1}}, your appointment on {{2}} is confirmed.",
            &["Jim", "Jan 1"],
        ),
    ]
}
