//! From a request to an op: recipient, service window, defaults, and what the commit's answer means to the caller.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::ConversationParts;
use crate::actors::ledger::CommitError;
use crate::actors::messages::conversation::{Recipient, Submitted};
use crate::actors::request::{
    Acceptance, Accepted, ContentClass, Missing, NoteRequest, Refusal, SubmitRequest,
};
use crate::domain::message::{Delivery, UnknownPolicy};
use crate::domain::{
    Contact, ContactAliases, ContactId, Content, Conversation, ConversationId, DeliveryState, Links, MediaId,
    MediaState, MessageId, NamedMedia, PhoneNumberId, StatusTimes, Timestamp,
};
use crate::store::op::{ContactFate, Note, Op, OpOutcome, OpRefusal, Submit};
use crate::store::plain::PlainTable;
use crate::store::row::MessageRef;
use crate::store::tables::MediaFile;
use crate::store::{StoreError, StoreErrorKind};
use crate::whatsapp::{Recipient as WireRecipient, payload};

/// One request at work.
pub(super) struct Draft {
    pub(super) conversation: ConversationId,
    pub(super) parts: ConversationParts,
}

/// Who a message goes to, as far as it is known.
struct Addressee {
    number: PhoneNumberId,
    contact: ContactId,
    /// Names to reach them by.
    reach: ContactAliases,
    /// Names that the caller gave.
    given: ContactAliases,
}

impl Draft {
    pub(super) async fn submit(
        &self,
        request: SubmitRequest,
        recipient: Recipient,
        message: MessageId,
    ) -> Submitted {
        let parts = &self.parts;
        let now = parts.clock.now();
        self.demand_files(&request.content).await?;
        let row = self.row().await?;
        let message = own_id(row.as_ref(), message);
        let addressee = self.addressee(row.as_ref(), recipient).await?;
        let payload: Arc<RawValue> = payload(&request.content, WireRecipient::of(&addressee.reach))
            .ok_or_else(|| Refusal::Invalid("the contact has no name that Meta could reach".to_owned()))?
            .into();
        let delivery = delivery(&request, now);
        let submit = Submit {
            id: message,
            number: addressee.number.clone(),
            contact: addressee.contact,
            aliases: addressee.given,
            author: request.author,
            content: request.content,
            delivery,
            payload,
            may_be_held: request.class == ContentClass::Template,
            purpose: request.purpose,
            once: request.once,
            unless_after: request.unless_after,
            // Meta documents no service window for groups: it answers itself.
            window_at: (request.class == ContentClass::Service && addressee.reach.group.is_none())
                .then(|| request.send_at.unwrap_or(now).max(now)),
            broadcast: None,
            hours: None,
        };
        let mut outcome = parts.ledger.commit(Op::Submit(Box::new(submit))).await;
        // The commit knows the contact; what was resolved before it may be a guess that it corrected.
        let queued = match &mut outcome {
            Ok(OpOutcome::Committed { queued, .. }) => queued.take(),
            Ok(_) | Err(_) => None,
        };
        Ok((settled(outcome, message)?, queued))
    }

    pub(super) async fn note(&self, request: NoteRequest, message: MessageId) -> Result<Accepted, Refusal> {
        let message = own_id(self.row().await?.as_ref(), message);
        let note = Note {
            id: message,
            conversation: self.conversation,
            author: request.author,
            content: Content::note(&request.text),
            once: request.once,
        };
        settled(self.parts.ledger.commit(Op::Note(Box::new(note))).await, message)
    }

    /// Refuses a content that names an upload which is not there, or is to be sent as something else.
    async fn demand_files(&self, content: &Content) -> Result<(), Refusal> {
        for (upload, named) in NamedMedia::uploads(content) {
            self.demand_file(upload, &named).await?;
        }
        Ok(())
    }

