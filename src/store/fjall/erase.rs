//! Erasing one customer in small steps, so that others' writes wait for none of them long.

use std::ops::Bound;
use std::sync::Arc;

use super::FjallStore;
use super::codec::{self, NEVER};
use super::engine::Engine;
use super::keys::{self, Expiring, Key, Kind, Space};
use super::rewrite;
use super::rows::TenantRows;
use super::scan::Moment;
use super::sweep::TOGETHER;
use super::terms;
use super::txn::Txn;
use super::writer::Need;
use crate::domain::{
    Contact, ContactId, Conversation, Event, Message, MessageId, PhoneNumberId, Seq, TenantId, Timestamp,
};
use crate::store::erasure::{Belonging, Subject, names_of};
use crate::store::error::StoreError;
use crate::store::row::{OutboxRow, Rows as _, Seen};
use crate::store::{ConversationCursor, derive};

/// Events looked at in one step.
const LOOKED_AT: usize = 5_000;
/// About what a step costs.
const COST: usize = TOGETHER * 256;

impl FjallStore {
    /// Erases one customer. Can be repeated at any time, also after it was cut short.
    pub(super) async fn erase(
        &self,
        tenant: TenantId,
        contacts: Vec<ContactId>,
    ) -> Result<usize, StoreError> {
        let found = self
            .reader
            .away(move |engine| subject(engine, tenant, Subject::default(), contacts))
            .await?;
        let found = Arc::new(found);
        let mut rows = found.forget_aside(self, tenant).await?;
        let (blanked, told) = self.erase_events(tenant, &found, Seq::default()).await?;
        rows += blanked + self.erase_rows(tenant, &found).await?;
        // What came in while the contacts were still there, also to a number that had none of it before. From here on nothing is
        // submitted to them any more.
        let before = Arc::clone(&found);
        let again = move |engine: &Engine| {
            let contacts = found.contacts.iter().copied().collect();
            subject(engine, tenant, Arc::unwrap_or_clone(found), contacts)
        };
        let found = Arc::new(self.reader.away(again).await?);
        rows += self.erase_rows(tenant, &found).await?;
        rows += self.erase_messages(tenant, &found).await?;
        // What was told in conversations that were not known of before was passed over.
        let from = if found.has_more_than(&before) {
            Seq::default()
        } else {
            told
        };
        rows += self.erase_events(tenant, &found, from).await?.0;
        rows += found.forget_plain(self, tenant).await?;
        let subject = Arc::clone(&found);
        let last = self
            .reader
            .away(move |engine| all_belongings(engine, tenant, &subject))
            .await?;
        rows += self.change(move |txn| remove_traces(txn, tenant, &last)).await?;
        Ok(rows)
    }

    /// Removes messages, and then conversations, aliases and contacts.
    async fn erase_rows(&self, tenant: TenantId, found: &Arc<Subject>) -> Result<usize, StoreError> {
        // What a broadcast counts of a message is told by both.
        let mut rows = self.erase_unsettled(tenant, found).await?;
        rows += self.erase_messages(tenant, found).await?;
        let subject = Arc::clone(found);
        let small = self
            .reader
            .away(move |engine| all_belongings(engine, tenant, &subject))
            .await?;
        let subject = Arc::clone(found);
        rows += self
            .change(move |txn| remove_small_rows(txn, tenant, &small, &subject))
            .await?;
        Ok(rows)
    }

    /// Removes rows. That files still hold them is noted with it.
    async fn change(
        &self,
        change: impl FnOnce(&mut Txn) -> Result<usize, StoreError> + Send + 'static,
    ) -> Result<usize, StoreError> {
        let change = move |txn: &mut Txn| {
            let rows = change(txn)?;
            if rows > 0 {
                rewrite::mark(txn)?;
            }
            Ok(rows)
        };
        self.writer.write(Need::MakesRoom, COST, change).await
    }

    /// Erases events about the customer after a position; how many, and up to where it looked.
    async fn erase_events(
        &self,
        tenant: TenantId,
        subject: &Arc<Subject>,
        mut after: Seq,
    ) -> Result<(usize, Seq), StoreError> {
        let mut rows = 0;
        loop {
            let subject = Arc::clone(subject);
            let looked = self
                .reader
                .away(move |engine| look_at_events(engine, tenant, &subject, after))
                .await?;
            for some in looked.about.chunks(TOGETHER) {
                let some = some.to_vec();
                rows += self.change(move |txn| blank_events(txn, tenant, &some)).await?;
            }
            match looked.last {
                Some(last) => after = last,
                None => return Ok((rows, after)),
            }
        }
    }

    async fn erase_messages(&self, tenant: TenantId, subject: &Arc<Subject>) -> Result<usize, StoreError> {
        let mut rows = 0;
        loop {
            let subject = Arc::clone(subject);
            let some = self
                .reader
                .away(move |engine| some_messages(engine, tenant, &subject, TOGETHER))
                .await?;
            if some.is_empty() {
                return Ok(rows);
            }
            rows += self.change(move |txn| remove_messages(txn, tenant, some)).await?;
        }
    }

