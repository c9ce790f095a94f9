//! The way of an outbound message: attempts, Meta's reports, and the end of waiting.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::Batch;
use super::broadcast::{count, forget_unsettled, standing};
use super::consent::learn_from_refusal;
use super::link::recipient;
use super::organise::announce;
use super::reach::{learn_from_delivery, learn_from_miss};
use crate::domain::message::Delivery;
use crate::domain::usage::PricingCategory;
use crate::domain::{
    AttemptToken, CountryCode, DeliveryState, EventKind, Message, MessageId, MetaError, PhoneNumberId,
    Reached, StatusTimes, Timestamp, Wamid, WamidHash,
};
use crate::store::error::StoreError;
use crate::store::op::{
    AttemptResult, Attempted, OpOutcome, OpRefusal, Report, ReportTarget, Settle, Settlement, Withdraw,
};
use crate::store::row::{MessageRef, OutboxRow, OutboxState, Seen};

#[derive(Serialize)]
struct StatusChanged<'a> {
    message_id: MessageId,
    #[serde(skip_serializing_if = "Option::is_none")]
    wamid: Option<&'a Wamid>,
    #[serde(flatten)]
    delivery: &'a Delivery,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pricing: Option<&'a RawValue>,
    /// Meta took the message more than once.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_twice: Option<bool>,
    /// It tells the message's category for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    priced: Option<bool>,
}

/// An outbound message at work.
struct Work {
    at: MessageRef,
    message: Message,
    /// The state that agents were shown before.
    shown: DeliveryState,
    delivery: Delivery,
    sent_twice: Option<bool>,
    priced: Option<bool>,
    /// Whether Meta charges for it.
    is_billed: bool,
    /// What the recipient of a broadcast had come to.
    counted: Option<Reached>,
}

fn load(batch: &mut Batch<'_>, at: MessageRef) -> Result<Option<Work>, StoreError> {
    let Some(mut message) = batch.rows.message(at)? else {
        return Ok(None);
    };
    let Some(delivery) = message.delivery.take() else {
        return Ok(None);
    };
    let counted = standing(batch.rows, &message, &delivery)?;
    Ok(Some(Work {
        at,
        message,
        shown: delivery.state,
        delivery,
        sent_twice: None,
        priced: None,
        is_billed: false,
        counted,
    }))
}

impl Work {
    /// Counts for the message's broadcast what its recipient came to. To be called whenever the message or its row in the outbox may
    /// have changed.
    fn count(&self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let (Some(recipient), Some(from)) = (self.message.broadcast, self.counted) else {
            return Ok(());
        };
        let to = standing(batch.rows, &self.message, &self.delivery)?.unwrap_or(from);
        let category = self
            .delivery
            .category
            .clone()
            .filter(|_| self.priced == Some(true));
        let country = match &category {
            Some(_) if self.is_billed => {
                let contact = batch.rows.contact(self.message.contact_id)?;
                contact.and_then(|contact| CountryCode::of_aliases(&contact.reach()))
            }
            _ => None,
        };
        let times = &self.delivery.times;
        let sent = times.sent.or(times.held);
        count(batch, recipient.broadcast, |tally, now| {
            tally.change(from, to, sent, now);
            if let Some(category) = category {
                tally.price(category.clone(), now);
                if self.is_billed {
                    tally.bill(category, country, now);
                }
            }
        })
    }

    /// Writes the message and tells agents.
    fn save(
        self,
        batch: &mut Batch<'_>,
        due: Option<Timestamp>,
        pricing: Option<&RawValue>,
    ) -> Result<OpOutcome, StoreError> {
        self.count(batch)?;
        let expires = batch.retention.expiry(self.message.created);
        if self.message.is_quiet() {
            let message = Message {
                delivery: Some(self.delivery),
                ..self.message
            };
            batch.rows.put_message(&message, expires)?;
            return Ok(OpOutcome::Committed {
                seq: batch.head,
                at: Some(self.at),
                queued: None,
            });
        }
        let changed = StatusChanged {
            message_id: self.at.message,
            wamid: self.message.wamid.as_ref(),
            delivery: &self.delivery,
            due,
            pricing,
            sent_twice: self.sent_twice,
            // A broadcast's own events tell that of its messages.
            priced: self.priced.filter(|_| self.message.broadcast.is_none()),
        };
        let seq = batch.emit_until(expires, EventKind::Status, Some(self.at.conversation), &changed)?;
        let message = Message {
            delivery: Some(self.delivery),
            ..self.message
        };
        batch.rows.put_message(&message, expires)?;
        if self.shown.is_failure() != message.has_failed() {
            show_in_list(batch, &message)?;
        }
        Ok(OpOutcome::Committed {
            seq,
            at: Some(self.at),
            queued: None,
        })
    }

