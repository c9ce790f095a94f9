//! Messages of a number that others use, too: what the business writes on its phone, what it wrote before the number was
//! connected, and what another program answers.
//!
//! Source: Cloud API, Onboarding business app users (Oct 2025, rev. May 2026), Standby webhooks (Aug 2026).

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::Element;
use super::aliases::{Card, Cards};
use super::message::{Told, read_message};
use super::other::Origin;
use super::read::{Reader, of_number};
use super::status::read_status;
use super::wire::Value;
use crate::domain::message::{Side, Via};
use crate::whatsapp::lenient::{List, Text, is_object, lenient_object, read};

/// The fields that tell of messages elsewhere.
pub(super) const FIELDS: [&str; 3] = [ECHOES, HISTORY, STANDBY];
pub(super) const ECHOES: &str = "smb_message_echoes";
pub(super) const HISTORY: &str = "history";
pub(super) const STANDBY: &str = "standby";

lenient_object! {
    /// Copies of what happens in threads that another program has.
    struct Standby<'a> {
        cards: List<Card<'a>> = "contacts",
        messages: List<&'a RawValue> = "messages",
        echoes: List<&'a RawValue> = "message_echoes",
        statuses: List<&'a RawValue> = "statuses",
    }
    other: rest
}

lenient_object! {
    /// A part of what was written before.
    struct Chunk<'a> {
        threads: Option<List<Thread<'a>>> = "threads",
    }
    other: rest
}

lenient_object! {
    /// What was written with one customer.
    struct Thread<'a> {
        customer: Text<'a> = "id",
        messages: List<&'a RawValue> = "messages",
    }
}

lenient_object! {
    /// What another program sent: the body of its request beside what names it.
    struct Sent<'a> {
        id: Option<&'a RawValue> = "id",
        timestamp: Option<&'a RawValue> = "timestamp",
        body: Option<&'a RawValue> = "message",
        template: Option<&'a RawValue> = "template",
        flow: Option<&'a RawValue> = "flow",
    }
}

lenient_object! {
    /// The body of a request.
    struct Request<'a> {
        product: Text<'a> = "messaging_product",
        kind: Text<'a> = "recipient_type",
        recipient: Option<&'a RawValue> = "recipient",
    }
    other: fields
}

impl<'a> Reader<'a> {
    /// The value of one of [`FIELDS`]. What it holds beyond messages and statuses is kept as it came.
    pub(super) fn elsewhere(&mut self, origin: &Origin, value: Value<'a>) {
        let origin = of_number(origin, &value);
        let field = Arc::clone(&origin.field);
        let cards = cards(value.cards);
        let told = match field.as_ref() {
            ECHOES => Told::by(Side::Business, None),
            // Pictures, films and documents come after the rest.
            HISTORY => Told::imported(None),
            _ => Told::by(Side::Customer, Some(Via::Standby)),
        };
        if let List::Items(messages) = value.messages {
            self.each(&origin, "messages", messages, &cards, &told);
        }
        if let List::Items(statuses) = value.statuses {
            self.reports(&origin, statuses, &cards);
        }
        for (part, list) in [("errors", value.errors), ("user_actions", value.actions)] {
            if let List::Items(items) = list {
                for item in items {
                    self.other(&origin, part, item);
                }
            }
        }
        for (key, raw) in value.rest {
            match (field.as_ref(), key.as_ref()) {
                (ECHOES, "message_echoes") => {
                    self.each(&origin, "message_echoes", listed(raw), &cards, &told);
                }
                (HISTORY, HISTORY) => self.history(&origin, raw, &cards),
                (STANDBY, STANDBY) => self.standby(&origin, raw),
                (STANDBY, "message_echoes") => self.sent(&origin, listed(raw), &cards),
                (_, key) => self.other(&origin, key, raw),
            }
        }
    }

