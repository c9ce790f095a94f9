//! A file's text to its records: CSV or one JSON object a line, as UTF-8. No record is held beyond a bound, however long it is.

use std::io::{self, Read};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
}

/// Why no record can be made of some lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// See [`LONGEST_RECORD`].
    #[error("the row is longer than 64 KiB; perhaps a quotation mark has no end")]
    TooLong,
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

    fn broken(&mut self, why: Unreadable) -> io::Result<Option<Next>> {
        let line = self.place.line;
        self.skip_line()?;
        let next = self.place.byte;
        Ok(Some(Err(Broken { line, next, why })))
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
                return self.broken(Unreadable::TooLong);
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
                ReadRecordResult::OutputFull => return self.broken(Unreadable::TooLong),
                ReadRecordResult::OutputEndsFull => return self.broken(Unreadable::TooManyColumns),
                ReadRecordResult::Record if ended > MOST_COLUMNS => {
                    return self.broken(Unreadable::TooManyColumns);
                }
                ReadRecordResult::Record => return Ok(Some(self.record(read, ended))),
                ReadRecordResult::End => {
                    self.advance(read, 0);
                    return Ok(None);
                }
            }
        }
    }

    /// The record of so many bytes with so many values.
    fn record(&mut self, read: usize, ended: usize) -> Next {
        let Shape::Csv { values, ends, .. } = &self.shape else {
            return Ok(Record::default());
        };
        let mut cells = Vec::with_capacity(ended);
        let (mut from, mut why) = (0, None);
        for (column, to) in ends.iter().take(ended).enumerate() {
            match std::str::from_utf8(values.get(from..*to).unwrap_or_default()) {
                Ok("") => {}
                Ok(_) if column >= self.columns.len() && !self.columns.is_empty() => {
                    why = why.or(Some(Unreadable::MoreThanColumns));
                }
                Ok(text) => cells.push((column, text.to_owned())),
                Err(_) => why = Some(Unreadable::NotText),
            }
            from = *to;
        }
        let text = self.held.get(self.used..self.used + read).unwrap_or_default();
        let lines = u64::try_from(memchr::memchr_iter(b'\n', text).count()).unwrap_or(u64::MAX);
        let line = self.place.line;
        self.advance(read, lines);
        let next = self.place.byte;
        match why {
            Some(why) => Err(Broken { line, next, why }),
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
        self.advance(end, 1);
        let next = self.place.byte;
        Ok(Some(match cells {
            Ok(cells) => Ok(Record { line, next, cells }),
            Err(why) => Err(Broken { line, next, why }),
        }))
    }
}

/// The values of an object; columns that are new are added behind the others.
fn json_cells(
    object: serde_json::Map<String, Value>,
    columns: &mut Vec<String>,
) -> Result<Vec<(usize, String)>, Unreadable> {
    let mut cells = Vec::new();
    for (key, value) in object {
        match value {
            Value::Object(inner) if key == "attributes" => {
                for (key, value) in inner {
                    let column = column(&format!("attribute.{key}"), columns)?;
                    put(column, value, &mut cells)?;
                }
            }
            value => {
                let column = column(&key, columns)?;
                put(column, value, &mut cells)?;
            }
        }
    }
    Ok(cells)
}

fn column(name: &str, columns: &mut Vec<String>) -> Result<usize, Unreadable> {
    if let Some(place) = columns.iter().position(|known| known == name) {
        return Ok(place);
    }
    if columns.len() >= MOST_COLUMNS {
        return Err(Unreadable::TooManyColumns);
    }
    columns.push(name.to_owned());
    Ok(columns.len() - 1)
}

fn put(column: usize, value: Value, cells: &mut Vec<(usize, String)>) -> Result<(), Unreadable> {
    let text = match value {
        Value::Null => return Ok(()),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text,
        Value::Array(values) => {
            for value in values {
                if matches!(value, Value::Array(_)) {
                    return Err(Unreadable::Nested);
                }
                put(column, value, cells)?;
            }
            return Ok(());
        }
        Value::Object(_) => return Err(Unreadable::Nested),
    };
    if !text.is_empty() {
        cells.push((column, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
