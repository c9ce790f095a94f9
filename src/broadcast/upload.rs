//! A file of recipients: taken as it comes, read by the reader of imports, and kept in rows, so that whoever has the tenant plans it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;

use super::Broadcasts;
use super::error::BroadcastError;
use crate::bulk::batch::{Batch, Cells, Layout, Source};
use crate::bulk::cells::plain;
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
        let kept = self.keep_rows(tenant, &brought, name).await;
        drop(coming);
        let kept = match kept {
            Ok(kept) => kept,
            Err(error) => {
                self.remove_upload(tenant, brought.broadcast, brought.upload)
                    .await?;
                return Err(error);
            }
        };
        let now = self.clock.now();
        let changed = self
            .table::<Broadcast>()
            .change(Broadcast::at(tenant, brought.broadcast), |before| {
                let before = demand(before.cloned().ok_or(BroadcastError::NotFound)?)?;
                Ok::<_, BroadcastError>(Some(Broadcast {
                    state: BroadcastState::Draft,
                    upload: Some(kept.clone()),
                    problem: None,
                    plan: None,
                    version: before.version + 1,
                    changed_by: brought.by.clone(),
                    changed_at: now,
                    ..before
                }))
            });
        match changed.await {
            Ok((before, after)) => {
                let earlier = before.and_then(|before| before.upload);
                if let Some(earlier) = earlier.filter(|earlier| earlier.upload != brought.upload) {
                    self.remove_upload(tenant, brought.broadcast, earlier.upload)
                        .await?;
                }
                after.ok_or(BroadcastError::NotFound)
            }
            Err(error) => {
                self.remove_upload(tenant, brought.broadcast, brought.upload)
                    .await?;
                Err(error)
            }
        }
    }

    /// Reads a file that has come into rows.
    async fn keep_rows(
        &self,
        tenant: TenantId,
        brought: &BroughtRecipients,
        name: ImportId,
    ) -> Result<UploadedRecipients, BroadcastError> {
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
            chunks: 0,
            expires: self.clock.now().after(KEPT),
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
        Ok(UploadedRecipients {
            upload: brought.upload,
            columns: seen.columns,
            phone,
            rows,
            chunks: writer.chunks,
            at: self.clock.now(),
        })
    }

    /// Removes the rows of an upload, from the first to where there is none.
    pub(super) async fn remove_upload(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        upload: u64,
    ) -> Result<(), StoreError> {
        for number in 0.. {
            let key = BroadcastUpload::at(tenant, broadcast, upload, number);
            if self.table::<BroadcastUpload>().remove(key).await?.is_none() {
                break;
            }
        }
        Ok(())
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
    chunks: u32,
    expires: Timestamp,
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
        let (tenant, broadcast, upload) = self.place;
        let key = BroadcastUpload::at(tenant, broadcast, upload, self.chunks);
        let chunk = BroadcastUpload {
            rows: std::mem::take(&mut self.rows),
            expires: self.expires,
        };
        if !self.broadcasts.table().replace(&key, None, Some(&chunk)).await? {
            return Err(BroadcastError::File(ImportError::Busy));
        }
        self.bytes = 0;
        self.chunks += 1;
        Ok(())
    }
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