    /// Notes Meta's id; the first one is shown, every one leads here. A second one means that the message was sent twice.
    /// Says whether that is news.
    fn name(&mut self, batch: &mut Batch<'_>, wamid: &Wamid) -> Result<bool, StoreError> {
        let key = WamidHash::of(wamid);
        let is_new = batch.rows.seen(key)?.is_none();
        if is_new {
            let until = batch.retention.expiry(self.message.created);
            batch.put_seen(key, Seen { at: Some(self.at) }, until)?;
        }
        if self.message.wamid.is_some() {
            self.sent_twice = is_new.then_some(true);
            return Ok(is_new);
        }
        self.message.wamid = Some(wamid.clone());
        Ok(true)
    }
}

/// The list tells of a last message whether it failed.
fn show_in_list(batch: &mut Batch<'_>, message: &Message) -> Result<(), StoreError> {
    let Some(mut conversation) = batch.conversation(message.conversation_id)? else {
        return Ok(());
    };
    if conversation.last_message_id == Some(message.id) {
        conversation.retell(message);
        batch.put_conversation(&conversation)?;
        // The event about the delivery says so.
        batch.told(&conversation);
    }
    Ok(())
}

fn row_of(
    batch: &mut Batch<'_>,
    number: &PhoneNumberId,
    token: &AttemptToken,
) -> Result<Option<OutboxRow>, StoreError> {
    let row = batch.rows.outbox(number, token.message)?;
    Ok(row.filter(|row| row.attempt == token.attempt))
}

pub(super) fn attempted(batch: &mut Batch<'_>, attempted: &Attempted) -> Result<OpOutcome, StoreError> {
    let token = &attempted.token;
    let at = MessageRef::of_call(token);
    let row = row_of(batch, &attempted.number, token)?;
    let Some(mut work) = load(batch, at)? else {
        if row.is_some() {
            forget_unsettled(batch.rows, &attempted.number, at.message)?;
        }
        return Ok(OpOutcome::Refused(OpRefusal::NotFound));
    };
    work.delivery.attempts = work.delivery.attempts.max(token.attempt);
    let before = (work.delivery.clone(), work.message.wamid.clone());
    let mut due = None;
    match (&attempted.result, row) {
        (AttemptResult::Accepted { wamid } | AttemptResult::Held { wamid }, _) => {
            let held = matches!(attempted.result, AttemptResult::Held { .. });
            let state = if held {
                DeliveryState::Held
            } else {
                DeliveryState::Sent
            };
            work.delivery.advance(StatusTimes::only(state, attempted.at));
            work.name(batch, wamid)?;
            recipient(batch, &work.message, &attempted.recipient, attempted.at)?;
            if work.delivery.state != DeliveryState::Failed {
                work.delivery.error = None;
            }
            // At whichever attempt: a later one that was claimed meanwhile must not bring a message back that Meta took.
            match batch.rows.outbox(&attempted.number, at.message)? {
                // Until a status tells what became of it. One that came before says more.
                Some(row) if work.delivery.state == DeliveryState::Held && row.attempt == token.attempt => {
                    hold(batch, row, attempted.at)?;
                }
                Some(_) => batch.rows.remove_outbox(&attempted.number, at.message)?,
                None => {}
            }
        }
        // A status settled it while the call was under way: that says more than the call's end.
        (_, None) => return Ok(OpOutcome::Unchanged),
        // Meta took it.
        (_, Some(row)) if row.state == OutboxState::Held => return Ok(OpOutcome::Unchanged),
        // It is known already: not accepted, or to be sent again.
        (AttemptResult::NotAccepted { .. } | AttemptResult::Unknown { .. }, Some(row))
            if row.state == OutboxState::Queued =>
        {
            return Ok(OpOutcome::Unchanged);
        }
        (AttemptResult::NotAccepted { retry_at, error }, Some(row)) => {
            due = Some(*retry_at);
            // A claim that is given back without a call says nothing about what Meta said before.
            work.delivery.error = error.clone().or(work.delivery.error);
            // It was shown as claimed, and what is shown never goes back.
            work.delivery
                .advance(StatusTimes::only(DeliveryState::Claimed, row.since));
            batch.rows.put_outbox(&OutboxRow {
                state: OutboxState::Queued,
                due: *retry_at,
                since: attempted.at,
                ..row
            })?;
        }
        (AttemptResult::Refused { error }, Some(_)) => {
            learn_from_refusal(batch, &work.message, error, attempted.at)?;
            learn_from_miss(batch, &work.message, error, attempted.at)?;
            work.delivery.error = Some(error.clone());
            work.delivery
                .advance(StatusTimes::only(DeliveryState::Failed, attempted.at));
            batch.rows.remove_outbox(&attempted.number, at.message)?;
        }
        (AttemptResult::Unknown { error }, Some(row)) => {
            work.delivery.error = error.clone().or(work.delivery.error);
            work.delivery
                .advance(StatusTimes::only(DeliveryState::Unknown, attempted.at));
            batch.rows.put_outbox(&OutboxRow {
                state: OutboxState::Unknown,
                since: attempted.at,
                ..row
            })?;
        }
    }
    let unchanged = before == (work.delivery.clone(), work.message.wamid.clone());
    if due.is_none() && unchanged && work.sent_twice.is_none() {
        work.count(batch)?;
        return Ok(OpOutcome::Unchanged);
    }
    work.save(batch, due, None)
}

