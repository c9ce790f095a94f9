//! Erasing one customer, in memory.

use super::MemoryStore;
use super::ledger::Ledger;
use super::rows::Overlay;
use super::state::State;
use crate::domain::{ContactId, Event, MessageId, PhoneNumberId, TenantId, TermKey, Timestamp};
use crate::store::erasure::{Belonging, Subject, names_of};
use crate::store::error::StoreError;
use crate::store::row::Seen;
use crate::store::{Swept, derive};

impl MemoryStore {
    pub(super) async fn erase(
        &self,
        tenant: TenantId,
        contacts: Vec<ContactId>,
    ) -> Result<Swept, StoreError> {
        let ledger = |state: &State| Some(state.ledgers.get(&tenant)?.subject(contacts.clone()));
        let Some(subject) = ledger(&self.state()) else {
            return Ok(Swept::default());
        };
        let mut aside = subject.forget_aside(self, tenant).await?;
        aside += subject.forget_plain(self, tenant).await?;
        let mut state = self.state();
        let ledger = state.ledgers.get_mut(&tenant);
        let mut swept = match ledger {
            Some(ledger) => ledger.erase(tenant, contacts)?,
            None => Swept::default(),
        };
        swept.rows += aside;
        Ok(swept)
    }
}

impl Ledger {
    /// Removes contacts and all that leads to them.
    fn erase(&mut self, tenant: TenantId, contacts: Vec<ContactId>) -> Result<Swept, StoreError> {
        let subject = self.subject(contacts);
        let tables = &mut self.tables;
        let mut rows = 0;
        let unsettled = tables.outbox.values();
        let unsettled: Vec<(PhoneNumberId, MessageId)> = unsettled
            .filter(|row| subject.contacts.contains(&row.contact))
            .map(|row| (row.number.clone(), row.at.message))
            .collect();
        rows += unsettled.len();
        // Counts of broadcasts that are over, too, as long as they stand there.
        let beginning = Timestamp::from_millis(i64::MIN);
        let mut overlay = Overlay::new(tenant, beginning, tables);
        for (number, message) in unsettled {
            derive::forget_unsettled(&mut overlay, &number, message)?;
        }
        let changes = overlay.finish();
        tables.take(changes);
        let doomed = tables.messages.extract_if(.., |_, timed| {
            subject.conversations.contains(&timed.row.conversation_id) || subject.wrote(&timed.row)
        });
        for (_, timed) in doomed {
            rows += 1;
            for name in names_of(&timed.row) {
                if let Some(seen) = tables.seen.get_mut(&name) {
                    seen.row = Seen { at: None };
                }
            }
        }
        rows += tables
            .conversations
            .extract_if(.., |id, _| subject.conversations.contains(id))
            .count();
        for group in &subject.groups {
            let left = tables
                .conversations
                .get_mut(group)
                .is_some_and(|row| subject.leave(row));
            rows += usize::from(left);
        }
        rows += tables
            .aliases
            .extract_if(.., |_, id| subject.contacts.contains(id))
            .count();
        for id in &subject.contacts {
            tables.change_terms(TermKey::of(tenant), *id, None);
        }
        rows += tables
            .contacts
            .extract_if(.., |id, _| subject.contacts.contains(id))
            .count();
        for timed in tables.events.values_mut() {
            if subject.concerns(&timed.row) {
                rows += 1;
                timed.row = Event::erased(timed.row.seq, timed.row.at);
            }
        }
        Ok(Swept { rows, more: false })
    }

    fn subject(&self, mut todo: Vec<ContactId>) -> Subject {
        let mut subject = Subject::default();
        let contacts = &self.tables.contacts;
        while let Some(id) = todo.pop() {
            todo.extend(subject.add_contact(id, contacts.get(&id)));
            let leading = contacts.values().filter(|row| row.linked_to == Some(id));
            todo.extend(leading.filter_map(|row| subject.add_belonging(Belonging::Link, *row.id.as_bytes())));
        }
        subject.conversations = self
            .tables
            .conversations
            .values()
            .filter(|row| subject.contacts.contains(&row.contact_id))
            .map(|row| row.id)
            .collect();
        subject.groups = self
            .tables
            .messages
            .values()
            .filter(|timed| subject.wrote(&timed.row))
            .map(|timed| timed.row.conversation_id)
            .collect();
        subject
    }
}
