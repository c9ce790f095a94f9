//! Values in the cells of a CSV file: several in one, and none that a spreadsheet takes for a formula.

use std::borrow::Cow;

/// What tells Excel that a file is UTF-8.
pub const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What separates several values in one cell.
const BETWEEN: [char; 3] = [';', ',', '|'];

/// A cell that no spreadsheet evaluates.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if is_formula(text.trim_start_matches('\'')) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

/// The text of a cell, as it was before it was made [`harmless`].
pub fn plain(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest.trim_start_matches('\'')) => rest,
        _ => cell,
    }
}

fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_phone(text)
}

/// Whether it is a phone number as exports write it, which nothing can be made of: `+62 8123456789`.
fn is_phone(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.strip_prefix('+').and_then(|text| text.split_once(' '));
    number.is_some_and(|(code, rest)| is_digits(code) && is_digits(rest))
}

/// Several values as one cell.
pub fn joined<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let mut cell = String::new();
    for (place, value) in values.into_iter().enumerate() {
        if place > 0 {
            cell.push(';');
        }
        for c in value.chars() {
            if c == '\\' || BETWEEN.contains(&c) {
                cell.push('\\');
            }
            cell.push(c);
        }
    }
    cell
}

/// The values of a cell that may hold several, without spaces around them.
pub fn split(cell: &str) -> Vec<String> {
    let (mut values, mut value) = (Vec::new(), String::new());
    let mut letters = cell.chars();
    while let Some(c) = letters.next() {
        if c == '\\' {
            value.extend(letters.next());
        } else if BETWEEN.contains(&c) {
            values.push(std::mem::take(&mut value));
        } else {
            value.push(c);
        }
    }
    values.push(value);
    let trimmed = values.iter().map(|value| value.trim());
    trimmed
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Appends a line of cells.
pub fn write_line<'a>(cells: impl IntoIterator<Item = &'a str>, out: &mut Vec<u8>) {
    for (place, cell) in cells.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        let cell = harmless(cell);
        if cell.contains(['"', ',', ';', '\t', '\n', '\r']) || cell.trim() != cell {
            out.push(b'"');
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::records::{Format, Place, Records, Separator};
    use super::*;

    #[test]
    fn no_cell_begins_a_formula() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+62812", "'+62812"),
            ("+62 812345", "+62 812345"),
            ("+62 812+1", "'+62 812+1"),
            ("+62 ", "'+62 "),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("'=1", "''=1"),
            ("'quoted'", "'quoted'"),
            ("1=1", "1=1"),
            ("", ""),
        ] {
            assert_eq!(harmless(text), cell);
            assert_eq!(plain(cell), text);
        }
    }

    #[test]
    fn several_values_stand_in_one_cell() {
        assert_eq!(split("vip, new; x|y ;;"), ["vip", "new", "x", "y"]);
        assert_eq!(split(r"a\;b\\"), [r"a;b\"]);
        assert!(split(" ").is_empty());
        assert_eq!(split(r"end\"), ["end"]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            cells in prop::collection::vec("[a'=+@\" ,;|\\\\\t\r\né-]{0,8}", 1..6),
            values in prop::collection::vec("[a=,;|\\\\é-]{1,8}", 0..5),
        ) {
            prop_assert_eq!(split(&joined(values.iter().map(String::as_str))), values);
            prop_assume!(cells.iter().any(|cell| !cell.is_empty()));
            let mut out = Vec::new();
            write_line(cells.iter().map(String::as_str), &mut out);
            let mut records =
                Records::new(out.as_slice(), Format::Csv, Separator::Comma, Vec::new(), Place::START);
            let record = records.read_next().unwrap().unwrap().unwrap();
            let mut read = vec![String::new(); cells.len()];
            for (column, cell) in &record.cells {
                let text = plain(cell);
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']));
                read[*column] = text.to_owned();
            }
            prop_assert_eq!(read, cells);
            prop_assert_eq!(records.read_next().unwrap(), None);
        }
    }
}
