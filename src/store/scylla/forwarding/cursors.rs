//! How far this process read what others told it.
//!
//! Rows of one sender stand in buckets of [`OF_A_BUCKET`] numbers, so that no partition grows without bound. A reader goes on
//! to the next bucket when it read the last number of one. That number may be missing, where the outcome of its write was
//! unknown: so now and then a reader that finds nothing looks into the next bucket, too.

use std::collections::{BTreeSet, HashMap};

use crate::store::{ProcessId, Rest};

/// Numbers in one bucket, and so rows in one partition: 15 MiB at most.
const OF_A_BUCKET: i64 = 4_096;
/// Senders whose places are kept, dead ones among them: more than start while a row lives.
const SENDERS: usize = 4_096;
/// Looks that find nothing, after which one goes into the next bucket.
const LOOKS: u32 = 16;

/// The bucket of a number.
pub(super) const fn bucket(number: i64) -> i64 {
    number.div_euclid(OF_A_BUCKET)
}

/// Where to read one sender: in a bucket, after a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct From {
    pub(super) bucket: i64,
    pub(super) after: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// In its bucket, where so many looks found nothing.
    Reads(u32),
    /// It looks whether the next bucket has anything.
    LooksAhead,
    /// The next bucket has something, so nothing more comes to this one. It is read to its end.
    Finishes,
}

/// How far one sender was read.
#[derive(Debug)]
struct Cursor {
    through: i64,
    stage: Stage,
    /// The last look at which the sender lived.
    lived: u64,
}

impl Default for Cursor {
    fn default() -> Self {
        Self {
            through: 0,
            stage: Stage::Reads(0),
            lived: 0,
        }
    }
}

impl Cursor {
    /// The last number before the next bucket.
    const fn end(&self) -> i64 {
        (bucket(self.through + 1) + 1) * OF_A_BUCKET - 1
    }

    const fn from(&self) -> From {
        let after = match self.stage {
            Stage::Reads(_) | Stage::Finishes => self.through,
            Stage::LooksAhead => self.end(),
        };
        From {
            bucket: bucket(after + 1),
            after,
        }
    }

    /// Takes note of the last number that was found there. Whether the rows are to be taken.
    fn found(&mut self, last: Option<i64>) -> (Taken, Rest) {
        match (self.stage, last) {
            (Stage::Reads(_), Some(last)) => {
                let bucket_before = bucket(self.through + 1);
                self.through = last;
                self.stage = Stage::Reads(0);
                let rest = if bucket(last + 1) > bucket_before {
                    Rest::More
                } else {
                    Rest::Nothing
                };
                (Taken::Yes, rest)
            }
            (Stage::Reads(looks), None) => {
                self.stage = if looks + 1 < LOOKS {
                    Stage::Reads(looks + 1)
                } else {
                    Stage::LooksAhead
                };
                (Taken::Yes, Rest::Nothing)
            }
            // Something may have come to the bucket before since it was read.
            (Stage::LooksAhead, Some(_)) => {
                self.stage = Stage::Finishes;
                (Taken::No, Rest::More)
            }
            (Stage::LooksAhead, None) => {
                self.stage = Stage::Reads(0);
                (Taken::No, Rest::Nothing)
            }
            (Stage::Finishes, Some(last)) => {
                if bucket(last + 1) > bucket(self.through + 1) {
                    self.stage = Stage::Reads(0);
                }
                self.through = last;
                (Taken::Yes, Rest::More)
            }
            (Stage::Finishes, None) => {
                self.through = self.end();
                self.stage = Stage::Reads(0);
                (Taken::Yes, Rest::More)
            }
        }
    }
}

/// Whether rows that were found are to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// They are read again later, in order.
    No,
}

/// How far each sender was read. One that does not live now keeps its place: when it lives again, what was read before is not
/// read once more.
#[derive(Debug, Default)]
pub(super) struct Cursors {
    of: HashMap<ProcessId, Cursor>,
    looks: u64,
}

