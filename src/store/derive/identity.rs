//! Who a customer is: which contact some names mean, and by which names it goes from now on.
//!
//! A name that finds a contact is not therefore its current one. Current names change by what Meta says of the sender of a
//! message, if that is newer by Meta's own time, and by a notice of a change; by nothing else. A phone or a parent id finds a
//! contact only where no other BSUID is known on either side: otherwise it goes over to another contact. See [`link`] for
//! contacts that turn out to be one person.

use super::Batch;
use super::link::{News, link, tell};
use super::thread::Threads;
use crate::domain::ids::digest16;
use crate::domain::{Alias, AliasKind, Contact, ContactAliases, ContactId, Links, PhoneNumberId, Timestamp};
use crate::store::error::StoreError;
use crate::store::row::Rows;

/// The contact at the end of the chain of links.
pub(super) fn follow_links(rows: &mut dyn Rows, start: ContactId) -> Result<Option<Contact>, StoreError> {
    let (mut at, mut links) = (start, Links::default());
    while let Some(contact) = rows.contact(at)? {
        match links.after(&contact) {
            Some(next) => at = next,
            None => return Ok(Some(contact)),
        }
    }
    Ok(None)
}

/// The contact that a name leads to.
fn owner(batch: &mut Batch<'_>, alias: &Alias) -> Result<Option<Contact>, StoreError> {
    let Some(first) = batch.rows.alias(alias)? else {
        return Ok(None);
    };
    let Some(mut contact) = follow_links(batch.rows, first)? else {
        return Ok(None);
    };
    // Rows of older versions do not tell who leads to them.
    if contact.id != first && contact.lead(first) {
        batch.rows.put_contact(&contact)?;
    }
    Ok(Some(contact))
}

/// What some names lead to.
#[derive(Default)]
pub(super) struct Found {
    /// Whom they mean.
    pub(super) contact: Option<Contact>,
    /// Contacts of the same person.
    pub(super) same: Vec<Contact>,
    /// Names that somebody else holds.
    pub(super) held: Vec<(Alias, Contact)>,
    /// Names that lead to them.
    lead: Vec<Alias>,
}

impl Found {
    fn has(&self, id: ContactId) -> bool {
        self.contact.iter().chain(&self.same).any(|known| known.id == id)
    }

    /// Whether a contact that is found by a name is another person than the names mean.
    fn is_another(&self, names: &ContactAliases, by: &Alias, owner: &Contact, at: Timestamp) -> bool {
        if matches!(by.kind, AliasKind::Bsuid | AliasKind::Group) {
            return false;
        }
        let found = || self.contact.as_ref().and_then(|known| known.bsuid.as_ref());
        let ours = names.bsuid.as_ref().map(|alias| &alias.value).or_else(found);
        if let (Some(ours), Some(theirs)) = (ours, &owner.bsuid)
            && ours != theirs
        {
            return true;
        }
        let had_one = owner.bsuid.is_some() || owner.former.iter().any(|name| name.kind == AliasKind::Bsuid);
        owner.went_by_until(by).is_some_and(|until| {
            // What is older than the change may mean who went by it then.
            at > until || self.contact.is_some() || (names.bsuid.is_some() && had_one)
        })
    }
}

/// Finds what names lead to that Meta told at a time.
pub(super) fn find(
    batch: &mut Batch<'_>,
    names: &ContactAliases,
    at: Timestamp,
) -> Result<Found, StoreError> {
    let mut found = Found::default();
    for alias in names.strongest_first() {
        for form in alias.forms() {
            let Some(owner) = owner(batch, &form)? else {
                continue;
            };
            if found.has(owner.id) {
                found.lead.push(form);
                continue;
            }
            if found.is_another(names, &form, &owner, at) {
                found.held.push((form, owner));
                continue;
            }
            found.lead.push(form);
            if found.contact.is_none() {
                found.contact = Some(owner);
            } else {
                found.same.push(owner);
            }
        }
    }
    let mut held = std::mem::take(&mut found.held);
    held.retain(|(_, holder)| !found.has(holder.id));
    found.held = held;
    Ok(found)
}

