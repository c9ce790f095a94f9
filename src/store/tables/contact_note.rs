//! What a business's people write about a contact, beside its conversations.

use serde::{Deserialize, Serialize};

use super::{Erasure, PLAIN, Subject, Table};
use crate::domain::{Author, ContactId, NoteId, TenantId, Timestamp};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where they are declared.
pub const CONTACT_NOTE: Table = Table {
    name: "contact_note",
    says: "what somebody of a business wrote about a contact",
    key: "tenant · contact · note, newest first",
    subject: Subject::Contact,
    personal: &["text", "by"],
    erasure: Erasure::Removed,
    ..PLAIN
};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactNote {
    /// Its id.
    #[serde(rename = "note_id")]
    pub id: NoteId,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub at: Timestamp,
    /// By whom.
    pub by: Author,
}

impl ContactNote {
    /// All about a contact.
    pub fn of(tenant: TenantId, contact: ContactId) -> Partition {
        Partition::of_contact(&CONTACT_NOTE, tenant, contact)
    }

    /// One of them.
    pub fn at(tenant: TenantId, contact: ContactId, note: NoteId) -> PlainKey {
        Self::of(tenant, contact).row(&note.as_bytes().map(|byte| !byte))
    }
}

impl PlainRow for ContactNote {
    const TABLE: &'static Table = &CONTACT_NOTE;
}
