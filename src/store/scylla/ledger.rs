//! Committing: one owner, one batch at a time, one conditional write, then the rows.
//!
//! The conditional write carries the batch's rows, so that they are durable with it; the rows are written where they are
//! read from before the call returns. Should the process die in between, whoever takes the ledger next writes them again,
//! under the same stamp.
//!
//! A call that is dropped half way leaves nobody noted as the owner; the next one looks at the cluster before it believes anything.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::MutexGuard;

use super::ScyllaStore;
use super::cell::{Cell, Key};
use super::change::Redo;
use super::commit::{Step, or_put_back};
use super::ownership::{Owned, Ownership};
use super::view::View;
use super::write::Writing;
use super::written::Written;
use crate::domain::{Epoch, Fence, Seq, TenantId, Timestamp};
use crate::store::error::StoreError;
use crate::store::row::{ClaimOutcome, ClaimWant};
use crate::store::{Append, Appended, TenantHead, derive};

/// A batch that misses rows this often asks for rows that depend on each other without end.
const LOOKS: usize = 64;

/// What an owner holds that is known and may write.
pub(super) type Held<'a> = MutexGuard<'a, Option<Owned>>;

/// What a batch wrote, and what it was evaluated on.
pub(super) struct Evaluated<T> {
    pub(super) value: T,
    pub(super) written: Written,
    pub(super) read: HashMap<Key, Cell>,
}

impl ScyllaStore {
    pub(super) async fn open_ledger(
        &self,
        tenant: TenantId,
        fence: Fence,
        fresh: Epoch,
    ) -> Result<TenantHead, StoreError> {
        let ownership = self.ownerships.of(tenant);
        let mut held = ownership.owned.lock().await;
        if held.as_ref().is_some_and(|owned| fence < owned.fence) {
            return Err(StoreError::fenced());
        }
        ownership.asks(fence);
        let owned = self
            .take_over(&ownership, &mut held, tenant, fence, Some(fresh))
            .await?;
        let at = TenantHead {
            epoch: owned.epoch,
            head: owned.head,
        };
        *held = Some(owned);
        Ok(at)
    }

    /// Takes the ledger, and writes the rows of its last commit once more.
    pub(super) async fn take_over(
        &self,
        ownership: &Ownership,
        held: &mut Held<'_>,
        tenant: TenantId,
        fence: Fence,
        fresh: Option<Epoch>,
    ) -> Result<Owned, StoreError> {
        **held = None;
        ownership.give_up();
        let head = self.take_head(tenant, fence, fresh).await?;
        let redo = Redo::decode(&head.redo)?;
        let holds_rows = redo.is_some();
        let term = self.ownerships.term(tenant);
        let last = redo.as_ref().map_or_else(|| self.clock.now(), |redo| redo.now);
        if let Some(redo) = redo {
            // As late as it is now: rows must not live longer for having been written twice.
            let late = self
                .clock
                .now()
                .as_millis()
                .saturating_sub(redo.stamp.div_euclid(1_000));
            let late = Duration::from_millis(u64::try_from(late).unwrap_or(0));
            let writing = Writing {
                tenant,
                term,
                stamp: redo.stamp,
                now: redo.now.after(late),
            };
            self.write_rows(writing, &redo.changes).await?;
        }
        let term = self.ownerships.term(tenant);
        ownership.begin(term);
        ownership.show(head.head);
        Ok(Owned {
            term,
            fence,
            epoch: head.epoch,
            head: head.head,
            stamp: head.stamp,
            events_until: head.events_until,
            last,
            holds_rows,
        })
    }

    /// The right to write, taken out: whoever takes it puts it back when all is well.
    pub(super) async fn admit(
        &self,
        ownership: &Ownership,
        held: &mut Held<'_>,
        tenant: TenantId,
        fence: Fence,
    ) -> Result<Owned, StoreError> {
        let Some(owned) = held.as_ref() else {
            self.confirm(tenant, fence).await?;
            return self.take_over(ownership, held, tenant, fence, None).await;
        };
        derive::admit(owned.fence, fence)?;
        held.take().ok_or_else(StoreError::not_opened)
    }

    pub(super) async fn append_batch(&self, batch: Append) -> Result<Appended, StoreError> {
        let append = |head: Seq, view: &mut View<'_>| {
            let appended = derive::append(&batch, head, view)?;
            Ok((appended.head, appended))
        };
        self.evaluate_and_commit(batch.tenant, batch.fence, batch.now, append)
            .await
    }

    pub(super) async fn grant_claims(
        &self,
        tenant: TenantId,
        fence: Fence,
        wants: Vec<ClaimWant>,
        now: Timestamp,
    ) -> Result<Vec<ClaimOutcome>, StoreError> {
        let claim = |head: Seq, view: &mut View<'_>| {
            let outcomes = derive::claims((tenant, fence), now, &wants, view)?;
            Ok((head, outcomes))
        };
        self.evaluate_and_commit(tenant, fence, now, claim).await
    }

    /// Commits what `run` writes for a ledger that stands at a head; it gives the new head beside its result.
    async fn evaluate_and_commit<T>(
        &self,
        tenant: TenantId,
        fence: Fence,
        now: Timestamp,
        run: impl Fn(Seq, &mut View<'_>) -> Result<(Seq, T), StoreError> + Send,
    ) -> Result<T, StoreError> {
        let ownership = self.ownerships.of(tenant);
        let mut held = ownership.owned.lock().await;
        let owned = self.admit(&ownership, &mut held, tenant, fence).await?;
        let before = owned.head;
        let evaluated = self.evaluate(&owned, now, move |view| run(before, view)).await;
        let (owned, evaluated) = or_put_back(&mut held, owned, evaluated)?;
        let (head, _) = evaluated.value;
        let ((_, value), step) = Step::after(evaluated, head, now);
        self.commit(&ownership, &mut held, owned, step).await?;
        Ok(value)
    }

    /// Evaluates a batch, fetching what it misses until it misses nothing.
    pub(super) async fn evaluate<T>(
        &self,
        owned: &Owned,
        now: Timestamp,
        run: impl Fn(&mut View<'_>) -> Result<T, StoreError> + Send,
    ) -> Result<Evaluated<T>, StoreError> {
        let Owned {
            term, events_until, ..
        } = *owned;
        let mut read: HashMap<Key, Cell> = HashMap::new();
        for _ in 0..LOOKS {
            let (missing, value, written) = {
                let mut view = View::new(term.tenant, now, events_until, &read);
                let value = run(&mut view);
                (view.take_missing(), value, view.finish())
            };
            if missing.is_empty() {
                return Ok(Evaluated {
                    value: value?,
                    written,
                    read,
                });
            }
            let mut unknown = Vec::new();
            for key in missing {
                if read.contains_key(&key) || unknown.contains(&key) {
                    continue;
                }
                match self.row_cache.recall(term, &key) {
                    Some(cell) => {
                        read.insert(key, cell);
                    }
                    None => unknown.push(key),
                }
            }
            read.extend(self.load(term.tenant, unknown).await?);
        }
        Err(StoreError::corrupt(
            "batch",
            "its rows depend on each other without end",
        ))
    }
}
