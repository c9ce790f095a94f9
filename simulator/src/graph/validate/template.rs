//! The `template` object by itself; whether such a template exists is for the account's list to say.

use serde_json::Value;

use super::content;
use super::media::{self, MediaKind, MediaUse};
use crate::graph::error::GraphError;
use crate::graph::node::Node;

/// A template as a message uses it.
#[derive(Debug)]
pub(crate) struct TemplateUse<'value> {
    pub(crate) name: &'value str,
    pub(crate) language: &'value str,
    pub(crate) components: Vec<Component<'value>>,
}

/// One component with the values that fill it.
#[derive(Debug)]
pub(crate) struct Component<'value> {
    /// `header`, `body`, `button`, `carousel`, …, in lower case.
    pub(crate) kind: String,
    /// Of a button, in lower case.
    pub(crate) sub_type: Option<String>,
    /// Of a button: its position among the template's.
    pub(crate) index: Option<usize>,
    pub(crate) parameters: Vec<Parameter<'value>>,
    /// Of a carousel: what fills each card.
    pub(crate) cards: Vec<Vec<Component<'value>>>,
}

/// One value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter<'value> {
    pub(crate) kind: &'value str,
    /// Which variable it fills, where variables have names.
    pub(crate) name: Option<&'value str>,
    /// The text that it shows.
    pub(crate) shown: Option<&'value str>,
}

const COMPONENTS: [&str; 7] = [
    "header",
    "body",
    "button",
    "carousel",
    "limited_time_offer",
    "tap_target_configuration",
    "order_status",
];

const BUTTONS: [&str; 10] = [
    "quick_reply",
    "url",
    "copy_code",
    "flow",
    "catalog",
    "mpm",
    "spm",
    "voice_call",
    "order_details",
    "reminder",
];

const PARAMETERS: [&str; 15] = [
    "text",
    "currency",
    "date_time",
    "image",
    "video",
    "document",
    "location",
    "payload",
    "coupon_code",
    "product",
    "action",
    "limited_time_offer",
    "ttl_minutes",
    "tap_target_configuration",
    "order_status",
];

/// Checks the object.
pub(super) fn check<'value>(
    node: &Node<'_, 'value>,
    used: &mut Vec<MediaUse<'value>>,
) -> Result<TemplateUse<'value>, GraphError> {
    let name = node.text_within("name", 1..=512)?;
    let language = node.object("language")?;
    let code = language.text_within("code", 1..=32)?;
    let mut components = Vec::new();
    if node.optional("components").is_some() {
        let list = node.list("components", 0..=20)?;
        let place = if list.len() == 1 {
            Place::Alone
        } else {
            Place::Beside
        };
        for item in list.iter() {
            components.push(component(&item, place, used)?);
        }
    }
    Ok(TemplateUse {
        name,
        language: code,
        components,
    })
}

/// Whether a component is the only one of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Alone,
    Beside,
}

fn component<'value>(
    node: &Node<'_, 'value>,
    place: Place,
    used: &mut Vec<MediaUse<'value>>,
) -> Result<Component<'value>, GraphError> {
    let kind = node.text_within("type", 1..=64)?.to_ascii_lowercase();
    if !COMPONENTS.contains(&kind.as_str()) {
        return Err(node.bad("has a type that no template component has"));
    }
    let mut sub_type = None;
    let mut index = None;
    if kind == "button" {
        let named = node.text_within("sub_type", 1..=64)?.to_ascii_lowercase();
        if !BUTTONS.contains(&named.as_str()) {
            return Err(node.bad("has a sub_type that no button has"));
        }
        index = node.optional("index").map(|index| position(&index)).transpose()?;
        sub_type = Some(named);
    }
    let mut parameters = Vec::new();
    if node.optional("parameters").is_some() {
        let (most, longest) = match (kind.as_str(), place) {
            ("header", _) => (1, 60),
            ("body", Place::Alone) => (100, 32_768),
            _ => (100, 1_024),
        };
        for item in node.list("parameters", 0..=most)?.iter() {
            parameters.push(parameter(&item, longest, used)?);
        }
        let named = parameters
            .iter()
            .filter(|parameter| parameter.name.is_some())
            .count();
        if kind == "body" && named != 0 && named != parameters.len() {
            return Err(GraphError::new(
                132_012,
                "body: Parameter name is missing or empty",
            ));
        }
    }
    let mut cards = Vec::new();
    if kind == "carousel" {
        for card in node.list("cards", 2..=10)?.iter() {
            let mut inside = Vec::new();
            for inner in card.list("components", 0..=20)?.iter() {
                inside.push(component(&inner, Place::Beside, used)?);
            }
            cards.push(inside);
        }
    }
    Ok(Component {
        kind,
        sub_type,
        index,
        parameters,
        cards,
    })
}

