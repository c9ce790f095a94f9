//! Cards of one customer: merging them, parting them, and keeping them alike. See [`crate::domain::cards`].
//!
//! All cards lead to the one that stays, none over another, and a contact that leads to another by Meta's word is none of them: whoever
//! turns out to be that person takes its place.

use std::collections::BTreeSet;

use super::Batch;
use super::link::{News, tell};
use super::names::follow_links;
use crate::domain::{Card, Contact, ContactId, Facts, MergeDone, Seq};
use crate::store::error::StoreError;
use crate::store::op::{ContactFate, Merge, OpOutcome, OpRefusal, Unmerge};

pub(super) fn merge(batch: &mut Batch<'_>, op: &Merge) -> Result<OpOutcome, StoreError> {
    let card = |batch: &mut Batch<'_>, id| batch.rows.contact(id);
    let (Some(mut contact), Some(mut other)) = (card(batch, op.done.contact)?, card(batch, op.done.other)?)
    else {
        return Ok(OpOutcome::Refused(OpRefusal::NotFound));
    };
    if contact.merged.iter().any(|known| known.contact_id == other.id) {
        // Its first commit went through although the answer was lost.
        return Ok(changed(contact.id, None));
    }
    let is_moved = |one: &Contact| one.linked_to.is_some() || one.group_id.is_some();
    if is_moved(&contact) || is_moved(&other) || MergeDone::of(&contact, &other).as_ref() != Some(&op.done) {
        return Ok(OpOutcome::Refused(OpRefusal::ContactsChanged));
    }
    contact.adopt_details(&other);
    contact.merged.push(Card::of(&other));
    contact.merged.append(&mut other.merged);
    for card in contact.merged.clone() {
        let row = if card.contact_id == other.id {
            Some(other.clone())
        } else {
            batch.rows.contact(card.contact_id)?
        };
        if let Some(mut row) = row {
            row.merged_into = Some(contact.id);
            op.done.facts().put_on(&mut row);
            row.updated = batch.now;
            batch.put_contact(&row)?;
        }
    }
    op.done.facts().put_on(&mut contact);
    contact.updated = batch.now;
    batch.put_contact(&contact)?;
    let news = News {
        merge: true,
        by: Some(op.by.clone()),
        ..News::default()
    };
    let seq = tell(batch, &contact, &news, None)?;
    Ok(changed(contact.id, seq))
}

/// Parts again who was merged: those who came with the other card go with it, wherever links led since, unless a link made one
/// of them one person with who stays.
pub(super) fn unmerge(batch: &mut Batch<'_>, op: &Unmerge) -> Result<OpOutcome, StoreError> {
    let done = &op.done;
    let refused = Ok(OpOutcome::Refused(OpRefusal::NotMerged));
    let Some(stays) = follow_links(batch.rows, done.contact)? else {
        return refused;
    };
    let Some(mut main) = batch.rows.contact(stays.shown_under())? else {
        return refused;
    };
    let is_there =
        |id: ContactId, main: &Contact| id == main.id || main.merged.iter().any(|card| card.contact_id == id);
    let mut kept = BTreeSet::from([stays.id, main.id]);
    for id in &done.with {
        kept.extend(follow_links(batch.rows, *id)?.map(|row| row.id));
    }
    let Some(mut other) = follow_links(batch.rows, done.other)? else {
        return refused;
    };
    if kept.contains(&other.id) || !is_there(other.id, &main) {
        return refused;
    }
    let mut leaving = Vec::new();
    for id in &done.others {
        if let Some(row) = follow_links(batch.rows, *id)?
            && row.id != other.id
            && !kept.contains(&row.id)
            && is_there(row.id, &main)
            && !leaving.iter().any(|known: &Contact| known.id == row.id)
        {
            leaving.push(row);
        }
    }
    let now = Facts::of(&main);
    let theirs = done.theirs_again(&now);
    main.merged
        .retain(|card| card.contact_id != other.id && !leaving.iter().any(|row| row.id == card.contact_id));
    let mut staying = Vec::new();
    for card in &main.merged {
        staying.extend(batch.rows.contact(card.contact_id)?);
    }
    // Where others came to them since, what holds for those holds on.
    let is_alone = main.id == stays.id && staying.iter().all(|row| kept.contains(&row.id));
    let ours = if is_alone { done.ours_again(&now) } else { now };
    // What those who came with it brought since stands on the card that they leave.
    for row in &leaving {
        let mut brought = row.clone();
        brought.keep_details_of(&main);
        other.adopt_details(&brought);
    }
    let gone: Vec<Contact> = leaving.iter().chain([&other]).cloned().collect();
    let all = staying.clone();
    for row in &mut staying {
        if row.id == stays.id {
            let others: Vec<Contact> = all.iter().filter(|other| other.id != row.id).cloned().collect();
            done.give_back(row, &gone, &others);
        }
        ours.put_on(row);
        row.updated = batch.now;
        batch.put_contact(row)?;
    }
    done.give_back(&mut main, &gone, &staying);
    ours.put_on(&mut main);
    main.updated = batch.now;
    other.merged_into = None;
    other.merged = leaving.iter().map(Card::of).collect();
    other.updated = batch.now;
    theirs.put_on(&mut other);
    for mut row in leaving {
        row.merged_into = Some(other.id);
        row.updated = batch.now;
        theirs.put_on(&mut row);
        batch.put_contact(&row)?;
    }
    batch.put_contact(&main)?;
    batch.put_contact(&other)?;
    let news = News {
        merge: true,
        by: Some(op.by.clone()),
        ..News::default()
    };
    tell(batch, &other, &news, None)?;
    let seq = tell(batch, &main, &news, None)?;
    Ok(changed(main.id, seq))
}

