//! What a tenant used in a time, counted event by event.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::broadcast::{BroadcastRecipient, ProgressSince};
use super::event::{Event, EventKind};
use super::ids::ContactId;
use super::message::{Author, Direction, Via};
use super::sketch::Sketch;

/// Meta's category of a message, by which it is charged for: `marketing`, `utility`, … Meta adds new ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PricingCategory(Arc<str>);

impl PricingCategory {
    /// The one under which those are counted of which there are too many.
    const OTHER: &'static str = "other";
    /// Categories that are told apart.
    const MOST: usize = 32;

    /// Reads it from Meta's pricing object. A name that is none is left out: it ends in tables and files.
    pub fn of_pricing(pricing: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Pricing {
            category: PricingCategory,
        }
        let pricing: Pricing = serde_json::from_str(pricing).ok()?;
        Some(pricing.category)
    }

    /// That of what a business advertises.
    pub fn marketing() -> Self {
        Self("marketing".into())
    }

    /// That of what a customer asked for.
    pub fn utility() -> Self {
        Self("utility".into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether Meta charges for the message, as its pricing object tells. `billable` will be gone some day, and `type` holds.
    pub fn is_billed(pricing: &str) -> bool {
        #[derive(Deserialize)]
        struct Pricing {
            #[serde(rename = "type")]
            kind: Option<String>,
            billable: Option<bool>,
        }
        let Ok(Pricing { kind, billable }) = serde_json::from_str::<Pricing>(pricing) else {
            return false;
        };
        kind.map_or(billable != Some(false), |kind| kind == "regular")
    }

    /// This category where it is one of these, or there are few of them; else that of others.
    pub fn bounded<V>(self, known: &BTreeMap<Self, V>) -> Self {
        if known.contains_key(&self) || known.len() < Self::MOST {
            self
        } else {
            Self(Self::OTHER.into())
        }
    }

    /// Counts messages of this category; of very many categories the later ones as others.
    pub fn count(self, counts: &mut BTreeMap<Self, u64>, messages: u64) {
        let category = self.bounded(counts);
        let counted = counts.entry(category).or_default();
        *counted = counted.saturating_add(messages);
    }
}

impl TryFrom<String> for PricingCategory {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // Meta writes `authentication-international` here and `authentication_international` there.
        let text = text.to_ascii_lowercase().replace('-', "_");
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if begins && text.len() <= 40 && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err("a category is 1 to 40 of a-z, 0-9 and `_`, with a letter first")
        }
    }
}

impl From<PricingCategory> for String {
    fn from(category: PricingCategory) -> Self {
        category.0.as_ref().to_owned()
    }
}

impl fmt::Display for PricingCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What happened in a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageCounts {
    /// Messages of customers.
    pub inbound: u64,
    /// Messages to customers that were accepted, whatever became of them.
    pub outbound: u64,
    /// Messages by Meta's category, each when Meta first told it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub categories: BTreeMap<PricingCategory, u64>,
    /// Customers with whom a message was exchanged.
    pub contacts: Sketch,
    /// Agents who wrote a message or a note, or changed a conversation.
    pub agents: Sketch,
    /// Bytes of the messages and notes.
    pub bytes: u64,
}

#[derive(Deserialize)]
struct Wire<D> {
    data: D,
}

#[derive(Deserialize)]
struct Written {
    message: WrittenMessage,
}

#[derive(Deserialize)]
struct WrittenMessage {
    contact_id: ContactId,
    direction: Direction,
    author: Author,
    #[serde(default)]
    via: Option<Via>,
    #[serde(default)]
    broadcast: Option<BroadcastRecipient>,
}

#[derive(Deserialize)]
struct Priced {
    category: PricingCategory,
}

#[derive(Deserialize)]
struct Told {
    since: ProgressSince,
}

#[derive(Deserialize)]
struct Changed {
    #[serde(default)]
    by: Option<Author>,
}

/// The data of an event; `None` for one that has none of it.
fn data<'a, D: Deserialize<'a>>(event: &'a Event) -> Option<D> {
    serde_json::from_slice::<Wire<D>>(&event.json)
        .ok()
        .map(|wire| wire.data)
}

impl UsageCounts {
    /// Counts an event.
    pub fn note(&mut self, event: &Event) {
        match event.kind {
            EventKind::Message => {
                self.bytes = self
                    .bytes
                    .saturating_add(u64::try_from(event.json.len()).unwrap_or(u64::MAX));
                if let Some(Written { message }) = data(event) {
                    self.note_message(&message);
                }
            }
            EventKind::Status if event.tells_of_its_category() => {
                if let Some(Priced { category }) = data(event) {
                    category.count(&mut self.categories, 1);
                }
            }
            EventKind::Conversation => {
                if let Some(Changed { by: Some(by) }) = data(event) {
                    self.note_agent(&by);
                }
            }
            // Its messages make no events of their own.
            EventKind::Broadcast => {
                if let Some(Told { since }) = data(event) {
                    self.outbound = self.outbound.saturating_add(since.messages);
                    self.bytes = self.bytes.saturating_add(since.bytes);
                    for (category, messages) in since.categories {
                        category.count(&mut self.categories, messages);
                    }
                }
            }
            EventKind::Status
            | EventKind::MessageChanged
            | EventKind::MessageRevoked
            | EventKind::Contact
            | EventKind::Lane
            | EventKind::Meta
            | EventKind::Media
            | EventKind::Erased => {}
        }
    }

