//! One event as one line for people.

use serde_json::Value;

use crate::cli::output::plain;

/// `#12 09:41:07 message inbound text "hello" conversation …`.
pub(super) fn of(event: &Value) -> String {
    let text = |path: &str| event.pointer(path).filter(|value| !value.is_null()).map(plain);
    let kind = text("/kind").unwrap_or_default();
    let about = match kind.as_str() {
        "message" | "message_changed" | "message_revoked" => {
            let said = [
                "/text/body",
                "/note/body",
                "/image/caption",
                "/video/caption",
                "/document/caption",
                "/template/name",
            ]
            .iter()
            .find_map(|path| text(&format!("/data/message/content{path}")))
            .map(|said| format!("{said:?}"));
            joined([
                text("/data/message/direction"),
                text("/data/message/content/type"),
                said,
            ])
        }
        "status" => joined([
            text("/data/state"),
            text("/data/message_id").map(|id| format!("message {id}")),
            text("/data/error/title").map(|title| format!("({title})")),
        ]),
        "conversation" => {
            let by = text("/data/by/id").or_else(|| text("/data/by/type"));
            joined([Some(changes(event)), by.map(|by| format!("by {by}"))])
        }
        "contact" => joined([
            text("/data/changed"),
            text("/data/contact/name").map(|name| format!("{name:?}")),
            text("/data/contact/id").map(|id| format!("contact {id}")),
        ]),
        _ => text("/data").unwrap_or_default(),
    };
    let conversation = text("/conversation_id").map(|id| format!("conversation {id}"));
    let at = event.get("at").and_then(Value::as_i64).map(time_of_day);
    let seq = text("/seq").map(|seq| format!("#{seq}"));
    joined([seq, at, Some(kind), Some(about), conversation])
}

/// What changed of a conversation, or what people would look for in a whole one.
fn changes(event: &Value) -> String {
    let said = |(name, value): (&str, &Value)| format!("{name}={}", plain(value));
    let fields: Vec<String> = match event.pointer("/data/conversation_changes") {
        Some(Value::Object(changes)) => changes.iter().map(|(name, value)| said((name, value))).collect(),
        _ => ["status", "assignee", "labels", "unread"]
            .into_iter()
            .filter_map(|name| Some((name, event.pointer("/data/conversation")?.get(name)?)))
            .map(said)
            .collect(),
    };
    fields.join(" ")
}

fn joined<const N: usize>(parts: [Option<String>; N]) -> String {
    let parts: Vec<String> = parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(" ")
}

/// Hours, minutes and seconds in UTC.
fn time_of_day(ms: i64) -> String {
    let secs = ms.div_euclid(1_000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", secs / 3_600, secs / 60 % 60, secs % 60)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::of;

    #[test]
    fn a_line_says_when_what_and_where() {
        let message = json!({"seq": 12, "at": 1_790_000_000_123_i64, "kind": "message", "conversation_id": "c1", "data": {
            "message": {"direction": "inbound", "content": {"type": "text", "text": {"body": "hello\u{7}"}}}}});
        assert_eq!(
            of(&message),
            "#12 14:13:20 message inbound text \"hello \" conversation c1"
        );
        let status = json!({"seq": 13, "at": 0, "kind": "status", "data": {
            "message_id": "m1", "state": "failed", "error": {"title": "Undeliverable"}}});
        assert_eq!(
            of(&status),
            "#13 00:00:00 status failed message m1 (Undeliverable)"
        );
        let changed = json!({"seq": 15, "at": 0, "kind": "conversation", "conversation_id": "c1", "data": {
            "conversation_changes": {"assignee": "eva", "labels": ["vip"], "preview": null}, "by": {"type": "agent", "id": "bob"}}});
        assert_eq!(
            of(&changed),
            "#15 00:00:00 conversation assignee=eva labels=vip preview=- by bob conversation c1"
        );
        let whole = json!({"seq": 16, "at": 0, "kind": "conversation", "data": {
            "conversation": {"id": "c1", "status": "open", "unread": 1, "created": 7}, "by": {"type": "contact"}}});
        assert_eq!(
            of(&whole),
            "#16 00:00:00 conversation status=open unread=1 by contact"
        );
        let contact = json!({"seq": 17, "at": 0, "kind": "contact", "data": {
            "changed": "names", "contact": {"id": "k1", "name": "Ada"}}});
        assert_eq!(of(&contact), "#17 00:00:00 contact names \"Ada\" contact k1");
        let lane = json!({"seq": 14, "at": 0, "kind": "lane", "data": {"state": "paused"}});
        assert_eq!(of(&lane), "#14 00:00:00 lane {\"state\":\"paused\"}");
    }
}