fn changed(contact: ContactId, seq: Option<Seq>) -> OpOutcome {
    OpOutcome::Contact {
        contact,
        fate: ContactFate::Changed,
        seq,
    }
}

/// A contact turns out to be another one's person and takes its place among the cards of that customer; where both have
/// cards, they are cards of one customer from then on. `contact` is written by the caller, and so is `other`.
pub(super) fn take_place(
    batch: &mut Batch<'_>,
    contact: &mut Contact,
    other: &mut Contact,
) -> Result<(), StoreError> {
    if !other.is_merged() {
        if let Some(main) = contact.merged_into {
            // What was noted of it is noted of the customer from now on.
            if let Some(mut card) = batch.rows.contact(main)? {
                card.adopt_details(other);
                card.updated = batch.now;
                batch.put_contact(&card)?;
            }
        }
        return Ok(());
    }
    let (ours, theirs) = (contact.shown_under(), other.shown_under());
    let was_shown = other.merged_into.is_none();
    let joins = !contact.is_merged();
    // The card that stays: the contact's own where it has one that is not the other itself.
    let main = match (contact.is_merged() && ours != other.id, was_shown) {
        (true, _) => ours,
        (false, true) => contact.id,
        (false, false) => theirs,
    };
    let read = |batch: &mut Batch<'_>, id: ContactId, contact: &Contact, other: &Contact| {
        if id == contact.id {
            Ok(Some(contact.clone()))
        } else if id == other.id {
            Ok(Some(other.clone()))
        } else {
            batch.rows.contact(id)
        }
    };
    let mut ids = BTreeSet::from([contact.id]);
    for id in [ours, theirs] {
        ids.insert(id);
        if let Some(row) = read(batch, id, contact, other)? {
            ids.extend(row.merged.iter().map(|card| card.contact_id));
        }
    }
    ids.remove(&other.id);
    ids.remove(&main);
    let mut facts = Facts::of(contact);
    let mut rows = Vec::new();
    for id in ids {
        if let Some(row) = read(batch, id, contact, other)? {
            facts = facts.stricter(&Facts::of(&row));
            rows.push(row);
        }
    }
    let Some(mut card) = read(batch, main, contact, other)? else {
        return Ok(());
    };
    facts = facts.stricter(&Facts::of(&card)).stricter(&Facts::of(other));
    if was_shown && ours == other.id {
        // What was noted of the customer stood on the other; on this one stands what was noted before that.
        let own = contact.clone();
        card.take_details(other);
        card.adopt_details(&own);
    } else {
        if joins && main != contact.id {
            card.adopt_details(contact);
        }
        if theirs != main
            && let Some(row) = read(batch, theirs, contact, other)?
        {
            card.adopt_details(&row);
        }
    }
    // Whoever there is no room for is a customer of their own again.
    for mut row in rows.split_off(rows.len().min(Contact::MOST_MERGED)) {
        row.merged_into = None;
        row.merged.clear();
        if row.id == contact.id {
            *contact = row;
        } else {
            batch.put_contact(&row)?;
        }
    }
    card.merged = rows.iter().map(Card::of).collect();
    card.merged_into = None;
    for mut row in rows {
        row.merged_into = Some(main);
        row.merged.clear();
        facts.put_on(&mut row);
        if row.id == contact.id {
            *contact = row;
        } else {
            batch.put_contact(&row)?;
        }
    }
    facts.put_on(&mut card);
    if main == contact.id {
        *contact = card;
    } else {
        batch.put_contact(&card)?;
    }
    other.merged_into = None;
    other.merged.clear();
    Ok(())
}

/// Makes the cards of every customer of whom the op wrote one alike again, and tells of those that it changed by that.
pub(super) fn keep_alike(batch: &mut Batch<'_>) -> Result<(), StoreError> {
    for main in batch.merged_cards() {
        let Some(mut card) = batch.rows.contact(main)? else {
            continue;
        };
        let mut facts = Facts::of(&card);
        let mut rows = Vec::new();
        for known in &card.merged {
            if let Some(row) = batch.rows.contact(known.contact_id)? {
                facts = facts.later(&Facts::of(&row));
                rows.push(row);
            }
        }
        let shown: Vec<Card> = rows.iter().map(Card::of).collect();
        let to_see = |cards: &[Card]| -> Vec<Card> { cards.iter().cloned().map(Card::shown).collect() };
        let mut news = News {
            names: to_see(&shown) != to_see(&card.merged),
            ..News::default()
        };
        for row in &mut rows {
            if facts.put_on(row) {
                row.updated = batch.now;
                batch.put_contact(row)?;
                news.marketing = true;
            }
        }
        news.marketing |= facts.put_on(&mut card);
        if !news.is_none() {
            card.merged = shown;
            card.updated = batch.now;
            batch.put_contact(&card)?;
            tell(batch, &card, &news, None)?;
        } else if shown != card.merged {
            // What the customer is found by, which is nobody's to see.
            card.merged = shown;
            batch.put_contact(&card)?;
        }
    }
    Ok(())
}

/// The card on which the business notes things of whoever a contact is.
pub(super) fn card_of(batch: &mut Batch<'_>, contact: Contact) -> Result<Contact, StoreError> {
    let shown = match contact.merged_into {
        Some(main) => batch.rows.contact(main)?,
        None => None,
    };
    Ok(shown.unwrap_or(contact))
}
