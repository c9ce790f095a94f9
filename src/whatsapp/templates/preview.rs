//! A template as the customer sees it.

use serde::Serialize;
use serde_json::Value;

use super::definition::{Block, Button, ButtonKind, Definition, Header, kind_of, list_of, text_of};
use super::pattern::Pattern;

/// What the customer sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Above the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderPreview>,
    /// The text.
    pub body: String,
    /// Below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// What can be tapped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<ButtonPreview>,
    /// A limited-time offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited_time_offer: Option<String>,
    /// The cards of a carousel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<CardPreview>,
}

/// What stands above the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeaderPreview {
    /// `text`, `image`, `video`, `document`, `location`, …
    pub format: String,
    /// The text, or where the file is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ButtonPreview {
    /// As Meta writes it: `URL`, `QUICK_REPLY`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// What it says.
    pub text: String,
    /// Where it leads, whom it calls, what it copies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A card of a carousel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardPreview {
    /// Above the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderPreview>,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What can be tapped.
    pub buttons: Vec<ButtonPreview>,
}

impl ButtonPreview {
    /// A button, and what fills it.
    pub(super) fn of(button: &Button, filled: Option<String>) -> Self {
        let value = match &button.kind {
            ButtonKind::Url(pattern) => Some(filled.unwrap_or_else(|| pattern.written())),
            ButtonKind::Phone(number) => Some(number.clone()),
            _ => filled,
        };
        Self {
            kind: button.written.clone(),
            text: button.label.clone(),
            value,
        }
    }
}

impl Definition {
    /// The template with its own examples.
    pub fn sample(&self, components: &Value) -> Preview {
        let components = components.as_array().map_or(&[][..], Vec::as_slice);
        let CardPreview {
            header,
            body,
            buttons,
        } = sample(&self.main, components);
        let carousel = components
            .iter()
            .find(|component| kind_of(component) == "carousel");
        let cards = carousel.map_or(&[][..], |carousel| list_of(carousel, "cards"));
        let cards = self.cards.iter().zip(cards);
        Preview {
            header,
            body: body.unwrap_or_default(),
            footer: self.footer.clone(),
            buttons,
            limited_time_offer: self.offer.as_ref().map(|offer| offer.text.clone()),
            cards: cards
                .map(|(block, card)| sample(block, list_of(card, "components")))
                .collect(),
        }
    }
}

fn sample(block: &Block, components: &[Value]) -> CardPreview {
    let example = |kind: &str| {
        let component = components.iter().find(|component| kind_of(component) == kind);
        component
            .and_then(|component| component.get("example"))
            .unwrap_or(&Value::Null)
    };
    let header = block.header.as_ref().map(|header| match header {
        Header::Text(pattern) => HeaderPreview {
            format: "text".to_owned(),
            text: Some(with_examples(pattern, example("header"), "header_text")),
        },
        Header::Object(format) => HeaderPreview {
            format: format.clone(),
            text: None,
        },
    });
    let is_password = |button: &Button| button.kind == ButtonKind::OneTimePassword;
    let is_password = block.buttons.iter().any(is_password);
    let body = block.body.as_ref().map(|pattern| match example("body") {
        // Meta writes these, and takes no example of theirs.
        Value::Null if is_password => pattern.filled(|_| Some(CODE)),
        example => with_examples(pattern, example, "body_text"),
    });
    let buttons = components
        .iter()
        .find(|component| kind_of(component) == "buttons");
    let written = buttons.map_or(&[][..], |buttons| list_of(buttons, "buttons"));
    let buttons = block.buttons.iter().zip(written);
    CardPreview {
        header,
        body,
        buttons: buttons
            .map(|(button, written)| button_with_example(button, written))
            .collect(),
    }
}

/// A code as customers get them.
const CODE: &str = "123456";

fn button_with_example(button: &Button, written: &Value) -> ButtonPreview {
    let example = written.get("example").unwrap_or(&Value::Null);
    let example = example.as_str().or_else(|| example.get(0)?.as_str());
    let filled = match (&button.kind, example) {
        // The whole address, or the end of it.
        (ButtonKind::Url(pattern), Some(example)) if pattern.varies() => {
            let is_whole = example.starts_with("https://") || example.starts_with("http://");
            Some(if is_whole {
                example.to_owned()
            } else {
                pattern.filled(|_| Some(example))
            })
        }
        (ButtonKind::CopyCode, Some(example)) => Some(example.to_owned()),
        (ButtonKind::OneTimePassword, _) => Some(CODE.to_owned()),
        _ => None,
    };
    let mut preview = ButtonPreview::of(button, filled);
    if preview.text.is_empty() {
        // What Meta writes where the business writes nothing.
        let text = match &button.kind {
            ButtonKind::CopyCode => "Copy offer code",
            ButtonKind::OneTimePassword => "Copy code",
            _ => "",
        };
        text.clone_into(&mut preview.text);
    }
    preview
}

/// Examples are a list, or a list of lists, or stand under their names.
fn with_examples(pattern: &Pattern, example: &Value, key: &str) -> String {
    let listed = example
        .get(key)
        .map(|list| list.get(0).filter(|first| first.is_array()).unwrap_or(list));
    let named = list_of_named(example, key);
    let variables = pattern.variables();
    pattern.filled(|name| {
        let place = variables.iter().position(|known| *known == name)?;
        let by_name = named.iter().find(|param| text_of(param, "param_name") == name);
        let value = match by_name {
            Some(param) => param.get("example"),
            None => listed.and_then(|list| list.get(place)),
        };
        value.and_then(Value::as_str)
    })
}

fn list_of_named<'v>(example: &'v Value, key: &str) -> &'v [Value] {
    match key {
        "header_text" => list_of(example, "header_text_named_params"),
        _ => list_of(example, "body_text_named_params"),
    }
}