/// A button's position: a number, or one written as text.
fn position(node: &Node<'_, '_>) -> Result<usize, GraphError> {
    let number = match node.value() {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| *number < 10)
        .ok_or_else(|| node.bad("must be between 0 and 9"))
}

/// A text that fills a variable stays on its line.
fn filling<'value>(
    node: &Node<'_, 'value>,
    key: &'static str,
    longest: usize,
) -> Result<&'value str, GraphError> {
    let text = node.text_within(key, 1..=longest)?;
    let (mut spaces, mut broken) = (0, false);
    for letter in text.chars() {
        spaces = if letter == ' ' { spaces + 1 } else { 0 };
        broken |= matches!(letter, '\n' | '\r' | '\t') || spaces > 4;
    }
    if broken {
        return Err(GraphError::new(
            132_018,
            format!(
                "Param {} cannot have new-line/tab characters or more than 4 consecutive spaces",
                node.path()
            ),
        ));
    }
    Ok(text)
}

fn scalar(node: &Node<'_, '_>) -> Result<(), GraphError> {
    let text = node.required("text")?;
    if text.value().is_boolean() || text.value().is_number() {
        return Ok(());
    }
    Err(text.bad("must be a string"))
}

fn parameter<'value>(
    node: &Node<'_, 'value>,
    longest: usize,
    used: &mut Vec<MediaUse<'value>>,
) -> Result<Parameter<'value>, GraphError> {
    let written = node.text_within("type", 1..=64)?;
    let Some(kind) = PARAMETERS
        .into_iter()
        .find(|kind| kind.eq_ignore_ascii_case(written))
    else {
        return Err(node.bad("has a type that no template parameter has"));
    };
    let mut shown = None;
    if let Some(media_kind) = MediaKind::of(kind) {
        media::check(&node.object(media_kind.name())?, media_kind, used)?;
    } else {
        match kind {
            // One of Meta's own samples has a truth value here.
            "text"
                if node
                    .optional("text")
                    .is_some_and(|text| !text.value().is_string()) =>
            {
                scalar(node)?;
            }
            "text" => shown = Some(filling(node, "text", longest)?),
            "currency" => {
                let currency = node.object("currency")?;
                shown = Some(filling(&currency, "fallback_value", longest)?);
                currency.text_within("code", 3..=3)?;
                let amount = currency.required("amount_1000")?;
                if amount.value().as_i64().is_none() {
                    return Err(amount.bad("must be a whole number"));
                }
            }
            "date_time" => {
                shown = Some(filling(&node.object("date_time")?, "fallback_value", longest)?);
            }
            "location" => {
                content::location(&node.object("location")?)?;
            }
            "payload" => shown = Some(node.text_within("payload", 1..=256)?),
            "coupon_code" => shown = Some(node.text_within("coupon_code", 1..=15)?),
            "product" => {
                node.object("product")?
                    .text_within("product_retailer_id", 1..=256)?;
            }
            "action" => {
                node.object("action")?;
            }
            "limited_time_offer" => {
                node.object("limited_time_offer")?;
            }
            "ttl_minutes" => {
                node.required("ttl_minutes")?;
            }
            "tap_target_configuration" => {
                node.list("tap_target_configuration", 1..=10)?;
            }
            _ => {
                node.object("order_status")?;
            }
        }
    }
    Ok(Parameter {
        kind,
        name: node.optional_text("parameter_name", 1..=512)?,
        shown,
    })
}
