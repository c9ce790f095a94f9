//! Identifiers. Each is a type of its own, so that one can never stand in for another.
//!
//! Byte ids are 16 bytes, compared bytewise and written as 32 lower-case hex digits, so that text order is byte order.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use ring::digest;
use serde::{Deserialize, Serialize};

use super::clock::Timestamp;

mod text;

pub use text::{AgentId, ClientMessageId, IdempotencyKey, PhoneNumberId, WabaId, Wamid};

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {rule}")]
pub struct IdError {
    /// The identifier's name, as the API writes it.
    pub what: &'static str,
    /// What would have been accepted.
    pub rule: &'static str,
}

pub(crate) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes = text.as_bytes();
    if bytes.len() != N * 2 {
        return None;
    }
    let mut out = [0_u8; N];
    for (slot, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *slot = (nibble(*high)? << 4) | nibble(*low)?;
    }
    Some(out)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Writes bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    // Ids stand in every row and event: this is worth doing without the formatting machinery.
    let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' + half - 10 });
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            out.push(digit(byte >> 4));
            out.push(digit(byte & 0x0f));
            out
        })
}

/// First 16 bytes of SHA-256 over the parts, each preceded by its length.
pub fn digest16(parts: &[&[u8]]) -> [u8; 16] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    let full = context.finish();
    let mut out = [0_u8; 16];
    out.iter_mut()
        .zip(full.as_ref())
        .for_each(|(slot, byte)| *slot = *byte);
    out
}

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $label:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Wraps the 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// The id just before this one: a list that goes on after it begins with this one. `None` before the first.
            pub fn before(self) -> Option<Self> {
                let before = u128::from_be_bytes(self.0).checked_sub(1)?;
                Some(Self(before.to_be_bytes()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_hex(text).map(Self).ok_or(IdError { what: $label, rule: "32 lower-case hex digits" })
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&hex(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

byte_id!(
    /// A customer, independent of phone or BSUID, which are only aliases.
    ContactId,
    "contact_id"
);
byte_id!(
    /// One contact on one number. Derived from both, never looked up.
    ConversationId,
    "conversation_id"
);
byte_id!(
    /// A message template of an account, in one language. Derived from the names by which Meta knows it.
    TemplateId,
    "template_id"
);
byte_id!(
    /// A message. Time-ordered: 48 bits of milliseconds, 16 bits of order within them, 64 bits that tell twins apart.
    MessageId,
    "message_id"
);
byte_id!(
    /// A name of a customer, such as a phone number, as a digest that each tenant has of its own.
    NameDigest,
    "name digest"
);
byte_id!(
    /// Key of a wamid in the index: a wamid contains the phone number, so it never stands in a key itself.
    WamidHash,
    "wamid hash"
);
byte_id!(
    /// A person who signs in. Random.
    UserId,
    "user_id"
);
byte_id!(
    /// A team of a business: some of its people, and the numbers that they answer. Random.
    TeamId,
    "team_id"
);
byte_id!(
    /// A list of contacts that a business keeps. Random.
    ListId,
    "list_id"
);
byte_id!(
    /// A note about a contact. Time-ordered like a message's id.
    NoteId,
    "note_id"
);
byte_id!(
    /// A filter that a business keeps under a name. Random.
    SegmentId,
    "segment_id"
);
byte_id!(
    /// A file of contacts that is imported. Random.
    ImportId,
    "import_id"
);
byte_id!(
    /// A template that is sent to many. Random.
    BroadcastId,
    "broadcast_id"
);
byte_id!(
    /// One raw webhook body in the journal. Grows with time within a process.
    JournalId,
    "journal_id"
);

impl ConversationId {
    /// Derives the id from the tenant, the number and the contact.
    pub fn derive(tenant: TenantId, number: &PhoneNumberId, contact: ContactId) -> Self {
        Self(digest16(&[
            &tenant.get().to_be_bytes(),
            number.as_str().as_bytes(),
            contact.as_bytes(),
        ]))
    }
}

impl MessageId {
    /// Builds an id from a time, a place within that millisecond, and a distinguishing tail.
    pub fn new(at: Timestamp, arrival: u16, tail: u64) -> Self {
        let ms = u64::try_from(at.as_millis()).unwrap_or(0);
        let mut bytes = [0_u8; 16];
        let head = ms.to_be_bytes();
        let parts = head
            .iter()
            .skip(2)
            .copied()
            .chain(arrival.to_be_bytes())
            .chain(tail.to_be_bytes());
        bytes.iter_mut().zip(parts).for_each(|(slot, byte)| *slot = byte);
        Self(bytes)
    }

    /// An id for a message of this time that stands right after this one, or at its own time if that is later.
    pub fn followed_by(&self, at: Timestamp, tail: u64) -> Self {
        let before = self.timestamp();
        if before < at {
            return Self::new(at, 0, tail);
        }
        let arrival = self
            .0
            .iter()
            .skip(6)
            .take(2)
            .fold(0_u16, |sum, byte| (sum << 8) | u16::from(*byte));
        match arrival.checked_add(1) {
            Some(next) => Self::new(before, next, tail),
            None => Self::new(before.after(Duration::from_millis(1)), 0, tail),
        }
    }

    /// What tells the id apart from others of its place.
    pub fn tail(&self) -> u64 {
        self.0
            .iter()
            .skip(8)
            .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte))
    }

    /// The time that the id carries, in milliseconds since 1970.
    pub fn timestamp(&self) -> Timestamp {
        let ms = self
            .0
            .iter()
            .take(6)
            .fold(0_i64, |sum, byte| (sum << 8) | i64::from(*byte));
        Timestamp::from_millis(ms)
    }
}

impl WamidHash {
    /// Hashes a wamid.
    pub fn of(wamid: &Wamid) -> Self {
        Self(digest16(&[b"wamid", wamid.as_str().as_bytes()]))
    }

    /// Hashes something else that must be seen only once, in a name space of its own.
    pub fn of_other(space: &str, parts: &[&[u8]]) -> Self {
        let mut all = vec![space.as_bytes()];
        all.extend_from_slice(parts);
        Self(digest16(&all))
    }

    /// The last eight bytes, as the distinguishing tail of a [`MessageId`].
    pub fn tail(&self) -> u64 {
        self.0
            .iter()
            .skip(8)
            .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte))
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $repr:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name($repr);

        impl $name {
            /// Wraps the number.
            pub const fn new(value: $repr) -> Self {
                Self(value)
            }

            /// The number.
            pub const fn get(self) -> $repr {
                self.0
            }
        }
    };
}

