//! Reads `user_preferences`: whether customers want marketing.
//! Source: Cloud API, User preferences webhook (Nov 5 2025), Business-scoped user IDs (May 7 2026).

use serde_json::value::RawValue;

use super::OtherEvent;
use super::aliases::{Cards, named};
use super::read::timestamp;
use crate::domain::{ContactAliases, MarketingWish, Timestamp, WishSource};
use crate::whatsapp::lenient::{List, Text, lenient_object, read};

/// What one customer wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// Names of the customer. Never empty.
    pub aliases: ContactAliases,
    /// What was said.
    pub wish: MarketingWish,
    /// Meta's time, if told.
    pub at: Option<Timestamp>,
}

lenient_object! {
    /// The field's value.
    struct Preferences<'a> {
        cards: Option<&'a RawValue> = "contacts",
        preferences: Option<&'a RawValue> = "user_preferences",
    }
}

lenient_object! {
    /// One preference on the wire.
    struct WirePreference<'a> {
        phone: Text<'a> = "wa_id",
        bsuid: Text<'a> = "user_id",
        parent: Text<'a> = "parent_user_id",
        category: Text<'a> = "category",
        value: Text<'a> = "value",
        timestamp: Text<'a> = "timestamp",
    }
}

/// The preferences that an event tells; none when it tells something else.
pub fn preferences(event: &OtherEvent) -> Vec<Preference> {
    if event.field.as_ref() != "user_preferences" {
        return Vec::new();
    }
    let value: Preferences<'_> = read(&event.value);
    let cards = match value.cards.map(read::<List<_>>) {
        Some(List::Items(cards)) => Cards::new(cards),
        _ => Cards::new(Vec::new()),
    };
    let Some(List::Items(all)) = value.preferences.map(read::<List<&RawValue>>) else {
        return Vec::new();
    };
    all.into_iter()
        .filter_map(|raw| preference(&read(raw), &cards, event.at))
        .collect()
}

fn preference(wire: &WirePreference<'_>, cards: &Cards<'_>, told: Option<Timestamp>) -> Option<Preference> {
    // Other categories may come; of this one, `signup` is about something else.
    if wire
        .category
        .get()
        .is_some_and(|category| category != "marketing_messages")
    {
        return None;
    }
    let wish = match wire.value.get()? {
        "stop" => MarketingWish::Stop(WishSource::Preference),
        "resume" => MarketingWish::Resume(WishSource::Preference),
        _ => return None,
    };
    let mut aliases = named(&wire.phone, &wire.bsuid, &wire.parent);
    if let Some(card) = cards.of(wire.bsuid.get(), wire.phone.get()) {
        card.complete(&mut aliases);
    }
    (!aliases.is_empty()).then(|| Preference {
        aliases,
        wish,
        at: wire.timestamp.get().and_then(timestamp).or(told),
    })
}
