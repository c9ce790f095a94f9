//! What a business notes of a contact: its own name for it, attributes, labels, lists, who looks after it.
//!
//! Unlike names, none of it comes from Meta: it changes by what the business says, in the order in which it is committed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::consent::{Consent, ConsentPurpose};
use super::contact::Contact;
use super::display_name::{is_one_line, shows};
use super::ids::{AgentId, ListId, PhoneNumberId};

/// A text on one line, of some length, some of which shows.
fn is_line(text: &str, longest: usize) -> bool {
    text.trim() == text && is_one_line(text) && shows(text) && text.chars().count() <= longest
}

macro_rules! line {
    ($(#[$doc:meta])* $name:ident, $longest:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Characters of the longest.
            pub const LONGEST: usize = $longest;

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                if is_line(text, $longest) {
                    Ok(Self(text.into()))
                } else {
                    Err(format!(
                        "must be 1 to {} characters on one line, some of which show, without spaces around them",
                        $longest
                    ))
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0.as_ref().to_owned()
            }
        }

        /// Personal data: the text stays out of logs.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

line!(
    /// What the business calls a contact.
    GivenName,
    128
);
line!(
    /// A word by which a business sorts its contacts.
    ContactLabel,
    64
);

/// What an attribute is known by: 1 to 32 lower-case letters, digits and `_`, a letter first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AttributeKey(Arc<str>);

impl AttributeKey {
    /// The rule, for error messages.
    pub const RULE: &'static str = "1 to 32 lowercase letters (a-z), digits and `_`, with a letter first";

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AttributeKey {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if begins && text.len() <= 32 && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(Self::RULE)
        }
    }
}

impl TryFrom<String> for AttributeKey {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AttributeKey> for String {
    fn from(key: AttributeKey) -> Self {
        key.0.as_ref().to_owned()
    }
}

impl fmt::Display for AttributeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an attribute says. A date is a text, `2026-11-30`. Personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// Yes or no.
    Boolean(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text, or a date.
    Text(AttributeText),
}

line!(
    /// A text that an attribute says.
    AttributeText,
    256
);

impl fmt::Debug for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttributeValue")
    }
}

/// What an attribute may say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeShape {
    /// Any text.
    Text,
    /// A number.
    Number,
    /// A day.
    Date,
    /// Yes or no.
    Boolean,
    /// One of these.
    Choice(Vec<String>),
}

/// One thing that a business changes about a contact. Whatever it is already, it stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactChange {
    /// What the business calls it; `None` for nothing.
    GivenName(Option<GivenName>),
    /// What an attribute says; `None` for nothing.
    Attribute(AttributeKey, Option<AttributeValue>),
    /// One more label.
    AddLabel(ContactLabel),
    /// One label less.
    RemoveLabel(ContactLabel),
    /// It stands on one more list.
    AddList(ListId),
    /// On one less.
    RemoveList(ListId),
    /// Who looks after it; `None` for nobody.
    Owner(Option<AgentId>),
    /// Who looks after it from now on, while it is still this one who does.
    HandOver {
        /// Who did.
        from: AgentId,
        /// Who does; `None` for nobody.
        to: Option<AgentId>,
    },
    /// Whether it is under age.
    Minor(Age),
    /// It wants no marketing, as the business has it from elsewhere since this time. What the customer said later stands.
    NoMarketing(Timestamp),
    /// What it agreed to, as the business says.
    Consent(ConsentPurpose, Consent),
    /// A number blocks it.
    Block(PhoneNumberId),
    /// A number blocks it no more.
    Unblock(PhoneNumberId),
}

/// Whether a contact is under age, as far as the business knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// It is.
    Minor,
    /// It is not, or nobody knows.
    Other,
}

/// A contact would have more of something than may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DetailLimit {
    /// Labels.
    #[error("a contact has at most {} labels", Contact::MOST_LABELS)]
    Labels,
    /// Lists.
    #[error("a contact is on at most {} lists", Contact::MOST_LISTS)]
    Lists,
    /// Attributes.
    #[error("a contact has at most {} attributes", Contact::MOST_ATTRIBUTES)]
    Attributes,
    /// Purposes.
    #[error("a contact has consents for at most {} purposes", Contact::MOST_CONSENTS)]
    Consents,
    /// Numbers that block it.
    #[error("at most {} numbers block a contact", Contact::MOST_BLOCKS)]
    Blocks,
}

