//! Finding what is to be fetched: in the logs of the tenants that run here, and now and then of those that run nowhere.
//!
//! Each search is a task of its own: however much there is to be read, what is known already is fetched meanwhile.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::time::Instant;

use super::super::each;
use super::MediaJob;
use crate::domain::{Epoch, Seq, TenantId};
use crate::media::MediaError;
use crate::store::Sharing;
use crate::store::tables::MediaTask;

/// How often it is looked whether logs tell of new files. A look costs nothing where they do not.
const LOOK: Duration = Duration::from_millis(250);
/// How often it is looked whether something is left of tenants that do not run here.
const RECOVERY: Duration = Duration::from_mins(10);
/// How often it is written down how far logs were read, where there was nothing to fetch.
const NOTED: Duration = Duration::from_mins(5);
/// Pages of events that are read of one tenant before it is the next one's turn.
const PAGES: usize = 4;

/// What was found.
pub(super) enum Found {
    /// Files that are to be fetched.
    Tasks(TenantId, Vec<MediaTask>),
    /// A tenant whose rows may say more.
    Rows(TenantId),
    /// A tenant that another gateway has.
    Elsewhere(TenantId),
}

/// How far a running tenant's log was read.
struct Log {
    epoch: Epoch,
    seq: Seq,
    /// How far the row says that it was read, and when it said so.
    noted: (Seq, Instant),
    /// Whether more was there than was read.
    is_behind: bool,
}

/// Nobody takes what is found any more: the process ends.
struct Over;

async fn tell(found: &Sender<Found>, what: Found) -> Result<(), Over> {
    found.send(what).await.map_err(|_closed| Over)
}

/// Reads the logs that tell of new files, for ever.
pub(super) async fn watch(job: &MediaJob, found: &Sender<Found>) {
    let mut due = each(LOOK);
    let mut logs = HashMap::new();
    loop {
        due.tick().await;
        let running = job.directory.running();
        let here: HashSet<TenantId> = running.iter().map(|one| one.row.id).collect();
        logs.retain(|tenant, _| here.contains(tenant));
        for one in running {
            let tenant = one.row.id;
            // In this order: what is told of up to the head is counted by then.
            let (head, told) = (one.ledger.head(), one.ledger.told_file());
            let looked = job.look_at(tenant, (head.epoch, head.head), told, &mut logs);
            match looked.await {
                Ok(new) => {
                    for what in new {
                        if tell(found, what).await.is_err() {
                            return;
                        }
                    }
                }
                Err(error) => tracing::warn!(tenant.id = %tenant, %error, "new files are looked for again"),
            }
        }
    }
}

/// Takes on what a process that was killed left, of all tenants that do not run here and that no other gateway has, for ever.
pub(super) async fn recover(job: &MediaJob, found: &Sender<Found>) {
    let mut due = each(RECOVERY);
    loop {
        due.tick().await;
        let tenants = match job.directory.store().tenants().await {
            Ok(tenants) => tenants,
            Err(error) => {
                tracing::warn!(%error, "cannot tell of which tenants files are to be fetched");
                continue;
            }
        };
        let running = job.directory.running();
        let here: HashSet<TenantId> = running.iter().map(|one| one.row.id).collect();
        let left = tenants.into_iter().map(|tenant| tenant.id);
        // Whether each was begun with.
        let mut left: VecDeque<(TenantId, bool)> = left
            .filter(|tenant| !here.contains(tenant))
            .map(|tenant| (tenant, false))
            .collect();
        while let Some((tenant, is_begun)) = left.pop_front() {
            if job.shutdown.has_begun() {
                return;
            }
            let told = match job.directory.elsewhere(tenant).await {
                Ok(None) if is_begun => Ok(()),
                Ok(None) => match job.takes_on(tenant).await {
                    Ok(true) => tell(found, Found::Rows(tenant)).await,
                    Ok(false) => match tell(found, Found::Elsewhere(tenant)).await {
                        Ok(()) => continue,
                        Err(over) => Err(over),
                    },
                    Err(error) => {
                        tracing::warn!(tenant.id = %tenant, %error, "files that are to be fetched are looked for again");
                        continue;
                    }
                },
                Ok(Some(_)) => match tell(found, Found::Elsewhere(tenant)).await {
                    Ok(()) => continue,
                    Err(over) => Err(over),
                },
                Err(_undecided) => continue,
            };
            if told.is_err() {
                return;
            }
            match job.read_left(tenant).await {
                Ok((tasks, is_all)) => {
                    if tell(found, Found::Tasks(tenant, tasks)).await.is_err() {
                        return;
                    }
                    if !is_all {
                        left.push_back((tenant, true));
                    }
                }
                Err(error) => {
                    tracing::warn!(tenant.id = %tenant, %error, "files that are to be fetched are looked for again");
                }
            }
        }
    }
}

