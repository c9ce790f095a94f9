//! What is left to do about expired rows: the cluster drops them by itself, but some rows only remember them.

use std::collections::HashMap;

use super::ScyllaStore;
use super::cell::{Key, Listed, Row};
use super::commit::{Step, or_put_back};
use super::keys;
use super::ownership::Ownership;
use super::row_cache::Note;
use super::view::View;
use super::written::Writes;
use crate::domain::{ConversationId, TenantId, Timestamp};
use crate::store::error::StoreError;
use crate::store::row::Rows as _;
use crate::store::{MessageRef, Swept};

/// Conversations changed in one commit.
const TOGETHER: usize = 100;

impl ScyllaStore {
    /// Removes what remembers expired rows, of tenants that are owned here.
    pub(super) async fn sweep_owned(&self, now: Timestamp, limit: usize) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let mut failed = None;
        for (tenant, ownership) in self.ownerships.all() {
            if ownership.shown_head().is_none() {
                continue;
            }
            let room = limit.saturating_sub(swept.rows);
            if room == 0 {
                swept.more = true;
                break;
            }
            // One tenant's failure is not the others'.
            match self.sweep_one(tenant, &ownership, now, room).await {
                Ok(rows) => swept.rows += rows,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        swept.more |= swept.rows >= limit;
        failed.map_or(Ok(swept), Err)
    }

    async fn sweep_one(
        &self,
        tenant: TenantId,
        ownership: &Ownership,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let rows = self.forget_previews(tenant, ownership, now, limit).await?;
        if !ownership.has_terms() {
            let looked = self.make_terms(tenant, limit).await?;
            if looked < limit {
                ownership.note_terms();
            }
        }
        self.forget_last_commit(tenant, ownership).await?;
        self.forget_slots(tenant, ownership, now).await?;
        Ok(rows)
    }

    /// Forgets the beginnings of messages that are over.
    async fn forget_previews(
        &self,
        tenant: TenantId,
        ownership: &Ownership,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let stale = self.stale_previews(tenant, ownership, now, limit).await?;
        let mut rows = 0;
        for some in stale.chunks(TOGETHER) {
            rows += self.forget_some_previews(ownership, now, some).await?;
        }
        Ok(rows)
    }

    async fn forget_some_previews(
        &self,
        ownership: &Ownership,
        now: Timestamp,
        some: &[ConversationId],
    ) -> Result<usize, StoreError> {
        let mut held = ownership.owned.lock().await;
        let Some(owned) = held.take() else { return Ok(0) };
        let clear = |view: &mut View<'_>| {
            for id in some {
                let last = view.conversation(*id)?.and_then(|row| MessageRef::shown_by(&row));
                if let Some(at) = last {
                    view.message(at)?;
                }
            }
            Ok(())
        };
        let evaluated = self.evaluate(&owned, now, clear).await;
        let (mut owned, evaluated) = or_put_back(&mut held, owned, evaluated)?;
        let read = evaluated.read;
        let mut writes = Writes::default();
        // A status may have given the message a later end than it had when the conversation was written.
        let ends: HashMap<MessageRef, Timestamp> = read
            .iter()
            .filter_map(|(key, cell)| match (key, cell) {
                (Key::Message(at), Some(Row::Message(kept))) => Some((*at, kept.expires)),
                _ => None,
            })
            .collect();
        for cell in read.into_values() {
            let Some(Row::Conversation(listed)) = cell else {
                continue;
            };
            let end = MessageRef::shown_by(&listed.row).and_then(|at| ends.get(&at).copied());
            let lives_until = end.filter(|until| now < *until);
            // It may have got a newer message since.
            if listed.preview_until.is_some_and(|until| now < until) {
                continue;
            }
            let mut row = listed.row;
            let mut preview_until = lives_until;
            if lives_until.is_none() {
                let found = self.newest_that(owned.term.tenant, row.id, now, |_| true).await;
                let (still, newest) = or_put_back(&mut held, owned, found)?;
                owned = still;
                row.fall_back_to(newest.as_ref().map(|kept| &kept.row));
                preview_until = newest.map(|kept| kept.expires);
            }
            writes.put_conversation(Listed { row, preview_until });
        }
        let count = writes.rows.len();
        if count == 0 {
            *held = Some(owned);
            return Ok(0);
        }
        let step = Step::of(&owned, now, writes);
        self.commit(ownership, &mut held, owned, step).await?;
        Ok(count)
    }

    /// Forgets the ten minutes of which no message is unsettled any more.
    async fn forget_slots(
        &self,
        tenant: TenantId,
        ownership: &Ownership,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let of = keys::tenant(tenant);
        let slots = self.slots(tenant).await?;
        let current = keys::slot_at(now);
        for (number, slot) in slots.into_iter().filter(|(_, slot)| slot + 1 < current) {
            if !self.slot(tenant, &number, slot, None, 1).await?.is_empty() {
                continue;
            }
            let held = ownership.owned.lock().await;
            let Some(owned) = held.as_ref() else { return Ok(()) };
            // Nobody writes now: look again.
            if self.slot(tenant, &number, slot, None, 1).await?.is_empty() {
                self.row_cache.forget(
                    |note| matches!(note, Note::Slot(t, n, s) if t.tenant == tenant && *n == number && *s == slot),
                );
                let values = (owned.stamp, of, number.as_str(), slot);
                self.link.write(&self.book.rows.drop_slot, values).await?;
            }
        }
        Ok(())
    }
}
