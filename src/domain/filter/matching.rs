//! Whether a contact is meant.

use super::{Age, Condition, Filter, Match, Moment, Order, Owner, Part, Test, Unit, When};
use crate::domain::clock::Timestamp;
use crate::domain::contact::Contact;
use crate::domain::contact_details::{AttributeKey, AttributeValue};
use crate::domain::contact_terms::{fold, words};
use crate::domain::date::Date;
use crate::domain::ids::{AgentId, PhoneNumberId};
use crate::domain::national;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a filter looks at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The contact.
    pub contact: &'a Contact,
    /// When anything last happened in a conversation with it. Read where the filter [needs it](Filter::needs_conversations).
    pub last_active: Option<Timestamp>,
    /// The numbers on which there is one. The same.
    pub numbers: &'a [PhoneNumberId],
    /// Who asks.
    pub asker: Option<&'a AgentId>,
    /// When.
    pub now: Timestamp,
}

/// Texts of a contact as they are compared: folded when a condition first asks, and once.
struct Folded<'a> {
    contact: &'a Contact,
    names: OnceCell<Vec<String>>,
    words: OnceCell<Vec<String>>,
    labels: OnceCell<Vec<String>>,
    attributes: OnceCell<BTreeMap<&'a AttributeKey, String>>,
}

impl<'a> Folded<'a> {
    const fn of(contact: &'a Contact) -> Self {
        Self {
            contact,
            names: OnceCell::new(),
            words: OnceCell::new(),
            labels: OnceCell::new(),
            attributes: OnceCell::new(),
        }
    }

    fn names(&self) -> &[String] {
        self.names
            .get_or_init(|| self.contact.name_texts().map(fold).collect())
    }

    fn words(&self) -> &[String] {
        self.words.get_or_init(|| self.contact.name_words().collect())
    }

    fn labels(&self) -> &[String] {
        let labels = || self.contact.labels.iter().map(|label| fold(label.as_str()));
        self.labels.get_or_init(|| labels().collect())
    }

    fn attribute(&self, key: &AttributeKey) -> Option<&str> {
        let texts = || {
            let attributes = self.contact.attributes.iter();
            attributes.filter_map(|(key, value)| match value {
                AttributeValue::Text(text) => Some((key, fold(text.as_str()))),
                AttributeValue::Number(_) | AttributeValue::Boolean(_) => None,
            })
        };
        let attributes = self.attributes.get_or_init(|| texts().collect());
        attributes.get(key).map(String::as_str)
    }
}

impl Filter {
    /// Whether it means this contact.
    pub fn matches(&self, facts: Facts<'_>) -> bool {
        self.holds(facts, &Folded::of(facts.contact))
    }

    fn holds(&self, facts: Facts<'_>, folded: &Folded<'_>) -> bool {
        match self {
            Self::All(inner) => inner.iter().all(|filter| filter.holds(facts, folded)),
            Self::Any(inner) => inner.iter().any(|filter| filter.holds(facts, folded)),
            Self::Not(inner) => !inner.holds(facts, folded),
            Self::Is(condition) => condition.holds(facts, folded),
        }
    }
}

impl Condition {
    fn holds(&self, facts: Facts<'_>, folded: &Folded<'_>) -> bool {
        let contact = facts.contact;
        match self {
            Self::Label(label) => folded.labels().contains(&fold(label.as_str())),
            Self::List(list) => contact.lists.contains(list),
            Self::Number(number) => facts.numbers.contains(number),
            Self::Owner(Owner::Nobody) => contact.owner.is_none(),
            Self::Owner(Owner::Me) => facts.asker.is_some() && contact.owner.as_ref() == facts.asker,
            Self::Owner(Owner::User(user)) => contact.owner.as_ref() == Some(user),
            Self::OptedOut => contact.opted_out_at.is_some(),
            Self::Unreachable => contact.unreachable.is_some(),
            Self::IsMinor => contact.is_minor,
            Self::Name(how, text) => is_named(folded, *how, text),
            Self::Phone(how, digits) => contact.phones().any(|phone| match how {
                Match::Whole => national::is_same(phone, digits),
                Match::Begins => phone.starts_with(digits.as_str()),
            }),
            Self::Attribute(key, Test::Text(how, text)) => {
                folded.attribute(key).is_some_and(|has| match how {
                    Match::Whole => has == fold(text),
                    Match::Begins => has.starts_with(&fold(text)),
                })
            }
            Self::Attribute(key, test) => contact.attributes.get(key).is_some_and(|value| test.holds(value)),
            Self::Has(part) => part.is_there(facts),
            Self::Time(moment, order, when) => {
                let at = match moment {
                    Moment::Created => Some(contact.created),
                    Moment::LastActive => facts.last_active,
                };
                at.is_some_and(|at| when.holds(at, *order, facts.now))
            }
        }
    }
}

/// A name as a whole, or all words of the text as beginnings of words of the names.
fn is_named(folded: &Folded<'_>, how: Match, text: &str) -> bool {
    match how {
        Match::Whole => folded.names().contains(&fold(text)),
        Match::Begins => {
            let wanted = words(text);
            if wanted.is_empty() {
                let text = fold(text);
                return folded.names().iter().any(|name| name.starts_with(&text));
            }
            let has = folded.words();
            let begins = |wanted: &String| has.iter().any(|word| word.starts_with(wanted.as_str()));
            wanted.iter().all(begins)
        }
    }
}

impl Test {
    fn holds(&self, value: &AttributeValue) -> bool {
        match (self, value) {
            (Self::Number(order, wanted), AttributeValue::Number(number)) => {
                number.as_f64().is_some_and(|number| order.holds(&number, wanted))
            }
            (Self::Day(order, wanted), AttributeValue::Text(text)) => {
                let day = text.as_str().parse::<Date>();
                day.is_ok_and(|day| order.holds(&day, wanted))
            }
            (Self::Truth(wanted), AttributeValue::Boolean(truth)) => truth == wanted,
            _ => false,
        }
    }
}

impl Order {
    fn holds<T: PartialOrd>(self, value: &T, wanted: &T) -> bool {
        match self {
            Self::Less => value < wanted,
            Self::AtMost => value <= wanted,
            Self::Same => value == wanted,
            Self::AtLeast => value >= wanted,
            Self::More => value > wanted,
        }
    }
}

impl When {
    fn holds(self, at: Timestamp, order: Order, now: Timestamp) -> bool {
        match self {
            Self::Day(day) => order.holds(&Date::of(at), &day),
            Self::Age(age) => order.holds(&now.since(at), &age.length()),
        }
    }
}

impl Age {
    /// How long it is.
    pub const fn length(self) -> Duration {
        let hours = match self.unit {
            Unit::Hours => 1,
            Unit::Days => 24,
            Unit::Weeks => 7 * 24,
        };
        Duration::from_secs(3_600 * hours).saturating_mul(self.count)
    }
}

impl Part {
    fn is_there(&self, facts: Facts<'_>) -> bool {
        let contact = facts.contact;
        let has = |key: &AttributeKey| contact.attributes.contains_key(key);
        let cards = || contact.merged.iter();
        match self {
            Self::Attribute(key) => has(key),
            Self::Name => {
                let mut names = cards().map(|card| &card.name);
                contact.given_name.is_some() || contact.name.is_some() || names.any(Option::is_some)
            }
            Self::Username => contact.username.is_some() || cards().any(|card| card.username.is_some()),
            Self::Phone => contact.phones().next().is_some(),
            Self::Label => !contact.labels.is_empty(),
            Self::List => !contact.lists.is_empty(),
            Self::Conversation => !facts.numbers.is_empty(),
        }
    }
}
