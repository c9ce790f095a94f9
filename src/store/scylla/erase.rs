//! Erasing one customer in small commits, so that others wait for none of them long.

use std::collections::HashMap;

use bytes::Bytes;

use super::ScyllaStore;
use super::cell::{Cell, Kept, Key, Row};
use super::change::{Change, EventRow, event, id};
use super::commit::{Step, or_put_back};
use super::events::EventColumns;
use super::keys;
use super::pages::Part;
use super::view::View;
use super::written::Writes;
use crate::domain::{ContactId, ConversationId, Event, Seq, TenantId, Timestamp};
use crate::store::derive;
use crate::store::erasure::{Belonging, Subject, names_of};
use crate::store::error::StoreError;
use crate::store::row::{MessageRef, Rows as _, Seen};

/// Rows changed in one commit.
const TOGETHER: usize = 100;
/// Events looked at in one step.
const LOOKED_AT: usize = 1_000;

impl ScyllaStore {
    /// Erases one customer. Can be repeated at any time, also after it was cut short.
    pub(super) async fn erase(
        &self,
        tenant: TenantId,
        contacts: Vec<ContactId>,
    ) -> Result<usize, StoreError> {
        if self.read_head(tenant).await?.is_none() {
            return Ok(0);
        }
        let found = self.subject(tenant, Subject::default(), contacts).await?;
        let mut rows = found.forget_aside(self, tenant).await?;
        let (blanked, told) = self.erase_events(tenant, &found, None).await?;
        rows += blanked + self.erase_rows(tenant, &found).await?;
        // What came in while the contacts were still there, also to a number that had none of it before. From here on nothing is
        // submitted to them any more.
        let contacts = found.contacts.iter().copied().collect();
        let before = found.clone();
        let found = self.subject(tenant, found, contacts).await?;
        rows += self.erase_rows(tenant, &found).await?;
        rows += self.erase_messages(tenant, &found).await?;
        // What was told in conversations that were not known of before was passed over.
        let from = (!found.has_more_than(&before)).then_some(told);
        rows += self.erase_events(tenant, &found, from).await?.0;
        rows += found.forget_plain(self, tenant).await?;
        self.erase_traces(tenant, &found).await?;
        Ok(rows)
    }

    /// Removes messages, and then conversations, aliases and contacts.
    async fn erase_rows(&self, tenant: TenantId, found: &Subject) -> Result<usize, StoreError> {
        // What a broadcast counts of a message is told by both.
        let mut rows = self.erase_unsettled(tenant, found).await?;
        rows += self.erase_messages(tenant, found).await?;
        rows += self.erase_small_rows(tenant, found).await?;
        for group in &found.groups {
            rows += self.leave_group(tenant, *group, found).await?;
        }
        Ok(rows)
    }

    async fn belongings(
        &self,
        tenant: TenantId,
        contact: ContactId,
    ) -> Result<Vec<(Belonging, [u8; 16])>, StoreError> {
        let values = (keys::tenant(tenant), contact.as_bytes());
        let rows: Vec<(i8, Bytes)> = self
            .link
            .rows(&self.book.rows.belongings, values, usize::MAX)
            .await?;
        rows.into_iter()
            .map(|(what, reference)| {
                let what = Belonging::of_code(what)
                    .ok_or_else(|| StoreError::corrupt("belonging", "of an unknown kind"))?;
                Ok((what, id(&reference)?))
            })
            .collect()
    }

    /// Everything by which a person is found: the contacts, where they lead, those that lead there, their conversations. Adds to
    /// what was found before.
    async fn subject(
        &self,
        tenant: TenantId,
        mut subject: Subject,
        mut todo: Vec<ContactId>,
    ) -> Result<Subject, StoreError> {
        while let Some(next) = todo.pop() {
            let row = self.load_contact(tenant, next).await?;
            todo.extend(subject.add_contact(next, row.as_ref()));
            for (what, reference) in self.belongings(tenant, next).await? {
                todo.extend(subject.add_belonging(what, reference));
            }
        }
        Ok(subject)
    }

