//! Recipients of broadcasts, many in a row: a million of them are some thousand rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Erasure, Kept, PLAIN, Subject, Table};
use crate::domain::{BroadcastId, ContactId, CountryCode, TenantId, Timestamp};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where recipients as they were planned are declared.
pub const BROADCAST_CHUNK: Table = Table {
    name: "broadcast_chunk",
    says: "recipients of a broadcast: what fills the template for each until it is sent, or why somebody is not sent to",
    key: "tenant · broadcast · plan · part / piece",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Contact,
    personal: &["recipients"],
    erasure: Erasure::Blanked,
    ..PLAIN
};

/// Where rows of uploaded files are declared.
pub const BROADCAST_UPLOAD: Table = Table {
    name: "broadcast_upload",
    says: "rows of a file of recipients, until the broadcast is launched or a week is over",
    key: "tenant · broadcast · upload · part / piece",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Contact,
    personal: &["rows"],
    erasure: Erasure::Blanked,
    ..PLAIN
};

/// Recipients of one row.
pub const CHUNK_RECIPIENTS: usize = 500;
/// Bytes of one row.
pub const CHUNK_BYTES: usize = 48 << 10;
/// Rows that stand together: no partition of a cluster grows beyond some MiB.
pub const PIECES_TOGETHER: u32 = 64;

/// Why somebody of an audience is not sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unsendable {
    /// The row has no phone.
    PhoneMissing,
    /// A spreadsheet dropped digits of it.
    PhoneShortened,
    /// It has no country's code, and none is given for those that have none.
    PhoneWithoutCountry,
    /// No country has such a number.
    PhoneInvalid,
    /// The row cannot be read.
    Unreadable,
    /// The contact stands in an earlier row.
    Duplicate,
    /// A list or segment that is left out has the contact.
    Excluded,
    /// The contact has no name that Meta could reach.
    NoAddress,
    /// The contact wants no marketing.
    OptedOut,
    /// The contact is under age.
    ContactIsMinor,
    /// The number blocks the contact.
    Blocked,
    /// Messages did not reach the contact lately.
    Unreachable,
    /// What fills the template is missing, and nothing is said to stand there instead.
    VariableMissing,
    /// Meta would refuse what fills the template.
    VariableRefused,
    /// The contact was erased.
    ContactGone,
    /// Meta keeps marketing from the contact, and it is too soon to try again.
    TooSoon,
    /// There is no sending hour that is one in all zones of the phone's country.
    NeverOpen,
}

impl Unsendable {
    /// Name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PhoneMissing => "phone_missing",
            Self::PhoneShortened => "phone_shortened",
            Self::PhoneWithoutCountry => "phone_without_country",
            Self::PhoneInvalid => "phone_invalid",
            Self::Unreadable => "unreadable",
            Self::Duplicate => "duplicate",
            Self::Excluded => "excluded",
            Self::NoAddress => "no_address",
            Self::OptedOut => "opted_out",
            Self::ContactIsMinor => "contact_is_minor",
            Self::Blocked => "blocked",
            Self::Unreachable => "unreachable",
            Self::VariableMissing => "variable_missing",
            Self::VariableRefused => "variable_refused",
            Self::ContactGone => "contact_gone",
            Self::TooSoon => "too_soon",
            Self::NeverOpen => "never_open",
        }
    }
}

/// One of an audience, as planned. Names are short: there are many.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRecipient {
    /// Who; nobody where the row names none.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none", default)]
    pub contact: Option<ContactId>,
    /// The phone of somebody who was no contact yet.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none", default)]
    pub phone: Option<Arc<str>>,
    /// The country of their number.
    #[serde(rename = "n", skip_serializing_if = "Option::is_none", default)]
    pub country: Option<CountryCode>,
    /// What fills the template.
    #[serde(rename = "v", skip_serializing_if = "Vec::is_empty", default)]
    pub values: Vec<Arc<str>>,
    /// Why nothing is sent.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none", default)]
    pub suppressed: Option<Unsendable>,
    /// The line of the file.
    #[serde(rename = "l", skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u64>,
    /// Which of the plan's zones, where it has any.
    #[serde(rename = "z", skip_serializing_if = "is_first", default)]
    pub zone: u16,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_first(zone: &u16) -> bool {
    *zone == 0
}

