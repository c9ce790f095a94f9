//! Rows that are not domain objects of their own, and the view of rows that [`super::derive`] works on.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::StoreError;
use crate::domain::message::UnknownPolicy;
use crate::domain::{
    Alias, AttemptToken, BroadcastId, BroadcastRecipient, BroadcastTally, Contact, ContactId, Conversation,
    ConversationId, Event, Fence, JournalId, Message, MessageId, PhoneNumberId, Priority, Purpose,
    RecipientHours, Retention, Seq, Timestamp, WamidHash,
};

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MessageRef {
    /// The conversation that holds it.
    pub conversation: ConversationId,
    /// The message.
    pub message: MessageId,
}

impl MessageRef {
    /// Where a message stands, as its row says.
    pub const fn of(row: &Message) -> Self {
        Self {
            conversation: row.conversation_id,
            message: row.id,
        }
    }

    /// Where the message of a call stands.
    pub const fn of_call(token: &AttemptToken) -> Self {
        Self {
            conversation: token.conversation,
            message: token.message,
        }
    }

    /// Where the message stands whose beginning a conversation shows.
    pub fn shown_by(row: &Conversation) -> Option<Self> {
        row.last_message_id.map(|message| Self {
            conversation: row.id,
            message,
        })
    }
}

/// How far an unsettled outbound message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    /// May be claimed from `due` on.
    Queued,
    /// A call may be under way.
    Claimed,
    /// A call's outcome is unknown.
    Unknown,
    /// Meta took it and holds it back: it is watched, and never called for again.
    Held,
}

/// A message as its commit put it into the outbox: what its lane needs to know of it. Holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// The number that sends it.
    pub number: PhoneNumberId,
    /// Where the message stands.
    pub at: MessageRef,
    /// The customer, as the commit knows them.
    pub contact: ContactId,
    /// Contacts that turned out to be this customer: for these, too, messages may wait.
    pub linked: Vec<ContactId>,
    /// Which queue.
    pub priority: Priority,
    /// Not to be claimed before.
    pub due: Timestamp,
    /// Not to be claimed after.
    pub valid_until: Option<Timestamp>,
    /// Whether it carries a file that has to be at Meta first.
    pub has_file: bool,
    /// The broadcast in whose sending hours it goes.
    pub hours: Option<(BroadcastId, RecipientHours)>,
}

impl OutboxRow {
    /// The broadcast in whose sending hours it goes, if that has any.
    pub fn sending_hours(&self) -> Option<(BroadcastId, RecipientHours)> {
        Some((self.broadcast?.broadcast, self.hours?))
    }

    /// Whether it carries a file that was uploaded here. Within a JSON text the quotes would be escaped; who sends it looks closer.
    pub fn has_file(&self) -> bool {
        memchr::memmem::find(self.payload.get().as_bytes(), br#""media_id":""#).is_some()
    }
}

impl From<&OutboxRow> for Queued {
    fn from(row: &OutboxRow) -> Self {
        Self {
            number: row.number.clone(),
            at: row.at,
            contact: row.contact,
            linked: Vec::new(),
            priority: row.priority,
            due: row.due,
            valid_until: row.valid_until,
            has_file: row.has_file(),
            hours: row.sending_hours(),
        }
    }
}

/// An outbound message that is not settled: all that a lane needs to send it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutboxRow {
    /// The lane.
    pub number: PhoneNumberId,
    /// The message.
    pub at: MessageRef,
    /// The customer, for the pair limit.
    pub contact: ContactId,
    /// How far it is.
    pub state: OutboxState,
    /// Calls claimed so far.
    pub attempt: u8,
    /// Under which fence the last of them was; `None` before the first, and where an earlier version made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_under: Option<Fence>,
    /// Which queue.
    pub priority: Priority,
    /// Not to be claimed before.
    pub due: Timestamp,
    /// Not to be claimed after.
    pub valid_until: Option<Timestamp>,
    /// What to do with an unknown outcome.
    pub on_unknown: UnknownPolicy,
    /// Whether Meta may hold it back for a quality check, so that a missing status proves nothing for a day.
    pub may_be_held: bool,
    /// What it is for.
    #[serde(default)]
    pub purpose: Purpose,
    /// The recipient of a broadcast to whom it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<BroadcastRecipient>,
    /// Until when that recipient may be sent to before it is looked when that may be again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<RecipientHours>,
    /// When the state was entered.
    pub since: Timestamp,
    /// The request body for Graph, without the attempt token; nothing once Meta holds it. Personal data.
    pub payload: Arc<RawValue>,
}

/// A request for one claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimWant {
    /// The lane.
    pub number: PhoneNumberId,
    /// The message.
    pub message: MessageId,
    /// Calls claimed so far, as the lane knows it.
    pub attempt: u8,
}

/// A granted claim: exactly one call may be made with it.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The token for this call.
    pub token: AttemptToken,
    /// Who its customer turned out to be.
    pub person: ContactId,
    /// The row as it stands now.
    pub row: OutboxRow,
}

