//! Walks a body: entries, changes, values, elements, in their order.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::aliases::Cards;
use super::envelope::{Inner, Place, wrap};
use super::message::{Told, read_message};
use super::other::Origin;
use super::status::read_status;
use super::surrogates::mend;
use super::wire::{Body, Change, Entry, Value};
use super::{Element, Malformed, MalformedReason, ParseError, Webhook, coexistence};
use crate::domain::{PhoneNumberId, Timestamp, WabaId};
use crate::whatsapp::lenient::{List, is_object};

/// The field whose values hold messages and statuses.
const MESSAGES: &str = "messages";

/// Deeper nesting than this is not Meta's, and some readers of what we keep would refuse it.
const DEEPEST: usize = 64;

/// A time in seconds is no later than this, in the year 5138: larger numbers are milliseconds.
pub(super) const MOST_SECONDS: i64 = 100_000_000_000;

/// Reads a webhook body. Only a body that is no JSON, or has no entries at all, is an error.
///
/// Bytes that are not UTF-8 are replaced, so that one bad text does not cost the rest.
pub fn parse(body: &[u8]) -> Result<Webhook, ParseError> {
    let text = match std::str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(String::from_utf8_lossy(body).into_owned()),
    };
    let text = mend(&text);
    let parsed: Body<'_> =
        serde_json::from_str(&text).map_err(|broken| ParseError::NotJson(broken.to_string()))?;
    let Some(List::Items(entries)) = parsed.entries else {
        return Err(ParseError::NoEntries);
    };
    let mut reader = Reader {
        text: &text,
        raw_entries: OnceCell::new(),
        elements: Vec::new(),
    };
    for (place, entry) in entries.into_iter().enumerate() {
        reader.entry(place, entry);
    }
    Ok(Webhook {
        elements: reader.elements,
    })
}

/// Reads Meta's times: seconds, as a text or a number; milliseconds where they can only be that.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let number: i64 = text.trim().parse().ok().filter(|number| *number > 0)?;
    Some(if number > MOST_SECONDS {
        Timestamp::from_millis(number)
    } else {
        Timestamp::from_secs(number)
    })
}

pub(super) struct Reader<'a> {
    text: &'a str,
    raw_entries: OnceCell<Vec<RawEntry<'a>>>,
    elements: Vec<Element>,
}

impl<'a> Reader<'a> {
    fn entry(&mut self, place: usize, entry: Entry<'a>) {
        let origin = Origin {
            waba: entry.id.get().and_then(|id| WabaId::parse(id).ok()),
            at: entry.time.get().and_then(timestamp),
            ..Origin::default()
        };
        let told = !entry.rest.is_empty();
        for (key, raw) in &entry.rest {
            let origin = Origin {
                field: "entry".into(),
                ..origin.clone()
            };
            self.other(&origin, key, raw);
        }
        match entry.changes {
            Some(List::Items(changes)) => {
                for (index, change) in changes.into_iter().enumerate() {
                    self.change(&origin, change, (place, index));
                }
            }
            None if told => {}
            Some(List::Odd) | None => {
                let Some(raw) = self.raw_entry(place) else { return };
                match keys(raw).remove("changes").filter(|_| told) {
                    // The other keys are elements of their own.
                    Some(changes) => {
                        let inner = Inner::EntryKey("changes", changes);
                        self.malformed(MalformedReason::Shape, place_of(&origin), inner);
                    }
                    None => self.malformed(MalformedReason::Shape, Place::default(), Inner::Entry(raw)),
                }
            }
        }
    }

    fn change(&mut self, origin: &Origin, change: Change<'a>, at: (usize, usize)) {
        let origin = Origin {
            field: change.field.get().unwrap_or_default().into(),
            ..origin.clone()
        };
        let before = self.elements.len();
        match (change.value, origin.field.as_ref()) {
            (Some(value), MESSAGES) => self.value(&origin, *value, at),
            (Some(value), field) if coexistence::FIELDS.contains(&field) => self.elsewhere(&origin, *value),
            _ => {}
        }
        if self.elements.len() > before {
            return;
        }
        // Rare from here on: a value that tells nothing of what this version knows.
        let Some(change) = self.raw_change(at) else { return };
        let Some(value) = keys(change).remove("value") else {
            return self.malformed(MalformedReason::Shape, place_of(&origin), Inner::Change(change));
        };
        if origin.field.as_ref() == MESSAGES && !is_object(value) {
            return self.malformed(MalformedReason::Shape, place_of(&origin), Inner::Value(value));
        }
        self.whole_value(&origin, value);
    }

    fn value(&mut self, origin: &Origin, value: Value<'a>, at: (usize, usize)) {
        let origin = of_number(origin, &value);
        let cards = match value.cards {
            List::Items(cards) => Cards::new(cards),
            List::Odd => Cards::new(Vec::new()),
        };
        for message in self.items(&origin, at, "messages", value.messages) {
            self.element(&origin, "messages", message, |number| {
                read_message(message, number, &origin, &cards, value.context, Told::live())
                    .map(|message| Element::Message(Box::new(message)))
            });
        }
        for status in self.items(&origin, at, "statuses", value.statuses) {
            self.element(&origin, "statuses", status, |number| {
                read_status(status, number, &origin, &cards).map(|status| Element::Status(Box::new(status)))
            });
        }
        for (part, list) in [("errors", value.errors), ("user_actions", value.actions)] {
            for item in self.items(&origin, at, part, list) {
                self.other(&origin, part, item);
            }
        }
        for (key, part) in &value.rest {
            self.other(&origin, key, part);
        }
    }

