//! A file of recipients: taken as it comes, read by the reader of imports, and kept in rows, so that whoever has the tenant plans it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;

use super::Broadcasts;
use super::changes::there;
use super::error::BroadcastError;
use crate::bulk::batch::{Batch, Cells, Layout, Source};
use crate::bulk::cells::plain;
use crate::bulk::erased::Erased;
use crate::bulk::fields::{Field, suggest};
use crate::bulk::folder::Budget;
use crate::bulk::imports::{ImportError, blocking};
use crate::bulk::look::look;
use crate::bulk::phones::Country;
use crate::bulk::reader::reading;
use crate::bulk::records::Format;
use crate::bulk::rows::{Reading, RowProblem};
use crate::bulk::uploads::{Coming, receive};
use crate::domain::{Author, BroadcastId, ImportId, TenantId, Timestamp};
use crate::store::StoreError;
use crate::store::pieces::Pieces;
use crate::store::tables::{
    Broadcast, BroadcastAudience, BroadcastState, BroadcastUpload, CHUNK_BYTES, CHUNK_RECIPIENTS, Unsendable,
    UploadedRecipients, UploadedRow,
};
use crate::tenant_places::NoPlace;

/// How long rows wait for a launch: they are customers' data.
const KEPT: std::time::Duration = std::time::Duration::from_hours(7 * 24);
/// Bytes of one row's cells that are kept.
const LONGEST_ROW: usize = 32 << 10;

/// A file that somebody brings.
#[derive(Debug)]
pub struct BroughtRecipients {
    /// For which broadcast.
    pub broadcast: BroadcastId,
    /// The column with the phone; found by its name where none is given.
    pub phone: Option<String>,
    /// The country of phones that are written without one.
    pub country: Option<Country>,
    /// Who brings it.
    pub by: Author,
    /// Tells it from those before.
    pub upload: u64,
}

