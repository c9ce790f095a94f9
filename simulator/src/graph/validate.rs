//! What Graph checks in a send request by looking at it alone. What depends on the account, the customer or the clock is
//! checked later, under the lock.
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages>

mod content;
mod emoji;
mod interactive;
mod media;
mod template;

pub(crate) use media::{MediaKind, MediaUse};
pub(crate) use template::{Component, Parameter, TemplateUse};

use serde_json::Value;

use super::error::GraphError;
use super::node::Node;
use crate::customers::looks_like_user_id;
use crate::phone::Phone;

/// A request to `…/messages` that is well formed.
#[derive(Debug)]
pub(crate) enum Request<'value> {
    /// Marks a customer's message as read, and perhaps shows that an answer is being typed.
    Read {
        /// The message's wamid.
        wamid: &'value str,
    },
    /// Sends something.
    Message(Message<'value>),
}

/// A message that is well formed.
#[derive(Debug)]
pub(crate) struct Message<'value> {
    pub(crate) kind: &'static str,
    pub(crate) to: Address<'value>,
    /// Media ids that it uses, which must exist.
    pub(crate) media: Vec<MediaUse<'value>>,
    pub(crate) template: Option<TemplateUse<'value>>,
    /// Whether it asks to go out without a template.
    pub(crate) direct: Direct,
    /// The object that the type names.
    pub(crate) content: &'value Value,
}

/// Whether a message wants to go out without a template and outside the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direct {
    No,
    Utility,
    /// A code that somebody waits for.
    Authentication,
}

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address<'value> {
    Phone { written: &'value str, phone: Phone },
    UserId(&'value str),
    Group(&'value str),
}

/// Checks a request.
pub(crate) fn request(value: &Value) -> Result<Request<'_>, GraphError> {
    let root = Node::root(value);
    if !value.is_object() {
        return Err(GraphError::new(100, "The request must be a JSON object."));
    }
    match root.optional("messaging_product").map(|node| node.value()) {
        Some(Value::String(product)) if product == "whatsapp" => {}
        None => {
            return Err(GraphError::new(
                100,
                "The parameter messaging_product is required.",
            ));
        }
        Some(_) => {
            return Err(GraphError::new(
                100,
                "Param messaging_product must be one of {WHATSAPP}.",
            ));
        }
    }
    if let Some(status) = root.optional("status") {
        return read(&root, &status);
    }
    let to = address(&root)?;
    root.optional_text("biz_opaque_callback_data", 0..=512)?;
    if let Some(context) = root.optional("context") {
        context.as_object()?;
        context.text_within("message_id", 1..=512)?;
    }
    for key in ["recipient_identity_key_hash", "messaging_account_id"] {
        root.optional_text(key, 1..=512)?;
    }
    let kind = match root.optional("type") {
        Some(kind) => kind.text()?,
        None => "text",
    };
    let (kind, checked) = content::check(&root, kind)?;
    let direct = direct(&root, kind, &to)?;
    Ok(Request::Message(Message {
        kind,
        to,
        media: checked.media,
        template: checked.template,
        direct,
        content: value.get(kind).unwrap_or(&Value::Null),
    }))
}

fn read<'value>(root: &Node<'_, 'value>, status: &Node<'_, 'value>) -> Result<Request<'value>, GraphError> {
    if status.text()? != "read" {
        return Err(status.bad("must be one of {READ}"));
    }
    let wamid = root.text_within("message_id", 1..=512)?;
    if let Some(typing) = root.optional("typing_indicator")
        && typing.text_within("type", 1..=64)? != "text"
    {
        return Err(typing.bad("must have the type text"));
    }
    Ok(Request::Read { wamid })
}

/// `to` wins over `recipient`.
fn address<'value>(root: &Node<'_, 'value>) -> Result<Address<'value>, GraphError> {
    let group = match root.optional_text("recipient_type", 0..=64)? {
        None | Some("individual") => false,
        Some("group") => true,
        Some(_) => {
            return Err(GraphError::new(
                100,
                "Param recipient_type must be one of {INDIVIDUAL, GROUP}.",
            ));
        }
    };
    if let Some(to) = root.optional("to") {
        let written = to.text()?;
        if group {
            return if written.is_empty() {
                Err(to.bad("must be a group id"))
            } else {
                Ok(Address::Group(written))
            };
        }
        return match Phone::parse(written) {
            Some(phone) => Ok(Address::Phone { written, phone }),
            None => Err(to.bad("must be a phone number with its country code")),
        };
    }
    let Some(recipient) = root.optional("recipient") else {
        return Err(GraphError::new(
            131_008,
            "One of the parameters to and recipient is required.",
        ));
    };
    let user_id = recipient.text()?;
    if looks_like_user_id(user_id) {
        Ok(Address::UserId(user_id))
    } else {
        Err(recipient.bad("must be a business-scoped user id"))
    }
}

fn direct(root: &Node<'_, '_>, kind: &str, to: &Address<'_>) -> Result<Direct, GraphError> {
    let Some(category) = root.optional("category") else {
        let halved = ["ttl_seconds", "direct_send_config"];
        return if halved.into_iter().any(|key| root.optional(key).is_some()) {
            Err(GraphError::new(131_008, "The parameter category is required."))
        } else {
            Ok(Direct::No)
        };
    };
    let (direct, longest) = match category.text()? {
        "utility" => (Direct::Utility, 43_200),
        "authentication" => (Direct::Authentication, 900),
        _ => return Err(category.bad("must be one of {UTILITY, AUTHENTICATION}")),
    };
    if !matches!(kind, "text" | "interactive") || matches!(to, Address::Group(_)) {
        return Err(category.bad("is only for text and interactive messages to one user"));
    }
    if let Some(ttl) = root.optional("ttl_seconds")
        && !ttl
            .value()
            .as_u64()
            .is_some_and(|seconds| (30..=longest).contains(&seconds))
    {
        return Err(ttl.bad(&format!("must be between 30 and {longest}")));
    }
    if let Some(config) = root.optional("direct_send_config") {
        config.text_within("template_name", 1..=512)?;
    }
    Ok(direct)
}

#[cfg(test)]
mod tests;
