//! Broadcasts: a template that is sent to many, whom it is for, and how it stands. What became of each recipient is in the ledger's rows.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kept, PLAIN, Subject, Table, Unsendable};
use crate::domain::{
    Author, BroadcastId, BroadcastProblem, CountryCode, Epoch, ListId, LocalTime, PhoneNumberId, Purpose,
    SegmentId, SendRate, SendingHours, TenantId, Timestamp, ZoneSpan,
};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where they are declared.
pub const BROADCAST: Table = Table {
    name: "broadcast",
    says: "a template that is sent to many: whom it is for, what fills it, how it stands, counts of its plan; who planned and launched it",
    key: "tenant · broadcast",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Tenant,
    personal: &["name", "template", "created_by", "changed_by", "launched_by"],
    ..PLAIN
};

/// Where it stands which broadcasts are worked at.
pub const BROADCAST_JOB: Table = Table {
    name: "broadcast_job",
    says: "that a broadcast is being planned, waits for its time, or runs",
    key: "tenant · broadcast",
    subject: Subject::Tenant,
    ..PLAIN
};

/// Where it stands how far they are.
pub const BROADCAST_PROGRESS: Table = Table {
    name: "broadcast_progress",
    says: "how far a broadcast's plan, and its run, are",
    key: "tenant · broadcast",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Tenant,
    ..PLAIN
};

/// How long a broadcast is told of after it ended: 13 months.
pub const BROADCAST_KEPT: Duration = Duration::from_hours(24 * 396);
/// How long a plan may wait for its launch.
pub const PLAN_LASTS: Duration = Duration::from_hours(24 * 30);

/// Where a broadcast stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BroadcastState {
    /// It can be changed.
    Draft,
    /// Its recipients are being written down.
    Planning,
    /// They are: it can be launched.
    Ready,
    /// It waits for its time.
    Scheduled,
    /// It is being sent.
    Running,
    /// It is not, until somebody says so.
    Paused,
    /// Everybody was sent to, or cannot be.
    Done,
    /// Somebody ended it before.
    Cancelled,
    /// Somebody deleted it: what is kept of it goes, and then this.
    Removing,
}

impl BroadcastState {
    /// Name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Planning => "planning",
            Self::Ready => "ready",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Removing => "removing",
        }
    }

    /// Whether something is to be done about it.
    pub const fn is_worked_at(self) -> bool {
        matches!(
            self,
            Self::Planning | Self::Scheduled | Self::Running | Self::Paused | Self::Removing
        )
    }

    /// Whether it is at its end.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }

    /// Whether it can be changed.
    pub const fn may_change(self) -> bool {
        matches!(self, Self::Draft | Self::Ready)
    }

    /// Whether it can be deleted.
    pub const fn may_be_deleted(self) -> bool {
        matches!(self, Self::Draft | Self::Ready | Self::Done | Self::Cancelled)
    }
}

/// That the gateway paused one by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastPause {
    /// When.
    pub at: Timestamp,
    /// What Meta said, in its words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub said: Option<String>,
    /// What was counted, where a count was the reason.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub counted: Option<PauseCount>,
    /// Whether the audit log tells of it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub is_recorded: bool,
}

/// Too many of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseCount {
    /// How many were bad.
    pub bad: u32,
    /// Of how many.
    pub results: u32,
    /// The share, of a hundred, from which on it is paused.
    pub percent: u32,
    /// The seconds within which those went out.
    pub within_s: u64,
}

/// The template, and what fills it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BroadcastTemplate {
    /// Its name.
    pub name: String,
    /// Its language, as Meta writes it.
    pub language: String,
    /// In Meta's shape; where a text may stand there may be what it is taken from.
    #[serde(skip_serializing_if = "Value::is_null", default)]
    pub components: Value,
}

impl BroadcastTemplate {
    /// That of a draft for which none is chosen yet.
    pub const fn missing() -> Self {
        Self {
            name: String::new(),
            language: String::new(),
            components: Value::Null,
        }
    }

    /// Whether none is chosen yet.
    pub const fn is_missing(&self) -> bool {
        self.name.is_empty()
    }
}

/// Whom a broadcast is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum BroadcastAudience {
    /// Whoever is on a list.
    List {
        /// The list.
        list_id: ListId,
    },
    /// Whom a segment means.
    Segment {
        /// The segment.
        segment_id: SegmentId,
    },
    /// The rows of a file.
    Upload {},
    /// Whoever another broadcast, which is over, failed to reach, where sending again may help.
    Retry {
        /// The other.
        broadcast_id: BroadcastId,
    },
}

/// Whom it leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BroadcastExclusions {
    /// Whoever is on one of these lists.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub lists: Vec<ListId>,
    /// Whom one of these segments means.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub segments: Vec<SegmentId>,
}

/// A file of recipients that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedRecipients {
    /// Tells it from those before.
    pub upload: u64,
    /// What its columns are called.
    pub columns: Vec<String>,
    /// Which of them has the phone.
    pub phone: String,
    /// Its rows.
    pub rows: u32,
    /// The pieces in which they are kept.
    pub chunks: u32,
    /// When it came.
    pub at: Timestamp,
}

