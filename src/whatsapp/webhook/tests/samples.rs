//! Runs on payloads of every kind.

use super::*;
use crate::whatsapp::payloads::payloads;

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

#[test]
fn every_sample_is_read_whole() {
    for (place, expected) in payloads("webhooks") {
        check(&place, expected.to_string().as_bytes(), &expected);
    }
}

fn check(place: &str, bytes: &[u8], expected: &Value) {
    let found = elements(bytes);
    let (mut messages, mut statuses, mut others) = (0, 0, 0);
    for change in list(expected, "entry")
        .iter()
        .flat_map(|entry| list(entry, "changes"))
    {
        let value = &change["value"];
        if let Some("smb_message_echoes" | "history" | "standby") = change["field"].as_str() {
            messages += list(value, "message_echoes").len() + list(value, "messages").len();
            for chunk in list(value, "history") {
                others += 1;
                let threads = list(chunk, "threads").iter();
                messages += threads
                    .map(|thread| list(thread, "messages").len())
                    .sum::<usize>();
            }
            let standby = &value["standby"];
            messages += list(standby, "message_echoes").len() + list(standby, "messages").len();
            statuses += list(standby, "statuses").len();
            continue;
        }
        if change["field"] != "messages" {
            others += 1;
            continue;
        }
        others += list(value, "errors").len() + list(value, "user_actions").len();
        for message in list(value, "messages") {
            messages += 1;
            check_message(place, &found, message);
        }
        for status in list(value, "statuses") {
            statuses += 1;
            let seconds = |read: &crate::whatsapp::IncomingStatus| read.at.as_secs().to_string();
            let read = found.iter().any(|element| {
                matches!(element, Element::Status(read)
                    if status["id"] == read.wamid.as_str() && status["status"] == read.state.as_str()
                        && status["timestamp"].as_str() == Some(seconds(read).as_str())
                        && (read.state != DeliveryState::Failed
                            || read.error.as_ref().map(|error| error.code) == status["errors"][0]["code"].as_i64()))
            });
            assert!(read, "{place}: {status}");
        }
    }
    let count = |kind| found.iter().filter(|element| element.kind() == kind).count();
    assert_eq!(
        (
            count("message"),
            count("status"),
            count("other"),
            count("malformed")
        ),
        (messages, statuses, others, 0),
        "{place}"
    );
    found.iter().for_each(assert_survives_replay);
}

fn check_message(place: &str, found: &[Element], sample: &Value) {
    let message = found
        .iter()
        .find_map(|element| match element {
            Element::Message(message) if sample["id"] == message.wamid.as_str() => Some(message),
            _ => None,
        })
        .unwrap_or_else(|| panic!("{place}: {sample}"));
    assert_eq!(sample["timestamp"], message.at.as_secs().to_string(), "{place}");
    assert!(!message.aliases.is_empty(), "{place}");
    let mut expected = sample.as_object().unwrap().clone();
    expected
        .retain(|key, _| !matches!(key.as_str(), "id" | "timestamp" | "from") && !key.starts_with("from_"));
    let mut content = message.content.to_value();
    content.as_object_mut().unwrap().remove("conversation_context");
    assert_eq!(content, Value::Object(expected), "{place}");
    assert_eq!(sample["type"], message.content.kind().as_str(), "{place}");
}
