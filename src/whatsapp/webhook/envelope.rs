//! Writes one element as a complete webhook body, so that it can be put aside and replayed.

use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::coexistence::{ECHOES, HISTORY, STANDBY};
use super::other::PARTS_OF_LISTS;
use super::read::MOST_SECONDS;
use super::{IncomingMessage, IncomingStatus, OtherEvent};
use crate::domain::message::{Side, Via};
use crate::domain::{ContactAliases, PhoneNumberId, Timestamp};

/// Where an element stood.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place<'a> {
    /// The entry's id.
    pub(super) entry_id: Option<&'a str>,
    /// The entry's time.
    pub(super) entry_at: Option<Timestamp>,
    /// The change's field.
    pub(super) field: Option<&'a str>,
    /// The number of the value's metadata.
    pub(super) number: Option<&'a str>,
    /// Its display form.
    pub(super) display_phone: Option<&'a str>,
}

/// What a body holds beside its place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Inner<'a> {
    /// One element of `entry`.
    Entry(&'a RawValue),
    /// One key of an entry.
    EntryKey(&'a str, &'a RawValue),
    /// One element of `changes`.
    Change(&'a RawValue),
    /// The whole value of a change.
    Value(&'a RawValue),
    /// One key of a value with metadata.
    Key(&'a str, &'a RawValue),
    /// One element of a list in a value with metadata.
    Item(&'a str, &'a RawValue),
}

/// Writes the body. Raw values go in byte for byte.
pub(super) fn wrap(place: Place<'_>, inner: Inner<'_>, card: Option<Value>) -> Bytes {
    let text = |value: &Value| value.to_string();
    let quoted = |name: &str| text(&Value::from(name));
    let mut head = String::new();
    if let Some(id) = place.entry_id {
        head.push_str(&format!(r#""id":{},"#, quoted(id)));
    }
    if let Some(at) = place.entry_at {
        head.push_str(&format!(r#""time":{},"#, meta_time(at)));
    }
    let field = place
        .field
        .map_or_else(String::new, |field| format!(r#","field":{}"#, quoted(field)));
    let metadata = || {
        let mut metadata = Map::new();
        let keys = [
            ("display_phone_number", place.display_phone),
            ("phone_number_id", place.number),
        ];
        for (key, value) in keys {
            if let Some(value) = value {
                metadata.insert(key.to_owned(), value.into());
            }
        }
        let contacts = card
            .as_ref()
            .map_or_else(String::new, |card| format!(r#""contacts":[{}],"#, text(card)));
        format!(
            r#""messaging_product":"whatsapp","metadata":{},{contacts}"#,
            text(&Value::Object(metadata))
        )
    };
    let value = match inner {
        Inner::Entry(raw) => return body(raw.get()),
        Inner::EntryKey(key, raw) => return body(&format!("{{{head}{}:{}}}", quoted(key), raw.get())),
        Inner::Change(raw) => return body(&format!(r#"{{{head}"changes":[{}]}}"#, raw.get())),
        Inner::Value(raw) => raw.get().to_owned(),
        Inner::Key(key, raw) => format!("{{{}{}:{}}}", metadata(), quoted(key), raw.get()),
        Inner::Item(list, raw) => format!("{{{}{}:[{}]}}", metadata(), quoted(list), raw.get()),
    };
    body(&format!(r#"{{{head}"changes":[{{"value":{value}{field}}}]}}"#))
}

fn body(entry: &str) -> Bytes {
    format!(r#"{{"object":"whatsapp_business_account","entry":[{entry}]}}"#).into()
}

/// Writes a message: its content with the envelope's fields put back.
pub(super) fn wrap_message(message: &IncomingMessage) -> Bytes {
    let mut fields = String::from("{");
    let mut put = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            fields.push_str(&format!(r#""{key}":{},"#, Value::from(value)));
        }
    };
    let aliases = &message.aliases;
    let names = match message.by {
        Side::Customer => ["from", "from_user_id", "from_parent_user_id"],
        Side::Business => ["to", "to_user_id", "to_parent_user_id"],
    };
    // A notice that names the id before may name the new one nowhere but as its sender.
    let names_former = message
        .content
        .to_value()
        .pointer("/system/previous_user_id")
        .is_some_and(Value::is_string);
    let since = message.identity_change.as_ref().filter(|_| names_former);
    let bsuid = match since {
        Some(change) if change.to.bsuid.is_some() => &change.to.bsuid,
        _ => &aliases.bsuid,
    };
    for (key, alias) in names
        .into_iter()
        .zip([&aliases.phone, bsuid, &aliases.parent_bsuid])
    {
        put(key, alias.as_ref().map(|alias| &*alias.value));
    }
    if message.by == Side::Business {
        put("from", message.display_phone.as_deref());
    }
    put("id", Some(message.wamid.as_str()));
    put("timestamp", Some(&meta_time(message.at)));
    let content = message.content.json().get();
    fields.push_str(content.strip_prefix('{').unwrap_or(content));
    let raw = RawValue::from_string(fields).unwrap_or_else(|_| RawValue::NULL.to_owned());
    let mut card = card(aliases);
    let mut profile = Map::new();
    for (key, value) in [("name", &message.name), ("username", &message.username)] {
        if let Some(value) = value {
            profile.insert(key.to_owned(), value.as_ref().into());
        }
    }
    if let Value::Object(card) = &mut card
        && !profile.is_empty()
    {
        card.insert("profile".to_owned(), Value::Object(profile));
    }
    let (field, list) = match (message.via, message.by) {
        (None, Side::Customer) => ("messages", "messages"),
        (None, Side::Business) => (ECHOES, "message_echoes"),
        (Some(Via::History), _) => (HISTORY, "messages"),
        (Some(Via::Standby), Side::Customer) => (STANDBY, "messages"),
        (Some(Via::Standby), Side::Business) => (STANDBY, "message_echoes"),
    };
    let place = Place {
        field: Some(field),
        ..messages_of(
            &message.number,
            message.display_phone.as_deref(),
            message.waba.as_ref().map(|id| id.as_str()),
        )
    };
    if field == STANDBY {
        let inner = format!(r#"{{"contacts":[{card}],"{list}":[{}]}}"#, raw.get());
        let inner = RawValue::from_string(inner).unwrap_or_else(|_| RawValue::NULL.to_owned());
        return wrap(place, Inner::Key(STANDBY, &inner), None);
    }
    wrap(place, Inner::Item(list, &raw), Some(card))
}

/// Writes a status, byte for byte.
pub(super) fn wrap_status(status: &IncomingStatus) -> Bytes {
    let place = messages_of(
        &status.number,
        status.display_phone.as_deref(),
        status.waba.as_ref().map(|id| id.as_str()),
    );
    let card = (!status.aliases.is_empty()).then(|| card(&status.aliases));
    wrap(place, Inner::Item("statuses", &status.raw), card)
}

/// Writes any other event, byte for byte.
pub(super) fn wrap_other(other: &OtherEvent) -> Bytes {
    let place = Place {
        entry_id: other.waba.as_ref().map(|id| id.as_str()),
        entry_at: other.at,
        field: Some(&*other.field).filter(|field| !field.is_empty()),
        number: other.number.as_ref().map(|id| id.as_str()),
        display_phone: other.display_phone.as_deref(),
    };
    let inner = match (&*other.field, &*other.part) {
        ("entry", part) => Inner::EntryKey(part, &other.value),
        (_, "value") => Inner::Value(&other.value),
        (_, part) if PARTS_OF_LISTS.contains(&part) => Inner::Item(part, &other.value),
        (_, part) => Inner::Key(part, &other.value),
    };
    wrap(place, inner, None)
}

/// Whole seconds as Meta writes them; milliseconds where they say more, or where seconds would be read as such.
fn meta_time(at: Timestamp) -> String {
    if at.as_millis() % 1_000 == 0 && at.as_secs() <= MOST_SECONDS {
        at.as_secs().to_string()
    } else {
        at.as_millis().to_string()
    }
}

fn messages_of<'a>(number: &'a PhoneNumberId, display: Option<&'a str>, waba: Option<&'a str>) -> Place<'a> {
    Place {
        entry_id: waba,
        entry_at: None,
        field: Some("messages"),
        number: Some(number.as_str()),
        display_phone: display,
    }
}

fn card(aliases: &ContactAliases) -> Value {
    let mut card = json!({});
    for (key, alias) in [
        ("wa_id", &aliases.phone),
        ("user_id", &aliases.bsuid),
        ("parent_user_id", &aliases.parent_bsuid),
    ] {
        if let (Some(alias), Value::Object(card)) = (alias, &mut card) {
            card.insert(key.to_owned(), alias.value.as_ref().into());
        }
    }
    card
}
