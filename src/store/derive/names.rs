//! Whom names mean: a contact goes by a name for a time, and what Meta tells of one time means whoever went by the name then.
//!
//! An alias row leads to the contact that had the name last, and from there the way goes back to those who had it before. A phone
//! finds a contact only where no other BSUID is known on either side: otherwise it goes over to another contact.

use std::time::Duration;

use super::Batch;
use super::erase::heed_erasures;
use crate::domain::ids::digest16;
use crate::domain::{Alias, AliasKind, Contact, ContactAliases, ContactId, Links, Timestamp};
use crate::store::error::StoreError;
use crate::store::row::Rows;

/// Meta tells times in seconds.
const JUST_AFTER: Duration = Duration::from_millis(1);

/// The contact at the end of the chain of links.
pub(super) fn follow_links(rows: &mut dyn Rows, start: ContactId) -> Result<Option<Contact>, StoreError> {
    Ok(walk(rows, start)?.map(|(person, _)| person))
}

/// The contact at the end of the chain of links, and those before it.
fn walk(rows: &mut dyn Rows, start: ContactId) -> Result<Option<(Contact, Vec<Contact>)>, StoreError> {
    let (mut at, mut links, mut passed) = (start, Links::default(), Vec::new());
    while let Some(contact) = rows.contact(at)? {
        let Some(next) = links.after(&contact) else {
            return Ok(Some((contact, passed)));
        };
        passed.push(contact);
        at = next;
    }
    Ok(None)
}

/// The contact that a name leads to. Older versions wrote chains of links, and did not note who leads to a contact: that is
/// made up for.
pub(super) fn owner(batch: &mut Batch<'_>, alias: &Alias) -> Result<Option<Contact>, StoreError> {
    let Some(first) = batch.rows.alias(alias)? else {
        return Ok(None);
    };
    let Some((mut person, passed)) = walk(batch.rows, first)? else {
        return Ok(None);
    };
    let mut news = false;
    for mut contact in passed {
        news |= person.lead(contact.id);
        if contact.linked_to.replace(person.id) != Some(person.id) {
            batch.put_contact(&contact)?;
        }
    }
    if news {
        batch.put_contact(&person)?;
    }
    Ok(Some(person))
}