number_id!(
    /// A business account. 63 random bits, written as 16 hex digits, never reused.
    TenantId,
    u64
);
number_id!(
    /// Position in a tenant's ledger: dense, from 1; 0 is "before the first".
    Seq,
    u64
);
number_id!(
    /// Identity of a tenant's ledger; changes only when the ledger was lost or restored from a backup.
    Epoch,
    u64
);
number_id!(
    /// Ownership token: a writer with a smaller fence than the latest is refused.
    Fence,
    u64
);

impl Seq {
    /// The position after this one.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

macro_rules! told_as_number {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u64(self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                u64::deserialize(deserializer).map(Self)
            }
        }
    };
}

told_as_number!(Seq);
told_as_number!(Fence);

macro_rules! hex_number {
    ($name:ident, $label:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_hex::<8>(text)
                    .map(|bytes| Self(u64::from_be_bytes(bytes)))
                    .ok_or(IdError {
                        what: $label,
                        rule: "16 lower-case hex digits",
                    })
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hex_number!(TenantId, "tenant_id");
hex_number!(Epoch, "epoch");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn message_ids_sort_by_time_then_arrival() {
        let early = MessageId::new(Timestamp::from_millis(1_000), 9, u64::MAX);
        let later = MessageId::new(Timestamp::from_millis(1_001), 0, 0);
        let second = MessageId::new(Timestamp::from_millis(1_001), 1, 0);
        assert!(early < later && later < second);
        assert!(early.to_string() < later.to_string());
    }

    #[test]
    fn one_that_follows_stands_right_behind_or_at_its_own_time() {
        let first = MessageId::new(Timestamp::from_millis(1_400), 7, u64::MAX);
        let behind = first.followed_by(Timestamp::from_millis(1_000), 0);
        assert!(first < behind && behind < MessageId::new(Timestamp::from_millis(1_400), 9, 0));
        let later = Timestamp::from_millis(1_401);
        assert_eq!(first.followed_by(later, 3), MessageId::new(later, 0, 3));
        let full = MessageId::new(Timestamp::from_millis(1_400), u16::MAX, 0);
        assert!(full < full.followed_by(Timestamp::from_millis(1_000), 0));
    }

    #[test]
    fn the_id_before_another_borrows_from_the_bytes_in_front_and_none_is_before_the_first() {
        let of = |number: u128| JournalId::from_bytes(number.to_be_bytes());
        for (id, before) in [
            (0, None),
            (1, Some(0)),
            (0x0100, Some(0xff)),
            (1 << 64, Some(u128::from(u64::MAX))),
            (u128::MAX, Some(u128::MAX - 1)),
        ] {
            assert_eq!(of(id).before(), before.map(of));
        }
    }

    #[test]
    fn a_wamid_never_shows_itself_in_debug() {
        let wamid = Wamid::parse("wamid.HBgLNjI4MTIzNDU2Nzg5").unwrap();
        assert!(!format!("{wamid:?}").contains("HBgL"));
    }

    proptest! {
        #[test]
        fn byte_ids_round_trip_through_text(bytes: [u8; 16]) {
            let id = MessageId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse::<MessageId>().unwrap(), id);
        }

        #[test]
        fn a_message_id_gives_its_time_back(ms in 0_i64..(1_i64 << 47), arrival: u16, tail: u64) {
            let at = Timestamp::from_millis(ms);
            prop_assert_eq!(MessageId::new(at, arrival, tail).timestamp(), at);
        }

        #[test]
        fn no_text_makes_parsing_panic(text in ".{0,80}") {
            let _ = text.parse::<MessageId>();
            let _ = text.parse::<TenantId>();
            let _ = AgentId::parse(&text);
        }
    }
}
