//! Writing one batch, whatever the store says.

use std::sync::Arc;
use std::time::Duration;

use super::CommitError;
use crate::crash::{self, CrashPoint};
use crate::domain::backoff::spread;
use crate::domain::{Backoff, Clock, Epoch, Event, Fence, Retention, Seq, TenantId};
use crate::store::{Append, Appended, Op, OpOutcome, Store, StoreError, StoreErrorKind};
use crate::telemetry::metrics;

/// A batch whose outcome is unknown is offered this often before its callers are told that it is.
pub(super) const TRIES: u32 = 4;
/// Pauses between two looks at where the log stands.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(100), Duration::from_secs(5));

/// Whether the writer can tell where its log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Where its last batch ended.
    Known,
    /// The outcome of its last batch is unknown.
    InDoubt,
}

/// Whether the log turned out to have something of which nobody was told that it is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrived {
    No,
    Yes,
}

/// Everything needed to write one batch.
pub(super) struct Batch {
    pub(super) tenant: TenantId,
    pub(super) fence: Fence,
    pub(super) epoch: Epoch,
    pub(super) head: Seq,
    pub(super) standing: Standing,
    pub(super) arrived: Arrived,
    pub(super) retention: Retention,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
}

/// What became of a batch: one result per op.
pub(super) struct Committed {
    pub(super) head: Seq,
    pub(super) standing: Standing,
    pub(super) arrived: Arrived,
    pub(super) results: Vec<Result<OpOutcome, CommitError>>,
    pub(super) events: Vec<Event>,
}

impl Batch {
    /// Writes the ops in order. One op that can never be written does not take the others with it.
    pub(super) async fn write(mut self, ops: Vec<Op>) -> Committed {
        let count = ops.len();
        metrics::ledger_batch_size().record(metrics::number(u64::try_from(count).unwrap_or(u64::MAX)));
        match self.append(ops.clone()).await {
            Ok(appended) => {
                let results = appended.outcomes.into_iter().map(Ok).collect();
                self.committed(results, appended.events)
            }
            Err(error)
                if count > 1 && matches!(error.kind, StoreErrorKind::Invalid | StoreErrorKind::Corrupt) =>
            {
                self.write_one_by_one(ops).await
            }
            Err(error) => {
                let results = (0..count).map(|_| Err(CommitError::Store(error.clone())));
                self.committed(results.collect(), Vec::new())
            }
        }
    }

    /// Finds out where the log stands after a batch whose outcome stayed unknown.
    pub(super) async fn end_doubt(mut self) -> Committed {
        let began = self.head;
        match self.look().await {
            Ok(()) => {
                let events = self.events_between(began, self.head).await;
                self.committed(Vec::new(), events)
            }
            Err(error) => self.committed(vec![Err(CommitError::Store(error))], Vec::new()),
        }
    }

    fn committed(&self, results: Vec<Result<OpOutcome, CommitError>>, events: Vec<Event>) -> Committed {
        Committed {
            head: self.head,
            standing: self.standing,
            arrived: self.arrived,
            results,
            events,
        }
    }

    async fn write_one_by_one(&mut self, ops: Vec<Op>) -> Committed {
        let (mut results, mut events) = (Vec::with_capacity(ops.len()), Vec::new());
        for op in ops {
            match self.append(vec![op]).await {
                Ok(appended) => {
                    results.extend(appended.outcomes.into_iter().map(Ok));
                    events.extend(appended.events);
                }
                Err(error) => results.push(Err(CommitError::Store(error))),
            }
        }
        self.committed(results, events)
    }

    /// Appends at the head; after an unknown outcome, looks where the log stands and offers the ops again.
    async fn append(&mut self, ops: Vec<Op>) -> Result<Appended, StoreError> {
        let began = self.head;
        if self.standing == Standing::InDoubt {
            self.look().await?;
        }
        let mut tries = 0;
        loop {
            // Once an outcome was unknown, no later failure says that nothing was written.
            let doubt = |error: StoreError| if tries == 0 { error } else { error.into_unknown() };
            let batch = Append {
                tenant: self.tenant,
                fence: self.fence,
                expect_head: self.head,
                now: self.clock.now(),
                retention: self.retention,
                ops: ops.clone(),
            };
            crash::point(CrashPoint::BeforeCommit);
            let began_at = self.clock.monotonic();
            let answer = self.store.append(batch).await;
            metrics::ledger_append_seconds().record(self.clock.monotonic().saturating_sub(began_at));
            match answer {
                Ok(mut appended) => {
                    crash::point(CrashPoint::AfterCommit);
                    let found = std::mem::replace(&mut self.head, appended.head);
                    if found > began {
                        let mut missed = self.events_between(began, found).await;
                        missed.append(&mut appended.events);
                        appended.events = missed;
                    }
                    return Ok(appended);
                }
                Err(error) if error.kind == StoreErrorKind::Unknown => {
                    self.standing = Standing::InDoubt;
                    if tries == TRIES {
                        return Err(error);
                    }
                    tries += 1;
                    metrics::ledger_reloads_total().increment(1);
                    tokio::time::sleep(self.pause(tries)).await;
                    self.look().await.map_err(StoreError::into_unknown)?;
                }
                Err(error) => return Err(doubt(error)),
            }
        }
    }

    /// How long to wait before another try: all ledgers of a process may be in doubt at once, and not come back together.
    pub(super) fn pause(&self, tries: u32) -> Duration {
        let seed = self.tenant.get() ^ self.epoch.get() ^ u64::from(tries);
        spread(BACKOFF.after(tries), fastrand::Rng::with_seed(seed).f64())
    }

    /// Looks where the log stands.
    async fn look(&mut self) -> Result<(), StoreError> {
        let reopened = self
            .store
            .open_tenant(self.tenant, self.fence, self.epoch)
            .await?;
        // Also where the head is the same: a broadcast's messages move none.
        if reopened.head > self.head || self.standing == Standing::InDoubt {
            self.arrived = Arrived::Yes;
        }
        self.head = reopened.head;
        self.standing = Standing::Known;
        Ok(())
    }

    /// Events of a batch that was written although its answer was lost. Where they cannot be read now, feeds read them
    /// later: what was committed since stays committed.
    async fn events_between(&self, after: Seq, last: Seq) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        let mut at = after;
        while at < last {
            let page = self.store.events_after(self.tenant, at, 500, self.clock.now());
            let page = match page.await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(tenant.id = %self.tenant, %error, "events of a doubtful batch cannot be read yet");
                    break;
                }
            };
            let Some(newest) = page.events.last() else { break };
            at = newest.seq;
            events.extend(page.events.into_iter().filter(|event| event.seq <= last));
        }
        events
    }
}
