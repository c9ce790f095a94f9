//! Messages of every kind, as long and as many-parted as a test asks for.

use serde_json::{Value, json};

pub(super) fn letters(count: usize) -> String {
    "ü".repeat(count)
}

pub(super) fn message(kind: &str, content: Value) -> Value {
    let mut message = json!({ "type": kind });
    message[kind] = content;
    message
}

pub(super) fn interactive(kind: &str, rest: Value) -> Value {
    let mut content = json!({ "type": kind, "body": { "text": "b" } });
    for (key, value) in rest.as_object().unwrap() {
        content[key] = value.clone();
    }
    message("interactive", content)
}

pub(super) fn template(components: Value) -> Value {
    message(
        "template",
        json!({ "name": "order_shipped", "language": { "code": "en_US" }, "components": components }),
    )
}

pub(super) fn filled(kind: &str, text: &str) -> Value {
    json!({ "type": kind, "parameters": [{ "type": "text", "text": text }] })
}

pub(super) fn button(parameter: Value) -> Value {
    json!({ "type": "button", "sub_type": "quick_reply", "index": 0, "parameters": [parameter] })
}

pub(super) fn buttons(count: usize, id: usize, title: usize) -> Value {
    let button = |place: usize| {
        let name = format!("{place}{}", letters(title - 1));
        json!({ "type": "reply", "reply": { "id": format!("{place}{}", letters(id - 1)), "title": name } })
    };
    interactive(
        "button",
        json!({ "action": { "buttons": (0..count).map(button).collect::<Vec<_>>() } }),
    )
}

pub(super) fn list(sections: &[usize], text: [usize; 5]) -> Value {
    let [label, section_title, id, title, description] = text;
    let mut next = 0;
    let mut row = || {
        next += 1;
        json!({
            "id": format!("{next:02}{}", letters(id - 2)), "title": letters(title), "description": letters(description),
        })
    };
    let sections: Vec<Value> = sections
        .iter()
        .map(|rows| {
            let rows: Vec<Value> = (0..*rows).map(|_| row()).collect();
            json!({ "title": letters(section_title), "rows": rows })
        })
        .collect();
    interactive(
        "list",
        json!({ "action": { "button": letters(label), "sections": sections } }),
    )
}

pub(super) fn framed(header: usize, body: usize, footer: usize) -> Value {
    let frame = json!({
        "header": { "type": "text", "text": letters(header) }, "body": { "text": letters(body) },
        "footer": { "text": letters(footer) },
        "action": { "buttons": [{ "type": "reply", "reply": { "id": "a", "title": "A" } }] },
    });
    interactive("button", frame)
}

pub(super) fn link(label: usize, url: &str) -> Value {
    let parameters = json!({ "display_text": letters(label), "url": url });
    interactive(
        "cta_url",
        json!({ "action": { "name": "cta_url", "parameters": parameters } }),
    )
}

pub(super) fn flow(change: Value) -> Value {
    let mut parameters = json!({ "flow_message_version": "3", "flow_id": "1", "flow_cta": "Go" });
    for (key, value) in change.as_object().unwrap() {
        parameters[key] = value.clone();
    }
    interactive(
        "flow",
        json!({ "action": { "name": "flow", "parameters": parameters } }),
    )
}

pub(super) fn carousel(cards: usize, body: &str, title: usize) -> Value {
    let reply = json!({ "type": "quick_reply", "quick_reply": { "id": "i", "title": letters(title) } });
    let card = |place: usize| {
        json!({
            "card_index": place, "header": { "type": "image", "image": { "id": "1" } }, "body": { "text": body },
            "action": { "buttons": [reply] },
        })
    };
    let cards: Vec<Value> = (0..cards).map(card).collect();
    interactive("carousel", json!({ "action": { "cards": cards } }))
}

pub(super) fn cards(count: usize) -> Value {
    let card = |name: Value| json!({ "name": name });
    let whole = json!({ "formatted_name": "Ana P", "first_name": "Ana" });
    message("contacts", vec![card(whole); count].into())
}

pub(super) fn with(mut message: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match message.pointer_mut(parent).unwrap() {
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
        object => object[key] = value,
    }
    message
}

pub(super) fn image(content: Value) -> Value {
    message("image", content)
}

pub(super) fn place(latitude: f64, name: usize) -> Value {
    message(
        "location",
        json!({ "latitude": latitude, "longitude": 1, "name": letters(name) }),
    )
}

pub(super) fn reaction(emoji: &str) -> Value {
    message("reaction", json!({ "message_id": "wamid.x", "emoji": emoji }))
}

pub(super) fn direct(category: &str, seconds: u64) -> Value {
    let text = message("text", json!({ "body": "b" }));
    with(
        with(text, "/category", json!(category)),
        "/ttl_seconds",
        json!(seconds),
    )
}