/// A contact that nothing is known of yet, not even its names.
pub(super) fn newcomer(
    batch: &mut Batch<'_>,
    names: &ContactAliases,
    held: &[(Alias, Contact)],
) -> Result<Option<Contact>, StoreError> {
    let Some(mut id) = names.new_contact_id(batch.tenant) else {
        return Ok(None);
    };
    // Who had the name before may have got the id that goes with it.
    let is_held = names
        .strongest_first()
        .next()
        .is_some_and(|first| held.iter().any(|(alias, _)| alias.kind == first.kind));
    let mut others = 0_u8;
    while is_held && others < u8::MAX && batch.rows.contact(id)?.is_some() {
        others += 1;
        id = ContactId::from_bytes(digest16(&[b"contact", id.as_bytes(), &[others]]));
    }
    Ok(Some(Contact::new(id, &ContactAliases::default(), batch.now)))
}

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
        None => match newcomer(batch, names, &found.held)? {
            Some(contact) => contact,
            None => return Ok(None),
        },
    };
    let mut news = News::default();
    for other in found.same {
        link(batch, &mut contact, other, &mut news)?;
    }
    let names = take_over(batch, names, found.held, contact.id, number, at)?;
    for alias in names
        .strongest_first()
        .filter(|alias| !found.lead.contains(alias))
    {
        batch.rows.put_alias(alias, contact.id)?;
    }
    let heard = Threads::of(batch, number, &contact)?.last_inbound();
    let newest = heard.is_none_or(|heard| at >= heard);
    let latest = newest && contact.named_at.is_none_or(|named| at >= named);
    let named_at = contact.named_at;
    news.names = if newest && contact.named_at.is_none_or(|named| at > named) {
        contact.rename(&names, at)
    } else {
        // Nothing that is older than the current names adds to them.
        contact.named_at.is_none_or(|named| at >= named) && contact.fill(&names)
    };
    if fresh || !news.is_none() || contact.named_at != named_at {
        contact.updated = batch.now;
        batch.rows.put_contact(&contact)?;
    }
    if !fresh {
        tell(batch, &contact, &news, Some(number))?;
    }
    Ok(Some(Sender { contact, latest }))
}

/// Finds whom names mean that its contact went by until a time, or makes it. Nothing is learned from them.
pub(super) fn formerly(
    batch: &mut Batch<'_>,
    names: &ContactAliases,
    at: Timestamp,
) -> Result<Option<Sender>, StoreError> {
    let found = find(batch, names, at)?;
    let contact = match found.contact {
        Some(contact) => contact,
        None => match newcomer(batch, names, &found.held)? {
            Some(mut contact) => {
                for alias in names.strongest_first() {
                    contact.remember(alias, at);
                }
                batch.rows.put_contact(&contact)?;
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

/// Takes names over that others hold, unless they went by them later than this; leaves the others out.
pub(super) fn take_over(
    batch: &mut Batch<'_>,
    names: &ContactAliases,
    held: Vec<(Alias, Contact)>,
    to: ContactId,
    number: &PhoneNumberId,
    at: Timestamp,
) -> Result<ContactAliases, StoreError> {
    let mut names = names.clone();
    for (alias, mut holder) in held {
        let until = if holder.goes_by(&alias) {
            let heard = Threads::of(batch, number, &holder)?.last_inbound();
            holder.named_at.max(heard)
        } else {
            holder.went_by_until(&alias)
        };
        if until.is_some_and(|until| at <= until) {
            names.forget(alias.kind);
            continue;
        }
        batch.rows.put_alias(&alias, to)?;
        if holder.lose(&alias, at) {
            holder.updated = batch.now;
            batch.rows.put_contact(&holder)?;
            let news = News {
                names: true,
                ..News::default()
            };
            tell(batch, &holder, &news, None)?;
        }
    }
    Ok(names)
}

/// Makes names lead to a contact that lead nowhere yet.
pub(super) fn lead_if_free(
    batch: &mut Batch<'_>,
    names: &ContactAliases,
    to: ContactId,
) -> Result<(), StoreError> {
    for alias in names.strongest_first() {
        if owner(batch, alias)?.is_none() {
            batch.rows.put_alias(alias, to)?;
        }
    }
    Ok(())
}

/// The contact of the strongest name that leads to one, or a new one. Nothing is learned of a contact that is known: who
/// asks for it by a name does not decide by which it goes.
pub(super) fn addressed(
    batch: &mut Batch<'_>,
    names: &ContactAliases,
) -> Result<Option<Contact>, StoreError> {
    for alias in names.strongest_first() {
        for form in alias.forms() {
            if let Some(owner) = owner(batch, &form)? {
                return Ok(Some(owner));
            }
        }
    }
    let Some(mut contact) = newcomer(batch, names, &[])? else {
        return Ok(None);
    };
    contact.fill(names);
    batch.rows.put_contact(&contact)?;
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
    let mut news = News::default();
    let mut contact = match found.contact {
        Some(contact) => contact,
        None => match newcomer(batch, names, &found.held)? {
            Some(contact) => contact,
            None => return Ok(None),
        },
    };
    for other in found.same {
        link(batch, &mut contact, other, &mut news)?;
    }
    let mut names = names.clone();
    for (alias, _) in found.held {
        names.forget(alias.kind);
    }
    lead_if_free(batch, &names, contact.id)?;
    news.names = contact.fill(&names);
    if !news.is_none() {
        contact.updated = batch.now;
        batch.rows.put_contact(&contact)?;
    }
    Ok(Some((contact, news)))
}
