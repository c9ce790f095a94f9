//! Broadcasts: one turn for each recipient, counts that move in the commit of what they count, and no events but of how the whole goes.
//!
//! Where an unsettled message stands in the outbox says more of it than what was shown of its delivery, which never goes back.

use std::time::Duration;

use serde::Deserialize;

use super::Batch;
use crate::domain::message::{Delivery, Side};
use crate::domain::{
    BroadcastId, BroadcastProgress, BroadcastRecipient, BroadcastRun, BroadcastTally, Contact, ContentKind,
    Conversation, ConversationId, ConversationStatus, DeliveryState, EventKind, Keyword, Message, MessageId,
    PhoneNumberId, Reached, Reaction, RecipientOutcome, Retention, Suppression, Timestamp, Wamid, WamidHash,
};
use crate::store::error::StoreError;
use crate::store::op::{OpOutcome, OpRefusal, Receive, SteerBroadcast};
use crate::store::row::{ClaimOutcome, MessageRef, OutboxRow, OutboxState, Rows, Seen};

/// Begins a broadcast, halts it, has it go on or ends it, and tells what no event told.
pub(super) fn steer(batch: &mut Batch<'_>, steer: &SteerBroadcast) -> Result<OpOutcome, StoreError> {
    let (now, to) = (batch.now, steer.to);
    let before = batch.rows.tally(steer.broadcast)?;
    let begun = || BroadcastTally::new(steer.broadcast, steer.numbers.clone(), to, now);
    let mut tally = before.unwrap_or_else(begun);
    if !tally.steer(to, steer.problem, steer.version, now) {
        return Ok(OpOutcome::Refused(OpRefusal::BroadcastCancelled));
    }
    if !tally.is_behind() {
        return Ok(OpOutcome::Unchanged);
    }
    let seq = tell(batch, &mut tally)?;
    put(batch.rows, &tally, now)?;
    Ok(OpOutcome::Committed {
        seq,
        at: None,
        queued: None,
    })
}

/// What a recipient's turn comes to before anything is looked up: it had it before, or it is not its time.
pub(super) fn before_turn(
    batch: &mut Batch<'_>,
    recipient: &BroadcastRecipient,
) -> Result<Option<OpOutcome>, StoreError> {
    if let Some(seen) = batch.rows.seen(recipient.key())? {
        return Ok(Some(OpOutcome::Duplicate { at: seen.at }));
    }
    let tally = batch.rows.tally(recipient.broadcast)?;
    let runs = tally.is_some_and(|tally| tally.run == BroadcastRun::Running);
    Ok((!runs).then_some(OpOutcome::Refused(OpRefusal::BroadcastNotRunning)))
}

/// How long a turn is remembered at least. A broadcast that a kill found between a turn and its note may be paused for weeks.
const TURN_KEPT: Duration = Duration::from_hours(45 * 24);

