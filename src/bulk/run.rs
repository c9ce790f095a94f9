//! Carrying imports out: one batch after the other, each through the tenant's ledger, without an event.
//!
//! How far an import is stands in its row, about once a second. After a kill it goes on from there: what was noted since is noted again,
//! which changes nothing, and is counted as unchanged.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::task::{Id, JoinSet};
use tokio::time::MissedTickBehavior;

use super::batch::{Batch, Layout, Source};
use super::cells::write_line;
use super::import::{Import, ImportState};
use super::imports::{ImportError, Imports, blocking};
use super::rows::{Reading, Row, RowError, RowProblem};
use crate::actors::request::Refusal;
use crate::crash::{self, CrashPoint};
use crate::domain::{
    Alias, Backoff, Contact, ContactAliases, ContactChange, ContactId, ImportId, TenantId, Timestamp,
};
use crate::shutdown::Shutdown;
use crate::store::StoreError;
use crate::store::op::{Audience, ChangeContact, ContactFate, Whom};
use crate::store::plain::Found;
use crate::telemetry::labels::ImportedRow;
use crate::telemetry::metrics;

/// How often it is looked for imports that nobody told of: those of an earlier run.
const LOOK: Duration = Duration::from_secs(10);
/// How often an import says how far it is.
const TOLD: Duration = Duration::from_secs(1);
/// Contacts that are changed at once: as many as the ledger takes into one batch, and no more of its room.
const AT_ONCE: usize = 64;
/// Waits while the store or the tenant takes nothing, and how often it is tried: some ten minutes.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(200), Duration::from_secs(10));
const TRIES: u32 = 65;
/// Bytes of what was wrong that are kept; the rest is counted.
const MOST_ERRORS: u64 = 4 << 20;

/// Why an import did not come to its end.
#[derive(Debug)]
enum Ended {
    /// Somebody called it off, or removed it.
    CalledOff,
    /// The process ends; it goes on with the next.
    Stopped,
    /// It cannot go on.
    Failed(String),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Failed(format!("the file cannot be read: {error}"))
    }
}

/// What became of a row.
enum Fate {
    Contact(ContactFate),
    Wrong(RowProblem),
}

impl Imports {
    /// Carries imports out until the process ends.
    pub async fn run(self: &Arc<Self>, shutdown: &Shutdown) {
        let folder = self.folder.clone();
        if let Err(error) = blocking(move || folder.clear()).await {
            tracing::warn!(%error, "files that did not come to their end cannot be removed");
        }
        let mut due = tokio::time::interval(LOOK);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut jobs = JoinSet::new();
        let mut under_way: BTreeMap<Id, (TenantId, ImportId)> = BTreeMap::new();
        while !shutdown.has_begun() {
            tokio::select! {
                () = shutdown.begun() => break,
                () = self.wake.notified() => {}
                _ = due.tick() => {}
                Some(ended) = jobs.join_next_with_id() => {
                    let id = match ended {
                        Ok((id, ())) => id,
                        Err(error) => error.id(),
                    };
                    under_way.remove(&id);
                }
            }
            if let Err(error) = self.look(&mut jobs, &mut under_way, shutdown).await {
                tracing::warn!(%error, "cannot tell which imports are to be carried out");
            }
            let running = u64::try_from(under_way.len()).unwrap_or(u64::MAX);
            metrics::imports_running().set(metrics::number(running));
        }
        while jobs.join_next().await.is_some() {}
    }

    /// Begins what can be begun, one import of a tenant at a time, and removes files that nobody needs.
    async fn look(
        self: &Arc<Self>,
        jobs: &mut JoinSet<()>,
        under_way: &mut BTreeMap<Id, (TenantId, ImportId)>,
        shutdown: &Shutdown,
    ) -> Result<(), ImportError> {
        let folder = self.folder.clone();
        for (tenant, import) in blocking(move || folder.list()).await? {
            if under_way.values().any(|job| *job == (tenant, import)) {
                continue;
            }
            let row = self.table::<Import>().get(&Import::at(tenant, import)).await?;
            let folder = self.folder.clone();
            let Some(row) = row.map(|found| found.row) else {
                blocking(move || folder.remove(tenant, import)).await?;
                continue;
            };
            if !row.needs_file(self.clock.now()) {
                blocking(move || folder.remove_data(tenant, import)).await?;
            } else if row.state == ImportState::Running {
                let is_busy = under_way.values().any(|(busy, _)| *busy == tenant);
                if under_way.len() < self.settings.at_once && !is_busy {
                    let (imports, shutdown) = (Arc::clone(self), shutdown.clone());
                    let job = async move { imports.carry_out(tenant, import, &shutdown).await };
                    under_way.insert(jobs.spawn(job).id(), (tenant, import));
                }
            }
        }
        Ok(())
    }