/// What fills a template is personal data.
impl std::fmt::Debug for PlannedRecipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "PlannedRecipient({:?}, {:?}, line {:?})",
            self.contact, self.suppressed, self.line
        )
    }
}

/// Recipients that follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastChunk {
    /// The number of the first.
    pub first: u32,
    /// Those.
    pub recipients: Vec<PlannedRecipient>,
    /// Until when they are kept.
    pub expires: Timestamp,
}

impl BroadcastChunk {
    /// One of a plan's.
    pub fn at(tenant: TenantId, broadcast: BroadcastId, plan: u32, chunk: u32) -> PlainKey {
        Self::part(tenant, broadcast, plan, chunk / PIECES_TOGETHER).row(&chunk.to_be_bytes())
    }

    /// Some that stand together, counted from 0.
    pub fn part(tenant: TenantId, broadcast: BroadcastId, plan: u32, part: u32) -> Partition {
        partition(&BROADCAST_CHUNK, (tenant, broadcast), &plan.to_be_bytes(), part)
    }

    /// The number behind that of the last.
    pub fn end(&self) -> u32 {
        let count = u32::try_from(self.recipients.len()).unwrap_or(u32::MAX);
        self.first.saturating_add(count)
    }

    /// How many are sent to.
    pub fn sendable(&self) -> u32 {
        let sendable = self.recipients.iter().filter(|one| one.suppressed.is_none());
        u32::try_from(sendable.count()).unwrap_or(u32::MAX)
    }

    /// Those who are sent to, by country.
    pub fn countries(&self) -> BTreeMap<CountryCode, u32> {
        let mut countries = BTreeMap::new();
        let sendable = self.recipients.iter().filter(|one| one.suppressed.is_none());
        for country in sendable.filter_map(|one| one.country) {
            *countries.entry(country).or_default() += 1;
        }
        countries
    }

    /// Takes out what there is of some, who are not sent to any more.
    pub fn forget(&mut self, is_theirs: impl Fn(&PlannedRecipient) -> bool) {
        for recipient in self.recipients.iter_mut().filter(|one| is_theirs(one)) {
            recipient.values.clear();
            recipient.phone = None;
            recipient.country = None;
            recipient.zone = 0;
            recipient.suppressed = Some(Unsendable::ContactGone);
        }
    }

    /// Whether something is left that `forget_values` takes out.
    pub fn has_values(&self) -> bool {
        let has = |one: &PlannedRecipient| {
            !one.values.is_empty() || one.phone.is_some() || one.country.is_some() || one.zone > 0
        };
        self.recipients.iter().any(has)
    }

    /// Takes out what fills templates, and where recipients are: what was sent stands in the messages.
    pub fn forget_values(&mut self) {
        for recipient in &mut self.recipients {
            recipient.values.clear();
            recipient.phone = None;
            recipient.country = None;
            recipient.zone = 0;
        }
    }
}

impl PlainRow for BroadcastChunk {
    const TABLE: &'static Table = &BROADCAST_CHUNK;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}

/// A row of an uploaded file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedRow {
    /// Where it begins.
    #[serde(rename = "l")]
    pub line: u64,
    /// Digits with the country's code.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none", default)]
    pub phone: Option<Arc<str>>,
    /// What stands in the columns, those at the end without a value left out.
    #[serde(rename = "c", skip_serializing_if = "Vec::is_empty", default)]
    pub cells: Vec<String>,
    /// What is wrong with it.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none", default)]
    pub suppressed: Option<Unsendable>,
}

