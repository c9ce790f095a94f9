//! Reading a log: newest first for people, in its order for exports.

use bytes::Bytes;

use super::{AuditError, AuditLog};
use crate::domain::{AuditAction, Month, Timestamp};
use crate::store::StoreError;
use crate::store::plain::PlainValue;
use crate::store::tables::{AuditActor, AuditEntry, AuditScope};

/// Entries read at once.
const TOGETHER: usize = 200;
/// Entries that one call looks at, whether the filter lets them through or not.
const LOOKED_AT: u64 = 2_000;

/// An entry and its place in the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedEntry {
    /// Its place.
    pub seq: u64,
    /// What it says; `None` where it is damaged, or a later version wrote it.
    pub entry: Option<AuditEntry>,
    /// The bytes that the next entry is chained to.
    pub stored: Bytes,
}

impl NumberedEntry {
    /// Reads one: no entry keeps people from the others.
    fn read(sort: &Bytes, value: PlainValue) -> Self {
        Self {
            seq: AuditEntry::seq_of(sort),
            entry: serde_json::from_slice(&value.body).ok(),
            stored: value.body,
        }
    }
}

/// Entries of a month. There may be few, or none, although more follow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<NumberedEntry>,
    /// Where to go on; `None` at the end.
    pub next: Option<u64>,
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Those of one actor: its id, or the name of a kind.
    pub actor: Option<String>,
    /// Those of one action.
    pub action: Option<AuditAction>,
}

impl AuditFilter {
    /// What cannot be read is shown to whoever asks for all.
    fn admits(&self, entry: Option<&AuditEntry>) -> bool {
        let Some(entry) = entry else {
            return self == &Self::default();
        };
        let is_by = |actor: &AuditActor, wanted: &str| {
            actor.kind() == wanted || actor.id().is_some_and(|id| id == wanted)
        };
        self.actor
            .as_deref()
            .is_none_or(|wanted| is_by(&entry.actor, wanted))
            && self.action.is_none_or(|action| entry.action == action)
    }
}

/// The key of the place before one.
fn before(seq: u64) -> Option<Bytes> {
    Some(Bytes::copy_from_slice(&seq.saturating_sub(1).to_be_bytes()))
}

impl AuditLog {
    /// Entries of a month whose place is before one, the newest first.
    pub async fn newest(
        &self,
        scope: AuditScope,
        month: Month,
        until: Option<u64>,
        filter: &AuditFilter,
        limit: usize,
    ) -> Result<AuditPage, AuditError> {
        let now = self.clock.now();
        // A place behind the last entry is that of the newest page: nobody is led through places where nothing is.
        let last = self.last_seq(scope, month, now).await?;
        let newest = until.map_or(last, |until| until.saturating_sub(1).min(last));
        let lowest = newest.saturating_sub(LOOKED_AT);
        let (mut entries, mut high) = (Vec::new(), newest);
        while high > lowest && entries.len() < limit {
            let together = u64::try_from(TOGETHER).unwrap_or(1).min(high - lowest);
            let low = high - together + 1;
            let some = self.range(scope, month, low, high, now).await?;
            let wanted = some
                .into_iter()
                .rev()
                .filter(|one| filter.admits(one.entry.as_ref()));
            entries.extend(wanted);
            high = low - 1;
        }
        if entries.len() > limit {
            entries.truncate(limit);
            high = entries.last().map_or(high, |last| last.seq - 1);
        }
        Ok(AuditPage {
            entries,
            next: (high > 0).then_some(high + 1),
        })
    }

    /// Entries of a month after a place, in their order.
    pub async fn in_order(
        &self,
        scope: AuditScope,
        month: Month,
        after: u64,
        limit: usize,
    ) -> Result<AuditPage, AuditError> {
        let of = AuditEntry::of(scope, month);
        let after = before(after.saturating_add(1));
        let page = self.store.plain_rows(of, after, limit, self.clock.now()).await?;
        let entries = page.items.into_iter();
        let entries = entries.map(|(sort, value)| NumberedEntry::read(&sort, value));
        let entries: Vec<NumberedEntry> = entries.collect();
        let next = entries.last().filter(|_| page.more).map(|last| last.seq);
        Ok(AuditPage { entries, next })
    }

    /// Entries from one place to another, in their order.
    async fn range(
        &self,
        scope: AuditScope,
        month: Month,
        low: u64,
        high: u64,
        now: Timestamp,
    ) -> Result<Vec<NumberedEntry>, StoreError> {
        let (mut all, mut from) = (Vec::new(), low);
        while from <= high {
            let of = AuditEntry::of(scope, month);
            let page = self.store.plain_rows(of, before(from), TOGETHER, now).await?;
            let more = page.more;
            let numbered = page.items.into_iter();
            let numbered = numbered.map(|(sort, value)| NumberedEntry::read(&sort, value));
            all.extend(numbered.take_while(|one| one.seq <= high));
            match all.last() {
                // A page is bounded in bytes, too.
                Some(last) if more && last.seq >= from => from = last.seq + 1,
                _ => break,
            }
        }
        Ok(all)
    }

    /// The rows of a month after a place, as they are stored.
    pub(super) async fn stored(
        &self,
        scope: AuditScope,
        month: Month,
        after: u64,
        now: Timestamp,
    ) -> Result<(Vec<(u64, PlainValue)>, bool), StoreError> {
        let of = AuditEntry::of(scope, month);
        let after = before(after.saturating_add(1));
        let page = self.store.plain_rows(of, after, TOGETHER, now).await?;
        let rows = page.items.into_iter();
        let rows = rows.map(|(sort, value)| (AuditEntry::seq_of(&sort), value));
        Ok((rows.collect(), page.more))
    }

    /// The place of a month's last entry; 0 where there is none. Found by halving, since pages lead forward alone: each step asks
    /// whether anything stands at a place or behind it, which holes in the chain do not mislead.
    async fn last_seq(&self, scope: AuditScope, month: Month, now: Timestamp) -> Result<u64, StoreError> {
        let reaches = async |seq: u64| {
            let of = AuditEntry::of(scope, month);
            let page = self.store.plain_rows(of, before(seq), 1, now).await?;
            Ok::<_, StoreError>(!page.items.is_empty())
        };
        let (mut there, mut beyond) = (0, 1_u64);
        while reaches(beyond).await? {
            there = beyond;
            beyond = beyond.saturating_mul(2);
            if beyond == u64::MAX {
                break;
            }
        }
        while beyond - there > 1 {
            let middle = there + (beyond - there) / 2;
            if reaches(middle).await? {
                there = middle;
            } else {
                beyond = middle;
            }
        }
        Ok(there)
    }
}
