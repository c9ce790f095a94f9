//! Names of customers, and which contact card belongs to whom.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{Alias, AliasKind, ContactAliases, display_name};
use crate::whatsapp::lenient::{Text, lenient_object};

/// Lists of this length and more are indexed instead of searched.
const INDEXED_FROM: usize = 8;

/// The longest BSUID that is kept. Source: Cloud API, Business-scoped user IDs (May 7 2026).
const LONGEST_BSUID_BYTES: usize = 140;

lenient_object! {
    /// A card of `contacts`.
    struct Card<'a> {
        profile: Profile<'a> = "profile",
        phone: Text<'a> = "wa_id",
        bsuid: Text<'a> = "user_id",
        parent_bsuid: Text<'a> = "parent_user_id",
    }
}

lenient_object! {
    /// What a card says about the person.
    struct Profile<'a> {
        name: Text<'a> = "name",
        username: Text<'a> = "username",
    }
}

impl Card<'_> {
    /// Profile name, if anything of it shows.
    pub(super) fn name(&self) -> Option<Arc<str>> {
        self.profile.name.get().and_then(display_name)
    }

    /// User name; Meta writes it with and without `@`.
    pub(super) fn username(&self) -> Option<Arc<str>> {
        let name = self.profile.username.get()?;
        display_name(name.strip_prefix('@').unwrap_or(name))
    }

    /// Adds the names that the aliases lack.
    pub(super) fn complete(&self, aliases: &mut ContactAliases) {
        let card = named(&self.phone, &self.bsuid, &self.parent_bsuid);
        aliases.phone = aliases.phone.take().or(card.phone);
        aliases.bsuid = aliases.bsuid.take().or(card.bsuid);
        aliases.parent_bsuid = aliases.parent_bsuid.take().or(card.parent_bsuid);
    }
}

/// The names that three fields give.
pub(super) fn named(phone: &Text<'_>, bsuid: &Text<'_>, parent: &Text<'_>) -> ContactAliases {
    ContactAliases::of(
        [
            parent.get().and_then(|text| opaque(AliasKind::ParentBsuid, text)),
            bsuid
                .get()
                .and_then(|text| Alias::bsuid(text).or_else(|| opaque(AliasKind::Bsuid, text))),
            phone.get().and_then(Alias::phone),
        ]
        .into_iter()
        .flatten(),
    )
}

/// A BSUID of a form that is not documented; Meta's own samples hold some.
fn opaque(kind: AliasKind, text: &str) -> Option<Alias> {
    let fits = text.len() <= LONGEST_BSUID_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| Alias {
        kind,
        value: text.into(),
    })
}

/// One of a card's texts.
type CardField<'a> = for<'card> fn(&'card Card<'a>) -> Option<&'card str>;

/// The cards of one value, found by BSUID, then by phone, never by their place in the list.
pub(super) struct Cards<'a> {
    cards: Vec<Card<'a>>,
    by_bsuid: HashMap<String, usize>,
    by_phone: HashMap<String, usize>,
}

impl<'a> Cards<'a> {
    /// Takes the cards.
    pub(super) fn new(cards: Vec<Card<'a>>) -> Self {
        let index = |field: CardField<'a>| {
            if cards.len() < INDEXED_FROM {
                return HashMap::new();
            }
            cards
                .iter()
                .enumerate()
                .filter_map(|(place, card)| Some((field(card)?.to_owned(), place)))
                .collect()
        };
        Self {
            by_bsuid: index(|card| card.bsuid.get()),
            by_phone: index(|card| card.phone.get()),
            cards,
        }
    }

    /// The card of a person.
    pub(super) fn of(&self, bsuid: Option<&str>, phone: Option<&str>) -> Option<&Card<'a>> {
        let phone = phone.map(|phone| phone.strip_prefix('+').unwrap_or(phone));
        let by_bsuid = bsuid.and_then(|bsuid| self.find(&self.by_bsuid, bsuid, |card| card.bsuid.get()));
        by_bsuid.or_else(|| phone.and_then(|phone| self.find(&self.by_phone, phone, |card| card.phone.get())))
    }

    fn find(&self, index: &HashMap<String, usize>, wanted: &str, field: CardField<'a>) -> Option<&Card<'a>> {
        if self.cards.len() < INDEXED_FROM {
            return self.cards.iter().find(|card| field(card) == Some(wanted));
        }
        index.get(wanted).and_then(|place| self.cards.get(*place))
    }
}
