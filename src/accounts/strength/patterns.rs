//! What in a password follows a pattern, place by place. Costs are in tenths of a bit: 10 halves what a guesser need not try.

use zeroize::Zeroizing;

use super::Pattern;
use super::commonest;
use super::words::{KEYS, disguised};

/// Shorter runs are chance.
const SHORTEST: usize = 3;
/// On a keyboard, three keys side by side begin many words: `wer`, `ert`, `rty`.
const SHORTEST_ROW: usize = 4;
/// Words about the person that are looked for, and their longest.
const MOST_WORDS: usize = 64;
const LONGEST_WORD: usize = 64;

/// A pattern that begins at some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) length: usize,
    pub(super) cost: u32,
    pub(super) pattern: Pattern,
}

/// A password as it is looked at.
pub(super) struct Letters {
    /// As it was typed.
    typed: Zeroizing<Vec<char>>,
    /// In lower case, character by character.
    lower: Zeroizing<Vec<char>>,
    /// Words about the person, in lower case.
    own: Vec<Vec<char>>,
}

impl Letters {
    pub(super) fn new(password: &str, about: &[&str]) -> Self {
        let own = about
            .iter()
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
            .map(|word| word.chars().take(LONGEST_WORD).map(lower).collect::<Vec<_>>())
            .filter(|word| word.len() >= SHORTEST)
            .take(MOST_WORDS)
            .collect();
        Self {
            typed: Zeroizing::new(password.chars().collect()),
            lower: Zeroizing::new(password.chars().map(lower).collect()),
            own,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.typed.len()
    }

    /// What the character at a place costs when nothing is known of it.
    pub(super) fn cost_at(&self, place: usize) -> u32 {
        match self.typed.get(place) {
            Some('0'..='9' | ' ' | '-' | '_' | '.' | ',' | '/' | '!' | '?') | None => 30,
            Some('a'..='z') => 40,
            Some('A'..='Z') => 45,
            Some(_) => 50,
        }
    }

    /// All patterns but repetitions that begin at a place.
    pub(super) fn matches_at(&self, place: usize) -> Vec<Match> {
        let mut found: Vec<Match> = Vec::new();
        let typed = self.typed.get(place..).unwrap_or_default();
        let lower = self.lower.get(place..).unwrap_or_default();
        // Which letters are changed is nearly always one of a few habits.
        let with_changes = |cost: u32, is_changed: bool| if is_changed { cost + 10 } else { cost };
        let common = commonest::words_at(typed, lower);
        found.extend(common.into_iter().map(|word| Match {
            length: word.length,
            cost: with_changes(word.cost, word.is_changed),
            pattern: self.shape_of(place, word.length),
        }));
        let own = self.own.iter();
        let own = own.filter_map(|word| self.word_at(place, word.iter().copied()));
        found.extend(own.map(|(length, changed)| Match {
            length,
            cost: with_changes(40, changed > 0),
            pattern: Pattern::OwnWord,
        }));
        found.extend(self.run_at(place).map(|length| Match {
            length,
            cost: 50 + log2(length),
            pattern: Pattern::Sequence,
        }));
        found.extend(self.keys_at(place).map(|length| Match {
            length,
            cost: 60 + log2(length),
            pattern: Pattern::Keyboard,
        }));
        let digits = [(4, 70), (6, 140), (8, 150)];
        found.extend(digits.into_iter().filter_map(|(length, cost)| {
            let digits = self.digits_at(place, length)?;
            is_date(&digits).then_some(Match {
                length,
                cost,
                pattern: Pattern::Date,
            })
        }));
        found
    }

    /// What a word of a list is for the person: leaked ones are often keys or digits in a row, and that is what they are told.
    fn shape_of(&self, place: usize, length: usize) -> Pattern {
        let is_most = |covered: Option<usize>| covered.is_some_and(|covered| covered * 2 > length);
        if is_most(self.run_at(place)) {
            Pattern::Sequence
        } else if is_most(self.keys_at(place)) {
            Pattern::Keyboard
        } else if self.digits_at(place, length).is_some() {
            Pattern::Plain
        } else {
            Pattern::CommonWord
        }
    }

    /// How many times the so many characters at a place stand there one after the other, at least once.
    pub(super) fn times_at(&self, place: usize, unit: usize) -> usize {
        let rest = self.lower.get(place..).unwrap_or_default();
        let Some(first) = rest.get(..unit).filter(|first| !first.is_empty()) else {
            return 1;
        };
        rest.chunks(unit).take_while(|chunk| *chunk == first).count()
    }

    /// The length of a word that stands there, and how many of its letters are written otherwise.
    fn word_at(&self, place: usize, word: impl Iterator<Item = char>) -> Option<(usize, usize)> {
        let (mut length, mut changed) = (0, 0);
        for letter in word {
            let at = place.checked_add(length)?;
            let (typed, lower) = (self.typed.get(at)?, self.lower.get(at)?);
            if *lower != letter && !disguised(*typed).contains(&letter) {
                return None;
            }
            changed += usize::from(*typed != letter);
            length += 1;
        }
        Some((length, changed))
    }

    /// The length of a run that goes up or down by one: `abcd`, `9876`.
    fn run_at(&self, place: usize) -> Option<usize> {
        let rest = self.lower.get(place..)?;
        let step = |pair: &[char]| match pair {
            [one, other] if one.is_alphanumeric() && other.is_alphanumeric() => {
                Some(i64::from(u32::from(*other)) - i64::from(u32::from(*one)))
            }
            _ => None,
        };
        let first = rest.windows(2).next().and_then(step).filter(|by| by.abs() == 1)?;
        let steps = rest.windows(2).take_while(|pair| step(pair) == Some(first));
        Some(steps.count() + 1).filter(|length| *length >= SHORTEST)
    }

    /// The length of what lies side by side on a keyboard, in either direction.
    fn keys_at(&self, place: usize) -> Option<usize> {
        let rest = self.lower.get(place..)?;
        let first = rest.first()?;
        let mut longest = 0;
        for row in KEYS {
            for (at, _) in row.char_indices().filter(|(_, key)| key == first) {
                let (before, after) = row.split_at(at);
                let ahead = same(rest, after.chars());
                let back = same(rest, std::iter::once(*first).chain(before.chars().rev()));
                longest = longest.max(ahead).max(back);
            }
        }
        Some(longest).filter(|length| *length >= SHORTEST_ROW)
    }

    /// So many digits, and no other characters, from there on.
    fn digits_at(&self, place: usize, length: usize) -> Option<Zeroizing<Vec<u32>>> {
        let digits = self.typed.get(place..place.checked_add(length)?)?;
        let digits: Option<Vec<u32>> = digits.iter().map(|digit| digit.to_digit(10)).collect();
        digits.map(Zeroizing::new)
    }
}

fn lower(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

fn same(letters: &[char], keys: impl Iterator<Item = char>) -> usize {
    letters
        .iter()
        .zip(keys)
        .take_while(|(letter, key)| *letter == key)
        .count()
}

/// Tenths of a bit for a choice among so many, rounded down.
pub(super) fn log2(count: usize) -> u32 {
    count.checked_ilog2().unwrap_or(0) * 10
}

/// Whether digits are a year from 1900 to 2099, or a day written in any of the usual orders.
fn is_date(digits: &[u32]) -> bool {
    let number = |digits: &[u32]| digits.iter().fold(0, |number, digit| number * 10 + digit);
    let is_year = |digits: &[u32]| (1900..=2099).contains(&number(digits));
    // Four digits.
    let is_day = |digits: &[u32]| {
        let (first, second) = digits.split_at(2);
        let (first, second) = (number(first), number(second));
        (1..=12).contains(&first.min(second)) && (1..=31).contains(&first.max(second))
    };
    match digits.len() {
        4 => is_year(digits),
        6 => is_day(digits.split_at(4).0) || is_day(digits.split_at(2).1),
        8 => {
            let (first, last) = digits.split_at(4);
            (is_day(first) && is_year(last)) || (is_year(first) && is_day(last))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_and_days_are_known_in_the_usual_orders() {
        let digits =
            |text: &str| -> Vec<u32> { text.chars().filter_map(|digit| digit.to_digit(10)).collect() };
        for date in [
            "1900", "2099", "311285", "123185", "851231", "31121985", "12311985", "19851231",
        ] {
            assert!(is_date(&digits(date)), "{date}");
        }
        for other in [
            "1899", "2100", "321385", "000085", "31121885", "19851332", "19850031", "12345",
        ] {
            assert!(!is_date(&digits(other)), "{other}");
        }
    }

    #[test]
    fn patterns_have_the_length_of_what_they_cover() {
        let longest = |text: &str, pattern: Pattern| {
            let found = Letters::new(text, &["Ana Kovac"]).matches_at(0);
            let lengths = found.iter().filter(|found| found.pattern == pattern);
            lengths.map(|found| found.length).max().unwrap_or(0)
        };
        for (text, pattern, length) in [
            ("P4$$word~~", Pattern::CommonWord, 8),
            ("kovac1", Pattern::OwnWord, 5),
            ("kova", Pattern::OwnWord, 0),
            ("abcdx", Pattern::Sequence, 4),
            ("98765", Pattern::Sequence, 5),
            ("abdf", Pattern::Sequence, 0),
            ("QWERx", Pattern::Keyboard, 4),
            ("trewqx", Pattern::Keyboard, 5),
            ("qwex", Pattern::Keyboard, 0),
            ("20261", Pattern::Date, 4),
        ] {
            assert_eq!(longest(text, pattern), length, "{text}");
        }
    }
}
