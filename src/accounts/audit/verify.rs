//! Looks for the first place of a month's chain that is not as it was written.

use std::cmp::Ordering;

use super::{AuditError, AuditLog};
use crate::domain::{Month, Timestamp};
use crate::store::StoreError;
use crate::store::plain::PlainValue;
use crate::store::tables::{
    AuditEntry, AuditHead, AuditMonth, AuditScope, ChainLink, EntryHash, EntryPlace, MonthBefore,
};

/// Entries that one call looks at: it should end while its caller waits.
const MOST: u64 = 20_000;

/// What somebody noted elsewhere: that an entry had this hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// The entry's place in the month.
    pub seq: u64,
    /// Its hash.
    pub hash: EntryHash,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Entries looked at.
    pub entries: u64,
    /// The first place that is not as it was written, and why.
    pub broken: Option<(u64, &'static str)>,
    /// The last entry that was looked at, and its hash.
    pub last: Option<(u64, EntryHash)>,
    /// The month before, of which the first entry tells.
    pub month_before: Option<Month>,
    /// Where to go on: after this place. `None` when the month was seen to its end.
    pub next: Option<u64>,
}

/// Months that are followed back to find the one behind a month: more than any settings keep.
const MONTHS: usize = 1_200;

/// How far a chain was followed.
struct Followed {
    seq: u64,
    hash: EntryHash,
    link: ChainLink,
}

const CHANGED: &str = "this entry is not the one that the next one was chained to";
const MISSING: &str = "this entry is missing";
const UNREADABLE: &str = "this entry cannot be read";
const CUT: &str = "entries are missing here, at the end of the month";
const ENDS: &str = "this entry ends at another time than those of its month";
const NO_HEAD: &str = "the log's head cannot be read";
const NO_MONTH: &str = "the row that says how this month ended cannot be read";
const NOT_NOTED: &str = "this entry is not the one that was noted";
const NOT_THE_HEAD: &str = "this entry is not the one that the head names";
const WRONG_BEGINNING: &str = "the log did not begin here: months before are missing, or the head";
const WRONG_MONTH: &str = "this entry is not chained to the last one of the month before";
const BEHIND_THE_END: &str = "this entry stands behind the one that closed the month";

impl AuditLog {
    /// Follows a month's chain after a place that was looked at before; 0 for its beginning.
    pub async fn verify(
        &self,
        scope: AuditScope,
        month: Month,
        after: u64,
        noted: Option<Noted>,
    ) -> Result<Verdict, AuditError> {
        let now = self.clock.now();
        // Read first: what is added meanwhile stands behind it.
        let head = self.store.plain_row(AuditHead::at(scope), now).await?;
        let head = head.map(|value| serde_json::from_slice::<AuditHead>(&value.body));
        let Ok(head) = head.transpose() else {
            return Ok(broken(Verdict::default(), 1, NO_HEAD));
        };
        let ends = match self.ends(scope, month, head.as_ref(), now).await? {
            Ok(ends) => ends,
            Err(why) => return Ok(broken(Verdict::default(), 1, why)),
        };
        let mut verdict = Verdict::default();
        let mut seen = match after {
            0 => None,
            seq => {
                let key = AuditEntry::at(scope, EntryPlace { month, seq });
                let value = self.store.plain_row(key, now).await?;
                match value.and_then(|value| followed(seq, &value)) {
                    Some(seen) => Some(seen),
                    None => return Ok(broken(verdict, seq, MISSING)),
                }
            }
        };
        while verdict.entries < MOST {
            let from = seen.as_ref().map_or(0, |seen| seen.seq);
            let (rows, _) = self.stored(scope, month, from, now).await?;
            if rows.is_empty() {
                let wrong = ends.iter().find_map(|end| wrong_end(end, seen.as_ref()));
                return Ok(match wrong {
                    Some((seq, why)) => broken(verdict, seq, why),
                    None => at_the_end(verdict, month, head.as_ref(), seen.as_ref(), noted),
                });
            }
            for (seq, value) in rows {
                let due = seen.as_ref().map_or(1, |seen| seen.seq.saturating_add(1));
                if seq != due {
                    return Ok(broken(verdict, due, MISSING));
                }
                let Some(this) = followed(seq, &value) else {
                    return Ok(broken(verdict, seq, UNREADABLE));
                };
                if let Some(place) = step(seen.as_ref(), &this, &value) {
                    return Ok(broken(verdict, place.0, place.1));
                }
                if seen.is_none() {
                    verdict.month_before = this.link.before.map(|before| before.place.month);
                    if let Some(why) = self
                        .wrong_beginning(scope, month, head.as_ref(), &this.link, now)
                        .await?
                    {
                        return Ok(broken(verdict, seq, why));
                    }
                }
                if noted.is_some_and(|noted| noted.seq == seq && noted.hash != this.hash) {
                    return Ok(broken(verdict, seq, NOT_NOTED));
                }
                let place = EntryPlace { month, seq };
                if head.is_some_and(|head| head.place == place && head.hash != this.hash) {
                    return Ok(broken(verdict, seq, NOT_THE_HEAD));
                }
                verdict.entries += 1;
                verdict.last = Some((seq, this.hash));
                seen = Some(this);
            }
        }
        verdict.next = seen.map(|seen| seen.seq);
        Ok(verdict)
    }

