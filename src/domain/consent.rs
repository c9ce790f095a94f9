//! What customers agreed to be sent: who stopped marketing and when, what lifts that, and what else they agreed to.
//!
//! What Meta tells comes late, twice and out of order, so the latest word counts, whenever it is heard. Where two say the
//! opposite at the same second, the customer is left alone.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::contact::Contact;
use super::display_name::{is_one_line, shows};

/// What a message is for, as far as consent goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To sell something: not to whom stopped marketing.
    Marketing,
    /// Anything else.
    #[default]
    Other,
}

/// How it became known what a customer wants of marketing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WishSource {
    /// Meta said so by a `user_preferences` webhook.
    Preference,
    /// Meta refused a message for it.
    Refusal,
    /// The customer wrote, or tapped, one of the words for it.
    Keyword,
    /// The business says so.
    Business,
}

impl WishSource {
    /// Name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preference => "preference",
            Self::Refusal => "refusal",
            Self::Keyword => "keyword",
            Self::Business => "business",
        }
    }
}

/// What a customer wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarketingWish {
    /// No marketing.
    Stop(WishSource),
    /// Marketing again, or for the first time.
    Resume(WishSource),
}

/// Meta's code for a marketing message to somebody who stopped it. Source: Cloud API, Error codes (Dec 12 2025).
pub const MARKETING_STOPPED: i64 = 131_050;

/// What customers agree to, by a name of the business's own: 1 to 32 lowercase letters, digits and `_`. The one of the name
/// `marketing` is what marketing messages are held to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConsentPurpose(Arc<str>);

impl ConsentPurpose {
    /// The rule, for error messages.
    pub const RULE: &'static str = "1 to 32 lowercase letters (a-z), digits and `_`";

    /// To be sold something.
    pub fn marketing() -> Self {
        Self("marketing".into())
    }

    /// Whether it is marketing.
    pub fn is_marketing(&self) -> bool {
        &*self.0 == "marketing"
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ConsentPurpose {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        if (1..=32).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(Self::RULE)
        }
    }
}

impl TryFrom<String> for ConsentPurpose {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ConsentPurpose> for String {
    fn from(purpose: ConsentPurpose) -> Self {
        purpose.0.as_ref().to_owned()
    }
}

impl fmt::Display for ConsentPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a consent comes from, in the business's words: a form, a contract, a call. Or a [`WishSource`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConsentSource(Arc<str>);

impl ConsentSource {
    /// Characters of the longest.
    pub const LONGEST: usize = 64;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<WishSource> for ConsentSource {
    fn from(source: WishSource) -> Self {
        Self(source.as_str().into())
    }
}

impl TryFrom<String> for ConsentSource {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let is_line = text.trim() == text && is_one_line(&text) && shows(&text);
        if is_line && text.chars().count() <= Self::LONGEST {
            Ok(Self(text.into()))
        } else {
            Err(format!(
                "must be 1 to {} characters on one line, some of which show, without spaces around them",
                Self::LONGEST
            ))
        }
    }
}

impl From<ConsentSource> for String {
    fn from(source: ConsentSource) -> Self {
        source.0.as_ref().to_owned()
    }
}

/// Whether somebody agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentState {
    /// They did.
    Given,
    /// They do not, or not any more.
    Withdrawn,
}

/// What somebody said last about one purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Whether they agree.
    pub state: ConsentState,
    /// When they said so.
    pub at: Timestamp,
    /// How that became known.
    pub source: ConsentSource,
}

impl Consent {
    /// Whether it counts beside what was said before: the later does, and at the same time the one that leaves the customer alone.
    fn counts_beside(&self, other: &Self) -> bool {
        let weight = |one: &Self| (one.at, one.state == ConsentState::Withdrawn);
        weight(self) > weight(other)
    }
}

impl Contact {
    /// Purposes of one contact.
    pub const MOST_CONSENTS: usize = 20;
    /// The latest wishes that are kept of what the customer or Meta said.
    pub const MOST_WISHES: usize = 32;

    /// Whether a message of this purpose may not go to the customer.
    pub fn refuses(&self, purpose: Purpose) -> bool {
        purpose == Purpose::Marketing && self.opted_out_at.is_some()
    }