/// Puts something into its place in an ordered list that has room for `most`.
fn insert<T: Ord>(into: &mut Vec<T>, item: T, most: usize) -> Option<()> {
    if let Err(place) = into.binary_search(&item) {
        (into.len() < most).then_some(())?;
        into.insert(place, item);
    }
    Some(())
}

impl Contact {
    /// Labels of one contact.
    pub const MOST_LABELS: usize = 50;
    /// Lists on which one contact stands.
    pub const MOST_LISTS: usize = 100;
    /// Attributes of one contact.
    pub const MOST_ATTRIBUTES: usize = 50;
    /// Numbers that block one contact.
    pub const MOST_BLOCKS: usize = 100;

    /// Changes what the business notes of it.
    pub fn change(&mut self, change: &ContactChange) -> Result<(), DetailLimit> {
        match change {
            ContactChange::GivenName(name) => self.given_name.clone_from(name),
            ContactChange::Attribute(key, Some(value)) => {
                let room = self.attributes.len() < Self::MOST_ATTRIBUTES;
                if !room && !self.attributes.contains_key(key) {
                    return Err(DetailLimit::Attributes);
                }
                self.attributes.insert(key.clone(), value.clone());
            }
            ContactChange::Attribute(key, None) => {
                self.attributes.remove(key);
            }
            ContactChange::AddLabel(label) => {
                insert(&mut self.labels, label.clone(), Self::MOST_LABELS).ok_or(DetailLimit::Labels)?;
            }
            ContactChange::RemoveLabel(label) => self.labels.retain(|stands| stands != label),
            ContactChange::AddList(list) => {
                insert(&mut self.lists, *list, Self::MOST_LISTS).ok_or(DetailLimit::Lists)?;
            }
            ContactChange::RemoveList(list) => self.lists.retain(|stands| stands != list),
            ContactChange::Owner(owner) => self.owner.clone_from(owner),
            ContactChange::HandOver { from, to } if self.owner.as_ref() == Some(from) => {
                self.owner.clone_from(to);
            }
            ContactChange::HandOver { .. } => {}
            ContactChange::Minor(age) => self.is_minor = *age == Age::Minor,
            // Whoever stopped it before stopped it then.
            ContactChange::NoMarketing(at) if self.opted_out_at.is_none() => {
                self.stop_by_business(*at);
            }
            ContactChange::NoMarketing(_) => {}
            ContactChange::Consent(purpose, consent) => {
                let room = self.consents.len() < Self::MOST_CONSENTS || self.consents.contains_key(purpose);
                room.then(|| self.consent(purpose, consent))
                    .ok_or(DetailLimit::Consents)?;
            }
            ContactChange::Block(number) => {
                insert(&mut self.blocked_on, number.clone(), Self::MOST_BLOCKS).ok_or(DetailLimit::Blocks)?;
            }
            ContactChange::Unblock(number) => self.blocked_on.retain(|stands| stands != number),
        }
        Ok(())
    }

    /// Takes over what was noted of the same person under another contact. Where both say something, this one stands; what
    /// there is no room for stays with the other.
    pub fn adopt_details(&mut self, other: &Self) {
        self.given_name = self.given_name.take().or_else(|| other.given_name.clone());
        self.owner = self.owner.take().or_else(|| other.owner.clone());
        self.is_minor |= other.is_minor;
        for label in &other.labels {
            let _room = insert(&mut self.labels, label.clone(), Self::MOST_LABELS);
        }
        for list in &other.lists {
            let _room = insert(&mut self.lists, *list, Self::MOST_LISTS);
        }
        for (key, value) in &other.attributes {
            if self.attributes.len() < Self::MOST_ATTRIBUTES {
                self.attributes
                    .entry(key.clone())
                    .or_insert_with(|| value.clone());
            }
        }
    }

