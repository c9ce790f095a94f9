//! Carousels: cards side by side, all of one kind.
//! Source: Cloud API, Media carousel messages (Dec 22 2025).

use super::interactive::{
    Header, LONGEST_BODY, LONGEST_BUTTON_ID, LONGEST_LABEL, check_header, check_link, check_product,
};
use super::place::Place;
use crate::domain::ContentError;

const LONGEST_CARD_BODY: usize = 160;
const MOST_LINE_BREAKS: usize = 2;

/// What a card shows and offers: the same on all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Make {
    film: bool,
    offer: Offer,
}

/// What a card offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offer {
    Link,
    Replies(usize),
    Product,
}

/// Checks a carousel.
pub(super) fn check_carousel(interactive: Place<'_, '_>, action: Place<'_, '_>) -> Result<(), ContentError> {
    interactive.need("body")?.need_text("text", LONGEST_BODY)?;
    for key in ["header", "footer"] {
        interactive.must_lack(key, "is not allowed for a carousel")?;
    }
    let mut first = None;
    for (place, card) in (0_u64..).zip(action.need("cards")?.items(2, 10)?) {
        let index = card.need("card_index")?;
        if index.value().as_u64() != Some(place) {
            return Err(index.fail("must count the cards from 0"));
        }
        let make = check_card(card)?;
        if *first.get_or_insert(make) != make {
            return Err(card.fail(
                "must have the same kind of header, and the same kind and number of buttons, as the other cards",
            ));
        }
    }
    Ok(())
}

fn check_card(card: Place<'_, '_>) -> Result<Make, ContentError> {
    let action = card.need("action")?;
    if card.find_text("type", LONGEST_LABEL)? == Some("product") {
        check_product(action)?;
        return Ok(Make {
            film: false,
            offer: Offer::Product,
        });
    }
    let film = card
        .need("header")?
        .value()
        .get("type")
        .is_some_and(|kind| kind == "video");
    check_header(card, Header::PictureOrFilm)?;
    if let Some(body) = card.find("body")? {
        let text = body.need("text")?;
        if text.text(LONGEST_CARD_BODY)?.matches('\n').count() > MOST_LINE_BREAKS {
            return Err(text.fail(format!("has more than {MOST_LINE_BREAKS} line breaks")));
        }
    }
    let Some(buttons) = action.find("buttons")? else {
        check_link(action)?;
        return Ok(Make {
            film,
            offer: Offer::Link,
        });
    };
    let buttons = buttons.items(1, 3)?;
    for button in &buttons {
        button.need_one_of("type", &["quick_reply"])?;
        let reply = button.need("quick_reply")?;
        // The page says 20 characters for ids as well; its own example has an id of 21.
        reply.need_text("id", LONGEST_BUTTON_ID)?;
        reply.need_text("title", LONGEST_LABEL)?;
    }
    Ok(Make {
        film,
        offer: Offer::Replies(buttons.len()),
    })
}