    async fn demand_file(&self, upload: MediaId, named: &NamedMedia) -> Result<(), Refusal> {
        let parts = &self.parts;
        let files = PlainTable::<MediaFile>::of(parts.store.as_ref(), parts.clock.now());
        let found = files.get(&MediaFile::at(parts.tenant, upload)).await;
        let found = found.map_err(|error| store_refusal(&error))?;
        let ready = found.filter(|found| upload.is_upload() && found.row.state == MediaState::Stored);
        let path = &named.path;
        match ready {
            Some(found) if found.row.kind == named.kind => Ok(()),
            Some(found) => {
                let is = found.row.kind.as_str();
                let why = format!("{path}.media_id: the file is sent as {is}");
                Err(Refusal::Invalid(why))
            }
            None => Err(Refusal::Invalid(format!(
                "{path}.media_id: no file with this id was uploaded, or its time is over"
            ))),
        }
    }

    async fn row(&self) -> Result<Option<Conversation>, Refusal> {
        let row = self
            .parts
            .store
            .conversation(self.parts.tenant, self.conversation)
            .await;
        row.map_err(|error| store_refusal(&error))
    }

    async fn addressee(
        &self,
        row: Option<&Conversation>,
        recipient: Recipient,
    ) -> Result<Addressee, Refusal> {
        match (recipient, row) {
            (Recipient::Existing, None) => Err(Refusal::NotFound(Missing::Conversation)),
            (Recipient::Existing, Some(row)) => {
                let contact = self.person(row.contact_id).await?;
                let contact = contact.ok_or(Refusal::NotFound(Missing::Contact))?;
                Ok(Addressee {
                    number: row.number.clone(),
                    contact: contact.id,
                    reach: contact.reach(),
                    given: ContactAliases::default(),
                })
            }
            (
                Recipient::Named {
                    number,
                    aliases,
                    known,
                },
                _,
            ) => {
                let person = match known {
                    Some(known) => self.person(known).await?,
                    None => None,
                };
                let fresh = aliases
                    .new_contact_id(self.parts.tenant)
                    .ok_or(Refusal::NotFound(Missing::Contact))?;
                Ok(Addressee {
                    number,
                    contact: person.as_ref().map_or(fresh, |person| person.id),
                    reach: match person {
                        Some(person) => self.reach(person, &aliases).await?,
                        None => aliases.clone(),
                    },
                    given: aliases,
                })
            }
        }
    }

    /// The person that a contact turned out to be.
    async fn person(&self, contact: ContactId) -> Result<Option<Contact>, Refusal> {
        let (mut at, mut links) = (contact, Links::default());
        loop {
            let row = self.parts.store.contact(self.parts.tenant, at).await;
            let row = row.map_err(|error| store_refusal(&error))?;
            match row.as_ref().and_then(|row| links.after(row)) {
                Some(next) => at = next,
                None => return Ok(row),
            }
        }
    }

    /// Names to reach a person by: those by which it goes now, and a phone that the caller gave only where none is known
    /// and nobody else goes by it.
    async fn reach(&self, mut person: Contact, given: &ContactAliases) -> Result<ContactAliases, Refusal> {
        if let Some(phone) = given.phone.as_ref().filter(|_| person.phone.is_none()) {
            let names = phone.forms().collect();
            let owners = self.parts.store.contacts_by_alias(self.parts.tenant, names).await;
            let owners = owners.map_err(|error| store_refusal(&error))?;
            if owners.into_iter().flatten().all(|owner| owner == person.id) {
                person.fill(&ContactAliases::of([phone.clone()]));
            }
        }
        Ok(person.reach())
    }
}

/// Where a message stands that is written now: after all that whoever writes it can have read.
fn own_id(row: Option<&Conversation>, given: MessageId) -> MessageId {
    row.map_or(given, |row| row.own_id(given))
}

fn delivery(request: &SubmitRequest, now: Timestamp) -> Delivery {
    let on_unknown = request.on_unknown.unwrap_or(match request.class {
        ContentClass::Template => UnknownPolicy::NeverDuplicate,
        ContentClass::Service => UnknownPolicy::Ask,
    });
    let starts = request.send_at.unwrap_or(now).max(now);
    Delivery {
        state: DeliveryState::Queued,
        times: StatusTimes::default(),
        priority: request.priority,
        on_unknown,
        attempts: 0,
        send_at: request.send_at,
        valid_until: request.valid_for.map(|validity| starts.after(validity)),
        gave_up: None,
        error: None,
        category: None,
        client_msg_id: request.client_msg_id.clone(),
        biz_opaque_callback_data: request.callback_data.clone(),
    }
}

