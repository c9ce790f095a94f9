//! Raw webhooks until they are applied, and elements that were put aside.
//!
//! A minute's webhooks stand in a few partitions of their own, so that a scan never wades through what was done long ago.
//! Which minutes there are stands in one small partition, which is cut off below as minutes become empty. No clock of a
//! gateway decides what a cut takes: it is stamped by the server's, a while before it looked, and whoever writes to a minute
//! names it again within that while.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::stream::{StreamExt as _, TryStreamExt as _};

use super::ScyllaStore;
use super::change::id;
use super::keys;
use super::partitions::BoundStatement;
use super::row_cache::Note;
use crate::domain::{JournalId, Retention, Timestamp};
use crate::store::error::StoreError;
use crate::store::{JournalBacklog, JournalEntry, Quarantined};

/// Requests under way at once, when entries are marked done.
const TOGETHER: usize = 32;
/// Entries of one partition in one of them.
const DROPPED: usize = 128;
/// What a partition is asked for beyond its share: they are not equally full.
const SLACK: usize = 16;
/// Minutes this close to the newest are not worth cutting off: somebody may still write to them.
const RECENT: i64 = 15;
/// What was named within this many microseconds is not cut off, whatever minute it is. Much more than [`super::group_commit`]
/// lets pass until it names a minute again.
const NAMED: i64 = 15 * 60 * 1_000_000;
/// Minutes this close to the newest may get a webhook between two looks at how many wait.
const FRESH: i64 = 2;
/// [`Retention::ASIDE`], as the database wants it.
const ASIDE_SECONDS: i32 = 30 * 86_400;
/// The one partition of small lists.
const ONLY: i16 = 0;

type JournalColumns = (Bytes, i64, Bytes);

impl ScyllaStore {
    pub(super) async fn journal_drop(&self, ids: Vec<JournalId>) -> Result<(), StoreError> {
        let mut parts: BTreeMap<(i16, i64), Vec<BoundStatement<'_>>> = BTreeMap::new();
        for id in &ids {
            let (shard, minute) = (keys::journal_shard(*id), keys::minute(*id));
            parts.entry((shard, minute)).or_default().push(BoundStatement {
                statement: &self.book.rows.drop_journal,
                values: Box::new((keys::journal_end(*id), shard, minute, id.as_bytes())),
                bytes: 0,
            });
        }
        let writes: Vec<_> = parts
            .values()
            .flat_map(|lines| lines.chunks(DROPPED))
            .map(|lines| self.link.write_together(lines))
            .collect();
        futures_util::stream::iter(writes)
            .buffer_unordered(TOGETHER)
            .try_collect()
            .await
    }

    pub(super) async fn journal_waiting(
        &self,
        after: Option<JournalId>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let first = after.map_or(i64::MIN, keys::minute);
        let minutes: Vec<(i64,)> = self
            .link
            .rows(&self.book.rows.minutes, (ONLY, first), usize::MAX)
            .await?;
        let newest = minutes.last().map_or(0, |(minute,)| *minute);
        // Only a scan from the very beginning knows that nothing stands below.
        let asked = match after {
            None => self.server_time().await?,
            Some(_) => None,
        };
        let mut found: Vec<JournalEntry> = Vec::new();
        let mut empty_below = None;
        for (minute,) in minutes {
            if found.len() >= limit {
                break;
            }
            let room = limit - found.len();
            found.extend(self.journal_minute(minute, after, room).await?);
            if found.is_empty() {
                empty_below = Some(minute + 1);
            }
        }
        if let Some(below) = empty_below {
            self.cut_off(below.min(newest - RECENT), asked).await?;
        }
        Ok(found)
    }

    /// Those of these webhooks that are not done, in order.
    pub(super) async fn journal_among(&self, ids: Vec<JournalId>) -> Result<Vec<JournalEntry>, StoreError> {
        let mut parts: BTreeMap<(i16, i64), Vec<[u8; 16]>> = BTreeMap::new();
        for id in ids {
            let part = (keys::journal_shard(id), keys::minute(id));
            parts.entry(part).or_default().push(*id.as_bytes());
        }
        let statement = &self.book.rows.journal_among;
        let reads = parts.into_iter().map(|((shard, minute), ids)| async move {
            let ids: Vec<&[u8]> = ids.iter().map(<[u8; 16]>::as_slice).collect();
            let rows: Vec<JournalColumns> = self
                .link
                .rows(statement, (shard, minute, ids), usize::MAX)
                .await?;
            rows.into_iter()
                .map(entry_of)
                .collect::<Result<Vec<_>, StoreError>>()
        });
        let found: Vec<Vec<JournalEntry>> = futures_util::stream::iter(reads.collect::<Vec<_>>())
            .buffer_unordered(TOGETHER)
            .try_collect()
            .await?;
        let mut entries: Vec<_> = found.into_iter().flatten().collect();
        entries.sort_by_key(|entry| entry.id);
        Ok(entries)
    }

