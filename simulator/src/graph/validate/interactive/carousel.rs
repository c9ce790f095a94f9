//! Cards side by side, all of the same make.

use super::super::media::{self, MediaKind, MediaUse};
use super::action;
use crate::graph::error::GraphError;
use crate::graph::node::Node;

/// What a card offers; every card of a carousel offers the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Make {
    header: Option<MediaKind>,
    button: &'static str,
    replies: usize,
}

/// Two to ten cards.
pub(super) fn check<'value>(
    action: &Node<'_, 'value>,
    used: &mut Vec<MediaUse<'value>>,
) -> Result<(), GraphError> {
    let cards = action.list("cards", 2..=10)?;
    let mut first = None;
    for (position, card) in cards.iter().enumerate() {
        let index = card.required("card_index")?;
        let wanted = u64::try_from(position).unwrap_or(u64::MAX);
        if index.value().as_u64() != Some(wanted) {
            return Err(index.bad("must count the cards from 0"));
        }
        let make = make_of(&card, used)?;
        if *first.get_or_insert(make) != make {
            return Err(card.bad("must be of the same make as the first card"));
        }
    }
    Ok(())
}

fn make_of<'value>(card: &Node<'_, 'value>, used: &mut Vec<MediaUse<'value>>) -> Result<Make, GraphError> {
    let deed = card.object("action")?;
    if card.optional_text("type", 1..=20)? == Some("product") {
        action::product(&deed)?;
        return Ok(Make {
            header: None,
            button: "product",
            replies: 0,
        });
    }
    let header = card.object("header")?;
    let kind = match header.text_within("type", 1..=16)? {
        "image" => MediaKind::Image,
        "video" => MediaKind::Video,
        _ => return Err(header.bad("must be an image or a video")),
    };
    media::check(&header.object(kind.name())?, kind, used)?;
    if let Some(body) = card.optional("body") {
        let text = body.text_within("text", 1..=160)?;
        if text.matches('\n').count() > 2 {
            return Err(body.bad("must have at most two line breaks"));
        }
    }
    if deed.optional("buttons").is_none() {
        action::cta_url(&deed)?;
        return Ok(Make {
            header: Some(kind),
            button: "url",
            replies: 0,
        });
    }
    let buttons = deed.list("buttons", 1..=3)?;
    for button in buttons.iter() {
        if button.text_within("type", 1..=16)? != "quick_reply" {
            return Err(button.bad("must have the type quick_reply"));
        }
        let reply = button.object("quick_reply")?;
        // The page says 20 characters, one of its samples has 21: as for other buttons, then.
        reply.text_within("id", 1..=256)?;
        reply.text_within("title", 1..=20)?;
    }
    Ok(Make {
        header: Some(kind),
        button: "quick_reply",
        replies: buttons.len(),
    })
}
