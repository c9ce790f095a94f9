//! Templates: which one, in which language, filled with what.
//! Source: Cloud API, Template components (Nov 21 2025).

use serde_json::Value;

use super::MessageClass;
use super::place::Place;
use super::plain::{MediaKind, check_file, check_location};
use crate::domain::ContentError;
use crate::domain::display_name::is_one_line;

const LONGEST_NAME: usize = 512;
const LONGEST_PARAMETER: usize = 1_024;
/// The same where the body is the only component.
const LONGEST_ALONE: usize = 32_768;
const LONGEST_PAYLOAD: usize = 256;
/// Spaces in a row that a text may have.
const MOST_SPACES: usize = 4;
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
        check_components(components, LONGEST_ALONE)?;
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

fn check_components(components: Place<'_, '_>, longest_alone: usize) -> Result<(), ContentError> {
    let all = components.items(0, MOST_COMPONENTS)?;
    let longest_body = if all.len() == 1 {
        longest_alone
    } else {
        LONGEST_PARAMETER
    };
    for component in all {
        // Meta's samples write the kinds in both cases.
        match component.need_text("type", 40)?.to_ascii_lowercase().as_str() {
            "header" => check_parameters(component, LONGEST_HEADER, Kept::ByHeader)?,
            "body" => check_parameters(component, longest_body, Kept::ByBody)?,
            "button" => check_button(component)?,
            "carousel" => {
                for card in component.need("cards")?.items(2, 10)? {
                    check_components(card.need("components")?, LONGEST_PARAMETER)?;
                }
            }
            _ => check_parameters(component, LONGEST_PARAMETER, Kept::Free)?,
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
    check_parameters(button, LONGEST_PARAMETER, Kept::Free)
}

/// What rules parameters keep as a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// None.
    Free,
    /// There is one at most.
    ByHeader,
    /// All of them have names, or none.
    ByBody,
}

fn check_parameters(component: Place<'_, '_>, longest_text: usize, kept: Kept) -> Result<(), ContentError> {
    let Some(parameters) = component.find("parameters")? else {
        return Ok(());
    };
    let most = match kept {
        Kept::ByHeader => 1,
        Kept::Free | Kept::ByBody => MOST_PARAMETERS,
    };
    let all = parameters.items(0, most)?;
    let mut named = 0;
    for parameter in &all {
        check_parameter(parameter, longest_text)?;
        named += usize::from(parameter.find_text("parameter_name", LONGEST_NAME)?.is_some());
    }
    if kept == Kept::ByBody && named != 0 && named != all.len() {
        return Err(parameters.fail("must all have a parameter_name, or none of them"));
    }
    Ok(())
}

fn check_parameter(parameter: &Place<'_, '_>, longest_text: usize) -> Result<(), ContentError> {
    match parameter.need_text("type", 40)?.to_ascii_lowercase().as_str() {
        "text" => {
            let text = parameter.need("text")?;
            // One of Meta's own samples fills a variable with a truth value.
            if matches!(text.value(), Value::Number(_) | Value::Bool(_)) {
                return Ok(());
            }
            check_filled(&text, longest_text)
        }
        "currency" => {
            let currency = parameter.need("currency")?;
            check_filled(&currency.need("fallback_value")?, longest_text)?;
            let code = currency.need("code")?;
            if code.text(3)?.chars().count() < 3 {
                return Err(code.fail("must be three letters"));
            }
            let amount = currency.need("amount_1000")?;
            if amount.value().is_i64() {
                return Ok(());
            }
            Err(amount.fail("must be a whole number: the amount times 1000"))
        }
        "date_time" => check_filled(
            &parameter.need("date_time")?.need("fallback_value")?,
            longest_text,
        ),
        "image" => check_file(parameter.need("image")?, MediaKind::Captioned),
        "video" => check_file(parameter.need("video")?, MediaKind::Captioned),
        "document" => check_file(parameter.need("document")?, MediaKind::Document),
        "location" => check_location(parameter.need("location")?),
        "payload" => parameter.need_text("payload", LONGEST_PAYLOAD).map(|_| ()),
        "coupon_code" => parameter.need_text("coupon_code", LONGEST_COUPON).map(|_| ()),
        "product" => {
            let product = parameter.need("product")?;
            product
                .need_text("product_retailer_id", LONGEST_PAYLOAD)
                .map(|_| ())
        }
        kind @ ("action" | "limited_time_offer" | "order_status") => {
            parameter.need(kind)?.object().map(|_| ())
        }
        "ttl_minutes" => parameter.need("ttl_minutes").map(|_| ()),
        "tap_target_configuration" => {
            let targets = parameter.need("tap_target_configuration")?;
            targets.items(1, 10).map(|_| ())
        }
        _ => Ok(()),
    }
}

/// Checks a text that fills a variable. Meta refuses a whole message for one line break in it (132018).
fn check_filled(text: &Place<'_, '_>, longest: usize) -> Result<(), ContentError> {
    let filled = text.text(longest)?;
    if filled.contains(['\n', '\r', '\t']) {
        return Err(text.fail("must not have line breaks or tabs: Meta allows none in what fills a template"));
    }
    if !is_one_line(filled) {
        return Err(text.fail("must not have characters that control a line or its direction"));
    }
    if filled.contains(&" ".repeat(MOST_SPACES + 1)) {
        return Err(text.fail(format!("must not have more than {MOST_SPACES} spaces in a row")));
    }
    Ok(())
}
