//! Templates: which one, in which language, filled with what.
//! Source: Cloud API, Template components (Nov 21 2025).

use serde_json::Value;

use super::MessageClass;
use super::place::Place;
use super::plain::{MediaKind, check_location, check_media};
use crate::domain::ContentError;

const LONGEST_NAME: usize = 512;
const LONGEST_PARAMETER: usize = 1_024;
const LONGEST_HEADER: usize = 60;
const LONGEST_COUPON: usize = 15;
const MOST_COMPONENTS: usize = 20;
const MOST_PARAMETERS: usize = 100;

/// Checks a template and says which it is.
pub(super) fn check_template(template: Place<'_, '_>) -> Result<MessageClass, ContentError> {
    let name = template.need("name")?;
    let text = name.text(LONGEST_NAME)?;
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    {
        return Err(name.fail("must be of a-z, 0-9 and _"));
    }
    let language = template.need("language")?;
    let code = language.need("code")?;
    let language = code.text(20)?;
    if !is_language(language) {
        return Err(code.fail("must be a language code such as en or pt_BR"));
    }
    if let Some(components) = template.find("components")? {
        check_components(components)?;
    }
    Ok(MessageClass::Template {
        name: text.to_owned(),
        language: language.to_owned(),
    })
}

fn is_language(code: &str) -> bool {
    let mut parts = code.split(['_', '-']);
    let language = parts.next().is_some_and(|part| {
        (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase())
    });
    language
        && parts.all(|part| {
            (2..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

fn check_components(components: Place<'_, '_>) -> Result<(), ContentError> {
    for component in components.items(0, MOST_COMPONENTS)? {
        // Meta's samples write the kinds in both cases.
        match component.need_text("type", 40)?.to_ascii_lowercase().as_str() {
            "header" => check_parameters(component, LONGEST_HEADER, Naming::Free)?,
            "body" => check_parameters(component, LONGEST_PARAMETER, Naming::AllOrNone)?,
            "button" => check_button(component)?,
            "carousel" => {
                for card in component.need("cards")?.items(1, 10)? {
                    check_components(card.need("components")?)?;
                }
            }
            _ => check_parameters(component, LONGEST_PARAMETER, Naming::Free)?,
        }
    }
    Ok(())
}

fn check_button(button: Place<'_, '_>) -> Result<(), ContentError> {
    button.need_text("sub_type", 40)?;
    if let Some(index) = button.find("index")? {
        let number = match index.value() {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        if number.is_none_or(|number| number > 9) {
            return Err(index.fail("must be the place of a button, 0 to 9"));
        }
    }
    check_parameters(button, LONGEST_PARAMETER, Naming::Free)
}

/// Whether parameters have names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// As the template says; not looked at.
    Free,
    /// Either all of them or none.
    AllOrNone,
}

fn check_parameters(
    component: Place<'_, '_>,
    longest_text: usize,
    naming: Naming,
) -> Result<(), ContentError> {
    let Some(parameters) = component.find("parameters")? else {
        return Ok(());
    };
    let all = parameters.items(0, MOST_PARAMETERS)?;
    let mut named = 0;
    for parameter in &all {
        check_parameter(parameter, longest_text)?;
        named += usize::from(parameter.find_text("parameter_name", LONGEST_NAME)?.is_some());
    }
    if naming == Naming::AllOrNone && named != 0 && named != all.len() {
        return Err(parameters.fail("must all have a parameter_name, or none of them"));
    }
    Ok(())
}

fn check_parameter(parameter: &Place<'_, '_>, longest_text: usize) -> Result<(), ContentError> {
    match parameter.need_text("type", 40)?.to_ascii_lowercase().as_str() {
        "text" => {
            let text = parameter.need("text")?;
            match text.value() {
                Value::String(filled) if filled.is_empty() => Err(text.fail("must not be empty")),
                Value::String(filled) => text.within(filled, longest_text),
                Value::Number(_) | Value::Bool(_) => Ok(()),
                _ => Err(text.fail("must be a text")),
            }
        }
        "currency" => {
            let currency = parameter.need("currency")?;
            currency.need_text("fallback_value", longest_text)?;
            currency.need_text("code", 3)?;
            let amount = currency.need("amount_1000")?;
            if amount.value().is_i64() || amount.value().is_u64() {
                return Ok(());
            }
            Err(amount.fail("must be a whole number: the amount times 1000"))
        }
        "date_time" => parameter
            .need("date_time")?
            .need_text("fallback_value", longest_text)
            .map(|_| ()),
        "image" => check_media(parameter.need("image")?, MediaKind::Captioned),
        "video" => check_media(parameter.need("video")?, MediaKind::Captioned),
        "document" => check_media(parameter.need("document")?, MediaKind::Document),
        "location" => check_location(parameter.need("location")?),
        "payload" => parameter.need_text("payload", LONGEST_PARAMETER).map(|_| ()),
        "coupon_code" => parameter.need_text("coupon_code", LONGEST_COUPON).map(|_| ()),
        "action" => parameter.need("action")?.object().map(|_| ()),
        _ => Ok(()),
    }
}
