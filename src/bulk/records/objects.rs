//! The values of a JSON object, as cells.

use serde_json::Value;

use super::{MOST_COLUMNS, Unreadable};

/// The values of an object; columns that are new are added behind the others.
pub(super) fn json_cells(
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
