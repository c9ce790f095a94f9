//! Buttons, lists, links, flows and carousels.
//!
//! Kinds that this version does not know pass with the checks that all kinds share.

use std::collections::BTreeSet;

use super::carousel::check_carousel;
use super::place::Place;
use super::plain::{MediaKind, check_file};
use crate::domain::ContentError;

pub(super) const LONGEST_BODY: usize = 1_024;
pub(super) const LONGEST_LABEL: usize = 20;
const LONGEST_LIST_BODY: usize = 4_096;
const LONGEST_HEADER: usize = 60;
const LONGEST_FOOTER: usize = 60;
const LONGEST_SECTION_TITLE: usize = 24;
pub(super) const LONGEST_BUTTON_ID: usize = 256;
const LONGEST_FLOW_LABEL: usize = 30;
const LONGEST_SCREEN: usize = 256;
const MOST_BUTTONS: usize = 3;
const MOST_SECTIONS: usize = 10;
const MOST_ROWS: usize = 10;
const MOST_PRODUCTS: usize = 30;
const LONGEST_FREE_TEXT: usize = 4_096;
const LONGEST_CALL_PAYLOAD: usize = 512;
/// Minutes that a button for calls works: 30 days.
const LONGEST_CALL_MINUTES: u64 = 43_200;

/// What a header may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// A text.
    Text,
    /// A text, a picture, a film or a file.
    TextOrMedia,
    /// A picture or a film.
    PictureOrFilm,
    /// Nothing.
    None,
}

/// Checks an interactive message.
pub(super) fn check_interactive(interactive: Place<'_, '_>) -> Result<(), ContentError> {
    let kind = interactive.need_text("type", LONGEST_LABEL * 2)?;
    let action = interactive.need("action")?;
    action.object()?;
    match kind {
        "button" => {
            frame(interactive, Header::TextOrMedia, LONGEST_BODY)?;
            check_buttons(action)
        }
        "list" => {
            frame(interactive, Header::Text, LONGEST_LIST_BODY)?;
            check_list(action)
        }
        "cta_url" => {
            frame(interactive, Header::TextOrMedia, LONGEST_BODY)?;
            check_link(action)
        }
        "flow" => {
            frame(interactive, Header::TextOrMedia, LONGEST_BODY)?;
            check_flow(action)
        }
        "location_request_message" => {
            frame(interactive, Header::None, LONGEST_BODY)?;
            interactive.must_lack("footer", "is not allowed for this type")?;
            action.need_one_of("name", &["send_location"]).map(|_| ())
        }
        // Meta's page and the clients in use name it differently.
        "contact_request" | "request_contact_info" => {
            frame(interactive, Header::None, LONGEST_BODY)?;
            action.need_one_of("name", &["request_contact_info"]).map(|_| ())
        }
        "carousel" => check_carousel(interactive, action),
        "product" => {
            optional_frame(interactive, Header::None, LONGEST_BODY)?;
            check_product(action)
        }
        "product_list" => {
            interactive.need("header")?;
            frame(interactive, Header::Text, LONGEST_BODY)?;
            check_products(action)
        }
        "catalog_message" => {
            frame(interactive, Header::None, LONGEST_BODY)?;
            action.need_one_of("name", &["catalog_message"]).map(|_| ())
        }
        "voice_call" => {
            frame(interactive, Header::None, LONGEST_BODY)?;
            check_call(action)
        }
        "call_permission_request" => {
            optional_frame(interactive, Header::None, LONGEST_BODY)?;
            action
                .need_one_of("name", &["call_permission_request"])
                .map(|_| ())
        }
        "address_message" => {
            frame(interactive, Header::Text, LONGEST_BODY)?;
            action.need_one_of("name", &["address_message"])?;
            let parameters = action.need("parameters")?;
            parameters.need_one_of("country", &["IN", "SG"]).map(|_| ())
        }
        "order_details" => {
            frame(interactive, Header::TextOrMedia, LONGEST_BODY)?;
            action.need_one_of("name", &["review_and_pay"]).map(|_| ())
        }
        "order_status" => {
            frame(interactive, Header::None, LONGEST_BODY)?;
            action.need_one_of("name", &["review_order"]).map(|_| ())
        }
        _ => optional_frame(interactive, Header::TextOrMedia, LONGEST_FREE_TEXT),
    }
}

/// Header, body and footer, of which the body must be there.
fn frame(interactive: Place<'_, '_>, header: Header, longest_body: usize) -> Result<(), ContentError> {
    interactive.need("body")?.need_text("text", longest_body)?;
    check_header(interactive, header)?;
    check_footer(interactive)
}

/// Header, body and footer, each if it is there.
fn optional_frame(
    interactive: Place<'_, '_>,
    header: Header,
    longest_body: usize,
) -> Result<(), ContentError> {
    if let Some(body) = interactive.find("body")? {
        body.need_text("text", longest_body)?;
    }
    check_header(interactive, header)?;
    check_footer(interactive)
}

fn check_footer(interactive: Place<'_, '_>) -> Result<(), ContentError> {
    if let Some(footer) = interactive.find("footer")? {
        footer.need_text("text", LONGEST_FOOTER)?;
    }
    Ok(())
}

/// Checks a header, if there is one.
pub(super) fn check_header(parent: Place<'_, '_>, allowed: Header) -> Result<(), ContentError> {
    let kinds: &[&str] = match allowed {
        Header::None => return parent.must_lack("header", "is not allowed for this type"),
        Header::Text => &["text"],
        Header::PictureOrFilm => &["image", "video"],
        Header::TextOrMedia => &["text", "image", "video", "document"],
    };
    let Some(header) = parent.find("header")? else {
        return Ok(());
    };
    match header.need_one_of("type", kinds)? {
        "text" => header.need_text("text", LONGEST_HEADER).map(|_| ()),
        media => check_file(
            header.need(media)?,
            if media == "document" {
                MediaKind::Document
            } else {
                MediaKind::Captioned
            },
        ),
    }
}

