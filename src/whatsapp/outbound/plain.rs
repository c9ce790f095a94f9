//! Texts, media, places, contact cards and reactions.

use serde_json::Value;

use super::place::Place;
use crate::domain::{ContentError, MediaId};

/// What a file may carry beside itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MediaKind {
    /// A caption.
    Captioned,
    /// A caption and a file name.
    Document,
    /// A mark that it is a voice note.
    Audio,
    /// Nothing.
    Bare,
}

const LONGEST_TEXT: usize = 4_096;
const LONGEST_CAPTION: usize = 1_024;
const LONGEST_ID: usize = 512;
const LONGEST_FILENAME: usize = 240;
const LONGEST_PLACE: usize = 1_000;
const MOST_CONTACTS: usize = 257;

/// Checks a text.
pub(super) fn check_text(text: Place<'_, '_>) -> Result<(), ContentError> {
    text.need_text("body", LONGEST_TEXT)?;
    text.find_truth("preview_url")?;
    Ok(())
}

/// Checks a file: one that was uploaded here by `media_id`, one that Meta has by `id`, or one that Meta is to fetch by `link`.
pub(super) fn check_file(media: Place<'_, '_>, kind: MediaKind) -> Result<(), ContentError> {
    match (media.find("media_id")?, media.find("id")?, media.find("link")?) {
        (Some(upload), None, None) => {
            if upload.text(LONGEST_ID)?.parse::<MediaId>().is_err() {
                return Err(upload.fail("must be the media_id of a file that was uploaded"));
            }
        }
        (None, Some(id), None) => {
            id.text(LONGEST_ID)?;
        }
        (None, None, Some(_)) => media.need_address("link")?,
        _ => return Err(media.fail("must have one of media_id, id and link")),
    }
    check_beside(media, kind)
}

/// Checks what a file may carry beside itself.
fn check_beside(media: Place<'_, '_>, kind: MediaKind) -> Result<(), ContentError> {
    match kind {
        MediaKind::Captioned | MediaKind::Document => {
            media.find_text("caption", LONGEST_CAPTION)?;
        }
        MediaKind::Audio | MediaKind::Bare => media.must_lack("caption", "is not allowed for this type")?,
    }
    match kind {
        MediaKind::Document => {
            media.find_text("filename", LONGEST_FILENAME)?;
        }
        MediaKind::Audio => {
            media.find_truth("voice")?;
        }
        MediaKind::Captioned | MediaKind::Bare => {}
    }
    Ok(())
}

/// Checks a place on earth. Meta's own samples write the degrees as numbers and as texts.
pub(super) fn check_location(location: Place<'_, '_>) -> Result<(), ContentError> {
    for (key, most) in [("latitude", 90.0), ("longitude", 180.0)] {
        let place = location.need(key)?;
        let degrees = match place.value() {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match degrees {
            Some(degrees) if degrees.abs() <= most => {}
            _ => return Err(place.fail(format!("must be a number from -{most} to {most}"))),
        }
    }
    location.find_text("name", LONGEST_PLACE)?;
    location.find_text("address", LONGEST_PLACE)?;
    Ok(())
}

/// Checks contact cards.
pub(super) fn check_contacts(contacts: Place<'_, '_>) -> Result<(), ContentError> {
    for card in contacts.items(1, MOST_CONTACTS)? {
        let name = card.need("name")?;
        name.need_text("formatted_name", LONGEST_CAPTION)?;
        let mut parts = 0;
        for part in ["first_name", "last_name", "middle_name", "prefix", "suffix"] {
            parts += usize::from(name.find_text(part, LONGEST_CAPTION)?.is_some());
        }
        if parts == 0 {
            return Err(name.fail("must have one more part of the name, such as first_name"));
        }
        for list in ["phones", "emails", "urls", "addresses"] {
            if let Some(list) = card.find(list)? {
                for item in list.items(0, MOST_CONTACTS)? {
                    item.object()?;
                }
            }
        }
        if let Some(org) = card.find("org")? {
            org.object()?;
        }
        if let Some(birthday) = card.find("birthday")?
            && !is_date(birthday.text(10)?)
        {
            return Err(birthday.fail("must be a date such as 1999-01-23"));
        }
    }
    Ok(())
}

fn is_date(text: &str) -> bool {
    let shape = text.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    shape && text.len() == 10
}

/// Checks a reaction. An empty emoji takes the reaction back.
pub(super) fn check_reaction(reaction: Place<'_, '_>) -> Result<(), ContentError> {
    reaction.need_text("message_id", LONGEST_ID)?;
    let emoji = reaction.need("emoji")?;
    let text = emoji
        .value()
        .as_str()
        .ok_or_else(|| emoji.fail("must be a text"))?;
    if !text.is_empty() && emojis::get(text).is_none() {
        return Err(emoji.fail("must be one emoji, or empty to take the reaction back"));
    }
    Ok(())
}

/// Checks what a message answers.
pub(super) fn check_context(context: Place<'_, '_>) -> Result<(), ContentError> {
    context.need_text("message_id", LONGEST_ID)?;
    Ok(())
}
