//! What a statement gave that was not prepared: columns by name, since servers differ in how many there are.

use scylla::value::{CqlValue, Row};

/// What a statement that was not prepared gave.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Row>,
}

impl Answer {
    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    fn value(&self, row: usize, column: &str) -> Option<&CqlValue> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.rows.get(row)?.columns.get(at)?.as_ref()
    }

    /// A text of a row.
    pub(super) fn text(&self, row: usize, column: &str) -> Option<&str> {
        self.value(row, column)?.as_text().map(String::as_str)
    }

    /// A number of a row.
    pub(super) fn int(&self, row: usize, column: &str) -> Option<i64> {
        let value = self.value(row, column)?;
        value.as_bigint().or_else(|| value.as_int().map(i64::from))
    }

    /// Whether a conditional statement was carried out.
    pub(super) fn applied(&self) -> bool {
        self.value(0, "[applied]").and_then(|value| value.as_boolean()) == Some(true)
    }
}
