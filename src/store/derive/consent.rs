//! What customers want to be sent, as Meta tells it.

use super::Batch;
use super::broadcast::stopped;
use super::identity::mentioned;
use super::link::{News, tell, tell_of_recipient};
use super::names::follow_links;
use super::receive::AHEAD;
use crate::domain::consent::MARKETING_STOPPED;
use crate::domain::{
    Contact, ConversationId, Keyword, MarketingWish, Message, MetaError, Timestamp, WishSource,
};
use crate::store::error::StoreError;
use crate::store::op::{OpOutcome, Prefer, Receive};

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
        if let (MarketingWish::Stop(_), Some(number)) = (prefer.wish, &prefer.number) {
            stopped(batch, ConversationId::derive(batch.tenant, number, contact.id))?;
        }
    }
    let told = tell(batch, &contact, &news, None)?;
    Ok(told.map_or(OpOutcome::Unchanged, |seq| OpOutcome::Committed {
        seq,
        at: None,
        queued: None,
    }))
}

/// Notes what a customer's message asks for by being one of the words for it, by the time at which it was written.
pub(super) fn heed(
    batch: &mut Batch<'_>,
    person: &mut Contact,
    receive: &Receive,
    at: Timestamp,
) -> Result<(), StoreError> {
    let wish = match receive.keyword {
        Some(Keyword::Stop) => MarketingWish::Stop(WishSource::Keyword),
        Some(Keyword::Start) => MarketingWish::Resume(WishSource::Keyword),
        None => return Ok(()),
    };
    if person.group_id.is_none() && person.wish(wish, at) {
        person.updated = batch.now;
        batch.put_contact(person)?;
        let news = News {
            marketing: true,
            ..News::default()
        };
        tell(batch, person, &news, None)?;
    }
    Ok(())
}

/// Takes Meta's refusal of a message for what its customer wants. A group wants nothing: its members do. A status tells its
/// time by Meta's clock, which may be ahead of ours, and by which it is also known when the customer wanted it again.
pub(super) fn learn_from_refusal(
    batch: &mut Batch<'_>,
    message: &Message,
    error: &MetaError,
    at: Timestamp,
) -> Result<(), StoreError> {
    if error.code != MARKETING_STOPPED {
        return Ok(());
    }
    let Some(mut contact) = follow_links(batch.rows, message.contact_id)? else {
        return Ok(());
    };
    let stop = MarketingWish::Stop(WishSource::Refusal);
    if contact.group_id.is_none() && contact.wish(stop, at.min(batch.now.after(AHEAD))) {
        contact.updated = batch.now;
        batch.put_contact(&contact)?;
        let news = News {
            marketing: true,
            ..News::default()
        };
        tell_of_recipient(batch, &contact, &news, message)?;
    }
    Ok(())
}
