//! What a store holds, without references to messages that are gone: so stores are compared that drop them sooner or later.

use std::collections::HashSet;

use bytes::Bytes;
use serde_json::Value;

use super::contents::Family;
use crate::domain::Event;
use crate::store::EventPage;

/// Contents in which what happened once no longer names a message that is not there, nor an event tells what it said.
///
/// Of a message whose time is over nothing is ever read. Some stores drop its bytes when they sweep, others later; so an
/// erasure finds it in one and not in the other, and takes back the references to it or leaves them to their own end. So it is with
/// the events that told of a message whose end was moved forward: a cluster leaves them to theirs.
pub(super) fn without_dead(rows: Vec<(Bytes, Bytes)>) -> Vec<(Bytes, Value)> {
    let rows: Vec<(Bytes, Value)> = rows
        .into_iter()
        .map(|(key, value)| (key, serde_json::from_slice(&value).unwrap()))
        .collect();
    let there = messages_in(&rows);
    assert!(
        !there.contains(&Value::Null),
        "messages are is_held with their ids"
    );
    let mut rows = rows;
    for (key, value) in &mut rows {
        if Family::Seen.names(key) && !there.contains(&value["row"]["at"]["message"]) {
            value["row"]["at"] = Value::Null;
        }
        if Family::Event.names(key) && tells_of_none(&value["row"], &there) {
            value["row"] = serde_json::json!({ "seq": value["row"]["seq"], "kind": "erased" });
        }
    }
    rows
}

/// The ids of the messages in a contents.
pub(super) fn messages_in(rows: &[(Bytes, Value)]) -> HashSet<Value> {
    let messages = rows.iter().filter(|(key, _)| Family::Message.names(key));
    messages.map(|(_, value)| value["row"]["id"].clone()).collect()
}

/// The same of a page of events.
pub(super) fn without_dead_events(page: EventPage, there: &HashSet<Value>) -> EventPage {
    let forget = |event: Event| {
        let row: Value = serde_json::from_slice(&event.json).unwrap();
        if tells_of_none(&row, there) {
            Event::erased(event.seq, event.at)
        } else {
            event
        }
    };
    EventPage {
        events: page.events.into_iter().map(forget).collect(),
        ..page
    }
}

fn tells_of_none(event: &Value, there: &HashSet<Value>) -> bool {
    let id = &event["data"]["message"]["id"];
    !id.is_null() && !there.contains(id)
}

#[test]
fn only_references_to_messages_that_are_not_there_are_taken_back() {
    let row = |family: Family, json: &str| {
        let key = Bytes::from(vec![family.code()]);
        (key, Bytes::from(json.to_owned()))
    };
    let rows = without_dead(vec![
        row(Family::Message, r#"{"row":{"id":"m1"}}"#),
        row(Family::Seen, r#"{"row":{"at":{"message":"m1"}}}"#),
        row(Family::Seen, r#"{"row":{"at":{"message":"m2"}}}"#),
    ]);
    let references: Vec<&Value> = rows
        .iter()
        .skip(1)
        .map(|(_, value)| &value["row"]["at"])
        .collect();
    assert_eq!(
        references,
        [&serde_json::json!({ "message": "m1" }), &Value::Null]
    );
}
