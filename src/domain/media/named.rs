//! The files that a content names: its own, and those in headers of templates, of their cards and of interactive messages.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{MediaId, MediaKind, MediaOrigin, bare_type, clean_name};
use crate::domain::content::Content;
use crate::domain::ids::{ContactId, MessageId};

/// The longest id of Meta's that is followed.
const LONGEST_META_ID: usize = 128;
/// What a header may show.
const IN_HEADERS: [MediaKind; 3] = [MediaKind::Image, MediaKind::Video, MediaKind::Document];

/// Where a file stands in a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// The message is the file.
    Alone,
    /// In a header, perhaps one of several.
    InHeader,
}

/// A file that a message's content names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedMedia {
    /// What it is sent as.
    pub kind: MediaKind,
    /// Where it stands.
    pub stands: Stands,
    /// The same as a path: `template.components[0].parameters[0].image`.
    pub path: String,
    /// Where it comes from.
    pub origin: MediaOrigin,
    /// Its type, as declared.
    pub mime: Option<Arc<str>>,
    /// What its sender calls it: a text for people, never a path.
    pub name: Option<Arc<str>>,
}

impl NamedMedia {
    /// The file that the message is; `None` where it is none that can be fetched.
    pub fn of(content: &Content) -> Option<Self> {
        MediaKind::of(content.kind())?;
        Self::all(content)
            .into_iter()
            .find(|named| named.stands == Stands::Alone)
    }

    /// All of them.
    pub fn all(content: &Content) -> Vec<Self> {
        let mut all = Vec::new();
        visit_files(&mut content.to_value(), &mut |place, file| {
            all.extend(Self::read(place, file));
        });
        all
    }

    /// Those that were uploaded here, each once, whatever their number.
    pub fn uploads(content: &Content) -> Vec<(MediaId, Self)> {
        let mut uploads: Vec<(MediaId, Self)> = Vec::new();
        for named in Self::all(content) {
            if let MediaOrigin::Upload(upload) = named.origin
                && uploads.iter().all(|(known, _)| *known != upload)
            {
                uploads.push((upload, named));
            }
        }
        uploads
    }

    fn read(place: Place<'_>, file: &mut Value) -> Option<Self> {
        #[derive(Deserialize)]
        struct File {
            id: Option<String>,
            media_id: Option<MediaId>,
            mime_type: Option<String>,
            filename: Option<String>,
        }
        let file: File = serde_json::from_value(file.take()).ok()?;
        let origin = match (file.media_id, file.id) {
            (Some(upload), _) => MediaOrigin::Upload(upload),
            // It stands in the address of a call.
            (None, Some(id)) if is_meta_id(&id) => MediaOrigin::Meta(id.into()),
            _ => return None,
        };
        Some(Self {
            kind: place.kind,
            stands: place.stands,
            path: place.path(),
            origin,
            mime: file.mime_type.and_then(|mime| bare_type(&mime)).map(Into::into),
            name: file.filename.and_then(|name| clean_name(&name)),
        })
    }

    /// The id of the message's own copy.
    pub fn id(&self, owner: ContactId, message: MessageId) -> MediaId {
        match (self.stands, &self.origin) {
            (Stands::InHeader, MediaOrigin::Upload(upload)) => MediaId::in_message(owner, message, *upload),
            _ => MediaId::of_message(owner, message),
        }
    }
}

fn is_meta_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=LONGEST_META_ID).contains(&id.len()) && id.bytes().all(allowed)
}

/// The place of a file's object.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// What it is sent as.
    pub kind: MediaKind,
    /// Where it stands.
    pub stands: Stands,
    above: &'a str,
}

impl Place<'_> {
    /// As a path in the content.
    pub fn path(&self) -> String {
        let kind = self.kind.as_str();
        match self.stands {
            Stands::Alone => kind.to_owned(),
            Stands::InHeader => format!("{}.{kind}", self.above),
        }
    }
}

/// What is done with each place.
type Visit<'v> = dyn FnMut(Place<'_>, &mut Value) + 'v;

/// Visits the object of each file in the body of a message, or in its content.
pub fn visit_files(body: &mut Value, visit: &mut Visit<'_>) {
    let kind = body.get("type").and_then(Value::as_str).map(str::to_owned);
    let Some(kind) = kind else { return };
    let alone = MediaKind::ALL.into_iter().find(|known| known.as_str() == kind);
    let Some(object) = body.get_mut(&kind) else { return };
    match (alone, kind.as_str()) {
        (Some(kind), _) => visit(
            Place {
                kind,
                stands: Stands::Alone,
                above: "",
            },
            object,
        ),
        (None, "template") => visit_components(object, "template", visit),
        (None, "interactive") => {
            visit_header(object.get_mut("header"), "interactive.header", visit);
            let cards = object.pointer_mut("/action/cards");
            for (place, card) in list(cards) {
                let path = format!("interactive.action.cards[{place}].header");
                visit_header(card.get_mut("header"), &path, visit);
            }
        }
        _ => {}
    }
}

