//! From a destination to the conversation that takes the request.

use tokio::sync::oneshot;

use super::TenantParts;
use crate::actors::bounded::BoundedAddr;
use crate::actors::conversation::{Conversation, refusal, store_refusal};
use crate::actors::messages::conversation::{self, LeaveNote, Recipient, Submitted};
use crate::actors::request::{Accepted, Destination, Missing, NoteRequest, Refusal, SubmitRequest};
use crate::domain::{Alias, ConversationId, MessageId};

/// Finds the conversation that a destination means. New contacts get the id that they will have.
pub(super) async fn resolve(
    parts: TenantParts,
    to: Destination,
) -> Result<(ConversationId, Recipient), Refusal> {
    match to {
        Destination::Conversation(id) => Ok((id, Recipient::Existing)),
        Destination::Contact { number: None, .. } => Err(Refusal::UnknownNumber),
        Destination::Contact {
            number: Some(number),
            aliases,
        } => {
            let tenant = parts.row.id;
            let names: Vec<_> = aliases.strongest_first().flat_map(Alias::forms).collect();
            let known = parts.store.contacts_by_alias(tenant, names).await;
            let known = known.map_err(|error| store_refusal(&error))?;
            let known = known.into_iter().flatten().next();
            let contact = known.or_else(|| aliases.new_contact_id(tenant));
            let contact = contact.ok_or(Refusal::NotFound(Missing::Contact))?;
            let id = ConversationId::derive(tenant, &number, contact);
            let recipient = Recipient::Named {
                number,
                aliases,
                known,
            };
            Ok((id, recipient))
        }
    }
}

/// Hands a message to its conversation and waits for the answer.
pub(super) async fn submit(
    to: Result<(BoundedAddr<Conversation>, Recipient), Refusal>,
    request: Box<SubmitRequest>,
    message: MessageId,
) -> Submitted {
    let (conversation, recipient) = to?;
    let (reply, answer) = oneshot::channel();
    let submit = conversation::Submit {
        request,
        recipient,
        message,
        reply,
    };
    conversation
        .try_tell(submit)
        .map_err(|refused| refusal(&refused))?;
    answer.await.unwrap_or(Err(Refusal::Uncertain))
}

/// Hands a note to its conversation and waits for the answer.
pub(super) async fn note(
    conversation: BoundedAddr<Conversation>,
    request: Box<NoteRequest>,
    message: MessageId,
) -> Result<Accepted, Refusal> {
    let (reply, answer) = oneshot::channel();
    let note = LeaveNote {
        request,
        message,
        reply,
    };
    conversation.try_tell(note).map_err(|refused| refusal(&refused))?;
    answer.await.unwrap_or(Err(Refusal::Uncertain))
}
