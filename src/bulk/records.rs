//! A file's text to its records: CSV or one JSON object a line, as UTF-8. No record is held beyond a bound, however long it is.

use std::borrow::Cow;
use std::io::{self, Read};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::objects::json_cells;
use super::open_quote::{has_open_quote, line_cells};

mod objects;

/// Bytes of a record.
pub const LONGEST_RECORD: usize = 64 << 10;
/// Columns of a file.
pub const MOST_COLUMNS: usize = 200;
/// Bytes read at once.
const STEP: usize = 64 << 10;

/// How records stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Separated values with a line of headers.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// What stands between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Separator {
    /// `,`
    #[serde(rename = ",")]
    Comma,
    /// `;`
    #[serde(rename = ";")]
    Semicolon,
    /// A tab.
    #[serde(rename = "\t")]
    Tab,
}

impl Separator {
    const ALL: [Self; 3] = [Self::Comma, Self::Semicolon, Self::Tab];

    const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    /// The one that stands most often in the first line, outside of quotes.
    pub fn of(text: &[u8]) -> Self {
        let mut counts = Self::ALL.map(|separator| (separator, 0_usize));
        let mut quoted = false;
        for byte in text {
            match byte {
                b'"' => quoted = !quoted,
                b'\n' | b'\r' if !quoted => break,
                byte if !quoted => {
                    let found = counts.iter_mut().find(|(separator, _)| separator.byte() == *byte);
                    if let Some((_, count)) = found {
                        *count += 1;
                    }
                }
                _ => {}
            }
        }
        // Of equals the first: `max_by_key` takes the last.
        let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
        most.map_or(Self::Comma, |(separator, _)| separator)
    }
}

impl Format {
    /// What a text looks like.
    pub fn of(text: &[u8]) -> Self {
        let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
        if first == Some(&b'{') {
            Self::Ndjson
        } else {
            Self::Csv
        }
    }
}

/// One record, as it stands there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Where it begins, lines from 1.
    pub line: u64,
    /// Where the next one begins, bytes from 0.
    pub next: u64,
    /// Its values, with the place of their column. Several may stand in one column.
    pub cells: Vec<(usize, String)>,
}

/// What no record can be made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Where it begins, lines from 1.
    pub line: u64,
    /// Where to go on, bytes from 0.
    pub next: u64,
    /// Why.
    pub why: Unreadable,
    /// What stands there all the same, with the place of its column: behind the last column where there is none for it. Of a line that
    /// is longer than a record may be, nothing.
    pub cells: Vec<(usize, String)>,
}

/// Why no record can be made of some lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// See [`LONGEST_RECORD`].
    #[error("the row is longer than 64 KiB")]
    TooLong,
    /// What stands behind it is read again, line by line.
    #[error("a quotation mark has no end")]
    OpenQuote,
    /// See [`MOST_COLUMNS`].
    #[error("the row has more than 200 columns")]
    TooManyColumns,
    /// It has more values than there are headers.
    #[error("the row has more values than there are columns")]
    MoreThanColumns,
    /// It is not UTF-8, as the rest is.
    #[error("the row holds bytes that are not text in the file's encoding")]
    NotText,
    /// It is no JSON object.
    #[error("the line is not a JSON object")]
    NotJson,
    /// A JSON value that is no text, number, `true`, `false` or `null`, or an array of these, or below `attributes`.
    #[error("a value is not a text, a number, true, false, null or an array of these")]
    Nested,
}

/// Where a reader goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The next byte, from 0.
    pub byte: u64,
    /// Its line, from 1.
    pub line: u64,
}

impl Place {
    /// The beginning.
    pub const START: Self = Self { byte: 0, line: 1 };
}

/// Reads one record after the other.
pub struct Records<R> {
    input: R,
    columns: Vec<String>,
    separator: u8,
    shape: Shape,
    /// Bytes that were read and not yet made a record of, from `used` on.
    held: Vec<u8>,
    used: usize,
    place: Place,
    is_end: bool,
}

enum Shape {
    Csv {
        reader: Box<Reader>,
        values: Vec<u8>,
        ends: Vec<usize>,
    },
    Ndjson,
}

/// What stands next.
pub type Next = Result<Record, Broken>;

