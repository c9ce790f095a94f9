//! Files that customers and businesses send: their ids, kinds, limits, and what a message shows of its own.
//!
//! Source: Cloud API, Media (Dec 11 2025, revised Jun 16 2026).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::content::ContentKind;
use super::ids::{ContactId, IdError, MessageId, digest16, hex, parse_hex};

mod named;

pub use named::{NamedMedia, Stands, visit_files};

const MB: u64 = 1 << 20;

/// A file: whose it is, and which. The owner stands in it, so that a customer's files stand together wherever they are kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaId([u8; 32]);

impl MediaId {
    /// The bytes of nobody's contact: what a business uploaded and has not sent yet.
    const NOBODY: [u8; 16] = [0; 16];

    /// The file that a message is. The owner is who wrote it, or whom it went to.
    pub fn of_message(owner: ContactId, message: MessageId) -> Self {
        Self::join(
            owner.as_bytes(),
            &digest16(&[b"file of a message", message.as_bytes()]),
        )
    }

    /// A file in a header of a message, which may have several: the copy of what was uploaded.
    pub fn in_message(owner: ContactId, message: MessageId, upload: Self) -> Self {
        let parts: [&[u8]; 3] = [b"file in a message", message.as_bytes(), &upload.0];
        Self::join(owner.as_bytes(), &digest16(&parts))
    }

    /// A file that a business uploads, by 16 random bytes.
    pub fn of_upload(random: [u8; 16]) -> Self {
        Self::join(&Self::NOBODY, &random)
    }

    fn join(owner: &[u8; 16], own: &[u8; 16]) -> Self {
        let mut bytes = [0; 32];
        let halves = owner.iter().chain(own);
        bytes
            .iter_mut()
            .zip(halves)
            .for_each(|(slot, byte)| *slot = *byte);
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The customer whose it is; for an upload, zeros.
    pub fn owner(&self) -> &[u8] {
        self.0.first_chunk::<16>().map_or(&[], |owner| owner)
    }

    /// Whether a business uploaded it.
    pub fn is_upload(&self) -> bool {
        self.owner() == Self::NOBODY
    }
}

impl fmt::Display for MediaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for MediaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MediaId({self})")
    }
}

impl FromStr for MediaId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_hex(text).map(Self).ok_or(IdError {
            what: "media_id",
            rule: "64 lower-case hex digits",
        })
    }
}

impl Serialize for MediaId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for MediaId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a file is sent as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// Sound or a voice note.
    Audio,
    /// Any other file.
    Document,
    /// A sticker.
    Sticker,
}

impl MediaKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Image,
        Self::Video,
        Self::Audio,
        Self::Document,
        Self::Sticker,
    ];

    /// Meta's name of it, which is a message's `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }

    /// The kind of file that a message of a kind carries.
    pub const fn of(kind: &ContentKind) -> Option<Self> {
        match kind {
            ContentKind::Image => Some(Self::Image),
            ContentKind::Video => Some(Self::Video),
            ContentKind::Audio => Some(Self::Audio),
            ContentKind::Document => Some(Self::Document),
            ContentKind::Sticker => Some(Self::Sticker),
            _ => None,
        }
    }

    /// The largest file of the kind that Meta takes.
    pub const fn most_bytes(self) -> u64 {
        match self {
            Self::Image => 5 * MB,
            Self::Video | Self::Audio => 16 * MB,
            Self::Document => 100 * MB,
            Self::Sticker => 500 << 10,
        }
    }

    /// The types that Meta takes as this kind.
    pub const fn types(self) -> &'static [&'static str] {
        match self {
            Self::Image => &["image/jpeg", "image/png"],
            Self::Video => &["video/mp4", "video/3gpp"],
            Self::Audio => &["audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"],
            Self::Document => &[
                "text/plain",
                "application/pdf",
                "application/msword",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "application/vnd.ms-excel",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                "application/vnd.ms-powerpoint",
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            ],
            Self::Sticker => &["image/webp"],
        }
    }

    /// The kind that a business sends a type as, and the type as Meta writes it.
    pub fn to_send(mime: &str) -> Option<(Self, &'static str)> {
        let bare = bare_type(mime)?;
        Self::ALL.into_iter().find_map(|kind| {
            let known = kind.types().iter().find(|known| bare == **known)?;
            Some((kind, *known))
        })
    }
}

