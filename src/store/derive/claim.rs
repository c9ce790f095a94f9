//! Granting claims: who may make one call to Meta for one message.

use super::super::error::StoreError;
use super::super::row::{ClaimOutcome, ClaimWant, Claimed, OutboxRow, OutboxState, Rows};
use crate::domain::{AttemptToken, TenantId, Timestamp};

/// Grants one claim, or refuses it because the row is gone, not queued, not due, too late or not as the lane knows it.
pub fn claim(
    tenant: TenantId,
    now: Timestamp,
    want: &ClaimWant,
    rows: &mut dyn Rows,
) -> Result<ClaimOutcome, StoreError> {
    let Some(row) = rows.outbox(&want.number, want.message)? else {
        return Ok(ClaimOutcome::Refused);
    };
    let in_time = row.due <= now && row.valid_until.is_none_or(|until| now <= until);
    let as_known = row.state == OutboxState::Queued && row.attempt == want.attempt;
    let (true, true, Some(attempt)) = (in_time, as_known, row.attempt.checked_add(1)) else {
        return Ok(ClaimOutcome::Refused);
    };
    let row = OutboxRow {
        state: OutboxState::Claimed,
        attempt,
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
    Ok(ClaimOutcome::Granted(Box::new(Claimed { token, row })))
}
