//! What a customer can tap, by type.

use std::collections::HashSet;

use crate::graph::error::GraphError;
use crate::graph::node::Node;
use crate::graph::validate::media::is_url;

/// One to three reply buttons.
pub(super) fn buttons(action: &Node<'_, '_>) -> Result<(), GraphError> {
    let buttons = action.list("buttons", 1..=3)?;
    let (mut ids, mut titles) = (HashSet::new(), HashSet::new());
    for button in buttons.iter() {
        if button.text_within("type", 1..=16)? != "reply" {
            return Err(button.bad("must have the type reply"));
        }
        let reply = button.object("reply")?;
        if !ids.insert(reply.text_within("id", 1..=256)?) {
            return Err(reply.bad("has an id that another button has"));
        }
        if !titles.insert(reply.text_within("title", 1..=20)?) {
            return Err(reply.bad("has a title that another button has"));
        }
    }
    Ok(())
}

/// At most ten sections, and ten rows in all of them together.
pub(super) fn list(action: &Node<'_, '_>) -> Result<(), GraphError> {
    action.text_within("button", 1..=20)?;
    let sections = action.list("sections", 1..=10)?;
    let mut rows_in_all = 0;
    let mut ids = HashSet::new();
    for section in sections.iter() {
        if sections.len() > 1 {
            section.text_within("title", 1..=24)?;
        } else {
            section.optional_text("title", 1..=24)?;
        }
        let rows = section.list("rows", 1..=10)?;
        rows_in_all += rows.len();
        for row in rows.iter() {
            if !ids.insert(row.text_within("id", 1..=200)?) {
                return Err(row.bad("has an id that another row has"));
            }
            row.text_within("title", 1..=24)?;
            row.optional_text("description", 1..=72)?;
        }
    }
    if rows_in_all > 10 {
        return Err(sections.bad("must have at most 10 rows in total"));
    }
    Ok(())
}

/// A button that opens a web page.
pub(super) fn cta_url(action: &Node<'_, '_>) -> Result<(), GraphError> {
    named(action, "cta_url")?;
    let parameters = action.object("parameters")?;
    parameters.text_within("display_text", 1..=20)?;
    if !is_url(parameters.text_within("url", 1..=2_000)?) {
        return Err(parameters.bad("must have a url that is an http or https URL"));
    }
    Ok(())
}

/// A form.
pub(super) fn flow(action: &Node<'_, '_>) -> Result<(), GraphError> {
    named(action, "flow")?;
    let parameters = action.object("parameters")?;
    let version = parameters.required("flow_message_version")?;
    if version.text()? != "3" {
        return Err(version.bad("must be 3"));
    }
    match (parameters.optional("flow_id"), parameters.optional("flow_name")) {
        (None, None) => {
            return Err(GraphError::new(
                131_008,
                format!("Param {} needs one of flow_id and flow_name.", parameters.path()),
            ));
        }
        (Some(_), Some(_)) => return Err(parameters.bad("must not have both flow_id and flow_name")),
        _ => {}
    }
    for key in ["flow_id", "flow_name"] {
        parameters.optional_text(key, 1..=256)?;
    }
    parameters.text_within("flow_cta", 1..=30)?;
    parameters.optional_text("flow_token", 1..=4_096)?;
    match parameters.optional_text("mode", 0..=16)? {
        None | Some("draft" | "published") => {}
        Some(_) => return Err(parameters.bad("must have a mode of {DRAFT, PUBLISHED}")),
    }
    match parameters.optional_text("flow_action", 0..=16)? {
        None | Some("navigate") => {
            if let Some(payload) = parameters.optional("flow_action_payload") {
                payload.text_within("screen", 1..=256)?;
            }
            Ok(())
        }
        Some("data_exchange") => match parameters.optional("flow_action_payload") {
            Some(payload) => Err(payload.bad("is not allowed with data_exchange")),
            None => Ok(()),
        },
        Some(_) => Err(parameters.bad("must have a flow_action of {NAVIGATE, DATA_EXCHANGE}")),
    }
}

/// An action that is nothing but its name.
pub(super) fn named(action: &Node<'_, '_>, name: &str) -> Result<(), GraphError> {
    if action.text_within("name", 1..=64)? == name {
        Ok(())
    } else {
        Err(action.bad(&format!("must have the name {name}")))
    }
}

/// One product of a catalogue.
pub(super) fn product(action: &Node<'_, '_>) -> Result<(), GraphError> {
    action.text_within("catalog_id", 1..=256)?;
    action.text_within("product_retailer_id", 1..=256).map(drop)
}

/// Up to 30 products in up to ten sections.
pub(super) fn product_list(action: &Node<'_, '_>) -> Result<(), GraphError> {
    action.text_within("catalog_id", 1..=256)?;
    let sections = action.list("sections", 1..=10)?;
    let mut products = 0;
    for section in sections.iter() {
        if sections.len() > 1 {
            section.text_within("title", 1..=24)?;
        } else {
            section.optional_text("title", 1..=24)?;
        }
        let items = section.list("product_items", 1..=30)?;
        products += items.len();
        for item in items.iter() {
            item.text_within("product_retailer_id", 1..=256)?;
        }
    }
    if products > 30 {
        return Err(sections.bad("must have at most 30 products in total"));
    }
    Ok(())
}

/// A button that calls the business.
pub(super) fn voice_call(action: &Node<'_, '_>) -> Result<(), GraphError> {
    named(action, "voice_call")?;
    if let Some(parameters) = action.optional("parameters") {
        parameters.optional_text("display_text", 1..=20)?;
        parameters.optional_text("payload", 1..=512)?;
        if let Some(ttl) = parameters.optional("ttl_minutes")
            && !ttl
                .value()
                .as_u64()
                .is_some_and(|minutes| (1..=43_200).contains(&minutes))
        {
            return Err(ttl.bad("must be between 1 and 43200"));
        }
    }
    Ok(())
}

/// Asks for an address in India or Singapore.
pub(super) fn address(action: &Node<'_, '_>) -> Result<(), GraphError> {
    named(action, "address_message")?;
    let parameters = action.object("parameters")?;
    match parameters.text_within("country", 2..=2)? {
        "IN" | "SG" => Ok(()),
        _ => Err(parameters.bad("must have a country of {IN, SG}")),
    }
}
