//! The strict reader of callers' JSON.
//!
//! It takes nothing that serde_json refuses, and reads the rest as serde_json does; whatever it takes keeps the documented
//! bounds. The digest, which tells a repeated request from another one, does not depend on how the value is written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mesej::api::json::{self, Fields};
use mesej_fuzz::has_fraction;
use serde_json::Value;

/// Bounds that the reader documents.
const DEPTH: usize = 32;
const MEMBERS: usize = 1_000;
const NAME: usize = 256;
const TEXT: usize = 64 << 10;
/// The longest refusal: what callers send is not given back to them whole.
const REFUSAL: usize = 2_048;

fuzz_target!(|body: &[u8]| {
    let value = match json::read(body) {
        Ok(value) => value,
        Err(refusal) => {
            assert!(
                refusal.message().len() <= REFUSAL,
                "{} bytes",
                refusal.message().len()
            );
            return;
        }
    };
    let known: Value = serde_json::from_slice(body).expect("JSON that the strict reader took");
    assert_eq!(known, value);
    assert_bounded(&value, 0);

    let written = value.to_string();
    let spaced = serde_json::to_string_pretty(&value).expect("a value");
    if !has_fraction(&value) {
        for text in [&written, &spaced] {
            let again = json::read(text.as_bytes()).expect("what was written of a value that was taken");
            assert_eq!(again, value);
            assert_eq!(json::digest(&again), json::digest(&value));
        }
    }
    assert_eq!(json::digest(&reversed(&value)), json::digest(&value));

    // Taking members leaves the others.
    if let Ok(mut fields) = Fields::read(body) {
        let before = value.as_object().map_or(0, serde_json::Map::len);
        let taken = fields.optional::<Value>("type").expect("any value is a value");
        let had = value.get("type").is_some();
        assert_eq!(taken.is_some(), had && !value["type"].is_null());
        assert_eq!(fields.finish().is_ok(), before == usize::from(had));
    }
});

fn assert_bounded(value: &Value, depth: usize) {
    assert!(depth <= DEPTH, "nested {depth} deep");
    match value {
        Value::Array(items) => {
            assert!(items.len() <= MEMBERS);
            items.iter().for_each(|item| assert_bounded(item, depth + 1));
        }
        Value::Object(members) => {
            assert!(members.len() <= MEMBERS);
            for (name, member) in members {
                assert!(name.len() <= NAME);
                assert_bounded(member, depth + 1);
            }
        }
        Value::String(text) => assert!(text.len() <= TEXT),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The same value with the members of each object in the opposite order.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(reversed).collect(),
        Value::Object(members) => {
            let members = members.iter().rev();
            Value::Object(
                members
                    .map(|(name, member)| (name.clone(), reversed(member)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}