impl Cursors {
    /// From where on to read each sender that lives.
    pub(super) fn after(&mut self, living: &BTreeSet<ProcessId>) -> Vec<(ProcessId, From)> {
        self.looks += 1;
        let mut after = Vec::with_capacity(living.len());
        for sender in living {
            let cursor = self.of.entry(*sender).or_default();
            cursor.lived = self.looks;
            after.push((*sender, cursor.from()));
        }
        while self.of.len() > SENDERS.max(living.len()) {
            let longest_away = self.of.iter().min_by_key(|(_, cursor)| cursor.lived);
            let Some(sender) = longest_away.map(|(sender, _)| *sender) else {
                break;
            };
            self.of.remove(&sender);
        }
        after
    }

    /// Takes note of the last number that was found of a sender.
    pub(super) fn found(&mut self, sender: ProcessId, last: Option<i64>) -> (Taken, Rest) {
        self.of.entry(sender).or_default().found(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(cursors: &mut Cursors, living: &[i64]) -> Vec<i64> {
        let living = living.iter().copied().map(ProcessId::new).collect();
        let all = cursors.after(&living);
        all.iter().map(|(_, from)| from.after).collect()
    }

    #[test]
    fn a_sender_that_lives_again_is_read_on_where_it_was() {
        let mut cursors = Cursors::default();
        cursors.found(ProcessId::new(1), Some(5));
        cursors.found(ProcessId::new(2), Some(8));
        assert_eq!(numbers(&mut cursors, &[1]), [5]);
        assert_eq!(numbers(&mut cursors, &[1, 2]), [5, 8]);
    }

    #[test]
    fn of_too_many_senders_those_are_forgotten_that_have_been_away_longest() {
        let mut cursors = Cursors::default();
        let most = i64::try_from(SENDERS).unwrap();
        for n in 0..most + 9 {
            numbers(&mut cursors, &[n]);
            cursors.found(ProcessId::new(n), Some(7));
        }
        assert_eq!(cursors.of.len(), SENDERS);
        assert_eq!(numbers(&mut cursors, &[0, most]), [0, 7]);
    }

    /// Reads what stands there until so many looks in a row find nothing, 100 rows at a time.
    fn read(cursor: &mut Cursor, rows: &BTreeSet<i64>, idle: u32) -> Vec<i64> {
        let mut all = Vec::new();
        let mut nothing = 0;
        while nothing < idle {
            let From { bucket: of, after } = cursor.from();
            let beyond = rows.range(after + 1..).copied();
            let found: Vec<i64> = beyond.filter(|number| bucket(*number) == of).take(100).collect();
            let (taken, _) = cursor.found(found.last().copied());
            nothing = if found.is_empty() { nothing + 1 } else { 0 };
            if taken == Taken::Yes {
                all.extend(found);
            }
        }
        all
    }

    #[test]
    fn every_row_is_read_once_and_in_order_across_buckets_whichever_are_missing() {
        let all: BTreeSet<i64> = (1..=3 * OF_A_BUCKET).collect();
        let without = |missing: std::ops::Range<i64>| {
            let mut rows = all.clone();
            rows.retain(|number| !missing.contains(number));
            rows
        };
        let end = OF_A_BUCKET;
        for missing in [
            0..0,
            5..9,
            end - 1..end,
            end - 50..end,
            end..end + 9,
            end - 3..end + 3,
        ] {
            let rows = without(missing.clone());
            let read = read(&mut Cursor::default(), &rows, 2 * LOOKS);
            assert!(read.iter().eq(&rows), "without {missing:?}");
        }
    }

    #[test]
    fn a_row_that_comes_while_the_next_bucket_is_looked_into_is_not_passed_over() {
        let mut cursor = Cursor::default();
        let mut rows: BTreeSet<i64> = (1..OF_A_BUCKET - 2).collect();
        read(&mut cursor, &rows, LOOKS);
        assert_eq!(cursor.stage, Stage::LooksAhead);
        // One number is missing; the others come between two looks.
        rows.extend(OF_A_BUCKET - 1..OF_A_BUCKET + 2);
        let come: Vec<i64> = (OF_A_BUCKET - 1..OF_A_BUCKET + 2).collect();
        assert_eq!(read(&mut cursor, &rows, LOOKS), come);
    }

    #[test]
    fn a_reader_that_waits_reads_one_partition_at_a_look() {
        let mut cursor = Cursor::default();
        let ahead = (0..340).filter(|_| {
            let from = cursor.from();
            cursor.found(None);
            from.bucket == 1
        });
        assert_eq!(ahead.count(), 20, "each seventeenth look");
    }
}
