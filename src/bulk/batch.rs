//! Reading a file in batches: rows, what is wrong with others, and whom the file has had before.

use std::collections::HashSet;
use std::fs::File;
use std::io;

use super::fields::Field;
use super::records::{Format, Place, Records, Separator};
use super::rows::{Reading, Row, RowError, RowProblem};
use crate::domain::ids::digest16;
use crate::domain::{Alias, ContactId};

/// Records of one batch.
pub const TOGETHER: usize = 200;

/// Records that were read together.
#[derive(Debug, Default)]
pub struct Batch {
    /// What can be noted.
    pub rows: Vec<Row>,
    /// What is wrong with others.
    pub errors: Vec<RowError>,
    /// All records.
    pub read: u64,
    /// Those of which nothing counts.
    pub rejected: u64,
    /// Whether it is the last.
    pub is_last: bool,
}

/// Whom a file has had: digests, so that a million take some MiB.
#[derive(Debug, Default)]
pub struct Had(HashSet<u64>);

impl Had {
    fn insert(&mut self, parts: &[&[u8]]) -> bool {
        let digest = digest16(parts);
        let first = digest.first_chunk::<8>().copied().unwrap_or_default();
        self.0.insert(u64::from_be_bytes(first))
    }

    /// Notes a phone, in whichever form it is written; whether it is new.
    pub fn note_phone(&mut self, phone: &Alias) -> bool {
        let least = phone.forms().map(|form| form.value).min();
        self.insert(&[b"phone", least.as_deref().unwrap_or_default().as_bytes()])
    }

    /// Notes a contact; whether it is new. Two phones may lead to one.
    pub fn note_contact(&mut self, contact: ContactId) -> bool {
        self.insert(&[b"contact", contact.as_bytes()])
    }
}

/// A file that is being read. Every call blocks.
pub struct Source {
    records: Records<File>,
    format: Format,
    /// Whom it has had.
    pub had: Had,
}

/// How a file is read.
#[derive(Debug, Clone)]
pub struct Layout {
    /// How records stand.
    pub format: Format,
    /// What stands between values.
    pub separator: Separator,
    /// Its columns.
    pub columns: Vec<String>,
}

impl Source {
    /// Goes on at a place. What stands before it, from `start` on, was read already: whom it had is noted again. `open` opens the file
    /// from a byte on.
    pub fn open(
        open: impl Fn(u64) -> io::Result<File>,
        layout: &Layout,
        (start, place): (Place, Place),
        reading: &Reading,
    ) -> io::Result<Self> {
        let records = |from: Place| -> io::Result<Records<File>> {
            let (format, separator) = (layout.format, layout.separator);
            Ok(Records::new(
                open(from.byte)?,
                format,
                separator,
                layout.columns.clone(),
                from,
            ))
        };
        let mut source = Self {
            records: records(start)?,
            format: layout.format,
            had: Had::default(),
        };
        if place != start {
            let only_phones = Reading {
                fields: phones_of(&reading.fields),
                country: reading.country,
                ..Reading::default()
            };
            while source.records.place().byte < place.byte {
                let Some(next) = source.records.read_next()? else {
                    break;
                };
                if let Ok(record) = next
                    && let Ok(row) = only_phones.row(&record, layout.format)
                {
                    source.had.note_phone(&row.phone);
                }
            }
            source.records = records(place)?;
        }
        Ok(source)
    }

    /// Where it goes on.
    pub const fn place(&self) -> Place {
        self.records.place()
    }

    /// The next records.
    pub fn batch(&mut self, reading: &Reading) -> io::Result<Batch> {
        let mut batch = Batch::default();
        for _ in 0..TOGETHER {
            let Some(next) = self.records.read_next()? else {
                batch.is_last = true;
                break;
            };
            batch.read += 1;
            let row = match next {
                Err(broken) => Err(vec![RowError::from((broken.line, broken.why))]),
                Ok(record) => reading.row(&record, self.format).and_then(|row| {
                    if self.had.note_phone(&row.phone) {
                        Ok(row)
                    } else {
                        Err(vec![RowProblem::Duplicate.of_record(row.line)])
                    }
                }),
            };
            match row {
                Ok(row) => batch.rows.push(row),
                Err(errors) => {
                    batch.rejected += 1;
                    batch.errors.extend(errors);
                }
            }
        }
        Ok(batch)
    }
}

fn phones_of(fields: &[Field]) -> Vec<Field> {
    let phone = |field: &Field| {
        if *field == Field::Phone {
            Field::Phone
        } else {
            Field::Skip
        }
    };
    fields.iter().map(phone).collect()
}