impl Broadcasts {
    /// Takes a file as it comes. Whatever was planned before is planned again.
    pub async fn take_recipients<E>(
        &self,
        tenant: TenantId,
        brought: BroughtRecipients,
        pieces: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<Broadcast, BroadcastError> {
        let _place = self
            .places
            .take(tenant)
            .map_err(|NoPlace| BroadcastError::File(ImportError::Busy))?;
        demand(self.get(tenant, brought.broadcast).await?)?;
        // A name that no other file has, also one that comes at the same moment.
        let name = ImportId::from_bytes(crate::domain::ids::digest16(&[
            brought.broadcast.as_bytes(),
            &brought.upload.to_be_bytes(),
        ]));
        let (folder, budget) = (self.folder.clone(), Budget::from(&self.settings));
        let coming = Coming::new(self.folder.clone(), tenant, name);
        let begun = blocking(move || Ok::<_, ImportError>(folder.begin(tenant, name, budget)?));
        let upload = receive(begun.await?, pieces).await?;
        blocking(move || Ok::<_, ImportError>(upload.finish()?)).await?;
        let of = (tenant, brought.broadcast);
        let table = self.table::<Broadcast>();
        // Its rows are found by this before the first is there.
        let begin = |before: Option<&Broadcast>| {
            let mut row = demand(there(before)?.clone())?;
            row.uploads_left.push(brought.upload);
            Ok::<_, BroadcastError>(Some(row))
        };
        table.change(Broadcast::at(of.0, of.1), begin).await?;
        let kept = self.keep_rows(tenant, &brought, name).await;
        drop(coming);
        let now = self.clock.now();
        let named = match kept {
            Ok((kept, written)) => {
                let name = |before: Option<&Broadcast>| {
                    let before = demand(there(before)?.clone())?;
                    demand_own(&before, brought.upload)?;
                    let earlier = before.upload.as_ref().map(|earlier| earlier.upload);
                    let left = before.uploads_left.iter().copied();
                    let left = left.filter(|left| *left != brought.upload).chain(earlier);
                    Ok::<_, BroadcastError>(Some(Broadcast {
                        state: BroadcastState::Draft,
                        upload: Some(kept.clone()),
                        uploads_left: left.collect(),
                        problem: None,
                        plan: None,
                        version: before.version + 1,
                        changed_by: brought.by.clone(),
                        changed_at: now,
                        ..before
                    }))
                };
                let named = table.change(Broadcast::at(of.0, of.1), name).await;
                named.map_err(|error| (error, written))
            }
            Err(failed) => Err(failed),
        };
        match named {
            Ok((_, after)) => {
                let after = after.ok_or(BroadcastError::NotFound)?;
                for left in &after.uploads_left {
                    self.forget_upload(of, *left, 0).await?;
                }
                Ok(after)
            }
            Err((error, written)) => {
                self.forget_upload(of, brought.upload, written).await?;
                Err(error)
            }
        }
    }

    /// Removes the rows of a file beside the one that counts, and then what they were found by.
    async fn forget_upload(
        &self,
        (tenant, broadcast): (TenantId, BroadcastId),
        upload: u64,
        written: u32,
    ) -> Result<(), StoreError> {
        self.remove_upload((tenant, broadcast), upload, written).await?;
        let forget = |before: Option<&Broadcast>| {
            let mut row = before.cloned();
            let gone = |row: &mut Broadcast| row.uploads_left.retain(|left| *left != upload);
            row.iter_mut().for_each(gone);
            Ok::<_, StoreError>(row)
        };
        let key = Broadcast::at(tenant, broadcast);
        self.table().change(key, forget).await?;
        Ok(())
    }

    /// Reads a file that has come into rows. What it was, and how many rows are there, also of one that failed.
    async fn keep_rows(
        &self,
        tenant: TenantId,
        brought: &BroughtRecipients,
        name: ImportId,
    ) -> Result<(UploadedRecipients, u32), (BroadcastError, u32)> {
        let mut written = 0;
        match self.read_rows(tenant, brought, name, &mut written).await {
            Ok(kept) => Ok((kept, written)),
            Err(error) => Err((error, written)),
        }
    }

    async fn read_rows(
        &self,
        tenant: TenantId,
        brought: &BroughtRecipients,
        name: ImportId,
        written: &mut u32,
    ) -> Result<UploadedRecipients, BroadcastError> {
        let since = self.clock.now();
        let folder = self.folder.clone();
        let seen = blocking(move || look(|| folder.open_coming(tenant, name))).await?;
        let seen = seen.map_err(ImportError::from)?;
        let phone = phone_column(&seen.columns, brought.phone.as_deref())?;
        let fields = seen.columns.iter().map(|column| {
            if *column == phone {
                Field::Phone
            } else {
                Field::Skip
            }
        });
        let rules = Arc::new(Reading {
            fields: fields.collect(),
            country: brought.country,
            ..Reading::default()
        });
        let layout = Layout {
            format: seen.format,
            separator: seen.separator,
            columns: seen.columns.clone(),
        };
        let (folder, place) = (self.folder.clone(), seen.place);
        let opened = blocking(move || {
            let open = |from| {
                let mut file = folder.open_coming(tenant, name)?;
                std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(from))?;
                Ok(file)
            };
            Ok::<_, BroadcastError>(Source::open(open, &layout, place)?)
        });
        let mut source = opened.await?;
        let mut writer = RowWriter {
            broadcasts: self,
            place: (tenant, brought.broadcast, brought.upload),
            columns: seen.columns.len(),
            format: seen.format,
            rows: Vec::new(),
            bytes: 0,
            chunks: written,
            expires: since.after(KEPT),
            since,
            erased: Erased::default(),
        };
        let mut rows = 0_u32;
        loop {
            let rules = Arc::clone(&rules);
            let read = reading(move || {
                let batch = source.batch(&rules, None)?;
                Ok::<_, BroadcastError>((source, batch))
            });
            let (back, batch) = read.await?;
            source = back;
            rows = rows.saturating_add(u32::try_from(batch.read).unwrap_or(u32::MAX));
            if u64::from(rows) > self.settings.max_rows {
                let most = self.settings.max_rows;
                return Err(BroadcastError::Invalid(format!(
                    "the file has more than {most} rows"
                )));
            }
            let is_last = batch.is_last;
            writer.push(batch).await?;
            if is_last {
                break;
            }
        }
        writer.flush().await?;
        writer.leave_erased().await?;
        Ok(UploadedRecipients {
            upload: brought.upload,
            columns: seen.columns,
            phone,
            rows,
            chunks: *writer.chunks,
            at: self.clock.now(),
        })
    }