/// Whoever went by a name at a time, as far as is known; else who has it since.
fn holder(batch: &mut Batch<'_>, alias: &Alias, at: Timestamp) -> Result<Option<Contact>, StoreError> {
    let Some(mut contact) = owner(batch, alias)? else {
        return Ok(None);
    };
    let mut end = None;
    while let Some(taken) = contact.took(alias).filter(|taken| at < taken.since) {
        let Some(before) = follow_links(batch.rows, taken.from)? else {
            break;
        };
        if before.goes_by(alias) {
            // It came back to the name.
            return Ok(Some(before));
        }
        let until = before.went_by_until(alias).filter(|until| at <= *until);
        if until.is_none() || end.is_some_and(|end| until >= Some(end)) {
            break;
        }
        end = until;
        contact = before;
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
    pub(super) held: Vec<(Alias, ContactId)>,
    /// Names that lead to them.
    pub(super) lead: Vec<Alias>,
}

impl Found {
    /// Whether a contact is whom they mean.
    pub(super) fn has(&self, id: ContactId) -> bool {
        self.contact.iter().chain(&self.same).any(|known| known.id == id)
    }

    /// Whether a contact that is found by a name is another person than the names mean: ids are nobody else's, numbers may be.
    fn is_another(&self, names: &ContactAliases, by: &Alias, owner: &Contact, at: Timestamp) -> bool {
        if by.kind != AliasKind::Phone {
            return false;
        }
        let found = || self.contact.as_ref().and_then(|known| known.bsuid.as_ref());
        let ours = names.bsuid.as_ref().map(|alias| &alias.value).or_else(found);
        if let (Some(ours), Some(theirs)) = (ours, &owner.bsuid)
            && ours != theirs
            && !owner.bsuids.contains(ours)
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
            let Some(owner) = holder(batch, &form, at)? else {
                continue;
            };
            if found.has(owner.id) {
                found.lead.push(form);
                continue;
            }
            if found.is_another(names, &form, &owner, at) {
                found.held.push((form, owner.id));
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
    held.retain(|(_, holder)| !found.has(*holder));
    found.held = held;
    Ok(found)
}

/// A contact that nothing is known of yet at a time, not even its names, but that somebody who had one was erased. Its id follows from
/// its strongest name, unless somebody who had that name before got it: their row stays theirs.
pub(super) fn newcomer(
    batch: &mut Batch<'_>,
    names: &ContactAliases,
    at: Timestamp,
) -> Result<Option<Contact>, StoreError> {
    let Some(mut id) = names.new_contact_id(batch.tenant) else {
        return Ok(None);
    };
    let first = id;
    let mut others = 0_u32;
    while batch.rows.contact(id)?.is_some() {
        others = others.saturating_add(1);
        id = ContactId::from_bytes(digest16(&[b"contact", first.as_bytes(), &others.to_be_bytes()]));
    }
    let mut contact = Contact::new(id, &ContactAliases::default(), batch.now);
    heed_erasures(batch, &mut contact, names, at)?;
    Ok(Some(contact))
}

/// Finds who moved from some names to others at a time: by the names before, and by those since.
pub(super) fn mover(
    batch: &mut Batch<'_>,
    from: &ContactAliases,
    to: &ContactAliases,
    at: Timestamp,
) -> Result<(Found, Found), StoreError> {
    let mut before = find(batch, from, at)?;
    before.leave_who_came_later(from, at);
    let mut after = find(batch, to, at)?;
    after.leave_who_had_it(to, before.contact.as_ref(), at);
    Ok((before, after))
}

impl Found {
    /// Whoever is found by a phone alone, and had it from another later than somebody left it, is not who left it.
    fn leave_who_came_later(&mut self, from: &ContactAliases, at: Timestamp) {
        let Some(phone) = &from.phone else { return };
        let by_phone_alone = self.lead.iter().all(|name| name.kind == AliasKind::Phone);
        let came_later =
            |owner: &mut Contact| by_phone_alone && owner.took(phone).is_some_and(|taken| at < taken.since);
        if let Some(owner) = self.contact.take_if(came_later) {
            self.held.push((phone.clone(), owner.id));
        }
    }

    /// Whoever had a phone number since before somebody moved to it is not who moved, if they have an id of their own.
    fn leave_who_had_it(&mut self, to: &ContactAliases, moves: Option<&Contact>, at: Timestamp) {
        let had_it = |owner: &mut Contact| {
            to.bsuid.is_none()
                && owner.bsuid.is_some()
                && owner.named_at.unwrap_or(owner.created) < at
                && moves.is_none_or(|moves| moves.id != owner.id)
        };
        if let (Some(owner), Some(phone)) = (self.contact.take_if(had_it), &to.phone) {
            self.held.push((phone.clone(), owner.id));
        }
    }
}

/// Notes that somebody went by a name until a time, which another is known to go by since: what is told of before means them.
pub(super) fn went_before(
    batch: &mut Batch<'_>,
    earlier: &mut Contact,
    alias: &Alias,
    holder: ContactId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(mut holder) = follow_links(batch.rows, holder)?.filter(|holder| holder.id != earlier.id) else {
        return Ok(());
    };
    let since = match holder.took(alias) {
        // It went from whoever had it first to this one, and on to the holder.
        Some(taken) if at < taken.since => {
            let since = taken.since;
            let first = follow_links(batch.rows, taken.from)?;
            if first.as_ref().is_some_and(|first| first.id == earlier.id) {
                return Ok(());
            }
            if let Some(first) = first
                && let Some(until) = first.went_by_until(alias)
                && earlier.took(alias).is_none()
            {
                earlier.take_from(alias, first.id, until.after(JUST_AFTER));
            }
            Some(since)
        }
        Some(_) => None,
        None => holder.named_at.filter(|named| at < *named),
    };
    let Some(since) = since else { return Ok(()) };
    holder.take_from(alias, earlier.id, since);
    holder.updated = batch.now;
    batch.put_contact(&holder)
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
