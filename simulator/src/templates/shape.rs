//! What a template asks of a message: told from its components.

use serde_json::Value;

use super::TemplateSpec;

/// What a message has to fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Whether variables have names instead of numbers.
    pub(crate) named: bool,
    pub(crate) header: HeaderShape,
    /// The body's variables, in order of appearance, each once.
    pub(crate) body: Vec<String>,
    /// The body's text, for the length once it is filled.
    pub(crate) body_text: String,
    /// Whether the body is all that there is.
    pub(crate) body_only: bool,
    pub(crate) buttons: Vec<ButtonShape>,
    /// How many cards a carousel has; 0 when there is none.
    pub(crate) cards: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeaderShape {
    None,
    /// A text with these variables.
    Text(Vec<String>),
    /// `image`, `video`, `document` or `location`.
    Filled(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ButtonShape {
    /// As a message names it: `quick_reply`, `url`, `copy_code`, …
    pub(crate) kind: String,
    pub(crate) label: String,
    /// Whether a message must bring a value.
    pub(crate) needs_value: bool,
}

impl Shape {
    pub(crate) fn of(spec: &TemplateSpec) -> Self {
        let mut shape = Self {
            named: false,
            header: HeaderShape::None,
            body: Vec::new(),
            body_text: String::new(),
            body_only: spec.components.len() == 1,
            buttons: Vec::new(),
            cards: 0,
        };
        for component in &spec.components {
            match text_of(component, "type").to_ascii_uppercase().as_str() {
                "HEADER" => shape.header = header(component),
                "BODY" => {
                    text_of(component, "text").clone_into(&mut shape.body_text);
                    shape.body = variables(&shape.body_text);
                    if spec.category == "AUTHENTICATION" && shape.body.is_empty() {
                        shape.body = vec!["1".to_owned()];
                    }
                }
                "BUTTONS" => shape.buttons = list_of(component, "buttons").iter().map(button).collect(),
                "CAROUSEL" => shape.cards = list_of(component, "cards").len(),
                _ => {}
            }
        }
        shape.named = match &spec.parameter_format {
            Some(format) => format.eq_ignore_ascii_case("named"),
            None => shape
                .body
                .iter()
                .any(|name| name.bytes().any(|byte| !byte.is_ascii_digit())),
        };
        shape
    }
}

fn text_of<'value>(value: &'value Value, key: &str) -> &'value str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list_of<'value>(value: &'value Value, key: &str) -> &'value [Value] {
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
        _ => HeaderShape::Text(variables(text_of(component, "text"))),
    }
}

fn button(button: &Value) -> ButtonShape {
    let kind = text_of(button, "type").to_ascii_lowercase();
    let (kind, needs_value) = match kind.as_str() {
        "url" => ("url".to_owned(), !variables(text_of(button, "url")).is_empty()),
        // A one-time password is copied or filled in by a button that a message addresses as a link.
        "otp" => ("url".to_owned(), true),
        "copy_code" => (kind, true),
        _ => (kind, false),
    };
    ButtonShape {
        kind,
        label: text_of(button, "text").to_owned(),
        needs_value,
    }
}

/// The variables of a text, each once: what stands between `{{` and `}}`.
fn variables(text: &str) -> Vec<String> {
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
