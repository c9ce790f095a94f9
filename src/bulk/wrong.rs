//! What was wrong with rows of a file, as two files for people: what is wrong line by line, and the refused rows themselves with a column
//! that says why, to be corrected and uploaded again.

use std::collections::BTreeMap;

use super::batch::Refused;
use super::cells::{BYTE_ORDER_MARK, joined, plain, write_line};
use super::fields::header_key;
use super::folder::Told;
use super::import::Import;
use super::records::Format;
use super::rows::{RowError, RowProblem};

/// Bytes of either file that are kept in any case; the rest is counted.
const MOST: u64 = 8 << 20;
/// Bytes of either for each byte of the import's file, where that is more: room for a row with several wrong cells.
const MOST_SHARE: u64 = 4;
/// The column that says why.
const REASON: &str = "reason";

/// Bytes that a file may have which tells of the wrong rows of one with so many.
pub fn most(bytes: u64) -> u64 {
    bytes.saturating_mul(MOST_SHARE).max(MOST)
}

/// The last line of a file that is cut: how many lines are not in it.
pub fn cut_line(told: Told, omitted: u64, columns: usize) -> Vec<u8> {
    let mut line = Vec::new();
    if omitted > 0 {
        let before = match told {
            Told::Errors => 3,
            Told::Rows => columns,
        };
        let says = format!("the list is cut: {omitted} more are not in it");
        let cells = std::iter::repeat_n("", before).chain([says.as_str()]);
        write_line(cells, &mut line);
    }
    line
}

/// What was wrong with some rows.
pub struct Wrong {
    refused: Vec<Refused>,
    left_out: Vec<RowError>,
}

impl Wrong {
    /// Rows of which nothing counts, and cells that were left out of others.
    pub fn new(mut refused: Vec<Refused>, left_out: Vec<RowError>) -> Self {
        refused.sort_by_key(|row| row.line);
        Self { refused, left_out }
    }

    /// How often what was wrong.
    pub fn reasons(&self) -> BTreeMap<RowProblem, u64> {
        let mut reasons = BTreeMap::new();
        let errors = self.refused.iter().flat_map(|row| &row.errors);
        for error in errors.chain(&self.left_out) {
            *reasons.entry(error.problem).or_default() += 1;
        }
        reasons
    }

    /// Cells that were left out.
    pub fn left_out(&self) -> u64 {
        u64::try_from(self.left_out.len()).unwrap_or(u64::MAX)
    }

    /// Lines of one of the files that tell of it.
    pub fn count(&self, told: Told) -> u64 {
        let errors = self.refused.iter().map(|row| row.errors.len());
        let count = match told {
            Told::Errors => errors.sum::<usize>() + self.left_out.len(),
            Told::Rows => self.refused.len(),
        };
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// These lines.
    pub fn lines(&self, told: Told, import: &Import) -> Vec<u8> {
        match told {
            Told::Errors => self.errors(import),
            Told::Rows => self.rows(import),
        }
    }

    fn errors(&self, import: &Import) -> Vec<u8> {
        let mut lines = Vec::new();
        if import.errors_bytes == 0 {
            lines.extend_from_slice(BYTE_ORDER_MARK);
            write_line(
                ["line", "column", "code", "reason", "value", "outcome"],
                &mut lines,
            );
        }
        let refused = self.refused.iter().flat_map(|row| &row.errors);
        let mut errors: Vec<(&RowError, &str)> = refused.map(|error| (error, "row_refused")).collect();
        errors.extend(self.left_out.iter().map(|error| (error, "cell_left_out")));
        errors.sort_by_key(|(error, _)| (error.line, error.column));
        for (error, outcome) in errors {
            let column = error.column.and_then(|column| import.columns.get(column));
            let column = column.map_or("", String::as_str);
            let line = error.line.to_string();
            let cells = [
                &line,
                column,
                error.problem.as_str(),
                &error.reason,
                &error.value,
                outcome,
            ];
            write_line(cells, &mut lines);
        }
        lines
    }

    fn rows(&self, import: &Import) -> Vec<u8> {
        let mut lines = Vec::new();
        // A file that was corrected and is refused again has the column already.
        let kept: Vec<usize> = (import.columns.iter().enumerate())
            .filter(|(_, column)| header_key(column) != REASON)
            .map(|(place, _)| place)
            .collect();
        if import.refused_bytes == 0 {
            lines.extend_from_slice(BYTE_ORDER_MARK);
            let columns = kept.iter().filter_map(|place| import.columns.get(*place));
            write_line(columns.map(String::as_str).chain([REASON]), &mut lines);
        }
        for row in &self.refused {
            let reasons: Vec<String> = row.errors.iter().map(|error| told(error, import)).collect();
            let cells = kept.iter().map(|place| cell(row, *place, import.format));
            let cells = cells.chain([reasons.join("; ")]);
            let cells: Vec<String> = cells.chain(surplus(row, import.columns.len())).collect();
            write_line(cells.iter().map(String::as_str), &mut lines);
        }
        lines
    }
}

/// Why, with the column where that is not the whole row.
fn told(error: &RowError, import: &Import) -> String {
    match error.column.and_then(|column| import.columns.get(column)) {
        Some(column) => format!("{column}: {}", error.reason),
        None => error.reason.clone(),
    }
}

/// What stood behind the last column.
fn surplus(row: &Refused, columns: usize) -> Vec<String> {
    let mut cells = Vec::new();
    let behind = row.cells.iter();
    let behind = behind.filter_map(|(place, text)| Some((place.checked_sub(columns)?, text)));
    for (place, text) in behind.filter(|(_, text)| !text.is_empty()) {
        cells.resize(cells.len().max(place), String::new());
        cells.push(text.clone());
    }
    cells
}

/// What stood in a column, as it is read again from CSV.
fn cell(row: &Refused, column: usize, format: Format) -> String {
    let mut values = row.cells.iter().filter(|(place, _)| *place == column);
    match format {
        Format::Csv => values
            .next()
            .map_or_else(String::new, |(_, text)| plain(text).to_owned()),
        Format::Ndjson => {
            let values: Vec<&str> = values.map(|(_, text)| text.as_str()).collect();
            match values.as_slice() {
                [only] => (*only).to_owned(),
                several => joined(several.iter().copied()),
            }
        }
    }
}