    async fn carry_out(&self, tenant: TenantId, import: ImportId, shutdown: &Shutdown) {
        let ended = match self.get(tenant, import).await {
            Ok(found) => match self.job(tenant, found).await {
                Ok(mut job) => job.go(shutdown).await,
                Err(ended) => Err(ended),
            },
            Err(error) => Err(Ended::Failed(error.to_string())),
        };
        match ended {
            Ok(()) => tracing::info!(tenant.id = %tenant, import.id = %import, "an import is done"),
            Err(Ended::Stopped | Ended::CalledOff) => {}
            Err(Ended::Failed(error)) => {
                tracing::warn!(tenant.id = %tenant, import.id = %import, error, "an import failed");
                self.fail(tenant, import, error).await;
            }
        }
    }

    /// Says in its row why it failed.
    async fn fail(&self, tenant: TenantId, import: ImportId, error: String) {
        let now = self.clock.now();
        let changed = self
            .table::<Import>()
            .change::<StoreError>(Import::at(tenant, import), |before| {
                Ok(before.map(|before| match before.state {
                    ImportState::Running => Import {
                        state: ImportState::Failed,
                        error: Some(error.clone()),
                        changed_at: now,
                        ..before.clone()
                    },
                    _ => before.clone(),
                }))
            });
        if let Err(error) = changed.await {
            // It stays as running, and is tried again.
            tracing::warn!(%error, "it cannot be noted that an import failed");
        }
    }

    async fn job(&self, tenant: TenantId, found: Found<Import>) -> Result<Job<'_>, Ended> {
        let row = found.row.clone();
        let reading = Arc::new(self.reading(tenant, &row).await?);
        let layout = Layout {
            format: row.format,
            separator: row.separator,
            columns: row.columns.clone(),
        };
        let (folder, import, places) = (self.folder.clone(), row.import_id, (row.start, row.place));
        let with = Arc::clone(&reading);
        let source = blocking(move || {
            let open = |from| folder.open(tenant, import, from);
            Source::open(open, &layout, places, &with)
        });
        Ok(Job {
            imports: self,
            tenant,
            source: Some(source.await?),
            found,
            row,
            reading,
            told: self.clock.monotonic(),
        })
    }
}

/// An import that is being carried out.
struct Job<'a> {
    imports: &'a Imports,
    tenant: TenantId,
    /// Taken while it is read from.
    source: Option<Source>,
    /// Its row as it stands.
    found: Found<Import>,
    /// Its row as it is now.
    row: Import,
    reading: Arc<Reading>,
    told: Duration,
}

