//! What customers want to be sent, as Meta tells it.

use super::Batch;
use super::identity::{contact_changed, follow_links, known_contact};
use crate::domain::consent::MARKETING_STOPPED;
use crate::domain::{ContactId, MarketingWish, MetaError, OptOutSource, Timestamp};
use crate::store::error::StoreError;
use crate::store::op::{OpOutcome, Prefer};

/// Notes what a customer said. One who was never heard of is remembered for it.
pub(super) fn prefer(batch: &mut Batch<'_>, prefer: &Prefer) -> Result<OpOutcome, StoreError> {
    let Some(mut contact) = known_contact(batch, &prefer.aliases)? else {
        return Ok(OpOutcome::Unchanged);
    };
    let at = prefer.at.unwrap_or(batch.now).min(batch.now);
    if !contact.wish(prefer.wish, at) {
        return Ok(OpOutcome::Unchanged);
    }
    contact.updated = batch.now;
    batch.rows.put_contact(&contact)?;
    let seq = contact_changed(batch, &contact)?;
    Ok(OpOutcome::Committed { seq, at: None })
}

/// Takes Meta's refusal of a message for what its customer wants. A group wants nothing: its members do.
pub(super) fn learn_from_refusal(
    batch: &mut Batch<'_>,
    to: ContactId,
    error: &MetaError,
    at: Timestamp,
) -> Result<(), StoreError> {
    if error.code != MARKETING_STOPPED {
        return Ok(());
    }
    let Some(mut contact) = follow_links(batch.rows, to)? else {
        return Ok(());
    };
    let stop = MarketingWish::Stop(OptOutSource::Refusal);
    if contact.group_id.is_none() && contact.wish(stop, at.min(batch.now)) {
        contact.updated = batch.now;
        batch.rows.put_contact(&contact)?;
        contact_changed(batch, &contact)?;
    }
    Ok(())
}