    /// Removes the rows of an upload. Whoever wrote them says how many.
    pub(super) async fn remove_upload(
        &self,
        of: (TenantId, BroadcastId),
        upload: u64,
        written: u32,
    ) -> Result<(), StoreError> {
        let at = (self.store.as_ref(), self.clock.now());
        Pieces::of_upload(at, of, upload).remove(written).await
    }
}

/// Refuses a file for what takes none now.
fn demand(row: Broadcast) -> Result<Broadcast, BroadcastError> {
    if row.audience != (BroadcastAudience::Upload {}) {
        let why = "the broadcast's audience is no file: set `audience` to {\"type\":\"upload\"} first";
        return Err(BroadcastError::Invalid(why.to_owned()));
    }
    if !row.state.may_change() {
        return Err(BroadcastError::State(
            row.state,
            "its recipients cannot be changed now",
        ));
    }
    Ok(row)
}

/// Refuses a file that another one, or somebody who deleted the broadcast, overtook: its rows are being removed.
fn demand_own(row: &Broadcast, upload: u64) -> Result<(), BroadcastError> {
    if row.uploads_left.contains(&upload) {
        Ok(())
    } else {
        Err(BroadcastError::File(ImportError::Busy))
    }
}

/// The column that has the phone.
fn phone_column(columns: &[String], named: Option<&str>) -> Result<String, BroadcastError> {
    if let Some(named) = named {
        let found = columns.iter().find(|column| *column == named);
        return found
            .cloned()
            .ok_or_else(|| BroadcastError::Invalid(format!("the file has no column {named:?}")));
    }
    let suggested = suggest(columns, &BTreeMap::new(), &BTreeMap::new());
    let found = suggested.into_iter().find(|(_, field)| *field == Field::Phone);
    found
        .map(|(column, _)| column)
        .ok_or_else(|| BroadcastError::Invalid("no column looks like a phone: name it in `phone`".to_owned()))
}

/// Collects rows of a file until one of the store's is full.
struct RowWriter<'a> {
    broadcasts: &'a Broadcasts,
    place: (TenantId, BroadcastId, u64),
    columns: usize,
    format: Format,
    rows: Vec<UploadedRow>,
    bytes: usize,
    /// Those that were written.
    chunks: &'a mut u32,
    expires: Timestamp,
    /// When it began: nobody who was erased since stands in it.
    since: Timestamp,
    /// Who was erased since.
    erased: Erased,
}