    fn history(&mut self, origin: &Origin, raw: &'a RawValue, cards: &Cards<'_>) {
        let List::Items(chunks) = read::<List<&RawValue>>(raw) else {
            return self.other(origin, HISTORY, raw);
        };
        for raw in chunks {
            let chunk: Chunk<'_> = read(raw);
            let Some(List::Items(threads)) = chunk.threads else {
                // Refused, or of another form.
                self.other(origin, HISTORY, raw);
                continue;
            };
            for (_, progress) in &chunk.rest {
                self.other(origin, HISTORY, progress);
            }
            for thread in threads {
                let told = Told::imported(thread.customer.get());
                if let List::Items(messages) = thread.messages {
                    self.each(origin, "messages", messages, cards, &told);
                }
            }
        }
    }

    fn standby(&mut self, origin: &Origin, raw: &'a RawValue) {
        if !is_object(raw) {
            return self.other(origin, STANDBY, raw);
        }
        let standby: Standby<'_> = read(raw);
        let cards = cards(standby.cards);
        if let List::Items(messages) = standby.messages {
            let told = Told::by(Side::Customer, Some(Via::Standby));
            self.each(origin, "messages", messages, &cards, &told);
        }
        if let List::Items(echoes) = standby.echoes {
            self.sent(origin, echoes, &cards);
        }
        if let List::Items(statuses) = standby.statuses {
            self.reports(origin, statuses, &cards);
        }
        for (key, raw) in &standby.rest {
            self.other(origin, key, raw);
        }
    }

    /// What another program sent.
    fn sent(&mut self, origin: &Origin, echoes: Vec<&RawValue>, cards: &Cards<'_>) {
        let told = Told::by(Side::Business, Some(Via::Standby));
        for raw in echoes {
            let flat = flattened(raw);
            self.each(
                origin,
                "message_echoes",
                vec![flat.as_deref().unwrap_or(raw)],
                cards,
                &told,
            );
        }
    }

    fn reports(&mut self, origin: &Origin, statuses: Vec<&RawValue>, cards: &Cards<'_>) {
        for raw in statuses {
            self.element(origin, "statuses", raw, |number| {
                read_status(raw, number, origin, cards).map(|status| Element::Status(Box::new(status)))
            });
        }
    }

    fn each(
        &mut self,
        origin: &Origin,
        list: &'static str,
        messages: Vec<&RawValue>,
        cards: &Cards<'_>,
        told: &Told,
    ) {
        for raw in messages {
            self.element(origin, list, raw, |number| {
                read_message(raw, number, origin, cards, None, told.clone())
                    .map(|message| Element::Message(Box::new(message)))
            });
        }
    }
}

/// The elements of a list; what stands there without being a list counts as one.
fn listed(raw: &RawValue) -> Vec<&RawValue> {
    match read::<List<&RawValue>>(raw) {
        List::Items(items) => items,
        List::Odd => vec![raw],
    }
}

fn cards(cards: List<Card<'_>>) -> Cards<'_> {
    match cards {
        List::Items(cards) => Cards::new(cards),
        List::Odd => Cards::new(Vec::new()),
    }
}

/// What another program sent, in the form in which a message is told otherwise; `None` when it is in that form already.
fn flattened(raw: &RawValue) -> Option<Box<RawValue>> {
    let sent: Sent<'_> = read(raw);
    let request: Request<'_> = read(sent.body?);
    let named = [
        ("id", sent.id),
        ("timestamp", sent.timestamp),
        ("to_user_id", request.recipient),
        ("template_definition", sent.template),
        ("flow_definition", sent.flow),
    ];
    let named = named
        .into_iter()
        .filter_map(|(key, raw)| Some((Cow::Borrowed(key), raw?)));
    let fields: serde_json::Map<_, _> = named
        .chain(request.fields)
        .filter_map(|(key, raw)| Some((key.into_owned(), serde_json::from_str(raw.get()).ok()?)))
        .collect();
    serde_json::value::to_raw_value(&fields).ok()
}
