//! Counting what a store holds, so that two of them can be compared.

use serde::Serialize;

use super::PAGE;
use crate::domain::ids::digest16;
use crate::domain::{TenantId, Timestamp};
use crate::store::error::StoreError;
use crate::store::plain::{Partition, PlainRecord};
use crate::store::retention::RetentionJob;
use crate::store::transfer::RecordKind;
use crate::store::{JournalEntry, Quarantined, Store};

/// How many rows, and a sum of their digests, whatever their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many.
    pub rows: u64,
    /// The sum.
    pub sum: u128,
}

impl Tally {
    fn add(&mut self, digest: u128) {
        self.rows = self.rows.saturating_add(1);
        self.sum = self.sum.wrapping_add(digest);
    }

    fn of(rows: &[impl Serialize]) -> Result<Self, StoreError> {
        let mut tally = Self::default();
        for row in rows {
            let text = serde_json::to_vec(row).map_err(|error| StoreError::corrupt("row", error))?;
            tally.add(u128::from_be_bytes(digest16(&[&text])));
        }
        Ok(tally)
    }
}

/// Rows that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Whose; `None` for what is counted over all tenants.
    pub tenant: Option<TenantId>,
    /// What kind of row.
    pub what: &'static str,
    /// How many.
    pub tally: Tally,
}

/// What is counted together.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Tenants,
    Numbers,
    Retention,
    Keys(TenantId),
    Rows(TenantId, RecordKind),
    Plain,
    Webhooks,
    Aside,
}

impl Part {
    /// Everything that there is of these tenants.
    pub(super) fn all(tenants: impl Iterator<Item = TenantId>) -> Vec<Self> {
        let mut parts = vec![Self::Tenants, Self::Numbers, Self::Retention, Self::Plain];
        for tenant in tenants {
            parts.push(Self::Keys(tenant));
            parts.extend(RecordKind::ALL.map(|kind| Self::Rows(tenant, kind)));
        }
        parts.extend([Self::Webhooks, Self::Aside]);
        parts
    }

    pub(super) const fn tenant(self) -> Option<TenantId> {
        match self {
            Self::Keys(tenant) | Self::Rows(tenant, _) => Some(tenant),
            Self::Tenants | Self::Numbers | Self::Retention | Self::Plain | Self::Webhooks | Self::Aside => {
                None
            }
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Tenants => "tenant",
            Self::Numbers => "number",
            Self::Retention => "retention_job",
            Self::Keys(_) => "api_key",
            Self::Rows(_, kind) => kind.table().name,
            Self::Plain => "plain_row",
            Self::Webhooks => "journal",
            Self::Aside => "quarantine",
        }
    }

    /// Counts it, without what ends before a time.
    pub(super) async fn count(self, store: &dyn Store, now: Timestamp) -> Result<Counted, StoreError> {
        let tally = match self {
            Self::Tenants => Tally::of(&store.tenants().await?)?,
            Self::Numbers => Tally::of(&store.numbers().await?)?,
            Self::Retention => Tally::of(&jobs(store).await?)?,
            Self::Keys(tenant) => Tally::of(&store.keys(tenant).await?)?,
            Self::Rows(tenant, kind) => rows(store, tenant, kind, now).await?,
            Self::Plain => plain_rows(store, now).await?,
            Self::Webhooks => webhooks(store).await?,
            Self::Aside => aside(store, now).await?,
        };
        Ok(Counted {
            tenant: self.tenant(),
            what: self.as_str(),
            tally,
        })
    }
}

async fn rows(
    store: &dyn Store,
    tenant: TenantId,
    kind: RecordKind,
    now: Timestamp,
) -> Result<Tally, StoreError> {
    let (mut tally, mut mark) = (Tally::default(), None);
    loop {
        let page = store.export(tenant, kind, mark, PAGE, now).await?;
        for record in &page.records {
            tally.add(record.digest()?);
        }
        match page.next {
            Some(next) => mark = Some(next),
            None => return Ok(tally),
        }
    }
}

/// Rows of all plain tables.
async fn plain_rows(store: &dyn Store, now: Timestamp) -> Result<Tally, StoreError> {
    let (mut tally, mut mark) = (Tally::default(), None);
    loop {
        let page = store.export_plain(mark, PAGE, now).await?;
        for PlainRecord { key, value } in &page.records {
            let Partition { table, part } = &key.partition;
            let expires = value.expires.map_or(i64::MAX, Timestamp::as_millis).to_be_bytes();
            let digest = digest16(&[table.as_bytes(), part, &key.sort, &expires, &value.body]);
            tally.add(u128::from_be_bytes(digest));
        }
        match page.next {
            Some(next) => mark = Some(next),
            None => return Ok(tally),
        }
    }
}

/// Changes of retention, those under way as they begin again where they come to.
async fn jobs(store: &dyn Store) -> Result<Vec<RetentionJob>, StoreError> {
    let jobs = store.retention_jobs().await?;
    Ok(jobs.into_iter().map(RetentionJob::elsewhere).collect())
}

async fn webhooks(store: &dyn Store) -> Result<Tally, StoreError> {
    let (mut tally, mut after) = (Tally::default(), None);
    loop {
        let page = store.journal_open(after, PAGE).await?;
        for JournalEntry { id, received, body } in &page {
            let received = received.as_millis().to_be_bytes();
            let digest = digest16(&[id.as_bytes(), &received, body]);
            tally.add(u128::from_be_bytes(digest));
        }
        match page.last() {
            Some(last) => after = Some(last.id),
            None => return Ok(tally),
        }
    }
}

async fn aside(store: &dyn Store, now: Timestamp) -> Result<Tally, StoreError> {
    let (mut tally, mut after) = (Tally::default(), None);
    loop {
        let page = store.quarantined(after, PAGE, now).await?;
        for Quarantined { id, at, reason, body } in &page {
            let at = at.as_millis().to_be_bytes();
            let digest = digest16(&[id.as_bytes(), &at, reason.as_bytes(), body]);
            tally.add(u128::from_be_bytes(digest));
        }
        match page.last() {
            Some(last) => after = Some(last.id),
            None => return Ok(tally),
        }
    }
}