/// What a commit's answer means to whoever asked for a new message of this id.
///
/// A duplicate of the very message is this request's own doing: the first answer of the store was lost.
fn settled(result: Result<OpOutcome, CommitError>, message: MessageId) -> Result<Accepted, Refusal> {
    let accepted = |at: Option<MessageRef>, acceptance| {
        at.map(|at| Accepted { at, acceptance }).ok_or(Refusal::Uncertain)
    };
    match result {
        Ok(OpOutcome::Committed { at, .. }) => accepted(at, Acceptance::New),
        Ok(OpOutcome::Duplicate { at }) if at.is_some_and(|at| at.message == message) => {
            accepted(at, Acceptance::New)
        }
        Ok(OpOutcome::Duplicate { at }) => accepted(at, Acceptance::Repeated),
        Ok(OpOutcome::Unchanged | OpOutcome::Contact { .. } | OpOutcome::Suppressed(_)) => {
            Err(Refusal::Uncertain)
        }
        Ok(OpOutcome::Refused(refusal)) => Err(op_refusal(refusal)),
        Err(error) => Err(commit_refusal(&error)),
    }
}

/// What a change of a contact led to.
pub(crate) fn contact_changed(outcome: OpOutcome) -> Result<(ContactId, ContactFate), Refusal> {
    match outcome {
        OpOutcome::Contact { contact, fate, .. } => Ok((contact, fate)),
        OpOutcome::Refused(OpRefusal::NotFound) => Err(Refusal::NotFound(Missing::ContactId)),
        OpOutcome::Refused(refusal) => Err(op_refusal(refusal)),
        OpOutcome::Committed { .. }
        | OpOutcome::Duplicate { .. }
        | OpOutcome::Suppressed(_)
        | OpOutcome::Unchanged => Err(Refusal::Uncertain),
    }
}

/// What an op's refusal means to the caller.
pub(crate) fn op_refusal(refusal: OpRefusal) -> Refusal {
    match refusal {
        OpRefusal::OtherRequest => Refusal::OtherRequest,
        OpRefusal::WindowClosed => Refusal::WindowClosed,
        OpRefusal::OptedOut => Refusal::OptedOut,
        OpRefusal::ContactIsMinor => Refusal::ContactIsMinor,
        OpRefusal::ContactsChanged => Refusal::ContactsChanged,
        OpRefusal::NotMerged => Refusal::NotMerged,
        OpRefusal::ConversationChanged(seq) => Refusal::ConversationChanged(seq),
        OpRefusal::NotFound => Refusal::NotFound(Missing::Conversation),
        OpRefusal::AlreadyClaimed => Refusal::AlreadyClaimed,
        OpRefusal::TooManyLabels(most) => {
            Refusal::Invalid(format!("a conversation has at most {most} labels"))
        }
        OpRefusal::BroadcastNotRunning | OpRefusal::BroadcastCancelled => Refusal::BroadcastCancelled,
        OpRefusal::ContactExists(contact) => Refusal::ContactExists(contact),
        OpRefusal::ContactFull(limit) => Refusal::ContactFull(limit),
    }
}

/// What a failed commit means to the caller.
pub(crate) fn commit_refusal(error: &CommitError) -> Refusal {
    match error {
        CommitError::Busy => Refusal::Busy,
        CommitError::Closed => Refusal::Uncertain,
        CommitError::Store(error) => store_refusal(error),
    }
}

/// What a failed store call means to the caller.
pub(crate) fn store_refusal(error: &StoreError) -> Refusal {
    match error.kind {
        StoreErrorKind::Unknown => Refusal::Uncertain,
        StoreErrorKind::Invalid => Refusal::Invalid(error.detail.clone()),
        StoreErrorKind::Unavailable
        | StoreErrorKind::Overloaded
        | StoreErrorKind::Full
        | StoreErrorKind::Fenced
        | StoreErrorKind::HeadMoved
        | StoreErrorKind::Corrupt => Refusal::Unavailable {
            retry_after: error.retry_after,
        },
    }
}
