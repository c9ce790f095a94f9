//! Rows of a plan, or of a file of recipients: so many that they stand in several partitions, one after the other.
//!
//! They are removed from the last partition on, so that whatever cuts that short leaves the first, by which the others are found. Where
//! single rows are missing between them makes no difference.

use std::marker::PhantomData;

use super::Store;
use super::error::StoreError;
use super::plain::{Found, Partition, PlainRow, PlainTable};
use super::tables::{BroadcastChunk, BroadcastUpload, PIECES_TOGETHER};
use crate::domain::{BroadcastId, TenantId, Timestamp};

/// Rows read at once: each has some KiB.
const READ: usize = 16;

/// Those of one plan, or of one file, as they stand at a time.
pub struct Pieces<'a, R> {
    store: &'a dyn Store,
    now: Timestamp,
    part: Box<dyn Fn(u32) -> Partition + Send + Sync>,
    rows: PhantomData<fn() -> R>,
}

impl<'a> Pieces<'a, BroadcastChunk> {
    /// Recipients of a plan.
    pub fn of_plan(
        (store, now): (&'a dyn Store, Timestamp),
        (tenant, broadcast): (TenantId, BroadcastId),
        plan: u32,
    ) -> Self {
        Self {
            store,
            now,
            part: Box::new(move |part| BroadcastChunk::part(tenant, broadcast, plan, part)),
            rows: PhantomData,
        }
    }
}

impl<'a> Pieces<'a, BroadcastUpload> {
    /// Rows of a file.
    pub fn of_upload(
        (store, now): (&'a dyn Store, Timestamp),
        (tenant, broadcast): (TenantId, BroadcastId),
        upload: u64,
    ) -> Self {
        Self {
            store,
            now,
            part: Box::new(move |part| BroadcastUpload::part(tenant, broadcast, upload, part)),
            rows: PhantomData,
        }
    }
}

impl<R: PlainRow + Clone + PartialEq> Pieces<'_, R> {
    fn part(&self, number: u32) -> Partition {
        (self.part)(number)
    }

    fn table(&self) -> PlainTable<'_, R> {
        PlainTable::of(self.store, self.now)
    }

    /// Changes each row that this makes another; how many these were.
    pub async fn change(&self, change: impl Fn(&mut R)) -> Result<usize, StoreError> {
        let mut changed = 0;
        for number in 0.. {
            let (mut after, mut is_empty) = (None, true);
            loop {
                let page = self.table().page(self.part(number), after, READ).await?;
                after = page.items.last().map(|found| found.sort.clone());
                for found in page.items {
                    is_empty = false;
                    changed += usize::from(self.change_one(number, found, &change).await?);
                }
                if !page.more {
                    break;
                }
            }
            if is_empty {
                break;
            }
        }
        Ok(changed)
    }

    async fn change_one(
        &self,
        part: u32,
        found: Found<R>,
        change: impl Fn(&mut R),
    ) -> Result<bool, StoreError> {
        let mut row = found.row.clone();
        change(&mut row);
        if row == found.row {
            return Ok(false);
        }
        let key = self.part(part).row(&found.sort);
        if !self.table().replace(&key, Some(&found), Some(&row)).await? {
            let again = |before: Option<&R>| {
                let mut row = before.cloned();
                row.iter_mut().for_each(&change);
                Ok::<_, StoreError>(row)
            };
            self.table().change(key, again).await?;
        }
        Ok(true)
    }

    /// Removes all: as far as there are some one partition after the other, and those that whoever wrote them knows of.
    pub async fn remove(&self, written: u32) -> Result<(), StoreError> {
        let mut parts = 0;
        while !self.page(parts, 1).await?.is_empty() {
            parts += 1;
        }
        for part in (0..parts.max(written.div_ceil(PIECES_TOGETHER))).rev() {
            loop {
                let some = self.page(part, READ).await?;
                if some.is_empty() {
                    break;
                }
                for (sort, body) in some {
                    let key = self.part(part).row(&sort);
                    // Whoever changes one meanwhile has it read again.
                    self.store
                        .replace_plain_row(key, Some(body), None, self.now)
                        .await?;
                }
            }
        }
        Ok(())
    }