impl<R: Read> Records<R> {
    /// Goes on at a place of a file with these columns.
    pub fn new(input: R, format: Format, separator: Separator, columns: Vec<String>, place: Place) -> Self {
        let shape = match format {
            Format::Ndjson => Shape::Ndjson,
            Format::Csv => Shape::Csv {
                reader: Box::new(ReaderBuilder::new().delimiter(separator.byte()).build()),
                values: vec![0; LONGEST_RECORD],
                ends: vec![0; MOST_COLUMNS + 1],
            },
        };
        Self {
            input,
            columns,
            separator: separator.byte(),
            shape,
            held: Vec::new(),
            used: 0,
            place,
            is_end: false,
        }
    }

    /// The columns that are known.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Where it goes on.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// The next record; `None` at the end.
    pub fn read_next(&mut self) -> io::Result<Option<Next>> {
        loop {
            let found = match self.shape {
                Shape::Csv { .. } => self.next_csv()?,
                Shape::Ndjson => self.next_line()?,
            };
            match found {
                None => return Ok(None),
                // An empty line is no record.
                Some(Ok(record)) if record.cells.iter().all(|(_, text)| text.is_empty()) => {}
                Some(next) => return Ok(Some(next)),
            }
        }
    }

    /// Bytes that are held.
    fn rest(&self) -> &[u8] {
        self.held.get(self.used..).unwrap_or_default()
    }

