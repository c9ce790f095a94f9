//! Reads `calls`: customers who call.
//! Source: Cloud API, Calling, User-initiated calls (2025 to 2026): a customer's call opens the service window.

use serde_json::value::RawValue;

use super::OtherEvent;
use super::aliases::{Cards, named};
use super::read::timestamp;
use crate::domain::{ContactAliases, Timestamp};
use crate::whatsapp::lenient::{List, Text, lenient_object, read};

/// A customer's call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingCall {
    /// Names of the customer. Never empty.
    pub aliases: ContactAliases,
    /// Meta's time.
    pub at: Timestamp,
}

lenient_object! {
    /// The field's value.
    struct Calls<'a> {
        cards: Option<&'a RawValue> = "contacts",
        calls: Option<&'a RawValue> = "calls",
    }
}

lenient_object! {
    /// One call on the wire.
    struct WireCall<'a> {
        from: Text<'a> = "from",
        from_bsuid: Text<'a> = "from_user_id",
        from_parent: Text<'a> = "from_parent_user_id",
        event: Text<'a> = "event",
        direction: Text<'a> = "direction",
        timestamp: Text<'a> = "timestamp",
    }
}

/// The calls by customers that an event tells of as they begin; none when it tells something else.
pub fn calls(event: &OtherEvent) -> Vec<IncomingCall> {
    if event.field.as_ref() != "calls" {
        return Vec::new();
    }
    let value: Calls<'_> = read(&event.value);
    let cards = match value.cards.map(read::<List<_>>) {
        Some(List::Items(cards)) => Cards::new(cards),
        _ => Cards::new(Vec::new()),
    };
    let Some(List::Items(all)) = value.calls.map(read::<List<&RawValue>>) else {
        return Vec::new();
    };
    all.into_iter()
        .filter_map(|raw| call(&read(raw), &cards, event.at))
        .collect()
}

fn call(wire: &WireCall<'_>, cards: &Cards<'_>, told: Option<Timestamp>) -> Option<IncomingCall> {
    // Its end is told, too, at a later time that opens nothing.
    if wire.direction.get()? != "USER_INITIATED" || wire.event.get() == Some("terminate") {
        return None;
    }
    let mut aliases = named(&wire.from, &wire.from_bsuid, &wire.from_parent);
    if let Some(card) = cards.of(wire.from_bsuid.get(), wire.from.get()) {
        card.complete(&mut aliases);
    }
    let at = wire.timestamp.get().and_then(timestamp).or(told)?;
    (!aliases.is_empty()).then_some(IncomingCall { aliases, at })
}