/// Reads all rows of a tenant's files that are to be fetched. Whether that was possible.
pub(super) async fn load(job: &MediaJob, tenant: TenantId, found: &Sender<Found>) -> Result<(), ()> {
    let mut after = None;
    loop {
        let page = job.media.open_tasks(tenant, after).await;
        let (tasks, next) = page.map_err(|error| {
            tracing::warn!(tenant.id = %tenant, %error, "files that are to be fetched are looked for again");
        })?;
        let told = tell(found, Found::Tasks(tenant, tasks)).await;
        after = next;
        if told.is_err() || after.is_none() {
            return Ok(());
        }
    }
}

impl MediaJob {
    /// Whether what is left of a tenant that runs nowhere is for this gateway to fetch. Of most tenants nothing is left.
    async fn takes_on(&self, tenant: TenantId) -> Result<bool, MediaError> {
        if self.directory.store().sharing() == Sharing::Alone {
            return Ok(true);
        }
        Ok(self.has_left(tenant).await? && self.media.take_on(tenant).await?)
    }

    async fn has_left(&self, tenant: TenantId) -> Result<bool, MediaError> {
        if !self.media.open_tasks(tenant, None).await?.0.is_empty() {
            return Ok(true);
        }
        let Some(head) = self.directory.store().tenant_head(tenant).await? else {
            return Ok(false);
        };
        Ok(self.media.read_to(tenant, head.epoch).await? < head.head)
    }

    async fn look_at(
        &self,
        tenant: TenantId,
        (epoch, head): (Epoch, Seq),
        told: Seq,
        logs: &mut HashMap<TenantId, Log>,
    ) -> Result<Vec<Found>, MediaError> {
        let mut new = Vec::new();
        let known = logs.get(&tenant).filter(|log| log.epoch == epoch);
        if known.is_none() {
            let seq = self.media.read_to(tenant, epoch).await?;
            new.push(Found::Rows(tenant));
            let log = Log {
                epoch,
                seq,
                noted: (seq, Instant::now()),
                is_behind: seq < head,
            };
            logs.insert(tenant, log);
        }
        let Some(log) = logs.get_mut(&tenant) else {
            return Ok(new);
        };
        if log.is_behind || told > log.seq {
            let found = self.media.discover(tenant, log.seq, PAGES).await?;
            log.is_behind = !found.is_all;
            log.seq = found.seq;
            new.push(Found::Tasks(tenant, found.tasks));
        } else if head > log.seq {
            log.seq = head;
        }
        let (noted, at) = log.noted;
        if log.seq > noted && at.elapsed() > NOTED {
            self.media.note_read(tenant, epoch, log.seq).await?;
            log.noted = (log.seq, Instant::now());
        }
        Ok(new)
    }

    /// Reads on in the log of a tenant that does not run; whether that was all.
    async fn read_left(&self, tenant: TenantId) -> Result<(Vec<MediaTask>, bool), MediaError> {
        let Some(head) = self.directory.store().tenant_head(tenant).await? else {
            return Ok((Vec::new(), true));
        };
        let from = self.media.read_to(tenant, head.epoch).await?;
        if from >= head.head {
            return Ok((Vec::new(), true));
        }
        let found = self.media.discover(tenant, from, PAGES).await?;
        if found.seq > from {
            self.media.note_read(tenant, head.epoch, found.seq).await?;
        }
        Ok((found.tasks, found.is_all || found.seq >= head.head))
    }
}

#[cfg(test)]
mod tests;