/// Rows are personal data.
impl std::fmt::Debug for UploadedRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UploadedRow(line {}, {:?})", self.line, self.suppressed)
    }
}

/// Rows that follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastUpload {
    /// Those.
    pub rows: Vec<UploadedRow>,
    /// Until when they are kept.
    pub expires: Timestamp,
}

impl BroadcastUpload {
    /// One of an upload's.
    pub fn at(tenant: TenantId, broadcast: BroadcastId, upload: u64, chunk: u32) -> PlainKey {
        Self::part(tenant, broadcast, upload, chunk / PIECES_TOGETHER).row(&chunk.to_be_bytes())
    }

    /// Some that stand together, counted from 0.
    pub fn part(tenant: TenantId, broadcast: BroadcastId, upload: u64, part: u32) -> Partition {
        partition(
            &BROADCAST_UPLOAD,
            (tenant, broadcast),
            &upload.to_be_bytes(),
            part,
        )
    }

    /// Takes out what there is of some.
    pub fn forget(&mut self, is_theirs: impl Fn(&UploadedRow) -> bool) {
        for row in self.rows.iter_mut().filter(|row| is_theirs(row)) {
            row.cells.clear();
            row.phone = None;
            row.suppressed = Some(Unsendable::ContactGone);
        }
    }
}

impl PlainRow for BroadcastUpload {
    const TABLE: &'static Table = &BROADCAST_UPLOAD;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}

fn partition(
    table: &'static Table,
    (tenant, broadcast): (TenantId, BroadcastId),
    of: &[u8],
    part: u32,
) -> Partition {
    let part = [
        &tenant.get().to_be_bytes()[..],
        broadcast.as_bytes(),
        of,
        &part.to_be_bytes(),
    ];
    Partition::of(table, &part.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_takes_few_bytes_and_is_read_as_it_was_written() {
        let recipient = PlannedRecipient {
            contact: Some(ContactId::from_bytes([7; 16])),
            phone: None,
            country: Some("ID".parse().unwrap()),
            values: vec!["Ana".into()],
            suppressed: None,
            line: None,
            zone: 0,
        };
        let json = serde_json::to_string(&recipient).unwrap();
        assert_eq!(
            json,
            format!(r#"{{"c":"{}","n":"ID","v":["Ana"]}}"#, "07".repeat(16))
        );
        assert_eq!(
            serde_json::from_str::<PlannedRecipient>(&json).unwrap(),
            recipient
        );
        assert!(
            !format!("{recipient:?}").contains("Ana"),
            "personal data in a log"
        );
        assert!(json.len() * CHUNK_RECIPIENTS < CHUNK_BYTES);
    }

    #[test]
    fn pieces_stand_together_up_to_a_bound() {
        let at = |chunk| BroadcastChunk::at(TenantId::new(1), BroadcastId::from_bytes([1; 16]), 1, chunk);
        assert_eq!(at(0).partition, at(63).partition);
        assert_ne!(at(63).partition, at(64).partition);
        assert_ne!(at(0), at(1));
    }

    #[test]
    fn what_fills_templates_is_forgotten_once_it_is_sent() {
        let mut chunk = BroadcastChunk {
            first: 1,
            recipients: vec![PlannedRecipient {
                contact: Some(ContactId::from_bytes([7; 16])),
                phone: Some("628123456789".into()),
                country: Some("ID".parse().unwrap()),
                values: vec!["Ana".into()],
                suppressed: None,
                line: Some(2),
                zone: 3,
            }],
            expires: Timestamp::default(),
        };
        let mut erased = chunk.clone();
        erased.forget(|_recipient| true);
        chunk.forget_values();
        for chunk in [chunk, erased] {
            assert!(!chunk.has_values());
            let json = serde_json::to_string(&chunk).unwrap();
            for gone in ["Ana", "628123456789", "ID", r#""z""#] {
                assert!(!json.contains(gone), "{json}");
            }
        }
    }
}