    async fn erase_unsettled(&self, tenant: TenantId, subject: &Arc<Subject>) -> Result<usize, StoreError> {
        let subject = Arc::clone(subject);
        let found = self
            .reader
            .away(move |engine| unsettled(engine, tenant, &subject))
            .await?;
        let mut rows = 0;
        for some in found.chunks(TOGETHER) {
            let some = some.to_vec();
            rows += self
                .change(move |txn| remove_unsettled(txn, tenant, some))
                .await?;
        }
        Ok(rows)
    }
}

/// Everything by which a person is found: the contacts, where they lead, those that lead there, their conversations.
/// Adds to what was found before.
fn subject(
    engine: &Engine,
    tenant: TenantId,
    mut subject: Subject,
    mut todo: Vec<ContactId>,
) -> Result<Subject, StoreError> {
    let moment = Moment::of(engine);
    while let Some(id) = todo.pop() {
        let row: Option<Contact> = moment.row(&keys::row(Kind::Contact, tenant, id.as_bytes()))?;
        todo.extend(subject.add_contact(id, row.as_ref()));
        for what in Belonging::ALL {
            for reference in belongings(&moment, tenant, id, what)? {
                todo.extend(subject.add_belonging(what, reference));
            }
        }
    }
    Ok(subject)
}

fn belongings(
    moment: &Moment<'_>,
    tenant: TenantId,
    contact: ContactId,
    what: Belonging,
) -> Result<Vec<[u8; 16]>, StoreError> {
    moment
        .under(Space::Rows, &keys::belonging(tenant, contact, what), None)
        .map(|pair| {
            let reference = keys::reference_of(&pair?.key);
            reference.ok_or_else(|| StoreError::corrupt("belonging", "key too short"))
        })
        .collect()
}

/// Events about the customer among the next few.
struct Looked {
    about: Vec<Seq>,
    /// The last one looked at; `None` when there was none.
    last: Option<Seq>,
}

/// Looks for events about the customer after a position.
fn look_at_events(
    engine: &Engine,
    tenant: TenantId,
    subject: &Subject,
    after: Seq,
) -> Result<Looked, StoreError> {
    let mut looked = Looked {
        about: Vec::new(),
        last: None,
    };
    let end = keys::tenant(tenant)
        .after_prefix()
        .map_or(Bound::Unbounded, Bound::Excluded);
    let range = (Bound::Excluded(keys::event(tenant, after)), end);
    for pair in Moment::of(engine).range(Space::Events, range).take(LOOKED_AT) {
        let pair = pair?;
        let event = super::events::parse(&pair.key, &pair.value)?;
        looked.last = Some(event.seq);
        if subject.concerns(&event) {
            looked.about.push(event.seq);
        }
    }
    Ok(looked)
}

/// Leaves only the places of events. Returns how many these were.
pub(super) fn blank_events(txn: &mut Txn, tenant: TenantId, events: &[Seq]) -> Result<usize, StoreError> {
    let mut rows = 0;
    for seq in events {
        let key = keys::event(tenant, *seq);
        if let Some(value) = txn.get(Space::Events, &key)? {
            let event = codec::parse_event(*seq, codec::body(&value)?)?;
            let blank = Event::erased(*seq, event.at);
            txn.put(Space::Events, key, codec::event(codec::expires(&value)?, &blank));
            rows += 1;
        }
    }
    Ok(rows)
}

/// The next messages of the customer.
fn some_messages(
    engine: &Engine,
    tenant: TenantId,
    subject: &Subject,
    limit: usize,
) -> Result<Vec<Key>, StoreError> {
    let moment = Moment::of(engine);
    let mut found = Vec::new();
    for conversation in &subject.conversations {
        let room = limit - found.len();
        for pair in moment
            .under(Space::Messages, &keys::messages(tenant, *conversation), None)
            .take(room)
        {
            found.push(Key::stored(&pair?.key));
        }
    }
    for group in &subject.groups {
        for pair in moment.under(Space::Messages, &keys::messages(tenant, *group), None) {
            let pair = pair?;
            if found.len() < limit && subject.wrote(&codec::row(&pair.value)?) {
                found.push(Key::stored(&pair.key));
            }
        }
    }
    Ok(found)
}

/// Removes messages with what leads to them.
fn remove_messages(txn: &mut Txn, tenant: TenantId, messages: Vec<Key>) -> Result<usize, StoreError> {
    let mut rows = 0;
    for key in messages {
        let Some(value) = txn.get(Space::Messages, &key)? else {
            continue;
        };
        let message: Message = codec::row(&value)?;
        for name in names_of(&message) {
            let seen = keys::row(Kind::Seen, tenant, name.as_bytes());
            if let Some(before) = txn.get(Space::Index, &seen)? {
                let kept = codec::json(codec::expires(&before)?, &Seen { at: None })?;
                txn.put(Space::Index, seen, kept);
            }
        }
        let entry = keys::expiring(codec::expires(&value)?, Expiring::Message, &key);
        txn.delete(Space::Expiry, entry);
        txn.delete(Space::Messages, key);
        rows += 1;
    }
    Ok(rows)
}

