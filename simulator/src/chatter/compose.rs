//! What customers write, in Meta's shapes.

use serde_json::{Map, Value, json};

use super::{Content, Heard};
use crate::customers::CustomerIndex;
use crate::graph::validate::MediaKind;
use crate::phrases;
use crate::templates::Templates;
use crate::wamid::Way;
use crate::world::World;

/// What a message of the business offers to answer with.
#[derive(Debug)]
pub(super) enum Offer {
    /// Nothing but words.
    Words,
    /// These words, whatever was said.
    Say(String),
    /// Reply buttons: id and title.
    Buttons(Vec<Choice>),
    /// Rows of a list.
    Rows(Vec<Choice>),
    /// Quick replies of a template: payload and label.
    QuickReplies(Vec<Choice>),
    /// A place is asked for.
    Place,
    /// The phone number is asked for.
    Card,
    /// A form, by its token.
    Form(String),
}

#[derive(Debug)]
pub(super) struct Choice {
    id: String,
    title: String,
}

/// A text message.
pub(crate) fn text(body: &str) -> Content {
    object(json!({"type": "text", "text": {"body": body}}))
}

fn object(value: Value) -> Content {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The words of a message of the business.
pub(super) fn said(raw: &Value) -> String {
    [
        "/text/body",
        "/interactive/body/text",
        "/image/caption",
        "/template/name",
    ]
    .iter()
    .find_map(|place| raw.pointer(place)?.as_str())
    .unwrap_or("👍")
    .to_owned()
}

impl Offer {
    pub(super) fn of(raw: &Value, waba: &str, templates: &Templates) -> Self {
        let text_at = |place: &str| raw.pointer(place).and_then(Value::as_str);
        match text_at("/interactive/type") {
            Some("button") => Self::Buttons(choices(
                raw.pointer("/interactive/action/buttons"),
                "/reply/id",
                "/reply/title",
            )),
            Some("list") => {
                let sections = raw
                    .pointer("/interactive/action/sections")
                    .and_then(Value::as_array);
                let rows = sections
                    .into_iter()
                    .flatten()
                    .flat_map(|section| choices(section.get("rows"), "/id", "/title"))
                    .collect();
                Self::Rows(rows)
            }
            Some("location_request_message") => Self::Place,
            Some("contact_request" | "request_contact_info") => Self::Card,
            Some("flow") => Self::Form(
                text_at("/interactive/action/parameters/flow_token")
                    .unwrap_or("unused")
                    .to_owned(),
            ),
            _ => Self::of_template(raw, waba, templates),
        }
    }

    fn of_template(raw: &Value, waba: &str, templates: &Templates) -> Self {
        let text_at = |place: &str| raw.pointer(place).and_then(Value::as_str);
        let template = text_at("/template/name")
            .zip(text_at("/template/language/code"))
            .and_then(|(name, language)| templates.find(waba, name, language));
        let Some(template) = template else {
            return Self::Words;
        };
        let labels: Vec<Choice> = template
            .shape
            .buttons
            .iter()
            .filter(|button| button.kind == "quick_reply")
            .map(|button| Choice {
                id: button.label.clone(),
                title: button.label.clone(),
            })
            .collect();
        if labels.is_empty() {
            Self::Words
        } else {
            Self::QuickReplies(labels)
        }
    }
}

fn choices(list: Option<&Value>, id: &str, title: &str) -> Vec<Choice> {
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|item| {
            Some(Choice {
                id: item.pointer(id)?.as_str()?.to_owned(),
                title: item.pointer(title)?.as_str()?.to_owned(),
            })
        })
        .collect()
}

impl World {
    /// How a customer begins: mostly with words, sometimes with something else.
    pub(super) fn opening(&mut self, customer: CustomerIndex) -> Content {
        let country = self.customers.country(customer);
        let line = phrases::line(country, self.chatter.dice.any());
        match self.chatter.dice.below(100) {
            0..=5 => self.picture(line),
            6..=8 => self.place(),
            9..=10 => self.media_message(MediaKind::Audio, json!({"voice": true})),
            11 => self.media_message(MediaKind::Sticker, json!({"animated": false})),
            12 => self.media_message(MediaKind::Document, json!({"filename": "receipt.pdf"})),
            _ => text(line),
        }
    }

