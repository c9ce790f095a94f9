//! Whether a customer wants marketing: who stopped it and when, and what lifts that.
//!
//! What Meta tells comes late, twice and out of order, so the latest word counts, whenever it is heard. Where two say the
//! opposite at the same second, the customer is left alone.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::contact::Contact;

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

/// How it became known that a customer stopped marketing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptOutSource {
    /// Meta said so by a `user_preferences` webhook.
    Preference,
    /// Meta refused a message for it.
    Refusal,
    /// The business has it from elsewhere.
    Business,
}

/// What a customer wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarketingWish {
    /// No marketing.
    Stop(OptOutSource),
    /// Marketing again. Lifts what Meta said, and nothing else.
    Resume,
}

/// Meta's code for a marketing message to somebody who stopped it. Source: Cloud API, Error codes (Dec 12 2025).
pub const MARKETING_STOPPED: i64 = 131_050;

impl Contact {
    /// Whether a message of this purpose may not go to the customer.
    pub fn refuses(&self, purpose: Purpose) -> bool {
        purpose == Purpose::Marketing && self.opted_out_at.is_some()
    }

    /// Notes what the customer wished at a time; returns whether that changed anything.
    pub fn wish(&mut self, wish: MarketingWish, at: Timestamp) -> bool {
        match wish {
            MarketingWish::Stop(source) => {
                let is_news = self.opted_in_at.is_none_or(|resumed| resumed <= at)
                    && self.opted_out_at.is_none_or(|stopped| stopped < at);
                if is_news {
                    (self.opted_out_at, self.opted_out_by) = (Some(at), Some(source));
                }
                is_news
            }
            MarketingWish::Resume => {
                let is_news = self.opted_in_at.is_none_or(|resumed| resumed < at)
                    && self.opted_out_at.is_none_or(|stopped| stopped < at);
                if is_news {
                    (self.opted_out_at, self.opted_out_by) = (None, None);
                    self.opted_in_at = Some(at);
                }
                is_news
            }
        }
    }

    /// Takes over what the same person wished under another contact; returns whether that changed anything.
    pub fn wish_as(&mut self, other: &Self) -> bool {
        let resumed = other
            .opted_in_at
            .is_some_and(|at| self.wish(MarketingWish::Resume, at));
        let stopped = other.opted_out_at.is_some_and(|at| {
            let source = other.opted_out_by.unwrap_or(OptOutSource::Preference);
            self.wish(MarketingWish::Stop(source), at)
        });
        resumed || stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Alias, ContactAliases, TenantId};

    const STOP: MarketingWish = MarketingWish::Stop(OptOutSource::Preference);

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
            (vec![(STOP, 1), (MarketingWish::Resume, 2)], false),
            (vec![(MarketingWish::Resume, 2), (STOP, 1)], false),
            (vec![(STOP, 3), (MarketingWish::Resume, 2)], true),
            (vec![(MarketingWish::Resume, 2), (STOP, 3)], true),
            (vec![(STOP, 2), (MarketingWish::Resume, 2)], true),
            (vec![(MarketingWish::Resume, 2), (STOP, 2)], true),
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
        assert!(contact.wish(MarketingWish::Resume, Timestamp::from_secs(6)));
        assert!(!contact.wish(MarketingWish::Resume, Timestamp::from_secs(6)));
    }

    #[test]
    fn two_contacts_of_one_person_wish_what_was_said_last_under_either() {
        let stopped = after(&[(STOP, 5)]);
        let resumed = after(&[(STOP, 1), (MarketingWish::Resume, 6)]);
        let mut one = stopped.clone();
        assert!(one.wish_as(&resumed));
        assert!(!one.refuses(Purpose::Marketing));
        let mut other = resumed;
        assert!(!other.wish_as(&stopped));
        let mut fresh = contact();
        assert!(fresh.wish_as(&stopped));
        assert_eq!(fresh.opted_out_by, Some(OptOutSource::Preference));
    }
}