    fn note_message(&mut self, message: &WrittenMessage) {
        // What was exchanged before the number was connected is no use of the gateway.
        if message.via == Some(Via::History) {
            return;
        }
        match message.direction {
            // Counted by the broadcast's own events.
            Direction::Outbound if message.broadcast.is_some() => {}
            Direction::Inbound => self.inbound = self.inbound.saturating_add(1),
            Direction::Outbound => self.outbound = self.outbound.saturating_add(1),
            Direction::Note => {}
        }
        if message.direction != Direction::Note {
            self.contacts.note(message.contact_id.as_bytes());
        }
        self.note_agent(&message.author);
    }

    fn note_agent(&mut self, author: &Author) {
        if let Author::Agent { id } = author {
            self.agents.note(id.as_str().as_bytes());
        }
    }

    /// What happened in both times.
    pub fn merge(&mut self, other: &Self) {
        self.inbound = self.inbound.saturating_add(other.inbound);
        self.outbound = self.outbound.saturating_add(other.outbound);
        self.bytes = self.bytes.saturating_add(other.bytes);
        for (category, messages) in &other.categories {
            category.clone().count(&mut self.categories, *messages);
        }
        self.contacts.merge(&other.contacts);
        self.agents.merge(&other.agents);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Seq, Timestamp};

    fn event(kind: EventKind, data: &str) -> Event {
        let data = serde_json::value::RawValue::from_string(data.to_owned()).unwrap();
        Event::encode(Seq::new(1), Timestamp::from_secs(1), kind, None, &data)
    }

    fn message(contact: u8, direction: &str, rest: &str) -> Event {
        let contact = format!("{contact:032x}");
        let data = format!(
            r#"{{"message":{{"contact_id":"{contact}","direction":"{direction}",{rest}}},"conversation":{{}}}}"#
        );
        event(EventKind::Message, &data)
    }

    #[test]
    fn each_event_counts_for_what_it_is() {
        let agent = |id: &str| format!(r#""author":{{"kind":"agent","id":"{id}"}}"#);
        let customer = r#""author":{"kind":"contact"}"#;
        let events = [
            message(1, "inbound", customer),
            message(1, "inbound", customer),
            message(2, "inbound", &format!(r#"{customer},"via":"history""#)),
            message(2, "outbound", &agent("ana")),
            message(3, "note", &agent("ben")),
            event(
                EventKind::Status,
                r#"{"state":"sent","category":"utility","priced":true}"#,
            ),
            event(EventKind::Status, r#"{"state":"read","category":"utility"}"#),
            event(
                EventKind::Status,
                r#"{"state":"sent","category":"=1+1","priced":true}"#,
            ),
            event(EventKind::Conversation, r#"{"by":{"kind":"agent","id":"ana"}}"#),
            event(EventKind::Conversation, r#"{"by":{"kind":"api","key":"k"}}"#),
            Event::erased(Seq::new(2), Timestamp::from_secs(1)),
        ];
        let mut counts = UsageCounts::default();
        for event in &events {
            counts.note(event);
        }
        assert_eq!((counts.inbound, counts.outbound), (2, 1));
        assert_eq!((counts.contacts.count(), counts.agents.count()), (2, 2));
        let categories: Vec<_> = counts
            .categories
            .iter()
            .map(|(name, of)| (name.as_str(), *of))
            .collect();
        assert_eq!(categories, [("utility", 1)]);
        let bytes: usize = events.iter().take(5).map(|event| event.json.len()).sum();
        assert_eq!(counts.bytes, u64::try_from(bytes).unwrap());
        let before = counts.clone();
        counts.merge(&before);
        assert_eq!(
            (counts.inbound, counts.contacts.count(), counts.categories.len()),
            (4, 2, 1)
        );
    }

    #[test]
    fn only_what_meta_charges_for_is_billed() {
        for (pricing, is_billed) in [
            (
                r#"{"billable":true,"pricing_model":"PMP","type":"regular","category":"utility"}"#,
                true,
            ),
            (r#"{"type":"regular","category":"utility"}"#, true),
            (
                r#"{"billable":false,"type":"free_customer_service","category":"service"}"#,
                false,
            ),
            (r#"{"type":"free_entry_point","category":"marketing"}"#, false),
            (r#"{"billable":false,"category":"utility"}"#, false),
            (r#"{"category":"utility"}"#, true),
            (r#"{"type":7}"#, false),
            ("1", false),
        ] {
            assert_eq!(PricingCategory::is_billed(pricing), is_billed, "{pricing}");
        }
    }

    #[test]
    fn categories_are_bounded() {
        let mut counts = UsageCounts::default();
        for n in 0..100 {
            let data = format!(r#"{{"category":"c{n}","priced":true}}"#);
            counts.note(&event(EventKind::Status, &data));
        }
        assert_eq!(counts.categories.len(), PricingCategory::MOST + 1);
        assert_eq!(counts.categories.values().sum::<u64>(), 100);
    }
}
