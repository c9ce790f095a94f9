//! Customers and groups, and the aliases by which Meta names them.
//!
//! Since 2026 a webhook may carry no phone number at all, and a BSUID changes when its owner changes numbers. So a contact
//! has an id of ours; phone, BSUID and parent BSUID only point to it. Two contacts that turn out to be one person are
//! *linked*, never rewritten. A group is a contact of its own, known by Meta's id of it alone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::cards::Card;
use super::clock::Timestamp;
use super::consent::{Consent, ConsentPurpose, WishSource};
use super::contact_details::{AttributeKey, AttributeValue, ContactLabel, GivenName};
use super::ids::{AgentId, ContactId, ListId, PhoneNumberId, TenantId, digest16};
use super::naming::{FormerName, TakenName};
use super::national;
use super::pending::PendingChange;
use super::reach::Unreachable;

/// More contacts than this are not one person.
const MOST_LINKED: usize = 32;

/// What kind of name an alias is, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AliasKind {
    /// Spans enrolled portfolios: `US.ENT.…`.
    ParentBsuid,
    /// Business-scoped user id, unique per portfolio and user: `US.…`.
    Bsuid,
    /// `wa_id`: digits only, with country code.
    Phone,
    /// Meta's id of a group.
    Group,
}

impl AliasKind {
    /// A stable one-byte form for keys.
    pub const fn code(self) -> u8 {
        match self {
            Self::ParentBsuid => 1,
            Self::Bsuid => 2,
            Self::Phone => 3,
            Self::Group => 4,
        }
    }
}

/// One name of a contact. Personal data: `Debug` shows only a digest.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alias {
    /// What kind of name it is.
    pub kind: AliasKind,
    /// The name, exactly as received; a phone as digits only.
    pub value: Arc<str>,
}

impl Alias {
    /// A phone number; everything but digits is dropped. `None` unless 5 to 20 digits remain.
    pub fn phone(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let clean = text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.'));
        (clean && (5..=20).contains(&digits.len())).then(|| Self {
            kind: AliasKind::Phone,
            value: digits.into(),
        })
    }

    /// What [`dialled`](Self::dialled) accepts, for error messages.
    pub const DIALLED: &'static str =
        "a phone number with its country code and without `(0)`, such as +62 812 3456 789";

    /// A phone number as people and programs write one, with its country's code. `None` where dropping what is no digit would
    /// make another number of it: `(0)` is dialled within a country only, and `628123456.0` is a spreadsheet's.
    pub fn dialled(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('+').unwrap_or(text);
        let mut groups = text.split(|c: char| !c.is_ascii_digit());
        let has_lone_zero = groups.clone().any(|group| group == "0");
        let is_fraction = text.contains('.') && groups.clone().count() == 2;
        // No country's code begins with a zero.
        let begins_with_zero = groups.find(|group| !group.is_empty())?.starts_with('0');
        let is_refused = text.contains('+') || has_lone_zero || is_fraction || begins_with_zero;
        let phone = Self::phone(text).filter(|phone| phone.value.len() <= 15)?;
        (!is_refused).then_some(phone)
    }

    /// A BSUID or parent BSUID: two letters, a dot, and up to 128 letters or digits. `None` when the text is neither.
    pub fn bsuid(text: &str) -> Option<Self> {
        let (country, rest) = text.split_once('.')?;
        let (kind, id) = match rest.strip_prefix("ENT.") {
            Some(id) => (AliasKind::ParentBsuid, id),
            None => (AliasKind::Bsuid, rest),
        };
        let country_ok = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_alphabetic());
        let id_ok = (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (country_ok && id_ok).then(|| Self {
            kind,
            value: text.into(),
        })
    }

    /// A group, by Meta's id, which is opaque: 1 to 256 visible ASCII characters. `None` when the text is none.
    pub fn group(text: &str) -> Option<Self> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        (visible && (1..=256).contains(&text.len())).then(|| Self {
            kind: AliasKind::Group,
            value: text.into(),
        })
    }

    /// The name in every form in which it may be written, this one first: a phone number may have two.
    pub fn forms(&self) -> impl Iterator<Item = Self> + use<> {
        let other = match self.kind {
            AliasKind::Phone => national::other_form(&self.value),
            AliasKind::ParentBsuid | AliasKind::Bsuid | AliasKind::Group => None,
        };
        let kind = self.kind;
        std::iter::once(self.clone()).chain(other.map(|value| Self { kind, value }))
    }

    /// The key under which the alias is found: a digest, since keys hold no personal data.
    pub fn key(&self, tenant: TenantId) -> [u8; 16] {
        digest16(&[
            &tenant.get().to_be_bytes(),
            &[self.kind.code()],
            self.value.as_bytes(),
        ])
    }
}

impl fmt::Debug for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = digest16(&[self.value.as_bytes()]);
        write!(
            f,
            "{:?}:{}",
            self.kind,
            super::ids::hex(digest.get(..4).unwrap_or_default())
        )
    }
}

