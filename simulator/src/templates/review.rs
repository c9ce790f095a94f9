//! What a review refuses at once: the simulator's own reading of Meta's rules for new templates.
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components>

use serde_json::Value;

use super::TemplateSpec;
use super::shape::{list_of, text_of, variables};
use crate::graph::error::GraphError;

fn wrong(details: impl Into<String>) -> GraphError {
    GraphError::new(100, details.into())
}

/// Refuses a template that no review takes.
pub(crate) fn review(spec: &TemplateSpec) -> Result<(), GraphError> {
    let mut name = spec.name.bytes();
    let named_well = (1..=512).contains(&spec.name.len())
        && name.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !named_well {
        return Err(wrong(
            "Param name must be lower-case letters, digits and underscores.",
        ));
    }
    if !["MARKETING", "UTILITY", "AUTHENTICATION"].contains(&spec.category.as_str()) {
        return Err(wrong(
            "Param category must be one of {AUTHENTICATION, MARKETING, UTILITY}.",
        ));
    }
    lifetime(spec)?;
    components(&spec.components, spec)?;
    let has = |kind: &str| spec.components.iter().any(|component| kind_of(component) == kind);
    if !has("BODY") {
        return Err(wrong("A template needs a BODY component."));
    }
    if has("CAROUSEL") && (has("HEADER") || has("FOOTER") || has("BUTTONS")) {
        return Err(wrong("A CAROUSEL stands beside a BODY alone."));
    }
    if has("LIMITED_TIME_OFFER") && has("FOOTER") {
        return Err(wrong("A LIMITED_TIME_OFFER has no FOOTER beside it."));
    }
    Ok(())
}

/// For how long a message may be tried, by what it is for; -1 is thirty days.
fn lifetime(spec: &TemplateSpec) -> Result<(), GraphError> {
    let right = match (spec.message_send_ttl_seconds, spec.category.as_str()) {
        (None, _) => true,
        (Some(seconds), "MARKETING") => (12 * 3_600..=30 * 86_400).contains(&seconds),
        (Some(-1), _) => true,
        (Some(seconds), "UTILITY") => (30..=12 * 3_600).contains(&seconds),
        (Some(seconds), _) => (30..=15 * 60).contains(&seconds),
    };
    if right {
        return Ok(());
    }
    Err(wrong(format!(
        "Param message_send_ttl_seconds is out of range for {}.",
        spec.category
    )))
}

/// Why a review that looks closer refuses a template in the end, in one of Meta's words.
pub(crate) fn verdict(spec: &TemplateSpec) -> Option<&'static str> {
    let text = Value::from(spec.components.clone()).to_string().to_lowercase();
    if ["bit.ly/", "wa.me/", "tinyurl.com/"]
        .iter()
        .any(|short| text.contains(short))
    {
        return Some("SCAM");
    }
    (spec.category == "UTILITY" && text.contains("% off")).then_some("TAG_CONTENT_MISMATCH")
}

fn kind_of(component: &Value) -> String {
    text_of(component, "type").to_ascii_uppercase()
}

fn components(components: &[Value], spec: &TemplateSpec) -> Result<(), GraphError> {
    let mut seen = Vec::new();
    for component in components {
        let kind = kind_of(component);
        if seen.contains(&kind) {
            return Err(wrong(format!("There are two components of type {kind}.")));
        }
        match kind.as_str() {
            "HEADER" => header(component, spec)?,
            "BODY" if spec.category == "AUTHENTICATION" => {}
            "BODY" => body(component, spec)?,
            "FOOTER" => footer(component, spec)?,
            "BUTTONS" => buttons(list_of(component, "buttons"), spec)?,
            "CAROUSEL" => carousel(list_of(component, "cards"), spec)?,
            "LIMITED_TIME_OFFER" => {
                let text = component
                    .pointer("/limited_time_offer/text")
                    .and_then(Value::as_str);
                within("limited_time_offer", text.unwrap_or_default(), 16)?;
            }
            "CALL_PERMISSION_REQUEST" => {}
            other => return Err(wrong(format!("There is no component of type {other}."))),
        }
        seen.push(kind);
    }
    Ok(())
}

