//! A first look at a file: how its records stand, what its columns are called, and its first rows.

use std::io::{self, Read};

use super::cells::BYTE_ORDER_MARK;
use super::fields::headers;
use super::records::{Format, Place, Record, Records, Separator, Unreadable};

/// Bytes by which format and separator are told.
const HEAD: usize = 64 << 10;
/// Rows that are shown.
const SHOWN: usize = 5;
/// Characters of a value that are shown, and of a column's name that are kept.
const LONGEST: usize = 60;
/// Bytes of the same: such names stand twice in one row, each with what it is taken for.
const LONGEST_BYTES: usize = 72;
/// Bytes of the names of all columns.
const COLUMN_BYTES: usize = 16 << 10;
/// Bytes of all values that are shown: they stand in one row with the rest.
const SHOWN_BYTES: usize = 12 << 10;
/// Rows by which the columns of objects are learnt.
const LEARNT_FROM: usize = 200;

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// How records stand.
    pub format: Format,
    /// What stands between values.
    pub separator: Separator,
    /// What columns are called.
    pub columns: Vec<String>,
    /// The first rows.
    pub sample: Vec<Vec<String>>,
    /// Where the first row begins.
    pub place: Place,
}

/// Why a file cannot be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoTable {
    /// There is nothing in it that is a record.
    #[error("the file has no columns: it must be CSV with a line of headers, or NDJSON")]
    Empty,
    /// It is a workbook, an archive, a picture.
    #[error("the file is no text: save it as CSV (UTF-8) and upload that")]
    NotText,
    /// It is a page, a picture in XML, a document, a program, an address card: text, but no table.
    #[error(
        "the file is text, but no table: save it as CSV (UTF-8) or as one JSON object a line, and upload that"
    )]
    NotTable,
    /// Its line of headers is none.
    #[error("the line of headers cannot be read: {0}")]
    Headers(Unreadable),
    /// Its headers, or the names in its objects, are too long to be kept.
    #[error("the names of the columns have more than {} KiB together", COLUMN_BYTES >> 10)]
    LongColumns,
}

/// Looks at a file from its beginning. `open` opens it.
pub fn look<R: Read>(open: impl Fn() -> io::Result<R>) -> io::Result<Result<Seen, NoTable>> {
    let mut head = Vec::new();
    open()?
        .take(u64::try_from(HEAD).unwrap_or(u64::MAX))
        .read_to_end(&mut head)?;
    if !is_text(&head) {
        return Ok(Err(NoTable::NotText));
    }
    if is_other_text(&head) {
        return Ok(Err(NoTable::NotTable));
    }
    let format = Format::of(&head);
    // Excel's own first line, which says what separates values.
    let skipped = separator_line(&head).filter(|_| format == Format::Csv);
    let separator = skipped.map_or_else(|| Separator::of(&head), |(separator, _)| separator);
    let begin = Place {
        byte: skipped.map_or(0, |(_, bytes)| bytes),
        line: if skipped.is_some() { 2 } else { 1 },
    };
    let mut input = open()?;
    io::copy(&mut input.by_ref().take(begin.byte), &mut io::sink())?;
    let mut records = Records::new(input, format, separator, Vec::new(), begin);
    let columns = match format {
        Format::Csv => match records.read_next()? {
            None => return Ok(Err(NoTable::Empty)),
            Some(Err(broken)) => return Ok(Err(NoTable::Headers(broken.why))),
            Some(Ok(first)) => {
                let columns = first.cells.last().map_or(0, |(column, _)| column + 1);
                headers(cut(first.cells), columns)
            }
        },
        Format::Ndjson => Vec::new(),
    };
    let place = records.place();
    let (place, most) = match format {
        Format::Csv => (place, SHOWN),
        Format::Ndjson => (Place::START, LEARNT_FROM),
    };
    let mut rows = Vec::new();
    for _ in 0..most {
        match records.read_next()? {
            Some(Ok(record)) => rows.push(record),
            Some(Err(_)) => {}
            None => break,
        }
    }
    // Objects are read by their keys: these stay as they are.
    let columns = match format {
        Format::Csv => columns,
        Format::Ndjson => records.columns().to_vec(),
    };
    if columns.is_empty() {
        return Ok(Err(NoTable::Empty));
    }
    if columns.iter().map(|column| written(column)).sum::<usize>() > COLUMN_BYTES {
        return Ok(Err(NoTable::LongColumns));
    }
    let sample = sample(rows, columns.len());
    Ok(Ok(Seen {
        format,
        separator,
        columns,
        sample,
        place,
    }))
}