    /// How a month ended that is closed, and may still be read: by its own row, and by the first entry of the month behind it.
    async fn ends(
        &self,
        scope: AuditScope,
        month: Month,
        head: Option<&AuditHead>,
        now: Timestamp,
    ) -> Result<Result<Vec<AuditMonth>, &'static str>, StoreError> {
        let mut ends = Vec::new();
        if let Some(value) = self.store.plain_row(AuditMonth::at(scope, month), now).await? {
            match serde_json::from_slice::<AuditMonth>(&value.body) {
                Ok(end) => ends.push(end),
                Err(_malformed) => return Ok(Err(NO_MONTH)),
            }
        }
        let mut later = head.map(|head| head.next.unwrap_or(head.place.month));
        for _ in 0..MONTHS {
            let Some(at) = later.filter(|later| *later > month) else {
                break;
            };
            let first = AuditEntry::at(scope, EntryPlace { month: at, seq: 1 });
            let first = self.store.plain_row(first, now).await?;
            let link = first.and_then(|value| serde_json::from_slice::<ChainLink>(&value.body).ok());
            later = match link {
                Some(link) => {
                    let before = link.before.filter(|before| before.place.month < at);
                    if let Some(MonthBefore { place, keep_until }) = before
                        && place.month == month
                        && keep_until > now
                    {
                        ends.push(AuditMonth {
                            seq: place.seq,
                            hash: link.prev,
                            keep_until,
                        });
                    }
                    before.map(|before| before.place.month)
                }
                // The month was closed, and the next one has no entry yet.
                None => head.map(|head| head.place.month).filter(|noted| *noted < at),
            };
        }
        Ok(Ok(ends))
    }

    /// Whether a month's first entry is not chained to what was there before.
    async fn wrong_beginning(
        &self,
        scope: AuditScope,
        month: Month,
        head: Option<&AuditHead>,
        link: &ChainLink,
        now: Timestamp,
    ) -> Result<Option<&'static str>, AuditError> {
        let Some(MonthBefore { place, keep_until }) = link.before else {
            let begins = head.is_none_or(|head| head.began == month);
            let is_right = begins && link.prev == EntryHash::beginning(scope);
            return Ok((!is_right).then_some(WRONG_BEGINNING));
        };
        if keep_until <= now {
            // All of that month is over.
            return Ok(None);
        }
        let last = self.store.plain_row(AuditEntry::at(scope, place), now).await?;
        let hash = last.map(|value| EntryHash::of(&value.body));
        Ok((hash != Some(link.prev)).then_some(WRONG_MONTH))
    }
}

/// Whether a closed month does not end where it was written down that it does.
fn wrong_end(end: &AuditMonth, last: Option<&Followed>) -> Option<(u64, &'static str)> {
    let (seq, hash) = last.map_or((0, None), |last| (last.seq, Some(last.hash)));
    match seq.cmp(&end.seq) {
        Ordering::Less => Some((seq.saturating_add(1), CUT)),
        Ordering::Greater => Some((end.seq.saturating_add(1), BEHIND_THE_END)),
        Ordering::Equal => (hash != Some(end.hash)).then_some((seq, CHANGED)),
    }
}

fn followed(seq: u64, value: &PlainValue) -> Option<Followed> {
    let link = serde_json::from_slice::<ChainLink>(&value.body).ok()?;
    let hash = EntryHash::of(&value.body);
    Some(Followed { seq, hash, link })
}

const fn broken(verdict: Verdict, seq: u64, why: &'static str) -> Verdict {
    Verdict {
        broken: Some((seq, why)),
        ..verdict
    }
}

/// What is wrong between an entry and the one before it.
fn step(before: Option<&Followed>, this: &Followed, value: &PlainValue) -> Option<(u64, &'static str)> {
    let ends = before.map_or(this.link.keep_until, |before| before.link.keep_until);
    if let Some(before) = before {
        if before.hash != this.link.prev {
            return Some((before.seq, CHANGED));
        }
        if before.link.next.is_some() {
            return Some((this.seq, BEHIND_THE_END));
        }
    }
    (this.link.keep_until != ends || value.expires != Some(ends)).then_some((this.seq, ENDS))
}

/// Whether the month's last entry is where the chain says that it is.
fn at_the_end(
    verdict: Verdict,
    month: Month,
    head: Option<&AuditHead>,
    last: Option<&Followed>,
    noted: Option<Noted>,
) -> Verdict {
    let seq = last.map_or(0, |last| last.seq);
    let missing = seq.saturating_add(1);
    if noted.is_some_and(|noted| noted.seq > seq) {
        return broken(verdict, missing, CUT);
    }
    let Some(head) = head else {
        // Without a head nothing was ever recorded; or somebody took it away.
        return if last.is_none() {
            verdict
        } else {
            broken(verdict, missing, "the log's head is missing")
        };
    };
    if last.is_none() && head.place.month < month {
        // Nothing was recorded since.
        let month_before = (head.place.seq > 0).then_some(head.place.month);
        return Verdict {
            month_before,
            ..verdict
        };
    }
    let is_closed = last.is_some_and(|last| last.link.next.is_some());
    let ends_later = head.place.month == month && head.place.seq > seq;
    let goes_on_elsewhere = head.place.month > month && last.is_some() && !is_closed;
    if ends_later || goes_on_elsewhere {
        return broken(verdict, missing, CUT);
    }
    verdict
}
