//! Under which terms contacts are to be looked for, so that as few as possible are.

use super::{Condition, Filter, Match, Order, Owner, Part, Test};
use crate::domain::contact_details::AttributeValue;
use crate::domain::contact_terms::{LONGEST_PREFIX, Term, TermKey, words};
use crate::domain::ids::AgentId;

/// Terms that are walked beside each other: with more than this, all contacts are walked.
const MOST_TERMS: usize = 8;

/// What drives a search: each contact that is meant stands under one of these terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drive {
    /// The terms; none twice.
    pub terms: Vec<Term>,
    /// A guess at how many stand under them, only good to compare: the logarithm of the share of all.
    weight: u8,
}

impl Drive {
    fn one(term: Term, weight: u8) -> Option<Self> {
        let terms = vec![term];
        Some(Self { terms, weight })
    }
}

impl Filter {
    /// What it can be driven by; `None` where all contacts are to be looked at.
    pub fn drive(&self, key: TermKey, asker: Option<&AgentId>) -> Option<Drive> {
        match self {
            Self::Is(condition) => condition.drive(key, asker),
            // Who lacks something stands under no term.
            Self::Not(_) => None,
            Self::All(inner) => inner
                .iter()
                .filter_map(|filter| filter.drive(key, asker))
                .min_by_key(|drive| (drive.weight, drive.terms.len())),
            Self::Any(inner) => {
                let mut all = Drive {
                    terms: Vec::new(),
                    weight: 0,
                };
                for filter in inner {
                    let drive = filter.drive(key, asker)?;
                    all.terms.extend(drive.terms);
                    all.weight = all.weight.max(drive.weight);
                }
                all.terms.sort_unstable();
                all.terms.dedup();
                (all.terms.len() <= MOST_TERMS).then_some(all)
            }
        }
    }
}

impl Condition {
    fn drive(&self, key: TermKey, asker: Option<&AgentId>) -> Option<Drive> {
        match self {
            Self::Label(label) => Drive::one(key.label(label), 4),
            Self::List(list) => Drive::one(key.list(*list), 4),
            Self::Owner(Owner::User(user)) => Drive::one(key.owner(user), 5),
            Self::Owner(Owner::Me) => Drive::one(key.owner(asker?), 5),
            Self::OptedOut => Drive::one(key.opted_out(), 6),
            Self::Name(_, text) => {
                let words = words(text);
                let longest = words.iter().max_by_key(|word| word.chars().count())?;
                let weight = match longest.chars().take(LONGEST_PREFIX).count() {
                    0..=1 => 8,
                    2 => 6,
                    3 => 4,
                    4 => 3,
                    _ => 2,
                };
                Drive::one(key.prefix(longest), weight)
            }
            Self::Phone(how, digits) if digits.len() >= crate::domain::contact_terms::DIGITS => {
                // How a number begins says the country, how it ends says who.
                Drive::one(key.digits(digits), if *how == Match::Whole { 1 } else { 5 })
            }
            Self::Attribute(attribute, test) => match test {
                Test::Text(Match::Whole, text) => {
                    let value = AttributeValue::Text(text.parse().ok()?);
                    Drive::one(key.attribute(attribute, &value), 3)
                }
                Test::Number(Order::Same, number) => {
                    let number = serde_json::Number::from_f64(*number)?;
                    Drive::one(key.attribute(attribute, &AttributeValue::Number(number)), 4)
                }
                Test::Day(Order::Same, day) => {
                    let value = AttributeValue::Text(day.to_string().parse().ok()?);
                    Drive::one(key.attribute(attribute, &value), 3)
                }
                Test::Truth(truth) => {
                    Drive::one(key.attribute(attribute, &AttributeValue::Boolean(*truth)), 7)
                }
                Test::Text(..) | Test::Number(..) | Test::Day(..) => {
                    Drive::one(key.has_attribute(attribute), 7)
                }
            },
            Self::Has(Part::Attribute(attribute)) => Drive::one(key.has_attribute(attribute), 7),
            Self::Owner(Owner::Nobody)
            | Self::Number(_)
            | Self::IsMinor
            | Self::Phone(..)
            | Self::Has(_)
            | Self::Time(..) => None,
        }
    }
}
