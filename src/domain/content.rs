//! What a message says: Meta's own JSON shape, in and out, so that there is one vocabulary.
//!
//! A [`Content`] is a JSON object with `type`, the object named by it, and what Meta puts beside them (`context`,
//! `referral`, `errors`, …). Unknown kinds are kept as they came.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The `type` of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ContentKind {
    /// Plain text.
    Text,
    /// A picture.
    Image,
    /// A film.
    Video,
    /// Sound or a voice note.
    Audio,
    /// A file.
    Document,
    /// A sticker.
    Sticker,
    /// A place.
    Location,
    /// Contact cards.
    Contacts,
    /// An emoji on another message.
    Reaction,
    /// Buttons, lists, flows and their answers.
    Interactive,
    /// A template.
    Template,
    /// A tapped quick-reply button of a template.
    Button,
    /// A catalogue order.
    Order,
    /// A change of the customer's number or identity.
    System,
    /// A message that Meta does not hand over.
    Unsupported,
    /// What is left of a message that its author took back.
    Revoked,
    /// A private note between agents; never leaves the gateway.
    Note,
    /// A kind that this version does not know.
    Other(Arc<str>),
}

impl ContentKind {
    const KNOWN: [(Self, &'static str); 17] = [
        (Self::Text, "text"),
        (Self::Image, "image"),
        (Self::Video, "video"),
        (Self::Audio, "audio"),
        (Self::Document, "document"),
        (Self::Sticker, "sticker"),
        (Self::Location, "location"),
        (Self::Contacts, "contacts"),
        (Self::Reaction, "reaction"),
        (Self::Interactive, "interactive"),
        (Self::Template, "template"),
        (Self::Button, "button"),
        (Self::Order, "order"),
        (Self::System, "system"),
        (Self::Unsupported, "unsupported"),
        (Self::Revoked, "revoked"),
        (Self::Note, "note"),
    ];

    /// The kind that a `type` names.
    pub fn of(name: &str) -> Self {
        Self::KNOWN
            .iter()
            .find(|(_, known)| *known == name)
            .map_or_else(|| Self::Other(name.into()), |(kind, _)| kind.clone())
    }

    /// Meta's name of the kind.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(name) => name,
            known => Self::KNOWN
                .iter()
                .find(|(kind, _)| kind == known)
                .map_or("unknown", |(_, name)| name),
        }
    }
}

impl Serialize for ContentKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ContentKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self::of(&name))
    }
}

/// Why a content was refused. The text is for the API's caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ContentError {
    /// Where in the request, in JSON path form: `interactive.action.buttons[0].reply.title`.
    pub path: String,
    /// What is wrong, and what would be accepted.
    pub problem: String,
}

impl ContentError {
    /// Says what is wrong where.
    pub fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            problem: problem.into(),
        }
    }
}

/// A message's content. Personal data: `Debug` shows the kind alone.
#[derive(Clone)]
pub struct Content {
    kind: ContentKind,
    json: Arc<RawValue>,
}

impl Content {
    /// Wraps a JSON object that was checked before.
    pub fn from_raw(kind: ContentKind, json: Box<RawValue>) -> Self {
        Self {
            kind,
            json: json.into(),
        }
    }

    /// A private note.
    pub fn note(text: &str) -> Self {
        Self::from_value(
            ContentKind::Note,
            &serde_json::json!({ "type": "note", "note": { "body": text } }),
        )
    }

    /// What is left of a message that its author took back.
    pub fn revoked() -> Self {
        Self::from_value(ContentKind::Revoked, &serde_json::json!({ "type": "revoked" }))
    }

    /// This content with what stands beside the other one: what it answers, where it came from.
    pub fn in_place_of(&self, other: &Self) -> Self {
        let (mut value, before) = (self.to_value(), other.to_value());
        let (Some(fields), Some(before)) = (value.as_object_mut(), before.as_object()) else {
            return self.clone();
        };
        fields.remove("context");
        for (key, beside) in before {
            if key != "type" && key != other.kind.as_str() && !fields.contains_key(key) {
                fields.insert(key.clone(), beside.clone());
            }
        }
        Self::from_value(self.kind.clone(), &value)
    }

