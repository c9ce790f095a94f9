//! Words by which customers say that they want no marketing, or want it again.
//!
//! A message counts when it *is* such a word, whatever its case, accents, punctuation and emoji, with nothing around it but
//! what one says out of politeness. One that only contains it says something else: "don't stop by before five".

mod table;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use self::table::{POLITE, STARTS, STOPS};
use super::contact_terms::words;
use super::content::{Content, ContentKind};

/// A text with more bytes than this says more than one of these words.
const LONGEST_TEXT: usize = 256;
/// A message with more bytes than this is not looked at: what is one of these words is short, whatever stands beside it.
const LONGEST_CONTENT: usize = 4 << 10;
/// Words of the longest phrase.
const LONGEST_PHRASE: usize = 8;

/// What a message asks for by being a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// No marketing.
    Stop,
    /// Marketing again.
    Start,
}

/// The words of some phrases, each folded.
type Phrases = BTreeSet<Vec<String>>;

struct BuiltIn {
    stops: Phrases,
    starts: Phrases,
    polite: BTreeSet<String>,
}

static BUILT_IN: LazyLock<BuiltIn> = LazyLock::new(|| BuiltIn {
    stops: STOPS.iter().map(|text| spoken(text)).collect(),
    starts: STARTS.iter().map(|text| spoken(text)).collect(),
    polite: POLITE.iter().flat_map(|text| spoken(text)).collect(),
});

/// The words of a text. The stroke that Arabic words are drawn out with says nothing.
fn spoken(text: &str) -> Vec<String> {
    words(&text.replace('\u{640}', ""))
}

/// The words by which a business's customers stop marketing, instead of those that are built in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct OptOutWords {
    texts: Vec<String>,
    phrases: Phrases,
}

impl OptOutWords {
    /// So many of a business's own.
    pub const MOST: usize = 100;
    /// Characters of one.
    pub const LONGEST: usize = 64;

    /// Those that count where a business has none of its own.
    pub const fn defaults() -> &'static [&'static str] {
        STOPS
    }

    /// As they were written.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }
}

impl TryFrom<Vec<String>> for OptOutWords {
    type Error = String;

    fn try_from(texts: Vec<String>) -> Result<Self, String> {
        if texts.len() > Self::MOST {
            return Err(format!("must be at most {} words", Self::MOST));
        }
        let phrases: Vec<_> = texts.iter().map(|text| spoken(text)).collect();
        let is_one = |text: &String, phrase: &Vec<String>| {
            text.chars().count() <= Self::LONGEST && (1..=LONGEST_PHRASE).contains(&phrase.len())
        };
        if !texts
            .iter()
            .zip(&phrases)
            .all(|(text, phrase)| is_one(text, phrase))
        {
            return Err(format!(
                "each must be 1 to {LONGEST_PHRASE} words, together at most {} characters, with letters or digits",
                Self::LONGEST
            ));
        }
        let phrases = phrases.into_iter().collect();
        Ok(Self { texts, phrases })
    }
}

impl From<OptOutWords> for Vec<String> {
    fn from(words: OptOutWords) -> Self {
        words.texts
    }
}

/// What a text asks for by being one of these words; `own` are the business's, where it has some.
pub fn keyword(text: &str, own: Option<&OptOutWords>) -> Option<Keyword> {
    if text.len() > LONGEST_TEXT {
        return None;
    }
    let said = spoken(text);
    let stops = own.map_or(&BUILT_IN.stops, |own| &own.phrases);
    if is_said(&said, stops) {
        Some(Keyword::Stop)
    } else if is_said(&said, &BUILT_IN.starts) {
        Some(Keyword::Start)
    } else {
        None
    }
}

/// What a message asks for: a text that is one of these words, or a tapped button that says one. What a button carries unseen may
/// stop marketing, too, and never brings it back.
pub fn keyword_of(content: &Content, own: Option<&OptOutWords>) -> Option<Keyword> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Said<'a> {
        #[serde(borrow)]
        body: Option<Cow<'a, str>>,
        #[serde(borrow)]
        text: Option<Cow<'a, str>>,
        #[serde(borrow)]
        title: Option<Cow<'a, str>>,
        #[serde(borrow)]
        payload: Option<Cow<'a, str>>,
        #[serde(borrow)]
        id: Option<Cow<'a, str>>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Interactive<'a> {
        #[serde(borrow)]
        button_reply: Option<Said<'a>>,
        #[serde(borrow)]
        list_reply: Option<Said<'a>>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Message<'a> {
        #[serde(borrow)]
        text: Option<Said<'a>>,
        #[serde(borrow)]
        button: Option<Said<'a>>,
        #[serde(borrow)]
        interactive: Option<Interactive<'a>>,
    }
    if !matches!(
        content.kind(),
        ContentKind::Text | ContentKind::Button | ContentKind::Interactive
    ) || content.bytes() > LONGEST_CONTENT
    {
        return None;
    }
    let message: Message<'_> = serde_json::from_str(content.json().get()).ok()?;
    let interactive = message.interactive.unwrap_or_default();
    let said = [
        message.text,
        message.button,
        interactive.button_reply,
        interactive.list_reply,
    ];
    let said = said.into_iter().flatten().next()?;
    let shown = [said.body, said.text, said.title];
    let shown = shown.iter().flatten().find_map(|text| keyword(text, own));
    let unseen = [said.payload, said.id];
    shown.or_else(|| {
        let stops = |text: &Cow<'_, str>| keyword(text, own) == Some(Keyword::Stop);
        unseen.iter().flatten().any(stops).then_some(Keyword::Stop)
    })
}

/// Whether words are nothing but some of the phrases, once or more often, and politeness around and between them.
fn is_said(words: &[String], phrases: &Phrases) -> bool {
    let mut rest = words;
    let mut is_there = false;
    while let Some(first) = rest.first() {
        // The longest first: "stop all" before "stop".
        let longest = rest.len().min(LONGEST_PHRASE);
        let phrase = (1..=longest).rev().filter_map(|len| rest.get(..len));
        let mut phrase = phrase.filter(|words| phrases.contains(*words));
        let taken = match phrase.next() {
            Some(words) => {
                is_there = true;
                words.len()
            }
            None if BUILT_IN.polite.contains(first) => 1,
            None => return false,
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    is_there
}

#[cfg(test)]
mod tests;