fn list(value: Option<&mut Value>) -> impl Iterator<Item = (usize, &mut Value)> {
    let items = value.and_then(Value::as_array_mut);
    items.into_iter().flatten().enumerate()
}

fn visit_components(parent: &mut Value, above: &str, visit: &mut Visit<'_>) {
    for (place, component) in list(parent.get_mut("components")) {
        let path = format!("{above}.components[{place}]");
        for (place, parameter) in list(component.get_mut("parameters")) {
            visit_header(Some(parameter), &format!("{path}.parameters[{place}]"), visit);
        }
        for (place, card) in list(component.get_mut("cards")) {
            visit_components(card, &format!("{path}.cards[{place}]"), visit);
        }
    }
}

/// An object with a `type`, and another object that the type names.
fn visit_header(header: Option<&mut Value>, above: &str, visit: &mut Visit<'_>) {
    let Some(header) = header else { return };
    let named = header.get("type").and_then(Value::as_str);
    let kind = IN_HEADERS
        .into_iter()
        .find(|kind| named.is_some_and(|named| named.eq_ignore_ascii_case(kind.as_str())));
    if let Some(kind) = kind
        && let Some(object) = header.get_mut(kind.as_str())
    {
        let place = Place {
            kind,
            stands: Stands::InHeader,
            above,
        };
        visit(place, object);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::ContentKind;

    fn content(json: &str) -> Content {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_file_of_a_customers_message_is_found_by_metas_id() {
        let named = NamedMedia::of(&content(
            r#"{"type":"document","document":{"id":"123","mime_type":"application/PDF; x=1","filename":"../../etc/passwd\u0000"}}"#,
        ))
        .unwrap();
        assert_eq!(named.kind, MediaKind::Document);
        assert_eq!(named.origin, MediaOrigin::Meta("123".into()));
        assert_eq!(named.mime.as_deref(), Some("application/pdf"));
        assert_eq!(named.name.as_deref(), Some("passwd"));
        for none in [
            r#"{"type":"text","text":{"body":"hi"}}"#,
            r#"{"type":"image","image":{"link":"https://example.com/a.png"}}"#,
            r#"{"type":"image","image":{"id":"../me?fields=id"}}"#,
            r#"{"type":"image","image":"x"}"#,
            r#"{"type":"image"}"#,
        ] {
            assert_eq!(NamedMedia::of(&content(none)), None, "{none}");
        }
    }

    #[test]
    fn files_in_headers_are_found_in_their_places_and_each_has_an_id_of_its_own() {
        let (first, second) = (MediaId::of_upload([1; 16]), MediaId::of_upload([2; 16]));
        let parameter =
            |upload: MediaId| json!({ "parameters": [{ "type": "IMAGE", "image": { "media_id": upload } }] });
        let template = json!({ "type": "template", "template": { "components": [
            { "type": "header", "parameters": [{ "type": "video", "video": { "media_id": first } }] },
            { "type": "carousel", "cards": [
                { "components": [parameter(second)] }, { "components": [parameter(second)] } ] },
            { "type": "button", "parameters": [{ "type": "action", "action": { "image": { "media_id": first } } }] },
        ] } });
        let template = Content::from_value(ContentKind::Template, &template);
        let all = NamedMedia::all(&template);
        let paths: Vec<&str> = all.iter().map(|named| named.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "template.components[0].parameters[0].video",
                "template.components[1].cards[0].components[0].parameters[0].image",
                "template.components[1].cards[1].components[0].parameters[0].image",
            ]
        );
        assert_eq!(NamedMedia::of(&template), None);
        let uploads = NamedMedia::uploads(&template);
        assert_eq!(uploads.len(), 2, "the same file twice is one");
        let (owner, message) = (ContactId::from_bytes([7; 16]), MessageId::from_bytes([9; 16]));
        let ids: Vec<MediaId> = uploads
            .iter()
            .map(|(_, named)| named.id(owner, message))
            .collect();
        assert!(ids[0] != ids[1] && ids.iter().all(|id| id.owner() == owner.as_bytes()));

        let card = json!({ "header": { "type": "image", "image": { "media_id": first } } });
        let interactive = json!({ "type": "interactive", "interactive": {
            "header": { "type": "document", "document": { "media_id": second, "filename": "a.pdf" } },
            "action": { "cards": [card] } } });
        let all = NamedMedia::uploads(&Content::from_value(ContentKind::Interactive, &interactive));
        let paths: Vec<&str> = all.iter().map(|(_, named)| named.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "interactive.header.document",
                "interactive.action.cards[0].header.image"
            ]
        );
    }
}
