//! Under which terms everybody stands whom a filter means, so that few are looked at.

use super::{Condition, Filter, Match, Moment, Order, Owner, Part, Test};
use crate::domain::contact_details::AttributeValue;
use crate::domain::contact_terms::{DIGITS, LONGEST_PREFIX, MOST_WORDS, Term, TermKey, words};
use crate::domain::ids::AgentId;

impl Filter {
    /// Everybody whom it means to somebody stands under one term of each of these, by guess the one with fewest first; none where all
    /// contacts are to be looked at.
    pub fn terms(&self, key: TermKey, asker: Option<&AgentId>) -> Vec<AnyTerm> {
        let parts = match self {
            Self::All(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut weighed: Vec<(u8, AnyTerm)> =
            parts.iter().filter_map(|part| part.weighed(key, asker)).collect();
        weighed.sort_unstable();
        weighed.dedup();
        weighed.into_iter().map(|(_, terms)| terms).collect()
    }

    /// Terms, under one of which everybody stands, with a guess at how many do.
    fn weighed(&self, key: TermKey, asker: Option<&AgentId>) -> Option<(u8, AnyTerm)> {
        match self {
            Self::Is(condition) => {
                let (weight, term) = condition.weighed(key, asker)?;
                Some((weight, vec![term]))
            }
            Self::Any(parts) => {
                let all: Option<Vec<_>> = parts.iter().map(|part| part.weighed(key, asker)).collect();
                let all = all?;
                let weight = all.iter().map(|(weight, _)| *weight).max().unwrap_or(0);
                let mut terms: AnyTerm = all.into_iter().flat_map(|(_, terms)| terms).collect();
                terms.sort_unstable();
                terms.dedup();
                if terms.len() > MOST_JOINED {
                    // Of very many numbers; others are looked at in the rows.
                    let is_number = |part: &Self| matches!(part, Self::Is(Condition::Number(_)));
                    return parts.iter().all(is_number).then(|| (7, vec![key.talks()]));
                }
                Some((weight.saturating_add(1), terms))
            }
            // Who lacks something stands under no term.
            Self::All(_) | Self::Not(_) => None,
        }
    }

    /// The terms that tell by themselves whom it means to somebody; `None` where rows have to be looked at.
    pub fn told_by_terms(&self, key: TermKey, asker: Option<&AgentId>) -> Option<ToldByTerms> {
        let parts = match self {
            Self::All(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut told = ToldByTerms::default();
        for part in parts {
            match part {
                Self::Not(denied) => told.without.extend(denied.exact(key, asker)?),
                part => told.under.push(part.exact(key, asker)?),
            }
        }
        if told.under.is_empty() {
            told.under.push(vec![key.all()]);
        }
        let is_bounded = told.under.len() <= MOST_PARTS && told.without.len() <= MOST_JOINED;
        is_bounded.then_some(told)
    }

    /// Terms under one of which those stand whom it means, and nobody else.
    fn exact(&self, key: TermKey, asker: Option<&AgentId>) -> Option<AnyTerm> {
        match self {
            Self::Is(condition) => condition
                .is_its_term()
                .then(|| condition.weighed(key, asker))?
                .map(|(_, term)| vec![term]),
            Self::Any(parts) if parts.len() <= MOST_JOINED => {
                let all: Option<Vec<AnyTerm>> = parts.iter().map(|part| part.exact(key, asker)).collect();
                Some(all?.concat()).filter(|all| all.len() <= MOST_JOINED)
            }
            Self::Any(_) | Self::All(_) | Self::Not(_) => None,
        }
    }
}

/// Terms of which somebody stands under one at least. Under none of none.
pub type AnyTerm = Vec<Term>;

/// Terms that are joined by `or`; each is read by itself.
const MOST_JOINED: usize = 8;
/// Those that are joined by `and` and counted together.
const MOST_PARTS: usize = 4;

/// Terms that tell whom a filter means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToldByTerms {
    /// Under one of each of these.
    pub under: Vec<AnyTerm>,
    /// Under none of these.
    pub without: Vec<Term>,
}

impl Condition {
    /// Whether everybody under its term is meant by it.
    const fn is_its_term(&self) -> bool {
        match self {
            Self::Label(_) | Self::List(_) | Self::OptedOut | Self::Owner(Owner::Me | Owner::User(_)) => true,
            Self::Attribute(_, test) => {
                matches!(
                    test,
                    Test::Text(Match::Whole, _) | Test::Number(Order::Same, _) | Test::Truth(_)
                )
            }
            Self::Has(part) => matches!(part, Part::Attribute(_)),
            // Conversations may have come to their end; the rest has terms of its beginning alone, or none.
            Self::Owner(Owner::Nobody)
            | Self::Number(_)
            | Self::Unreachable
            | Self::IsMinor
            | Self::Name(..)
            | Self::Phone(..)
            | Self::Time(..) => false,
        }
    }

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
            Self::Number(number) => of(key.number(number), 5),
            // Nothing happened in the conversations of who has none.
            Self::Has(Part::Conversation) | Self::Time(Moment::LastActive, ..) => of(key.talks(), 7),
            Self::Owner(Owner::Nobody)
            | Self::Unreachable
            | Self::IsMinor
            | Self::Phone(..)
            | Self::Has(_)
            | Self::Time(Moment::Created, ..) => None,
        }
    }
}

#[cfg(test)]
mod tests;
