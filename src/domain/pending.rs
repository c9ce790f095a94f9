//! Changes that a contact asked for, to messages that it is not known to have written.
//!
//! Whoever asked may turn out to be the author: then the change is made. Until then it stands in the asker's own thread.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::contact::Contact;
use super::ids::{ConversationId, MessageId, WamidHash};
use super::retention::Retention;

/// More changes than this do not wait; the oldest goes first.
const MOST: usize = 32;

/// A change that waits. Holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingChange {
    /// The message that it would change.
    pub original: WamidHash,
    /// The conversation in which the change stands meanwhile.
    pub conversation: ConversationId,
    /// The message as which it stands there.
    pub message: MessageId,
    /// How long both are kept.
    pub retention: Retention,
}

impl Contact {
    /// Keeps a change until it turns out who wrote its message, no longer than what it says is kept.
    pub fn await_author(&mut self, change: PendingChange, now: Timestamp) {
        let is_over = |change: &PendingChange| change.retention.expiry(change.message.timestamp()) <= now;
        self.pending.retain(|earlier| !is_over(earlier));
        self.pending.push(change);
        let over = self.pending.len().saturating_sub(MOST);
        self.pending.drain(..over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Alias, ContactAliases, ContactId};

    #[test]
    fn changes_beyond_number_and_those_that_are_over_do_not_wait() {
        let names = ContactAliases::of(Alias::phone("628111111"));
        let mut contact = Contact::new(ContactId::from_bytes([1; 16]), &names, Timestamp::default());
        let retention = Retention::days(1).unwrap();
        let change = |n: i64| PendingChange {
            original: WamidHash::of_other("test", &[&n.to_be_bytes()]),
            conversation: ConversationId::from_bytes([2; 16]),
            message: MessageId::new(Timestamp::from_secs(n), 0, 0),
            retention,
        };
        for n in 0..100 {
            contact.await_author(change(n), Timestamp::from_secs(n));
        }
        assert_eq!(contact.pending.len(), MOST);
        contact.await_author(change(200_000), Timestamp::from_secs(200_000));
        assert_eq!(contact.pending, [change(200_000)]);
    }
}