/// The largest file that Meta hands over.
pub const MOST_INBOUND_BYTES: u64 = 100 * MB;

/// The longest half of a type.
const LONGEST_TOKEN: usize = 127;

/// A type without its parameters, in lower case; `None` for what is none, which could be written into no header.
pub fn bare_type(mime: &str) -> Option<String> {
    let bare = mime.split(';').next().unwrap_or_default().trim();
    let is_token = |text: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        (1..=LONGEST_TOKEN).contains(&text.len()) && text.bytes().all(allowed)
    };
    let (main, sub) = bare.split_once('/')?;
    (is_token(main) && is_token(sub)).then(|| bare.to_ascii_lowercase())
}

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaState {
    /// It is being fetched.
    Pending,
    /// It can be read.
    Stored,
    /// It is not what it says to be, or too large: it is not kept.
    Refused,
    /// It could not be fetched while Meta had it.
    Failed,
    /// It was there, and is not any more.
    Removed,
}

/// What a message shows of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageMedia {
    /// The file.
    pub media_id: MediaId,
    /// How far it is.
    pub state: MediaState,
    /// Its type: declared while it is pending, found afterwards.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mime: Option<Arc<str>>,
    /// Its size, once known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes: Option<u64>,
    /// What its sender called it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<Arc<str>>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Arc<str>>,
}

/// Where the bytes of a message's file come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaOrigin {
    /// Meta has it, under this id.
    Meta(Arc<str>),
    /// The business uploaded it.
    Upload(MediaId),
}

/// Characters of a name.
const LONGEST_NAME: usize = 240;

/// A file's name as it may be shown and written into a header: its last part, without what steers a terminal, a browser or a folder.
pub fn clean_name(name: &str) -> Option<Arc<str>> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '"' | '<' | '>' | '|' | '*' | '?' | ':')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let clean: String = last.chars().filter(|c| !steers(*c)).take(LONGEST_NAME).collect();
    let clean = clean.trim().trim_start_matches('.').trim();
    (!clean.is_empty()).then(|| clean.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_two_tokens_that_a_header_takes_or_it_is_none() {
        assert_eq!(bare_type(" Image/SVG+xml; q=1").as_deref(), Some("image/svg+xml"));
        let long = format!("text/{}", "x".repeat(128));
        for none in [
            "",
            "image",
            "/png",
            "image/",
            "a/b/c",
            "text/plain\r\nX: y",
            "text/pläin",
            "te xt/plain",
            &long,
        ] {
            assert_eq!(bare_type(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_name_is_what_can_be_shown_and_never_a_way_out_of_a_folder() {
        for (given, shown) in [
            ("invoice.pdf", Some("invoice.pdf")),
            ("C:\\Users\\x\\invoice.pdf", Some("invoice.pdf")),
            ("..", None),
            (".htaccess", Some("htaccess")),
            ("a\r\nSet-Cookie: x", Some("aSet-Cookie x")),
            ("\u{202e}fdp.exe", Some("fdp.exe")),
            ("", None),
            ("über \"alles\".pdf", Some("über alles.pdf")),
        ] {
            assert_eq!(clean_name(given).as_deref(), shown, "{given:?}");
        }
        assert_eq!(clean_name(&"x".repeat(1_000)).unwrap().len(), LONGEST_NAME);
    }

    #[test]
    fn ids_keep_their_owner_and_are_read_as_they_are_written() {
        let (owner, message) = (ContactId::from_bytes([7; 16]), MessageId::from_bytes([9; 16]));
        let id = MediaId::of_message(owner, message);
        assert_eq!(id.owner(), owner.as_bytes());
        assert!(!id.is_upload() && MediaId::of_upload([1; 16]).is_upload());
        assert_eq!(id.to_string().parse::<MediaId>().unwrap(), id);
        assert!("00".parse::<MediaId>().is_err());
    }

    #[test]
    fn what_can_be_sent_has_one_kind_by_its_type() {
        assert_eq!(
            MediaKind::to_send("Image/PNG; q=1"),
            Some((MediaKind::Image, "image/png"))
        );
        assert_eq!(
            MediaKind::to_send("image/webp").map(|found| found.0),
            Some(MediaKind::Sticker)
        );
        for refused in ["image/svg+xml", "text/html", "application/zip", ""] {
            assert_eq!(MediaKind::to_send(refused), None, "{refused}");
        }
    }
}
