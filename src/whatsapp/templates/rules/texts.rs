//! Header, body and footer.

use serde_json::Value;

use super::super::definition::{ParameterFormat, list_of, text_of};
use super::super::pattern::Pattern;
use super::super::samples::shown_by;
use super::{Category, Frame, Problems};
use crate::domain::{ContentError, MediaId};
use crate::whatsapp::place::Place;

const LONGEST_HEADER: usize = 60;
const LONGEST_BODY: usize = 1_024;
/// Beside a limited-time offer.
const LONGEST_OFFERED: usize = 600;
const LONGEST_FOOTER: usize = 60;
const LONGEST_EXAMPLE: usize = 1_024;
const LONGEST_HANDLE: usize = 4_096;
const LONGEST_VARIABLE: usize = 64;
/// Of a one-time password, in minutes.
const LONGEST_CODE: u64 = 90;
/// Spaces in a row.
const MOST_SPACES: usize = 4;
/// Line ends in a row.
const MOST_LINE_ENDS: usize = 2;
const FORMATS: [&str; 7] = ["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "GIF", "LOCATION", "PRODUCT"];
/// Above a limited-time offer.
const OFFERED: [&str; 2] = ["IMAGE", "VIDEO"];

pub(super) fn check_header(header: &Place<'_, '_>, frame: Frame, found: &mut Problems) {
    let Some(format) = found.note(header.need("format")) else {
        return;
    };
    let written = format.value().as_str().unwrap_or_default().to_ascii_uppercase();
    if !FORMATS.contains(&written.as_str()) {
        found.push(format.fail(format!("must be one of {}", FORMATS.join(", "))));
        return;
    }
    if frame.offers && !OFFERED.contains(&written.as_str()) {
        found.push(format.fail("must be IMAGE or VIDEO above a LIMITED_TIME_OFFER"));
    }
    match written.as_str() {
        "TEXT" => check_header_text(header, frame, found),
        "LOCATION" | "PRODUCT" => {}
        _ => drop(found.note(check_handle(header))),
    }
}

fn check_header_text(header: &Place<'_, '_>, frame: Frame, found: &mut Problems) {
    let Some(text) = found.note(header.need("text")) else {
        return;
    };
    let Some(written) = found.note(text.text(LONGEST_HEADER)) else {
        return;
    };
    let mut letter = [0_u8; 4];
    let pattern = Pattern::parse(written);
    // The names of variables may have underscores.
    let is_formatted = |text: &str| text.contains(['\n', '\r', '*', '_', '~', '`']);
    if pattern.texts().any(is_formatted) {
        found.push(text.fail("must not have line breaks or formatting: Meta allows none in a header"));
    } else if written
        .chars()
        .any(|c| !c.is_ascii() && emojis::get(c.encode_utf8(&mut letter)).is_some())
    {
        found.push(text.fail("must not have emojis: Meta allows none in a header"));
    }
    if pattern.variables().len() > 1 {
        found.push(text.fail("must not have more than one variable"));
        return;
    }
    check_variables(&text, &pattern, frame.format, found);
    check_examples(header, &pattern, frame.format, "header_text", found);
}

/// A picture, a film or a document is shown to Meta's review by the handle of an upload. Of one that was uploaded here it is asked for
/// when the draft is sent.
pub(super) fn check_handle(header: &Place<'_, '_>) -> Result<(), ContentError> {
    let example = header.need("example")?;
    if let Some(upload) = example.find("media_id")? {
        example.must_lack("header_handle", "does not go with media_id")?;
        let format = header.value().get("format").and_then(Value::as_str);
        if format.and_then(shown_by).is_none() {
            return Err(upload.fail("goes with IMAGE, VIDEO and DOCUMENT alone"));
        }
        return match upload.text(LONGEST_HANDLE)?.parse::<MediaId>() {
            Ok(_) => Ok(()),
            Err(_) => Err(upload.fail("must be the media_id of a file that was uploaded")),
        };
    }
    let handles = example.need("header_handle")?;
    for handle in handles.items(1, 1)? {
        handle.text(LONGEST_HANDLE)?;
    }
    Ok(())
}

pub(super) fn check_body(body: &Place<'_, '_>, frame: Frame, found: &mut Problems) {
    // Meta writes the text of a one-time password itself.
    if frame.category == Category::Authentication {
        found.note(body.find_truth("add_security_recommendation"));
        return;
    }
    let longest = if frame.offers {
        LONGEST_OFFERED
    } else {
        LONGEST_BODY
    };
    check_body_text(body, longest, frame.format, found);
}

/// A text with any number of variables, of a template or of a card.
pub(super) fn check_body_text(
    body: &Place<'_, '_>,
    longest: usize,
    format: ParameterFormat,
    found: &mut Problems,
) {
    let Some(text) = found.note(body.need("text")) else {
        return;
    };
    let Some(written) = found.note(text.text(longest)) else {
        return;
    };
    if let Some(problem) = spacing(written) {
        found.push(text.fail(problem));
    }
    let pattern = Pattern::parse(written);
    if pattern.has_variable_at_edge() {
        found.push(text.fail("must not begin or end with a variable"));
    }
    if pattern.has_neighbours() {
        found.push(text.fail("must have words between two variables"));
    }
    check_variables(&text, &pattern, format, found);
    check_examples(body, &pattern, format, "body_text", found);
}

/// What Meta's review says of white space.
fn spacing(text: &str) -> Option<String> {
    let mut lines = text.replace('\r', "");
    lines.retain(|c| c != ' ');
    if text.contains('\t') {
        Some("must not have tabs".to_owned())
    } else if text.contains(&" ".repeat(MOST_SPACES + 1)) {
        Some(format!("must not have more than {MOST_SPACES} spaces in a row"))
    } else if lines.contains(&"\n".repeat(MOST_LINE_ENDS + 1)) {
        Some(format!(
            "must not have more than {MOST_LINE_ENDS} line breaks in a row"
        ))
    } else {
        None
    }
}

/// Variables are numbered from 1 without a gap, or have names.
pub(super) fn check_variables(
    text: &Place<'_, '_>,
    pattern: &Pattern,
    format: ParameterFormat,
    found: &mut Problems,
) {
    if pattern.has_stray_braces() {
        found.push(text.fail("has braces that make no variable: one is written {{1}} or {{name}}"));
        return;
    }
    let variables = pattern.variables();
    let problem = match format {
        ParameterFormat::Positional => {
            let gap = (1..)
                .zip(&variables)
                .find(|(number, name): &(usize, _)| **name != number.to_string());
            gap.map(|(number, name)| {
                format!("must number its variables from 1 without a gap: {{{{{name}}}}} stands where {{{{{number}}}}} should")
            })
        }
        ParameterFormat::Named => variables.iter().find(|name| !is_name(name)).map(|name| {
            format!("has the variable {{{{{name}}}}}: names are a-z, 0-9 and _, with a letter first, at most {LONGEST_VARIABLE}")
        }),
    };
    if let Some(problem) = problem {
        found.push(text.fail(problem));
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= LONGEST_VARIABLE
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Each variable has an example, which Meta's review reads.
fn check_examples(
    component: &Place<'_, '_>,
    pattern: &Pattern,
    format: ParameterFormat,
    key: &'static str,
    found: &mut Problems,
) {
    let variables = pattern.variables();
    if !variables.is_empty() {
        found.note(match format {
            ParameterFormat::Positional => examples_by_number(component, variables.len(), key),
            ParameterFormat::Named => examples_by_name(component, &variables, key),
        });
    }
}

fn examples_by_number(component: &Place<'_, '_>, count: usize, key: &str) -> Result<(), ContentError> {
    let example = component.need("example")?;
    let list = example.need(key)?;
    let all = if key == "body_text" {
        list.items(1, usize::MAX)?
    } else {
        vec![list]
    };
    // Several sets of examples may be given for a body; each is whole.
    for set in &all {
        for value in set.items(count, count)? {
            value.text(LONGEST_EXAMPLE)?;
        }
    }
    Ok(())
}

fn examples_by_name(component: &Place<'_, '_>, names: &[&str], key: &str) -> Result<(), ContentError> {
    let key = match key {
        "body_text" => "body_text_named_params",
        _ => "header_text_named_params",
    };
    let example = component.need("example")?;
    let list = example.need(key)?;
    for param in list.items(names.len(), names.len())? {
        let name = param.need("param_name")?;
        let written = name.text(LONGEST_VARIABLE)?;
        if !names.contains(&written) {
            return Err(name.fail(format!("must be one of {}", names.join(", "))));
        }
        param.need_text("example", LONGEST_EXAMPLE)?;
    }
    let given = |name: &str| {
        let all = list_of(example.value(), key).iter();
        all.filter(|param| text_of(param, "param_name") == name).count() == 1
    };
    match names.iter().find(|name| !given(name)) {
        Some(name) => Err(list.fail(format!("must have one example for {name}"))),
        None => Ok(()),
    }
}

pub(super) fn check_footer(footer: &Place<'_, '_>, frame: Frame, found: &mut Problems) {
    if frame.category == Category::Authentication {
        if let Some(Some(minutes)) = found.note(footer.find("code_expiration_minutes"))
            && !minutes
                .value()
                .as_u64()
                .is_some_and(|minutes| (1..=LONGEST_CODE).contains(&minutes))
        {
            found.push(minutes.fail(format!("must be 1 to {LONGEST_CODE}")));
        }
        return;
    }
    let Some(text) = found.note(footer.need("text")) else {
        return;
    };
    if let Some(written) = found.note(text.text(LONGEST_FOOTER)) {
        if written.contains("{{") {
            found.push(text.fail("must not have variables"));
        }
        if written.contains(['\n', '\r']) {
            found.push(text.fail("must not have line breaks"));
        }
    }
}

/// A text that is as it is: no variables, no line breaks.
pub(super) fn check_label(label: &Place<'_, '_>, longest: usize) -> Result<(), ContentError> {
    let written = label.text(longest)?;
    if written.contains("{{") || written.contains(['\n', '\r']) {
        return Err(label.fail("must not have variables or line breaks"));
    }
    Ok(())
}

/// Whether a value is a text of some length.
pub(super) fn is_text(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}