impl Job<'_> {
    async fn go(&mut self, shutdown: &Shutdown) -> Result<(), Ended> {
        loop {
            if shutdown.has_begun() {
                self.tell().await?;
                return Err(Ended::Stopped);
            }
            let (mut source, batch) = self.read().await?;
            let is_last = batch.is_last;
            self.apply(batch, &mut source).await?;
            self.row.place = source.place();
            self.source = Some(source);
            crash::point(CrashPoint::AfterImportBatch);
            if is_last {
                self.row.state = ImportState::Done;
            } else if self.row.counts.rows > self.imports.settings.max_rows {
                let most = self.imports.settings.max_rows;
                self.tell().await?;
                return Err(Ended::Failed(format!("the file has more than {most} rows")));
            }
            let since = self.imports.clock.monotonic().saturating_sub(self.told);
            if is_last || since >= TOLD {
                self.tell().await?;
            }
            if is_last && self.row.order.dry_run {
                return Ok(());
            }
            if is_last {
                let (folder, tenant, import) = (self.imports.folder.clone(), self.tenant, self.row.import_id);
                blocking(move || folder.remove_data(tenant, import)).await?;
                return Ok(());
            }
        }
    }

    async fn read(&mut self) -> Result<(Source, Batch), Ended> {
        let source = self.source.take();
        let reading = Arc::clone(&self.reading);
        blocking(move || {
            let mut source = source.ok_or_else(|| io::Error::other("it is read already"))?;
            let batch = source.batch(&reading)?;
            Ok::<_, io::Error>((source, batch))
        })
        .await
        .map_err(Ended::from)
    }

    /// Notes what the rows say; counts, and tells what is wrong.
    async fn apply(&mut self, batch: Batch, source: &mut Source) -> Result<(), Ended> {
        let Batch {
            rows,
            mut errors,
            read,
            mut rejected,
            ..
        } = batch;
        let known = self.known(&rows).await?;
        let mut due = Vec::with_capacity(rows.len());
        let mut fates: Vec<(u64, Fate)> = Vec::with_capacity(rows.len());
        for (row, contact) in rows.into_iter().zip(known) {
            let line = row.line;
            let is_new = contact
                .as_ref()
                .is_none_or(|contact| source.had.note_contact(contact.id));
            match planned(&row, contact.as_ref(), self.started()) {
                _ if !is_new => fates.push((line, Fate::Wrong(RowProblem::Duplicate))),
                Ok(ContactFate::Unchanged) => fates.push((line, Fate::Contact(ContactFate::Unchanged))),
                Ok(fate) if self.row.order.dry_run => fates.push((line, Fate::Contact(fate))),
                Ok(_) => due.push(row),
                Err(problem) => fates.push((line, Fate::Wrong(problem))),
            }
        }
        let this = &*self;
        let noted = stream::iter(due).map(|row| async move { (row.line, this.note(row).await) });
        let noted: Vec<_> = noted.buffer_unordered(AT_ONCE).collect().await;
        for (line, fate) in noted {
            let (contact, fate) = fate?;
            if let Some(contact) = contact {
                source.had.note_contact(contact);
            }
            fates.push((line, fate));
        }
        for (line, fate) in fates {
            let counts = &mut self.row.counts;
            match fate {
                Fate::Contact(ContactFate::Created) => counts.created += 1,
                Fate::Contact(ContactFate::Changed) => counts.updated += 1,
                Fate::Contact(ContactFate::Unchanged) => counts.unchanged += 1,
                Fate::Wrong(problem) => {
                    rejected += 1;
                    errors.push(problem.of_record(line));
                }
            }
        }
        self.row.counts.rows += read;
        self.row.counts.rejected += rejected;
        for (what, count) in [
            (ImportedRow::Accepted, read.saturating_sub(rejected)),
            (ImportedRow::Rejected, rejected),
        ] {
            metrics::import_rows_total(what).increment(count);
        }
        errors.sort_by_key(|error| (error.line, error.column));
        self.keep_errors(&errors).await
    }

    fn started(&self) -> Timestamp {
        self.row.started_at.unwrap_or(self.row.created_at)
    }

    /// Whom the rows are about, where they are known.
    async fn known(&self, rows: &[Row]) -> Result<Vec<Option<Contact>>, Ended> {
        let store = &self.imports.store;
        let forms: Vec<Vec<Alias>> = rows.iter().map(|row| row.phone.forms().collect()).collect();
        let aliases: Vec<Alias> = forms.iter().flatten().cloned().collect();
        let mut ids = store.contacts_by_alias(self.tenant, aliases).await?.into_iter();
        let ids: Vec<Option<ContactId>> = forms
            .iter()
            .map(|forms| {
                ids.by_ref()
                    .take(forms.len())
                    .fold(None, |known, id| known.or(id))
            })
            .collect();
        let wanted: Vec<ContactId> = ids.iter().flatten().copied().collect();
        let mut contacts = store.contacts(self.tenant, wanted).await?;
        // What is noted of a merged contact stands on the card that stays.
        let merged = contacts
            .iter()
            .flatten()
            .filter_map(|contact| contact.merged_into);
        let cards: BTreeSet<ContactId> = merged.collect();
        let cards = store.contacts(self.tenant, cards.into_iter().collect()).await?;
        let cards: BTreeMap<ContactId, Contact> =
            cards.into_iter().flatten().map(|card| (card.id, card)).collect();
        for contact in contacts.iter_mut().flatten() {
            if let Some(card) = contact.merged_into.and_then(|main| cards.get(&main)) {
                contact.clone_from(card);
            }
        }
        let mut contacts = contacts.into_iter();
        Ok(ids
            .into_iter()
            .map(|id| id.and_then(|_| contacts.next().flatten()))
            .collect())
    }

    /// Notes what a row says, however often it takes.
    async fn note(&self, row: Row) -> Result<(Option<ContactId>, Fate), Ended> {
        let change = ChangeContact {
            who: Whom::Named(ContactAliases::of([row.phone.clone()])),
            changes: changes(&row, self.started()),
            by: self.row.by.clone(),
            audience: Audience::Nobody,
        };
        let mut failures = 0;
        loop {
            match self
                .imports
                .tenants
                .change_contact(self.tenant, change.clone())
                .await
            {
                Ok((contact, fate)) => return Ok((Some(contact), Fate::Contact(fate))),
                Err(Refusal::Busy | Refusal::Unavailable { .. } | Refusal::Uncertain) if failures < TRIES => {
                    failures += 1;
                    tokio::time::sleep(BACKOFF.after(failures)).await;
                }
                Err(Refusal::Invalid(_)) => return Ok((None, Fate::Wrong(RowProblem::TooMany))),
                Err(refusal) => return Err(Ended::Failed(refusal.to_string())),
            }
        }
    }

    /// Keeps what was wrong, as far as there is room.
    async fn keep_errors(&mut self, errors: &[RowError]) -> Result<(), Ended> {
        let behind = self.row.errors_bytes;
        if errors.is_empty() || behind >= MOST_ERRORS {
            return Ok(());
        }
        let mut lines = Vec::new();
        if behind == 0 {
            write_line(["line", "column", "code", "reason", "value"], &mut lines);
        }
        for error in errors {
            let column = error.column.and_then(|column| self.row.columns.get(column));
            let column = column.map_or("", String::as_str);
            let line = error.line.to_string();
            write_line(
                [&line, column, error.problem.as_str(), &error.reason, &error.value],
                &mut lines,
            );
        }
        self.row.errors_bytes += u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let (folder, tenant, import) = (self.imports.folder.clone(), self.tenant, self.row.import_id);
        blocking(move || folder.add_errors(tenant, import, behind, &lines)).await?;
        Ok(())
    }

    /// Says how far it is, unless it was called off.
    async fn tell(&mut self) -> Result<(), Ended> {
        self.told = self.imports.clock.monotonic();
        self.row.changed_at = self.imports.clock.now();
        let key = Import::at(self.tenant, self.row.import_id);
        let table = self.imports.table::<Import>();
        if !table.replace(&key, Some(&self.found), Some(&self.row)).await? {
            return Err(Ended::CalledOff);
        }
        let found = table.get(&key).await?.filter(|found| found.row == self.row);
        self.found = found.ok_or(Ended::CalledOff)?;
        Ok(())
    }
}

/// What a row changes of its contact.
fn changes(row: &Row, at: Timestamp) -> Vec<ContactChange> {
    let stop = row.opted_out.then_some(ContactChange::NoMarketing(at));
    row.changes.iter().cloned().chain(stop).collect()
}

/// What would become of a contact.
fn planned(row: &Row, contact: Option<&Contact>, at: Timestamp) -> Result<ContactFate, RowProblem> {
    let aliases = ContactAliases::of([row.phone.clone()]);
    let fresh = || Contact::new(ContactId::from_bytes([0; 16]), &aliases, at);
    let before = contact.cloned().unwrap_or_else(fresh);
    let mut after = before.clone();
    for change in changes(row, at) {
        after.change(&change).map_err(|_limit| RowProblem::TooMany)?;
    }
    Ok(match contact {
        None => ContactFate::Created,
        Some(_) if after == before => ContactFate::Unchanged,
        Some(_) => ContactFate::Changed,
    })
}
