//! Reads one element of `messages`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::aliases::{Cards, named};
use super::other::Origin;
use super::read::timestamp;
use super::{Amends, IdentityChange, IncomingMessage};
use crate::domain::message::{Amendment, Side, Via};
use crate::domain::{Alias, ContactAliases, Content, ContentKind, PhoneNumberId, Wamid};
use crate::whatsapp::lenient::{Text, lenient_object, read};

/// So many fields are compared with each other; more are sorted.
const FEW: usize = 16;

lenient_object! {
    /// A message on the wire. Everything but its envelope is content.
    struct WireMessage<'a> {
        id: Text<'a> = "id",
        from: Text<'a> = "from",
        from_bsuid: Text<'a> = "from_user_id",
        from_parent: Text<'a> = "from_parent_user_id",
        to: Text<'a> = "to",
        to_bsuid: Text<'a> = "to_user_id",
        to_parent: Text<'a> = "to_parent_user_id",
        timestamp: Text<'a> = "timestamp",
        kind: Text<'a> = "type",
    }
    other: content
}

lenient_object! {
    /// A notice about the customer.
    struct System<'a> {
        kind: Text<'a> = "type",
        phone: Text<'a> = "wa_id" | "new_wa_id",
        bsuid: Text<'a> = "user_id",
        parent: Text<'a> = "parent_user_id",
        previous_bsuid: Text<'a> = "previous_user_id",
        previous_parent: Text<'a> = "previous_parent_user_id",
    }
}

lenient_object! {
    /// A change of another message.
    struct Change<'a> {
        original: Text<'a> = "original_message_id",
        message: Option<&'a RawValue> = "message",
    }
}

/// How a message is told.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// Who wrote it; `None` where its own fields have to say.
    pub(super) by: Option<Side>,
    /// How it came to be known.
    pub(super) via: Option<Via>,
    /// Names of the customer, known from where it stood.
    pub(super) thread: ContactAliases,
}

impl Told {
    /// By the customer, to us.
    pub(super) fn live() -> Self {
        Self::by(Side::Customer, None)
    }

    /// By one side, in a way.
    pub(super) fn by(by: Side, via: Option<Via>) -> Self {
        Self {
            by: Some(by),
            via,
            thread: ContactAliases::default(),
        }
    }

    /// By either side, in a thread with this customer, before the number was connected.
    pub(super) fn imported(customer: Option<&str>) -> Self {
        Self {
            by: None,
            via: Some(Via::History),
            thread: ContactAliases::of(customer.and_then(|id| Alias::phone(id).or_else(|| Alias::bsuid(id)))),
        }
    }

    /// Who wrote it. What the business wrote comes from its own number, or says to whom it went.
    fn side(&self, wire: &WireMessage<'_>, origin: &Origin) -> Side {
        let digits = |text: &str| Alias::phone(text).map(|alias| alias.value);
        let own = origin.display_phone.as_deref().and_then(digits);
        let from = wire.from.get().and_then(digits);
        self.by.unwrap_or_else(|| {
            let to_somebody = wire.to.get().is_some() || wire.to_bsuid.get().is_some();
            if to_somebody || (own.is_some() && own == from) {
                Side::Business
            } else {
                Side::Customer
            }
        })
    }
}

