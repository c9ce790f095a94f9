//! Buttons: which go together, and what each has.

use serde_json::Value;

use super::super::definition::{kind_of, text_of};
use super::super::pattern::Pattern;
use super::texts::{check_label, is_text};
use super::{Category, Frame, Problems};
use crate::domain::ContentError;
use crate::whatsapp::place::{LONGEST_ADDRESS, Place};

const MOST_BUTTONS: usize = 10;
const LONGEST_LABEL: usize = 25;
const LONGEST_PHONE: usize = 20;
const LONGEST_CODE: usize = 15;
const LONGEST_ID: usize = 512;
/// Apps that a one-time password may be filled into.
const MOST_APPS: usize = 5;
/// How many there may be of each kind.
const KINDS: [(&str, usize); 12] = [
    ("quick_reply", MOST_BUTTONS),
    ("url", 2),
    ("phone_number", 1),
    ("copy_code", 1),
    ("otp", 1),
    ("flow", 1),
    ("catalog", 1),
    ("mpm", 1),
    ("spm", 1),
    ("voice_call", 1),
    ("order_details", 1),
    ("request_contact_info", 1),
];

pub(super) fn check_buttons(component: &Place<'_, '_>, frame: Frame, found: &mut Problems) {
    let Some(list) = found.note(component.need("buttons")) else {
        return;
    };
    let Some(all) = found.note(list.items(1, MOST_BUTTONS)) else {
        return;
    };
    for button in &all {
        found.note(check_button(button));
    }
    check_counts(&list, &all, found);
    check_grouping(&list, &all, found);
    check_category(&list, &all, frame, found);
    let mut labels: Vec<&str> = Vec::new();
    for button in &all {
        let label = text_of(button.value(), "text");
        if !label.is_empty() && labels.contains(&label) {
            found.push(button.fail_at("text", "is the label of another button, too"));
        }
        labels.push(label);
    }
}

fn count(all: &[Place<'_, '_>], kind: &str) -> usize {
    all.iter()
        .filter(|button| kind_of(button.value()) == kind)
        .count()
}

fn check_counts(list: &Place<'_, '_>, all: &[Place<'_, '_>], found: &mut Problems) {
    for (kind, most) in KINDS {
        if count(all, kind) > most {
            let kind = kind.to_ascii_uppercase();
            found.push(list.fail(format!("must not have more than {most} of type {kind}")));
        }
    }
}

/// Quick replies stand together: all before the others, or all behind them.
fn check_grouping(list: &Place<'_, '_>, all: &[Place<'_, '_>], found: &mut Problems) {
    let replies = all.iter().map(|button| kind_of(button.value()) == "quick_reply");
    let changes = replies
        .clone()
        .zip(replies.skip(1))
        .filter(|(one, next)| one != next)
        .count();
    if changes > 1 {
        found.push(list.fail("must have all QUICK_REPLY buttons together, before the others or behind them"));
    }
}

fn check_category(list: &Place<'_, '_>, all: &[Place<'_, '_>], frame: Frame, found: &mut Problems) {
    let passwords = count(all, "otp");
    match frame.category {
        Category::Authentication if passwords != 1 || all.len() != 1 => {
            found.push(list.fail("must be one OTP button in an AUTHENTICATION template"));
        }
        Category::Marketing | Category::Utility if passwords > 0 => {
            found.push(list.fail("must have no OTP button: it is for AUTHENTICATION templates"));
        }
        _ => {}
    }
    if frame.offers {
        if count(all, "url") == 0 {
            found.push(list.fail("must have a URL button beside a LIMITED_TIME_OFFER"));
        }
        let first = all.first().map(|button| kind_of(button.value()));
        if count(all, "copy_code") > 0 && first.as_deref() != Some("copy_code") {
            found.push(list.fail("must begin with the COPY_CODE button beside a LIMITED_TIME_OFFER"));
        }
    }
}

/// One button by itself.
pub(super) fn check_button(button: &Place<'_, '_>) -> Result<(), ContentError> {
    let kind = kind_of(button.value());
    if !KINDS.iter().any(|(known, _)| *known == kind) {
        let known = KINDS.map(|(kind, _)| kind.to_ascii_uppercase()).join(", ");
        return Err(button.fail_at("type", format!("must be one of {known}")));
    }
    // What these say is Meta's own.
    let has_label = !matches!(
        kind.as_str(),
        "copy_code" | "otp" | "spm" | "request_contact_info"
    );
    match button.find("text")? {
        Some(label) => check_label(&label, LONGEST_LABEL)?,
        None if has_label => return Err(button.fail_at("text", "is missing")),
        None => {}
    }
    match kind.as_str() {
        "url" => check_url(button),
        "phone_number" => check_phone(button),
        "copy_code" => check_code(button),
        "otp" => check_password(button),
        "flow" => check_flow(button),
        _ => Ok(()),
    }
}

