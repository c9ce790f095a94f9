//! Granting claims: who may make one call to Meta for one message.

use super::super::error::StoreError;
use super::super::row::{ClaimOutcome, ClaimWant, Claimed, OutboxRow, OutboxState, Rows};
use super::broadcast::{holds_back, outlived};
use super::names::follow_links;
use super::readdress::readdress;
use crate::domain::{AttemptToken, Fence, TenantId, Timestamp};

/// Decides on claims, strictly in order.
pub fn claims(
    by: (TenantId, Fence),
    now: Timestamp,
    wants: &[ClaimWant],
    rows: &mut dyn Rows,
) -> Result<Vec<ClaimOutcome>, StoreError> {
    wants.iter().map(|want| claim(by, now, want, rows)).collect()
}

/// Grants one claim, or refuses it because its broadcast does not go on, because the customer does not want the
/// message any more, or because the row is gone, not
/// queued, not due, too late or not as the lane knows it.
fn claim(
    (tenant, fence): (TenantId, Fence),
    now: Timestamp,
    want: &ClaimWant,
    rows: &mut dyn Rows,
) -> Result<ClaimOutcome, StoreError> {
    let Some(row) = rows.outbox(&want.number, want.message)? else {
        return Ok(ClaimOutcome::Refused);
    };
    // A wall clock decides when a `send_at` has come. How long a message rests before its next call the lane knows.
    let is_due = row.attempt > 0 || row.due <= now;
    let in_time = is_due && row.valid_until.is_none_or(|until| now <= until);
    let as_known = row.state == OutboxState::Queued && row.attempt == want.attempt;
    let (true, true, Some(attempt)) = (in_time, as_known, row.attempt.checked_add(1)) else {
        return Ok(ClaimOutcome::Refused);
    };
    if let Some(held_back) = holds_back(rows, &row)? {
        return Ok(held_back);
    }
    let contact = follow_links(rows, row.contact)?;
    if contact.as_ref().is_some_and(|contact| contact.is_minor) {
        return Ok(ClaimOutcome::ContactIsMinor);
    }
    if outlived(rows, &row, now)? {
        return Ok(ClaimOutcome::BroadcastCancelled);
    }
    if let Some(contact) = &contact
        && row.broadcast.is_some()
        && contact.all_blocks().any(|number| *number == row.number)
    {
        return Ok(ClaimOutcome::Blocked);
    }
    // Of whom nothing can be read nobody knows that they want it: they may have been erased.
    if contact
        .as_ref()
        .is_none_or(|contact| contact.refuses(row.purpose))
    {
        return Ok(ClaimOutcome::OptedOut);
    }
    let payload = match &contact {
        Some(contact) => readdress(rows, contact, &row.payload)?,
        None => None,
    };
    let person = contact.map_or(row.contact, |contact| contact.id);
    let row = OutboxRow {
        payload: payload.unwrap_or_else(|| row.payload.clone()),
        state: OutboxState::Claimed,
        attempt,
        claimed_under: Some(fence),
        since: now,
        ..row
    };
    rows.put_outbox(&row)?;
    let token = AttemptToken {
        tenant,
        conversation: row.at.conversation,
        message: row.at.message,
        attempt,
    };
    Ok(ClaimOutcome::Granted(Box::new(Claimed { token, person, row })))
}
