//! The commit itself: one conditional write that carries the batch's rows, then the rows.

use std::collections::HashMap;

use super::ScyllaStore;
use super::cell::{Cell, Key};
use super::change::Redo;
use super::head::Next;
use super::ledger::{Evaluated, Held};
use super::ownership::{Owned, Ownership};
use super::write::Writing;
use super::written::{Writes, Written};
use crate::domain::{Seq, TenantId, Timestamp};
use crate::store::error::{StoreError, StoreErrorKind};

impl ScyllaStore {
    /// Commits what a batch wrote and puts the right to write back, unless it is lost or its state is not known any more.
    pub(super) async fn commit(
        &self,
        ownership: &Ownership,
        held: &mut Held<'_>,
        mut owned: Owned,
        step: Step,
    ) -> Result<(), StoreError> {
        let Step {
            head,
            now,
            written,
            read,
        } = step;
        let Written {
            writes: Writes { rows, changes },
            events_until,
        } = written;
        let tenant = owned.term.tenant;
        if changes.is_empty() && head == owned.head {
            // Nothing to write, but whoever lost the ledger must learn of it.
            match self.confirm(tenant, owned.fence).await {
                Ok(()) => {
                    self.row_cache.remember(owned.term, read);
                    **held = Some(owned);
                    return Ok(());
                }
                Err(error) => return Err(after_failure(ownership, held, owned, error)),
            }
        }
        let redo = Redo {
            stamp: self.stamp_after(owned.stamp),
            now,
            changes,
        };
        let encoded = match redo.encode() {
            Ok(encoded) => encoded,
            Err(error) => return Err(after_failure(ownership, held, owned, error)),
        };
        let next = Next {
            head,
            stamp: redo.stamp,
            events_until,
            redo: &encoded,
        };
        if let Err(error) = self.commit_head(tenant, owned.fence, owned.stamp, &next).await {
            return Err(after_failure(ownership, held, owned, error));
        }
        let writing = Writing {
            tenant,
            term: owned.term,
            stamp: redo.stamp,
            now,
        };
        if let Err(error) = self.write_rows(writing, &redo.changes).await {
            // Committed, and not to be read everywhere yet: the next call writes the rows again before anything else.
            ownership.give_up();
            return Err(error.into_unknown());
        }
        super::list::take_note(ownership, &redo.changes);
        self.row_cache.remember(owned.term, read);
        self.row_cache.remember(owned.term, rows);
        owned.head = head;
        owned.stamp = redo.stamp;
        owned.events_until = events_until;
        owned.last = now;
        ownership.commits(now);
        owned.holds_rows = true;
        ownership.show(head);
        **held = Some(owned);
        Ok(())
    }

    /// Commits changes that no op made, as the ledger's owner. Where there is no ledger there is nothing to change.
    pub(super) async fn commit_changes(&self, tenant: TenantId, writes: Writes) -> Result<(), StoreError> {
        if writes.changes.is_empty() {
            return Ok(());
        }
        let ownership = self.ownerships.of(tenant);
        let mut held = ownership.owned.lock().await;
        let Some(owned) = self.as_owner(&ownership, &mut held, tenant).await? else {
            return Ok(());
        };
        let step = Step::of(&owned, owned.last, writes);
        self.commit(&ownership, &mut held, owned, step).await
    }

    /// The right to write, if this process opened the ledger last; `None` where there is no ledger.
    pub(super) async fn as_owner(
        &self,
        ownership: &Ownership,
        held: &mut Held<'_>,
        tenant: TenantId,
    ) -> Result<Option<Owned>, StoreError> {
        match held.take() {
            Some(owned) => Ok(Some(owned)),
            None => match self.read_head(tenant).await? {
                // Whoever adopted another's fence would be a second owner.
                Some(head) if !ownership.is_own(head.fence) => Err(StoreError::fenced()),
                Some(head) => self
                    .take_over(ownership, held, tenant, head.fence, None)
                    .await
                    .map(Some),
                None => Ok(None),
            },
        }
    }

    /// Lets the commit record forget the last commit's rows, which are written: it must not keep a customer's words for
    /// as long as a tenant is idle.
    pub(super) async fn forget_last_commit(
        &self,
        tenant: TenantId,
        ownership: &Ownership,
    ) -> Result<bool, StoreError> {
        let mut held = ownership.owned.lock().await;
        let idle = match held.as_ref() {
            Some(owned) if owned.holds_rows => self.stamp_after(0).saturating_sub(owned.stamp),
            _ => return Ok(false),
        };
        if idle < IDLE_US {
            return Ok(false);
        }
        let Some(mut owned) = held.take() else {
            return Ok(false);
        };
        let next = Next {
            head: owned.head,
            stamp: self.stamp_after(owned.stamp),
            events_until: owned.events_until,
            redo: &[],
        };
        if let Err(error) = self.commit_head(tenant, owned.fence, owned.stamp, &next).await {
            return Err(after_failure(ownership, &mut held, owned, error));
        }
        owned.stamp = next.stamp;
        owned.holds_rows = false;
        *held = Some(owned);
        Ok(true)
    }
}

/// Goes on with the right to write, or puts it back when what was to come before the commit failed.
pub(super) fn or_put_back<T>(
    held: &mut Held<'_>,
    owned: Owned,
    done: Result<T, StoreError>,
) -> Result<(Owned, T), StoreError> {
    match done {
        Ok(value) => Ok((owned, value)),
        Err(error) => {
            **held = Some(owned);
            Err(error)
        }
    }
}

/// Keeps the right to write only if nothing can have changed.
fn after_failure(ownership: &Ownership, held: &mut Held<'_>, owned: Owned, error: StoreError) -> StoreError {
    match error.kind {
        StoreErrorKind::Unavailable
        | StoreErrorKind::Overloaded
        | StoreErrorKind::Full
        | StoreErrorKind::Invalid
        | StoreErrorKind::Corrupt => **held = Some(owned),
        StoreErrorKind::Unknown | StoreErrorKind::Fenced | StoreErrorKind::HeadMoved => ownership.give_up(),
    }
    error
}

/// A ledger is idle when its last commit is this old, in microseconds.
const IDLE_US: i64 = 30_000_000;

/// A batch about to be committed.
pub(super) struct Step {
    pub(super) head: Seq,
    pub(super) now: Timestamp,
    pub(super) written: Written,
    pub(super) read: HashMap<Key, Cell>,
}

impl Step {
    /// What an evaluation wrote, behind its result.
    pub(super) fn after<T>(evaluated: Evaluated<T>, head: Seq, now: Timestamp) -> (T, Self) {
        let Evaluated { value, written, read } = evaluated;
        let step = Self {
            head,
            now,
            written,
            read,
        };
        (value, step)
    }

    /// Changes that no op made.
    pub(super) fn of(owned: &Owned, now: Timestamp, writes: Writes) -> Self {
        Self {
            head: owned.head,
            now,
            written: Written {
                writes,
                events_until: owned.events_until,
            },
            read: HashMap::new(),
        }
    }
}
