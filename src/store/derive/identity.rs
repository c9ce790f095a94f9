//! Who a customer is: aliases to contacts, links between contacts, never a rewrite of history.

use serde::Serialize;

use super::Batch;
use crate::domain::{Alias, Contact, ContactAliases, ContactId, EventKind};
use crate::store::error::StoreError;
use crate::store::op::{OpOutcome, Relate};
use crate::store::row::{Rows, Seen};

/// Links are followed this far; more would be a loop.
const LONGEST_CHAIN: usize = 8;

#[derive(Serialize)]
struct ContactChanged<'a> {
    contact: &'a Contact,
}

/// The contact at the end of the chain of links.
pub(super) fn follow_links(rows: &mut dyn Rows, start: ContactId) -> Result<Option<Contact>, StoreError> {
    let mut at = start;
    for _ in 0..LONGEST_CHAIN {
        let Some(contact) = rows.contact(at)? else {
            return Ok(None);
        };
        match contact.linked_to {
            Some(next) => at = next,
            None => return Ok(Some(contact)),
        }
    }
    Ok(None)
}

/// Finds the contact of the strongest known alias, or makes one; teaches it the other aliases. `None` without any alias.
pub(super) fn known_contact(
    batch: &mut Batch<'_>,
    aliases: &ContactAliases,
) -> Result<Option<Contact>, StoreError> {
    let mut found = None;
    for alias in aliases.strongest_first() {
        if let Some(id) = batch.rows.alias(alias)?
            && let Some(contact) = follow_links(batch.rows, id)?
        {
            found = Some(contact);
            break;
        }
    }
    let fresh = found.is_none();
    let mut contact = match (found, aliases.new_contact_id(batch.tenant)) {
        (Some(contact), _) => contact,
        (None, Some(id)) => Contact::new(id, aliases, batch.now),
        (None, None) => return Ok(None),
    };
    let changed = teach(batch, &mut contact, aliases)?;
    if fresh && !changed {
        batch.rows.put_contact(&contact)?;
    }
    Ok(Some(contact))
}

/// Makes all aliases lead to the contact: new ones directly, those of other contacts by linking these.
pub(super) fn teach(
    batch: &mut Batch<'_>,
    contact: &mut Contact,
    aliases: &ContactAliases,
) -> Result<bool, StoreError> {
    let mut changed = contact.learn(aliases);
    for alias in aliases.strongest_first() {
        changed |= lead_to(batch, alias, contact)?;
    }
    if changed {
        contact.updated = batch.now;
        batch.rows.put_contact(contact)?;
    }
    Ok(changed)
}

fn lead_to(batch: &mut Batch<'_>, alias: &Alias, contact: &mut Contact) -> Result<bool, StoreError> {
    let Some(owner) = batch.rows.alias(alias)? else {
        batch.rows.put_alias(alias, contact.id)?;
        return Ok(true);
    };
    match follow_links(batch.rows, owner)? {
        Some(other) if other.id == contact.id => Ok(false),
        Some(mut other) => {
            other.linked_to = Some(contact.id);
            other.updated = batch.now;
            batch.rows.put_contact(&other)?;
            // Nobody is written to under one name who refused under another.
            contact.wish_as(&other);
            Ok(true)
        }
        None => {
            batch.rows.put_alias(alias, contact.id)?;
            Ok(true)
        }
    }
}

/// Takes over what a customer's change of number or identity says.
pub(super) fn relate(batch: &mut Batch<'_>, relate: &Relate) -> Result<OpOutcome, StoreError> {
    if batch.rows.seen(relate.once)?.is_some() {
        return Ok(OpOutcome::Duplicate { at: None });
    }
    let before = ContactAliases::of(relate.from.strongest_first().cloned());
    let Some(mut contact) = known_contact(batch, &before)? else {
        return Ok(OpOutcome::Unchanged);
    };
    batch.put_seen(relate.once, Seen { at: None }, batch.now)?;
    if !teach(batch, &mut contact, &relate.to)? {
        return Ok(OpOutcome::Unchanged);
    }
    let seq = contact_changed(batch, &contact)?;
    Ok(OpOutcome::Committed { seq, at: None })
}

/// Tells agents that a contact changed.
pub(super) fn contact_changed(
    batch: &mut Batch<'_>,
    contact: &Contact,
) -> Result<crate::domain::Seq, StoreError> {
    batch.emit(EventKind::Contact, None, &ContactChanged { contact })
}
