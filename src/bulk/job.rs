//! Carrying an import out: one batch after the other, each through the tenant's ledger, without an event.
//!
//! How far an import is stands in its row, about once a second. After a kill it goes on from there: what was noted since is noted again,
//! which changes nothing, and is counted as unchanged. While the store does not answer it waits, and is tried again later.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};

use super::batch::{Batch, Layout, ReadRow, Refused, Source};
use super::erased::{Erased, Looking};
use super::folder::{Budget, Told};
use super::import::{Import, ImportState};
use super::imports::{Imports, blocking};
use super::known::Definitions;
use super::reader::reading;
use super::records::Place;
use super::rows::{Reading, Row, RowError, RowProblem};
use super::waits::{Unanswered, Waits};
use super::wrong::{Wrong, most};
use crate::actors::request::Refusal;
use crate::crash::{self, CrashPoint};
use crate::domain::{
    AgentId, Alias, Contact, ContactAliases, ContactChange, ContactId, ImportId, TenantId, Timestamp,
};
use crate::shutdown::Shutdown;
use crate::store::StoreError;
use crate::store::op::{Audience, ChangeContact, ContactFate, Whom};
use crate::telemetry::labels::ImportedRow;
use crate::telemetry::metrics;

/// How often an import says how far it is.
const TOLD: Duration = Duration::from_secs(1);
/// Contacts that are changed at once: as many as the ledger takes into one batch, and no more of its room.
const AT_ONCE: usize = 64;
/// Why an import did not come to its end.
#[derive(Debug)]
pub(super) enum Ended {
    /// Somebody called it off, or removed it.
    CalledOff,
    /// The process ends; it goes on with the next.
    Stopped,
    /// The store or the tenant takes nothing: it is taken up again.
    Interrupted,
    /// It cannot go on.
    Failed(Failure),
}

/// What the business is told of an import that failed. Logs have the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    #[error("the file cannot be read any more: upload it again")]
    File,
    #[error("the file has more than {0} rows")]
    TooManyRows(u64),
    #[error("a list that everybody of the file was to be put on was deleted")]
    ListGone,
    #[error("the gateway cannot carry it out: its operators find why in its log")]
    Internal,
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "the file of an import cannot be read, or what was wrong with it not be written");
        Self::Failed(Failure::File)
    }
}

impl From<Unanswered> for Ended {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Stopped => Self::Stopped,
            Unanswered::Interrupted => Self::Interrupted,
            Unanswered::Failed(error) => {
                tracing::error!(%error, "an import cannot go on");
                Self::Failed(Failure::Internal)
            }
        }
    }
}

/// What became of a row.
type Fate = Result<ContactFate, RowProblem>;

/// An import that is being carried out.
pub(super) struct Job<'a> {
    imports: &'a Imports,
    tenant: TenantId,
    waits: Waits<'a>,
    /// Taken while it is read from.
    source: Option<Source>,
    /// Its row as it is now.
    row: Import,
    owners: BTreeMap<String, AgentId>,
    definitions: Definitions,
    reading: Arc<Reading>,
    /// Customers who were erased since it began.
    erased: Erased,
    told: Duration,
}

impl<'a> Job<'a> {
    /// Looks up what is to be done.
    pub(super) async fn begin(
        imports: &'a Imports,
        tenant: TenantId,
        import: ImportId,
        shutdown: &'a Shutdown,
    ) -> Result<Self, Ended> {
        let waits = Waits { shutdown };
        let key = Import::at(tenant, import);
        let row = waits.asked(|| imports.table::<Import>().get(&key)).await?;
        let row = row.ok_or(Ended::CalledOff)?.row;
        if row.state != ImportState::Running {
            return Err(Ended::CalledOff);
        }
        let owners = waits.asked(|| imports.owners(tenant)).await?;
        let layout = Layout {
            format: row.format,
            separator: row.separator,
            columns: row.columns.clone(),
        };
        let (folder, start) = (imports.folder.clone(), row.start);
        let source = blocking(move || {
            let open = |from| folder.open(tenant, import, from);
            Source::open(open, &layout, start)
        });
        Ok(Self {
            imports,
            tenant,
            waits,
            source: Some(source.await?),
            row,
            owners,
            definitions: Definitions::default(),
            reading: Arc::default(),
            erased: Erased::default(),
            told: imports.clock.monotonic(),
        })
    }
}