/// Whether it looks like text: no workbook, archive or picture has a first line without such characters.
fn is_text(head: &[u8]) -> bool {
    const MAGIC: [&[u8]; 4] = [b"PK\x03\x04", b"%PDF-", b"\xD0\xCF\x11\xE0", b"\x1F\x8B"];
    // What was decoded from another encoding has the second and fourth as letters: those have control characters soon.
    if MAGIC.iter().any(|magic| head.starts_with(magic)) || head.contains(&0) {
        return false;
    }
    let line = head.split(|byte| *byte == b'\n').find(|line| !line.is_empty());
    let line = String::from_utf8_lossy(line.unwrap_or_default());
    !line.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\r'))
}

/// Whether a text begins as no table does: with a tag, as SVG, HTML and any XML, or with the mark of a document, a program, a letter.
fn is_other_text(head: &[u8]) -> bool {
    const BEGINNINGS: [&str; 8] = [
        "<",
        "{\\rtf",
        "%!PS",
        "#!",
        "BEGIN:VCARD",
        "BEGIN:VCALENDAR",
        "MIME-Version:",
        "-----BEGIN ",
    ];
    let text = head
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(head)
        .trim_ascii_start();
    let begins = |beginning: &str| {
        let start = text.get(..beginning.len()).unwrap_or_default();
        start.eq_ignore_ascii_case(beginning.as_bytes())
    };
    let is_array = text
        .strip_prefix(b"[")
        .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"));
    is_array || BEGINNINGS.into_iter().any(begins)
}

/// `sep=;` in the first line, and the bytes of that line.
fn separator_line(head: &[u8]) -> Option<(Separator, u64)> {
    let end = head.iter().position(|byte| *byte == b'\n')? + 1;
    let line = head.get(..end)?.trim_ascii_end();
    // A tab is white space.
    let line = if line.eq_ignore_ascii_case(b"sep=") {
        b"sep=\t"
    } else {
        line
    };
    let (name, separator) = line.split_at_checked(4)?;
    let separator = match separator {
        b"," => Separator::Comma,
        b";" => Separator::Semicolon,
        b"\t" => Separator::Tab,
        _ => return None,
    };
    let bytes = u64::try_from(end).ok()?;
    name.eq_ignore_ascii_case(b"sep=").then_some((separator, bytes))
}

