//! Whether messages reach a contact, as far as Meta tells.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::contact::Contact;

/// Meta's code for a message that cannot be delivered: no WhatsApp under this phone, an old one, or the customer blocks the number.
pub const UNREACHABLE: i64 = 131_026;
/// Meta tells its times in seconds.
const METAS_STEP: Duration = Duration::from_secs(1);

/// The last message that did not reach somebody whom none reached since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreachable {
    /// When that was, by Meta's time where a status told it.
    pub at: Timestamp,
    /// Meta's code for it.
    pub code: i64,
}

impl Contact {
    /// Notes that a message did not reach it; says whether that changed anything.
    pub fn miss(&mut self, missed: Unreachable) -> bool {
        let is_news = self.group_id.is_none() && self.unreachable.is_none_or(|known| known.at < missed.at);
        if is_news {
            self.unreachable = Some(missed);
        }
        is_news
    }

    /// Notes that it wrote, or that a message reached it; says whether that changed anything. What came before it was missed shows
    /// nothing.
    pub fn reach_again(&mut self, at: Timestamp) -> bool {
        self.unreachable
            .take_if(|missed| missed.at < at.after(METAS_STEP))
            .is_some()
    }

    /// Whether a message did not reach it since then, and none did after that.
    pub fn is_unreachable_since(&self, then: Timestamp) -> bool {
        self.unreachable.is_some_and(|missed| missed.at >= then)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ContactAliases, ContactId};

    #[test]
    fn what_was_missed_counts_until_it_is_reached_later() {
        let at = |seconds: i64| Timestamp::from_secs(1_000 + seconds);
        let missed = |seconds| Unreachable {
            at: at(seconds),
            code: UNREACHABLE,
        };
        let mut contact = Contact::new(ContactId::from_bytes([1; 16]), &ContactAliases::default(), at(0));
        assert!(!contact.reach_again(at(0)) && !contact.is_unreachable_since(at(0)));
        assert!(contact.miss(missed(5)));
        assert!(!contact.miss(missed(5)) && !contact.miss(missed(4)));
        assert!(contact.is_unreachable_since(at(5)) && !contact.is_unreachable_since(at(6)));
        assert!(!contact.reach_again(at(3)), "it wrote before that");
        assert!(contact.miss(missed(6)));
        assert!(contact.reach_again(at(6)), "within the same second it wrote");
        assert_eq!(contact.unreachable, None);
    }
}