/// Recipients as they were written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastPlan {
    /// Which plan it is of the broadcast's.
    pub number: u32,
    /// The pieces in which they are kept.
    pub chunks: u32,
    /// All that are in the audience.
    pub total: u32,
    /// Those who are sent to.
    pub recipients: u32,
    /// How many are not, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub suppressed: BTreeMap<Unsendable, u32>,
    /// Those who are sent to, by the countries of their numbers. Of the others it is not known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub countries: BTreeMap<CountryCode, u32>,
    /// Where they are, where the broadcast has sending hours: each recipient names one by its place here.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub zones: Vec<ZoneSpan>,
    /// What the template's category makes of it.
    pub purpose: Purpose,
    /// When they were.
    pub at: Timestamp,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Broadcast {
    /// Its id.
    pub broadcast_id: BroadcastId,
    /// What people call it.
    pub name: String,
    /// What is sent.
    pub template: BroadcastTemplate,
    /// The numbers that send it. One, as yet.
    pub numbers: Vec<PhoneNumberId>,
    /// Whom it is for.
    pub audience: BroadcastAudience,
    /// Whom it leaves out.
    #[serde(default)]
    pub exclude: BroadcastExclusions,
    /// How fast it may be sent, below the number's rate.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rate: Option<SendRate>,
    /// When it is to begin; at once where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at: Option<Timestamp>,
    /// When it begins no more by itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_after: Option<Timestamp>,
    /// When it may be sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hours: Option<SendingHours>,
    /// When it is to begin in each recipient's zone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at_local: Option<LocalTime>,
    /// When it begins there no more by itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_after_local: Option<LocalTime>,
    /// Where it stands.
    pub state: BroadcastState,
    /// Counts its changes: whoever changes or launches it says which they saw.
    pub version: u64,
    /// Why it stands there, where no person wanted it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub problem: Option<BroadcastProblem>,
    /// What more there is to say of a pause that no person wanted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub paused: Option<BroadcastPause>,
    /// When a person last had it go on: what Meta said before is known to them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resumed_at: Option<Timestamp>,
    /// The file of recipients, for such an audience.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upload: Option<UploadedRecipients>,
    /// The plan that is there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub plan: Option<BroadcastPlan>,
    /// The number of the plan that was begun last: what a plan that was cut off left is known by it.
    #[serde(default)]
    pub plans: u32,
    /// The plan up to which nothing is left of any.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub plans_removed: u32,
    /// Files beside `upload` of which rows may be there: one that is being read, and those before, until their rows are removed.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub uploads_left: Vec<u64>,
    /// Who made it.
    pub created_by: Author,
    /// When.
    pub created_at: Timestamp,
    /// Who changed it last.
    pub changed_by: Author,
    /// When.
    pub changed_at: Timestamp,
    /// Who launched it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub launched_by: Option<Author>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub launched_at: Option<Timestamp>,
    /// The identity that the tenant's ledger had when somebody said last that it goes on. Another one since then tells that a loss was
    /// accepted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub launched_in: Option<Epoch>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended_at: Option<Timestamp>,
    /// The broadcast that sends to its failed recipients again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retried_by: Option<BroadcastId>,
}

impl Broadcast {
    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&BROADCAST, tenant)
    }

    /// One of them.
    pub fn at(tenant: TenantId, broadcast: BroadcastId) -> PlainKey {
        Self::of(tenant).row(broadcast.as_bytes())
    }

    /// Plans of which something may be there, also of such as were cut off.
    pub fn plans_left(&self) -> RangeInclusive<u32> {
        self.plans_removed.saturating_add(1)..=self.plans
    }

    /// Files of which rows may be there.
    pub fn uploads(&self) -> impl Iterator<Item = u64> + '_ {
        let named = self.upload.iter().map(|upload| upload.upload);
        named.chain(self.uploads_left.iter().copied())
    }

    /// The number that sends it.
    pub fn number(&self) -> Option<&PhoneNumberId> {
        self.numbers.first()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl PlainRow for Broadcast {
    const TABLE: &'static Table = &BROADCAST;

    fn expires(&self) -> Option<Timestamp> {
        self.ended_at.map(|ended| ended.after(BROADCAST_KEPT))
    }
}

/// That one is worked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastJob {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub broadcast: BroadcastId,
    /// When somebody last had it worked at: one that nothing is to be done about goes some time later.
    pub since: Timestamp,
}

impl BroadcastJob {
    /// All, of all tenants: there are few at a time.
    pub fn all() -> Partition {
        Partition::of(&BROADCAST_JOB, &[])
    }

    /// One of them.
    pub fn at(tenant: TenantId, broadcast: BroadcastId) -> PlainKey {
        Self::all().row(&[&tenant.get().to_be_bytes()[..], broadcast.as_bytes()].concat())
    }
}

impl PlainRow for BroadcastJob {
    const TABLE: &'static Table = &BROADCAST_JOB;
}

/// How far one is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastProgressRow {
    /// Of which plan.
    pub plan: u32,
    /// Of the audience, how many were read.
    #[serde(default)]
    pub read: u32,
    /// How many of them can be sent to.
    #[serde(default)]
    pub planned: u32,
    /// How many cannot.
    #[serde(default)]
    pub suppressed: u32,
    /// The recipient before whom all were handed to the ledger: at least those.
    #[serde(default)]
    pub next: u32,
    /// The same for each zone of the plan, 0 for one whose time to begin has not come. None where the plan has no zones.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub places: Vec<u32>,
    /// How many messages went within the last second or so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub per_second: Option<u32>,
    /// Until when it is kept.
    pub expires: Timestamp,
}

impl BroadcastProgressRow {
    /// A broadcast's.
    pub fn at(tenant: TenantId, broadcast: BroadcastId) -> PlainKey {
        Partition::of_tenant(&BROADCAST_PROGRESS, tenant).row(broadcast.as_bytes())
    }
}

impl PlainRow for BroadcastProgressRow {
    const TABLE: &'static Table = &BROADCAST_PROGRESS;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}
