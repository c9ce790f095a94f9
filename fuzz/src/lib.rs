//! What several targets ask of JSON.

use serde_json::Value;

/// Whether a number in it has a fraction or an exponent: its shortest text may be read as the number beside it.
pub fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}
