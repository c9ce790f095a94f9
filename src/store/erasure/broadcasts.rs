//! What broadcasts that are still to be sent hold of a customer: what fills the template, and rows of files. Of those at their end nothing
//! is left but ids.

use super::Subject;
use crate::domain::{BroadcastId, TenantId, Timestamp};
use crate::store::plain::PlainTable;
use crate::store::tables::{Broadcast, BroadcastChunk, BroadcastUpload, Unsendable};
use crate::store::{Store, StoreError};

/// Broadcasts read at once.
const TOGETHER: usize = 64;

impl Subject {
    /// Takes the customer out of broadcasts.
    pub(super) async fn leave_broadcasts(
        &self,
        store: &dyn Store,
        tenant: TenantId,
    ) -> Result<usize, StoreError> {
        // Expired ones, too, as long as they stand there.
        let beginning = Timestamp::from_millis(i64::MIN);
        let table = PlainTable::<Broadcast>::of(store, beginning);
        let (mut rows, mut after) = (0, None);
        loop {
            let page = table.page(Broadcast::of(tenant), after, TOGETHER).await?;
            after = page.items.last().map(|found| found.sort.clone());
            for broadcast in page.items.into_iter().map(|found| found.row) {
                // A plan that was called off may have left some of it.
                if !broadcast.state.is_over() {
                    let planned = broadcast.plan.as_ref().map(|plan| plan.number);
                    // A row lasts from when it is written: none can be written as of the beginning.
                    let table = PlainTable::of(store, broadcast.changed_at);
                    for plan in planned.into_iter().chain([broadcast.plans]) {
                        rows += self
                            .leave_plan(table, (tenant, broadcast.broadcast_id), plan)
                            .await?;
                    }
                }
                if let Some(upload) = &broadcast.upload {
                    let table = PlainTable::of(store, upload.at);
                    rows += self
                        .leave_upload(table, (tenant, broadcast.broadcast_id), upload.upload)
                        .await?;
                }
            }
            if !page.more {
                return Ok(rows);
            }
        }
    }

    async fn leave_plan(
        &self,
        table: PlainTable<'_, BroadcastChunk>,
        (tenant, broadcast): (TenantId, BroadcastId),
        plan: u32,
    ) -> Result<usize, StoreError> {
        let mut rows = 0;
        for number in 0.. {
            let key = BroadcastChunk::at(tenant, broadcast, plan, number);
            let changed = table.change::<StoreError>(key, |before| {
                Ok(before.cloned().map(|mut chunk| {
                    for recipient in &mut chunk.recipients {
                        let is_theirs = recipient.contact.is_some_and(|id| self.contacts.contains(&id));
                        let is_named = recipient.phone.as_ref().is_some_and(|phone| self.has_name(phone));
                        if is_theirs || is_named {
                            recipient.values.clear();
                            recipient.phone = None;
                            recipient.suppressed = Some(Unsendable::ContactGone);
                        }
                    }
                    chunk
                }))
            });
            match changed.await? {
                (Some(before), Some(after)) => rows += usize::from(before != after),
                _ => break,
            }
        }
        Ok(rows)
    }

    async fn leave_upload(
        &self,
        table: PlainTable<'_, BroadcastUpload>,
        (tenant, broadcast): (TenantId, BroadcastId),
        upload: u64,
    ) -> Result<usize, StoreError> {
        let mut rows = 0;
        for number in 0.. {
            let key = BroadcastUpload::at(tenant, broadcast, upload, number);
            let changed = table.change::<StoreError>(key, |before| {
                Ok(before.cloned().map(|mut chunk| {
                    for row in &mut chunk.rows {
                        if row.phone.as_ref().is_some_and(|phone| self.has_name(phone)) {
                            row.cells.clear();
                            row.phone = None;
                            row.suppressed = Some(Unsendable::ContactGone);
                        }
                    }
                    chunk
                }))
            });
            match changed.await? {
                (Some(before), Some(after)) => rows += usize::from(before != after),
                _ => break,
            }
        }
        Ok(rows)
    }

    fn has_name(&self, name: &str) -> bool {
        self.names.contains(name.as_bytes())
    }
}
