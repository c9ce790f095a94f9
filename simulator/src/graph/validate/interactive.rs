//! The `interactive` object: its header, body and footer, and one action for each type.

mod action;
mod carousel;

use std::ops::RangeInclusive;

use super::media::{self, MediaKind, MediaUse};
use crate::graph::error::GraphError;
use crate::graph::node::Node;

/// Which headers a type may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    None,
    Text,
    TextOrMedia,
}

/// What surrounds the action.
struct Frame {
    header: Header,
    body: RangeInclusive<usize>,
    footer: bool,
}

/// `None` for types that Meta does not know.
fn frame(kind: &str) -> Option<Frame> {
    let (header, body, footer) = match kind {
        "button" | "cta_url" | "flow" | "order_details" => (Header::TextOrMedia, 1..=1_024, true),
        "list" => (Header::Text, 1..=4_096, true),
        "product_list" => (Header::Text, 1..=1_024, true),
        "product" => (Header::None, 0..=1_024, true),
        "catalog_message" => (Header::None, 1..=1_024, true),
        "location_request_message" | "carousel" => (Header::None, 1..=1_024, false),
        // Meta's page and the clients in use name the first of these differently.
        "contact_request" | "request_contact_info" | "voice_call" | "order_status" => {
            (Header::None, 1..=1_024, true)
        }
        // A permission to call may be asked for without words.
        "call_permission_request" => (Header::None, 0..=1_024, true),
        "address_message" => (Header::Text, 1..=1_024, true),
        _ => return None,
    };
    Some(Frame { header, body, footer })
}

/// Checks the object.
pub(super) fn check<'value>(
    node: &Node<'_, 'value>,
    used: &mut Vec<MediaUse<'value>>,
) -> Result<(), GraphError> {
    let kind = node.text_within("type", 1..=64)?;
    let Some(frame) = frame(kind) else {
        return Err(node.bad("has a type that is not supported"));
    };
    header(node, frame.header, used)?;
    if node.optional("body").is_some() || *frame.body.start() > 0 {
        node.object("body")?.text_within("text", 1..=*frame.body.end())?;
    }
    if let Some(footer) = node.optional("footer") {
        if !frame.footer {
            return Err(footer.bad("is not allowed for this type"));
        }
        footer.as_object()?;
        footer.text_within("text", 1..=60)?;
    }
    let action = node.object("action")?;
    match kind {
        "button" => action::buttons(&action),
        "list" => action::list(&action),
        "cta_url" => action::cta_url(&action),
        "flow" => action::flow(&action),
        "location_request_message" => action::named(&action, "send_location"),
        "contact_request" | "request_contact_info" => action::named(&action, "request_contact_info"),
        "product" => action::product(&action),
        "product_list" => {
            node.object("header")?;
            action::product_list(&action)
        }
        "catalog_message" => action::named(&action, "catalog_message"),
        "voice_call" => action::voice_call(&action),
        "call_permission_request" => action::named(&action, "call_permission_request"),
        "address_message" => action::address(&action),
        "order_details" => action::named(&action, "review_and_pay"),
        "order_status" => action::named(&action, "review_order"),
        _ => carousel::check(&action, used),
    }
}

fn header<'value>(
    node: &Node<'_, 'value>,
    allowed: Header,
    used: &mut Vec<MediaUse<'value>>,
) -> Result<(), GraphError> {
    let Some(header) = node.optional("header") else {
        return Ok(());
    };
    if allowed == Header::None {
        return Err(header.bad("is not allowed for this type"));
    }
    match header.text_within("type", 1..=16)? {
        "text" => header.text_within("text", 1..=60).map(drop),
        name @ ("image" | "video" | "document") if allowed == Header::TextOrMedia => {
            match MediaKind::of(name) {
                Some(kind) => media::check(&header.object(kind.name())?, kind, used),
                None => Ok(()),
            }
        }
        _ => Err(header.bad("has a type that is not allowed here")),
    }
}
