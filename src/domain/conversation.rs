//! A conversation as it stands in the list: one contact, or one group, on one number.

mod changes;

pub use changes::ConversationChanges;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::broadcast::LastBroadcast;
use super::clock::Timestamp;
use super::content::ContentKind;
use super::ids::{AgentId, BroadcastId, ContactId, ConversationId, MessageId, PhoneNumberId, Seq};
use super::message::{Author, Message};

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

impl ConversationStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Open, Self::Pending, Self::Resolved];

    /// The number under which stores write it down. It never changes, and none is used twice.
    pub const fn code(self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Pending => 2,
            Self::Resolved => 3,
        }
    }

    /// The status that a number stands for.
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }
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
    /// Ledger positions of the newest of them, [`Conversation::UNREAD_SEQS`] at most.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unread_seqs: Vec<Seq>,
    /// Time of the customer's last message, which opens the service window. A group has none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_inbound: Option<Timestamp>,
    /// When anything last happened; orders the list.
    pub last_activity: Timestamp,
    /// Ledger position of the message or note that came last, for reply-if-unchanged.
    pub last_message_seq: Seq,
    /// Who wrote the last message or note: the one that stands last in the thread.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_message_by: Option<Author>,
    /// Ledger position of the last message or note that somebody else wrote than the author of the one that came last.
    #[serde(default)]
    pub last_other_seq: Seq,
    /// The last message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_message_id: Option<MessageId>,
    /// The message that came last of those that stand before a message that had come already.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub late_message_id: Option<MessageId>,
    /// Who wrote the message that came last, when that is not the last message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub late_message_by: Option<Author>,
    /// What kind of message the last one is. Rows of earlier versions do not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_message_kind: Option<ContentKind>,
    /// Whether the last message failed or expired.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub last_message_failed: bool,
    /// First characters of the last message. Personal data.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub preview: Option<String>,
    /// The last broadcast whose message it got.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_broadcast: Option<LastBroadcast>,
    /// Whether it is left out of lists: nothing but messages of broadcasts happened in it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub is_unlisted: bool,
    /// When it began.
    pub created: Timestamp,
}

impl Conversation {
    /// Unread messages whose positions are known.
    pub const UNREAD_SEQS: usize = 16;