    /// Notes what the customer wished at a time; returns whether that changed anything.
    pub fn wish(&mut self, wish: MarketingWish, at: Timestamp) -> bool {
        let (is_news, state, source) = match wish {
            MarketingWish::Stop(source) => {
                let is_news = self.opted_in_at.is_none_or(|resumed| resumed <= at)
                    && self.opted_out_at.is_none_or(|stopped| stopped < at);
                if is_news {
                    (self.opted_out_at, self.opted_out_by) = (Some(at), Some(source));
                }
                (is_news, ConsentState::Withdrawn, source)
            }
            MarketingWish::Resume(source) => {
                let is_news = self.opted_in_at.is_none_or(|resumed| resumed < at)
                    && self.opted_out_at.is_none_or(|stopped| stopped < at);
                if is_news {
                    (self.opted_out_at, self.opted_out_by) = (None, None);
                    self.opted_in_at = Some(at);
                }
                (is_news, ConsentState::Given, source)
            }
        };
        if is_news {
            let consent = Consent {
                state,
                at,
                source: source.into(),
            };
            if source != WishSource::Business {
                self.note_wish(consent.clone());
            }
            self.consents.insert(ConsentPurpose::marketing(), consent);
        }
        is_news
    }

    /// Notes since when the customer wants no marketing where no record of its own says so: a file of contacts, which is gone once it is
    /// imported, or an erasure. So this stands with what the customer said.
    pub fn stop_by_business(&mut self, at: Timestamp) {
        if self.wish(MarketingWish::Stop(WishSource::Business), at) {
            self.note_wish(Consent {
                state: ConsentState::Withdrawn,
                at,
                source: WishSource::Business.into(),
            });
        }
    }

    /// Keeps what the customer said, in order of time; of very many the latest.
    fn note_wish(&mut self, wish: Consent) {
        if self.wishes.contains(&wish) {
            return;
        }
        let place = self.wishes.partition_point(|known| known.at <= wish.at);
        self.wishes.insert(place, wish);
        let over = self.wishes.len().saturating_sub(Self::MOST_WISHES);
        self.wishes.drain(..over);
    }

    /// Notes what the business says that the customer agreed to; returns whether that changed anything. It comes after all
    /// that is known already, whatever Meta's clock said of that.
    pub fn consent(&mut self, purpose: &ConsentPurpose, consent: &Consent) -> bool {
        if !purpose.is_marketing() {
            let room = self.consents.len() < Self::MOST_CONSENTS || self.consents.contains_key(purpose);
            let is_news = room && self.consents.get(purpose) != Some(consent);
            if is_news {
                self.consents.insert(purpose.clone(), consent.clone());
            }
            return is_news;
        }
        let after = self.opted_out_at.max(self.opted_in_at);
        let at = after.map_or(consent.at, |after| {
            consent.at.max(after.after(std::time::Duration::from_millis(1)))
        });
        let wish = match consent.state {
            ConsentState::Given => MarketingWish::Resume(WishSource::Business),
            ConsentState::Withdrawn => MarketingWish::Stop(WishSource::Business),
        };
        let is_news = self.wish(wish, at);
        if is_news {
            let consent = Consent {
                at,
                ..consent.clone()
            };
            self.consents.insert(purpose.clone(), consent);
        }
        is_news
    }

    /// Takes over what the same person wished under another contact; returns whether that changed what marketing is held to.
    pub fn wish_as(&mut self, other: &Self) -> bool {
        let resume = MarketingWish::Resume(WishSource::Business);
        let resumed = other.opted_in_at.is_some_and(|at| self.wish(resume, at));
        let stopped = other.opted_out_at.is_some_and(|at| {
            let source = other.opted_out_by.unwrap_or(WishSource::Preference);
            self.wish(MarketingWish::Stop(source), at)
        });
        for wish in &other.wishes {
            self.note_wish(wish.clone());
        }
        for (purpose, theirs) in &other.consents {
            let ours = self.consents.get(purpose);
            let counts = if purpose.is_marketing() {
                ours.is_some_and(|ours| (ours.at, ours.state) == (theirs.at, theirs.state))
            } else {
                ours.map_or(self.consents.len() < Self::MOST_CONSENTS, |ours| {
                    theirs.counts_beside(ours)
                })
            };
            if counts {
                self.consents.insert(purpose.clone(), theirs.clone());
            }
        }
        resumed || stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Alias, ContactAliases, TenantId};

    const STOP: MarketingWish = MarketingWish::Stop(WishSource::Preference);
    const RESUME: MarketingWish = MarketingWish::Resume(WishSource::Preference);

    fn contact() -> Contact {
        let aliases = ContactAliases::of([Alias::phone("628123456789").unwrap()]);
        let id = aliases.new_contact_id(TenantId::new(1)).unwrap();
        Contact::new(id, &aliases, Timestamp::default())
    }

    fn after(wishes: &[(MarketingWish, i64)]) -> Contact {
        let mut contact = contact();
        for (wish, at) in wishes {
            contact.wish(*wish, Timestamp::from_secs(*at));
        }
        contact
    }

