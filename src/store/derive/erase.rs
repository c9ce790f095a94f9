//! That a customer is erased, and comes again.
//!
//! Whoever had themselves erased is not to be sold anything because an old list of customers is read in again. What says so is a digest
//! of each name, which finds nobody who is not named again.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Batch;
use crate::domain::{
    Alias, Contact, ContactAliases, ContactId, Event, Retention, TenantId, Timestamp, WamidHash,
};
use crate::store::error::StoreError;
use crate::store::op::{Erase, OpOutcome};
use crate::store::row::{Rows, Seen};

/// What the customer says when they come again is later.
const BEFORE: Duration = Duration::from_millis(1);

pub(super) fn erase(batch: &mut Batch<'_>, erase: &Erase) -> Result<OpOutcome, StoreError> {
    match erase {
        Erase::Begins(contacts) => {
            let until = batch.now.after(Retention::ERASED_NAMES);
            for row in customer(batch.rows, contacts)? {
                for name in row.all_names() {
                    let key = erased_key(batch.tenant, &name);
                    batch.rows.put_seen(key, Seen { at: None }, until)?;
                }
            }
        }
        Erase::IsDone => {
            let event = Event::erased(batch.next_seq(), batch.now);
            batch.rows.put_event(&event, batch.events_end())?;
            batch.head = event.seq;
            batch.events.push(event);
        }
    }
    Ok(OpOutcome::Committed {
        seq: batch.head,
        at: None,
        queued: None,
    })
}

/// All cards of a customer, also those that turned out to be theirs since somebody listed some.
fn customer(rows: &mut dyn Rows, listed: &[ContactId]) -> Result<Vec<Contact>, StoreError> {
    let (mut todo, mut known, mut found) = (listed.to_vec(), BTreeSet::new(), Vec::new());
    while let Some(id) = todo.pop() {
        if known.insert(id)
            && let Some(row) = rows.contact(id)?
        {
            todo.extend(row.everyone());
            found.push(row);
        }
    }
    Ok(found)
}

/// Has a contact that is made now want no marketing if somebody of one of its names was erased. What it says itself at this time
/// counts.
pub(super) fn heed_erasures(
    batch: &mut Batch<'_>,
    contact: &mut Contact,
    names: &ContactAliases,
    at: Timestamp,
) -> Result<(), StoreError> {
    for name in names.strongest_first().flat_map(Alias::forms) {
        if batch.rows.seen(erased_key(batch.tenant, &name))?.is_some() {
            contact.stop_by_business(at.before(BEFORE));
            return Ok(());
        }
    }
    Ok(())
}

/// Under this key the seen-index says that somebody of a name was erased.
fn erased_key(tenant: TenantId, name: &Alias) -> WamidHash {
    WamidHash::of_other("erased", &[&name.key(tenant)])
}
