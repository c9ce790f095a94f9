//! Files: what is known of each, which are still to be fetched, and how far a tenant's events were read for new ones.
//!
//! The bytes stand elsewhere, in a folder or a bucket. A row of a file that was stored stays until the message that carries it is gone:
//! `media/sweep.rs` removes both.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Erasure, Kept, PLAIN, Subject, Table};
use crate::domain::ids::{digest16, hex, parse_hex};
use crate::domain::{
    Author, ContactId, Epoch, MediaId, MediaKind, MediaOrigin, MediaState, MessageMedia, PhoneNumberId, Seq,
    TenantId, Timestamp,
};
use crate::store::plain::{Partition, PlainKey, PlainRow};
use crate::store::row::MessageRef;

/// Where files are declared.
pub const MEDIA: Table = Table {
    name: "media",
    says: "a file of a message, or one that was uploaded: its type, size and name, and where its bytes are",
    key: "tenant · contact (zeros for an upload) · file",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Contact,
    personal: &["name", "by"],
    erasure: Erasure::Removed,
    ..PLAIN
};

/// Where files are declared that are to be fetched.
pub const MEDIA_TASK: Table = Table {
    name: "media_task",
    says: "a file that is to be fetched, and when it is tried next; ids alone",
    key: "tenant · file",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Tenant,
    ..PLAIN
};

/// Where it stands how far events were read for new files.
pub const MEDIA_CURSOR: Table = Table {
    name: "media_cursor",
    says: "how far a tenant's events were read for new files, and which gateway fetches them while it runs nowhere",
    key: "tenant",
    subject: Subject::Tenant,
    ..PLAIN
};

/// Where it is declared under which ids files are at Meta.
pub const MEDIA_AT_META: Table = Table {
    name: "media_at_meta",
    says: "Meta's id of a file that was brought there for a number",
    key: "tenant · upload · number",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Tenant,
    ..PLAIN
};

/// Where links are declared that lead to a file without a key.
pub const MEDIA_LINK: Table = Table {
    name: "media_link",
    says: "a link to a file that works without a key until it ends; its token as a digest",
    key: "digest of the token",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Tenant,
    ..PLAIN
};

/// Where customers are declared whose bytes are still to be removed.
pub const MEDIA_ERASED: Table = Table {
    name: "media_erased",
    says: "a customer who was erased, and whose files' bytes are about to be removed",
    key: "tenant · contact",
    subject: Subject::Tenant,
    ..PLAIN
};

/// What a file's bytes are found by, together with its id: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FileKey([u8; 16]);

impl FileKey {
    /// Of random bytes.
    pub const fn of(random: [u8; 16]) -> Self {
        Self(random)
    }
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// Whoever has it can ask a bucket for the file.
impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey(…)")
    }
}

impl FromStr for FileKey {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex(text)
            .map(Self)
            .ok_or("must be 32 lower-case hex digits")
    }
}

impl Serialize for FileKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for FileKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Whose a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// It belongs to a message, and is over with it.
    Message {
        /// Where the message stands.
        conversation: crate::domain::ConversationId,
        /// The message.
        message: crate::domain::MessageId,
        /// The number that it was written to, or goes out from.
        number: PhoneNumberId,
        /// Where its bytes come from.
        origin: MediaOrigin,
    },
    /// Somebody of the business uploaded it.
    Upload {
        /// Who.
        by: Author,
    },
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaFile {
    /// Its id.
    pub id: MediaId,
    /// What it is sent as.
    pub kind: MediaKind,
    /// Whose it is.
    pub carrier: Carrier,
    /// How far it is.
    pub state: MediaState,
    /// Its type: declared while it is pending, found afterwards.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mime: Option<Arc<str>>,
    /// Its size.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes: Option<u64>,
    /// The SHA-256 of its bytes, in hex: whoever reads them later sees whether they are the same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<Arc<str>>,
    /// What its sender called it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<Arc<str>>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Arc<str>>,
    /// Where its bytes are.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<FileKey>,
    /// Since when it is known.
    pub since: Timestamp,
    /// Until when the row is kept; `None` for as long as its message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Timestamp>,
}

impl MediaFile {
    /// How long Meta keeps what customers send.
    pub const AT_META: Duration = Duration::from_hours(7 * 24);

    /// All files of an owner.
    pub fn of_owner(tenant: TenantId, owner: &[u8]) -> Partition {
        let part: Vec<u8> = tenant.get().to_be_bytes().iter().chain(owner).copied().collect();
        Partition::of(&MEDIA, &part)
    }

    /// One of them.
    pub fn at(tenant: TenantId, id: MediaId) -> PlainKey {
        Self::of_owner(tenant, id.owner()).row(id.as_bytes())
    }

    /// What its message shows of it.
    pub fn shown(&self) -> MessageMedia {
        MessageMedia {
            media_id: self.id,
            state: self.state,
            mime: self.mime.clone(),
            bytes: self.bytes,
            name: self.name.clone(),
            why: self.why.clone(),
        }
    }

    /// Where its message stands.
    pub fn message(&self) -> Option<MessageRef> {
        match self.carrier {
            Carrier::Message {
                conversation,
                message,
                ..
            } => Some(MessageRef {
                conversation,
                message,
            }),
            Carrier::Upload { .. } => None,
        }
    }
}

impl PlainRow for MediaFile {
    const TABLE: &'static Table = &MEDIA;

