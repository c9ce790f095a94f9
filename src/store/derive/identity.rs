//! By which names a contact goes from now on.
//!
//! A name that finds a contact is not therefore its current one (see [`super::names`]). Current names change by what Meta says of
//! the sender of a message, if that is newer by Meta's own time, and by a notice of a change that is; by nothing else. See
//! [`link`] for contacts that turn out to be one person.

use super::Batch;
use super::link::{News, link, tell};
use super::names::{find, follow_links, lead_if_free, mover, newcomer, owner, went_before};
use super::thread::Threads;
use crate::domain::{Alias, Contact, ContactAliases, ContactId, PhoneNumberId, Purpose, Timestamp};
use crate::store::error::StoreError;

/// Whoever wrote or called.
pub(super) struct Sender {
    /// The contact, with all that was learned of it.
    pub(super) contact: Contact,
    /// Whether nothing newer was heard from it before.
    pub(super) latest: bool,
}

/// Finds the sender of something by its names, or makes it; takes its names for the current ones if nothing newer is known.
/// `None` without any name.
pub(super) fn sender(
    batch: &mut Batch<'_>,
    names: &ContactAliases,
    number: &PhoneNumberId,
    at: Timestamp,
) -> Result<Option<Sender>, StoreError> {
    let found = find(batch, names, at)?;
    let fresh = found.contact.is_none();
    let mut contact = match found.contact {
        Some(contact) => contact,
        None => match newcomer(batch, names, at)? {
            Some(contact) => contact,
            None => return Ok(None),
        },
    };
    let before = contact.clone();
    let mut news = News::default();
    for other in found.same {
        link(batch, &mut contact, other.id, &mut news)?;
    }
    let held = found.held.clone();
    let names = take_over(batch, names, found.held, &mut contact, Some(number), at)?;
    for (alias, holder) in held {
        if names.of_kind(alias.kind).is_none() {
            // It went by the name then, and somebody else does since.
            contact.went_by_at(&alias, at);
            went_before(batch, &mut contact, &alias, holder, at)?;
        }
    }
    for alias in names
        .strongest_first()
        .filter(|alias| !found.lead.contains(alias))
    {
        batch.rows.put_alias(alias, contact.id)?;
    }
    let known = last_known(batch, &contact, number)?;
    let latest = known.is_none_or(|known| at >= known);
    news.names = if latest && contact.named_at.is_none_or(|named| at > named) {
        contact.rename(&names, at)
    } else {
        // Nothing that is older than the current names adds to them.
        contact.named_at.is_none_or(|named| at >= named) && contact.fill(&names)
    };
    if let (false, Some(phone)) = (latest, &names.phone)
        && contact.phone.is_some()
    {
        contact.remember(phone, known.unwrap_or(at).max(at));
    }
    if fresh || contact != before {
        contact.updated = batch.now;
        batch.put_contact(&contact)?;
    }
    if !fresh {
        tell(batch, &contact, &news, Some(number))?;
    }
    Ok(Some(Sender { contact, latest }))
}

/// When a contact was last known to go by its names: they were told, or it wrote to this number by them.
pub(super) fn last_known(
    batch: &mut Batch<'_>,
    contact: &Contact,
    number: &PhoneNumberId,
) -> Result<Option<Timestamp>, StoreError> {
    let heard = Threads::of(batch, number, contact)?.last_inbound();
    Ok(heard.max(contact.named_at))
}

/// Finds who told that they moved from some names to others, or makes them. Nothing is learned that the notice did not tell.
pub(super) fn moved(
    batch: &mut Batch<'_>,
    names: &ContactAliases,
    to: &ContactAliases,
    at: Timestamp,
) -> Result<Option<Sender>, StoreError> {
    let (before, after) = mover(batch, names, to, at)?;
    let contact = match before.contact.or(after.contact) {
        Some(contact) => contact,
        None => match newcomer(batch, names, at)? {
            Some(mut contact) => {
                let is_left = |alias: &&Alias| to.of_kind(alias.kind) != Some(*alias);
                for alias in names.strongest_first().filter(is_left) {
                    contact.remember(alias, at);
                }
                batch.put_contact(&contact)?;
                lead_if_free(batch, names, contact.id)?;
                contact
            }
            None => return Ok(None),
        },
    };
    Ok(Some(Sender {
        contact,
        latest: false,
    }))
}

