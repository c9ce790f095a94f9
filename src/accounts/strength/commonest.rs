//! The words that guessers try first, some 32,000, and how early.

use std::sync::LazyLock;

use super::words::{COMMON, disguised};

const LISTED: &str = include_str!("commonest.txt");

/// What a word costs at the least, in tenths of a bit: that it is a word of a list at all, and which list, is a choice, too.
const LEAST: u32 = 60;

/// All words, by their bytes.
static WORDS: LazyLock<Vec<Word>> = LazyLock::new(|| {
    let chosen = COMMON.iter().map(|text| Word { text, cost: LEAST });
    let mut words: Vec<Word> = chosen.chain(listed()).collect();
    // Of the same word the cheapest stays.
    words.sort_unstable_by_key(|word| (word.text, word.cost));
    words.dedup_by_key(|word| word.text);
    words
});

#[derive(Debug, Clone, Copy)]
struct Word {
    /// In lower case.
    text: &'static str,
    cost: u32,
}

/// A word of the list that stands somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// In characters.
    pub(super) length: usize,
    pub(super) cost: u32,
    /// Whether a letter of it is written otherwise, or is a capital.
    pub(super) is_changed: bool,
}

/// The words of the list, each with what it costs.
fn listed() -> impl Iterator<Item = Word> {
    LISTED.lines().flat_map(|line| {
        let (bits, words) = line.split_once(' ').unwrap_or_default();
        // The lines about the list have no number.
        let bits = bits.parse::<u32>().ok();
        let words = words.split(' ').filter(move |_| bits.is_some());
        let cost = LEAST.max(10 * bits.unwrap_or(0));
        words.map(move |text| Word { text, cost })
    })
}

/// The words with which these characters begin. `lower` are those that were typed, in lower case.
pub(super) fn words_at(typed: &[char], lower: &[char]) -> Vec<Found> {
    let mut found = Vec::new();
    let nothing = Found {
        length: 0,
        cost: 0,
        is_changed: false,
    };
    go_on(&WORDS, 0, nothing, typed, lower, &mut found);
    found
}

/// `words` are those that begin with what `so_far` covers, in so many bytes.
fn go_on(
    words: &[Word],
    bytes: usize,
    so_far: Found,
    typed: &[char],
    lower: &[char],
    found: &mut Vec<Found>,
) {
    let (Some((first, typed)), Some((first_lower, lower))) = (typed.split_first(), lower.split_first())
    else {
        return;
    };
    let mut meant = vec![*first_lower];
    meant.extend(disguised(*first).iter().filter(|letter| *letter != first_lower));
    for letter in meant {
        let mut buffer = [0; 4];
        let letter_bytes = letter.encode_utf8(&mut buffer).as_bytes();
        let rest = |word: &Word| word.text.as_bytes().get(bytes..).unwrap_or_default();
        let start = words.partition_point(|word| rest(word) < letter_bytes);
        let words = words.get(start..).unwrap_or_default();
        let words = words
            .get(..words.partition_point(|word| rest(word).starts_with(letter_bytes)))
            .unwrap_or_default();
        let bytes = bytes + letter_bytes.len();
        let so_far = Found {
            length: so_far.length + 1,
            cost: 0,
            is_changed: so_far.is_changed || *first != letter,
        };
        if let Some(word) = words.first().filter(|word| word.text.len() == bytes) {
            found.push(Found {
                cost: word.cost,
                ..so_far
            });
        }
        if !words.is_empty() {
            go_on(words, bytes, so_far, typed, lower, found);
        }
    }
}

/// The words that stand among the first 2^`bits` of their list, and all of so many characters.
#[cfg(test)]
pub(super) fn earliest(bits: u32, long: usize) -> impl Iterator<Item = &'static str> {
    let early = move |word: &Word| word.cost <= LEAST.max(10 * bits) || word.text.chars().count() >= long;
    listed().filter(early).map(|word| word.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, bool)> {
        let typed: Vec<char> = text.chars().collect();
        let lower: Vec<char> = text.to_lowercase().chars().collect();
        let words = words_at(&typed, &lower);
        words
            .iter()
            .map(|found| (found.length, found.is_changed))
            .collect()
    }

    #[test]
    fn words_are_found_by_what_they_begin_with_and_in_disguise() {
        assert!(
            found("dragon fly").contains(&(6, false)),
            "{:?}",
            found("dragon fly")
        );
        assert!(found("Dr4gon").contains(&(6, true)));
        assert!(found("пароль2026").contains(&(6, false)));
        assert_eq!(found("zjdhwqpmrtvx"), []);
        assert_eq!(found(""), []);
    }

    #[test]
    fn what_is_tried_early_costs_less() {
        let cost = |word: &str| {
            WORDS
                .iter()
                .find(|known| known.text == word)
                .map(|known| known.cost)
        };
        assert_eq!(cost("password"), Some(LEAST));
        let (early, late) = (cost("realmadrid"), cost("peanutbutter"));
        assert!(early < late && late <= Some(150), "{early:?} {late:?}");
        let words = listed().count();
        assert!((30_000..40_000).contains(&words), "{words}");
        assert!(listed().all(|word| word.text.chars().count() >= 4 && word.text == word.text.to_lowercase()));
    }
}
