//! The cheapest way to put a password together.

use std::collections::BTreeMap;

use super::Pattern;
use super::patterns::{Letters, Match, log2};

/// What a password must cost, in tenths of a bit: 2^40 guesses. At 12 ms a hash that is six years of 64 cores.
pub(super) const STRONG: u32 = 400;

/// Repeated units that are tried at one place; more would cost time and find nothing cheaper.
const UNITS: usize = 3;

/// What a password costs to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Estimate {
    /// In tenths of a bit.
    pub(super) cost: u32,
    /// What makes most of it.
    pub(super) mostly: Pattern,
}

/// The cheapest way to the characters before some place.
#[derive(Debug, Clone, Copy)]
struct Step {
    cost: u32,
    /// The last pattern of it; one character without a pattern if there is none.
    last: Option<Match>,
}

pub(super) fn estimate(password: &str, about: &[&str]) -> Estimate {
    let letters = Letters::new(password, about);
    let mut matches: Vec<Vec<Match>> = (0..letters.len())
        .map(|place| letters.matches_at(place))
        .collect();
    let repeats: Vec<Vec<Match>> = (0..letters.len())
        .map(|place| repeats_at(&letters, &matches, place))
        .collect();
    for (matches, repeats) in matches.iter_mut().zip(repeats) {
        matches.extend(repeats);
    }
    let steps = cheapest(&letters, &matches, 0, letters.len());
    Estimate {
        cost: steps.last().map_or(0, |step| step.cost),
        mostly: mostly(&steps),
    }
}

/// The same unit at least twice, or one character at least three times.
fn repeats_at(letters: &Letters, matches: &[Vec<Match>], place: usize) -> Vec<Match> {
    let longest_unit = letters.len().saturating_sub(place) / 2;
    (1..=longest_unit)
        .filter_map(|unit| {
            let times = letters.times_at(place, unit);
            (times >= if unit == 1 { 3 } else { 2 }).then_some((unit, times))
        })
        .take(UNITS)
        .map(|(unit, times)| {
            let once = cheapest(letters, matches, place, unit);
            Match {
                length: unit * times,
                cost: once.last().map_or(0, |step| step.cost) + log2(times),
                pattern: Pattern::Repeat,
            }
        })
        .collect()
}

/// The cheapest way to each of the so many characters from a place on; the first step is before all of them.
fn cheapest(letters: &Letters, matches: &[Vec<Match>], from: usize, length: usize) -> Vec<Step> {
    let nowhere = Step {
        cost: u32::MAX,
        last: None,
    };
    let mut steps = vec![nowhere; length + 1];
    if let Some(first) = steps.first_mut() {
        first.cost = 0;
    }
    for at in 0..length {
        let so_far = steps.get(at).map_or(u32::MAX, |step| step.cost);
        let one = Match {
            length: 1,
            cost: letters.cost_at(from + at),
            pattern: Pattern::Plain,
        };
        let patterns = matches.get(from + at).map_or(&[][..], Vec::as_slice);
        let patterns = patterns.iter().map(|found| (*found, Some(*found)));
        for (found, last) in std::iter::once((one, None)).chain(patterns) {
            let cost = so_far.saturating_add(found.cost);
            if let Some(step) = steps.get_mut(at + found.length)
                && cost < step.cost
            {
                *step = Step { cost, last };
            }
        }
    }
    steps
}

/// The pattern that covers most characters of the cheapest way.
fn mostly(steps: &[Step]) -> Pattern {
    let mut covered: BTreeMap<Pattern, usize> = BTreeMap::new();
    let mut end = steps.len().saturating_sub(1);
    while end > 0 {
        let last = steps.get(end).and_then(|step| step.last);
        if let Some(found) = last {
            *covered.entry(found.pattern).or_default() += found.length;
        }
        end = end.saturating_sub(last.map_or(1, |found| found.length.max(1)));
    }
    covered
        .into_iter()
        .max_by_key(|(_, length)| *length)
        .map_or(Pattern::Plain, |(pattern, _)| pattern)
}
