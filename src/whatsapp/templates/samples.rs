//! Samples of headers that stand in a draft as uploads, and become handles of Meta's before it is sent there.

use serde_json::{Value, json};

use crate::domain::{MediaId, MediaKind};

/// A header's sample that was uploaded here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderSample {
    /// Where it is named.
    pub path: String,
    /// What the header shows.
    pub kind: MediaKind,
    /// The upload.
    pub upload: MediaId,
}

/// What a header's format shows, where that is a file.
pub(super) fn shown_by(format: &str) -> Option<MediaKind> {
    match format.to_ascii_uppercase().as_str() {
        "IMAGE" => Some(MediaKind::Image),
        "VIDEO" => Some(MediaKind::Video),
        "DOCUMENT" => Some(MediaKind::Document),
        _ => None,
    }
}

/// The uploads that a draft's headers name, with those of its cards.
pub fn header_samples(components: &Value) -> Vec<HeaderSample> {
    let mut found = Vec::new();
    visit(&mut components.clone(), "components", &mut |path, header| {
        let format = header.get("format").and_then(Value::as_str);
        let upload = header.pointer("/example/media_id").and_then(Value::as_str);
        if let (Some(kind), Some(Ok(upload))) = (format.and_then(shown_by), upload.map(str::parse)) {
            let path = format!("{path}.example.media_id");
            found.push(HeaderSample { path, kind, upload });
        }
    });
    found
}

/// The draft with handles in place of uploads. An upload without one leaves nothing behind.
pub fn with_handles(mut components: Value, handles: &[(MediaId, String)]) -> Value {
    visit(&mut components, "components", &mut |_, header| {
        let Some(example) = header.get_mut("example").and_then(Value::as_object_mut) else {
            return;
        };
        let upload = example.shift_remove("media_id");
        let upload = upload.and_then(|upload| upload.as_str()?.parse::<MediaId>().ok());
        if let Some((_, handle)) = handles.iter().find(|(known, _)| Some(*known) == upload) {
            example.insert("header_handle".to_owned(), json!([handle]));
        }
    });
    components
}

fn visit(components: &mut Value, above: &str, act: &mut dyn FnMut(&str, &mut Value)) {
    for (place, component) in components.as_array_mut().into_iter().flatten().enumerate() {
        let path = format!("{above}[{place}]");
        if super::definition::kind_of(component) == "header" {
            act(&path, component);
        }
        let cards = component.get_mut("cards").and_then(Value::as_array_mut);
        for (place, card) in cards.into_iter().flatten().enumerate() {
            if let Some(inside) = card.get_mut("components") {
                visit(inside, &format!("{path}.cards[{place}].components"), act);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_of_headers_and_cards_become_handles_and_nothing_else_does() {
        let (first, second) = (MediaId::of_upload([1; 16]), MediaId::of_upload([2; 16]));
        let header = |format: &str, upload: MediaId| json!({ "type": "Header", "format": format, "example": { "media_id": upload } });
        let draft = json!([
            header("IMAGE", first),
            { "type": "BODY", "text": "x", "example": { "media_id": first } },
            { "type": "CAROUSEL", "cards": [{ "components": [header("video", second)] }, { "components": [header("GIF", second)] }] },
        ]);
        let found = header_samples(&draft);
        let shown: Vec<(&str, MediaKind, MediaId)> = found
            .iter()
            .map(|sample| (sample.path.as_str(), sample.kind, sample.upload))
            .collect();
        assert_eq!(
            shown,
            [
                ("components[0].example.media_id", MediaKind::Image, first),
                (
                    "components[2].cards[0].components[0].example.media_id",
                    MediaKind::Video,
                    second
                ),
            ]
        );
        let sent = with_handles(draft, &[(first, "4::a".to_owned())]);
        assert_eq!(sent[0]["example"], json!({ "header_handle": ["4::a"] }));
        assert_eq!(sent[1]["example"], json!({ "media_id": first }), "no header");
        assert_eq!(sent[2]["cards"][0]["components"][0]["example"], json!({}));
    }
}
