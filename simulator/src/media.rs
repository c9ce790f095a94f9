//! The media that the business uploaded and that customers sent.

use std::collections::{BTreeMap, HashMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use ring::digest;
use serde_json::{Map, Value, json};

use super::SimulatorError;
use super::dice::{Dice, mix};
use super::graph::validate::MediaKind;
use super::media_faults::{MediaFault, SaidFile};
use super::samples;

/// Keeps uploads within this many bytes; the oldest go first.
const SHELF_BYTES: usize = 256 * 1024 * 1024;

/// Addresses that may be open at once.
const ADDRESSES: usize = 100_000;

/// A file.
#[derive(Debug, Clone)]
pub(crate) struct Media {
    pub(crate) mime: String,
    pub(crate) bytes: Bytes,
}

impl Media {
    /// As webhooks write it: base64.
    pub(crate) fn sha256(&self) -> String {
        STANDARD.encode(digest::digest(&digest::SHA256, &self.bytes))
    }
}

impl Media {
    /// The same, and so many bytes long, unless it is longer.
    fn filled_to(self, wanted: usize, chance: u64) -> Self {
        let mut bytes = BytesMut::with_capacity(wanted.max(self.bytes.len()));
        bytes.extend_from_slice(&self.bytes);
        let mut dice = Dice::new(chance, 7);
        while bytes.len() < wanted {
            let some = dice.any().to_be_bytes();
            let room = (wanted - bytes.len()).min(some.len());
            bytes.extend_from_slice(some.get(..room).unwrap_or_default());
        }
        Self {
            bytes: bytes.freeze(),
            ..self
        }
    }
}

/// What is particular about a file of a customer.
#[derive(Debug, Clone, Copy)]
struct Said {
    bytes: Option<usize>,
    fault: Option<MediaFault>,
    /// Fetches that are still to go wrong.
    left: u32,
}

/// The largest file that a customer sends.
const LARGEST_SAID: usize = 200 * 1024 * 1024;

#[derive(Debug, Clone, Copy)]
struct Address {
    media: u64,
    until_us: u64,
}

/// All files, and the addresses under which they can be fetched for five minutes.
#[derive(Debug)]
pub(crate) struct MediaShelf {
    /// By id; ids grow, so the first is the oldest.
    uploads: BTreeMap<u64, Media>,
    bytes: usize,
    next_id: u64,
    /// Media of customers are made when fetched; only their number is remembered.
    addresses: HashMap<u64, Address>,
    /// What is particular about files of customers.
    said: HashMap<u64, Said>,
    address_order: VecDeque<u64>,
    dice: Dice,
    seed: u64,
    life_us: u64,
}

/// Ids of customers' media begin here, those of uploads lie below.
const INBOUND_FROM: u64 = 7_000_000_000_000_000;

impl MediaShelf {
    pub(crate) fn new(seed: u64, address_life_ms: u64) -> Self {
        Self {
            uploads: BTreeMap::new(),
            bytes: 0,
            next_id: 1_000_000_000_000_000 + mix(seed, 3) % 1_000_000_000_000,
            addresses: HashMap::new(),
            said: HashMap::new(),
            address_order: VecDeque::new(),
            dice: Dice::new(seed, 4),
            seed,
            life_us: address_life_ms.saturating_mul(1_000),
        }
    }

    pub(crate) fn upload(&mut self, media: Media) -> u64 {
        self.next_id += 1 + u64::try_from(self.dice.below(1_000)).unwrap_or(0);
        self.bytes += media.bytes.len();
        self.uploads.insert(self.next_id, media);
        while self.bytes > SHELF_BYTES
            && let Some((_, oldest)) = self.uploads.pop_first()
        {
            self.bytes -= oldest.bytes.len();
        }
        self.next_id
    }

    /// An id for a file that a customer sends.
    pub(crate) fn inbound_id(&mut self, kind: MediaKind) -> u64 {
        let variant = u64::try_from(self.dice.below(1_000_000_000)).unwrap_or(0);
        INBOUND_FROM + variant * 8 + samples::number(kind)
    }

    /// The message with which a customer sends a file.
    pub(crate) fn said(&mut self, file: &SaidFile) -> Result<Map<String, Value>, SimulatorError> {
        let wrong = |why: &str| SimulatorError::Request { why: why.to_owned() };
        let kind = MediaKind::of(&file.kind);
        let kind = kind.ok_or_else(|| wrong("kind must be image, video, audio, document or sticker"))?;
        if file.bytes.is_some_and(|bytes| bytes > LARGEST_SAID) {
            return Err(wrong("bytes must be 200 MB at most"));
        }
        let id = self.inbound_id(kind);
        let left = file.times.unwrap_or(u32::MAX);
        let (bytes, fault) = (file.bytes, file.fault);
        self.said.insert(id, Said { bytes, fault, left });
        let media = self
            .get(id)
            .ok_or_else(|| wrong("there is no file of this kind"))?;
        let mut fields = json!({
            "id": id.to_string(), "mime_type": media.mime, "sha256": media.sha256(),
        });
        if let (Some(name), Some(fields)) = (&file.filename, fields.as_object_mut()) {
            fields.insert("filename".to_owned(), name.as_str().into());
        }
        Ok(Map::from_iter([
            ("type".to_owned(), kind.name().into()),
            (kind.name().to_owned(), fields),
        ]))
    }

    /// What befalls the next fetch of a file by the one who sent it.
    pub(crate) fn fault_of(&mut self, id: u64) -> Option<MediaFault> {
        let said = self.said.get_mut(&id)?;
        let fault = said.fault.filter(|_| said.left > 0)?;
        said.left -= 1;
        Some(fault)
    }

    /// The file to which an address leads, whether it lasts or not.
    pub(crate) fn behind(&self, key: u64) -> Option<u64> {
        self.addresses.get(&key).map(|address| address.media)
    }

    pub(crate) fn get(&self, id: u64) -> Option<Media> {
        if let Some(variant) = id.checked_sub(INBOUND_FROM) {
            let media = samples::media(variant % 8, mix(self.seed, variant / 8))?;
            let wanted = self.said.get(&id).and_then(|said| said.bytes);
            return Some(match wanted {
                Some(wanted) => media.filled_to(wanted, mix(self.seed, id)),
                None => media,
            });
        }
        self.uploads.get(&id).cloned()
    }

    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let removed = self.uploads.remove(&id);
        if let Some(media) = &removed {
            self.bytes -= media.bytes.len();
        }
        removed.is_some()
    }

    /// Opens an address for a file.
    pub(crate) fn open_address(&mut self, id: u64, now_us: u64) -> u64 {
        let key = self.dice.any();
        self.addresses.insert(
            key,
            Address {
                media: id,
                until_us: now_us.saturating_add(self.life_us),
            },
        );
        self.address_order.push_back(key);
        if self.address_order.len() > ADDRESSES
            && let Some(oldest) = self.address_order.pop_front()
        {
            self.addresses.remove(&oldest);
        }
        key
    }

    /// The file behind an address, while it lasts.
    pub(crate) fn fetch(&self, key: u64, now_us: u64) -> Option<Media> {
        let address = self.addresses.get(&key)?;
        (now_us < address.until_us)
            .then(|| self.get(address.media))
            .flatten()
    }
}

