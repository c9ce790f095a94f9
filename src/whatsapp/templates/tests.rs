//! Templates that Meta would refuse, messages that do not fill theirs, and those that are right.

mod drafts;
mod messages;
mod samples;
mod special;

use serde_json::{Value, json};

use super::*;
use crate::domain::ContentError;

/// A template with everything that a usual one has.
pub(in crate::whatsapp) fn usual() -> Value {
    json!({
        "name": "order_shipped", "language": "en_US", "category": "UTILITY",
        "components": [
            { "type": "HEADER", "format": "TEXT", "text": "Order {{1}}", "example": { "header_text": ["1042"] } },
            { "type": "BODY", "text": "Hi {{1}}, your order {{2}} is on its way.",
              "example": { "body_text": [["Ana", "1042"]] } },
            { "type": "FOOTER", "text": "Mesej Bakery" },
            { "type": "BUTTONS", "buttons": [
                { "type": "QUICK_REPLY", "text": "Thanks" },
                { "type": "URL", "text": "Track", "url": "https://shop.example.com/t/{{1}}",
                  "example": ["https://shop.example.com/t/1042"] },
                { "type": "PHONE_NUMBER", "text": "Call us", "phone_number": "+15550700000" }] }
        ]
    })
}

/// An offer with named variables and a code to copy.
pub(in crate::whatsapp) fn offer() -> Value {
    json!({
        "name": "spring_offer", "language": "en_US", "category": "MARKETING", "parameter_format": "named",
        "components": [
            { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::b2ZmZXI"] } },
            { "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "Ends soon", "has_expiration": true } },
            { "type": "BODY", "text": "Hi {{first_name}}, take {{discount}} off.",
              "example": { "body_text_named_params": [
                { "param_name": "first_name", "example": "Ana" }, { "param_name": "discount", "example": "25%" }] } },
            { "type": "BUTTONS", "buttons": [
                { "type": "COPY_CODE", "example": "SPRING25" },
                { "type": "URL", "text": "Shop", "url": "https://shop.example.com/" }] }
        ]
    })
}

fn card(label: &str) -> Value {
    json!({ "components": [
        { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::Y2FyZA"] } },
        { "type": "BODY", "text": "Fresh {{1}} today", "example": { "body_text": [["rye"]] } },
        { "type": "BUTTONS", "buttons": [
            { "type": "QUICK_REPLY", "text": label },
            { "type": "URL", "text": "See it", "url": "https://shop.example.com/p/{{1}}", "example": ["1"] }] }] })
}

/// Cards side by side.
pub(in crate::whatsapp) fn carousel() -> Value {
    json!({
        "name": "new_in_store", "language": "id", "category": "MARKETING",
        "components": [
            { "type": "BODY", "text": "New this week, {{1}}:", "example": { "body_text": [["Ana"]] } },
            { "type": "CAROUSEL", "cards": [card("Rye"), card("Wheat")] }
        ]
    })
}

/// A one-time password.
pub(in crate::whatsapp) fn password() -> Value {
    json!({
        "name": "code", "language": "en", "category": "AUTHENTICATION",
        "components": [
            { "type": "BODY", "add_security_recommendation": true },
            { "type": "FOOTER", "code_expiration_minutes": 10 },
            { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE", "text": "Copy code" }] }
        ]
    })
}

/// A value with one place changed, added, or removed where the new one is null.
pub(in crate::whatsapp) fn with(value: &Value, pointer: &str, new: Value) -> Value {
    let mut value = value.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match value.pointer_mut(parent).unwrap() {
        Value::Object(members) if new.is_null() => drop(members.shift_remove(key).unwrap()),
        Value::Object(members) => drop(members.insert(key.to_owned(), new)),
        Value::Array(items) if key == "-" => items.push(new),
        Value::Array(items) if new.is_null() => drop(items.remove(key.parse().unwrap())),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = new,
        other => panic!("{pointer} is in {other}"),
    }
    value
}

pub(in crate::whatsapp) fn all_problems(template: &Value) -> Vec<ContentError> {
    let text = |key: &str| template[key].as_str().unwrap_or_default();
    problems(&Draft {
        name: text("name"),
        language: text("language"),
        category: text("category"),
        format: ParameterFormat::parse(text("parameter_format")),
        components: &template["components"],
        ttl_seconds: template["message_send_ttl_seconds"].as_i64(),
    })
}

fn definition(template: &Value) -> Definition {
    Definition::read(
        &template["components"],
        template["category"].as_str().unwrap(),
        template["parameter_format"].as_str(),
    )
}
