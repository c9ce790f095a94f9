//! Where rows stand: partitions, shards, buckets and slots, all computed from ids.

use crate::domain::{JournalId, Message, MessageId, Retention, Seq, TenantId, Timestamp};

/// Events in one partition.
pub(super) const SEGMENT: u64 = 4_096;
/// Partitions over which a tenant's small rows are spread.
pub(super) const SHARDS: i16 = 64;
/// Partitions over which what happened once is spread: there is one row for each message.
pub(super) const SEEN_SHARDS: i16 = 256;
/// Partitions over which one minute of the journal is spread.
pub(super) const JOURNAL_SHARDS: i16 = 8;

const BUCKET_MS: i64 = 30 * 86_400_000;
const SLOT_MS: i64 = 600_000;
const MINUTE_MS: i64 = 60_000;
const DAY: u64 = 86_400;
/// The longest that a cluster keeps anything by itself: twenty years.
const LONGEST_TTL: i64 = 630_720_000;

/// A tenant as it stands in keys. All 64 bits are kept.
pub(super) const fn tenant(id: TenantId) -> i64 {
    id.get().cast_signed()
}

/// A position as it stands in keys.
pub(super) const fn seq(seq: Seq) -> i64 {
    seq.get().cast_signed()
}

/// A position read back.
pub(super) const fn seq_of(stored: i64) -> Seq {
    Seq::new(stored.cast_unsigned())
}

/// The partition of an event.
pub(super) const fn segment(seq: Seq) -> i64 {
    (seq.get() / SEGMENT).cast_signed()
}

/// The partition of a small row, by its id or digest.
pub(super) fn shard(id: &[u8; 16]) -> i16 {
    let [first, ..] = id;
    i16::from(*first) % SHARDS
}

/// The partition of something that happened once.
pub(super) fn seen_shard(key: &[u8; 16]) -> i16 {
    let [first, ..] = key;
    i16::from(*first) % SEEN_SHARDS
}

/// The month, so to speak, of a message.
pub(super) fn bucket(message: MessageId) -> i32 {
    i32::try_from(message.timestamp().as_millis().div_euclid(BUCKET_MS)).unwrap_or(i32::MAX)
}

/// When the last message of a month, so to speak, was named.
pub(super) fn bucket_end(bucket: i32) -> Timestamp {
    Timestamp::from_millis((i64::from(bucket) + 1).saturating_mul(BUCKET_MS))
}

/// The ten minutes of an unsettled message.
pub(super) fn slot(message: MessageId) -> i64 {
    message.timestamp().as_millis().div_euclid(SLOT_MS)
}

/// The ten minutes of a time.
pub(super) fn slot_at(now: Timestamp) -> i64 {
    now.as_millis().div_euclid(SLOT_MS)
}

/// When a webhook is said to have been written: its id decides, so that no clock comes between it and its end.
pub(super) fn journal_stamp(id: JournalId) -> i64 {
    let named = MessageId::from_bytes(*id.as_bytes()).timestamp();
    named.as_millis().saturating_mul(1_000)
}

/// When a webhook is said to have been removed: after it was written.
pub(super) fn journal_end(id: JournalId) -> i64 {
    journal_stamp(id).saturating_add(60_000_000)
}

/// The minute of a webhook, which its id carries.
pub(super) fn minute(id: JournalId) -> i64 {
    MessageId::from_bytes(*id.as_bytes())
        .timestamp()
        .as_millis()
        .div_euclid(MINUTE_MS)
}

/// The partition of a webhook within its minute.
pub(super) fn journal_shard(id: JournalId) -> i16 {
    let [_, _, _, _, _, ms, _, twin, ..] = *id.as_bytes();
    i16::from(ms ^ twin) % JOURNAL_SHARDS
}

/// How long a message is kept, roughly: each class has a table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Class {
    /// At most 35 days.
    Short,
    /// At most 400 days.
    Middle,
    /// More.
    Long,
}

impl Class {
    /// The class of a message that may be read until a time. The same however often its row is written.
    pub(super) fn of(message: &Message, expires: Timestamp) -> Self {
        Self::of_days(expires.since(message.created).as_secs().div_ceil(DAY))
    }

    /// The class of all messages that are kept for so many days.
    pub(super) fn kept_for(days: Retention) -> Self {
        Self::of_days(u64::from(days.get()))
    }

    const fn of_days(days: u64) -> Self {
        match days {
            0..=35 => Self::Short,
            36..=400 => Self::Middle,
            _ => Self::Long,
        }
    }

    /// As it is stored.
    pub(super) const fn code(self) -> i8 {
        match self {
            Self::Short => 1,
            Self::Middle => 2,
            Self::Long => 3,
        }
    }

    /// As it was stored.
    pub(super) const fn of_code(code: i8) -> Option<Self> {
        Some(match code {
            1 => Self::Short,
            2 => Self::Middle,
            3 => Self::Long,
            _ => return None,
        })
    }
}

/// How many seconds a row has left; `None` when its time is over.
pub(super) fn ttl(expires: Timestamp, now: Timestamp) -> Option<i32> {
    let left = expires.as_millis().saturating_sub(now.as_millis());
    // Rounded up: a row is never gone before its time, and reads are exact to the millisecond.
    let seconds = left.saturating_add(999).div_euclid(1_000).min(LONGEST_TTL);
    i32::try_from(seconds).ok().filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_kept_to_its_last_millisecond_and_not_a_second_more() {
        let at = Timestamp::from_millis;
        assert_eq!(ttl(at(5_000), at(0)), Some(5));
        assert_eq!(ttl(at(5_001), at(0)), Some(6));
        assert_eq!(ttl(at(1), at(0)), Some(1));
        assert_eq!(ttl(at(0), at(0)), None);
        assert_eq!(ttl(at(-5), at(0)), None);
        assert_eq!(ttl(at(i64::MAX), at(0)), Some(630_720_000));
    }

    #[test]
    fn tenants_keep_all_their_bits() {
        for id in [0, 1, u64::MAX - 1, u64::MAX] {
            assert_eq!(tenant(TenantId::new(id)).cast_unsigned(), id);
        }
    }

    #[test]
    fn a_messages_partition_follows_from_its_id() {
        let at = |ms| MessageId::new(Timestamp::from_millis(ms), 0, 0);
        assert_eq!(bucket(at(0)), 0);
        assert_eq!(bucket(at(BUCKET_MS - 1)), 0);
        assert_eq!(bucket(at(BUCKET_MS)), 1);
        assert_eq!(slot(at(SLOT_MS)), 1);
        assert!(bucket(MessageId::from_bytes([0xff; 16])) > 0);
    }
}
