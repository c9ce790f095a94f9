//! The types without an inner structure of their own: text, media, places, cards, reactions.

use super::interactive;
use super::media::{self, MediaKind, MediaUse};
use super::template::{self, TemplateUse};
use crate::graph::error::GraphError;
use crate::graph::node::Node;

/// What checking a content brought to light.
#[derive(Debug, Default)]
pub(super) struct Checked<'value> {
    pub(super) media: Vec<MediaUse<'value>>,
    pub(super) template: Option<TemplateUse<'value>>,
}

/// Checks the object that the type names.
pub(super) fn check<'value>(
    root: &Node<'_, 'value>,
    kind: &str,
) -> Result<(&'static str, Checked<'value>), GraphError> {
    let mut checked = Checked::default();
    if let Some(kind) = MediaKind::of(kind) {
        media::check(&root.object(kind.name())?, kind, &mut checked.media)?;
        return Ok((kind.name(), checked));
    }
    let kind = match kind {
        "text" => {
            let text = root.object("text")?;
            text.text_within("body", 1..=4_096)?;
            text.check_optional_flag("preview_url")?;
            "text"
        }
        "location" => {
            location(&root.object("location")?)?;
            "location"
        }
        "contacts" => {
            contacts(root)?;
            "contacts"
        }
        "reaction" => {
            let reaction = root.object("reaction")?;
            reaction.text_within("message_id", 1..=512)?;
            emoji(&reaction)?;
            if let Some(context) = root.optional("context") {
                return Err(context.bad("is not allowed with a reaction"));
            }
            "reaction"
        }
        "interactive" => {
            interactive::check(&root.object("interactive")?, &mut checked.media)?;
            "interactive"
        }
        "template" => {
            checked.template = Some(template::check(&root.object("template")?, &mut checked.media)?);
            "template"
        }
        _ => {
            return Err(GraphError::new(
                131_051,
                "Message type is not currently supported.",
            ));
        }
    };
    Ok((kind, checked))
}

/// Numbers, also when they are written as text.
pub(super) fn location(node: &Node<'_, '_>) -> Result<(), GraphError> {
    for (key, most) in [("latitude", 90.0), ("longitude", 180.0)] {
        let part = node.required(key)?;
        let degrees = part
            .value()
            .as_f64()
            .or_else(|| part.value().as_str()?.trim().parse().ok())
            .ok_or_else(|| part.bad("must be a number"))?;
        if !(-most..=most).contains(&degrees) {
            return Err(part.bad(&format!("must be between -{most} and {most}")));
        }
    }
    node.optional_text("name", 1..=1_000)?;
    node.optional_text("address", 1..=1_000)?;
    Ok(())
}

fn contacts(root: &Node<'_, '_>) -> Result<(), GraphError> {
    for card in root.list("contacts", 1..=257)?.iter() {
        let name = card.object("name")?;
        name.text_within("formatted_name", 1..=1_024)?;
        let mut has_part = false;
        for part in ["first_name", "last_name", "middle_name", "suffix", "prefix"] {
            has_part |= name.optional_text(part, 1..=1_024)?.is_some();
        }
        if !has_part {
            return Err(GraphError::new(
                131_008,
                format!("Param {} needs one more part of the name.", name.path()),
            ));
        }
        for list in ["phones", "emails", "urls", "addresses"] {
            if card.optional(list).is_some() {
                for entry in card.list(list, 0..=257)?.iter() {
                    entry.as_object()?;
                }
            }
        }
        if let Some(org) = card.optional("org") {
            org.as_object()?;
        }
        if let Some(birthday) = card.optional_text("birthday", 1..=10)?
            && !is_date(birthday)
        {
            return Err(card.bad("has a birthday that is not YYYY-MM-DD"));
        }
    }
    Ok(())
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [4, 2, 2]
        && parts
            .iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// One emoji, or nothing to take the reaction back.
fn emoji(reaction: &Node<'_, '_>) -> Result<(), GraphError> {
    let emoji = reaction.required("emoji")?;
    let text = emoji.text()?;
    if text.is_empty() || super::emoji::is_one(text) {
        Ok(())
    } else {
        Err(emoji.bad("must be one emoji"))
    }
}