/// Keeps a message that Meta holds back in the outbox, without its body, which is not needed any more.
fn hold(batch: &mut Batch<'_>, row: OutboxRow, since: Timestamp) -> Result<(), StoreError> {
    if row.state == OutboxState::Held {
        return Ok(());
    }
    batch.rows.put_outbox(&OutboxRow {
        state: OutboxState::Held,
        since,
        payload: RawValue::NULL.to_owned().into(),
        ..row
    })
}

pub(super) fn report(batch: &mut Batch<'_>, report: &Report) -> Result<OpOutcome, StoreError> {
    let (seen, attempt) = match &report.target {
        ReportTarget::Token(token) if token.tenant == batch.tenant => {
            let place = MessageRef::of_call(token);
            (Some(Seen { at: Some(place) }), Some(token.attempt))
        }
        ReportTarget::Token(_) => (None, None),
        ReportTarget::Wamid => (batch.rows.seen(WamidHash::of(&report.wamid))?, None),
    };
    let place = seen.and_then(|seen| seen.at);
    let found = match place {
        Some(place) => load(batch, place)?,
        None => None,
    };
    let Some(mut work) = found else {
        let is_there = match place {
            Some(place) => batch.rows.message(place)?.is_some(),
            None => false,
        };
        if seen.is_some() && !is_there {
            // It is over, or erased: so is what is told of it.
            return Ok(OpOutcome::Unchanged);
        }
        return announce(batch, &report.otherwise);
    };
    let at = work.at;
    let row = batch.rows.outbox(&report.number, at.message)?;
    let older_attempt = match (&row, attempt) {
        (Some(row), Some(attempt)) => attempt < row.attempt,
        _ => false,
    };
    if older_attempt && report.state == DeliveryState::Failed {
        return Ok(OpOutcome::Unchanged);
    }
    let before = work.delivery.clone();
    work.delivery.attempts = work.delivery.attempts.max(attempt.unwrap_or(0));
    work.delivery.advance(StatusTimes::only(report.state, report.at));
    if let Some(error) = &report.error {
        work.delivery.error = Some(error.clone());
    } else if work.delivery.state.is_settled() && work.delivery.state != DeliveryState::Failed {
        work.delivery.error = None::<MetaError>;
    }
    // Meta tells it with `sent` and once more: what it said first holds.
    if work.delivery.category.is_none()
        && let Some(pricing) = &report.pricing
    {
        work.delivery.category = PricingCategory::of_pricing(pricing.get());
        work.priced = work.delivery.category.is_some().then_some(true);
        work.is_billed = PricingCategory::is_billed(pricing.get());
    }
    let named = work.name(batch, &report.wamid)?;
    if row.is_some() && report.state.is_settled() {
        batch.rows.remove_outbox(&report.number, at.message)?;
    }
    // A status may be the first to tell a BSUID for a phone that we wrote to.
    recipient(batch, &work.message, &report.aliases, report.at)?;
    if let Some(error) = &report.error {
        learn_from_refusal(batch, &work.message, error, report.at)?;
        // What is repeated may be older than what reached them since.
        if work.delivery != before {
            learn_from_miss(batch, &work.message, error, report.at)?;
        }
    }
    learn_from_delivery(batch, &work.message, report.state, report.at)?;
    if work.delivery == before && !named {
        work.count(batch)?;
        return Ok(OpOutcome::Unchanged);
    }
    let pricing: Option<Arc<RawValue>> = report.pricing.clone();
    work.save(batch, None, pricing.as_deref())
}

