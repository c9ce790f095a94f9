//! Meta's library of ready templates: a few of them.
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-library>

use serde_json::{Value, json};

/// Ready templates in English.
pub(crate) fn library() -> Vec<Value> {
    let one = |id: &str, name: &str, topic: &str, body: &str, params: &[&str]| {
        json!({
            "id": id, "name": name, "language": "en_US", "category": "UTILITY", "topic": topic,
            "usecase": topic, "industry": ["E_COMMERCE"], "body": body, "body_params": params,
            "body_param_types": vec!["TEXT"; params.len()], "buttons": [],
        })
    };
    vec![
        one(
            "7138055039625658",
            "delivery_update_1",
            "ORDER_MANAGEMENT",
            "Hi {{1}}, your order {{2}} is out for delivery.",
            &["Jim", "123456"],
        ),
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