/// An unsettled message, by its number and id.
type Unsettled = (PhoneNumberId, MessageId);

/// Unsettled messages to the customer.
fn unsettled(engine: &Engine, tenant: TenantId, subject: &Subject) -> Result<Vec<Unsettled>, StoreError> {
    let mut found = Vec::new();
    for pair in Moment::of(engine).under(Space::Rows, &keys::row(Kind::Outbox, tenant, &[]), None) {
        let pair = pair?;
        let row: OutboxRow = codec::row(&pair.value)?;
        if subject.contacts.contains(&row.contact) {
            found.push((row.number, row.at.message));
        }
    }
    Ok(found)
}

/// What belongs to one of the customer's contacts, as the index names it.
type Belongs = (ContactId, Belonging, [u8; 16]);

/// Finds what belongs to the customer's contacts.
fn all_belongings(engine: &Engine, tenant: TenantId, subject: &Subject) -> Result<Vec<Belongs>, StoreError> {
    let moment = Moment::of(engine);
    let mut found = Vec::new();
    for contact in &subject.contacts {
        for what in Belonging::ALL {
            let references = belongings(&moment, tenant, *contact, what)?;
            found.extend(
                references
                    .into_iter()
                    .map(|reference| (*contact, what, reference)),
            );
        }
    }
    Ok(found)
}

/// Removes conversations, aliases and contacts, except for what finds the conversations again.
fn remove_small_rows(
    txn: &mut Txn,
    tenant: TenantId,
    found: &[Belongs],
    subject: &Subject,
) -> Result<usize, StoreError> {
    let mut rows = 0;
    for id in &subject.groups {
        let key = keys::row(Kind::Conversation, tenant, id.as_bytes());
        if let Some(mut row) = txn.row::<Conversation>(&key)?
            && subject.leave(&mut row)
        {
            txn.put(Space::Rows, key, codec::json(NEVER, &row)?);
            rows += 1;
        }
    }
    for id in &subject.conversations {
        let key = keys::row(Kind::Conversation, tenant, id.as_bytes());
        if let Some(row) = txn.row::<Conversation>(&key)? {
            let at = ConversationCursor::of(&row);
            txn.delete(Space::Rows, keys::listed(tenant, row.status, at));
            txn.delete(Space::Rows, key);
            rows += 1;
        }
    }
    for (contact, _, name) in found.iter().filter(|(_, what, _)| *what == Belonging::Alias) {
        let key = keys::row(Kind::Alias, tenant, name);
        let leads_here = codec::json(NEVER, contact)?;
        if txn.get(Space::Rows, &key)? == Some(leads_here) {
            txn.delete(Space::Rows, key);
            rows += 1;
        }
        txn.delete(
            Space::Rows,
            keys::belongs(tenant, *contact, Belonging::Alias, name),
        );
    }
    for id in &subject.contacts {
        let key = keys::row(Kind::Contact, tenant, id.as_bytes());
        if let Some(row) = txn.row::<Contact>(&key)? {
            terms::change(txn, tenant, Some(&row), None);
            txn.delete(Space::Rows, key);
            rows += 1;
        }
    }
    Ok(rows)
}

/// Removes what finds the customer's conversations and the contacts that led to it: the last step. Says nothing of anybody,
/// and so counts no rows. What leads to whoever came anew meanwhile stays.
fn remove_traces(txn: &mut Txn, tenant: TenantId, found: &[Belongs]) -> Result<usize, StoreError> {
    for (contact, what, reference) in found.iter().filter(|(_, what, _)| *what != Belonging::Alias) {
        let of = keys::row(Kind::Contact, tenant, contact.as_bytes());
        if txn.get(Space::Rows, &of)?.is_none() {
            txn.delete(Space::Rows, keys::belongs(tenant, *contact, *what, reference));
        }
    }
    Ok(0)
}

/// Removes small rows by their keys.
fn remove_unsettled(txn: &mut Txn, tenant: TenantId, some: Vec<Unsettled>) -> Result<usize, StoreError> {
    // Counts of broadcasts that are over, too, as long as they stand there.
    let beginning = Timestamp::from_millis(i64::MIN);
    let mut rows = TenantRows::new(tenant, beginning, beginning, txn);
    let mut removed = 0;
    for (number, message) in some {
        removed += usize::from(rows.outbox(&number, message)?.is_some());
        derive::forget_unsettled(&mut rows, &number, message)?;
    }
    Ok(removed)
}
