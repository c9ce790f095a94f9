//! The one row of a tenant that is written conditionally: who owns the ledger, where it stands, what its last commit wrote.
//!
//! A commit is one conditional write of this row. Its number, the stamp, is larger than any before and named by one owner
//! alone. So the same write can be offered again without harm: either it is carried out now, or the row already shows the
//! stamp. That settles every write whose answer was lost.

use std::time::Duration;

use bytes::Bytes;

use super::ScyllaStore;
use super::keys;
use crate::domain::{Backoff, Epoch, Fence, Seq, TenantId, Timestamp};
use crate::store::derive;
use crate::store::error::{StoreError, StoreErrorKind};

/// How often a conditional write is offered before its outcome is given up as unknown.
const TRIES: u32 = 5;
/// Between two tries.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(60), Duration::from_millis(240));

/// A tenant's row.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) epoch: Epoch,
    pub(super) fence: Fence,
    pub(super) head: Seq,
    pub(super) stamp: i64,
    pub(super) events_until: Timestamp,
    pub(super) redo: Bytes,
}

/// What a commit makes of the row.
#[derive(Debug)]
pub(super) struct Next<'a> {
    pub(super) head: Seq,
    pub(super) stamp: i64,
    pub(super) events_until: Timestamp,
    pub(super) redo: &'a [u8],
}

/// Why a commit is not carried out where this stands.
fn refusal(found: Option<&Head>, fence: Fence) -> StoreError {
    match found {
        Some(found) if found.fence > fence => StoreError::fenced(),
        Some(_) => StoreError::head_moved(),
        None => StoreError::not_opened(),
    }
}

/// Whether nothing can be said of a write yet.
fn in_doubt(error: &StoreError) -> bool {
    error.kind == StoreErrorKind::Unknown
}

impl ScyllaStore {
    /// The stamp after another: by the clock, and never going back. Its last digits are left to chance, so that whoever
    /// sees a stamp that it chose can tell that it wrote it.
    pub(super) fn stamp_after(&self, last: i64) -> i64 {
        let now = self.clock.now().as_millis().saturating_mul(1_000);
        now.max(last.saturating_add(1))
            .saturating_add(self.link.jitter.three_digits())
    }

    /// Waits before another try.
    pub(super) async fn pause(&self, tries: u32) {
        tokio::time::sleep(self.link.jitter.spread(BACKOFF.after(tries))).await;
    }

    /// Reads the row, finishing writes that are under way.
    pub(super) async fn read_head(&self, tenant: TenantId) -> Result<Option<Head>, StoreError> {
        let row: Option<(i64, i64, i64, i64, i64, Bytes)> = self
            .link
            .row(&self.book.rows.read_ledger, (keys::tenant(tenant),))
            .await?;
        Ok(row.map(|(epoch, fence, head, stamp, events_until, redo)| Head {
            epoch: Epoch::new(epoch.cast_unsigned()),
            fence: Fence::new(fence.cast_unsigned()),
            head: keys::seq_of(head),
            stamp,
            events_until: Timestamp::from_millis(events_until),
            redo,
        }))
    }

