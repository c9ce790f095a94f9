//! A message to send as callers write it: Meta's own shape, whether it comes by REST or by socket.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::json::Fields;
use crate::actors::request::{ContentClass, Destination};
use crate::domain::{Alias, ContactAliases, Content, ConversationId, PhoneNumberId, Priority, Purpose};
use crate::whatsapp::outbound::{Audience, MessageClass, OutboundContent, parse_outbound};

/// Characters of the caller's own text, as Meta bounds it.
const LONGEST_CALLBACK_DATA: usize = 512;

/// What Meta takes beside `type` and the object that it names.
const BESIDE: &[&str] = &[
    "type",
    "context",
    "recipient_type",
    "recipient_identity_key_hash",
    "messaging_account_id",
    "ttl_seconds",
    "direct_send_config",
    "message_activity_sharing",
    "product_policy",
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

/// A message that passed.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// What it says.
    pub(super) content: Content,
    /// What the service window asks of it.
    pub(super) class: ContentClass,
    /// The caller's own text.
    pub(super) callback_data: Option<Arc<str>>,
    category: Option<Category>,
}

/// Meta's categories of what businesses begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Category {
    Marketing,
    Utility,
    Authentication,
}

impl Category {
    /// As Meta is told of it, where a message goes out without a template.
    const fn of_direct(self) -> Option<&'static str> {
        match self {
            Self::Marketing => None,
            Self::Utility => Some("utility"),
            Self::Authentication => Some("authentication"),
        }
    }
}

impl Outgoing {
    /// Reads the members that make the message; what is left over is refused.
    pub(super) fn read(mut fields: Fields) -> Result<Self, ApiError> {
        let callback_data = fields.optional::<Arc<str>>("biz_opaque_callback_data")?;
        if callback_data
            .as_ref()
            .is_some_and(|text| text.chars().count() > LONGEST_CALLBACK_DATA)
        {
            return Err(ApiError::invalid(format!(
                "`biz_opaque_callback_data` must be at most {LONGEST_CALLBACK_DATA} characters"
            )));
        }
        expect(&mut fields, "messaging_product", "whatsapp")?;
        let category = fields.optional::<Category>("category")?;
        let mut message = fields.rest(BESIDE)?;
        refuse_second_object(&message)?;
        // Of a template Meta knows the category itself; and whether something is marketing is between caller and gateway.
        if let Some(word) = category.and_then(Category::of_direct)
            && message.get("type").and_then(Value::as_str) != Some("template")
        {
            message.insert("category".to_owned(), word.into());
        }
        let raw = serde_json::value::to_raw_value(&message).map_err(ApiError::internal)?;
        // Whom it addresses was read with the destination.
        let OutboundContent { content, class, .. } = parse_outbound(&raw)?;
        let class = match class {
            MessageClass::Template { .. } | MessageClass::Direct => ContentClass::Template,
            MessageClass::Service | MessageClass::Reaction => ContentClass::Service,
        };
        Ok(Self {
            content,
            class,
            callback_data,
            category,
        })
    }

    /// What it is for: what the caller says, and otherwise a template that can wait is taken for marketing.
    pub(super) fn purpose(&self, priority: Priority) -> Purpose {
        match (self.category, self.class) {
            (Some(Category::Marketing), _) => Purpose::Marketing,
            (None, ContentClass::Template) if priority == Priority::Bulk => Purpose::Marketing,
            (Some(Category::Utility | Category::Authentication) | None, _) => Purpose::Other,
        }
    }
}

/// A member that Meta's examples carry and that can have one value here.
fn expect(fields: &mut Fields, name: &'static str, only: &str) -> Result<(), ApiError> {
    match fields.optional::<String>(name)? {
        Some(value) if value != only => Err(ApiError::invalid(format!("`{name}` must be `{only}`"))),
        _ => Ok(()),
    }
}

/// An `image` beside `"type":"text"` is a slip: one of the two would be lost.
fn refuse_second_object(message: &Map<String, Value>) -> Result<(), ApiError> {
    let kind = message.get("type").and_then(Value::as_str).unwrap_or("text");
    let objects = BESIDE.iter().skip(9);
    match objects
        .into_iter()
        .find(|name| **name != kind && message.contains_key(**name))
    {
        Some(other) => Err(ApiError::invalid(format!(
            "`{other}` does not go with the type `{kind}`"
        ))),
        None => Ok(()),
    }
}

/// Whom a message addresses. What is neither is refused with the message itself.
pub(super) fn audience(message: Option<&Value>) -> Audience {
    match message.and_then(Value::as_str) {
        Some("group") => Audience::Group,
        _ => Audience::Individual,
    }
}

/// Reads where a message goes: exactly one of `to`, `recipient` and `conversation_id`.
pub(super) fn destination(fields: &mut Fields, audience: Audience) -> Result<Destination, ApiError> {
    let number = fields.optional::<PhoneNumberId>("number")?;
    let to = fields.optional::<String>("to")?;
    let recipient = fields.optional::<String>("recipient")?;
    let conversation = fields.optional::<ConversationId>("conversation_id")?;
    let alias = match (to, recipient, conversation) {
        (Some(to), None, None) if audience == Audience::Group => Alias::group(&to)
            .ok_or_else(|| ApiError::invalid("`to` must be the id of a group, as Meta gives it"))?,
        (None, None, Some(_)) if audience == Audience::Group => {
            return Err(ApiError::invalid(
                "`recipient_type` follows from `conversation_id`: leave it out",
            ));
        }
        (_, Some(_), None) if audience == Audience::Group => {
            return Err(ApiError::invalid("a group is named by `to`, not by `recipient`"));
        }
        (None, None, Some(conversation)) if number.is_none() => {
            return Ok(Destination::Conversation(conversation));
        }
        (None, None, Some(_)) => {
            return Err(ApiError::invalid(
                "`number` follows from `conversation_id`: leave it out",
            ));
        }
        (Some(to), None, None) => Alias::dialled(&to)
            .ok_or_else(|| ApiError::invalid(format!("`to` must be {}", Alias::DIALLED)))?,
        (None, Some(recipient), None) => Alias::bsuid(&recipient).ok_or_else(|| {
            ApiError::invalid("`recipient` must be a business-scoped user id such as `US.1349`")
        })?,
        _ => {
            return Err(ApiError::invalid(
                "name exactly one of `to`, `recipient` and `conversation_id`",
            ));
        }
    };
    Ok(Destination::Contact {
        number,
        aliases: ContactAliases::of([alias]),
    })
}
