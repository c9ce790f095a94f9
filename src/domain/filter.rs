//! The language in which callers say which contacts they mean: `label = "vip" and not opted_out`.
//!
//! A text is parsed once, with errors that say where and what was expected; printed back it reads the same everywhere. What it
//! means is two-valued: a condition on what a contact does not have does not hold, so its `not` does. `docs/api.md` has the grammar.

mod definitions;
mod matching;
mod parse;
mod print;
mod terms;
mod tokens;
mod words;

use super::contact_details::{AttributeKey, ContactLabel};
use super::date::Date;
use super::ids::{AgentId, ListId, PhoneNumberId};

pub use definitions::Definitions;
pub use matching::Facts;
pub use terms::{AnyTerm, ToldByTerms};
pub use words::Named;

/// Characters of a filter.
pub const LONGEST: usize = 2_000;
/// Conditions of a filter: each is compared with each contact that is looked at.
pub const MOST_CONDITIONS: usize = 50;
/// How deep parentheses and `not` may stand in each other.
pub const DEEPEST: usize = 16;

/// Which contacts are meant. The default means all.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of these hold. Where there are none, everybody is meant.
    All(Vec<Filter>),
    /// One of these holds.
    Any(Vec<Filter>),
    /// This does not hold.
    Not(Box<Filter>),
    /// This holds.
    Is(Condition),
}

/// What is looked at in a contact.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// It has the label.
    Label(ContactLabel),
    /// It is in the list.
    List(ListId),
    /// It has a conversation on the number.
    Number(PhoneNumberId),
    /// Who looks after it.
    Owner(Owner),
    /// It wants no marketing.
    OptedOut,
    /// Messages do not reach it.
    Unreachable,
    /// It is a minor's.
    IsMinor,
    /// One of its names.
    Name(Match, String),
    /// Its phone; digits alone.
    Phone(Match, String),
    /// A field of the business's own.
    Attribute(AttributeKey, Test),
    /// It has it at all.
    Has(Part),
    /// When something was.
    Time(Moment, Order, When),
}

/// Who looks after a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Whoever asks.
    Me,
    /// Nobody.
    Nobody,
    /// A member.
    User(AgentId),
}

/// How texts are compared. Case does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The whole text.
    Whole,
    /// Its beginning; with names that of any word.
    Begins,
}

/// How numbers, days and times are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Less, or earlier.
    Less,
    /// That, too.
    AtMost,
    /// The same.
    Same,
    /// That, too.
    AtLeast,
    /// More, or later.
    More,
}

/// What an attribute is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// A text.
    Text(Match, String),
    /// A number.
    Number(Order, f64),
    /// A day.
    Day(Order, Date),
    /// Yes or no.
    Truth(bool),
}

/// What a contact may lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A field of the business's own.
    Attribute(AttributeKey),
    /// A name.
    Name,
    /// A user name.
    Username,
    /// A phone.
    Phone,
    /// Any label.
    Label,
    /// Any list.
    List,
    /// Any conversation.
    Conversation,
}

/// Times that a contact has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// When it was made.
    Created,
    /// When anything last happened in a conversation with it.
    LastActive,
}

/// What a time is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// A day, in UTC.
    Day(Date),
    /// How long ago it is.
    Age(Age),
}

/// A while, as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// How many.
    pub count: u32,
    /// Of what.
    pub unit: Unit,
}

/// What a while is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 60 minutes.
    Hours,
    /// 24 hours.
    Days,
    /// Seven days.
    Weeks,
}

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {problem}")]
pub struct FilterError {
    /// Where it goes wrong: characters from 0.
    pub position: usize,
    /// What was expected there.
    pub problem: String,
}

impl Default for Filter {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl Filter {
    /// Which means nobody.
    pub const fn nobody() -> Self {
        Self::Any(Vec::new())
    }

    /// Both hold.
    pub fn and(self, other: Self) -> Self {
        Self::all(vec![self, other])
    }

    /// Those who have a conversation on one of these numbers; nobody where there are none.
    pub fn on_numbers(numbers: impl IntoIterator<Item = PhoneNumberId>) -> Self {
        let on = |number| Self::Is(Condition::Number(number));
        Self::any(numbers.into_iter().map(on).collect())
    }

    /// All hold; what stands in each other is laid flat, so that one meaning has one form.
    fn all(filters: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(filters.len());
        for filter in filters {
            match filter {
                Self::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        single(flat).unwrap_or_else(Self::All)
    }

    /// One holds.
    fn any(filters: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(filters.len());
        for filter in filters {
            match filter {
                Self::Any(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        single(flat).unwrap_or_else(Self::Any)
    }

    /// It does not hold.
    fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// What can be told from a contact's row alone, and the rest. Both hold where the whole does.
    pub fn split(self) -> (Self, Self) {
        let parts = match self {
            Self::All(parts) => parts,
            other => vec![other],
        };
        let (far, near) = parts.into_iter().partition(Self::needs_conversations);
        (Self::all(near), Self::all(far))
    }

    /// Whether any condition is one of these.
    pub fn mentions(&self, is_it: fn(&Condition) -> bool) -> bool {
        match self {
            Self::All(inner) | Self::Any(inner) => inner.iter().any(|filter| filter.mentions(is_it)),
            Self::Not(inner) => inner.mentions(is_it),
            Self::Is(condition) => is_it(condition),
        }
    }

    /// Whether conversations on a number are to be read to tell who is meant.
    pub fn asks_about(&self, number: &PhoneNumberId) -> bool {
        match self {
            Self::All(inner) | Self::Any(inner) => inner.iter().any(|filter| filter.asks_about(number)),
            Self::Not(inner) => inner.asks_about(number),
            Self::Is(Condition::Number(asked)) => asked == number,
            Self::Is(_) => self.needs_conversations(),
        }
    }

    /// Whether conversations are to be read to tell who is meant.
    pub fn needs_conversations(&self) -> bool {
        self.mentions(|condition| {
            matches!(
                condition,
                Condition::Number(_)
                    | Condition::Time(Moment::LastActive, ..)
                    | Condition::Has(Part::Conversation)
            )
        })
    }
}

/// The only one; `Err` with all where there are others.
fn single(mut filters: Vec<Filter>) -> Result<Filter, Vec<Filter>> {
    match filters.pop() {
        Some(only) if filters.is_empty() => Ok(only),
        Some(last) => {
            filters.push(last);
            Err(filters)
        }
        None => Err(filters),
    }
}

#[cfg(test)]
mod tests;