/// Takes names over that others hold, unless they went by them later than this; leaves the others out. `number` is where the
/// names were used: without one they were only mentioned, and nobody loses a name by that.
pub(super) fn take_over(
    batch: &mut Batch<'_>,
    names: &ContactAliases,
    held: Vec<(Alias, ContactId)>,
    to: &mut Contact,
    number: Option<&PhoneNumberId>,
    at: Timestamp,
) -> Result<ContactAliases, StoreError> {
    let mut names = names.clone();
    for (alias, holder) in held {
        let Some(mut holder) = follow_links(batch.rows, holder)?.filter(|holder| holder.id != to.id) else {
            continue;
        };
        let until = match (holder.goes_by(&alias), number) {
            (true, Some(number)) => last_known(batch, &holder, number)?,
            (true, None) => Some(at),
            (false, None) if to.name_of(alias.kind).is_some() => Some(at),
            (false, _) => holder.went_by_until(&alias),
        };
        if until.is_some_and(|until| at <= until) {
            names.forget(alias.kind);
            continue;
        }
        batch.rows.put_alias(&alias, to.id)?;
        to.take_from(&alias, holder.id, at);
        if holder.lose(&alias, at) {
            holder.updated = batch.now;
            batch.put_contact(&holder)?;
            let news = News {
                names: true,
                ..News::default()
            };
            tell(batch, &holder, &news, None)?;
        }
    }
    Ok(names)
}

/// The contact of the strongest name that leads to one, or a new one. Nothing is learned of a contact that is known: who
/// asks for it by a name does not decide by which it goes. One who could not be written to for this purpose is not made.
pub(super) fn addressed(
    batch: &mut Batch<'_>,
    names: &ContactAliases,
    purpose: Purpose,
) -> Result<Option<Contact>, StoreError> {
    for alias in names.strongest_first() {
        for form in alias.forms() {
            if let Some(owner) = owner(batch, &form)? {
                return Ok(Some(owner));
            }
        }
    }
    let Some(mut contact) = newcomer(batch, names, batch.now)? else {
        return Ok(None);
    };
    contact.fill(names);
    if contact.refuses(purpose) {
        return Ok(Some(contact));
    }
    batch.put_contact(&contact)?;
    for alias in names.strongest_first() {
        batch.rows.put_alias(alias, contact.id)?;
    }
    Ok(Some(contact))
}

/// The contact of whom Meta says something beside a message, or a new one. What is not known of it yet is learned, and who
/// the news are told to is left to the caller.
pub(super) fn mentioned(
    batch: &mut Batch<'_>,
    names: &ContactAliases,
    at: Timestamp,
) -> Result<Option<(Contact, News)>, StoreError> {
    let found = find(batch, names, at)?;
    let fresh = found.contact.is_none();
    let mut news = News::default();
    let mut contact = match found.contact {
        Some(contact) => contact,
        None => match newcomer(batch, names, at)? {
            Some(contact) => contact,
            None => return Ok(None),
        },
    };
    let before = contact.clone();
    for other in found.same {
        link(batch, &mut contact, other.id, &mut news)?;
    }
    let names = take_over(batch, names, found.held, &mut contact, None, at)?;
    lead_if_free(batch, &names, contact.id)?;
    news.names = contact.fill(&names);
    if fresh || contact != before {
        contact.updated = batch.now;
        batch.put_contact(&contact)?;
    }
    Ok(Some((contact, news)))
}
