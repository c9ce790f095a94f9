//! Carousels and limited-time offers.

use super::super::definition::{kind_of, list_of, text_of};
use super::buttons::check_button;
use super::texts::{check_body_text, check_handle, check_label};
use super::{Category, Frame, Problems};
use crate::whatsapp::place::Place;

const LONGEST_CARD_BODY: usize = 160;
const LONGEST_OFFER: usize = 16;
const MOST_CARD_BUTTONS: usize = 2;
const CARD_KINDS: [&str; 3] = ["header", "body", "buttons"];
const CARD_HEADERS: [&str; 3] = ["IMAGE", "VIDEO", "PRODUCT"];
const CARD_BUTTONS: [&str; 4] = ["quick_reply", "url", "phone_number", "spm"];

pub(super) fn check_carousel(carousel: &Place<'_, '_>, frame: Frame, found: &mut Problems) {
    let Some(list) = found.note(carousel.need("cards")) else {
        return;
    };
    let Some(cards) = found.note(list.items(2, 10)) else {
        return;
    };
    let mut first = None;
    for card in &cards {
        let Some(make) = check_card(card, frame, found) else {
            continue;
        };
        if *first.get_or_insert_with(|| make.clone()) != make {
            found.push(card.fail(
                "must have the same kinds of header and body, and the same kinds of buttons in the same order, as the other cards",
            ));
        }
    }
}

/// Checks a card; the kinds of what it has, the same on all cards.
fn check_card(card: &Place<'_, '_>, frame: Frame, found: &mut Problems) -> Option<Vec<String>> {
    let list = found.note(card.need("components"))?;
    let components = found.note(list.items(1, CARD_KINDS.len()))?;
    let mut make = Vec::new();
    for component in &components {
        let kind = kind_of(component.value());
        match kind.as_str() {
            "header" => {
                let format = text_of(component.value(), "format").to_ascii_uppercase();
                if !CARD_HEADERS.contains(&format.as_str()) {
                    found.push(
                        component.fail_at("format", format!("must be one of {}", CARD_HEADERS.join(", "))),
                    );
                } else if format != "PRODUCT" {
                    found.note(check_handle(component));
                }
                make.push(format);
            }
            "body" => {
                check_body_text(component, LONGEST_CARD_BODY, frame.format, found);
                make.push(kind);
            }
            "buttons" => make.extend(check_card_buttons(component, found)),
            _ => {
                found.push(component.fail_at("type", "must be HEADER, BODY or BUTTONS on a card"));
            }
        }
    }
    let has = |wanted: &str| {
        list_of(card.value(), "components")
            .iter()
            .any(|component| kind_of(component) == wanted)
    };
    for wanted in ["header", "buttons"] {
        if !has(wanted) {
            found.push(list.fail(format!("must have {} on each card", wanted.to_ascii_uppercase())));
        }
    }
    Some(make)
}

fn check_card_buttons(component: &Place<'_, '_>, found: &mut Problems) -> Vec<String> {
    let Some(list) = found.note(component.need("buttons")) else {
        return Vec::new();
    };
    let Some(all) = found.note(list.items(1, MOST_CARD_BUTTONS)) else {
        return Vec::new();
    };
    for button in &all {
        if CARD_BUTTONS.contains(&kind_of(button.value()).as_str()) {
            found.note(check_button(button));
        } else {
            let known = CARD_BUTTONS.map(str::to_ascii_uppercase).join(", ");
            found.push(button.fail_at("type", format!("must be one of {known} on a card")));
        }
    }
    all.iter().map(|button| kind_of(button.value())).collect()
}

pub(super) fn check_offer(component: &Place<'_, '_>, frame: Frame, found: &mut Problems) {
    if frame.category != Category::Marketing {
        found.push(component.fail("is for MARKETING templates alone"));
    }
    let Some(offer) = found.note(component.need("limited_time_offer")) else {
        return;
    };
    if let Some(text) = found.note(offer.need("text")) {
        found.note(check_label(&text, LONGEST_OFFER));
    }
    found.note(offer.find_truth("has_expiration"));
}