/// Reads a message; `None` when it lacks an id, a customer or a time.
pub(super) fn read_message(
    raw: &RawValue,
    number: &PhoneNumberId,
    origin: &Origin,
    cards: &Cards<'_>,
    context: Option<&RawValue>,
    told: Told,
) -> Option<IncomingMessage> {
    let mut wire: WireMessage<'_> = read(raw);
    drop_repeats(&mut wire.content);
    let wamid = Wamid::parse(wire.id.get()?).ok()?;
    let at = wire.timestamp.get().and_then(timestamp).or(origin.at)?;
    let by = told.side(&wire, origin);
    let (phone, bsuid, parent) = match by {
        Side::Customer => (&wire.from, &wire.from_bsuid, &wire.from_parent),
        Side::Business => (&wire.to, &wire.to_bsuid, &wire.to_parent),
    };
    let mut aliases = named(phone, bsuid, parent);
    if aliases.is_empty() {
        aliases = told.thread;
    }
    let kind = kind_of(&wire);
    let identity_change = if kind == "system" {
        wire.content
            .iter()
            .find(|(key, _)| key == "system")
            .and_then(|(_, system)| read_change(&read(system), &aliases))
    } else {
        None
    };
    let card = cards.of(
        aliases.bsuid.as_ref().map(|alias| &*alias.value),
        aliases.phone.as_ref().map(|alias| &*alias.value),
    );
    if let Some(change) = &identity_change {
        aliases = change.from.clone();
    } else if let Some(card) = card {
        card.complete(&mut aliases);
    }
    let may_be_nobodys = by == Side::Business && told.via == Some(Via::History);
    if aliases.is_empty() && !may_be_nobodys {
        aliases = named_by_system(&wire)?;
    }
    let group_id = wire
        .content
        .iter()
        .find(|(key, _)| key == "group_id")
        .and_then(|(_, raw)| read::<Text<'_>>(raw).get().map(Arc::from));
    Some(IncomingMessage {
        number: number.clone(),
        by,
        via: told.via,
        display_phone: origin.display_phone.clone(),
        waba: origin.waba.clone(),
        aliases,
        name: card.and_then(|card| card.name()),
        username: card.and_then(|card| card.username()),
        wamid,
        at,
        content: content(&kind, &wire.content, context)?,
        group_id,
        identity_change,
        amends: read_amends(&kind, &wire.content),
    })
}

/// The change of another message; `None` when it is none, or does not say of which.
fn read_amends(kind: &str, fields: &[(Cow<'_, str>, &RawValue)]) -> Option<Amends> {
    if !matches!(kind, "edit" | "revoke") {
        return None;
    }
    let (_, raw) = fields.iter().find(|(key, _)| key == kind)?;
    let change: Change<'_> = read(raw);
    let original = Wamid::parse(change.original.get()?).ok()?;
    let change = if kind == "revoke" {
        Amendment::Revoked
    } else {
        let mut edited: WireMessage<'_> = read(change.message?);
        drop_repeats(&mut edited.content);
        Amendment::Edited(content(&kind_of(&edited), &edited.content, None)?)
    };
    Some(Amends { original, change })
}

/// The message's type; without one, the first object that is named like a known type.
fn kind_of<'a>(wire: &'a WireMessage<'a>) -> Cow<'a, str> {
    if let Some(kind) = wire.kind.get() {
        return Cow::Borrowed(kind);
    }
    let known = |key: &&str| !matches!(ContentKind::of(key), ContentKind::Other(_) | ContentKind::Note);
    let named = wire.content.iter().map(|(key, _)| key.as_ref()).find(known);
    Cow::Borrowed(named.unwrap_or("unknown"))
}

/// The change that a notice tells; `None` when it is about something else, or names nothing new.
fn read_change(system: &System<'_>, sender: &ContactAliases) -> Option<IdentityChange> {
    let kind = system.kind.get()?;
    if !(kind.starts_with("user_changed") || kind == "customer_changed_number") {
        return None;
    }
    let previous = named(&Text::default(), &system.previous_bsuid, &system.previous_parent);
    let from = ContactAliases {
        phone: sender.phone.clone(),
        bsuid: previous.bsuid.or_else(|| sender.bsuid.clone()),
        parent_bsuid: previous.parent_bsuid.or_else(|| sender.parent_bsuid.clone()),
        group: None,
    };
    let mut to = named(&system.phone, &system.bsuid, &system.parent);
    if to.bsuid.is_none() && from.bsuid != sender.bsuid {
        // The notice names the id before, and comes from the new one.
        to.bsuid.clone_from(&sender.bsuid);
    }
    let old = |alias| from.strongest_first().any(|known| known == alias);
    let news = to.strongest_first().any(|alias| !old(alias));
    (news && !from.is_empty()).then_some(IdentityChange { from, to })
}

/// Names that a notice without sender gives.
fn named_by_system(wire: &WireMessage<'_>) -> Option<ContactAliases> {
    let (_, raw) = wire.content.iter().find(|(key, _)| key == "system")?;
    let system: System<'_> = read(raw);
    Some(named(&system.phone, &system.bsuid, &system.parent)).filter(|aliases| !aliases.is_empty())
}

/// What a group's message answers, without the names of whom: the quoted message's id leads there, for as long as that
/// message is kept.
fn without_names(context: &RawValue) -> Option<serde_json::Map<String, serde_json::Value>> {
    let mut quoted: serde_json::Map<_, _> = serde_json::from_str(context.get()).ok()?;
    quoted.retain(|key, _| key != "from" && !key.starts_with("from_"));
    Some(quoted)
}

/// Of a repeated key, the last one counts.
fn drop_repeats(fields: &mut Vec<(Cow<'_, str>, &RawValue)>) {
    let repeats = fields.len() > FEW
        || fields
            .iter()
            .enumerate()
            .any(|(place, (key, _))| fields.iter().skip(place + 1).any(|(later, _)| later == key));
    if repeats {
        let mut seen = BTreeSet::new();
        fields.reverse();
        fields.retain(|(key, _)| seen.insert(key.clone()));
        fields.reverse();
    }
}

/// Writes the content: `type` first, then everything that came beside it.
fn content(kind: &str, fields: &[(Cow<'_, str>, &RawValue)], context: Option<&RawValue>) -> Option<Content> {
    struct Fields<'a> {
        kind: &'a str,
        fields: &'a [(Cow<'a, str>, &'a RawValue)],
        context: Option<&'a RawValue>,
    }
    impl Serialize for Fields<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("type", self.kind)?;
            let mut context = self.context;
            let in_group = self.fields.iter().any(|(key, _)| key == "group_id");
            // Further fields that name somebody are no content.
            for (key, raw) in self
                .fields
                .iter()
                .filter(|(key, _)| !key.starts_with("from_") && !key.starts_with("to_"))
            {
                if key == "conversation_context" {
                    context = None;
                }
                if in_group && key == "context" {
                    if let Some(quoted) = without_names(raw) {
                        map.serialize_entry(key.as_ref(), &quoted)?;
                    }
                    continue;
                }
                map.serialize_entry(key.as_ref(), raw)?;
            }
            if let Some(context) = context {
                map.serialize_entry("conversation_context", context)?;
            }
            map.end()
        }
    }
    let fields = Fields {
        kind,
        fields,
        context,
    };
    let json = serde_json::value::to_raw_value(&fields).ok()?;
    Some(Content::from_raw(ContentKind::of(kind), json))
}
