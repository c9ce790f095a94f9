//! Recipients of a plan, written and read many in a row.

use super::Broadcasts;
use crate::crash::{self, CrashPoint};
use crate::domain::{BroadcastId, TenantId, Timestamp};
use crate::store::StoreError;
use crate::store::pieces::Pieces;
use crate::store::tables::{
    BROADCAST_KEPT, BroadcastChunk, CHUNK_BYTES, CHUNK_RECIPIENTS, PLAN_LASTS, PlannedRecipient,
};

/// A plan's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlanPlace {
    pub(super) tenant: TenantId,
    pub(super) broadcast: BroadcastId,
    pub(super) plan: u32,
}

/// Collects recipients until a row is full. Recipients are counted from 1.
#[derive(Debug)]
pub(super) struct ChunkWriter {
    place: PlanPlace,
    recipients: Vec<PlannedRecipient>,
    bytes: usize,
    first: u32,
    chunks: u32,
    expires: Timestamp,
}

impl ChunkWriter {
    pub(super) fn new(place: PlanPlace, now: Timestamp) -> Self {
        Self {
            place,
            recipients: Vec::new(),
            bytes: 0,
            first: 1,
            chunks: 0,
            expires: now.after(PLAN_LASTS).after(BROADCAST_KEPT),
        }
    }

    /// Adds one; gives a row that is full before it.
    pub(super) fn push(&mut self, recipient: PlannedRecipient) -> Option<(u32, BroadcastChunk)> {
        let bytes = serde_json::to_vec(&recipient).map_or(0, |json| json.len() + 1);
        let is_full = self.recipients.len() >= CHUNK_RECIPIENTS || self.bytes + bytes > CHUNK_BYTES;
        let full = if is_full { self.take() } else { None };
        self.bytes += bytes;
        self.recipients.push(recipient);
        full
    }

    /// What was collected, if anything.
    pub(super) fn take(&mut self) -> Option<(u32, BroadcastChunk)> {
        if self.recipients.is_empty() {
            return None;
        }
        let recipients = std::mem::take(&mut self.recipients);
        let (first, number) = (self.first, self.chunks);
        self.first = first.saturating_add(u32::try_from(recipients.len()).unwrap_or(u32::MAX));
        self.chunks += 1;
        self.bytes = 0;
        let chunk = BroadcastChunk {
            first,
            recipients,
            expires: self.expires,
        };
        Some((number, chunk))
    }

    /// Rows that were given.
    pub(super) const fn chunks(&self) -> u32 {
        self.chunks
    }

    pub(super) const fn place(&self) -> PlanPlace {
        self.place
    }
}

impl Broadcasts {
    /// Writes a row of a plan that nobody else writes.
    pub(super) async fn write_chunk(
        &self,
        place: PlanPlace,
        number: u32,
        chunk: &BroadcastChunk,
    ) -> Result<(), StoreError> {
        let key = BroadcastChunk::at(place.tenant, place.broadcast, place.plan, number);
        // One that stands there says the same: an answer was lost.
        self.table().replace(&key, None, Some(chunk)).await?;
        crash::point(CrashPoint::AfterBroadcastChunk);
        Ok(())
    }

    /// One row of a plan.
    pub(super) async fn chunk(
        &self,
        place: PlanPlace,
        number: u32,
    ) -> Result<Option<BroadcastChunk>, StoreError> {
        let key = BroadcastChunk::at(place.tenant, place.broadcast, place.plan, number);
        let found = self.table::<BroadcastChunk>().get(&key).await?;
        Ok(found.map(|found| found.row))
    }

    /// Takes out of a row what filled templates: it stands in the messages.
    pub(super) async fn forget_values(&self, place: PlanPlace, number: u32) -> Result<(), StoreError> {
        let chunk = self.chunk(place, number).await?;
        if !chunk.is_some_and(|chunk| chunk.has_values()) {
            return Ok(());
        }
        let key = BroadcastChunk::at(place.tenant, place.broadcast, place.plan, number);
        let forget = |before: Option<&BroadcastChunk>| {
            Ok::<_, StoreError>(before.cloned().map(|mut chunk| {
                chunk.forget_values();
                chunk
            }))
        };
        self.table().change(key, forget).await?;
        Ok(())
    }

    /// Removes what there is of a plan. Whoever wrote it says how many rows.
    pub(super) async fn remove_plan(&self, place: PlanPlace, written: u32) -> Result<(), StoreError> {
        let at = (self.store.as_ref(), self.clock.now());
        let chunks = Pieces::of_plan(at, (place.tenant, place.broadcast), place.plan);
        chunks.remove(written).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipient(text: &str) -> PlannedRecipient {
        PlannedRecipient {
            contact: None,
            phone: None,
            country: None,
            values: vec![text.into()],
            suppressed: None,
            line: None,
            zone: 0,
        }
    }

    fn written(recipients: impl Iterator<Item = PlannedRecipient>) -> Vec<(u32, BroadcastChunk)> {
        let place = PlanPlace {
            tenant: TenantId::new(1),
            broadcast: BroadcastId::from_bytes([1; 16]),
            plan: 1,
        };
        let mut writer = ChunkWriter::new(place, Timestamp::default());
        let mut chunks: Vec<_> = recipients.filter_map(|one| writer.push(one)).collect();
        chunks.extend(writer.take());
        assert_eq!(usize::try_from(writer.chunks()).unwrap(), chunks.len());
        chunks
    }

    #[test]
    fn rows_follow_each_other_without_a_gap_and_none_is_too_long() {
        for (count, text) in [(1_201, "x".to_owned()), (100, "x".repeat(1_000))] {
            let chunks = written((0..count).map(|_| recipient(&text)));
            let mut next = 1;
            for (place, (number, chunk)) in chunks.iter().enumerate() {
                assert_eq!(usize::try_from(*number).unwrap(), place);
                assert_eq!(chunk.first, next);
                assert!(chunk.recipients.len() <= CHUNK_RECIPIENTS);
                assert!(serde_json::to_vec(chunk).unwrap().len() < 64 << 10);
                next += u32::try_from(chunk.recipients.len()).unwrap();
            }
            assert_eq!(next, count + 1);
            assert!(chunks.len() > 1);
        }
        assert!(written(std::iter::empty()).is_empty());
    }
}
