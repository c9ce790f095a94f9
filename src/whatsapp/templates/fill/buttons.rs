//! What fills buttons: each is found by its place among the template's.

use super::super::definition::{Button, ButtonKind};
use super::super::preview::ButtonPreview;
use super::{Given, MOST_PARAMETERS, number, parameters};
use crate::domain::{ContentError, quantity};
use crate::whatsapp::place::{LONGEST_ADDRESS, Place};

const LONGEST_PASSWORD: usize = 15;

/// What fills a button of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filling {
    /// Nothing.
    Nothing,
    /// One parameter of one of these kinds, which may be left out.
    AtMost(&'static [&'static str]),
    /// One parameter of this kind.
    One(&'static str),
    /// Several of these kinds.
    Several(&'static [&'static str]),
    /// Anything.
    Anything,
}

impl ButtonKind {
    fn filling(&self) -> Filling {
        match self {
            Self::QuickReply => Filling::AtMost(&["payload", "text"]),
            Self::Url(pattern) if !pattern.varies() => Filling::Nothing,
            Self::Url(_) | Self::OneTimePassword => Filling::One("text"),
            Self::Phone(_) => Filling::Nothing,
            Self::CopyCode => Filling::One("coupon_code"),
            Self::Flow | Self::Catalog | Self::Product => Filling::AtMost(&["action"]),
            Self::Products | Self::OrderDetails => Filling::One("action"),
            Self::VoiceCall => Filling::Several(&["ttl_minutes", "payload"]),
            Self::Other => Filling::Anything,
        }
    }
}

/// Fills the buttons of a template or a card.
pub(super) fn fill_buttons(
    buttons: &[Button],
    given: Given<'_, '_>,
) -> Result<Vec<ButtonPreview>, ContentError> {
    let mut filled: Vec<Option<ButtonPreview>> = vec![None; buttons.len()];
    for component in given.of_kind("button") {
        let index = component.find("index")?;
        let place = match &index {
            Some(index) => number(index)?,
            None => 0,
        };
        let fail = |problem: String| match &index {
            Some(index) => index.fail(problem),
            None => component.fail_at("index", problem),
        };
        let (Some(button), Some(slot)) = (buttons.get(place), filled.get_mut(place)) else {
            let count = quantity(u64::try_from(buttons.len()).unwrap_or(u64::MAX), "button");
            return Err(fail(format!(
                "is the place of no button: the template has {count}"
            )));
        };
        if slot.is_some() {
            return Err(fail(
                "is a button that another component fills already".to_owned(),
            ));
        }
        check_kind(button, component)?;
        *slot = Some(ButtonPreview::of(button, value(button, component)?));
    }
    let buttons = buttons.iter().zip(filled).enumerate();
    buttons
        .map(
            |(place, (button, filled))| match (filled, button.kind.filling()) {
                (Some(filled), _) => Ok(filled),
                (None, Filling::One(kind)) => Err(given.missing(format!(
                    "must have a button with the index {place}, filled by one parameter of type {kind}"
                ))),
                (None, _) => Ok(ButtonPreview::of(button, None)),
            },
        )
        .collect()
}

fn check_kind(button: &Button, component: &Place<'_, '_>) -> Result<(), ContentError> {
    let Some(wanted) = button.kind.sub_type() else {
        return Ok(());
    };
    let given = component.need("sub_type")?;
    if !given
        .value()
        .as_str()
        .unwrap_or_default()
        .eq_ignore_ascii_case(wanted)
    {
        return Err(given.fail(format!(
            "must be {wanted}, as the template's button of this place"
        )));
    }
    if matches!(button.kind, ButtonKind::Phone(_)) {
        return Err(component.fail("is a button to call a phone, which a message does not fill"));
    }
    Ok(())
}

/// What a button shows of its filling.
fn value(button: &Button, component: &Place<'_, '_>) -> Result<Option<String>, ContentError> {
    let list = parameters(Some(component))?;
    let values = match &list {
        Some(list) => list.items(0, MOST_PARAMETERS)?,
        None => Vec::new(),
    };
    let fail = |problem: String| match &list {
        Some(list) => list.fail(problem),
        None => component.fail_at("parameters", problem),
    };
    match (button.kind.filling(), values.as_slice()) {
        (Filling::Anything, _) | (Filling::Nothing | Filling::AtMost(_), []) => Ok(None),
        (Filling::Nothing, _) => Err(fail(
            "must be empty: the address of this button has no variable".to_owned(),
        )),
        (Filling::AtMost(kinds), [one]) => check_parameter(one, kinds).map(|()| None),
        (Filling::Several(kinds), all) => {
            for one in all {
                check_parameter(one, kinds)?;
            }
            Ok(None)
        }
        (Filling::One(kind), [one]) => {
            check_parameter(one, &[kind])?;
            match kind {
                "text" | "coupon_code" => {
                    let text = one.need(kind)?;
                    shown(&button.kind, &text).map(Some)
                }
                _ => Ok(None),
            }
        }
        (Filling::AtMost(_), _) => Err(fail("must be one parameter at most".to_owned())),
        (Filling::One(kind), _) => Err(fail(format!("must be one parameter of type {kind}"))),
    }
}

fn check_parameter(parameter: &Place<'_, '_>, kinds: &[&str]) -> Result<(), ContentError> {
    let kind = parameter.need("type")?;
    let written = kind.value().as_str().unwrap_or_default().to_ascii_lowercase();
    if kinds.contains(&written.as_str()) {
        return Ok(());
    }
    Err(kind.fail(format!("must be {} for this button", kinds.join(" or "))))
}

/// A link, a password or a code as it is filled.
fn shown(kind: &ButtonKind, text: &Place<'_, '_>) -> Result<String, ContentError> {
    let written = text.text(LONGEST_ADDRESS)?;
    match kind {
        ButtonKind::Url(pattern) => {
            if written.contains(char::is_whitespace) {
                return Err(text.fail("must not have spaces: it ends an address"));
            }
            let address = pattern.filled(|_| Some(written));
            if address.chars().count() > LONGEST_ADDRESS {
                return Err(text.fail(format!(
                    "makes the address longer than {LONGEST_ADDRESS} characters"
                )));
            }
            Ok(address)
        }
        ButtonKind::OneTimePassword => {
            text.within(written, LONGEST_PASSWORD)?;
            Ok(written.to_owned())
        }
        _ => Ok(written.to_owned()),
    }
}