/// Bytes of a text in the row of its import.
fn written(text: &str) -> usize {
    let escaped = text
        .bytes()
        .filter(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
        .count();
    text.len() + 5 * escaped + 3
}

fn cut(cells: Vec<(usize, String)>) -> Vec<(usize, String)> {
    let cut = |text: String| {
        let mut cut = String::new();
        for c in text.chars().take(LONGEST) {
            if cut.len() + c.len_utf8() > LONGEST_BYTES {
                break;
            }
            cut.push(c);
        }
        cut
    };
    cells
        .into_iter()
        .map(|(column, text)| (column, cut(text)))
        .collect()
}

/// The first rows, with a text for each column.
fn sample(records: Vec<Record>, columns: usize) -> Vec<Vec<String>> {
    let (mut sample, mut bytes) = (Vec::new(), 0);
    for record in records.into_iter().take(SHOWN) {
        let mut row = vec![String::new(); columns];
        for (column, text) in cut(record.cells) {
            if let Some(cell) = row.get_mut(column) {
                if !cell.is_empty() {
                    cell.push_str("; ");
                }
                cell.push_str(&text);
            }
        }
        bytes += row.iter().map(|cell| written(cell)).sum::<usize>();
        if bytes > SHOWN_BYTES {
            break;
        }
        sample.push(row);
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: impl AsRef<[u8]>) -> Result<Seen, NoTable> {
        look(|| Ok(text.as_ref())).unwrap()
    }

    #[test]
    fn a_file_shows_its_columns_and_first_rows() {
        let csv = seen("phone;name;\n62812;Ana\n;;\n62813;\"B;b\"\n").unwrap();
        assert_eq!((csv.format, csv.separator), (Format::Csv, Separator::Semicolon));
        assert_eq!(csv.columns, ["phone", "name"]);
        assert_eq!(csv.sample, [["62812", "Ana"], ["62813", "B;b"]]);
        assert_eq!((csv.place.byte, csv.place.line), (12, 2));
        let json =
            seen("{\"phone\":1,\"labels\":[\"a\",\"b\"]}\n{\"attributes\":{\"city\":\"x\"}}\n").unwrap();
        assert_eq!(json.format, Format::Ndjson);
        assert_eq!(json.columns, ["phone", "labels", "attribute.city"]);
        assert_eq!(json.sample, [["1", "a; b", ""], ["", "", "x"]]);
        assert_eq!(json.place, Place::START);
    }

    #[test]
    fn what_cannot_be_imported_is_told_why() {
        let wide = vec!["x"; 201].join(",");
        let long = format!("\"{}\",b\n", "x".repeat(70_000));
        let keys: Vec<String> = (0..30)
            .map(|n| format!("\"{n}{}\":1,", "k".repeat(600)))
            .collect();
        let keys = keys.concat();
        let keys = format!("{{{keys}\"phone\":1}}\n");
        let cases: [(&[u8], NoTable); 21] = [
            (b"", NoTable::Empty),
            (b"\n\n", NoTable::Empty),
            (b"\r\n", NoTable::Empty),
            (b"{}", NoTable::Empty),
            (b"[1,2]\0", NoTable::NotText),
            (b"PK\x03\x04\x14", NoTable::NotText),
            ("\u{1f}‹\u{8}\u{0}".as_bytes(), NoTable::NotText),
            ("\u{89}PNG\r\n\u{1a}\n".as_bytes(), NoTable::NotText),
            (b"<?xml version=\"1.0\"?>\n<a/>", NoTable::NotTable),
            (
                b"\xEF\xBB\xBF\n<svg xmlns=\"x\"><script/></svg>",
                NoTable::NotTable,
            ),
            (b"<!DOCTYPE html>\n<p>phone,name", NoTable::NotTable),
            (b"<!-- a --><svg/>", NoTable::NotTable),
            (b"{\\rtf1\\ansi phone}", NoTable::NotTable),
            (b"begin:vcard\r\nTEL:+62812", NoTable::NotTable),
            (b"#!/bin/sh\nphone,name", NoTable::NotTable),
            (b"[\n {\"phone\":\"62812\"}]", NoTable::NotTable),
            (b"%!PS-Adobe-3.0\n", NoTable::NotTable),
            (b"Zo\xFF,phone\n", NoTable::Headers(Unreadable::NotText)),
            (wide.as_bytes(), NoTable::Headers(Unreadable::TooManyColumns)),
            (long.as_bytes(), NoTable::Headers(Unreadable::TooLong)),
            (keys.as_bytes(), NoTable::LongColumns),
        ];
        for (file, why) in cases {
            let told = String::from_utf8_lossy(file.get(..20.min(file.len())).unwrap()).into_owned();
            assert_eq!(seen(file).unwrap_err(), why, "{told:?}");
        }
    }

    #[test]
    fn a_first_line_of_excels_says_what_separates() {
        for (line, separator) in [
            ("sep=;\r\n", Separator::Semicolon),
            ("SEP=,\n", Separator::Comma),
            ("sep=\t\r\n", Separator::Tab),
        ] {
            let between = match separator {
                Separator::Comma => ",",
                Separator::Semicolon => ";",
                Separator::Tab => "\t",
            };
            let file = format!("{line}phone{between}name\n62812{between}Ana\n");
            let seen = seen(&file).unwrap();
            assert_eq!(
                (seen.separator, seen.columns.as_slice()),
                (separator, &["phone".to_owned(), "name".to_owned()][..])
            );
            assert_eq!(seen.sample, [["62812", "Ana"]]);
            assert_eq!(seen.place.line, 3);
            assert_eq!(
                &file[usize::try_from(seen.place.byte).unwrap()..],
                format!("62812{between}Ana\n")
            );
        }
    }

    #[test]
    fn objects_are_read_by_their_keys_as_they_are() {
        let long = "k".repeat(90);
        let seen = seen(format!("{{\" phone \":1,\"{long}\":2,\"\":3}}\n")).unwrap();
        assert_eq!(seen.columns, [" phone ", &long, ""]);
    }

    #[test]
    fn what_is_shown_is_bounded() {
        let wide = vec!["y".repeat(300); 150].join(",");
        let narrow = seen(format!("{wide}\n{wide}\n{wide}\n{wide}\n")).unwrap();
        assert!(
            narrow
                .columns
                .iter()
                .all(|column| column.chars().count() <= LONGEST + 6)
        );
        assert_eq!(narrow.sample.len(), 1);
        // Letters of three bytes: all of it fits into one row, twice.
        let wide = vec!["字".repeat(60); 200].join("\t");
        let seen = seen(format!("{wide}\n{wide}\n")).unwrap();
        assert!(
            seen.columns
                .iter()
                .all(|column| column.len() <= LONGEST_BYTES + 6)
        );
    }
}