impl RowWriter<'_> {
    async fn push(&mut self, batch: Batch) -> Result<(), BroadcastError> {
        let good = batch.rows.into_iter().map(|read| UploadedRow {
            line: read.row.line,
            phone: Some(read.row.phone.value),
            cells: cells(&read.cells, self.columns, self.format),
            suppressed: None,
        });
        let bad = batch.refused.into_iter().map(|refused| UploadedRow {
            line: refused.line,
            phone: None,
            cells: Vec::new(),
            suppressed: Some(unsendable(refused.errors.first().map(|error| error.problem))),
        });
        let mut rows: Vec<UploadedRow> = good.chain(bad).collect();
        rows.sort_by_key(|row| row.line);
        for mut row in rows {
            if row.cells.iter().map(String::len).sum::<usize>() > LONGEST_ROW {
                row.cells.clear();
                row.phone = None;
                row.suppressed = Some(Unsendable::Unreadable);
            }
            let bytes = serde_json::to_vec(&row).map_or(0, |json| json.len() + 1);
            if self.rows.len() >= CHUNK_RECIPIENTS || self.bytes + bytes > CHUNK_BYTES {
                self.flush().await?;
            }
            self.bytes += bytes;
            self.rows.push(row);
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), BroadcastError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.leave_erased().await?;
        let (tenant, broadcast, upload) = self.place;
        let row = self.broadcasts.get(tenant, broadcast).await?;
        demand_own(&row, upload)?;
        let key = BroadcastUpload::at(tenant, broadcast, upload, *self.chunks);
        let mut chunk = BroadcastUpload {
            rows: std::mem::take(&mut self.rows),
            expires: self.expires,
        };
        chunk.forget(|row| is_of(&self.erased, row));
        if !self.broadcasts.table().replace(&key, None, Some(&chunk)).await? {
            return Err(BroadcastError::File(ImportError::Busy));
        }
        self.bytes = 0;
        *self.chunks += 1;
        Ok(())
    }

    /// Looks who was erased since. Whose erasure was not listed when the last row was written may stand in that, and in none before:
    /// the erasure itself sees these.
    async fn leave_erased(&mut self) -> Result<(), BroadcastError> {
        let (tenant, broadcast, upload) = self.place;
        let erased = Erased::found(self.broadcasts.table(), tenant, self.since).await?;
        let is_news = erased.has_more_than(&self.erased);
        self.erased = erased;
        let Some(last) = self.chunks.checked_sub(1).filter(|_| is_news) else {
            return Ok(());
        };
        let leave = |before: Option<&BroadcastUpload>| {
            let mut chunk = before.cloned();
            let theirs = |chunk: &mut BroadcastUpload| chunk.forget(|row| is_of(&self.erased, row));
            chunk.iter_mut().for_each(theirs);
            Ok::<_, BroadcastError>(chunk)
        };
        let key = BroadcastUpload::at(tenant, broadcast, upload, last);
        self.broadcasts.table().change(key, leave).await?;
        Ok(())
    }
}

/// Whether somebody of a file was erased.
fn is_of(erased: &Erased, row: &UploadedRow) -> bool {
    row.phone.as_ref().is_some_and(|phone| erased.has_phone(phone))
}

/// What stands in the columns, those at the end without a value left out.
fn cells(cells: &Cells, columns: usize, format: Format) -> Vec<String> {
    let mut all = vec![String::new(); columns];
    for (column, text) in cells {
        if let Some(cell) = all.get_mut(*column).filter(|cell| cell.is_empty()) {
            let text = match format {
                Format::Csv => plain(text),
                Format::Ndjson => text,
            };
            text.trim_start_matches('\u{feff}').trim().clone_into(cell);
        }
    }
    let used = all
        .iter()
        .rposition(|cell| !cell.is_empty())
        .map_or(0, |last| last + 1);
    all.truncate(used);
    all
}

/// What is wrong with a row of which only the phone is read.
const fn unsendable(problem: Option<RowProblem>) -> Unsendable {
    match problem {
        Some(RowProblem::PhoneMissing) => Unsendable::PhoneMissing,
        Some(RowProblem::PhoneShortened) => Unsendable::PhoneShortened,
        Some(RowProblem::PhoneWithoutCountry) => Unsendable::PhoneWithoutCountry,
        Some(RowProblem::PhoneInvalid) => Unsendable::PhoneInvalid,
        Some(RowProblem::Duplicate) => Unsendable::Duplicate,
        Some(_) | None => Unsendable::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phone_is_found_by_its_header_or_where_it_is_named() {
        let columns = ["Kode".to_owned(), "No HP".to_owned()];
        assert_eq!(phone_column(&columns, None).unwrap(), "No HP");
        assert_eq!(phone_column(&columns, Some("Kode")).unwrap(), "Kode");
        assert!(phone_column(&columns, Some("x")).is_err());
        assert!(phone_column(&columns[..1], None).is_err());
    }

    #[test]
    fn cells_stand_under_their_columns_and_no_empty_ones_at_the_end() {
        let read = vec![(2, " '=x ".to_owned()), (0, "a".to_owned())];
        assert_eq!(cells(&read, 5, Format::Csv), ["a", "", "'=x"]);
        let read = vec![(1, "'=1".to_owned())];
        assert_eq!(cells(&read, 2, Format::Csv), ["", "=1"]);
        assert_eq!(cells(&read, 2, Format::Ndjson), ["", "'=1"]);
        assert!(cells(&Vec::new(), 2, Format::Csv).is_empty());
    }
}
