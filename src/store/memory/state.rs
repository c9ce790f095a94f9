//! All that a store in memory holds.

use std::collections::BTreeMap;

use super::ledger::Ledger;
use super::plain::Plain;
use crate::domain::{JournalId, PhoneNumberId, TenantId, Timestamp};
use crate::store::error::StoreError;
use crate::store::{ApiKey, JournalEntry, KeyHash, Number, Quarantined, RetentionJob, Tenant};

/// What it holds.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) journal: BTreeMap<JournalId, JournalEntry>,
    pub(super) quarantine: BTreeMap<JournalId, Quarantined>,
    pub(super) ledgers: BTreeMap<TenantId, Ledger>,
    pub(super) tenants: BTreeMap<TenantId, Tenant>,
    pub(super) numbers: BTreeMap<PhoneNumberId, Number>,
    pub(super) numbers_version: i64,
    pub(super) keys: BTreeMap<KeyHash, ApiKey>,
    pub(super) leases: BTreeMap<TenantId, u64>,
    pub(super) plain: Plain,
    pub(super) jobs: BTreeMap<TenantId, RetentionJob>,
    pub(super) time: Option<Timestamp>,
}

impl State {
    /// A tenant's ledger, which must be open.
    pub(super) fn ledger(&mut self, tenant: TenantId) -> Result<&mut Ledger, StoreError> {
        self.ledgers.get_mut(&tenant).ok_or_else(StoreError::not_opened)
    }
}

/// The rows after an id, at most so many.
pub(super) fn values_after<T: Clone>(
    table: &BTreeMap<JournalId, T>,
    after: Option<JournalId>,
    limit: usize,
) -> Vec<T> {
    let start = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
    table
        .range((start, std::ops::Bound::Unbounded))
        .map(|(_, row)| row.clone())
        .take(limit)
        .collect()
}