    /// Erases events about the customer after a position, or all; how many, and up to where it looked.
    async fn erase_events(
        &self,
        tenant: TenantId,
        subject: &Subject,
        after: Option<Seq>,
    ) -> Result<(usize, Seq), StoreError> {
        let mut rows = 0;
        let Some(head) = self.read_head(tenant).await? else {
            return Ok((0, after.unwrap_or_default()));
        };
        // Expired ones, too, as long as they stand there.
        let beginning = Timestamp::from_millis(i64::MIN);
        let mut next = match after {
            Some(after) => after.next(),
            None => self.first_event(tenant, head.head, beginning).await?,
        };
        while next <= head.head {
            let before = Seq::new(next.get().saturating_sub(1));
            let values = (keys::tenant(tenant), keys::segment(next), keys::seq(before));
            let some: Vec<EventColumns> = self.link.rows(&self.book.rows.events, values, LOOKED_AT).await?;
            let mut blank = Vec::new();
            let mut last = None;
            for columns in some {
                let expires = Timestamp::from_millis(columns.4);
                let event = event(columns)?;
                last = Some(event.seq);
                if subject.concerns(&event) {
                    let erased = Event::erased(event.seq, event.at);
                    blank.push(Change::Event(Box::new(EventRow::new(&erased, expires)?)));
                }
            }
            rows += blank.len();
            while !blank.is_empty() {
                let rest = blank.split_off(blank.len().min(TOGETHER));
                self.commit_changes(tenant, blank.into()).await?;
                blank = rest;
            }
            next = match last {
                Some(last) => last.next(),
                // To the next partition.
                None => Seq::new((next.get() / keys::SEGMENT + 1) * keys::SEGMENT),
            };
        }
        Ok((rows, head.head))
    }

    async fn erase_messages(&self, tenant: TenantId, subject: &Subject) -> Result<usize, StoreError> {
        let mut rows = 0;
        for conversation in &subject.conversations {
            for part in self.parts(tenant, *conversation).await? {
                loop {
                    let some = self.kept(part, None, TOGETHER).await?;
                    if some.is_empty() {
                        break;
                    }
                    rows += some.len();
                    self.remove_messages(part, some).await?;
                }
            }
        }
        for group in &subject.groups {
            for part in self.parts(tenant, *group).await? {
                rows += self.erase_from(part, subject).await?;
            }
        }
        Ok(rows)
    }

    /// Removes what the customer wrote from a part of a group's conversation.
    async fn erase_from(&self, part: Part, subject: &Subject) -> Result<usize, StoreError> {
        let mut rows = 0;
        let mut before = None;
        loop {
            let mut some = self.kept(part, before, TOGETHER).await?;
            let Some(last) = some.last() else {
                return Ok(rows);
            };
            before = Some(last.row.id);
            some.retain(|kept| subject.wrote(&kept.row));
            rows += some.len();
            if !some.is_empty() {
                self.remove_messages(part, some).await?;
            }
        }
    }

    /// Removes messages with what leads to them.
    async fn remove_messages(&self, part: Part, messages: Vec<Kept>) -> Result<(), StoreError> {
        let names = messages.iter().flat_map(|kept| names_of(&kept.row));
        let names: Vec<Key> = names.map(Key::Seen).collect();
        let seen: HashMap<Key, Cell> = self.load(part.tenant, names).await?;
        let mut writes = Writes::default();
        for (key, cell) in seen {
            if let Some(Row::Seen(_, expires)) = cell {
                writes.put(key, Some(Row::Seen(Seen { at: None }, expires)));
            }
        }
        for kept in messages {
            writes.drop_message(MessageRef::of(&kept.row), part.class);
        }
        self.commit_changes(part.tenant, writes).await
    }

