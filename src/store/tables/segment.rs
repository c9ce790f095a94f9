//! Segments: filters of contacts that a business keeps under a name.

use serde::{Deserialize, Serialize};

use super::{PLAIN, Subject, Table};
use crate::domain::{Author, SegmentId, TenantId, Timestamp};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where they are declared.
pub const SEGMENT: Table = Table {
    name: "segment",
    says: "a filter of contacts under a name, and who changed it; a name or phone in it stays when that customer is erased",
    key: "tenant · segment",
    subject: Subject::Tenant,
    personal: &["name", "filter", "changed_by"],
    ..PLAIN
};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its id.
    pub segment_id: SegmentId,
    /// What it is called.
    pub name: String,
    /// Whom it means: a filter in its one form.
    pub filter: String,
    /// When it was changed last.
    pub changed_at: Timestamp,
    /// Who did.
    pub changed_by: Author,
}

impl Segment {
    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&SEGMENT, tenant)
    }

    /// One of them.
    pub fn at(tenant: TenantId, segment: SegmentId) -> PlainKey {
        Self::of(tenant).row(segment.as_bytes())
    }
}

impl PlainRow for Segment {
    const TABLE: &'static Table = &SEGMENT;
}