    /// The first rows of a partition as they stand there, whatever they say.
    async fn page(&self, part: u32, limit: usize) -> Result<Vec<(bytes::Bytes, bytes::Bytes)>, StoreError> {
        let page = self
            .store
            .plain_rows(self.part(part), None, limit, self.now)
            .await?;
        let rows = page.items.into_iter();
        Ok(rows.map(|(sort, value)| (sort, value.body)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;
    use crate::store::tables::PlannedRecipient;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const OF: (TenantId, BroadcastId) = (TenantId::new(1), BroadcastId::from_bytes([1; 16]));

    async fn with_chunks(store: &MemoryStore, numbers: impl Iterator<Item = u32>) {
        for number in numbers {
            let chunk = BroadcastChunk {
                first: 1,
                recipients: vec![PlannedRecipient {
                    contact: None,
                    phone: None,
                    country: None,
                    values: vec!["Ana".into()],
                    suppressed: None,
                    line: None,
                    zone: 0,
                }],
                expires: NOW.after(std::time::Duration::from_secs(60)),
            };
            let key = BroadcastChunk::at(OF.0, OF.1, 3, number);
            let written = PlainTable::of(store, NOW).replace(&key, None, Some(&chunk)).await;
            assert!(written.unwrap());
        }
    }

    async fn left(store: &MemoryStore) -> Vec<u32> {
        let mut left = Vec::new();
        for number in 0..300 {
            let key = BroadcastChunk::at(OF.0, OF.1, 3, number);
            let table = PlainTable::<BroadcastChunk>::of(store, NOW);
            if table
                .get(&key)
                .await
                .unwrap()
                .is_some_and(|found| found.row.has_values())
            {
                left.push(number);
            }
        }
        left
    }

    #[tokio::test]
    async fn all_are_removed_also_where_some_are_missing() {
        let store = MemoryStore::new();
        with_chunks(&store, (1..200).filter(|number| number % 7 > 0)).await;
        Pieces::of_plan((&store, NOW), OF, 3).remove(0).await.unwrap();
        assert_eq!(left(&store).await, [0; 0]);
        // As whoever writes on behind somebody who removes left them.
        with_chunks(&store, 200..210).await;
        Pieces::of_plan((&store, NOW), OF, 3).remove(210).await.unwrap();
        assert_eq!(left(&store).await, [0; 0]);
    }

    #[tokio::test]
    async fn a_removal_that_is_cut_short_leaves_what_finds_the_rest() {
        use crate::store::faulty::FaultyStore;
        let memory = std::sync::Arc::new(MemoryStore::new());
        with_chunks(&memory, 0..150).await;
        let process = crate::store::ProcessId::new(1);
        let store = FaultyStore::of_process(process, &std::sync::Arc::default(), &memory);
        for writes in [30, 60, 30] {
            *store.plain_writes_left.lock().unwrap() = Some(writes);
            Pieces::of_plan((&store, NOW), OF, 3).remove(0).await.unwrap_err();
            assert!(!left(&memory).await.is_empty());
        }
        *store.plain_writes_left.lock().unwrap() = Some(30);
        Pieces::of_plan((&store, NOW), OF, 3).remove(0).await.unwrap();
        assert_eq!(left(&memory).await, [0; 0]);
    }

    #[tokio::test]
    async fn each_that_is_there_is_changed_once() {
        let store = MemoryStore::new();
        with_chunks(&store, (1..130).filter(|number| *number != 64)).await;
        let pieces = Pieces::of_plan((&store, NOW), OF, 3);
        assert_eq!(pieces.change(BroadcastChunk::forget_values).await.unwrap(), 128);
        assert_eq!(pieces.change(BroadcastChunk::forget_values).await.unwrap(), 0);
        assert_eq!(left(&store).await, [0; 0]);
    }
}
