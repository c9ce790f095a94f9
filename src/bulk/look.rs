//! A first look at a file: how its records stand, what its columns are called, and its first rows.

use std::io::{self, Read};

use super::fields::headers;
use super::records::{Format, MOST_COLUMNS, Place, Record, Records, Separator};

/// Bytes by which format and separator are told.
const HEAD: usize = 64 << 10;
/// Rows that are shown.
const SHOWN: usize = 5;
/// Characters of a value that are shown, and of a column's name that are kept.
const LONGEST: usize = 60;
/// Bytes of all values that are shown: they stand in one row with the rest.
const SHOWN_BYTES: usize = 16 << 10;
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

/// Looks at a file from its beginning. `open` opens it. `None` where there is nothing in it that is a record.
pub fn look<R: Read>(open: impl Fn() -> io::Result<R>) -> io::Result<Option<Seen>> {
    let mut head = Vec::new();
    open()?
        .take(u64::try_from(HEAD).unwrap_or(u64::MAX))
        .read_to_end(&mut head)?;
    let format = Format::of(&head);
    let separator = Separator::of(&head);
    let mut records = Records::new(open()?, format, separator, Vec::new(), Place::START);
    let mut rows = Vec::new();
    let columns = match format {
        Format::Csv => {
            let Some(Ok(first)) = records.read_next()? else {
                return Ok(None);
            };
            let columns = first.cells.last().map_or(0, |(column, _)| column + 1);
            headers(cut(first.cells), columns)
        }
        Format::Ndjson => Vec::new(),
    };
    let place = records.place();
    let place = if format == Format::Csv {
        place
    } else {
        Place::START
    };
    let most = if format == Format::Csv { SHOWN } else { LEARNT_FROM };
    for _ in 0..most {
        match records.read_next()? {
            Some(Ok(record)) => rows.push(record),
            Some(Err(_)) => {}
            None => break,
        }
    }
    let columns = match format {
        Format::Csv => columns,
        Format::Ndjson => headers(cut(numbered(records.columns())), records.columns().len()),
    };
    if columns.is_empty() || columns.len() > MOST_COLUMNS {
        return Ok(None);
    }
    let sample = sample(rows, columns.len());
    Ok(Some(Seen {
        format,
        separator,
        columns,
        sample,
        place,
    }))
}

fn numbered(columns: &[String]) -> Vec<(usize, String)> {
    columns.iter().cloned().enumerate().collect()
}

fn cut(cells: Vec<(usize, String)>) -> Vec<(usize, String)> {
    let cut = |text: String| text.chars().take(LONGEST).collect();
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
        bytes += row.iter().map(|cell| cell.len() + 8).sum::<usize>();
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

    fn seen(text: &str) -> Option<Seen> {
        look(|| Ok(text.as_bytes())).unwrap()
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
        for nothing in ["", "\n\n", "{}", "[1,2]\u{0}"] {
            let found = seen(nothing);
            assert!(found.is_none_or(|seen| seen.format == Format::Csv), "{nothing:?}");
        }
        assert_eq!(seen("\r\n"), None);
    }

    #[test]
    fn what_is_shown_is_bounded() {
        let wide = vec!["y".repeat(300); 150].join(",");
        let seen = seen(&format!("{wide}\n{wide}\n{wide}\n{wide}\n")).unwrap();
        assert!(
            seen.columns
                .iter()
                .all(|column| column.chars().count() <= LONGEST + 6)
        );
        assert_eq!(seen.sample.len(), 1);
    }
}
