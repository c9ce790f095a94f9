//! Whether a message fills a template as the template asks.

use super::Template;
use super::Templates;
use super::shape::{ButtonShape, Ends, HeaderShape, Shape};
use crate::graph::error::GraphError;
use crate::graph::validate::{Component, Parameter, TemplateUse};

/// Finds the template and compares.
pub(crate) fn check<'list>(
    templates: &'list Templates,
    waba: &str,
    used: &TemplateUse<'_>,
) -> Result<&'list Template, GraphError> {
    let Some(template) = templates.find(waba, used.name, used.language) else {
        return Err(GraphError::new(
            132_001,
            format!(
                "template name ({}) does not exist in {}",
                used.name, used.language
            ),
        ));
    };
    match template.spec.status.as_str() {
        "APPROVED" => {}
        "PAUSED" => {
            return Err(GraphError::new(132_015, "Template is paused due to low quality."));
        }
        "DISABLED" => return Err(GraphError::new(132_016, "Template is disabled for good.")),
        status => {
            return Err(GraphError::new(
                132_001,
                format!("template name ({}) is not approved but {status}", used.name),
            ));
        }
    }
    let longest = if template.shape.body_only { 32_768 } else { 1_024 };
    block(&template.shape, &used.components, longest)?;
    offer(&template.shape, &used.components)?;
    carousel(&template.shape, &used.components)?;
    Ok(template)
}

