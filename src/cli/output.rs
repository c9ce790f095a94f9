//! How answers are printed: aligned columns for people, JSON for programs.

use std::fmt::Display;
use std::io::{self, Write as _};

use serde_json::Value;

use crate::domain::Timestamp;
use crate::domain::date::Date;

/// Prints a text, and a line end if it lacks one.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Prints an answer: as it came for programs, or in the words that `shown` finds for people.
pub(super) fn answer(answer: &Value, as_json: bool, shown: impl Fn(&Value) -> String) -> io::Result<()> {
    if as_json {
        print(&format!("{answer:#}"))
    } else {
        print(&shown(answer))
    }
}

/// One object as `name: value` lines, in the order in which the server wrote them.
pub(super) fn fields(object: &Value) -> String {
    let Some(fields) = object.as_object() else {
        return plain(object);
    };
    let width = fields.keys().map(|name| name.chars().count()).max().unwrap_or(0) + 1;
    fields.iter().fold(String::new(), |text, (name, value)| {
        format!("{text}{:width$} {}\n", format!("{name}:"), cell(name, value))
    })
}

/// Objects as a table with these columns. Says so when there are none.
pub(super) fn table(rows: &[Value], columns: &[&str]) -> String {
    if rows.is_empty() {
        return "none\n".to_owned();
    }
    let head = columns.iter().map(|column| (*column).to_owned()).collect();
    let cells = rows.iter().map(|row| {
        columns
            .iter()
            .map(|column| {
                row.get(column)
                    .map_or_else(String::new, |value| cell(column, value))
            })
            .collect()
    });
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(cells).collect();
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    lines.iter().fold(String::new(), |text, line| {
        let line = line
            .iter()
            .zip(&widths)
            .fold(String::new(), |line, (cell, width)| {
                format!("{line}{cell:width$}  ")
            });
        format!("{text}{}\n", line.trim_end())
    })
}

/// The list in an answer: the answer itself, or its first field that is a list.
pub(super) fn list(answer: &Value) -> &[Value] {
    let list = answer
        .as_array()
        .or_else(|| answer.as_object()?.values().find_map(Value::as_array));
    list.map_or(&[], Vec::as_slice)
}

/// Fields that are times.
const TIMES: [&str; 11] = [
    "at",
    "created",
    "revoked",
    "expires",
    "started",
    "finished",
    "gone_oldest",
    "gone_newest",
    "ends_first",
    "ends_last",
    "from",
];

/// A field's value; times are shown as people read them.
fn cell(name: &str, value: &Value) -> String {
    match value.as_i64() {
        Some(ms) if TIMES.contains(&name) => moment(ms),
        _ => plain(value),
    }
}

/// Milliseconds since 1970 as a date and a time in UTC.
pub(super) fn moment(ms: i64) -> String {
    let time = Timestamp::from_millis(ms);
    let second = time.as_millis().div_euclid(1_000).rem_euclid(86_400);
    format!(
        "{} {:02}:{:02}:{:02}Z",
        Date::of(time),
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

/// A value without the quotes and brackets of JSON, on one line.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => harmless(text),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => harmless(&other.to_string()),
    }
}

/// Without what a terminal obeys, or what turns the line's direction.
fn harmless(text: &str) -> String {
    let obeyed = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if obeyed(c) { ' ' } else { c }).collect()
}

/// How often each of some things was the case, behind a sum; nothing where there is none.
pub(super) fn in_brackets<K: Display, V: Display>(counts: impl IntoIterator<Item = (K, V)>) -> String {
    let counts: Vec<String> = counts
        .into_iter()
        .map(|(what, count)| format!("{what} {count}"))
        .collect();
    if counts.is_empty() {
        String::new()
    } else {
        format!(" ({})", counts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left_in_a_value_at_any_depth() {
        let text = "a\u{9b}31m\u{202e}b\u{7f}c\n";
        for value in [json!(text), json!([text]), json!({ "deep": { "er": text } })] {
            let line = plain(&value);
            assert!(line.contains('a') && line.contains("31m"), "{line}");
            assert!(!line.contains(['\u{9b}', '\u{202e}', '\u{7f}', '\n']), "{line:?}");
        }
    }

    #[test]
    fn a_table_is_aligned_and_shows_missing_cells_as_empty() {
        let rows = [
            json!({"name": "Toko Maju", "days": 30}),
            json!({"name": "B", "scopes": ["read", "send"]}),
        ];
        assert_eq!(
            table(&rows, &["name", "days", "scopes"]),
            "name       days  scopes\nToko Maju  30\nB                read,send\n"
        );
        assert_eq!(table(&[json!({"at": 0})], &["at"]), "at\n1970-01-01 00:00:00Z\n");
        assert_eq!(table(&[], &["name"]), "none\n");
    }

    #[test]
    fn times_are_shown_as_dates() {
        for (ms, shown) in [
            (0, "1970-01-01 00:00:00Z"),
            (951_782_399_999, "2000-02-28 23:59:59Z"),
            (951_868_799_000, "2000-02-29 23:59:59Z"),
            (1_790_000_000_123, "2026-09-21 14:13:20Z"),
            (4_107_542_399_000, "2100-02-28 23:59:59Z"),
            (4_107_542_400_000, "2100-03-01 00:00:00Z"),
            (-1, "1969-12-31 23:59:59Z"),
        ] {
            assert_eq!(moment(ms), shown);
        }
        assert_eq!(
            fields(&json!({"created": 0, "rate": 80})),
            "created: 1970-01-01 00:00:00Z\nrate:    80\n"
        );
    }

    #[test]
    fn what_a_server_sends_cannot_steer_the_terminal() {
        assert_eq!(fields(&json!({"name": "a\u{1b}[2Jb\n"})), "name: a [2Jb \n");
    }

    #[test]
    fn a_list_is_found_bare_or_under_any_name() {
        assert_eq!(list(&json!([1])).len(), 1);
        assert_eq!(list(&json!({"next": null, "keys": [1, 2]})).len(), 2);
        assert_eq!(list(&json!({"error": {}})).len(), 0);
    }
}