    /// Forgets that there were minutes before this one, which were all found empty: those that nobody named since `asked`,
    /// the server's time before it was looked.
    async fn cut_off(&self, below: i64, asked: Option<i64>) -> Result<(), StoreError> {
        let Some(asked) = asked else { return Ok(()) };
        self.row_cache
            .forget(|note| matches!(note, Note::MinuteEmpty(minute) if *minute < below));
        let values = (asked.saturating_sub(NAMED), ONLY, below);
        self.link.write(&self.book.rows.drop_minutes, values).await
    }

    /// The server's time, as of when a gateway last told it the time.
    async fn server_time(&self) -> Result<Option<i64>, StoreError> {
        Ok(self.read_time().await?.map(|(_, written)| written))
    }

    /// How many webhooks wait. Their bodies are not read, nor minutes that were found empty: what was done there would be
    /// waded through again and again.
    pub(super) async fn count_waiting(&self) -> Result<JournalBacklog, StoreError> {
        let minutes: Vec<(i64,)> = self
            .link
            .rows(&self.book.rows.minutes, (ONLY, i64::MIN), usize::MAX)
            .await?;
        let newest = minutes.last().map_or(0, |(minute,)| *minute);
        let asked = self.server_time().await?;
        let mut backlog = JournalBacklog::default();
        let mut empty_below = None;
        for (minute,) in minutes {
            // What is to be cut off is looked at once more.
            let may_be_cut = minute < newest - RECENT;
            let note = Note::MinuteEmpty(minute);
            if may_be_cut || !self.row_cache.knows(&note) {
                let received = self.minute_received(minute).await?;
                backlog.entries += received.len();
                backlog.oldest = backlog.oldest.into_iter().chain(received.iter().copied()).min();
                if received.is_empty() && minute < newest - FRESH {
                    self.row_cache.note(note);
                }
            }
            if backlog.entries == 0 {
                empty_below = Some(minute + 1);
            }
        }
        if let Some(below) = empty_below {
            self.cut_off(below.min(newest - RECENT), asked).await?;
        }
        Ok(backlog)
    }

    /// When each webhook of a minute came.
    async fn minute_received(&self, minute: i64) -> Result<Vec<Timestamp>, StoreError> {
        let statement = &self.book.rows.journal_received;
        let shards: Vec<Vec<(i64,)>> = futures_util::stream::iter(0..keys::JOURNAL_SHARDS)
            .map(|shard| self.link.rows(statement, (shard, minute), usize::MAX))
            .buffered(usize::from(keys::JOURNAL_SHARDS.unsigned_abs()))
            .try_collect()
            .await?;
        let all = shards.into_iter().flatten();
        Ok(all.map(|(received,)| Timestamp::from_millis(received)).collect())
    }