fn check_buttons(action: Place<'_, '_>) -> Result<(), ContentError> {
    let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for button in action.need("buttons")?.items(1, MOST_BUTTONS)? {
        button.need_one_of("type", &["reply"])?;
        let reply = button.need("reply")?;
        let id = reply.need("id")?;
        let title = reply.need("title")?;
        if !ids.insert(id.text(LONGEST_BUTTON_ID)?) {
            return Err(id.fail("is used by another button"));
        }
        if !titles.insert(title.text(LONGEST_LABEL)?) {
            return Err(title.fail("is used by another button"));
        }
    }
    Ok(())
}

fn check_list(action: Place<'_, '_>) -> Result<(), ContentError> {
    action.need_text("button", LONGEST_LABEL)?;
    let list = action.need("sections")?;
    let sections = list.items(1, MOST_SECTIONS)?;
    let titled = sections.len() > 1;
    let mut ids = BTreeSet::new();
    for section in &sections {
        check_title(section, titled)?;
        for row in section.need("rows")?.items(1, usize::MAX)? {
            let id = row.need("id")?;
            if !ids.insert(id.text(200)?) {
                return Err(id.fail("is used by another row"));
            }
            row.need_text("title", LONGEST_SECTION_TITLE)?;
            row.find_text("description", 72)?;
        }
    }
    if ids.len() > MOST_ROWS {
        return Err(list.fail(format!(
            "have {} rows; at most {MOST_ROWS} are allowed in all sections together",
            ids.len()
        )));
    }
    Ok(())
}

/// A section must have a title when there are several.
fn check_title(section: &Place<'_, '_>, needed: bool) -> Result<(), ContentError> {
    if needed {
        section.need_text("title", LONGEST_SECTION_TITLE)?;
    } else {
        section.find_text("title", LONGEST_SECTION_TITLE)?;
    }
    Ok(())
}

/// Checks a button that opens an address.
pub(super) fn check_link(action: Place<'_, '_>) -> Result<(), ContentError> {
    action.need_one_of("name", &["cta_url"])?;
    let parameters = action.need("parameters")?;
    parameters.need_text("display_text", LONGEST_LABEL)?;
    parameters.need_address("url")
}

/// Checks a button that calls the business.
fn check_call(action: Place<'_, '_>) -> Result<(), ContentError> {
    action.need_one_of("name", &["voice_call"])?;
    let Some(parameters) = action.find("parameters")? else {
        return Ok(());
    };
    parameters.find_text("display_text", LONGEST_LABEL)?;
    parameters.find_text("payload", LONGEST_CALL_PAYLOAD)?;
    match parameters.find("ttl_minutes")? {
        Some(ttl)
            if !ttl
                .value()
                .as_u64()
                .is_some_and(|minutes| (1..=LONGEST_CALL_MINUTES).contains(&minutes)) =>
        {
            Err(ttl.fail(format!("must be a whole number from 1 to {LONGEST_CALL_MINUTES}")))
        }
        _ => Ok(()),
    }
}

fn check_flow(action: Place<'_, '_>) -> Result<(), ContentError> {
    action.need_one_of("name", &["flow"])?;
    let parameters = action.need("parameters")?;
    parameters.need_one_of("flow_message_version", &["3"])?;
    match (parameters.find("flow_id")?, parameters.find("flow_name")?) {
        (Some(flow), None) | (None, Some(flow)) => flow.text(LONGEST_BUTTON_ID)?,
        _ => return Err(parameters.fail("must have either flow_id or flow_name")),
    };
    parameters.need_text("flow_cta", LONGEST_FLOW_LABEL)?;
    parameters.find_text("flow_token", LONGEST_FREE_TEXT)?;
    if parameters.find("mode")?.is_some() {
        parameters.need_one_of("mode", &["draft", "published"])?;
    }
    let action = match parameters.find("flow_action")? {
        Some(_) => parameters.need_one_of("flow_action", &["navigate", "data_exchange"])?,
        None => "navigate",
    };
    match parameters.find("flow_action_payload")? {
        Some(payload) if action == "navigate" => payload.need_text("screen", LONGEST_SCREEN).map(|_| ()),
        Some(payload) => Err(payload.fail("is not allowed with data_exchange")),
        None => Ok(()),
    }
}

/// Checks one product.
pub(super) fn check_product(action: Place<'_, '_>) -> Result<(), ContentError> {
    action.need_text("catalog_id", LONGEST_BUTTON_ID)?;
    action.need_text("product_retailer_id", LONGEST_BUTTON_ID)?;
    Ok(())
}

fn check_products(action: Place<'_, '_>) -> Result<(), ContentError> {
    action.need_text("catalog_id", LONGEST_BUTTON_ID)?;
    let list = action.need("sections")?;
    let sections = list.items(1, MOST_SECTIONS)?;
    let titled = sections.len() > 1;
    let mut products = 0;
    for section in &sections {
        check_title(section, titled)?;
        for product in section.need("product_items")?.items(1, MOST_PRODUCTS)? {
            product.need_text("product_retailer_id", LONGEST_BUTTON_ID)?;
            products += 1;
        }
    }
    if products > MOST_PRODUCTS {
        return Err(list.fail(format!(
            "have {products} products; at most {MOST_PRODUCTS} are allowed"
        )));
    }
    Ok(())
}