    /// What a customer answers.
    pub(super) fn reply_to(&mut self, heard: &Heard) -> Option<Content> {
        let sent = self.sends.get(heard.send)?;
        let wamid = self.wamids.write(Way::Out, sent.address, heard.send.0);
        let number = self.numbers.get(heard.number)?;
        let from = number.phone.map_or_else(String::new, |phone| phone.to_string());
        let context = json!({"from": from, "id": wamid});
        let country = self.customers.country(heard.customer);
        let dice = &mut self.chatter.dice;
        let with_context = |mut content: Content| {
            content.insert("context".to_owned(), context.clone());
            content
        };
        let content = match &heard.offer {
            Offer::Say(words) => text(words),
            Offer::Buttons(choices) => {
                let choice = dice.pick(choices)?;
                with_context(object(json!({"type": "interactive", "interactive": {
                    "type": "button_reply", "button_reply": {"id": choice.id, "title": choice.title}}})))
            }
            Offer::Rows(choices) => {
                let choice = dice.pick(choices)?;
                with_context(object(json!({"type": "interactive", "interactive": {
                    "type": "list_reply", "list_reply": {"id": choice.id, "title": choice.title}}})))
            }
            Offer::QuickReplies(choices) => {
                let choice = dice.pick(choices)?;
                with_context(object(json!({"type": "button",
                    "button": {"payload": choice.id, "text": choice.title}})))
            }
            Offer::Form(token) => {
                let answers = json!({"flow_token": token, "rating": dice.below(5) + 1}).to_string();
                with_context(object(
                    json!({"type": "interactive", "interactive": {"type": "nfm_reply",
                    "nfm_reply": {"name": "flow", "body": "Sent", "response_json": answers}}}),
                ))
            }
            Offer::Place => with_context(self.place()),
            Offer::Card => with_context(self.card(heard.customer)?),
            Offer::Words => match dice.below(20) {
                0..=2 => {
                    let emoji = dice.pick(&["👍", "❤️", "😂", "🙏"]).copied().unwrap_or("👍");
                    object(json!({"type": "reaction", "reaction": {"message_id": wamid, "emoji": emoji}}))
                }
                3..=5 => with_context(text(phrases::answer(country, dice.any()))),
                _ => text(phrases::answer(country, dice.any())),
            },
        };
        Some(content)
    }

    fn picture(&mut self, caption: &str) -> Content {
        if self.chatter.dice.chance(0.5) {
            self.media_message(MediaKind::Image, json!({"caption": caption}))
        } else {
            self.media_message(MediaKind::Image, json!({}))
        }
    }

    /// A message with a file that can be fetched.
    fn media_message(&mut self, kind: MediaKind, mut fields: Value) -> Content {
        let id = self.media.inbound_id(kind);
        if let (Some(fields), Some(media)) = (fields.as_object_mut(), self.media.get(id)) {
            fields.insert("mime_type".to_owned(), media.mime.clone().into());
            fields.insert("sha256".to_owned(), media.sha256().into());
            fields.insert("id".to_owned(), id.to_string().into());
        }
        let mut content = Content::new();
        content.insert("type".to_owned(), kind.name().into());
        content.insert(kind.name().to_owned(), fields);
        content
    }

    fn place(&mut self) -> Content {
        let places = [
            (-6.2088, 106.8456, "Monas", "Jl. Medan Merdeka, Jakarta"),
            (37.4421, -122.1615, "Philz Coffee", "101 Forest Ave, Palo Alto"),
            (40.4168, -3.7038, "Puerta del Sol", "Madrid"),
            (-23.5614, -46.6559, "MASP", "Av. Paulista 1578, São Paulo"),
        ];
        let Some((latitude, longitude, name, address)) = self.chatter.dice.pick(&places).copied() else {
            return Content::new();
        };
        object(json!({"type": "location", "location": {
            "latitude": latitude, "longitude": longitude, "name": name, "address": address}}))
    }

    fn card(&self, customer: CustomerIndex) -> Option<Content> {
        let phone = self.customers.get(customer)?.phone?;
        let name = self.customers.name(customer);
        Some(object(json!({"type": "contacts", "contacts": [{
            "origin": "contact_request",
            "name": {"formatted_name": name},
            "phones": [{"phone": format!("+{phone}"), "wa_id": phone.to_string(), "type": "MOBILE"}]}]})))
    }
}