impl Job<'_> {
    /// Carries it out, to its end.
    pub(super) async fn go(&mut self) -> Result<(), Ended> {
        self.look_up_definitions().await?;
        self.erased = self.look_up_erased().await?;
        self.catch_up().await?;
        loop {
            if self.waits.shutdown.has_begun() {
                self.tell().await?;
                return Err(Ended::Stopped);
            }
            let (mut source, batch) = self.read(None).await?;
            let is_last = batch.is_last;
            let phones: Vec<Alias> = batch.rows.iter().map(|read| read.row.phone.clone()).collect();
            let contacts = self.apply(batch, &mut source).await?;
            let erased = self.look_up_erased().await?;
            let before = std::mem::replace(&mut self.erased, erased);
            self.erased.erase_again(&before, &phones, self.looking()).await?;
            let before = self.definitions.clone();
            self.look_up_definitions().await?;
            self.take_back(contacts, before.gone_since(&self.definitions))
                .await?;
            self.row.place = source.place();
            self.source = Some(source);
            crash::point(CrashPoint::AfterImportBatch);
            if is_last {
                self.row.state = ImportState::Done;
            } else if self.row.counts.rows > self.imports.settings.max_rows {
                self.tell().await?;
                return Err(Ended::Failed(Failure::TooManyRows(
                    self.imports.settings.max_rows,
                )));
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

    /// What the business has now. What was deleted meanwhile is found by no row any more.
    async fn look_up_definitions(&mut self) -> Result<(), Ended> {
        let found = self.waits.asked(|| self.imports.definitions(self.tenant)).await?;
        if !found.has_lists_of(&self.row) {
            return Err(Ended::Failed(Failure::ListGone));
        }
        if found != self.definitions || self.reading.fields.is_empty() {
            self.reading = Arc::new(found.reading(&self.row, self.owners.clone()));
            self.definitions = found;
        }
        Ok(())
    }

    async fn look_up_erased(&self) -> Result<Erased, Ended> {
        let found = Erased::look_up(self.looking(), self.started()).await?;
        Ok(found.begun_since(self.started()))
    }

    fn looking(&self) -> Looking<'_> {
        Looking {
            store: self.imports.store.as_ref(),
            tenant: self.tenant,
            now: self.imports.clock.now(),
            waits: self.waits,
        }
    }

    /// Reads again up to the place that was noted: whom the file has had is known by that.
    async fn catch_up(&mut self) -> Result<(), Ended> {
        let place = self.row.place;
        let is_behind = |source: &Option<Source>| {
            source
                .as_ref()
                .is_some_and(|source| source.place().byte < place.byte)
        };
        while is_behind(&self.source) {
            if self.waits.shutdown.has_begun() {
                return Err(Ended::Stopped);
            }
            let (mut source, batch) = self.read(Some(place)).await?;
            if batch.read == 0 {
                break;
            }
            for contact in self.known(&batch.rows).await?.into_iter().flatten() {
                self.is_first(&mut source, &contact);
            }
            self.source = Some(source);
        }
        Ok(())
    }

    /// Whether it is the first row about a contact. One that was made since the import began is told by its phone.
    fn is_first(&self, source: &mut Source, contact: &Contact) -> bool {
        contact.created > self.started() || source.had.note_contact(contact.id)
    }

    async fn read(&mut self, until: Option<Place>) -> Result<(Source, Batch), Ended> {
        let source = self.source.take();
        let rules = Arc::clone(&self.reading);
        reading(move || {
            let mut source = source.ok_or_else(|| io::Error::other("it is read already"))?;
            let batch = source.batch(&rules, until)?;
            Ok::<_, io::Error>((source, batch))
        })
        .await
        .map_err(Ended::from)
    }

    /// Notes what the rows say; counts, and tells what is wrong. Whom was changed.
    async fn apply(&mut self, batch: Batch, source: &mut Source) -> Result<Vec<ContactId>, Ended> {
        let Batch {
            rows,
            mut refused,
            read,
            ..
        } = batch;
        let known = self.known(&rows).await?;
        let mut due = Vec::with_capacity(rows.len());
        let mut fates: Vec<(ReadRow, Fate)> = Vec::with_capacity(rows.len());
        for (read, contact) in rows.into_iter().zip(known) {
            if self.erased.has(&read.row.phone) {
                fates.push((read, Err(RowProblem::Erased)));
                continue;
            }
            let is_first = contact
                .as_ref()
                .is_none_or(|contact| self.is_first(source, contact));
            match planned(&read.row, contact.as_ref(), self.started()) {
                _ if !is_first => fates.push((read, Err(RowProblem::Duplicate))),
                Ok(fate) if fate != ContactFate::Unchanged && !self.row.order.dry_run => due.push(read),
                fate => fates.push((read, fate)),
            }
        }
        let this = &*self;
        let noted = stream::iter(due).map(|read| async move {
            let fate = this.note(&read.row).await;
            (read, fate)
        });
        let noted: Vec<_> = noted.buffer_unordered(AT_ONCE).collect().await;
        let mut contacts = Vec::with_capacity(noted.len());
        for (read, noted) in noted {
            let fate = noted?.map(|(contact, fate)| {
                contacts.push(contact);
                fate
            });
            fates.push((read, fate));
        }
        let mut left_out = Vec::new();
        for (ReadRow { row, cells }, fate) in fates {
            let counts = &mut self.row.counts;
            match fate {
                Ok(fate) => {
                    match fate {
                        ContactFate::Created => counts.created += 1,
                        ContactFate::Changed => counts.updated += 1,
                        ContactFate::Unchanged => counts.unchanged += 1,
                    }
                    left_out.extend(row.left_out);
                }
                Err(problem) => refused.push(Refused::because(problem, row.line, cells)),
            }
        }
        let rejected = u64::try_from(refused.len()).unwrap_or(u64::MAX);
        self.row.counts.rows += read;
        self.row.counts.rejected += rejected;
        for (what, count) in [
            (ImportedRow::Accepted, read.saturating_sub(rejected)),
            (ImportedRow::Rejected, rejected),
        ] {
            metrics::import_rows_total(what).increment(count);
        }
        self.keep_wrong(refused, left_out).await?;
        Ok(contacts)
    }

    fn started(&self) -> Timestamp {
        self.row.started_at.unwrap_or(self.row.created_at)
    }

    /// Whom the rows are about, where they are known.
    async fn known(&self, rows: &[ReadRow]) -> Result<Vec<Option<Contact>>, Ended> {
        let store = &self.imports.store;
        let forms: Vec<Vec<Alias>> = rows.iter().map(|read| read.row.phone.forms().collect()).collect();
        let aliases: Vec<Alias> = forms.iter().flatten().cloned().collect();
        let ids = || store.contacts_by_alias(self.tenant, aliases.clone());
        let mut ids = self.waits.asked(ids).await?.into_iter();
        let ids: Vec<Option<ContactId>> = forms
            .iter()
            .map(|forms| {
                ids.by_ref()
                    .take(forms.len())
                    .fold(None, |known, id| known.or(id))
            })
            .collect();
        let wanted: Vec<ContactId> = ids.iter().flatten().copied().collect();
        let contacts = || store.contacts(self.tenant, wanted.clone());
        let mut contacts = self.waits.asked(contacts).await?;
        // What is noted of a merged contact stands on the card that stays.
        let merged = contacts
            .iter()
            .flatten()
            .filter_map(|contact| contact.merged_into);
        let cards: BTreeSet<ContactId> = merged.collect();
        let cards = || store.contacts(self.tenant, cards.iter().copied().collect());
        let cards = self.waits.asked(cards).await?.into_iter();
        let cards: BTreeMap<ContactId, Contact> = cards.flatten().map(|card| (card.id, card)).collect();
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
    async fn note(&self, row: &Row) -> Result<Result<(ContactId, ContactFate), RowProblem>, Ended> {
        let who = Whom::Named(ContactAliases::of([row.phone.clone()]));
        self.change(who, changes(row, self.started())).await
    }

    async fn change(
        &self,
        who: Whom,
        changes: Vec<ContactChange>,
    ) -> Result<Result<(ContactId, ContactFate), RowProblem>, Ended> {
        let change = ChangeContact {
            who,
            changes,
            by: self.row.by.clone(),
            audience: Audience::Nobody,
        };
        let mut failures = 0;
        loop {
            let changed = self.imports.tenants.change_contact(self.tenant, change.clone());
            match changed.await {
                Ok(changed) => return Ok(Ok(changed)),
                Err(Refusal::Busy | Refusal::Unavailable { .. } | Refusal::Uncertain) => {
                    self.waits.pause(&mut failures).await?;
                }
                Err(Refusal::ContactFull(_)) => return Ok(Err(RowProblem::TooMany)),
                Err(refusal @ (Refusal::Invalid(_) | Refusal::NotFound(_))) => {
                    tracing::warn!(%refusal, "a row of an import is not taken");
                    return Ok(Err(RowProblem::NotTaken));
                }
                Err(refusal) => {
                    tracing::error!(%refusal, "an import cannot go on");
                    return Err(Ended::Failed(Failure::Internal));
                }
            }
        }
    }

    /// Takes from contacts again what was deleted while they got it: whoever deleted it may have looked before.
    async fn take_back(&self, contacts: Vec<ContactId>, gone: Vec<ContactChange>) -> Result<(), Ended> {
        if gone.is_empty() || self.row.order.dry_run {
            return Ok(());
        }
        for contact in contacts {
            let _is_gone_too = self.change(Whom::Known(contact), gone.clone()).await?;
        }
        Ok(())
    }

    /// Keeps what was wrong, as far as there is room, and counts the rest.
    async fn keep_wrong(&mut self, refused: Vec<Refused>, left_out: Vec<RowError>) -> Result<(), Ended> {
        let wrong = Wrong::new(refused, left_out);
        for (problem, count) in wrong.reasons() {
            *self.row.reasons.entry(problem).or_default() += count;
        }
        self.row.counts.left_out += wrong.left_out();
        let key = (self.tenant, self.row.import_id);
        for told in Told::ALL {
            let count = wrong.count(told);
            let behind = *self.row.wrong_bytes(told);
            // What was cut once stays cut: nobody looks for a hole in the middle.
            let is_cut = *self.row.omitted(told) > 0 || behind >= most(self.row.bytes);
            let written = if count == 0 || is_cut {
                None
            } else {
                let lines = wrong.lines(told, &self.row);
                let (folder, budget) = (self.imports.folder.clone(), Budget::from(&self.imports.settings));
                blocking(move || folder.tell(key, told, behind, (&lines, &budget))).await?
            };
            match written {
                Some(bytes) => *self.row.wrong_bytes(told) = bytes,
                None => *self.row.omitted(told) += count,
            }
        }
        Ok(())
    }

    /// Says how far it is, unless it was called off.
    async fn tell(&mut self) -> Result<(), Ended> {
        self.told = self.imports.clock.monotonic();
        self.row.changed_at = self.imports.clock.now();
        let key = Import::at(self.tenant, self.row.import_id);
        let row = &self.row;
        // What says that it is here beside this changes nothing else. An answer that was lost is asked for again.
        let told = |before: Option<&Import>| {
            let is_ours = |before: &&Import| {
                *before == row || before.state == ImportState::Running && before.started_at == row.started_at
            };
            Ok::<_, StoreError>(
                before.map(|before| Some(before).filter(is_ours).map_or(before, |_| row).clone()),
            )
        };
        let table = self.imports.table::<Import>();
        let (_, after) = self.waits.asked(|| table.change(key.clone(), told)).await?;
        if after.as_ref() == Some(row) {
            Ok(())
        } else {
            Err(Ended::CalledOff)
        }
    }
}

/// What a row changes of its contact. Somebody stopped marketing when the row says so, else at the start of the import: what was
/// said since then counts.
fn changes(row: &Row, at: Timestamp) -> Vec<ContactChange> {
    let stopped = row.opted_out_at.map_or(at, |told| told.min(at));
    let stop = row.opted_out.then_some(ContactChange::NoMarketing(stopped));
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