    /// Whether it takes a reaction away.
    pub fn is_removed_reaction(&self) -> bool {
        self.kind == ContentKind::Reaction && self.preview().is_none_or(|emoji| emoji.is_empty())
    }

    /// Plain text.
    pub fn text(body: &str) -> Self {
        Self::from_value(
            ContentKind::Text,
            &serde_json::json!({ "type": "text", "text": { "body": body } }),
        )
    }

    /// Writes a JSON value as content.
    pub fn from_value(kind: ContentKind, value: &serde_json::Value) -> Self {
        let json = serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned());
        Self::from_raw(kind, json)
    }

    /// How long it is as JSON.
    pub fn bytes(&self) -> usize {
        self.json.get().len()
    }

    /// What kind it is.
    pub fn kind(&self) -> &ContentKind {
        &self.kind
    }

    /// The JSON object, as it is stored and shown.
    pub fn json(&self) -> &RawValue {
        &self.json
    }

    /// Parses the JSON object.
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::from_str(self.json.get()).unwrap_or_default()
    }

    /// A short line for a conversation list: text, caption, or nothing. At most 120 characters.
    pub fn preview(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(borrow)]
            body: Option<std::borrow::Cow<'a, str>>,
            #[serde(borrow)]
            caption: Option<std::borrow::Cow<'a, str>>,
            #[serde(borrow)]
            text: Option<std::borrow::Cow<'a, str>>,
            #[serde(borrow)]
            emoji: Option<std::borrow::Cow<'a, str>>,
        }
        #[derive(Deserialize)]
        struct Lines<'a> {
            #[serde(borrow)]
            text: Option<Line<'a>>,
            #[serde(borrow)]
            note: Option<Line<'a>>,
            #[serde(borrow)]
            image: Option<Line<'a>>,
            #[serde(borrow)]
            video: Option<Line<'a>>,
            #[serde(borrow)]
            document: Option<Line<'a>>,
            #[serde(borrow)]
            button: Option<Line<'a>>,
            #[serde(borrow)]
            reaction: Option<Line<'a>>,
        }
        let lines: Lines<'_> = serde_json::from_str(self.json.get()).ok()?;
        [
            lines.text,
            lines.note,
            lines.image,
            lines.video,
            lines.document,
            lines.button,
            lines.reaction,
        ]
        .into_iter()
        .flatten()
        .find_map(|line| line.body.or(line.caption).or(line.text).or(line.emoji))
        .map(|text| text.chars().take(120).collect())
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.json.get() == other.json.get()
    }
}

impl Eq for Content {}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Content({}, {} bytes)",
            self.kind.as_str(),
            self.json.get().len()
        )
    }
}

impl Serialize for Content {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Kind<'a> {
            #[serde(rename = "type", borrow)]
            kind: std::borrow::Cow<'a, str>,
        }
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let kind = serde_json::from_str::<Kind<'_>>(json.get())
            .map(|kind| ContentKind::of(&kind.kind))
            .map_err(serde::de::Error::custom)?;
        Ok(Self::from_raw(kind, json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_kind_keeps_its_name_and_its_json() {
        let json = r#"{"type":"hologram","hologram":{"depth":3}}"#;
        let content: Content = serde_json::from_str(json).unwrap();
        assert_eq!(content.kind(), &ContentKind::Other("hologram".into()));
        assert_eq!(serde_json::to_string(&content).unwrap(), json);
    }

    #[test]
    fn a_preview_is_the_text_or_the_caption() {
        assert_eq!(Content::text("hello").preview().as_deref(), Some("hello"));
        let image: Content =
            serde_json::from_str(r#"{"type":"image","image":{"id":"1","caption":"a cat"}}"#).unwrap();
        assert_eq!(image.preview().as_deref(), Some("a cat"));
    }

    #[test]
    fn content_never_shows_its_text_in_debug() {
        assert!(!format!("{:?}", Content::text("my secret")).contains("secret"));
    }
}
