//! Copying a whole store into another one of any kind, page by page, and proving that both hold the same.
//!
//! Every page can be written again, so that a copy that was cut short goes on where it was last seen. The tenants themselves
//! come last: until then, a gateway on the new store would find nobody. Nobody may write to either store meanwhile.

mod tally;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::plain::PlainRecord;
use super::retention::RetentionJob;
use super::transfer::{Mark, Record, RecordKind};
use super::{Store, Tenant};
use crate::domain::{Clock, Epoch, Fence, Seq, TenantId, Timestamp};

use tally::Part;
pub use tally::{Counted, Tally};

/// Rows read at once.
const PAGE: usize = 500;
/// Rows written at once, and about as many bytes: on a cluster they become part of one row, the commit's record.
const TOGETHER: usize = 200;
const BYTES: usize = 1 << 20;
/// What ends within this time is not compared: one of the stores may have let go of it already.
const ENDING: Duration = Duration::from_mins(10);

/// Why a copy did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The store that is read.
    #[error("the source: {0}")]
    Source(StoreError),
    /// The store that is written.
    #[error("the target: {0}")]
    Target(StoreError),
    /// There is something already.
    #[error("the target is not empty: copy into a new folder or keyspace")]
    NotEmpty,
    /// Somebody writes to it.
    #[error(
        "the source changed while it was copied: stop everything that uses it, and begin again with a new target"
    )]
    Changed,
    /// They are not the same.
    #[error(
        "{what}: {source_rows} rows in the source and {target_rows} in the target; with the same number, not the same ones"
    )]
    Differs {
        /// Whose, and what kind of row.
        what: String,
        /// How many there are.
        source_rows: u64,
        /// How many came over.
        target_rows: u64,
    },
    /// Where the copy is cannot be kept.
    #[error("cannot keep {path}: {reason}")]
    Progress {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
}

/// Where a ledger stood when the copy began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stood {
    tenant: TenantId,
    epoch: Epoch,
    head: Seq,
}

/// How far a copy is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyState {
    /// When it began; what had ended by then is left behind.
    pub began: Timestamp,
    ledgers: Vec<Stood>,
    at: Option<At>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct At {
    tenant: TenantId,
    kind: RecordKind,
    mark: Option<Mark>,
}

/// Who is told how far it is. What it is told of is durable in the target.
pub type Watcher<'a> = dyn FnMut(&CopyState, &str) -> Result<(), CopyError> + Send + 'a;

/// Counts all that a copy would take over.
pub async fn count(source: &dyn Store, now: Timestamp) -> Result<Vec<Counted>, CopyError> {
    let tenants = source.tenants().await.map_err(CopyError::Source)?;
    let mut counted = Vec::new();
    for part in Part::all(tenants.iter().map(|tenant| tenant.id)) {
        counted.push(part.count(source, now).await.map_err(CopyError::Source)?);
    }
    Ok(counted)
}

/// Where all ledgers stand.
async fn ledgers(source: &dyn Store, now: Timestamp) -> Result<Vec<Stood>, CopyError> {
    let mut ledgers = Vec::new();
    for tenant in source.tenants().await.map_err(CopyError::Source)? {
        let page = source.export(tenant.id, RecordKind::Head, None, 1, now).await;
        for record in page.map_err(CopyError::Source)?.records {
            if let Record::Head { epoch, head } = record {
                let tenant = tenant.id;
                ledgers.push(Stood { tenant, epoch, head });
            }
        }
    }
    ledgers.sort_by_key(|stood| stood.tenant);
    Ok(ledgers)
}

/// A copy at work.
pub struct Copy<'a> {
    /// What is read.
    pub source: &'a dyn Store,
    /// What is written.
    pub target: &'a dyn Store,
    /// The time.
    pub clock: &'a dyn Clock,
}

