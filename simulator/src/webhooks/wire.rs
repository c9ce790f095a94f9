//! Webhook bodies as Meta writes them, payload version 24 and later: no `conversation`, and business-scoped user ids.

mod people;

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::value::RawValue;

use super::outbox::Update;
use crate::numbers::NumberIndex;
use crate::sends::{Recipient, Step};
use crate::wamid::Way;
use crate::world::World;
use people::{Contact, Introduction, Status, introduce, status};

/// How the updates of one request are laid out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Each update in an entry of its own, instead of joined by account and number.
    pub(super) scattered: bool,
    /// Everything in ASCII, as PHP writes JSON.
    pub(super) escaped: bool,
}

#[derive(Serialize)]
struct Envelope<'a> {
    object: &'static str,
    entry: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<i64>,
    changes: Vec<Change<'a>>,
}

#[derive(Serialize)]
struct Change<'a> {
    value: ChangeValue<'a>,
    field: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ChangeValue<'a> {
    Messages(MessagesValue<'a>),
    Other(&'a RawValue),
}

#[derive(Serialize)]
struct MessagesValue<'a> {
    messaging_product: &'static str,
    metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<Contact<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    statuses: Vec<Status<'a>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    display_phone_number: String,
    phone_number_id: &'a str,
}

/// Writes the body that carries some updates.
pub(super) fn body(world: &World, updates: &[Update], shape: Shape) -> String {
    let mut entry: Vec<Entry<'_>> = Vec::new();
    for update in updates {
        match update {
            Update::Inbound { index, message } => {
                let Some(inbound) = world.inbounds.get(*index) else {
                    continue;
                };
                let Some(value) = place(world, &mut entry, inbound.number, Kind::Messages, shape) else {
                    continue;
                };
                if inbound.introduced {
                    introduce(world, &mut value.contacts, inbound.customer, Introduction::Whole);
                }
                value.messages.push(message);
            }
            Update::Status {
                send,
                step,
                error,
                at,
            } => {
                let Some(sent) = world.sends.get(*send) else {
                    continue;
                };
                let Some(value) = place(world, &mut entry, sent.number, Kind::Statuses, shape) else {
                    continue;
                };
                if let (Some(customer), true) = (sent.to.customer(), *step != Step::Failed) {
                    let how = match (step, sent.to) {
                        (Step::Sent, Recipient::Phone(_)) => Introduction::SentToPhone,
                        (Step::Sent, _) => Introduction::Sent,
                        (_, Recipient::Phone(_)) => Introduction::WholeWithPhone,
                        _ => Introduction::Whole,
                    };
                    introduce(world, &mut value.contacts, customer, how);
                }
                let id = world.wamids.write(Way::Out, sent.address, send.0);
                value
                    .statuses
                    .push(status(world, sent, id, *step, *error, at.as_secs()));
            }
            Update::Forged { number, message } => {
                if let Some(value) = place(world, &mut entry, *number, Kind::Messages, shape) {
                    value.messages.push(message);
                }
            }
            Update::Foreign { message } => entry.push(Entry {
                id: "100000000000001",
                time: None,
                changes: vec![Change {
                    value: ChangeValue::Messages(MessagesValue {
                        messaging_product: "whatsapp",
                        metadata: Metadata {
                            display_phone_number: "15550000000".to_owned(),
                            phone_number_id: "100000000000002",
                        },
                        contacts: Vec::new(),
                        messages: vec![message],
                        statuses: Vec::new(),
                    }),
                    field: "messages",
                }],
            }),
            Update::Other(other) => entry.push(Entry {
                id: &other.waba,
                time: (other.field != "messages").then_some(other.at.as_secs()),
                changes: vec![Change {
                    value: ChangeValue::Other(&other.value),
                    field: &other.field,
                }],
            }),
        }
    }
    let envelope = Envelope {
        object: "whatsapp_business_account",
        entry,
    };
    let text = serde_json::to_string(&envelope).unwrap_or_default();
    if shape.escaped { escape(&text) } else { text }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Messages,
    Statuses,
}

/// Finds the change that an update joins, or opens one.
fn place<'a, 'entry>(
    world: &'a World,
    entries: &'entry mut Vec<Entry<'a>>,
    number: NumberIndex,
    kind: Kind,
    shape: Shape,
) -> Option<&'entry mut MessagesValue<'a>> {
    let number = world.numbers.get(number)?;
    let waba = number.config.waba_id.as_str();
    let number_id = number.config.phone_number_id.as_str();
    let joined = if shape.scattered {
        None
    } else {
        entries.iter().position(|entry| entry.id == waba)
    };
    let entry_at = joined.unwrap_or_else(|| {
        entries.push(Entry {
            id: waba,
            time: None,
            changes: Vec::new(),
        });
        entries.len() - 1
    });
    let changes = &mut entries.get_mut(entry_at)?.changes;
    let open = changes.iter().position(|change| match &change.value {
        ChangeValue::Messages(value) => {
            let holds = if value.statuses.is_empty() {
                Kind::Messages
            } else {
                Kind::Statuses
            };
            value.metadata.phone_number_id == number_id && holds == kind
        }
        ChangeValue::Other(_) => false,
    });
    let change_at = open.unwrap_or_else(|| {
        changes.push(Change {
            value: ChangeValue::Messages(MessagesValue {
                messaging_product: "whatsapp",
                metadata: Metadata {
                    display_phone_number: number.phone.map_or_else(
                        || number.config.display_phone_number.clone(),
                        |phone| phone.to_string(),
                    ),
                    phone_number_id: number_id,
                },
                contacts: Vec::new(),
                messages: Vec::new(),
                statuses: Vec::new(),
            }),
            field: "messages",
        });
        changes.len() - 1
    });
    match &mut changes.get_mut(change_at)?.value {
        ChangeValue::Messages(value) => Some(value),
        ChangeValue::Other(_) => None,
    }
}

/// Rewrites JSON in ASCII: `\u` escapes, and slashes escaped too.
fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len() + 64);
    let mut units = [0_u16; 2];
    for letter in json.chars() {
        if letter == '/' {
            escaped.push_str("\\/");
        } else if letter.is_ascii() {
            escaped.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut units) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_changes_the_bytes_and_not_the_meaning() {
        let json = serde_json::json!({"a": "é😀 /x/ \"q\" \\ \n", "b": [1, null]}).to_string();
        let escaped = escape(&json);
        assert!(escaped.is_ascii());
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&escaped), read(&json));
    }
}