fn within(place: &str, text: &str, most: usize) -> Result<(), GraphError> {
    if (1..=most).contains(&text.chars().count()) {
        return Ok(());
    }
    Err(wrong(format!(
        "The text of {place} must have 1 to {most} characters."
    )))
}

/// Numbers from 1 without a gap, or names.
fn numbering(place: &str, text: &str, spec: &TemplateSpec) -> Result<(), GraphError> {
    let mut names = variables(text);
    let is_named = spec.parameter_format.as_deref().map_or_else(
        || names.iter().any(|name| name.parse::<usize>().is_err()),
        |format| format.eq_ignore_ascii_case("named"),
    );
    if is_named {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let odd = names
            .iter()
            .find(|name| !name.bytes().all(allowed) || name.starts_with(|c: char| c.is_ascii_digit()));
        return match odd {
            Some(name) => Err(wrong(format!("{place}: {name:?} is no name of a variable."))),
            None => Ok(()),
        };
    }
    names.sort_by_key(|name| name.parse::<usize>().unwrap_or(usize::MAX));
    for (place_of, name) in (1_usize..).zip(&names) {
        if *name != place_of.to_string() {
            return Err(wrong(format!(
                "{place}: variables must be numbered from 1 without a gap."
            )));
        }
    }
    Ok(())
}

/// As many examples as variables.
fn examples(component: &Value, key: &str, count: usize) -> Result<(), GraphError> {
    if count == 0 {
        return Ok(());
    }
    let example = component.get("example").unwrap_or(&Value::Null);
    let named = list_of(example, &format!("{key}_named_params")).len();
    let listed = list_of(example, key);
    let listed = listed
        .first()
        .and_then(Value::as_array)
        .map_or(listed.len(), Vec::len);
    if named == count || listed == count {
        return Ok(());
    }
    Err(wrong(format!("{key}: {count} variables need {count} examples.")))
}

fn header(component: &Value, spec: &TemplateSpec) -> Result<(), GraphError> {
    match text_of(component, "format").to_ascii_uppercase().as_str() {
        "TEXT" => {
            let text = text_of(component, "text");
            within("the header", text, 60)?;
            if text.contains(['\n', '*']) {
                return Err(wrong("A header has no line breaks and no formatting."));
            }
            let count = variables(text).len();
            if count > 1 {
                return Err(wrong("A header has one variable at most."));
            }
            numbering("header", text, spec)?;
            examples(component, "header_text", count)
        }
        "IMAGE" | "VIDEO" | "DOCUMENT" | "GIF" => {
            let handle = component.pointer("/example/header_handle/0");
            match handle.and_then(Value::as_str) {
                Some(handle) if !handle.is_empty() => Ok(()),
                _ => Err(wrong("A header with a file needs an example: header_handle.")),
            }
        }
        "LOCATION" | "PRODUCT" => Ok(()),
        other => Err(wrong(format!("There is no header of format {other:?}."))),
    }
}

fn body(component: &Value, spec: &TemplateSpec) -> Result<(), GraphError> {
    let text = text_of(component, "text");
    within("the body", text, 1_024)?;
    let trimmed = text.trim();
    if trimmed.starts_with("{{") || trimmed.ends_with("}}") {
        return Err(wrong("A body neither begins nor ends with a variable."));
    }
    if text.contains('\t') || text.contains("     ") || text.contains("\n\n\n") {
        return Err(wrong(
            "A body has no tabs, four spaces and two line breaks in a row at most.",
        ));
    }
    numbering("body", text, spec)?;
    examples(component, "body_text", variables(text).len())
}

fn footer(component: &Value, spec: &TemplateSpec) -> Result<(), GraphError> {
    if spec.category == "AUTHENTICATION" {
        return Ok(());
    }
    let text = text_of(component, "text");
    within("the footer", text, 60)?;
    if variables(text).is_empty() {
        return Ok(());
    }
    Err(wrong("A footer has no variables."))
}

