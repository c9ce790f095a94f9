//! Which passwords are too easy to guess: a length, and an estimate of how many guesses somebody needs who knows how people choose.
//!
//! The estimate covers a password by the cheapest row of patterns: leaked passwords and words that many choose, by how early they are tried;
//! words about the person, keys that lie side by side, sequences, repetitions, years and dates; what is left is counted by character. The
//! list is compiled in: nothing is asked of anybody. There is no expression language that backtracks. What it lets pass is no proof of
//! strength; the length and the throttle do the rest.

mod commonest;
mod estimate;
mod patterns;
mod words;

#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

/// Characters of a password. The upper bound keeps the time of an estimate and the input of a hash small.
pub const LENGTH: RangeInclusive<usize> = 12..=128;

/// Why a password is refused. `Display` says it to the person, with what would help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Fewer characters than [`LENGTH`] allows.
    #[error(
        "The password is too short: it needs at least {} characters. Four words that have nothing to do with each other are long and easy to \
         remember.",
        LENGTH.start()
    )]
    TooShort,
    /// More characters than [`LENGTH`] allows.
    #[error("The password is too long: at most {} characters are allowed.", LENGTH.end())]
    TooLong,
    /// Long enough, and yet among the first that somebody would try.
    #[error("The password is easy to guess: {0}")]
    Guessable(Pattern),
}

/// What makes most of a password that is easy to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    /// A word that many people choose.
    CommonWord,
    /// A word from the person's own address, name or business.
    OwnWord,
    /// Keys that lie side by side.
    Keyboard,
    /// Characters that follow each other.
    Sequence,
    /// The same again.
    Repeat,
    /// A year or a date.
    Date,
    /// Only digits or signs, and few of them.
    Plain,
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::CommonWord => {
                "most of it is a word that many people use in passwords. Other letters or capitals in it hardly help; add words that have \
                 nothing to do with it."
            }
            Self::OwnWord => {
                "most of it is your name, your address or your business. Take words that nobody connects with you."
            }
            Self::Keyboard => {
                "most of it is keys that lie side by side. Take words that have nothing to do with each other."
            }
            Self::Sequence => {
                "most of it is letters or digits in order. Take words that have nothing to do with each other."
            }
            Self::Repeat => "most of it repeats itself. Add something new instead.",
            Self::Date => "most of it is a year or a date. Add words that have nothing to do with it.",
            Self::Plain => "it is digits and signs alone. Add words, or make it longer.",
        })
    }
}

/// Refuses a length that no password has. Counts no further than it must: a caller may send anything.
pub fn check_length(password: &str) -> Result<(), WeakPassword> {
    let length = password.chars().take(LENGTH.end().saturating_add(1)).count();
    match length {
        short if short < *LENGTH.start() => Err(WeakPassword::TooShort),
        long if long > *LENGTH.end() => Err(WeakPassword::TooLong),
        _ => Ok(()),
    }
}

/// Refuses a password that is too short, too long, or easy to guess for somebody who knows these texts about the person.
pub fn check(password: &str, about: &[&str]) -> Result<(), WeakPassword> {
    check_length(password)?;
    match estimate::estimate(password, about) {
        estimate::Estimate { cost, .. } if cost >= estimate::STRONG => Ok(()),
        estimate::Estimate { mostly, .. } => Err(WeakPassword::Guessable(mostly)),
    }
}
