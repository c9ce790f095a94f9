//! By what contacts are found: their places under terms, beside their rows.

use std::ops::Bound;

use fjall::{PersistMode, Slice};

use super::codec::{self, NEVER};
use super::engine::{Engine, failed};
use super::keys::{self, Key, Kind, Space};
use super::scan::{Moment, Pair};
use super::txn::Txn;
use crate::domain::contact_terms::TermChanges;
use crate::domain::{Contact, ContactId, Conversation, Links, TenantId, Term, TermKey, TermPlace};
use crate::store::error::StoreError;
use crate::store::room::Room;
use crate::store::{ListOrder, Page};

/// Contacts whose places are made together.
const TOGETHER: usize = 1_000;

/// Moves a contact from where it stood to where it stands.
pub(super) fn change(txn: &mut Txn, tenant: TenantId, before: Option<&Contact>, after: Option<&Contact>) {
    let changes = TermChanges::between(TermKey::of(tenant), before, after);
    for (term, place) in &changes.removed {
        txn.delete(Space::Rows, keys::term_place(tenant, term, place));
    }
    for (term, place) in &changes.added {
        txn.put(
            Space::Rows,
            keys::term_place(tenant, term, place),
            Slice::from(&[][..]),
        );
    }
}

/// Places under a term.
pub(super) fn page(
    engine: &Engine,
    tenant: TenantId,
    term: Term,
    after: Option<&TermPlace>,
    order: ListOrder,
    limit: usize,
) -> Result<Page<TermPlace>, StoreError> {
    let prefix = keys::term(tenant, &term);
    let after = after.map(|place| Bound::Excluded(keys::term_place(tenant, &term, place)));
    let end = prefix.after_prefix().map_or(Bound::Unbounded, Bound::Excluded);
    let (start, end) = match order {
        ListOrder::Ascending => (after.unwrap_or(Bound::Included(prefix)), end),
        ListOrder::Descending => (Bound::Included(prefix), after.unwrap_or(end)),
    };
    let mut rows = Moment::of(engine).range(Space::Rows, (start, end));
    let rows = std::iter::from_fn(|| match order {
        ListOrder::Ascending => rows.next(),
        ListOrder::Descending => rows.next_back(),
    });
    let place = |key: &[u8]| {
        keys::term_place_of(key).ok_or_else(|| StoreError::corrupt("term", "its key is too short"))
    };
    Room::of(limit).page(rows.map(|pair| place(&pair?.key)), |_| 0)
}

/// Contacts by their ids.
pub(super) fn contacts(
    engine: &Engine,
    tenant: TenantId,
    ids: &[ContactId],
) -> Result<Vec<Option<Contact>>, StoreError> {
    let moment = Moment::of(engine);
    let read = |id: &ContactId| moment.row(&keys::row(Kind::Contact, tenant, id.as_bytes()));
    ids.iter().map(read).collect()
}

/// Which terms there are, and what they follow from: a folder that an earlier version wrote gets them at its next start.
const FORM: u8 = 2;

pub(super) fn made_key() -> Key {
    keys::global(Kind::TermsMade, &[FORM])
}

/// Makes the places of all contacts of a folder that an earlier version wrote. Cut short, it begins again at the next start.
pub(super) fn make(engine: &Engine) -> Result<(), StoreError> {
    if engine.get(Space::Rows, &made_key())?.is_some() {
        return Ok(());
    }
    note_numbers(engine)?;
    let mut writes = Writes::of(engine);
    let mut count = 0_usize;
    for pair in Moment::of(engine).under(Space::Rows, &keys::global(Kind::Contact, &[]), None) {
        let (tenant, row): (_, Contact) = owned(&pair?)?;
        for (term, place) in row.terms(TermKey::of(tenant)) {
            let key = keys::term_place(tenant, &term, &place);
            writes.batch.insert(writes.rows, key, Slice::from(&[][..]));
        }
        count = count.saturating_add(1);
        writes.written(count)?;
    }
    writes
        .batch
        .insert(writes.rows, made_key(), codec::bytes(NEVER, &[]));
    let batch = writes.batch.durability(Some(PersistMode::SyncData));
    batch.commit().map_err(failed)?;
    if count > 0 {
        tracing::info!(
            contacts = count,
            "contacts that an earlier version wrote can be searched now"
        );
    }
    Ok(())
}

/// Rows that are written together.
struct Writes<'a> {
    engine: &'a Engine,
    rows: &'a fjall::Keyspace,
    batch: fjall::OwnedWriteBatch,
}

impl<'a> Writes<'a> {
    fn of(engine: &'a Engine) -> Self {
        Self {
            engine,
            rows: engine.space(Space::Rows),
            batch: fjall::OwnedWriteBatch::with_capacity(engine.db().clone(), TOGETHER),
        }
    }

    /// After so many contacts: commits them where they are enough.
    fn written(&mut self, count: usize) -> Result<(), StoreError> {
        if !count.is_multiple_of(TOGETHER) {
            return Ok(());
        }
        let next = Self::of(self.engine).batch;
        std::mem::replace(&mut self.batch, next).commit().map_err(failed)
    }
}

/// A row and whose it is.
fn owned<T: serde::de::DeserializeOwned>(pair: &Pair) -> Result<(TenantId, T), StoreError> {
    let tenant = pair.key.get(1..).and_then(keys::tenant_of);
    let tenant = tenant.ok_or_else(|| StoreError::corrupt("row", "its key is too short"))?;
    Ok((tenant, codec::row(&pair.value)?))
}

/// Notes on contacts on which numbers they have conversations.
fn note_numbers(engine: &Engine) -> Result<(), StoreError> {
    for pair in Moment::of(engine).under(Space::Rows, &keys::global(Kind::Conversation, &[]), None) {
        let (tenant, conversation): (_, Conversation) = owned(&pair?)?;
        let key = |id: ContactId| keys::row(Kind::Contact, tenant, id.as_bytes());
        let read = |id| engine.get(Space::Rows, &key(id));
        let (mut at, mut links) = (conversation.contact_id, Links::default());
        let person = loop {
            let Some(value) = read(at)? else { break None };
            let row: Contact = codec::row(&value)?;
            match links.after(&row) {
                Some(next) => at = next,
                None => break Some(row).filter(|row| row.group_id.is_none()),
            }
        };
        // One that begins with a broadcast stands in no list until its customer answers.
        let listed = person.filter(|_| !conversation.is_unlisted);
        let Some(mut person) = listed else { continue };
        if !person.talk_on(&conversation.number) {
            continue;
        }
        let mut batch = Writes::of(engine).batch;
        let rows = engine.space(Space::Rows);
        batch.insert(rows, key(person.id), codec::json(NEVER, &person)?);
        // The card under which the customer is shown is found by it, too.
        if let Some(main) = person.merged_into
            && let Some(value) = read(main)?
        {
            let mut card: Contact = codec::row(&value)?;
            let own = card
                .merged
                .iter_mut()
                .filter(|known| known.contact_id == person.id);
            own.for_each(|known| known.talked_on.clone_from(&person.talked_on));
            batch.insert(rows, key(main), codec::json(NEVER, &card)?);
        }
        batch.commit().map_err(failed)?;
    }
    Ok(())
}
