//! What customers want to be sent, as Meta tells it.

use super::Batch;
use super::identity::mentioned;
use super::link::{News, tell};
use super::names::follow_links;
use super::receive::AHEAD;
use crate::domain::consent::MARKETING_STOPPED;
use crate::domain::{ContactId, MarketingWish, MetaError, OptOutSource, Timestamp};
use crate::store::error::StoreError;
use crate::store::op::{OpOutcome, Prefer};

/// Notes what a customer said. One who was never heard of is remembered for it.
pub(super) fn prefer(batch: &mut Batch<'_>, prefer: &Prefer) -> Result<OpOutcome, StoreError> {
    // Meta's clock may be ahead of ours, and orders what the customer said.
    let at = prefer.at.unwrap_or(batch.now).min(batch.now.after(AHEAD));
    let Some((mut contact, mut news)) = mentioned(batch, &prefer.aliases, at)? else {
        return Ok(OpOutcome::Unchanged);
    };
    if contact.wish(prefer.wish, at) {
        news.marketing = true;
        contact.updated = batch.now;
        batch.put_contact(&contact)?;
    }
    let told = tell(batch, &contact, &news, None)?;
    Ok(told.map_or(OpOutcome::Unchanged, |seq| OpOutcome::Committed {
        seq,
        at: None,
        queued: None,
    }))
}

/// Takes Meta's refusal of a message for what its customer wants. A group wants nothing: its members do. A status tells its
/// time by Meta's clock, which may be ahead of ours, and by which it is also known when the customer wanted it again.
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
    if contact.group_id.is_none() && contact.wish(stop, at.min(batch.now.after(AHEAD))) {
        contact.updated = batch.now;
        batch.put_contact(&contact)?;
        let news = News {
            marketing: true,
            ..News::default()
        };
        tell(batch, &contact, &news, None)?;
    }
    Ok(())
}
