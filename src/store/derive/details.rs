//! What a business notes of a contact. Contacts of one person are one: a change goes to the one to which the others lead.

use super::Batch;
use super::link::{News, tell};
use super::merge::card_of;
use super::names::{follow_links, lead_if_free, newcomer, owner};
use crate::domain::{Contact, ContactAliases, ContactChange, Purpose};
use crate::store::error::StoreError;
use crate::store::op::{Audience, ChangeContact, ContactFate, OpOutcome, OpRefusal, Whom};

pub(super) fn change(batch: &mut Batch<'_>, op: &ChangeContact) -> Result<OpOutcome, StoreError> {
    let known = match &op.who {
        Whom::Known(id) => match follow_links(batch.rows, *id)? {
            // A group is not the business's to describe.
            Some(contact) if contact.group_id.is_none() => Some(contact),
            Some(_) | None => return Ok(OpOutcome::Refused(OpRefusal::NotFound)),
        },
        Whom::New(aliases) => match whoever_goes_by(batch, aliases)? {
            Some(contact) => return Ok(OpOutcome::Refused(OpRefusal::ContactExists(contact.id))),
            None => None,
        },
        Whom::Named(aliases) => whoever_goes_by(batch, aliases)?,
    };
    let is_new = known.is_none();
    let mut contact = match (known, &op.who) {
        (Some(contact), _) => contact,
        (None, Whom::New(aliases) | Whom::Named(aliases)) => match newcomer(batch, aliases, batch.now)? {
            Some(mut contact) => {
                contact.fill(aliases);
                contact
            }
            None => return Ok(OpOutcome::Refused(OpRefusal::NotFound)),
        },
        (None, Whom::Known(_)) => return Ok(OpOutcome::Refused(OpRefusal::NotFound)),
    };
    // A number blocks an address; all else is noted of the customer.
    let is_of_the_address =
        |change: &ContactChange| matches!(change, ContactChange::Block(_) | ContactChange::Unblock(_));
    if !op.changes.iter().all(is_of_the_address) || op.changes.is_empty() {
        contact = card_of(batch, contact)?;
    }
    let before = contact.clone();
    // Nothing is written yet: what is refused leaves nothing.
    for change in &op.changes {
        if let Err(limit) = contact.change(change) {
            return Ok(OpOutcome::Refused(OpRefusal::ContactFull(limit)));
        }
    }
    let has_details = contact != before;
    if is_new || has_details {
        contact.updated = batch.now;
        batch.put_contact(&contact)?;
    }
    if contact.is_minor != before.is_minor {
        for card in &contact.merged {
            if let Some(mut row) = batch.rows.contact(card.contact_id)? {
                row.is_minor = contact.is_minor;
                row.updated = batch.now;
                batch.put_contact(&row)?;
            }
        }
    }
    if let (true, Whom::New(aliases) | Whom::Named(aliases)) = (is_new, &op.who) {
        lead_if_free(batch, aliases, contact.id)?;
    }
    let news = News {
        names: is_new,
        details: has_details,
        marketing: contact.refuses(Purpose::Marketing) != before.refuses(Purpose::Marketing),
        by: Some(op.by.clone()),
        ..News::default()
    };
    let seq = match op.audience {
        Audience::Agents => tell(batch, &contact, &news, None)?,
        Audience::Nobody => None,
    };
    Ok(OpOutcome::Contact {
        contact: contact.id,
        fate: match (is_new, has_details) {
            (true, _) => ContactFate::Created,
            (false, true) => ContactFate::Changed,
            (false, false) => ContactFate::Unchanged,
        },
        seq,
    })
}

/// The contact to which the strongest of some names leads.
fn whoever_goes_by(batch: &mut Batch<'_>, names: &ContactAliases) -> Result<Option<Contact>, StoreError> {
    for alias in names.strongest_first() {
        for form in alias.forms() {
            if let Some(owner) = owner(batch, &form)? {
                return Ok(Some(owner));
            }
        }
    }
    Ok(None)
}
