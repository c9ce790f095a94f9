//! Under which terms everybody stands whom a filter means, so that few are looked at.

use super::{Condition, Filter, Match, Order, Owner, Part, Test};
use crate::domain::contact_details::AttributeValue;
use crate::domain::contact_terms::{DIGITS, LONGEST_PREFIX, MOST_WORDS, Term, TermKey, words};
use crate::domain::ids::AgentId;

impl Filter {
    /// Terms under all of which everybody stands whom it means to somebody, by guess the one with fewest first; none where all contacts
    /// are to be looked at.
    pub fn terms(&self, key: TermKey, asker: Option<&AgentId>) -> Vec<Term> {
        let mut weighed: Vec<(u8, Term)> = match self {
            Self::Is(condition) => condition.weighed(key, asker).into_iter().collect(),
            Self::All(inner) => inner
                .iter()
                .filter_map(|filter| match filter {
                    Self::Is(condition) => condition.weighed(key, asker),
                    Self::Any(none) if none.is_empty() => Some(nobody(key)),
                    _ => None,
                })
                .collect(),
            Self::Any(none) if none.is_empty() => vec![nobody(key)],
            // Who lacks something stands under no term, and who has one of several under no term of all.
            Self::Any(_) | Self::Not(_) => Vec::new(),
        };
        weighed.sort_unstable();
        weighed.dedup();
        weighed.into_iter().map(|(_, term)| term).collect()
    }
}

/// A term under which nobody stands: every word has a letter.
fn nobody(key: TermKey) -> (u8, Term) {
    (0, key.prefix(""))
}

impl Condition {
    /// A term, with a guess at how many stand under it that is only good to compare.
    fn weighed(&self, key: TermKey, asker: Option<&AgentId>) -> Option<(u8, Term)> {
        let of = |term: Term, weight: u8| Some((weight, term));
        match self {
            Self::Label(label) => of(key.label(label), 4),
            Self::List(list) => of(key.list(*list), 4),
            Self::Owner(Owner::User(user)) => of(key.owner(user), 5),
            Self::Owner(Owner::Me) => of(key.owner(asker?), 5),
            Self::OptedOut => of(key.opted_out(), 6),
            Self::Name(how, text) => {
                let mut words = words(text);
                if *how == Match::Whole {
                    // The rest of a long name has no terms.
                    words.truncate(MOST_WORDS);
                }
                let longest = words.iter().max_by_key(|word| word.chars().count())?;
                let weight = match longest.chars().take(LONGEST_PREFIX).count() {
                    0..=1 => 8,
                    2 => 6,
                    3 => 4,
                    4 => 3,
                    _ => 2,
                };
                of(key.prefix(longest), weight)
            }
            Self::Phone(how, digits) if digits.len() >= DIGITS => {
                // How a number begins says the country, how it ends says who.
                of(key.digits(digits), if *how == Match::Whole { 1 } else { 5 })
            }
            Self::Attribute(attribute, test) => match test {
                Test::Text(Match::Whole, text) => {
                    let value = AttributeValue::Text(text.parse().ok()?);
                    of(key.attribute(attribute, &value), 3)
                }
                Test::Number(Order::Same, number) => {
                    let number = serde_json::Number::from_f64(*number)?;
                    of(key.attribute(attribute, &AttributeValue::Number(number)), 4)
                }
                Test::Day(Order::Same, day) => {
                    let value = AttributeValue::Text(day.to_string().parse().ok()?);
                    of(key.attribute(attribute, &value), 3)
                }
                Test::Truth(truth) => of(key.attribute(attribute, &AttributeValue::Boolean(*truth)), 7),
                Test::Text(..) | Test::Number(..) | Test::Day(..) => of(key.has_attribute(attribute), 7),
            },
            Self::Has(Part::Attribute(attribute)) => of(key.has_attribute(attribute), 7),
            Self::Owner(Owner::Nobody)
            | Self::Number(_)
            | Self::IsMinor
            | Self::Phone(..)
            | Self::Has(_)
            | Self::Time(..) => None,
        }
    }
}