    /// More labels than this say nothing.
    pub const MOST_LABELS: usize = 50;

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
            unread_seqs: Vec::new(),
            last_inbound: None,
            last_activity: now,
            last_message_seq: Seq::default(),
            last_message_by: None,
            last_other_seq: Seq::default(),
            last_message_id: None,
            late_message_id: None,
            late_message_by: None,
            last_message_kind: None,
            last_message_failed: false,
            preview: None,
            last_broadcast: None,
            is_unlisted: false,
            created: now,
        }
    }

    /// The id of a message of this time that comes now: it stands after those of the same second that came before it.
    /// Meta tells times in seconds, so that within one nothing but the order of coming says what happened first.
    pub fn next_id(&self, at: Timestamp, tail: u64) -> MessageId {
        let same_second = |id: &&MessageId| id.timestamp().as_secs() == at.as_secs();
        let broadcast = self.last_broadcast.as_ref().map(|last| last.message_id);
        let before = [self.last_message_id, self.late_message_id, broadcast];
        match before.iter().flatten().filter(same_second).max() {
            Some(last) => last.followed_by(at, tail),
            None => MessageId::new(at, 0, tail),
        }
    }

    /// The id of a message that is written here now, to which this one was given by our clock: it stands after what came
    /// before, whose time may be ahead by Meta's clock.
    pub fn own_id(&self, given: MessageId) -> MessageId {
        match self.last_message_id {
            Some(last) if last >= given => last.followed_by(given.timestamp(), given.tail()),
            Some(_) | None => given,
        }
    }

    /// Who wrote the message or note that came last.
    pub fn last_writer(&self) -> Option<&Author> {
        self.late_message_by.as_ref().or(self.last_message_by.as_ref())
    }

    /// Takes note of a broadcast's message: where somebody works, nothing shows that it came.
    pub fn take_broadcast(&mut self, message: MessageId, broadcast: BroadcastId) {
        self.last_broadcast = Some(LastBroadcast {
            broadcast,
            message_id: message,
            reactions: BTreeSet::new(),
        });
    }

    /// Takes note of a message or note that comes now, at this position of the ledger.
    pub fn take(&mut self, message: &Message, seq: Seq, now: Timestamp) {
        self.is_unlisted = false;
        self.last_activity = now;
        // It outlives its message.
        let author = Some(message.author.unnamed());
        if self.last_writer() != author.as_ref() {
            self.last_other_seq = self.last_message_seq;
        }
        self.last_message_seq = seq;
        self.late_message_by = author;
        self.place(message);
    }

    /// Counts a message that comes now, at this position of the ledger, as unread.
    pub fn count_unread(&mut self, seq: Seq) {
        self.unread = self.unread.saturating_add(1);
        self.unread_seqs.push(seq);
        if self.unread_seqs.len() > Self::UNREAD_SEQS {
            self.unread_seqs.remove(0);
        }
    }

    /// Somebody read what had come up to this position, or everything. What came later stays unread.
    pub fn read(&mut self, seen: Option<Seq>) {
        let listed = self.unread_seqs.len();
        self.unread_seqs
            .retain(|seq| seen.is_some_and(|seen| *seq > seen));
        // Whoever has seen none of those listed may not have seen the older ones either.
        if self.unread_seqs.len() < listed || listed == 0 {
            self.unread = u32::try_from(self.unread_seqs.len()).unwrap_or(u32::MAX);
        }
    }

    /// A message that was told at these positions of the ledger is gone: nobody has to read it any more. Says whether anybody
    /// had to.
    pub fn leave_unread(&mut self, told: &[Seq]) -> bool {
        let listed = self.unread_seqs.len();
        self.unread_seqs.retain(|seq| !told.contains(seq));
        let gone = listed - self.unread_seqs.len();
        self.unread = self
            .unread
            .saturating_sub(u32::try_from(gone).unwrap_or(u32::MAX));
        gone > 0
    }

    /// Takes over what agents have to know of another thread of the same person, which goes on here, and leaves that one with
    /// nothing to do. Says whether there was anything.
    pub fn succeed(&mut self, left: &mut Self) -> bool {
        let is_newer = left.last_message_seq > self.last_message_seq;
        if !is_newer && left.unread == 0 && left.status == ConversationStatus::Resolved {
            return false;
        }
        let (newest, other) = if is_newer {
            (&*left, &*self)
        } else {
            (&*self, &*left)
        };
        let writer = newest.last_writer().cloned();
        let by_others = if other.last_writer() == writer.as_ref() {
            other.last_other_seq
        } else {
            other.last_message_seq
        };
        let is_unlisted = newest.is_unlisted && other.is_unlisted;
        let assignee = newest.assignee.as_ref().or(other.assignee.as_ref()).cloned();
        let mut labels = newest.labels.clone();
        for label in &other.labels {
            if labels.len() < Self::MOST_LABELS && !labels.contains(label) {
                labels.push(label.clone());
            }
        }
        labels.sort();
        let seqs = (newest.last_message_seq, newest.last_other_seq.max(by_others));
        (self.last_message_seq, self.last_other_seq) = seqs;
        self.late_message_by = writer.filter(|writer| self.last_message_by.as_ref() != Some(writer));
        (self.assignee, self.labels) = (assignee, labels);
        self.is_unlisted = is_unlisted;
        self.status = match (self.status, left.status) {
            (ConversationStatus::Open, _) | (_, ConversationStatus::Open) => ConversationStatus::Open,
            (ConversationStatus::Pending, _) | (_, ConversationStatus::Pending) => {
                ConversationStatus::Pending
            }
            (ConversationStatus::Resolved, ConversationStatus::Resolved) => ConversationStatus::Resolved,
        };
        self.unread = self.unread.saturating_add(left.unread);
        self.unread_seqs.append(&mut left.unread_seqs);
        self.unread_seqs.sort_unstable();
        let over = self.unread_seqs.len().saturating_sub(Self::UNREAD_SEQS);
        self.unread_seqs.drain(..over);
        self.last_activity = self.last_activity.max(left.last_activity);
        (left.status, left.unread) = (ConversationStatus::Resolved, 0);
        true
    }

    /// Takes note of a message that was written long before it comes: it has a place, and nobody waits for an answer.
    pub fn take_import(&mut self, message: &Message) {
        self.is_unlisted = false;
        self.last_activity = self.last_activity.max(message.created);
        self.late_message_by = self.last_writer().cloned();
        self.place(message);
    }

    /// Notes where a message stands. One that is known by a change of it alone will stand before that: it is never the last.
    pub fn place(&mut self, message: &Message) {
        if Some(message.id) > self.last_message_id && !message.first_version_missing {
            self.show(Some(message));
        } else if self.last_message_id != Some(message.id) {
            self.late_message_id = Some(message.id);
        }
        let last = self.last_message_by.as_ref();
        self.late_message_by.take_if(|writer| Some(&*writer) == last);
    }

    fn show(&mut self, message: Option<&Message>) {
        self.last_message_by = message.map(|message| message.author.unnamed());
        self.last_message_id = message.map(|message| message.id);
        self.tell(message);
    }

    fn tell(&mut self, message: Option<&Message>) {
        self.last_message_kind = message.map(|message| message.content.kind().clone());
        self.last_message_failed = message.is_some_and(Message::has_failed);
        self.preview = message.and_then(|message| message.content.preview());
    }

    /// The last message is gone: this one is the newest that is left.
    pub fn fall_back_to(&mut self, newest: Option<&Message>) {
        self.late_message_by = self.last_writer().cloned();
        self.show(newest);
        let last = self.last_message_by.as_ref();
        self.late_message_by.take_if(|writer| Some(&*writer) == last);
    }

    /// A message says something else now, or nothing, or its delivery went on.
    pub fn retell(&mut self, message: &Message) {
        if self.last_message_id == Some(message.id) {
            self.tell(Some(message));
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
    fn a_status_that_is_written_down_stands_for_the_same_for_ever() {
        use ConversationStatus::{Open, Pending, Resolved};
        let read: Vec<_> = (0..=u8::MAX).map(ConversationStatus::of_code).collect();
        assert_eq!(read[..5], [None, Some(Open), Some(Pending), Some(Resolved), None]);
        assert_eq!(read.iter().flatten().count(), ConversationStatus::ALL.len());
    }

    #[test]
    fn the_window_closes_exactly_a_day_after_the_customers_message() {
        let window = ServiceWindow::opened_at(Some(Timestamp::from_secs(1_000)));
        assert!(window.is_open(Timestamp::from_secs(1_000 + 86_399)));
        assert!(!window.is_open(Timestamp::from_secs(1_000 + 86_400)));
        assert!(!ServiceWindow::opened_at(None).is_open(Timestamp::from_secs(0)));
    }

    #[test]
    fn reading_leaves_unread_what_came_after_the_reader_looked() {
        let with_unread = |count: u64| {
            let id = ConversationId::from_bytes([1; 16]);
            let number = PhoneNumberId::parse("1").unwrap();
            let contact = ContactId::from_bytes([2; 16]);
            let mut row = Conversation::new(id, number, contact, Timestamp::from_secs(1));
            (1..=count).for_each(|n| row.count_unread(Seq::new(n * 10)));
            row
        };
        for (unread, seen, left) in [
            (3, None, 0),
            (3, Some(30), 0),
            (3, Some(29), 1),
            (3, Some(10), 2),
            (3, Some(9), 3),
            (0, Some(9), 0),
            (100, Some(1_000), 0),
            (100, Some(990), 1),
            (100, Some(860), 14),
            // Which of them were seen is not known any more.
            (100, Some(20), 100),
        ] {
            let mut row = with_unread(unread);
            row.read(seen.map(Seq::new));
            assert_eq!(row.unread, left, "{unread} {seen:?}");
        }
        let mut earlier_version = with_unread(2);
        earlier_version.unread_seqs.clear();
        earlier_version.read(Some(Seq::new(5)));
        assert_eq!(earlier_version.unread, 0);
    }
}
