//! What a business recorded of its customers' consents, with the proof.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Erasure, PLAIN, Subject, Table};
use crate::domain::{Author, ConsentPurpose, ConsentSource, ConsentState, ContactId, TenantId, Timestamp};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where they are declared.
pub const CONSENT: Table = Table {
    name: "consent",
    says: "that a business recorded what a customer agreed to, or does not any more; with source and proof",
    key: "tenant · contact · time, newest first",
    subject: Subject::Contact,
    personal: &["source", "proof", "by"],
    erasure: Erasure::Removed,
    ..PLAIN
};

/// What proves a consent: up to 2,000 characters of text or a link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Proof(String);

impl Proof {
    /// Characters of the longest.
    pub const LONGEST: usize = 2_000;
}

impl TryFrom<String> for Proof {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.trim().is_empty() || text.chars().count() > Self::LONGEST || text.contains(steers) {
            return Err(format!("must be 1 to {} characters of text", Self::LONGEST));
        }
        Ok(Self(text))
    }
}

impl From<Proof> for String {
    fn from(proof: Proof) -> Self {
        proof.0
    }
}

/// Personal data: the text stays out of logs.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof")
    }
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// What was agreed to.
    pub purpose: ConsentPurpose,
    /// Whether it was.
    pub state: ConsentState,
    /// When it was recorded.
    pub at: Timestamp,
    /// Where it comes from.
    pub source: ConsentSource,
    /// What proves it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub proof: Option<Proof>,
    /// Who recorded it; nobody of the business where the customer or Meta said so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<Author>,
}

impl ConsentRecord {
    /// All of a contact.
    pub fn of(tenant: TenantId, contact: ContactId) -> Partition {
        Partition::of_contact(&CONSENT, tenant, contact)
    }

    /// One of them. Several of one moment are told apart by chance.
    pub fn at(tenant: TenantId, contact: ContactId, at: Timestamp, twin: [u8; 8]) -> PlainKey {
        let newest_first = (!at.as_millis()).to_be_bytes();
        Self::of(tenant, contact).row(&[newest_first, twin].concat())
    }
}

impl PlainRow for ConsentRecord {
    const TABLE: &'static Table = &CONSENT;
}
