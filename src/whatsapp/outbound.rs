//! Checks what a caller wants to send against Meta's documented shapes and limits, before anything is accepted.
//!
//! A request is in Meta's own JSON: `type`, the object named by it, and `context` for a reply. What passes is kept byte
//! for byte, but for an object that names uploads. Kinds of message that Meta does not document are refused; new kinds of `interactive` pass with basic checks.
//! Source: Cloud API, message-type pages (Nov 3 2025, revised May to Jul 2026).

mod carousel;
mod direct;
mod interactive;
mod plain;
mod template;
#[cfg(test)]
mod tests;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use self::interactive::check_interactive;
use self::plain::{
    MediaKind, check_contacts, check_context, check_file, check_location, check_reaction, check_text,
};
use self::template::check_template;
use super::lenient::Fields;
use super::place::{self, Place};
use crate::domain::media::visit_files;
use crate::domain::{Content, ContentError, ContentKind};

/// A request to send that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundContent {
    /// The message in Meta's JSON.
    pub content: Content,
    /// What rules it falls under.
    pub class: MessageClass,
    /// To whom such a message may go.
    pub audience: Audience,
}

/// What rules a message falls under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageClass {
    /// Only within 24 hours of the customer's last message.
    Service,
    /// At any time, if approved.
    Template {
        /// Its name.
        name: String,
        /// Its language.
        language: String,
    },
    /// At any time without a template, from accounts that may: Direct Send.
    Direct,
    /// An emoji on another message; like a service message, and never delivered twice.
    Reaction,
}

/// Whom a message addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// One customer.
    Individual,
    /// A group.
    Group,
}

/// The kinds that can be sent.
const KINDS: [&str; 11] = [
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "interactive",
    "template",
];

/// What may stand beside `type` and its object, and goes to Meta.
const BESIDE: [&str; 3] = ["context", "recipient_identity_key_hash", "messaging_account_id"];

/// Checks a request. Keys that do not belong to the message itself, such as `to`, are the caller's own affair and left out
/// of the content.
pub fn parse_outbound(value: &RawValue) -> Result<OutboundContent, ContentError> {
    let request: Fields<'_> = match serde_json::from_str(value.get()) {
        Ok(request) => request,
        Err(_) => return Err(ContentError::new("$", "must be a JSON object")),
    };
    let kind = kind_of(&request)?;
    let raw = find(&request, kind).ok_or_else(|| ContentError::new(kind, "is missing"))?;
    let audience = audience(&request)?;
    let object = read(kind, raw)?;
    let class = check(kind, Place::top(kind, &object))?;
    let class = direct::class(&request, kind, audience)?.unwrap_or(class);
    if let Some(context) = find(&request, "context") {
        if class == MessageClass::Reaction {
            return Err(ContentError::new(
                "context",
                "is not allowed: the reaction names its message",
            ));
        }
        let context = read("context", context)?;
        check_context(Place::top("context", &context))?;
    }
    for key in ["recipient_identity_key_hash", "messaging_account_id"] {
        if let Some(raw) = find(&request, key) {
            Place::top(key, &read(key, raw)?).text(LONGEST_BESIDE)?;
        }
    }
    let uploads = with_plain_uploads(kind, object);
    let mut kept = vec![(kind, uploads.as_deref().unwrap_or(raw))];
    kept.extend(
        BESIDE
            .iter()
            .chain(&direct::BESIDE)
            .filter_map(|key| find(&request, key).map(|raw| (*key, raw))),
    );
    let json = serde_json::value::to_raw_value(&Kept { kind, kept })
        .ok()
        .ok_or_else(|| ContentError::new("$", "cannot be written"))?;
    Ok(OutboundContent {
        content: Content::from_raw(ContentKind::of(kind), json),
        class,
        audience,
    })
}

const LONGEST_BESIDE: usize = 512;

/// The object written anew, if it names uploads: whoever sends it looks for them by how they are written here. `None` if it names none.
fn with_plain_uploads(kind: &str, object: Value) -> Option<Box<RawValue>> {
    let mut body = Value::Object(serde_json::Map::from_iter([
        ("type".to_owned(), kind.into()),
        (kind.to_owned(), object),
    ]));
    let mut names_some = false;
    visit_files(&mut body, &mut |_, file| {
        let Some(file) = file.as_object_mut() else { return };
        names_some |= file.contains_key("media_id");
        if file.get("media_id").is_some_and(Value::is_null) {
            file.shift_remove("media_id");
        }
    });
    let written = names_some.then(|| serde_json::value::to_raw_value(body.get(kind)?).ok());
    written.flatten()
}

/// The last value of a top-level key; `None` when it is absent or null.
fn find<'a>(request: &Fields<'a>, wanted: &str) -> Option<&'a RawValue> {
    let found = request.0.iter().rev().find(|(key, _)| key == wanted);
    found.map(|(_, raw)| *raw).filter(|raw| raw.get() != "null")
}

fn read(key: &str, raw: &RawValue) -> Result<Value, ContentError> {
    serde_json::from_str(raw.get()).ok().ok_or_else(|| {
        ContentError::new(
            key,
            "cannot be read: it is nested too deeply or holds half an emoji",
        )
    })
}

fn kind_of(request: &Fields<'_>) -> Result<&'static str, ContentError> {
    let known = |problem: &str| ContentError::new("type", format!("{problem}; one of {}", KINDS.join(", ")));
    let Some(raw) = find(request, "type") else {
        // Meta takes a message without type for text.
        return if find(request, "text").is_some() {
            Ok("text")
        } else {
            Err(known("is missing"))
        };
    };
    let value = read("type", raw)?;
    let name = value.as_str().ok_or_else(|| known("must be a text"))?;
    KINDS
        .iter()
        .find(|kind| **kind == name)
        .copied()
        .ok_or_else(|| known("is not a kind of message that can be sent"))
}

fn audience(request: &Fields<'_>) -> Result<Audience, ContentError> {
    match find(request, "recipient_type").map(RawValue::get) {
        None | Some("\"individual\"") => Ok(Audience::Individual),
        Some("\"group\"") => Ok(Audience::Group),
        Some(_) => Err(ContentError::new("recipient_type", "must be individual or group")),
    }
}

fn check(kind: &str, object: Place<'_, '_>) -> Result<MessageClass, ContentError> {
    match kind {
        "text" => check_text(object)?,
        "image" | "video" => check_file(object, MediaKind::Captioned)?,
        "document" => check_file(object, MediaKind::Document)?,
        "audio" => check_file(object, MediaKind::Audio)?,
        "sticker" => check_file(object, MediaKind::Bare)?,
        "location" => check_location(object)?,
        "contacts" => check_contacts(object)?,
        "interactive" => check_interactive(object)?,
        "template" => return check_template(object),
        "reaction" => {
            check_reaction(object)?;
            return Ok(MessageClass::Reaction);
        }
        _ => {}
    }
    Ok(MessageClass::Service)
}

struct Kept<'a> {
    kind: &'a str,
    kept: Vec<(&'a str, &'a RawValue)>,
}

impl Serialize for Kept<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", self.kind)?;
        for (key, raw) in &self.kept {
            map.serialize_entry(key, raw)?;
        }
        map.end()
    }
}
