//! Webhooks as Meta posts them, written by hand: what a simulator would not say, or not in this order.

use mesej::domain::{Clock as _, SystemClock};
use mesej_simulator::NumberConfig;
use serde_json::{Map, Value, json};

pub(crate) fn now() -> i64 {
    SystemClock::new().now().as_secs()
}

/// One change of one field, as Meta posts it.
pub(crate) fn told(field: &str, parts: Value) -> Vec<u8> {
    let mut value = Map::new();
    value.insert("messaging_product".to_owned(), "whatsapp".into());
    let metadata = json!({
        "display_phone_number": "15550710000",
        "phone_number_id": NumberConfig::default().phone_number_id,
    });
    value.insert("metadata".to_owned(), metadata);
    value.extend(parts.as_object().unwrap().clone());
    let change = json!({ "field": field, "value": value });
    let entry = json!({ "id": NumberConfig::default().waba_id, "changes": [change] });
    json!({ "object": "whatsapp_business_account", "entry": [entry] })
        .to_string()
        .into_bytes()
}

/// Who writes: a phone, an id, or both.
#[derive(Clone, Copy)]
pub(crate) struct Who {
    pub(crate) name: &'static str,
    pub(crate) phone: Option<&'static str>,
    pub(crate) id: Option<&'static str>,
}

pub(crate) const fn who(name: &'static str, phone: &'static str, id: &'static str) -> Who {
    Who {
        name,
        phone: if phone.is_empty() { None } else { Some(phone) },
        id: if id.is_empty() { None } else { Some(id) },
    }
}

/// Somebody writes a text, so many seconds ago.
pub(crate) fn writes(who: Who, wamid: &str, ago: i64, text: &str) -> Vec<u8> {
    let mut card = json!({ "profile": { "name": who.name } });
    let mut message = json!({
        "id": wamid, "timestamp": (now() - ago).to_string(), "type": "text", "text": { "body": text },
    });
    if let Some(phone) = who.phone {
        card["wa_id"] = phone.into();
        message["from"] = phone.into();
    }
    if let Some(id) = who.id {
        card["user_id"] = id.into();
        message["from_user_id"] = id.into();
    }
    told("messages", json!({ "contacts": [card], "messages": [message] }))
}

/// A notice about somebody, so many seconds ago. No card comes with it.
pub(crate) fn notice(from: Who, wamid: &str, ago: i64, system: &Value) -> Vec<u8> {
    let mut message = json!({
        "id": wamid, "timestamp": (now() - ago).to_string(), "type": "system", "system": system,
    });
    if let Some(phone) = from.phone {
        message["from"] = phone.into();
    }
    if let Some(id) = from.id {
        message["from_user_id"] = id.into();
    }
    told("messages", json!({ "messages": [message] }))
}