    /// Makes `fence` the owner and gives the row as it stands then. `fresh` begins a ledger where there is none.
    pub(super) async fn take_head(
        &self,
        tenant: TenantId,
        fence: Fence,
        fresh: Option<Epoch>,
    ) -> Result<Head, StoreError> {
        let mut last = None;
        for tries in 0..TRIES {
            if tries > 0 {
                self.pause(tries).await;
            }
            let found = match self.read_head(tenant).await {
                Ok(found) => found,
                // Reading again does no harm, and a connection that broke comes back.
                Err(error) if error.is_retryable() => {
                    last = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let (head, taken) = match (found, fresh) {
                (None, None) => return Err(StoreError::not_opened()),
                (None, Some(epoch)) => self.begin(tenant, fence, epoch).await,
                (Some(head), _) if fence < head.fence => return Err(StoreError::fenced()),
                (Some(head), _) => self.take(tenant, fence, head).await,
            };
            match taken {
                Ok(true) => return Ok(head),
                // Somebody was faster, or an older write was finished meanwhile: look again.
                Ok(false) => {}
                // The next look shows whether it was carried out; taking it twice does no harm.
                Err(error) if in_doubt(&error) => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| {
            StoreError::new(StoreErrorKind::Unavailable, "others write to the same ledger")
        }))
    }

    async fn begin(&self, tenant: TenantId, fence: Fence, epoch: Epoch) -> (Head, Result<bool, StoreError>) {
        let head = Head {
            epoch,
            fence,
            head: Seq::default(),
            stamp: self.stamp_after(0),
            events_until: Timestamp::default(),
            redo: Bytes::new(),
        };
        let values = (
            keys::tenant(tenant),
            epoch.get().cast_signed(),
            fence.get().cast_signed(),
            0_i64,
            head.stamp,
            0_i64,
            &head.redo,
        );
        let begun = self.link.write_if(&self.book.rows.begin_ledger, values).await;
        (head, begun)
    }

    async fn take(&self, tenant: TenantId, fence: Fence, before: Head) -> (Head, Result<bool, StoreError>) {
        let head = Head {
            fence,
            stamp: self.stamp_after(before.stamp),
            ..before
        };
        let values = (
            fence.get().cast_signed(),
            head.stamp,
            keys::tenant(tenant),
            before.fence.get().cast_signed(),
            before.stamp,
        );
        let taken = self.link.write_if(&self.book.rows.take_ledger, values).await;
        (head, taken)
    }

    /// Commits: makes the row what `next` says if it still is what `fence` and `stamp` say.
    ///
    /// `Unknown` only after several tries; `Fenced` and `HeadMoved` only when nothing of it was written.
    pub(super) async fn commit_head(
        &self,
        tenant: TenantId,
        fence: Fence,
        stamp: i64,
        next: &Next<'_>,
    ) -> Result<(), StoreError> {
        let mut doubt = None;
        for tries in 0..TRIES {
            if tries > 0 {
                self.pause(tries).await;
            }
            let values = (
                keys::seq(next.head),
                next.stamp,
                next.events_until.as_millis(),
                next.redo,
                keys::tenant(tenant),
                fence.get().cast_signed(),
                stamp,
            );
            match self.link.write_if(&self.book.rows.commit, values).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if in_doubt(&error) => doubt = Some(error),
                // Nothing of this try was written, but perhaps of one before it.
                Err(error) if doubt.is_some() && error.is_retryable() => {}
                Err(error) => {
                    return Err(if doubt.is_some() {
                        error.into_unknown()
                    } else {
                        error
                    });
                }
            }
            match self.read_head(tenant).await {
                Ok(Some(found)) if found.fence == fence && found.stamp == next.stamp => return Ok(()),
                // It stands where it stood: not carried out yet. Offering it again bars an older try, too.
                Ok(Some(found)) if found.fence == fence && found.stamp == stamp => {}
                Ok(found) => {
                    let error = refusal(found.as_ref(), fence);
                    // Stamps grow: what stands below this one was not written after it.
                    let after = found.is_none_or(|found| found.stamp >= next.stamp);
                    return Err(if doubt.is_some() && after {
                        error.into_unknown()
                    } else {
                        error
                    });
                }
                Err(error) => doubt = Some(doubt.unwrap_or(error)),
            }
        }
        Err(doubt
            .unwrap_or_else(|| {
                StoreError::new(StoreErrorKind::Unavailable, "others write to the same ledger")
            })
            .into_unknown())
    }

    /// Refuses whoever is not the owner any more.
    pub(super) async fn confirm(&self, tenant: TenantId, fence: Fence) -> Result<(), StoreError> {
        let head = self.read_head(tenant).await?.ok_or_else(StoreError::not_opened)?;
        derive::admit(head.fence, fence)
    }
}
