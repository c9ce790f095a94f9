//! A conversation as it stands in the list: one contact, or one group, on one number.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::ids::{AgentId, ContactId, ConversationId, MessageId, PhoneNumberId, Seq};
use super::message::Author;

/// Whether a conversation wants attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationStatus {
    /// Somebody should answer.
    #[default]
    Open,
    /// Waits for the customer or for a third party.
    Pending,
    /// Done; a new inbound message opens it again.
    Resolved,
}

/// The 24 hours after a customer's last message in which free-form messages may be sent.
/// Source: Cloud API, Service messages: the window counts from Meta's timestamp of each user message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServiceWindow {
    opened: Option<Timestamp>,
}

impl ServiceWindow {
    /// How long a window stays open.
    pub const LENGTH: Duration = Duration::from_hours(24);

    /// The window that a message from the customer at this time opened.
    pub const fn opened_at(last_inbound: Option<Timestamp>) -> Self {
        Self { opened: last_inbound }
    }

    /// When it closes; `None` if it never opened.
    pub fn closes(self) -> Option<Timestamp> {
        self.opened.map(|opened| opened.after(Self::LENGTH))
    }

    /// Whether free-form messages may be sent at this time.
    pub fn is_open(self, now: Timestamp) -> bool {
        self.closes().is_some_and(|closes| now < closes)
    }
}

/// One row of the conversation list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Derived from number and contact.
    pub id: ConversationId,
    /// The business number.
    pub number: PhoneNumberId,
    /// The customer, or the group.
    pub contact_id: ContactId,
    /// Whether it wants attention.
    pub status: ConversationStatus,
    /// Who answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub assignee: Option<AgentId>,
    /// Labels, sorted, without repeats.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Inbound messages since somebody last read it.
    pub unread: u32,
    /// Time of the customer's last message, which opens the service window. A group has none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_inbound: Option<Timestamp>,
    /// When anything last happened; orders the list.
    pub last_activity: Timestamp,
    /// Ledger position of the last message or note, for reply-if-unchanged.
    pub last_message_seq: Seq,
    /// Who wrote the last message or note.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_message_by: Option<Author>,
    /// Ledger position of the last message or note that somebody else wrote than the last one's author.
    #[serde(default)]
    pub last_other_seq: Seq,
    /// The last message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_message_id: Option<MessageId>,
    /// First characters of the last message. Personal data.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub preview: Option<String>,
    /// When it began.
    pub created: Timestamp,
}

impl Conversation {
    /// A conversation that begins now.
    pub fn new(id: ConversationId, number: PhoneNumberId, contact_id: ContactId, now: Timestamp) -> Self {
        Self {
            id,
            number,
            contact_id,
            status: ConversationStatus::Open,
            assignee: None,
            labels: Vec::new(),
            unread: 0,
            last_inbound: None,
            last_activity: now,
            last_message_seq: Seq::default(),
            last_message_by: None,
            last_other_seq: Seq::default(),
            last_message_id: None,
            preview: None,
            created: now,
        }
    }

    /// The service window as the last inbound message left it.
    pub fn window(&self) -> ServiceWindow {
        ServiceWindow::opened_at(self.last_inbound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_closes_exactly_a_day_after_the_customers_message() {
        let window = ServiceWindow::opened_at(Some(Timestamp::from_secs(1_000)));
        assert!(window.is_open(Timestamp::from_secs(1_000 + 86_399)));
        assert!(!window.is_open(Timestamp::from_secs(1_000 + 86_400)));
        assert!(!ServiceWindow::opened_at(None).is_open(Timestamp::from_secs(0)));
    }
}