fn buttons(buttons: &[Value], spec: &TemplateSpec) -> Result<(), GraphError> {
    if !(1..=10).contains(&buttons.len()) {
        return Err(wrong("There are 1 to 10 buttons."));
    }
    let kinds: Vec<String> = buttons.iter().map(kind_of).collect();
    let count = |kind: &str| kinds.iter().filter(|known| *known == kind).count();
    for (kind, most) in [
        ("URL", 2),
        ("PHONE_NUMBER", 1),
        ("COPY_CODE", 1),
        ("FLOW", 1),
        ("OTP", 1),
    ] {
        if count(kind) > most {
            return Err(wrong(format!("There are {most} buttons of type {kind} at most.")));
        }
    }
    let is_authentication = spec.category == "AUTHENTICATION";
    if (count("OTP") == 1) != is_authentication || (is_authentication && kinds.len() != 1) {
        return Err(wrong(
            "A one-time password has an OTP button, and no other template has one.",
        ));
    }
    let mut runs = kinds.iter().map(|kind| kind == "QUICK_REPLY").collect::<Vec<_>>();
    runs.dedup();
    if runs.len() > 2 {
        return Err(wrong("Quick replies stand together."));
    }
    buttons.iter().try_for_each(button)
}

fn button(button: &Value) -> Result<(), GraphError> {
    let kind = kind_of(button);
    if !matches!(kind.as_str(), "COPY_CODE" | "OTP" | "SPM") {
        within("a button", text_of(button, "text"), 25)?;
    }
    match kind.as_str() {
        "URL" => {
            let url = text_of(button, "url");
            within("an address", url, 2_000)?;
            let names = variables(url);
            let varies_at_end = names.len() == 1 && url.ends_with("}}");
            if !names.is_empty() && !varies_at_end {
                return Err(wrong("An address has one variable, at its end."));
            }
            if varies_at_end && button.get("example").is_none() {
                return Err(wrong("An address with a variable needs an example."));
            }
            if url.starts_with("https://") || url.starts_with("http://") {
                return Ok(());
            }
            Err(wrong("An address begins with http:// or https://."))
        }
        "PHONE_NUMBER" => within("a phone number", text_of(button, "phone_number"), 20),
        "COPY_CODE" => {
            let example = button.get("example").unwrap_or(&Value::Null);
            let example = example.as_str().or_else(|| example.get(0)?.as_str());
            within("a code", example.unwrap_or_default(), 15)
        }
        "OTP" => match text_of(button, "otp_type") {
            "COPY_CODE" | "ONE_TAP" | "ZERO_TAP" => Ok(()),
            _ => Err(wrong("There is no OTP button of this otp_type.")),
        },
        "QUICK_REPLY" | "FLOW" | "CATALOG" | "MPM" | "SPM" | "VOICE_CALL" | "ORDER_DETAILS" => Ok(()),
        other => Err(wrong(format!("There is no button of type {other}."))),
    }
}

fn carousel(cards: &[Value], spec: &TemplateSpec) -> Result<(), GraphError> {
    if !(2..=10).contains(&cards.len()) {
        return Err(wrong("A carousel has 2 to 10 cards."));
    }
    let mut first: Option<Vec<String>> = None;
    for card in cards {
        let inside = list_of(card, "components");
        let mut make = Vec::new();
        for component in inside {
            match kind_of(component).as_str() {
                "HEADER" => {
                    header(component, spec)?;
                    make.push(text_of(component, "format").to_ascii_uppercase());
                }
                "BODY" => {
                    within("a card", text_of(component, "text"), 160)?;
                    make.push("BODY".to_owned());
                }
                "BUTTONS" => {
                    let all = list_of(component, "buttons");
                    all.iter().try_for_each(button)?;
                    make.extend(all.iter().map(kind_of));
                }
                other => return Err(wrong(format!("A card has no component of type {other}."))),
            }
        }
        if *first.get_or_insert_with(|| make.clone()) != make {
            return Err(wrong("All cards have the same components and buttons."));
        }
    }
    Ok(())
}
