//! What a template asks of a message: told from its components.

use serde_json::Value;

use super::TemplateSpec;

/// What a message has to fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Whether variables have names instead of numbers.
    pub(crate) named: bool,
    pub(crate) header: HeaderShape,
    /// Characters of the header's text that are the same in each message.
    pub(crate) header_fixed: usize,
    /// The body's variables, in order of appearance, each once.
    pub(crate) body: Vec<String>,
    /// The body's text, for the length once it is filled.
    pub(crate) body_text: String,
    /// Whether the body is all that there is.
    pub(crate) body_only: bool,
    pub(crate) buttons: Vec<ButtonShape>,
    /// The cards of a carousel.
    pub(crate) cards: Vec<Shape>,
    /// Whether it has a limited-time offer, and whether that ends at a time.
    pub(crate) offer: Option<Ends>,
}

/// Whether an offer says when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    AtATime,
    Never,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeaderShape {
    None,
    /// A text with these variables.
    Text(Vec<String>),
    /// `image`, `video`, `document`, `location` or `product`.
    Filled(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ButtonShape {
    /// As a message names it: `quick_reply`, `url`, `copy_code`, …
    pub(crate) kind: String,
    pub(crate) label: String,
    /// Whether a message must bring a value.
    pub(crate) needs_value: bool,
    /// What the value may be; nothing where a message brings none.
    pub(crate) takes: &'static [&'static str],
    /// Whether it is a one-time password, which is short.
    pub(crate) is_password: bool,
}

impl Shape {
    pub(crate) fn of(spec: &TemplateSpec) -> Self {
        let mut shape = Self::read(&spec.components, &spec.category);
        if let Some(format) = &spec.parameter_format {
            shape.named = format.eq_ignore_ascii_case("named");
        }
        let named = shape.named;
        for card in &mut shape.cards {
            card.named = named;
        }
        shape
    }

    fn read(components: &[Value], category: &str) -> Self {
        let mut shape = Self {
            named: false,
            header: HeaderShape::None,
            header_fixed: 0,
            body: Vec::new(),
            body_text: String::new(),
            body_only: components.len() == 1,
            buttons: Vec::new(),
            cards: Vec::new(),
            offer: None,
        };
        for component in components {
            match text_of(component, "type").to_ascii_uppercase().as_str() {
                "HEADER" => {
                    shape.header = header(component);
                    shape.header_fixed = fixed(text_of(component, "text"));
                }
                "BODY" => {
                    text_of(component, "text").clone_into(&mut shape.body_text);
                    shape.body = variables(&shape.body_text);
                    if category == "AUTHENTICATION" && shape.body.is_empty() {
                        shape.body = vec!["1".to_owned()];
                    }
                }
                "BUTTONS" => shape.buttons = list_of(component, "buttons").iter().map(button).collect(),
                "CAROUSEL" => {
                    let cards = list_of(component, "cards").iter();
                    shape.cards = cards
                        .map(|card| Self::read(list_of(card, "components"), category))
                        .collect();
                }
                "LIMITED_TIME_OFFER" => {
                    let ends = component.pointer("/limited_time_offer/has_expiration");
                    let ends = ends.and_then(Value::as_bool).unwrap_or_default();
                    shape.offer = Some(if ends { Ends::AtATime } else { Ends::Never });
                }
                _ => {}
            }
        }
        shape.named = shape
            .body
            .iter()
            .any(|name| name.bytes().any(|byte| !byte.is_ascii_digit()));
        shape
    }
}

pub(super) fn text_of<'value>(value: &'value Value, key: &str) -> &'value str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn list_of<'value>(value: &'value Value, key: &str) -> &'value [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn header(component: &Value) -> HeaderShape {
    match text_of(component, "format").to_ascii_uppercase().as_str() {
        "IMAGE" => HeaderShape::Filled("image"),
        "VIDEO" => HeaderShape::Filled("video"),
        "DOCUMENT" => HeaderShape::Filled("document"),
        "LOCATION" => HeaderShape::Filled("location"),
        "PRODUCT" => HeaderShape::Filled("product"),
        _ => HeaderShape::Text(variables(text_of(component, "text"))),
    }
}

fn button(button: &Value) -> ButtonShape {
    let written = text_of(button, "type").to_ascii_lowercase();
    let varies = !variables(text_of(button, "url")).is_empty();
    // A one-time password is copied or filled in by a button that a message addresses as a link.
    let (kind, needs_value, takes): (&str, bool, &'static [&'static str]) = match written.as_str() {
        "url" if varies => ("url", true, &["text"]),
        "otp" => ("url", true, &["text"]),
        "copy_code" => ("copy_code", true, &["coupon_code"]),
        "mpm" | "order_details" => (written.as_str(), true, &["action"]),
        "flow" | "catalog" | "spm" => (written.as_str(), false, &["action"]),
        "quick_reply" => ("quick_reply", false, &["payload", "text"]),
        "voice_call" => ("voice_call", false, &["ttl_minutes", "payload"]),
        other => (other, false, &[]),
    };
    ButtonShape {
        kind: kind.to_owned(),
        label: text_of(button, "text").to_owned(),
        needs_value,
        takes,
        is_password: written == "otp",
    }
}

/// Characters of a text outside of its variables.
fn fixed(text: &str) -> usize {
    let mut pieces = text.split("{{");
    let first = pieces.next().unwrap_or_default();
    let behind = pieces.map(|piece| piece.split_once("}}").map_or(piece, |(_, behind)| behind));
    first.chars().count() + behind.map(|text| text.chars().count()).sum::<usize>()
}

/// The variables of a text, each once: what stands between `{{` and `}}`.
pub(super) fn variables(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for piece in text.split("{{").skip(1) {
        if let Some((name, _)) = piece.split_once("}}") {
            let name = name.trim().to_owned();
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}