/// All names that one webhook or one request gave for a contact. At least one is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactAliases {
    /// Spans portfolios.
    pub parent_bsuid: Option<Alias>,
    /// Within the portfolio.
    pub bsuid: Option<Alias>,
    /// The phone, when Meta shares it.
    pub phone: Option<Alias>,
    /// Meta's id of a group, which goes by no other name.
    pub group: Option<Alias>,
}

impl ContactAliases {
    /// The given aliases sorted into their places.
    pub fn of(aliases: impl IntoIterator<Item = Alias>) -> Self {
        let mut all = Self::default();
        for alias in aliases {
            match alias.kind {
                AliasKind::ParentBsuid => all.parent_bsuid = Some(alias),
                AliasKind::Bsuid => all.bsuid = Some(alias),
                AliasKind::Phone => all.phone = Some(alias),
                AliasKind::Group => all.group = Some(alias),
            }
        }
        all
    }

    /// The aliases, strongest first: parent BSUID, BSUID, phone; or the group.
    pub fn strongest_first(&self) -> impl Iterator<Item = &Alias> {
        [&self.parent_bsuid, &self.bsuid, &self.phone, &self.group]
            .into_iter()
            .flatten()
    }

    /// The alias of a kind.
    pub const fn of_kind(&self, kind: AliasKind) -> Option<&Alias> {
        match kind {
            AliasKind::ParentBsuid => self.parent_bsuid.as_ref(),
            AliasKind::Bsuid => self.bsuid.as_ref(),
            AliasKind::Phone => self.phone.as_ref(),
            AliasKind::Group => self.group.as_ref(),
        }
    }

    /// Leaves out the alias of a kind.
    pub fn forget(&mut self, kind: AliasKind) {
        match kind {
            AliasKind::ParentBsuid => self.parent_bsuid = None,
            AliasKind::Bsuid => self.bsuid = None,
            AliasKind::Phone => self.phone = None,
            AliasKind::Group => self.group = None,
        }
    }

    /// Whether no alias is known.
    pub fn is_empty(&self) -> bool {
        self.strongest_first().next().is_none()
    }

    /// The id that a contact first seen under these aliases gets. Deterministic, so that a replay finds it again.
    pub fn new_contact_id(&self, tenant: TenantId) -> Option<ContactId> {
        self.strongest_first().next().map(|alias| {
            ContactId::from_bytes(digest16(&[
                b"contact",
                &tenant.get().to_be_bytes(),
                &[alias.kind.code()],
                alias.value.as_bytes(),
            ]))
        })
    }
}

/// A customer or a group as stored. The phone is absent for users who keep it private.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Our own id.
    pub id: ContactId,
    /// Digits with country code, as Meta gave them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone: Option<Arc<str>>,
    /// Business-scoped user id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bsuid: Option<Arc<str>>,
    /// Further ones, by which other portfolios know whoever has this parent BSUID.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub bsuids: Vec<Arc<str>>,
    /// Parent BSUID.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent_bsuid: Option<Arc<str>>,
    /// Meta's id, if it is a group.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub group_id: Option<Arc<str>>,
    /// Profile name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<Arc<str>>,
    /// User name, if one was adopted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub username: Option<Arc<str>>,
    /// What the business calls it, whatever it calls itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub given_name: Option<GivenName>,
    /// What else the business notes of it, by its own keys.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub attributes: BTreeMap<AttributeKey, AttributeValue>,
    /// Words by which the business sorts its contacts, in order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub labels: Vec<ContactLabel>,
    /// Lists on which it stands, in order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub lists: Vec<ListId>,
    /// Who looks after it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<AgentId>,
    /// Whether the business knows it to be under age.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub is_minor: bool,
    /// The contact that turned out to be the same person, if any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub linked_to: Option<ContactId>,
    /// Contacts that turned out to be this person.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub linked: Vec<ContactId>,
    /// The contact under which the same customer is shown, if somebody merged this one into it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub merged_into: Option<ContactId>,
    /// Contacts that somebody merged into this one.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub merged: Vec<Card>,
    /// Since when the names are known to be these, by Meta's time; absent while nobody but a caller gave any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub named_at: Option<Timestamp>,
    /// Names that it went by. They find the contact, and nobody is written to under them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub former: Vec<FormerName>,
    /// Names that somebody else had before it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub taken: Vec<TakenName>,
    /// Changes that it asked for, to messages that it is not known to have written.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub pending: Vec<PendingChange>,
    /// Since when the customer wants no marketing, by Meta's time; absent while nothing is known against it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub opted_out_at: Option<Timestamp>,
    /// How that became known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub opted_out_by: Option<WishSource>,
    /// When the customer last said to want marketing again, by Meta's time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub opted_in_at: Option<Timestamp>,
    /// That messages do not reach it; absent while none is known to have missed it since it was reached last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unreachable: Option<Unreachable>,
    /// What it agreed to or not, by purpose, as it was said last.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub consents: BTreeMap<ConsentPurpose, Consent>,
    /// What it said itself of marketing, or Meta for it, in order of time.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub wishes: Vec<Consent>,
    /// Numbers that block it, in order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub blocked_on: Vec<PhoneNumberId>,
    /// Numbers on which there is a conversation with it, and perhaps some on which there was one, in order: it is found by them. Whoever
    /// may not know all numbers sees the contact, so that it is [left out](Self::shown) where contacts are shown.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub talked_on: Vec<PhoneNumberId>,
    /// When the contact was first seen.
    pub created: Timestamp,
    /// When anything of it last changed.
    pub updated: Timestamp,
}