/// Whether a customer got a broadcast already, as another recipient: two turned out to be one person, or were merged.
pub(super) fn had_it(
    batch: &mut Batch<'_>,
    recipient: &BroadcastRecipient,
    (contact, number): (&Contact, &PhoneNumberId),
) -> Result<bool, StoreError> {
    let mut cards = vec![contact.id];
    cards.extend(&contact.linked);
    let mut merged = contact.merged.clone();
    if let Some(first) = contact.merged_into {
        cards.push(first);
        let first = batch.rows.contact(first)?;
        merged.extend(first.into_iter().flat_map(|first| first.merged));
    }
    for card in &merged {
        cards.push(card.contact_id);
        cards.extend(&card.linked);
    }
    let tenant = batch.tenant;
    for card in cards {
        let row = batch
            .rows
            .conversation(ConversationId::derive(tenant, number, card))?;
        let last = row.and_then(|row| row.last_broadcast);
        if last.is_some_and(|last| last.broadcast == recipient.broadcast) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Nothing is sent to a recipient: this was its turn all the same.
pub(super) fn suppress(
    batch: &mut Batch<'_>,
    recipient: &BroadcastRecipient,
    why: Suppression,
) -> Result<OpOutcome, StoreError> {
    let until = batch.retention.expiry(batch.now).max(batch.now.after(TURN_KEPT));
    for key in [recipient.key(), recipient.suppressed_key(why)] {
        batch.put_seen(key, Seen { at: None }, until)?;
    }
    count(batch, recipient.broadcast, |tally, now| tally.suppress(why, now))?;
    Ok(OpOutcome::Suppressed(why))
}

/// Writes a message that nobody is told of. A conversation that begins with it stands in no list.
pub(super) fn add_quietly(
    batch: &mut Batch<'_>,
    recipient: &BroadcastRecipient,
    message: &Message,
    conversation: Conversation,
    expires: Timestamp,
) -> Result<(), StoreError> {
    let at = Some(MessageRef::of(message));
    batch.put_seen(
        recipient.key(),
        Seen { at },
        expires.max(batch.now.after(TURN_KEPT)),
    )?;
    let mut conversation = match batch.rows.conversation(conversation.id)? {
        // As it stands: what its person turned out to be is told with what comes next in it.
        Some(row) => row,
        // Nobody waits for anything in it.
        None => Conversation {
            status: ConversationStatus::Resolved,
            is_unlisted: true,
            ..conversation
        },
    };
    conversation.take_broadcast(message.id, recipient.broadcast);
    batch.rows.put_message(message, expires)?;
    batch.rows.put_conversation(&conversation)?;
    let bytes = message.content.bytes();
    count(batch, recipient.broadcast, |tally, now| tally.accept(bytes, now))
}

/// Changes what is counted of a broadcast. Of one that is not there any more nothing is.
pub(super) fn count(
    batch: &mut Batch<'_>,
    broadcast: BroadcastId,
    change: impl FnOnce(&mut BroadcastTally, Timestamp),
) -> Result<(), StoreError> {
    let Some(mut tally) = batch.rows.tally(broadcast)? else {
        return Ok(());
    };
    let moved = (tally.counts.clone(), tally.run);
    change(&mut tally, batch.now);
    if moved == (tally.counts.clone(), tally.run) {
        return Ok(());
    }
    if tally.is_due(batch.now) && !batch.counted.contains(&broadcast) {
        batch.counted.push(broadcast);
    }
    put(batch.rows, &tally, batch.now)
}

fn put(rows: &mut dyn Rows, tally: &BroadcastTally, now: Timestamp) -> Result<(), StoreError> {
    rows.put_tally(tally, now.after(BroadcastTally::KEPT))
}

/// Tells how the broadcasts go that an op counted for and of which nothing was told for a second. Comes last in an op: what it wrote
/// before knows the positions of its own events.
pub(super) fn tell_progress(batch: &mut Batch<'_>) -> Result<(), StoreError> {
    for broadcast in std::mem::take(&mut batch.counted) {
        if let Some(mut tally) = batch.rows.tally(broadcast)? {
            tell(batch, &mut tally)?;
            put(batch.rows, &tally, batch.now)?;
        }
    }
    Ok(())
}

fn tell(batch: &mut Batch<'_>, tally: &mut BroadcastTally) -> Result<crate::domain::Seq, StoreError> {
    let since = tally.tell(batch.now);
    let progress = BroadcastProgress {
        broadcast_id: tally.broadcast,
        numbers: &tally.numbers,
        run: tally.run,
        problem: tally.problem.map(Into::into),
        counts: &tally.counts,
        since,
    };
    batch.emit(EventKind::Broadcast, None, &progress)
}

/// What a recipient came to, as its message and the outbox tell.
fn reached(in_outbox: Option<OutboxState>, delivery: &Delivery) -> Reached {
    let outcome = match in_outbox {
        Some(state) if !delivery.state.is_settled() && delivery.state != DeliveryState::Held => {
            reached_by_row(state).outcome
        }
        Some(_) | None => RecipientOutcome::of_state(delivery.state),
    };
    let code = match (&delivery.error, outcome) {
        (Some(error), RecipientOutcome::Failed) => error.code,
        _ => 0,
    };
    Reached { outcome, code }
}

/// What a recipient came to whose message is gone.
const fn reached_by_row(state: OutboxState) -> Reached {
    let outcome = match state {
        OutboxState::Queued | OutboxState::Claimed => RecipientOutcome::Queued,
        OutboxState::Unknown => RecipientOutcome::Unknown,
        OutboxState::Held => RecipientOutcome::Held,
    };
    Reached { outcome, code: 0 }
}

/// What the recipient of a message came to, if a broadcast sent it.
pub(super) fn standing(
    rows: &mut dyn Rows,
    message: &Message,
    delivery: &Delivery,
) -> Result<Option<Reached>, StoreError> {
    if message.broadcast.is_none() {
        return Ok(None);
    }
    let row = rows.outbox(&message.number, message.id)?;
    Ok(Some(reached(row.map(|row| row.state), delivery)))
}

/// Removes an unsettled message that is not there any more, or will not be: its customer is erased, or its time is over.
pub fn forget_unsettled(
    rows: &mut dyn Rows,
    number: &PhoneNumberId,
    message: MessageId,
) -> Result<(), StoreError> {
    let row = rows.outbox(number, message)?;
    if let Some(row) = &row
        && let Some(recipient) = row.broadcast
        && let Some(mut tally) = rows.tally(recipient.broadcast)?
    {
        let delivery = rows.message(row.at)?.and_then(|message| message.delivery);
        let from = delivery.map_or(reached_by_row(row.state), |delivery| {
            reached(Some(row.state), &delivery)
        });
        let to = Reached {
            outcome: RecipientOutcome::Erased,
            code: 0,
        };
        // An erasure has no time of its own.
        let moved = tally.moved;
        tally.change(from, to, None, moved);
        put(rows, &tally, moved)?;
    }
    rows.remove_outbox(number, message)
}

/// Why a message of a broadcast is not to be claimed.
pub(super) fn holds_back(rows: &mut dyn Rows, row: &OutboxRow) -> Result<Option<ClaimOutcome>, StoreError> {
    let Some(recipient) = row.broadcast else {
        return Ok(None);
    };
    let tally = rows.tally(recipient.broadcast)?;
    Ok(match tally.map(|tally| tally.run) {
        Some(BroadcastRun::Running) => None,
        Some(BroadcastRun::Halted) => Some(ClaimOutcome::Halted(recipient.broadcast)),
        // Long over: nobody knows of it any more.
        Some(BroadcastRun::Cancelled) | None => Some(ClaimOutcome::BroadcastCancelled),
    })
}

/// Whether a message waited for longer than messages are kept: nobody could tell what it was, nor what became of it.
pub(super) fn outlived(rows: &mut dyn Rows, row: &OutboxRow, now: Timestamp) -> Result<bool, StoreError> {
    let may_have = row.broadcast.is_some() && now >= Retention::SHORTEST.expiry(row.since);
    Ok(may_have && rows.message(row.at)?.is_none())
}

/// What a customer's answer to a message tells of it.
#[derive(Deserialize)]
struct Answer {
    context: Answered,
}

#[derive(Deserialize)]
struct Answered {
    id: Wamid,
}

/// A customer writes where a broadcast's message came: that counts for it, and agents are told of the message first.
pub(super) fn answer(
    batch: &mut Batch<'_>,
    receive: &Receive,
    conversation: &mut Conversation,
) -> Result<(), StoreError> {
    let is_an_answer = receive.by == Side::Customer
        && receive.via.is_none()
        && receive.group.is_none()
        && !matches!(receive.content.kind(), ContentKind::System)
        && !receive.content.is_removed_reaction();
    let Some(last) = conversation.last_broadcast.clone().filter(|_| is_an_answer) else {
        return Ok(());
    };
    let at = MessageRef {
        conversation: conversation.id,
        message: last.message_id,
    };
    if !matches!(receive.content.kind(), ContentKind::Reaction) {
        react(batch, conversation, Reaction::Replied)?;
    }
    if presses(batch, receive, at)? {
        react(batch, conversation, Reaction::Clicked)?;
    }
    if receive.keyword == Some(Keyword::Stop) {
        react(batch, conversation, Reaction::OptedOut)?;
    }
    let Some(mut message) = batch.rows.message(at)?.filter(Message::is_quiet) else {
        return Ok(());
    };
    conversation.is_unlisted = false;
    conversation.place(&message);
    let expires = batch.retention.expiry(message.created);
    batch.add_message(&mut message, conversation, expires)?;
    Ok(())
}

/// Counts what a customer did, once.
fn react(
    batch: &mut Batch<'_>,
    conversation: &mut Conversation,
    reaction: Reaction,
) -> Result<(), StoreError> {
    let now = batch.now;
    let Some(last) = &mut conversation.last_broadcast else {
        return Ok(());
    };
    if !last.react(reaction, now) {
        return Ok(());
    }
    let (broadcast, of) = (last.broadcast, last.message_id.timestamp());
    count(batch, broadcast, |tally, now| tally.react(reaction, of, now))
}

/// A customer stopped marketing outside of any conversation, on a number.
pub(super) fn stopped(batch: &mut Batch<'_>, conversation: ConversationId) -> Result<(), StoreError> {
    if let Some(mut row) = batch.rows.conversation(conversation)? {
        let before = row.last_broadcast.clone();
        react(batch, &mut row, Reaction::OptedOut)?;
        if row.last_broadcast != before {
            // Nothing that anybody sees.
            batch.rows.put_conversation(&row)?;
        }
    }
    Ok(())
}

/// Whether a customer presses a button of this message.
fn presses(batch: &mut Batch<'_>, receive: &Receive, at: MessageRef) -> Result<bool, StoreError> {
    if !matches!(
        receive.content.kind(),
        ContentKind::Button | ContentKind::Interactive
    ) {
        return Ok(false);
    }
    let Ok(Answer { context }) = serde_json::from_str(receive.content.json().get()) else {
        return Ok(false);
    };
    let seen = batch.rows.seen(WamidHash::of(&context.id))?;
    Ok(seen.and_then(|seen| seen.at) == Some(at))
}