    fn expires(&self) -> Option<Timestamp> {
        self.until
    }
}

/// A file that is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaTask {
    /// Which.
    pub id: MediaId,
    /// The number whose it is: the files of each have their share of what is done at once.
    pub number: PhoneNumberId,
    /// Since when.
    pub since: Timestamp,
    /// When it is tried next.
    pub due: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// How often what came was another file than the one that Meta told of.
    #[serde(default)]
    pub different: u32,
    /// Until when the row is kept, should nobody end it.
    pub until: Timestamp,
}

impl MediaTask {
    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&MEDIA_TASK, tenant)
    }

    /// The one of a file.
    pub fn at(tenant: TenantId, id: MediaId) -> PlainKey {
        Self::of(tenant).row(id.as_bytes())
    }
}

impl PlainRow for MediaTask {
    const TABLE: &'static Table = &MEDIA_TASK;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

/// How far a tenant's events were read for new files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaCursor {
    /// Of which ledger.
    pub epoch: Epoch,
    /// The last one.
    pub seq: Seq,
    /// Who fetches what is left of the tenant while it runs nowhere.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fetcher: Option<FetchLease>,
}

/// Who fetches a tenant's files, and until when, unless it says so again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchLease {
    /// A random number of the process.
    pub by: u64,
    /// Until when.
    pub until: Timestamp,
}

impl FetchLease {
    /// For how long one is given.
    const LASTS: Duration = Duration::from_mins(25);

    /// One that begins now.
    pub fn of(by: u64, now: Timestamp) -> Self {
        Self {
            by,
            until: now.after(Self::LASTS),
        }
    }

    /// Whether it keeps another process from taking one. One that ends later than any that is given now is of a clock that was set back.
    pub fn excludes(&self, by: u64, now: Timestamp) -> bool {
        self.by != by && now < self.until && self.until <= now.after(Self::LASTS * 2)
    }
}

impl MediaCursor {
    /// The tenant's.
    pub fn at(tenant: TenantId) -> PlainKey {
        Partition::of_tenant(&MEDIA_CURSOR, tenant).row(&[])
    }
}

impl PlainRow for MediaCursor {
    const TABLE: &'static Table = &MEDIA_CURSOR;
}

/// A file at Meta.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaAtMeta {
    /// Meta's id.
    pub id: Arc<str>,
    /// Until when it may be sent by that.
    pub until: Timestamp,
}

impl MediaAtMeta {
    /// The one of an upload, for the number that sends it.
    pub fn at(tenant: TenantId, upload: MediaId, number: &PhoneNumberId) -> PlainKey {
        let tenant = tenant.get().to_be_bytes();
        let part: Vec<u8> = tenant.iter().chain(upload.as_bytes()).copied().collect();
        Partition::of(&MEDIA_AT_META, &part).row(number.as_str().as_bytes())
    }
}

impl PlainRow for MediaAtMeta {
    const TABLE: &'static Table = &MEDIA_AT_META;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

/// A customer who was erased: the rows of files are gone, and their bytes are to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaErased {
    /// Who.
    pub contact: ContactId,
}

impl MediaErased {
    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&MEDIA_ERASED, tenant)
    }

    /// The one of a contact.
    pub fn at(tenant: TenantId, contact: ContactId) -> PlainKey {
        Self::of(tenant).row(contact.as_bytes())
    }
}

impl PlainRow for MediaErased {
    const TABLE: &'static Table = &MEDIA_ERASED;
}

/// A link to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaLink {
    /// Whose file.
    pub tenant: TenantId,
    /// Which.
    pub id: MediaId,
    /// Until when it works.
    pub until: Timestamp,
}

impl MediaLink {
    /// The one with a token.
    pub fn at(token: &str) -> PlainKey {
        let digest = digest16(&[b"link to a file", token.as_bytes()]);
        Partition::of(&MEDIA_LINK, &digest).row(&[])
    }
}

impl PlainRow for MediaLink {
    const TABLE: &'static Table = &MEDIA_LINK;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::MessageId;

    #[test]
    fn files_of_a_customer_stand_together_and_apart_from_those_of_others_and_of_the_business() {
        let tenant = TenantId::new(1);
        let message = MessageId::from_bytes([5; 16]);
        let of = |contact: u8| MediaId::of_message(ContactId::from_bytes([contact; 16]), message);
        let place = |id| MediaFile::at(tenant, id).partition;
        let owned = MediaFile::of_owner(tenant, &[1; 16]);
        assert_eq!(place(of(1)), owned);
        assert_ne!(place(of(2)), owned);
        assert_ne!(place(MediaId::of_upload([1; 16])), owned);
        assert_ne!(MediaFile::at(TenantId::new(2), of(1)).partition, owned);
    }

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let id = MediaId::of_upload([3; 16]);
        let row = MediaFile {
            id,
            kind: MediaKind::Image,
            carrier: Carrier::Upload {
                by: Author::BusinessApp,
            },
            state: MediaState::Stored,
            mime: Some("image/png".into()),
            bytes: Some(9),
            sha256: None,
            name: None,
            why: None,
            file: Some(FileKey::of([4; 16])),
            since: Timestamp::from_secs(1),
            until: None,
        };
        let json = serde_json::to_string(&row).unwrap();
        assert_eq!(serde_json::from_str::<MediaFile>(&json).unwrap(), row);
        assert!(!format!("{row:?}").contains("0404"), "the key is in no log");
    }
}