fn check_url(button: &Place<'_, '_>) -> Result<(), ContentError> {
    button.need_address("url")?;
    let url = button.need("url")?;
    let written = url.text(LONGEST_ADDRESS)?;
    let host = written.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split(['/', '?', '#', ':']).next().unwrap_or_default();
    if ["wa.me", "api.whatsapp.com"].contains(&host.to_ascii_lowercase().as_str()) {
        return Err(url.fail("must not lead to WhatsApp itself"));
    }
    let pattern = Pattern::parse(written);
    if pattern.has_stray_braces() {
        return Err(url.fail("has braces that make no variable"));
    }
    if !pattern.varies() {
        return Ok(());
    }
    if host.contains("{{") || !pattern.ends_with_its_only_variable() || pattern.variables() != ["1"] {
        return Err(url.fail("may have one variable, {{1}}, at its end"));
    }
    let example = button.need("example")?;
    // Written as a list of one, and sometimes as a text.
    if example.value().is_string() {
        return example.text(LONGEST_ADDRESS).map(|_| ());
    }
    for one in example.items(1, 1)? {
        one.text(LONGEST_ADDRESS)?;
    }
    Ok(())
}

fn check_phone(button: &Place<'_, '_>) -> Result<(), ContentError> {
    let phone = button.need("phone_number")?;
    let written = phone.text(LONGEST_PHONE)?;
    let digits = written.strip_prefix('+').unwrap_or(written);
    if digits.len() >= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(phone.fail("must be a phone number of digits, with its country code"))
}

fn check_code(button: &Place<'_, '_>) -> Result<(), ContentError> {
    let example = button.need("example")?;
    if example.value().is_string() {
        return example.text(LONGEST_CODE).map(|_| ());
    }
    for one in example.items(1, 1)? {
        one.text(LONGEST_CODE)?;
    }
    Ok(())
}

fn check_password(button: &Place<'_, '_>) -> Result<(), ContentError> {
    let kind = button.need("otp_type")?;
    match kind.value().as_str().unwrap_or_default() {
        "COPY_CODE" => return Ok(()),
        "ONE_TAP" => {}
        "ZERO_TAP" => {
            if button.find_truth("zero_tap_terms_accepted")? != Some(true) {
                return Err(button.fail_at("zero_tap_terms_accepted", "must be true for ZERO_TAP"));
            }
        }
        _ => return Err(kind.fail("must be COPY_CODE, ONE_TAP or ZERO_TAP")),
    }
    // Meta's older examples name one app beside the button.
    let Some(apps) = button.find("supported_apps")? else {
        return check_app(button);
    };
    for app in apps.items(1, MOST_APPS)? {
        check_app(&app)?;
    }
    Ok(())
}

fn check_app(app: &Place<'_, '_>) -> Result<(), ContentError> {
    app.need_text("package_name", LONGEST_ID)?;
    app.need_text("signature_hash", LONGEST_ID)?;
    Ok(())
}

fn check_flow(button: &Place<'_, '_>) -> Result<(), ContentError> {
    let named = ["flow_id", "flow_name", "flow_json"]
        .into_iter()
        .filter(|key| is_text(button.value().get(*key)))
        .count();
    if named != 1 {
        return Err(button.fail("must have one of flow_id, flow_name and flow_json"));
    }
    let Some(action) = button.find("flow_action")? else {
        return Ok(());
    };
    match action.value().as_str() {
        Some("navigate" | "NAVIGATE") => {
            // Of a Flow in the request itself Meta knows the first screen.
            let knows = button.value().get("flow_json").is_some_and(Value::is_string);
            if knows || is_text(button.value().get("navigate_screen")) {
                return Ok(());
            }
            Err(button.fail_at("navigate_screen", "is missing"))
        }
        Some("data_exchange" | "DATA_EXCHANGE") => Ok(()),
        _ => Err(action.fail("must be navigate or data_exchange")),
    }
}
