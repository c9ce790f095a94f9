//! What agents change about a conversation, and events that change no row.

use super::Batch;
use super::shown::About;
use crate::domain::{Author, Conversation, EventKind, Seq};
use crate::store::error::StoreError;
use crate::store::op::{Announce, OpOutcome, OpRefusal, Organise, OrganiseChange};
use crate::store::row::Seen;

pub(super) fn organise(batch: &mut Batch<'_>, organise: &Organise) -> Result<OpOutcome, StoreError> {
    let Some(before) = batch.conversation(organise.conversation)? else {
        return Ok(OpOutcome::Refused(OpRefusal::NotFound));
    };
    let mut conversation = before.clone();
    match &organise.change {
        OrganiseChange::Assign(agent) => conversation.assignee.clone_from(agent),
        OrganiseChange::Reassign { from, to } => {
            if conversation.assignee.as_ref() == Some(from) {
                conversation.assignee.clone_from(to);
            }
        }
        OrganiseChange::Status(status) => conversation.status = *status,
        OrganiseChange::Read { seen } => conversation.read(*seen),
        OrganiseChange::Label { add, remove } => {
            conversation.labels.retain(|label| !remove.contains(label));
            conversation.labels.extend(add.iter().cloned());
            conversation.labels.sort();
            conversation.labels.dedup();
            if conversation.labels.len() > Conversation::MOST_LABELS {
                return Ok(OpOutcome::Refused(OpRefusal::TooManyLabels(
                    Conversation::MOST_LABELS,
                )));
            }
        }
    }
    if conversation == before {
        return Ok(OpOutcome::Unchanged);
    }
    conversation.is_unlisted = false;
    batch.put_conversation(&conversation)?;
    let seq = conversation_changed(batch, &conversation, &organise.author)?;
    Ok(OpOutcome::Committed {
        seq,
        at: None,
        queued: None,
    })
}

/// Tells agents that a conversation changed.
pub(super) fn conversation_changed(
    batch: &mut Batch<'_>,
    conversation: &Conversation,
    by: &Author,
) -> Result<Seq, StoreError> {
    let about = About {
        by: Some(by),
        ..About::default()
    };
    batch.emit_about(batch.events_end(), EventKind::Conversation, conversation, about)
}

pub(super) fn announce(batch: &mut Batch<'_>, announce: &Announce) -> Result<OpOutcome, StoreError> {
    if let Some(once) = announce.once {
        if batch.rows.seen(once)?.is_some() {
            return Ok(OpOutcome::Duplicate { at: None });
        }
        batch.put_seen(once, Seen { at: None }, batch.now)?;
    }
    let seq = batch.emit_raw(
        batch.events_end(),
        announce.kind,
        announce.conversation,
        &announce.data,
    )?;
    Ok(OpOutcome::Committed {
        seq,
        at: None,
        queued: None,
    })
}
