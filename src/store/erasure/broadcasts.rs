//! What broadcasts that are still to be sent hold of a customer: what fills the template, and rows of files. Of those at their end nothing
//! is left but ids.

use super::Subject;
use crate::domain::{TenantId, Timestamp};
use crate::store::pieces::Pieces;
use crate::store::plain::PlainTable;
use crate::store::tables::{Broadcast, BroadcastChunk, BroadcastUpload};
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
                rows += self.leave_broadcast(store, tenant, &broadcast).await?;
            }
            if !page.more {
                return Ok(rows);
            }
        }
    }

    async fn leave_broadcast(
        &self,
        store: &dyn Store,
        tenant: TenantId,
        broadcast: &Broadcast,
    ) -> Result<usize, StoreError> {
        let of = (tenant, broadcast.broadcast_id);
        // A row lasts from when it is written: none can be written as of the beginning.
        let at = broadcast.changed_at;
        let mut rows = 0;
        if !broadcast.state.is_over() {
            // Plans that were called off, or cut off, may have left some of it.
            for plan in broadcast.plans_left() {
                let chunks = Pieces::of_plan((store, at), of, plan);
                rows += chunks.change(|chunk| self.leave_chunk(chunk)).await?;
            }
        }
        for upload in broadcast.uploads() {
            let named = broadcast.upload.as_ref().filter(|named| named.upload == upload);
            let at = named.map_or(broadcast.created_at, |named| named.at);
            let uploaded = Pieces::of_upload((store, at), of, upload);
            rows += uploaded.change(|rows| self.leave_upload(rows)).await?;
        }
        Ok(rows)
    }

    fn leave_chunk(&self, chunk: &mut BroadcastChunk) {
        chunk.forget(|recipient| {
            let is_theirs = recipient.contact.is_some_and(|id| self.contacts.contains(&id));
            is_theirs || recipient.phone.as_ref().is_some_and(|phone| self.has_name(phone))
        });
    }

    fn leave_upload(&self, rows: &mut BroadcastUpload) {
        rows.forget(|row| row.phone.as_ref().is_some_and(|phone| self.has_name(phone)));
    }

    fn has_name(&self, name: &str) -> bool {
        self.names.contains(name.as_bytes())
    }
}