    /// What agents see first: the business's own name for it, else its own.
    pub fn shown_name(&self) -> Option<&str> {
        let given = self.given_name.as_ref().map(GivenName::as_str);
        given.or(self.name.as_deref()).or(self.username.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Alias, ContactAliases, ContactId, MarketingWish, Purpose, WishSource};

    fn contact(n: u8) -> Contact {
        let aliases = ContactAliases::of([Alias::phone("628123456789").unwrap()]);
        Contact::new(ContactId::from_bytes([n; 16]), &aliases, Timestamp::default())
    }

    fn label(text: &str) -> ContactLabel {
        text.parse().unwrap()
    }

    #[test]
    fn the_same_change_again_changes_nothing() {
        let mut one = contact(1);
        let value: AttributeValue = serde_json::from_str("2").unwrap();
        let changes = [
            ContactChange::GivenName(Some("Ibu Ana".parse().unwrap())),
            ContactChange::Attribute("tier".parse().unwrap(), Some(value)),
            ContactChange::AddLabel(label("vip")),
            ContactChange::AddLabel(label("a")),
            ContactChange::AddList(ListId::from_bytes([3; 16])),
            ContactChange::Owner(Some(AgentId::parse("ana").unwrap())),
            ContactChange::Minor(Age::Minor),
            ContactChange::NoMarketing(Timestamp::from_secs(5)),
        ];
        for change in &changes {
            one.change(change).unwrap();
        }
        assert!(one.refuses(Purpose::Marketing));
        assert_eq!(
            one.change(&ContactChange::NoMarketing(Timestamp::from_secs(6))),
            Ok(())
        );
        assert_eq!(one.opted_out_at, Some(Timestamp::from_secs(5)));
        let before = one.clone();
        for change in &changes {
            one.change(change).unwrap();
        }
        assert!(one == before);
        assert_eq!(one.labels, [label("a"), label("vip")]);
        assert_eq!(one.shown_name(), Some("Ibu Ana"));
        let written = serde_json::to_value(&one).unwrap();
        assert_eq!(written["attributes"], serde_json::json!({"tier": 2}));
        assert!(serde_json::from_value::<Contact>(written).unwrap() == one);
        for change in [
            ContactChange::GivenName(None),
            ContactChange::Attribute("tier".parse().unwrap(), None),
            ContactChange::RemoveLabel(label("vip")),
            ContactChange::RemoveLabel(label("a")),
            ContactChange::RemoveList(ListId::from_bytes([3; 16])),
            ContactChange::Owner(None),
            ContactChange::Minor(Age::Other),
        ] {
            one.change(&change).unwrap();
        }
        assert!(one.wish(
            MarketingWish::Resume(WishSource::Business),
            Timestamp::from_secs(7)
        ));
        one.change(&ContactChange::NoMarketing(Timestamp::from_secs(6)))
            .unwrap();
        assert!(
            !one.refuses(Purpose::Marketing),
            "what the customer said later stands"
        );
        one.opted_in_at = None;
        one.wishes.clear();
        one.consents.clear();
        assert!(one == contact(1));
    }

    #[test]
    fn more_than_there_may_be_is_refused_and_what_is_there_stays() {
        let mut one = contact(1);
        for n in 0..Contact::MOST_LABELS {
            one.change(&ContactChange::AddLabel(label(&n.to_string())))
                .unwrap();
        }
        let over = one.change(&ContactChange::AddLabel(label("over")));
        assert_eq!(over, Err(DetailLimit::Labels));
        assert_eq!(one.change(&ContactChange::AddLabel(label("7"))), Ok(()));
        assert_eq!(one.labels.len(), Contact::MOST_LABELS);
    }

    #[test]
    fn who_turns_out_to_be_the_same_person_brings_what_was_noted_of_them() {
        let (mut one, mut other) = (contact(1), contact(2));
        let text = |text: &str| Some(AttributeValue::Text(text.parse().unwrap()));
        let key = |key: &str| key.parse::<AttributeKey>().unwrap();
        one.change(&ContactChange::AddLabel(label("b"))).unwrap();
        one.change(&ContactChange::Attribute(key("city"), text("Jakarta")))
            .unwrap();
        for change in [
            ContactChange::AddLabel(label("a")),
            ContactChange::Attribute(key("city"), text("Bandung")),
            ContactChange::Attribute(key("pet"), text("cat")),
            ContactChange::Minor(Age::Minor),
        ] {
            other.change(&change).unwrap();
        }
        one.adopt_details(&other);
        assert_eq!(one.labels, [label("a"), label("b")]);
        assert_eq!(one.attributes[&key("city")], text("Jakarta").unwrap());
        assert_eq!(one.attributes[&key("pet")], text("cat").unwrap());
        assert!(one.is_minor);
    }

    #[test]
    fn keys_and_texts_have_a_form() {
        for bad in ["", "1a", "City", "a b", "a-b", &"x".repeat(33)] {
            assert!(bad.parse::<AttributeKey>().is_err(), "{bad}");
        }
        for bad in ["", " a", "a\nb", "\u{200b}", &"x".repeat(65)] {
            assert!(bad.parse::<ContactLabel>().is_err(), "{bad:?}");
        }
        for bad in ["null", "[]", "{}", "\"\"", "\"a\\nb\""] {
            assert!(serde_json::from_str::<AttributeValue>(bad).is_err(), "{bad}");
        }
    }
}