impl Copy<'_> {
    /// Begins a copy. Refused unless the target is empty.
    pub async fn begin(&self) -> Result<CopyState, CopyError> {
        if !self.target.tenants().await.map_err(CopyError::Target)?.is_empty() {
            return Err(CopyError::NotEmpty);
        }
        let began = self.clock.now();
        Ok(CopyState {
            began,
            ledgers: ledgers(self.source, began).await?,
            at: None,
        })
    }

    /// Copies all that is left, then compares; what was compared.
    pub async fn run(
        &self,
        state: &mut CopyState,
        watcher: &mut Watcher<'_>,
    ) -> Result<Vec<Counted>, CopyError> {
        for stood in state.ledgers.clone() {
            if state.at.as_ref().is_some_and(|at| stood.tenant < at.tenant) {
                continue;
            }
            self.ledger(stood, state, watcher).await?;
        }
        self.waiting().await?;
        self.plain_rows(state, watcher).await?;
        self.directory().await?;
        watcher(state, "comparing")?;
        let counted = self.compare(watcher, state).await?;
        if ledgers(self.source, state.began).await? != state.ledgers {
            return Err(CopyError::Changed);
        }
        Ok(counted)
    }

    async fn ledger(
        &self,
        stood: Stood,
        state: &mut CopyState,
        watcher: &mut Watcher<'_>,
    ) -> Result<(), CopyError> {
        let tenant = stood.tenant;
        let fence = self.target.lease(tenant).await;
        let fence = fence.map_err(CopyError::Target)?;
        let opened = self.target.open_tenant(tenant, fence, stood.epoch).await;
        if opened.map_err(CopyError::Target)?.epoch != stood.epoch {
            return Err(CopyError::NotEmpty);
        }
        for kind in RecordKind::ALL {
            let at = state.at.take().filter(|at| at.tenant == tenant);
            let mut mark = match at {
                Some(at) if kind < at.kind => {
                    state.at = Some(at);
                    continue;
                }
                Some(at) if kind == at.kind => at.mark,
                _ => None,
            };
            let mut rows = 0_usize;
            loop {
                let page = self.source.export(tenant, kind, mark, PAGE, state.began).await;
                let page = page.map_err(CopyError::Source)?;
                rows = rows.saturating_add(page.records.len());
                self.import(tenant, fence, page.records).await?;
                mark = page.next;
                state.at = Some(At {
                    tenant,
                    kind,
                    mark: mark.clone(),
                });
                watcher(state, &format!("tenant {tenant}: {} {rows}", kind.table().name))?;
                if mark.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn import(&self, tenant: TenantId, fence: Fence, records: Vec<Record>) -> Result<(), CopyError> {
        let mut some = Vec::new();
        let mut bytes = 0_usize;
        for record in records {
            let size = record.size();
            if some.len() >= TOGETHER || (bytes.saturating_add(size) > BYTES && !some.is_empty()) {
                self.write(tenant, fence, std::mem::take(&mut some)).await?;
                bytes = 0;
            }
            bytes = bytes.saturating_add(size);
            some.push(record);
        }
        if some.is_empty() {
            return Ok(());
        }
        self.write(tenant, fence, some).await
    }

    async fn write(&self, tenant: TenantId, fence: Fence, records: Vec<Record>) -> Result<(), CopyError> {
        let now = self.clock.now();
        let written = self.target.import(tenant, fence, records, now).await;
        written.map_err(CopyError::Target)
    }

    /// Webhooks that wait to be applied, and what was put aside.
    async fn waiting(&self) -> Result<(), CopyError> {
        let mut after = None;
        loop {
            let page = self
                .source
                .journal_open(after, PAGE)
                .await
                .map_err(CopyError::Source)?;
            let Some(last) = page.last().map(|entry| entry.id) else {
                break;
            };
            for entry in page {
                self.target
                    .journal_append(entry)
                    .await
                    .map_err(CopyError::Target)?;
            }
            after = Some(last);
        }
        let (mut after, now) = (None, self.clock.now());
        loop {
            let page = self.source.quarantined(after, PAGE, now).await;
            let page = page.map_err(CopyError::Source)?;
            let Some(last) = page.last().map(|item| item.id) else {
                break;
            };
            for item in page {
                self.target.quarantine(item).await.map_err(CopyError::Target)?;
            }
            after = Some(last);
        }
        Ok(())
    }

    /// Rows of all plain tables. They are few beside messages: a copy that was cut short offers them again from the first on.
    async fn plain_rows(&self, state: &CopyState, watcher: &mut Watcher<'_>) -> Result<(), CopyError> {
        let (mut mark, mut rows) = (None, 0_usize);
        loop {
            let page = self.source.export_plain(mark, PAGE, state.began).await;
            let page = page.map_err(CopyError::Source)?;
            rows = rows.saturating_add(page.records.len());
            for PlainRecord { key, value } in page.records {
                let now = self.clock.now();
                let written = self.target.replace_plain_row(key, None, Some(value), now).await;
                if !written.map_err(CopyError::Target)? {
                    return Err(CopyError::NotEmpty);
                }
            }
            mark = page.next;
            watcher(state, &format!("plain rows {rows}"))?;
            if mark.is_none() {
                return Ok(());
            }
        }
    }

    /// Who is who; the tenants themselves last.
    async fn directory(&self) -> Result<(), CopyError> {
        let tenants = self.source.tenants().await.map_err(CopyError::Source)?;
        for number in self.source.numbers().await.map_err(CopyError::Source)? {
            self.target.put_number(number).await.map_err(CopyError::Target)?;
        }
        for tenant in &tenants {
            for key in self.source.keys(tenant.id).await.map_err(CopyError::Source)? {
                self.target.put_key(key).await.map_err(CopyError::Target)?;
            }
        }
        let jobs = self.source.retention_jobs().await.map_err(CopyError::Source)?;
        for tenant in tenants {
            let job = jobs.iter().find(|job| job.tenant == tenant.id);
            self.put_tenant(tenant, job).await.map_err(CopyError::Target)?;
        }
        Ok(())
    }

    async fn put_tenant(&self, tenant: Tenant, job: Option<&RetentionJob>) -> Result<(), StoreError> {
        match job {
            Some(job) => self.target.begin_retention(tenant, job.clone().elsewhere()).await,
            None => self.target.put_tenant(tenant).await,
        }
    }

    /// Compares everything that does not end just now.
    pub(super) async fn compare(
        &self,
        watcher: &mut Watcher<'_>,
        state: &CopyState,
    ) -> Result<Vec<Counted>, CopyError> {
        let now = self.clock.now().after(ENDING);
        let mut counted = Vec::new();
        for part in Part::all(state.ledgers.iter().map(|stood| stood.tenant)) {
            let here = part.count(self.source, now).await.map_err(CopyError::Source)?;
            let there = part.count(self.target, now).await.map_err(CopyError::Target)?;
            let what = named(here.tenant, here.what);
            if here != there {
                return Err(CopyError::Differs {
                    what,
                    source_rows: here.tally.rows,
                    target_rows: there.tally.rows,
                });
            }
            counted.push(here);
            watcher(state, &format!("{what} compared"))?;
        }
        Ok(counted)
    }
}

fn named(tenant: Option<TenantId>, what: &str) -> String {
    tenant.map_or_else(|| what.to_owned(), |tenant| format!("tenant {tenant}: {what}"))
}
