//! A template as Meta lists it, read into what a message has to fill.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::pattern::Pattern;

/// What variables are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterFormat {
    /// By numbers: `{{1}}`.
    Positional,
    /// By names: `{{first_name}}`.
    Named,
}

impl ParameterFormat {
    /// As Meta and callers write it, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "positional" => Some(Self::Positional),
            "named" => Some(Self::Named),
            _ => None,
        }
    }
}

/// A template, as far as messages have to fill it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub(super) format: ParameterFormat,
    pub(super) main: Block,
    pub(super) footer: Option<String>,
    pub(super) cards: Vec<Block>,
    pub(super) offer: Option<Offer>,
    /// Whether the body is all that there is, and may be longer.
    pub(super) is_body_alone: bool,
    /// Kinds of components that this version does not know: what fills them is Meta's affair.
    pub(super) unknown: Vec<String>,
}

/// What a template and each card of a carousel have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) header: Option<Header>,
    pub(super) body: Option<Pattern>,
    pub(super) buttons: Vec<Button>,
}

/// What stands above the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Header {
    Text(Pattern),
    /// `image`, `video`, `document`, `gif`, `location` or `product`; also what this version does not know.
    Object(String),
}

/// A limited-time offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) text: String,
    pub(super) expires: bool,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Button {
    pub(super) kind: ButtonKind,
    /// As Meta writes its kind.
    pub(super) written: String,
    pub(super) label: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ButtonKind {
    QuickReply,
    Url(Pattern),
    Phone(String),
    CopyCode,
    /// A one-time password, which a message gives as the end of a link.
    OneTimePassword,
    Flow,
    Catalog,
    /// Several products; a message says which.
    Products,
    Product,
    VoiceCall,
    OrderDetails,
    /// What this version does not know: anything may fill it.
    Other,
}

impl ButtonKind {
    /// What a message calls it; `None` where it may call it anything.
    pub(super) const fn sub_type(&self) -> Option<&'static str> {
        match self {
            Self::QuickReply => Some("quick_reply"),
            Self::Url(_) | Self::OneTimePassword => Some("url"),
            Self::Phone(_) => Some("phone_number"),
            Self::CopyCode => Some("copy_code"),
            Self::Flow => Some("flow"),
            Self::Catalog => Some("catalog"),
            Self::Products => Some("mpm"),
            Self::Product => Some("spm"),
            Self::VoiceCall => Some("voice_call"),
            Self::OrderDetails => Some("order_details"),
            Self::Other => None,
        }
    }
}

/// What Meta writes where the business writes nothing.
const ONE_TIME_PASSWORD: &str = "*{{1}}* is your verification code.";

impl Definition {
    /// Reads components in Meta's JSON. Whatever cannot be read is left out.
    pub fn read(components: &Value, category: &str, format: Option<&str>) -> Self {
        let components = components.as_array().map_or(&[][..], Vec::as_slice);
        let mut definition = Self {
            format: ParameterFormat::Positional,
            main: Block::read(components),
            footer: None,
            cards: Vec::new(),
            offer: None,
            is_body_alone: components.len() == 1,
            unknown: Vec::new(),
        };
        if category.eq_ignore_ascii_case("AUTHENTICATION") {
            let body = definition.main.body.take().filter(Pattern::varies);
            definition.main.body = Some(body.unwrap_or_else(|| Pattern::parse(ONE_TIME_PASSWORD)));
        }
        for component in components {
            let kind = kind_of(component);
            match kind.as_str() {
                "header" | "body" | "buttons" => {}
                "footer" => definition.footer = footer(component),
                "carousel" => {
                    let cards = list_of(component, "cards").iter();
                    definition.cards = cards
                        .map(|card| Block::read(list_of(card, "components")))
                        .collect();
                }
                "limited_time_offer" => {
                    let offer = component.get("limited_time_offer").unwrap_or(&Value::Null);
                    definition.offer = Some(Offer {
                        text: text_of(offer, "text").to_owned(),
                        expires: offer
                            .get("has_expiration")
                            .and_then(Value::as_bool)
                            .unwrap_or_default(),
                    });
                }
                _ => definition.unknown.push(kind),
            }
        }
        let told = format.and_then(ParameterFormat::parse);
        definition.format = told.unwrap_or_else(|| definition.guessed_format());
        definition
    }

    /// What its variables are called.
    pub fn format(&self) -> ParameterFormat {
        self.format
    }

    /// By number, or by name: told from the variables.
    fn guessed_format(&self) -> ParameterFormat {
        let header = match &self.main.header {
            Some(Header::Text(text)) => Some(text),
            Some(Header::Object(_)) | None => None,
        };
        let texts = header.into_iter().chain(&self.main.body);
        let is_named = |name: &str| name.parse::<u32>().is_err();
        if texts.flat_map(Pattern::variables).any(is_named) {
            ParameterFormat::Named
        } else {
            ParameterFormat::Positional
        }
    }
}

impl Block {
    fn read(components: &[Value]) -> Self {
        let mut block = Self::default();
        for component in components {
            match kind_of(component).as_str() {
                "header" => {
                    let format = text_of(component, "format").to_ascii_lowercase();
                    block.header = Some(match format.as_str() {
                        "text" | "" => Header::Text(Pattern::parse(text_of(component, "text"))),
                        _ => Header::Object(format),
                    });
                }
                "body" => block.body = Some(Pattern::parse(text_of(component, "text"))),
                "buttons" => block.buttons = list_of(component, "buttons").iter().map(Button::read).collect(),
                _ => {}
            }
        }
        block
    }
}

impl Button {
    fn read(button: &Value) -> Self {
        let written = text_of(button, "type").to_ascii_uppercase();
        let kind = match written.as_str() {
            "QUICK_REPLY" => ButtonKind::QuickReply,
            "URL" => ButtonKind::Url(Pattern::parse(text_of(button, "url"))),
            "PHONE_NUMBER" => ButtonKind::Phone(text_of(button, "phone_number").to_owned()),
            "COPY_CODE" => ButtonKind::CopyCode,
            "OTP" => ButtonKind::OneTimePassword,
            "FLOW" => ButtonKind::Flow,
            "CATALOG" => ButtonKind::Catalog,
            "MPM" => ButtonKind::Products,
            "SPM" => ButtonKind::Product,
            "VOICE_CALL" => ButtonKind::VoiceCall,
            "ORDER_DETAILS" => ButtonKind::OrderDetails,
            _ => ButtonKind::Other,
        };
        Self {
            kind,
            written,
            label: text_of(button, "text").to_owned(),
        }
    }
}

fn footer(component: &Value) -> Option<String> {
    let text = text_of(component, "text");
    if !text.is_empty() {
        return Some(text.to_owned());
    }
    let minutes = component.get("code_expiration_minutes")?.as_u64()?;
    Some(format!("This code expires in {minutes} minutes."))
}

/// Meta writes kinds in capitals, and its own examples sometimes not.
pub(super) fn kind_of(component: &Value) -> String {
    text_of(component, "type").to_ascii_lowercase()
}

pub(super) fn text_of<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn list_of<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
