//! Whether a message fills a template as the template asks.

use super::Template;
use super::Templates;
use super::shape::{HeaderShape, Shape};
use crate::graph::error::GraphError;
use crate::graph::validate::{Component, Parameter, TemplateUse};

/// Finds the template and compares.
pub(crate) fn check<'list>(
    templates: &'list Templates,
    used: &TemplateUse<'_>,
) -> Result<&'list Template, GraphError> {
    let Some(template) = templates.find(used.name, used.language) else {
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
    let shape = &template.shape;
    header(shape, component(used, "header"))?;
    body(shape, component(used, "body"))?;
    buttons(shape, used)?;
    let cards = component(used, "carousel").map_or(0, |carousel| carousel.cards);
    if cards != shape.cards {
        return Err(count("carousel", "cards", cards, shape.cards));
    }
    Ok(template)
}

fn component<'used, 'value>(
    used: &'used TemplateUse<'value>,
    kind: &str,
) -> Option<&'used Component<'value>> {
    used.components.iter().find(|component| component.kind == kind)
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
    match given.iter().find(|parameter| parameter.kind != "text") {
        Some(other) => Err(mismatch("header", "text", other.kind)),
        None => Ok(()),
    }
}

fn body(shape: &Shape, given: Option<&Component<'_>>) -> Result<(), GraphError> {
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
        for variable in &shape.body {
            if !given
                .iter()
                .any(|parameter| parameter.name == Some(variable.as_str()))
            {
                return Err(GraphError::new(
                    132_012,
                    format!("body: Parameter name is missing or empty for {variable}"),
                ));
            }
        }
    }
    let shown: usize = given
        .iter()
        .filter_map(|parameter| parameter.shown)
        .map(|shown| shown.chars().count())
        .sum();
    let placeholders: usize = shape.body.iter().map(|name| name.len() + 4).sum();
    let filled = shape.body_text.chars().count() + shown;
    let longest = if shape.body_only { 32_768 } else { 1_024 };
    if filled.saturating_sub(placeholders) > longest {
        return Err(GraphError::new(
            132_005,
            format!("The translated text of the body is longer than {longest} characters."),
        ));
    }
    Ok(())
}

fn buttons(shape: &Shape, used: &TemplateUse<'_>) -> Result<(), GraphError> {
    let given: Vec<&Component<'_>> = used
        .components
        .iter()
        .filter(|component| component.kind == "button")
        .collect();
    for component in &given {
        let place = component.index.unwrap_or(0);
        let sub_type = component.sub_type.as_deref().unwrap_or_default();
        match shape.buttons.get(place) {
            None => return Err(count("buttons", "buttons", place + 1, shape.buttons.len())),
            Some(button) if button.kind != sub_type => {
                return Err(mismatch("buttons", &button.kind, sub_type));
            }
            Some(_) => {}
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
