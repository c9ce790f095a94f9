//! Reading a file in batches: rows, what is wrong with others, and whom the file has had before.

use std::collections::HashSet;
use std::fs::File;
use std::io;

use super::records::{Format, Place, Records, Separator};
use super::rows::{Reading, Row, RowError, RowProblem};
use crate::domain::ids::digest16;
use crate::domain::{Alias, ContactId};

/// Records of one batch.
pub const TOGETHER: usize = 200;

/// The values of a record, with the place of their column.
pub type Cells = Vec<(usize, String)>;

/// A row that can be noted, and what it says of itself.
#[derive(Debug)]
pub struct ReadRow {
    /// What it says.
    pub row: Row,
    /// As it stands in the file.
    pub cells: Cells,
}

/// A row of which nothing counts.
#[derive(Debug)]
pub struct Refused {
    /// Where it begins.
    pub line: u64,
    /// As it stands in the file. What no column is for stands behind the last one.
    pub cells: Cells,
    /// Why.
    pub errors: Vec<RowError>,
}

impl Refused {
    /// A row with one problem.
    pub fn because(problem: RowProblem, line: u64, cells: Cells) -> Self {
        Self {
            line,
            cells,
            errors: vec![problem.of_record(line)],
        }
    }
}

/// Records that were read together.
#[derive(Debug, Default)]
pub struct Batch {
    /// What can be noted.
    pub rows: Vec<ReadRow>,
    /// Others.
    pub refused: Vec<Refused>,
    /// All records.
    pub read: u64,
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

    /// Notes a contact that was there before the import; whether it is new. Two phones may lead to one. Others are told by their phone.
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
    /// Begins at a place. `open` opens the file from a byte on.
    pub fn open(open: impl Fn(u64) -> io::Result<File>, layout: &Layout, from: Place) -> io::Result<Self> {
        let (format, separator) = (layout.format, layout.separator);
        Ok(Self {
            records: Records::new(open(from.byte)?, format, separator, layout.columns.clone(), from),
            format,
            had: Had::default(),
        })
    }

    /// Where it goes on.
    pub const fn place(&self) -> Place {
        self.records.place()
    }

    /// The next records, up to a place where one is given.
    pub fn batch(&mut self, reading: &Reading, until: Option<Place>) -> io::Result<Batch> {
        let mut batch = Batch::default();
        for _ in 0..TOGETHER {
            if until.is_some_and(|until| self.place().byte >= until.byte) {
                break;
            }
            let Some(next) = self.records.read_next()? else {
                batch.is_last = true;
                break;
            };
            batch.read += 1;
            let (line, cells, errors) = match next {
                Err(broken) => {
                    let error = RowError::from((broken.line, broken.why));
                    (broken.line, broken.cells, vec![error])
                }
                Ok(record) => match reading.row(&record, self.format) {
                    Ok(row) if self.had.note_phone(&row.phone) => {
                        batch.rows.push(ReadRow {
                            row,
                            cells: record.cells,
                        });
                        continue;
                    }
                    Ok(row) => {
                        let refused = Refused::because(RowProblem::Duplicate, row.line, record.cells);
                        batch.refused.push(refused);
                        continue;
                    }
                    Err(errors) => (record.line, record.cells, errors),
                },
            };
            batch.refused.push(Refused { line, cells, errors });
        }
        Ok(batch)
    }
}