    /// Reads on, behind what is held.
    fn fill(&mut self) -> io::Result<()> {
        self.held.drain(..self.used);
        self.used = 0;
        let before = self.held.len();
        self.held.resize(before + STEP, 0);
        let room = self.held.get_mut(before..).unwrap_or_default();
        let read = loop {
            match self.input.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.held.truncate(before + read);
        self.is_end = read == 0;
        Ok(())
    }

    /// Uses so many bytes, with so many line ends in them.
    fn advance(&mut self, bytes: usize, lines: u64) {
        self.used += bytes;
        self.place.byte += u64::try_from(bytes).unwrap_or(u64::MAX);
        self.place.line += lines;
    }

    /// Leaves out the line that begins here, however long it is.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let rest = self.rest();
            if let Some(end) = memchr::memchr(b'\n', rest) {
                self.advance(end + 1, 1);
                return Ok(());
            }
            self.advance(rest.len(), 0);
            if self.is_end {
                return Ok(());
            }
            self.fill()?;
        }
    }

    /// Bytes of the line that begins here, its end left out; none where it is longer than a record may be.
    fn line_bytes(&mut self) -> io::Result<usize> {
        loop {
            let rest = self.rest();
            let held = rest.get(..=LONGEST_RECORD).unwrap_or(rest);
            match memchr::memchr(b'\n', held) {
                Some(end) => return Ok(end),
                None if held.len() > LONGEST_RECORD => return Ok(0),
                None if self.is_end => return Ok(held.len()),
                None => self.fill()?,
            }
        }
    }

    /// Leaves out the line that begins here, and tells what stands in it.
    fn broken(&mut self, why: Unreadable) -> io::Result<Option<Next>> {
        let line = self.place.line;
        let bytes = self.line_bytes()?;
        let text = self.rest().get(..bytes).unwrap_or_default();
        let cells = match self.shape {
            Shape::Csv { .. } => line_cells(text, self.separator).into_iter().enumerate().collect(),
            Shape::Ndjson => self.as_it_stands(text),
        };
        self.skip_line()?;
        let next = self.place.byte;
        Ok(Some(Err(Broken {
            line,
            next,
            why,
            cells,
        })))
    }

    /// A line of which no values can be told.
    fn as_it_stands(&self, line: &[u8]) -> Vec<(usize, String)> {
        let text = String::from_utf8_lossy(line.trim_ascii_end());
        vec![(self.columns.len(), text.into_owned())]
    }

    fn next_csv(&mut self) -> io::Result<Option<Next>> {
        let Shape::Csv { reader, .. } = &mut self.shape else {
            return Ok(None);
        };
        reader.reset();
        // Empty lines, and what is left of a line end.
        loop {
            match self.rest().first() {
                Some(b'\n') => self.advance(1, 1),
                Some(b'\r') => self.advance(1, 0),
                Some(_) => break,
                None if self.is_end => return Ok(None),
                None => self.fill()?,
            }
        }
        let (mut read, mut written, mut ended) = (0, 0, 0);
        loop {
            if read > LONGEST_RECORD {
                return self.too_long();
            }
            if self.rest().len() == read && !self.is_end {
                self.fill()?;
                continue;
            }
            let Shape::Csv { reader, values, ends } = &mut self.shape else {
                return Ok(None);
            };
            // Nothing more to read tells the reader that it is the end.
            let input = self.held.get(self.used + read..).unwrap_or_default();
            let (result, more_read, more_written, more_ended) = reader.read_record(
                input,
                values.get_mut(written..).unwrap_or_default(),
                ends.get_mut(ended..).unwrap_or_default(),
            );
            read += more_read;
            written += more_written;
            ended += more_ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => return self.too_long(),
                ReadRecordResult::OutputEndsFull => return self.broken(Unreadable::TooManyColumns),
                ReadRecordResult::Record if ended > MOST_COLUMNS => {
                    return self.broken(Unreadable::TooManyColumns);
                }
                ReadRecordResult::Record if self.is_torn(read) => return self.broken(Unreadable::OpenQuote),
                ReadRecordResult::Record => return Ok(Some(self.record(read, ended))),
                ReadRecordResult::End => {
                    self.advance(read, 0);
                    return Ok(None);
                }
            }
        }
    }

    /// What is longer than may be held: a line, or what a mark without an end took in.
    fn too_long(&mut self) -> io::Result<Option<Next>> {
        let is_one_line = self.line_bytes()? == 0;
        self.broken(if is_one_line {
            Unreadable::TooLong
        } else {
            Unreadable::OpenQuote
        })
    }

    /// Whether a record of so many bytes has lines in it that are others' by right.
    fn is_torn(&self, read: usize) -> bool {
        let text = self.rest().get(..read).unwrap_or_default();
        let line = text.strip_suffix(b"\n").unwrap_or(text);
        let may_be = self.is_end && read == self.rest().len() || memchr::memchr(b'\n', line).is_some();
        may_be && has_open_quote(text, self.separator, self.columns.len())
    }

    /// The record of so many bytes with so many values.
    fn record(&mut self, read: usize, ended: usize) -> Next {
        let Shape::Csv { values, ends, .. } = &self.shape else {
            return Ok(Record::default());
        };
        let mut cells = Vec::with_capacity(ended);
        let (mut from, mut why) = (0, None);
        for (column, to) in ends.iter().take(ended).enumerate() {
            let text = String::from_utf8_lossy(values.get(from..*to).unwrap_or_default());
            if matches!(text, Cow::Owned(_)) {
                why = Some(Unreadable::NotText);
            } else if !text.is_empty() && column >= self.columns.len() && !self.columns.is_empty() {
                why = why.or(Some(Unreadable::MoreThanColumns));
            }
            if !text.is_empty() {
                cells.push((column, text.into_owned()));
            }
            from = *to;
        }
        let text = self.held.get(self.used..self.used + read).unwrap_or_default();
        let lines = u64::try_from(memchr::memchr_iter(b'\n', text).count()).unwrap_or(u64::MAX);
        let line = self.place.line;
        self.advance(read, lines);
        let next = self.place.byte;
        match why {
            Some(why) => Err(Broken {
                line,
                next,
                why,
                cells,
            }),
            None => Ok(Record { line, next, cells }),
        }
    }

    fn next_line(&mut self) -> io::Result<Option<Next>> {
        let end = loop {
            let rest = self.rest();
            if let Some(end) = memchr::memchr(b'\n', rest) {
                break end + 1;
            }
            if self.is_end {
                break rest.len();
            }
            if rest.len() > LONGEST_RECORD {
                return self.broken(Unreadable::TooLong);
            }
            self.fill()?;
        };
        if end == 0 {
            return Ok(None);
        }
        if end > LONGEST_RECORD {
            return self.broken(Unreadable::TooLong);
        }
        let line = self.place.line;
        let text = self.held.get(self.used..self.used + end).unwrap_or_default();
        let cells = if text.iter().all(u8::is_ascii_whitespace) {
            Ok(Vec::new())
        } else if std::str::from_utf8(text).is_err() {
            Err(Unreadable::NotText)
        } else {
            match serde_json::from_slice::<serde_json::Map<String, Value>>(text) {
                Ok(object) => json_cells(object, &mut self.columns),
                Err(_) => Err(Unreadable::NotJson),
            }
        };
        let cells = cells.map_err(|why| (why, self.as_it_stands(text)));
        self.advance(end, 1);
        let next = self.place.byte;
        Ok(Some(match cells {
            Ok(cells) => Ok(Record { line, next, cells }),
            Err((why, cells)) => Err(Broken {
                line,
                next,
                why,
                cells,
            }),
        }))
    }
}

#[cfg(test)]
mod tests;