/// Whether a MIME type may be sent as a kind, and how large it may be.
pub(crate) fn largest(kind: MediaKind, mime: &str) -> Option<usize> {
    const MB: usize = 1024 * 1024;
    let bare = mime.split(';').next().unwrap_or_default().trim();
    match (kind, bare) {
        (MediaKind::Audio, "audio/aac" | "audio/amr" | "audio/mpeg" | "audio/mp4" | "audio/ogg")
        | (MediaKind::Video, "video/mp4" | "video/3gpp" | "video/3gp") => Some(16 * MB),
        (MediaKind::Image, "image/jpeg" | "image/png") => Some(5 * MB),
        (MediaKind::Sticker, "image/webp") => Some(500 * 1024),
        (
            MediaKind::Document,
            "text/plain"
            | "application/pdf"
            | "application/msword"
            | "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
            | "application/vnd.ms-excel"
            | "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            | "application/vnd.ms-powerpoint"
            | "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ) => Some(100 * MB),
        _ => None,
    }
}

/// The kind that a MIME type can be uploaded as.
pub(crate) fn kind_of(mime: &str) -> Option<MediaKind> {
    [
        MediaKind::Audio,
        MediaKind::Video,
        MediaKind::Image,
        MediaKind::Sticker,
        MediaKind::Document,
    ]
    .into_iter()
    .find(|kind| largest(*kind, mime).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_lasts_five_minutes() {
        let mut shelf = MediaShelf::new(1, 300_000);
        let id = shelf.upload(Media {
            mime: "image/png".into(),
            bytes: Bytes::from_static(b"png"),
        });
        let key = shelf.open_address(id, 1_000);
        assert!(shelf.fetch(key, 300_000_999).is_some());
        assert!(shelf.fetch(key, 300_001_000).is_none());
        assert!(shelf.remove(id));
        assert!(shelf.fetch(key, 1_000).is_none());
    }

    #[test]
    fn a_customers_picture_is_the_same_whenever_it_is_fetched() {
        let mut shelf = MediaShelf::new(1, 300_000);
        for kind in [
            MediaKind::Image,
            MediaKind::Audio,
            MediaKind::Sticker,
            MediaKind::Document,
        ] {
            let id = shelf.inbound_id(kind);
            let first = shelf.get(id).unwrap();
            assert_eq!(first.bytes, shelf.get(id).unwrap().bytes);
            assert_eq!(kind_of(&first.mime), Some(kind));
        }
    }

    #[test]
    fn a_document_cannot_go_as_an_image() {
        assert!(largest(MediaKind::Image, "application/pdf").is_none());
        assert_eq!(
            largest(MediaKind::Audio, "audio/ogg; codecs=opus"),
            Some(16 * 1024 * 1024)
        );
    }
}