impl Contact {
    /// A contact first seen now.
    pub fn new(id: ContactId, aliases: &ContactAliases, now: Timestamp) -> Self {
        let mut contact = Self {
            id,
            phone: None,
            bsuid: None,
            bsuids: Vec::new(),
            parent_bsuid: None,
            group_id: None,
            name: None,
            username: None,
            given_name: None,
            attributes: BTreeMap::new(),
            labels: Vec::new(),
            lists: Vec::new(),
            owner: None,
            is_minor: false,
            linked_to: None,
            linked: Vec::new(),
            merged_into: None,
            merged: Vec::new(),
            named_at: None,
            former: Vec::new(),
            taken: Vec::new(),
            pending: Vec::new(),
            opted_out_at: None,
            opted_out_by: None,
            opted_in_at: None,
            unreachable: None,
            consents: BTreeMap::new(),
            wishes: Vec::new(),
            blocked_on: Vec::new(),
            talked_on: Vec::new(),
            created: now,
            updated: now,
        };
        contact.fill(aliases);
        contact
    }

    /// Notes that another contact turned out to be this person; says whether that is news.
    pub fn lead(&mut self, other: ContactId) -> bool {
        let news = other != self.id && !self.linked.contains(&other) && self.linked.len() < MOST_LINKED;
        if news {
            self.linked.push(other);
        }
        news
    }

    /// Notes that there is a conversation on a number; says whether that is news.
    pub fn talk_on(&mut self, number: &PhoneNumberId) -> bool {
        let Err(place) = self.talked_on.binary_search(number) else {
            return false;
        };
        self.talked_on.insert(place, number.clone());
        true
    }

    /// Whether there may be a conversation on a number: rows that were written before that was noted do not say.
    pub fn may_talk_on(&self, number: &PhoneNumberId) -> bool {
        self.talked_on.is_empty() || self.all_numbers().any(|known| known == number)
    }

    /// As it is shown: without what it is only found by.
    #[must_use]
    pub fn shown(mut self) -> Self {
        self.talked_on.clear();
        self.merged = self.merged.into_iter().map(Card::shown).collect();
        self
    }

    /// The aliases by which every number of the business reaches it: where several portfolios know it, the parent id spans them.
    pub fn reach(&self) -> ContactAliases {
        let mut aliases = self.aliases();
        if !self.bsuids.is_empty() && aliases.parent_bsuid.is_some() {
            aliases.bsuid = None;
        }
        aliases
    }

    /// The aliases that are known now.
    pub fn aliases(&self) -> ContactAliases {
        let alias = |kind, value: &Option<Arc<str>>| value.clone().map(|value| Alias { kind, value });
        ContactAliases {
            parent_bsuid: alias(AliasKind::ParentBsuid, &self.parent_bsuid),
            bsuid: alias(AliasKind::Bsuid, &self.bsuid),
            phone: alias(AliasKind::Phone, &self.phone),
            group: alias(AliasKind::Group, &self.group_id),
        }
    }

    /// Every name that this contact goes or went by.
    pub fn all_names(&self) -> Vec<Alias> {
        let current = self.aliases();
        let bsuids = self.bsuids.iter().filter_map(|bsuid| Alias::bsuid(bsuid));
        let former = self.former.iter().map(|name| Alias {
            kind: name.kind,
            value: Arc::clone(&name.value),
        });
        let current = current.strongest_first().cloned();
        current.chain(bsuids).chain(former).collect()
    }
}

/// The way along links, from a contact to the person that it turned out to be.
#[derive(Debug, Default)]
pub struct Links(Vec<ContactId>);

impl Links {
    /// Where to go on from a contact; `None` where the way ends. Damaged rows may lead in a circle: it ends where it closes.
    pub fn after(&mut self, contact: &Contact) -> Option<ContactId> {
        self.0.push(contact.id);
        contact.linked_to.filter(|next| !self.0.contains(next))
    }
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contact({})", self.id)
    }
}

#[cfg(test)]
mod tests;
