//! Media in a message: an uploaded id or a link.

use crate::graph::error::GraphError;
use crate::graph::node::Node;

/// What a piece of media is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaKind {
    Image,
    Video,
    Audio,
    Document,
    Sticker,
}

impl MediaKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        [
            Self::Image,
            Self::Video,
            Self::Audio,
            Self::Document,
            Self::Sticker,
        ]
        .into_iter()
        .find(|kind| kind.name() == name)
    }
}

/// A media id that a message uses, and what as.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MediaUse<'value> {
    pub(crate) kind: MediaKind,
    pub(crate) id: &'value str,
}

/// Checks an object `{id | link}`; notes the id.
pub(super) fn check<'value>(
    node: &Node<'_, 'value>,
    kind: MediaKind,
    used: &mut Vec<MediaUse<'value>>,
) -> Result<(), GraphError> {
    node.as_object()?;
    if node.optional("id").is_some() && node.optional("link").is_some() {
        return Err(node.bad("must have one of id and link, not both"));
    }
    if node.optional("id").is_some() {
        let id = node.text_within("id", 1..=512)?;
        used.push(MediaUse { kind, id });
    } else if node.optional("link").is_some() {
        let link = node.text_within("link", 1..=2_000)?;
        if !is_url(link) {
            return Err(node.bad("must have a link that is an http or https URL"));
        }
    } else {
        return Err(GraphError::new(
            131_008,
            format!("Param {} needs one of id and link.", node.path()),
        ));
    }
    if kind == MediaKind::Audio || kind == MediaKind::Sticker {
        if node.optional("caption").is_some() {
            return Err(node.bad("takes no caption"));
        }
    } else {
        node.optional_text("caption", 1..=1_024)?;
    }
    if kind == MediaKind::Document {
        node.optional_text("filename", 1..=240)?;
    }
    if kind == MediaKind::Audio {
        node.check_optional_flag("voice")?;
    }
    Ok(())
}

/// An absolute address on the web.
pub(super) fn is_url(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let after = lower
        .strip_prefix("https://")
        .or_else(|| lower.strip_prefix("http://"));
    let host = after.and_then(|after| after.split(['/', '?', '#', ':']).next());
    host.is_some_and(|host| !host.is_empty()) && !text.chars().any(char::is_whitespace)
}
