//! What a tenant used, hour by hour, and how far that is counted.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Kept, PLAIN, Subject, Table};
use crate::domain::usage::UsageCounts;
use crate::domain::{Epoch, Seq, TenantId, Timestamp};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where hours that are over are declared.
pub const USAGE_HOUR: Table = Table {
    name: "usage_hour",
    says: "what a tenant used in an hour: counts, and sketches of which contacts and agents, by which nobody is found",
    key: "tenant · hour",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Tenant,
    ..PLAIN
};

/// Where it stands how far they are counted.
pub const USAGE_CURSOR: Table = Table {
    name: "usage_cursor",
    says: "how far a tenant's events are counted, with the hour that is not over",
    key: "tenant",
    subject: Subject::Tenant,
    ..PLAIN
};

/// What a tenant used in an hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageHour {
    /// When the hour began.
    pub from: Timestamp,
    /// Until when it is kept.
    pub until: Timestamp,
    /// What happened in it.
    pub counts: UsageCounts,
}

impl UsageHour {
    /// How long one is.
    pub const LENGTH: Duration = Duration::from_hours(1);

    /// The hour of a time, of which nothing is counted yet.
    pub fn at_time(time: Timestamp, keep: Duration) -> Self {
        let hour = time.as_secs().div_euclid(3_600);
        let from = Timestamp::from_secs(hour.saturating_mul(3_600));
        Self {
            from,
            until: from.after(Self::LENGTH).after(keep),
            counts: UsageCounts::default(),
        }
    }

    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&USAGE_HOUR, tenant)
    }

    /// The row's place among them: later ones after earlier ones.
    pub fn sort(from: Timestamp) -> [u8; 8] {
        // The sign's bit turned, so that bytes stand in the order of times.
        (from.as_millis().cast_unsigned() ^ (1 << 63)).to_be_bytes()
    }

    /// Where it stands.
    pub fn key(&self, tenant: TenantId) -> PlainKey {
        Self::of(tenant).row(&Self::sort(self.from))
    }
}

impl PlainRow for UsageHour {
    const TABLE: &'static Table = &USAGE_HOUR;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

/// How far a tenant's events are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageCursor {
    /// Of which ledger.
    pub epoch: Option<Epoch>,
    /// The last event that is counted.
    pub seq: Seq,
    /// The hour of that event, as far as it is counted.
    pub open: Option<UsageHour>,
}

impl UsageCursor {
    /// That of a tenant.
    pub fn at(tenant: TenantId) -> PlainKey {
        Partition::of_tenant(&USAGE_CURSOR, tenant).row(&[])
    }
}

impl PlainRow for UsageCursor {
    const TABLE: &'static Table = &USAGE_CURSOR;
}