pub(super) fn settle(batch: &mut Batch<'_>, settle: &Settle) -> Result<OpOutcome, StoreError> {
    let row = batch.rows.outbox(&settle.number, settle.at.message)?;
    let ends = |row: &OutboxRow| match settle.how {
        Settlement::GiveUp => matches!(row.state, OutboxState::Unknown | OutboxState::Held),
        Settlement::SendAgain => row.state == OutboxState::Unknown,
    };
    let Some(row) = row.clone().filter(ends) else {
        return settled_before(batch, settle, row.as_ref());
    };
    let Some(mut work) = load(batch, settle.at)? else {
        forget_unsettled(batch.rows, &settle.number, settle.at.message)?;
        return Ok(OpOutcome::Refused(OpRefusal::NotFound));
    };
    let mut due = None;
    match settle.how {
        Settlement::GiveUp => {
            work.delivery.gave_up = Some(batch.now);
            batch.rows.remove_outbox(&settle.number, settle.at.message)?;
        }
        Settlement::SendAgain => {
            due = Some(batch.now);
            batch.rows.put_outbox(&OutboxRow {
                state: OutboxState::Queued,
                due: batch.now,
                since: batch.now,
                ..row
            })?;
        }
    }
    work.save(batch, due, None)
}

/// Whether a decision that finds nothing unknown was carried out before: then its answer was lost, or two made it.
fn settled_before(
    batch: &mut Batch<'_>,
    settle: &Settle,
    row: Option<&OutboxRow>,
) -> Result<OpOutcome, StoreError> {
    let work = load(batch, settle.at)?;
    let carried_out = work.is_some_and(|work| match settle.how {
        Settlement::GiveUp => row.is_none() && work.delivery.gave_up.is_some(),
        Settlement::SendAgain => {
            work.delivery.state == DeliveryState::Unknown
                && row.is_some_and(|row| row.state == OutboxState::Queued)
        }
    });
    Ok(if carried_out {
        OpOutcome::Duplicate { at: Some(settle.at) }
    } else {
        OpOutcome::Unchanged
    })
}

pub(super) fn withdraw(batch: &mut Batch<'_>, withdraw: &Withdraw) -> Result<OpOutcome, StoreError> {
    let Some(row) = batch.rows.outbox(&withdraw.number, withdraw.at.message)? else {
        let work = load(batch, withdraw.at)?;
        return Ok(match work {
            Some(work) if work.delivery.state == withdraw.to => OpOutcome::Duplicate {
                at: Some(withdraw.at),
            },
            _ => OpOutcome::Refused(OpRefusal::NotFound),
        });
    };
    if row.state != OutboxState::Queued {
        return Ok(OpOutcome::Refused(OpRefusal::AlreadyClaimed));
    }
    let Some(mut work) = load(batch, withdraw.at)? else {
        forget_unsettled(batch.rows, &withdraw.number, withdraw.at.message)?;
        return Ok(OpOutcome::Refused(OpRefusal::NotFound));
    };
    work.delivery.advance(StatusTimes::only(withdraw.to, batch.now));
    work.delivery.error = withdraw.error.clone().or(work.delivery.error);
    batch.rows.remove_outbox(&withdraw.number, withdraw.at.message)?;
    work.save(batch, None, None)
}