    /// A minute's webhooks in order.
    async fn journal_minute(
        &self,
        minute: i64,
        after: Option<JournalId>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let mut found = Vec::new();
        let mut after = after;
        while found.len() < limit {
            let look = self.journal_look(minute, after, limit - found.len()).await?;
            found.extend(look.entries);
            match look.on_after {
                Some(on_after) => after = Some(on_after),
                None => break,
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// About as many of a minute's webhooks as are wanted: from each partition its share, and of those what no other
    /// partition can still come before.
    async fn journal_look(
        &self,
        minute: i64,
        after: Option<JournalId>,
        wanted: usize,
    ) -> Result<Look, StoreError> {
        let rows = &self.book.rows;
        let (statement, from) = match after {
            Some(after) => (&rows.journal, *after.as_bytes()),
            None => (&rows.journal_from, [0; 16]),
        };
        let shards = usize::from(keys::JOURNAL_SHARDS.unsigned_abs());
        let share = wanted.div_ceil(shards) + SLACK;
        let found: Vec<Vec<JournalColumns>> = futures_util::stream::iter(0..keys::JOURNAL_SHARDS)
            .map(|shard| self.link.rows(statement, (shard, minute, from), share))
            .buffered(shards)
            .try_collect()
            .await?;
        let mut parts = Vec::with_capacity(found.len());
        for part in found {
            let part = part.into_iter().map(entry_of);
            let part = part.collect::<Result<Vec<_>, StoreError>>()?;
            parts.push(part);
        }
        Ok(merge(parts, share))
    }

    pub(super) async fn put_aside(&self, item: Quarantined) -> Result<(), StoreError> {
        let values = (
            ONLY,
            item.id.as_bytes(),
            item.at.as_millis(),
            &item.reason,
            &item.body,
            ASIDE_SECONDS,
        );
        self.link.write(&self.book.rows.put_quarantined, values).await
    }

    pub(super) async fn aside(
        &self,
        after: Option<JournalId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Quarantined>, StoreError> {
        let rows = &self.book.rows;
        let mut after = after;
        let mut items = Vec::new();
        // Expired ones may stand between: a page ends when it is full, or nothing comes after it.
        while items.len() < limit {
            let (statement, from) = match after {
                Some(after) => (&rows.quarantined, *after.as_bytes()),
                None => (&rows.quarantined_from, [0; 16]),
            };
            let wanted = limit - items.len();
            let found: Vec<(Bytes, i64, String, Bytes)> =
                self.link.rows(statement, (ONLY, from), wanted).await?;
            let is_last = found.len() < wanted;
            for (item, at, reason, body) in found {
                let item = Quarantined {
                    id: JournalId::from_bytes(id(&item)?),
                    at: Timestamp::from_millis(at),
                    reason,
                    body,
                };
                after = Some(item.id);
                if now < item.at.after(Retention::ASIDE) {
                    items.push(item);
                }
            }
            if is_last {
                break;
            }
        }
        Ok(items)
    }

    pub(super) async fn drop_aside(&self, id: JournalId) -> Result<(), StoreError> {
        let rows = &self.book.rows;
        let key = (ONLY, id.as_bytes().as_slice());
        let stamp = self.stamp_over(&rows.quarantined_written, key).await?;
        self.link
            .write(&rows.drop_quarantined, (stamp, key.0, key.1))
            .await
    }
}

fn entry_of((entry, received, body): JournalColumns) -> Result<JournalEntry, StoreError> {
    Ok(JournalEntry {
        id: JournalId::from_bytes(id(&entry)?),
        received: Timestamp::from_millis(received),
        body,
    })
}

/// Webhooks in order, and where to go on if there may be more.
struct Look {
    entries: Vec<JournalEntry>,
    on_after: Option<JournalId>,
}

/// Puts partitions together of which each gave at most a share. What lies beyond the end of one that gave all of its share
/// is left for the next look, since that one may have more before it.
fn merge(parts: Vec<Vec<JournalEntry>>, share: usize) -> Look {
    let full = parts.iter().filter(|part| part.len() >= share);
    let on_after = full.filter_map(|part| part.last().map(|entry| entry.id)).min();
    let mut entries: Vec<JournalEntry> = parts.into_iter().flatten().collect();
    if let Some(end) = on_after {
        entries.retain(|entry| entry.id <= end);
    }
    entries.sort_by_key(|entry| entry.id);
    Look { entries, on_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(ids: &[u8]) -> Vec<JournalEntry> {
        let entry = |n: &u8| JournalEntry {
            id: JournalId::from_bytes([*n; 16]),
            received: Timestamp::default(),
            body: Bytes::new(),
        };
        ids.iter().map(entry).collect()
    }

    #[test]
    fn nothing_is_passed_over_that_a_full_partition_may_still_hold() {
        let look = merge(vec![part(&[1, 5, 6]), part(&[2, 9]), part(&[])], 3);
        let ids: Vec<u8> = look.entries.iter().map(|entry| entry.id.as_bytes()[0]).collect();
        assert_eq!(ids, [1, 2, 5, 6], "9 waits: the first may hold 7 and 8");
        assert_eq!(look.on_after, Some(JournalId::from_bytes([6; 16])));
    }

    #[test]
    fn a_look_that_saw_all_is_the_last() {
        let look = merge(vec![part(&[3]), part(&[1, 2])], 3);
        assert_eq!(look.entries.len(), 3);
        assert_eq!(look.on_after, None);
    }
}