/// The template itself, or one of its cards.
fn block(shape: &Shape, given: &[Component<'_>], longest: usize) -> Result<(), GraphError> {
    for kind in ["header", "body", "carousel", "limited_time_offer"] {
        if given.iter().filter(|component| component.kind == kind).count() > 1 {
            return Err(GraphError::new(
                132_012,
                format!("{kind}: the component is there twice"),
            ));
        }
    }
    header(shape, component(given, "header"))?;
    body(shape, component(given, "body"), longest)?;
    buttons(shape, given)
}

fn carousel(shape: &Shape, given: &[Component<'_>]) -> Result<(), GraphError> {
    let cards = component(given, "carousel").map_or(&[][..], |carousel| &carousel.cards);
    if cards.len() != shape.cards.len() {
        return Err(count("carousel", "cards", cards.len(), shape.cards.len()));
    }
    for (card, filled) in shape.cards.iter().zip(cards) {
        block(card, filled, 160)?;
    }
    Ok(())
}

fn offer(shape: &Shape, given: &[Component<'_>]) -> Result<(), GraphError> {
    match (shape.offer, component(given, "limited_time_offer")) {
        (None, Some(_)) => Err(mismatch("limited_time_offer", "nothing", "limited_time_offer")),
        (Some(Ends::AtATime), None) => Err(GraphError::new(
            131_008,
            "limited_time_offer: expiration_time_ms is missing",
        )),
        _ => Ok(()),
    }
}

fn component<'used, 'value>(
    given: &'used [Component<'value>],
    kind: &str,
) -> Option<&'used Component<'value>> {
    given.iter().find(|component| component.kind == kind)
}

fn parameters<'used, 'value>(component: Option<&'used Component<'value>>) -> &'used [Parameter<'value>] {
    component.map_or(&[], |component| &component.parameters)
}

fn count(place: &str, what: &str, given: usize, wanted: usize) -> GraphError {
    GraphError::new(
        132_000,
        format!(
            "{place}: number of {what} ({given}) does not match the expected number of params ({wanted})"
        ),
    )
}

fn mismatch(place: &str, wanted: &str, given: &str) -> GraphError {
    GraphError::new(
        132_012,
        format!(
            "{place}: Format mismatch, expected {}, received {}",
            wanted.to_ascii_uppercase(),
            given.to_ascii_uppercase()
        ),
    )
}

fn header(shape: &Shape, given: Option<&Component<'_>>) -> Result<(), GraphError> {
    let given = parameters(given);
    let wanted = match &shape.header {
        HeaderShape::None => 0,
        HeaderShape::Text(variables) => variables.len(),
        HeaderShape::Filled(kind) => {
            return match given {
                [only] if only.kind == *kind => Ok(()),
                [] => Err(mismatch("header", kind, "unknown")),
                [first, ..] => Err(mismatch("header", kind, first.kind)),
            };
        }
    };
    if given.len() != wanted {
        return Err(count("header", "localizable_params", given.len(), wanted));
    }
    if let Some(other) = given
        .iter()
        .find(|parameter| !matches!(parameter.kind, "text" | "currency" | "date_time"))
    {
        return Err(mismatch("header", "text", other.kind));
    }
    let HeaderShape::Text(variables) = &shape.header else {
        return Ok(());
    };
    if shape.named {
        names("header", variables, given)?;
    }
    let shown: usize = given
        .iter()
        .filter_map(|parameter| parameter.shown)
        .map(|shown| shown.chars().count())
        .sum();
    if shape.header_fixed + shown > 60 {
        return Err(GraphError::new(
            132_005,
            "The translated text of the header is longer than 60 characters.",
        ));
    }
    Ok(())
}

/// Each variable that has a name is filled by it, and nothing else is.
fn names(place: &str, variables: &[String], given: &[Parameter<'_>]) -> Result<(), GraphError> {
    for variable in variables {
        let filled = given
            .iter()
            .filter(|parameter| parameter.name == Some(variable.as_str()))
            .count();
        if filled != 1 {
            return Err(GraphError::new(
                132_012,
                format!("{place}: Parameter name is missing or empty for {variable}"),
            ));
        }
    }
    Ok(())
}

fn body(shape: &Shape, given: Option<&Component<'_>>, longest: usize) -> Result<(), GraphError> {
    let given = parameters(given);
    if given.len() != shape.body.len() {
        return Err(count("body", "localizable_params", given.len(), shape.body.len()));
    }
    if let Some(other) = given
        .iter()
        .find(|parameter| !matches!(parameter.kind, "text" | "currency" | "date_time"))
    {
        return Err(mismatch("body", "text", other.kind));
    }
    if shape.named {
        names("body", &shape.body, given)?;
    }
    let shown: usize = given
        .iter()
        .filter_map(|parameter| parameter.shown)
        .map(|shown| shown.chars().count())
        .sum();
    let placeholders: usize = shape.body.iter().map(|name| name.len() + 4).sum();
    let filled = shape.body_text.chars().count() + shown;
    if filled.saturating_sub(placeholders) > longest {
        return Err(GraphError::new(
            132_005,
            format!("The translated text of the body is longer than {longest} characters."),
        ));
    }
    Ok(())
}

fn buttons(shape: &Shape, given: &[Component<'_>]) -> Result<(), GraphError> {
    let given: Vec<&Component<'_>> = given
        .iter()
        .filter(|component| component.kind == "button")
        .collect();
    for component in &given {
        let place = component.index.unwrap_or(0);
        let same = given.iter().filter(|other| other.index.unwrap_or(0) == place);
        if same.count() > 1 {
            return Err(GraphError::new(
                132_012,
                format!("buttons: Button at index {place} is there twice"),
            ));
        }
        let sub_type = component.sub_type.as_deref().unwrap_or_default();
        match shape.buttons.get(place) {
            None => return Err(count("buttons", "buttons", place + 1, shape.buttons.len())),
            Some(button) if button.kind != sub_type => {
                return Err(mismatch("buttons", &button.kind, sub_type));
            }
            Some(button) => value(place, button, &component.parameters)?,
        }
    }
    for (place, button) in shape.buttons.iter().enumerate() {
        let filled = given
            .iter()
            .any(|component| component.index.unwrap_or(0) == place && !component.parameters.is_empty());
        if button.needs_value && !filled {
            return Err(GraphError::new(
                131_008,
                format!(
                    "buttons: Button at index {place} of type {} requires a parameter",
                    button.kind
                ),
            ));
        }
    }
    Ok(())
}

/// What fills one button.
fn value(place: usize, button: &ButtonShape, given: &[Parameter<'_>]) -> Result<(), GraphError> {
    let kind = &button.kind;
    if button.takes.is_empty() && !given.is_empty() {
        return Err(GraphError::new(
            132_018,
            format!("buttons: Button at index {place} of type {kind} does not require parameters"),
        ));
    }
    if given.len() > 1 && kind != "voice_call" {
        return Err(count("buttons", "localizable_params", given.len(), 1));
    }
    for parameter in given {
        if !button.takes.contains(&parameter.kind) {
            return Err(mismatch(
                "buttons",
                button.takes.join(" or ").as_str(),
                parameter.kind,
            ));
        }
        let shown = parameter.shown.unwrap_or_default();
        if button.is_password && shown.chars().count() > 15 {
            return Err(GraphError::new(
                132_005,
                "The one-time password is longer than 15 characters.",
            ));
        }
        if kind == "url" && shown.contains(' ') {
            return Err(GraphError::new(132_018, "The end of an address has a space."));
        }
    }
    Ok(())
}