    /// One element of a list of messages or statuses.
    pub(super) fn element(
        &mut self,
        origin: &Origin,
        list: &'static str,
        raw: &RawValue,
        read: impl FnOnce(&PhoneNumberId) -> Option<Element>,
    ) {
        let place = place_of(origin);
        let inner = Inner::Item(list, raw);
        let Some(number) = &origin.number else {
            return self.malformed(MalformedReason::NoNumber, place, inner);
        };
        if !is_object(raw) {
            return self.malformed(MalformedReason::Shape, place, inner);
        }
        if too_deep(raw) {
            return self.malformed(MalformedReason::TooDeep, place, inner);
        }
        match read(number) {
            Some(element) => self.elements.push(element),
            None => self
                .elements
                .push(Element::Other(Box::new(origin.part(list, raw)))),
        }
    }

    /// The elements of a list; what stands there without being a list counts as one.
    fn items(
        &mut self,
        origin: &Origin,
        at: (usize, usize),
        part: &'static str,
        list: List<&'a RawValue>,
    ) -> Vec<&'a RawValue> {
        match list {
            List::Items(items) => items,
            List::Odd => {
                let value = self
                    .raw_change(at)
                    .and_then(|change| keys(change).remove("value"));
                let odd = value.and_then(|value| keys(value).remove(part));
                if let Some(odd) = odd.filter(|odd| !is_object(odd)) {
                    self.malformed(MalformedReason::Shape, place_of(origin), Inner::Key(part, odd));
                    return Vec::new();
                }
                odd.into_iter().collect()
            }
        }
    }

    pub(super) fn other(&mut self, origin: &Origin, part: &str, raw: &RawValue) {
        if too_deep(raw) {
            let inner = if origin.field.as_ref() == "entry" {
                Inner::EntryKey(part, raw)
            } else if super::other::PARTS_OF_LISTS.contains(&part) {
                Inner::Item(part, raw)
            } else {
                Inner::Key(part, raw)
            };
            return self.malformed(MalformedReason::TooDeep, place_of(origin), inner);
        }
        self.elements
            .push(Element::Other(Box::new(origin.part(part, raw))));
    }

    fn whole_value(&mut self, origin: &Origin, raw: &RawValue) {
        if too_deep(raw) {
            return self.malformed(MalformedReason::TooDeep, place_of(origin), Inner::Value(raw));
        }
        self.elements.push(Element::Other(Box::new(origin.value(raw))));
    }

    fn malformed(&mut self, reason: MalformedReason, place: Place<'_>, inner: Inner<'_>) {
        let body = wrap(place, inner, None);
        self.elements.push(Element::Malformed(Malformed { reason, body }));
    }

    /// The raw form of an entry. The body is scanned once more for it, at the first one that is needed.
    fn raw_entry(&self, place: usize) -> Option<&'a RawValue> {
        self.raw_entries
            .get_or_init(|| {
                let body: BTreeMap<String, &'a RawValue> =
                    serde_json::from_str(self.text).unwrap_or_default();
                let entries = body.get("entry").map(|entries| items_of(entries));
                entries.into_iter().flatten().map(RawEntry::new).collect()
            })
            .get(place)
            .map(|entry| entry.raw)
    }

    fn raw_change(&self, (place, index): (usize, usize)) -> Option<&'a RawValue> {
        self.raw_entry(place)?;
        let entry = self.raw_entries.get()?.get(place)?;
        let changes = entry.changes.get_or_init(|| {
            keys(entry.raw)
                .remove("changes")
                .map(items_of)
                .unwrap_or_default()
        });
        changes.get(index).copied()
    }
}

/// Where the elements of a value stand that names its number.
pub(super) fn of_number(origin: &Origin, value: &Value<'_>) -> Origin {
    let number = value.metadata.number.get();
    Origin {
        number: number.and_then(|id| PhoneNumberId::parse(id).ok()),
        display_phone: value.metadata.display_phone.get().map(Arc::from),
        ..origin.clone()
    }
}

/// An entry as it came, for the few elements that are kept so.
struct RawEntry<'a> {
    raw: &'a RawValue,
    changes: OnceCell<Vec<&'a RawValue>>,
}

impl<'a> RawEntry<'a> {
    fn new(raw: &'a RawValue) -> Self {
        Self {
            raw,
            changes: OnceCell::new(),
        }
    }
}

fn items_of(raw: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn keys(raw: &RawValue) -> BTreeMap<String, &RawValue> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn place_of(origin: &Origin) -> Place<'_> {
    Place {
        entry_id: origin.waba.as_ref().map(|id| id.as_str()),
        entry_at: origin.at,
        field: Some(&*origin.field).filter(|field| !matches!(*field, "" | "entry")),
        number: origin.number.as_ref().map(|id| id.as_str()),
        display_phone: origin.display_phone.as_deref(),
    }
}

/// Whether a value nests deeper than Meta ever does. Brackets within texts are looked at only when there are very many.
fn too_deep(raw: &RawValue) -> bool {
    let text = raw.get().as_bytes();
    let opening = text.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
    opening > DEEPEST && depth(text) > DEEPEST
}

fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted) = (0_usize, 0, false);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if quoted => {
                bytes.next();
            }
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