    #[test]
    fn the_latest_word_counts_in_whatever_order_it_is_heard() {
        for (wishes, refuses) in [
            (vec![], false),
            (vec![(STOP, 1)], true),
            (vec![(STOP, 1), (RESUME, 2)], false),
            (vec![(RESUME, 2), (STOP, 1)], false),
            (vec![(STOP, 3), (RESUME, 2)], true),
            (vec![(RESUME, 2), (STOP, 3)], true),
            (vec![(STOP, 2), (RESUME, 2)], true),
            (vec![(RESUME, 2), (STOP, 2)], true),
        ] {
            let contact = after(&wishes);
            assert_eq!(contact.refuses(Purpose::Marketing), refuses, "{wishes:?}");
            assert!(!contact.refuses(Purpose::Other));
        }
    }

    #[test]
    fn saying_it_again_changes_nothing() {
        let mut contact = after(&[(STOP, 5)]);
        assert!(!contact.wish(STOP, Timestamp::from_secs(5)));
        assert!(!contact.wish(STOP, Timestamp::from_secs(4)));
        assert!(contact.wish(RESUME, Timestamp::from_secs(6)));
        assert!(!contact.wish(RESUME, Timestamp::from_secs(6)));
    }

    #[test]
    fn two_contacts_of_one_person_wish_what_was_said_last_under_either() {
        let stopped = after(&[(STOP, 5)]);
        let resumed = after(&[(STOP, 1), (RESUME, 6)]);
        let mut one = stopped.clone();
        assert!(one.wish_as(&resumed));
        assert!(!one.refuses(Purpose::Marketing));
        let mut other = resumed;
        assert!(!other.wish_as(&stopped));
        let mut fresh = contact();
        assert!(fresh.wish_as(&stopped));
        assert_eq!(fresh.opted_out_by, Some(WishSource::Preference));
    }

    fn consent(state: ConsentState, at: i64, source: &str) -> Consent {
        Consent {
            state,
            at: Timestamp::from_secs(at),
            source: source.to_owned().try_into().unwrap(),
        }
    }

    #[test]
    fn marketing_and_what_meta_says_of_it_are_one_thing() {
        let marketing = ConsentPurpose::marketing();
        let mut contact = after(&[(STOP, 10)]);
        assert_eq!(
            contact.consents[&marketing],
            consent(ConsentState::Withdrawn, 10, "preference")
        );
        // The business's clock is behind Meta's.
        assert!(contact.consent(&marketing, &consent(ConsentState::Given, 9, "form")));
        assert!(!contact.refuses(Purpose::Marketing));
        let given = &contact.consents[&marketing];
        assert_eq!(
            (given.state, given.source.as_str()),
            (ConsentState::Given, "form")
        );
        assert!(!contact.wish(STOP, Timestamp::from_secs(10)));
        assert!(contact.consent(&marketing, &consent(ConsentState::Withdrawn, 9, "letter")));
        assert!(contact.refuses(Purpose::Marketing));
        assert_eq!(contact.opted_out_by, Some(WishSource::Business));
        // What the business says is kept elsewhere, with its proof.
        assert_eq!(
            contact.wishes,
            [consent(ConsentState::Withdrawn, 10, "preference")]
        );
        let written = serde_json::to_value(&contact).unwrap();
        assert_eq!(written["consents"]["marketing"]["state"], "withdrawn");
        assert!(serde_json::from_value::<Contact>(written).unwrap() == contact);
    }

    #[test]
    fn other_purposes_leave_marketing_alone_and_are_so_many() {
        let mut contact = contact();
        let surveys: ConsentPurpose = "surveys".parse().unwrap();
        assert!(contact.consent(&surveys, &consent(ConsentState::Given, 1, "form")));
        assert!(!contact.consent(&surveys, &consent(ConsentState::Given, 1, "form")));
        assert!(!contact.refuses(Purpose::Marketing));
        for n in 0..Contact::MOST_CONSENTS {
            let purpose = format!("p{n}").parse().unwrap();
            contact.consent(&purpose, &consent(ConsentState::Given, 1, "form"));
        }
        assert_eq!(contact.consents.len(), Contact::MOST_CONSENTS);
        for bad in ["", "Surveys", "a b", "a-b", &"x".repeat(33)] {
            assert!(bad.parse::<ConsentPurpose>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_latest_wishes_are_kept_in_order_of_time() {
        let mut contact = contact();
        for at in 1..40 {
            let wish = if at % 2 == 0 { STOP } else { RESUME };
            contact.wish(wish, Timestamp::from_secs(at));
        }
        assert_eq!(contact.wishes.len(), Contact::MOST_WISHES);
        assert_eq!(contact.wishes.last().unwrap().at, Timestamp::from_secs(39));
        assert!(contact.wishes.is_sorted_by_key(|wish| wish.at));
        let mut other = after(&[(STOP, 50)]);
        other.wish_as(&contact);
        assert_eq!(other.wishes.last().unwrap().at, Timestamp::from_secs(50));
        assert_eq!(other.wishes.len(), Contact::MOST_WISHES);
        assert!(other.refuses(Purpose::Marketing));
    }
}