/// What became of a [`ClaimWant`].
#[derive(Debug, Clone)]
pub enum ClaimOutcome {
    /// One call may be made.
    Granted(Box<Claimed>),
    /// The customer wants no marketing since it was accepted, or is there no more: it is to be withdrawn.
    OptedOut,
    /// The customer is known to be under age since then: likewise.
    ContactIsMinor,
    /// The number blocks the customer since a broadcast wrote to them: likewise.
    Blocked,
    /// Its broadcast is halted: it waits in the outbox until that goes on.
    Halted(BroadcastId),
    /// Its broadcast was cancelled: it is to be withdrawn.
    BroadcastCancelled,
    /// The row is not there any more (cancelled, settled, expired) or is not as the lane believed.
    Refused,
}

/// One element of a webhook that could not be applied, kept for a person to look at and replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Given by the writer; time-ordered.
    pub id: JournalId,
    /// When it was put aside.
    pub at: Timestamp,
    /// Why, as a stable code: `unknown_number`, `wrong_app`, `malformed`, `poison`.
    pub reason: String,
    /// A complete webhook body that holds just this element, behind the app that signed it as in the journal. Personal
    /// data.
    pub body: Bytes,
}

impl Quarantined {
    /// When it stops being readable.
    pub fn until(&self) -> Timestamp {
        self.at.after(Retention::ASIDE)
    }
}

/// Something that must happen only once, and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The message that it made, if it made one.
    pub at: Option<MessageRef>,
}

/// What an idempotency key was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// Digest of the request that first used the key.
    pub request: [u8; 16],
    /// The message that it made.
    pub at: MessageRef,
}

/// Under this key the seen-index finds an outbound message by its id alone.
pub fn outbound_key(message: MessageId) -> WamidHash {
    WamidHash::of_other("outbound", &[message.as_bytes()])
}

/// The rows of one tenant as a batch sees them: what is stored, overlaid with what the batch already wrote.
///
/// Expired rows read as absent. Writes carry the time until which they may be read.
pub trait Rows {
    /// A conversation.
    fn conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, StoreError>;
    /// Writes a conversation. Conversations do not expire by themselves.
    fn put_conversation(&mut self, row: &Conversation) -> Result<(), StoreError>;
    /// A message.
    fn message(&mut self, at: MessageRef) -> Result<Option<Message>, StoreError>;
    /// Writes a message.
    fn put_message(&mut self, row: &Message, expires: Timestamp) -> Result<(), StoreError>;
    /// An entry of the seen-index: wamids, outbound message ids, and other things that must happen once.
    fn seen(&mut self, key: WamidHash) -> Result<Option<Seen>, StoreError>;
    /// Writes an entry of the seen-index.
    fn put_seen(&mut self, key: WamidHash, seen: Seen, expires: Timestamp) -> Result<(), StoreError>;
    /// A contact.
    fn contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError>;
    /// Writes a contact. Contacts do not expire by themselves.
    fn put_contact(&mut self, row: &Contact) -> Result<(), StoreError>;
    /// The contact that an alias points to, following no link.
    fn alias(&mut self, alias: &Alias) -> Result<Option<ContactId>, StoreError>;
    /// Points an alias to a contact.
    fn put_alias(&mut self, alias: &Alias, contact: ContactId) -> Result<(), StoreError>;
    /// Points an alias, by its digest, to a contact.
    fn put_alias_key(&mut self, key: [u8; 16], contact: ContactId) -> Result<(), StoreError>;
    /// What an idempotency key was used for.
    fn idempotency(&mut self, key: [u8; 16]) -> Result<Option<Idempotency>, StoreError>;
    /// Notes what an idempotency key was used for.
    fn put_idempotency(
        &mut self,
        key: [u8; 16],
        row: Idempotency,
        expires: Timestamp,
    ) -> Result<(), StoreError>;
    /// An unsettled outbound message.
    fn outbox(&mut self, number: &PhoneNumberId, message: MessageId)
    -> Result<Option<OutboxRow>, StoreError>;
    /// Writes an unsettled outbound message.
    fn put_outbox(&mut self, row: &OutboxRow) -> Result<(), StoreError>;
    /// Removes a settled outbound message from the outbox.
    fn remove_outbox(&mut self, number: &PhoneNumberId, message: MessageId) -> Result<(), StoreError>;
    /// How many recipients of a broadcast came to what.
    fn tally(&mut self, broadcast: BroadcastId) -> Result<Option<BroadcastTally>, StoreError>;
    /// Writes that.
    fn put_tally(&mut self, row: &BroadcastTally, expires: Timestamp) -> Result<(), StoreError>;
    /// Writes an event.
    fn put_event(&mut self, event: &Event, expires: Timestamp) -> Result<(), StoreError>;
    /// An event, whatever is left of it.
    fn event(&mut self, seq: Seq) -> Result<Option<Event>, StoreError>;
    /// Leaves only the place of an event, if it is still there.
    fn erase_event(&mut self, seq: Seq) -> Result<(), StoreError>;
}
