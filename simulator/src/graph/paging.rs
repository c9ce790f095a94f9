//! Lists in pages with cursors, and the choice of fields.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::Call;
use super::error::GraphError;

/// Graph's default page.
const PAGE: usize = 25;

/// One page of a list, from the cursors in the query.
pub(super) fn page(call: &Call, items: Vec<Value>) -> Result<Value, GraphError> {
    let limit = match call.query("limit") {
        None => PAGE,
        Some(limit) => limit
            .parse()
            .ok()
            .filter(|limit| (1..=1_000).contains(limit))
            .ok_or_else(|| GraphError::new(100, "Param limit must be between 1 and 1000."))?,
    };
    let total = items.len();
    let start = match (call.query("after"), call.query("before")) {
        (Some(after), _) => position(after)? + 1,
        (None, Some(before)) => position(before)?.saturating_sub(limit),
        (None, None) => 0,
    };
    let data: Vec<Value> = items.into_iter().skip(start).take(limit).collect();
    if data.is_empty() {
        return Ok(json!({"data": data}));
    }
    let last = start + data.len() - 1;
    let mut paging = json!({"cursors": {"before": cursor(start), "after": cursor(last)}});
    if last + 1 < total
        && let Some(fields) = paging.as_object_mut()
    {
        fields.insert("next".to_owned(), next_url(call, limit, last).into());
    }
    Ok(json!({"data": data, "paging": paging}))
}

fn next_url(call: &Call, limit: usize, last: usize) -> String {
    let info = call.http.connection_info();
    let kept: String = ["fields", "status", "name", "language", "category"]
        .iter()
        .filter_map(|key| Some(format!("&{key}={}", call.query(key)?)))
        .collect();
    format!(
        "{}://{}{}?limit={limit}&after={}{kept}",
        info.scheme(),
        info.host(),
        call.http.path(),
        cursor(last)
    )
}

fn cursor(position: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("#{position}"))
}

fn position(cursor: &str) -> Result<usize, GraphError> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| std::str::from_utf8(&bytes).ok()?.strip_prefix('#')?.parse().ok())
        .ok_or_else(|| GraphError::new(131_059, "The cursor is not one of this list."))
}

/// Only the fields that the query names, and always the id. `defaults` stand for a query that names none.
pub(super) fn choose(call: &Call, all: Value, defaults: &[&str]) -> Value {
    let Value::Object(mut all) = all else {
        return all;
    };
    let named = call.query("fields").unwrap_or_default();
    let wanted: Vec<&str> = if named.is_empty() {
        defaults.to_vec()
    } else {
        named.split(',').map(str::trim).collect()
    };
    let mut chosen = Map::new();
    for field in wanted.iter().copied().chain(["id"]) {
        // Sub-selections such as `throughput{level}` choose the whole field.
        let bare = field.split(['{', '.', '(']).next().unwrap_or(field);
        if let Some(value) = all.remove(bare) {
            chosen.insert(bare.to_owned(), value);
        }
    }
    Value::Object(chosen)
}