    async fn erase_unsettled(&self, tenant: TenantId, subject: &Subject) -> Result<usize, StoreError> {
        let mut found = 0;
        for (number, slot) in self.slots(tenant).await? {
            let mut doomed = self.slot(tenant, &number, slot, None, usize::MAX).await?;
            doomed.retain(|row| subject.contacts.contains(&row.contact));
            found += doomed.len();
            for some in doomed.chunks(TOGETHER) {
                let forget = |view: &mut View<'_>| {
                    let mut messages = some.iter().map(|row| row.at.message);
                    messages.try_for_each(|message| derive::forget_unsettled(view, &number, message))
                };
                self.commit_as_it_stands(tenant, forget).await?;
            }
        }
        Ok(found)
    }

    /// Removes conversations, aliases and contacts, except for what finds the conversations again.
    async fn erase_small_rows(&self, tenant: TenantId, subject: &Subject) -> Result<usize, StoreError> {
        let mut writes = Writes::default();
        for conversation in &subject.conversations {
            if self.load_conversation(tenant, *conversation).await?.is_some() {
                writes.put(Key::Conversation(*conversation), None);
            }
        }
        for contact in &subject.contacts {
            for (what, key) in self.belongings(tenant, *contact).await? {
                if what == Belonging::Alias && self.load_alias(tenant, &key).await? == Some(*contact) {
                    writes.put(Key::Alias(key), None);
                }
            }
        }
        let count = writes.rows.len();
        self.commit_changes(tenant, writes).await?;
        let contacts: Vec<ContactId> = subject.contacts.iter().copied().collect();
        let remove = |view: &mut View<'_>| {
            for id in &contacts {
                view.drop_contact(*id);
            }
            Ok(())
        };
        Ok(count + self.commit_as_it_stands(tenant, remove).await?)
    }

    /// Takes what a group's conversation shows of the customer out of it, as it stands in that moment: others write in it
    /// meanwhile. Returns how many rows changed.
    async fn leave_group(
        &self,
        tenant: TenantId,
        group: ConversationId,
        subject: &Subject,
    ) -> Result<usize, StoreError> {
        let leave = |view: &mut View<'_>| {
            let row = view.conversation(group)?;
            match row.map(|mut row| (subject.leave(&mut row), row)) {
                Some((true, row)) => view.put_conversation(&row),
                _ => Ok(()),
            }
        };
        self.commit_as_it_stands(tenant, leave).await
    }

    /// Commits what a change makes of rows as they stand in that moment. How many rows changed.
    async fn commit_as_it_stands(
        &self,
        tenant: TenantId,
        change: impl Fn(&mut View<'_>) -> Result<(), StoreError> + Send,
    ) -> Result<usize, StoreError> {
        let ownership = self.ownerships.of(tenant);
        let mut held = ownership.owned.lock().await;
        let Some(owned) = self.as_owner(&ownership, &mut held, tenant).await? else {
            return Ok(0);
        };
        let (head, now) = (owned.head, owned.last);
        let changed = self.evaluate(&owned, now, change).await;
        let (owned, changed) = or_put_back(&mut held, owned, changed)?;
        let count = changed.written.writes.rows.len();
        if count == 0 {
            *held = Some(owned);
            return Ok(0);
        }
        let ((), step) = Step::after(changed, head, now);
        self.commit(&ownership, &mut held, owned, step).await?;
        Ok(count)
    }

    /// Removes what finds the customer's conversations and the contacts that led to it: the last step. What leads to whoever came
    /// anew meanwhile stays.
    async fn erase_traces(&self, tenant: TenantId, subject: &Subject) -> Result<(), StoreError> {
        let mut changes: Vec<Change> = Vec::new();
        for conversation in &subject.conversations {
            if self.load_conversation(tenant, *conversation).await?.is_none()
                && !self.buckets(tenant, *conversation).await?.is_empty()
            {
                changes.push(Change::DropBuckets(*conversation));
            }
        }
        for contact in &subject.contacts {
            if self.load_contact(tenant, *contact).await?.is_none()
                && !self.belongings(tenant, *contact).await?.is_empty()
            {
                changes.push(Change::DropBelongings(*contact));
            }
        }
        self.commit_changes(tenant, changes.into()).await
    }
}
