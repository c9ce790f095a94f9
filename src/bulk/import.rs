//! An import as it is kept: its file, what its columns are taken for, how far it is and what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::encoding::Encoding;
use super::fields::Mapping;
use super::folder::Told;
use super::phones::Country;
use super::records::{Format, Place, Separator};
use super::rows::{BadCells, RowProblem};
use super::values::Notation;
use crate::domain::{Author, ContactLabel, ImportId, ListId, TenantId, Timestamp};
use crate::store::plain::{Partition, PlainKey, PlainRow};
use crate::store::tables::{CONTACT_IMPORT, IMPORT_MAPPING, Table};

/// How long a file waits for its import to be started.
pub const WAITS: Duration = Duration::from_hours(24);
/// How long an import is told of after it ended.
const TOLD: Duration = Duration::from_hours(30 * 24);
/// How long it is told afterwards what was wrong with its rows: that is customers' data, which no erasure reaches.
const WRONG_TOLD: Duration = Duration::from_hours(7 * 24);
/// An import whose gateway says nothing for so long is lost, unless its file is here.
const SILENT: Duration = Duration::from_secs(60);
/// How often a gateway says that it has one, at least.
pub const HEARD: Duration = Duration::from_secs(10);

/// Where an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// The file is there.
    Uploaded,
    /// It is read.
    Running,
    /// All of it was.
    Done,
    /// It cannot be.
    Failed,
    /// Somebody called it off.
    Cancelled,
}

/// What came of a file's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// All that were read.
    pub rows: u64,
    /// Contacts that are new.
    pub created: u64,
    /// Contacts that are others than they were.
    pub updated: u64,
    /// Contacts that were all of that already.
    pub unchanged: u64,
    /// Rows of which nothing counts.
    pub rejected: u64,
    /// Cells that were left out of rows that count.
    #[serde(default)]
    pub left_out: u64,
}

/// How it is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Order {
    /// What columns are taken for.
    pub mapping: Mapping,
    /// The country of phones that are written without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub default_country: Option<Country>,
    /// Whether nothing is changed.
    pub dry_run: bool,
    /// Labels that everybody gets.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub labels: Vec<ContactLabel>,
    /// Lists that everybody is put on.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub lists: Vec<ListId>,
    /// How numbers and days are written.
    #[serde(default)]
    pub notation: Notation,
    /// What becomes of rows with a cell that makes no sense.
    #[serde(default)]
    pub bad_cells: BadCells,
}

/// One import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Its id.
    pub import_id: ImportId,
    /// Where it stands.
    pub state: ImportState,
    /// What the file was called.
    pub name: String,
    /// Its bytes, as UTF-8.
    pub bytes: u64,
    /// How its records stand.
    pub format: Format,
    /// How its text was written.
    pub encoding: Encoding,
    /// What stands between two values.
    pub separator: Separator,
    /// What its columns are called.
    pub columns: Vec<String>,
    /// Its first rows, while it is not started.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub sample: Vec<Vec<String>>,
    /// How it is carried out; what is suggested before it is.
    #[serde(flatten)]
    pub order: Order,
    /// What came of it so far.
    #[serde(flatten)]
    pub counts: Counts,
    /// How often what was wrong, with rows and with cells that were left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub reasons: BTreeMap<RowProblem, u64>,
    /// Where its first row begins.
    pub start: Place,
    /// Where it goes on.
    pub place: Place,
    /// Bytes of the file of errors.
    pub errors_bytes: u64,
    /// Bytes of the file of refused rows.
    #[serde(default)]
    pub refused_bytes: u64,
    /// Lines that the file of errors has no room for: it is cut before the first of them.
    #[serde(skip_serializing_if = "is_none", default)]
    pub errors_omitted: u64,
    /// Rows that the file of refused rows has no room for.
    #[serde(skip_serializing_if = "is_none", default)]
    pub refused_omitted: u64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// Who brought it.
    pub by: Author,
    /// When.
    pub created_at: Timestamp,
    /// When it was started.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub started_at: Option<Timestamp>,
    /// When it was heard of last.
    pub changed_at: Timestamp,
}

impl Import {
    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&CONTACT_IMPORT, tenant)
    }

    /// One of them.
    pub fn at(tenant: TenantId, import: ImportId) -> PlainKey {
        Self::of(tenant).row(import.as_bytes())
    }

    /// Whether it can be started: it never was, nothing was changed, or it failed; then rows that were noted are noted again, which
    /// changes nothing.
    pub const fn can_start(&self) -> bool {
        match self.state {
            ImportState::Uploaded | ImportState::Failed => true,
            ImportState::Done => self.order.dry_run,
            ImportState::Running | ImportState::Cancelled => false,
        }
    }

    /// Whether its file is needed: for a day where it waits to be started.
    pub fn needs_file(&self, now: Timestamp) -> bool {
        self.state == ImportState::Running || self.can_start() && now.since(self.changed_at) < WAITS
    }

    /// Whether it is still told what was wrong.
    pub fn tells_wrong(&self, now: Timestamp) -> bool {
        self.state == ImportState::Running || now.since(self.changed_at) < WRONG_TOLD
    }

    /// Bytes of what was written of wrong rows.
    pub const fn wrong_bytes(&mut self, told: Told) -> &mut u64 {
        match told {
            Told::Errors => &mut self.errors_bytes,
            Told::Rows => &mut self.refused_bytes,
        }
    }

    /// How much was not written of wrong rows, where there was no room.
    pub const fn omitted(&mut self, told: Told) -> &mut u64 {
        match told {
            Told::Errors => &mut self.errors_omitted,
            Told::Rows => &mut self.refused_omitted,
        }
    }

    /// Whether no gateway has said for long that it has it.
    pub fn is_silent(&self, now: Timestamp) -> bool {
        self.state == ImportState::Running && now.since(self.changed_at) > SILENT
    }

    /// Says that its gateway still has it, where that was not said for a while.
    pub fn heard(&self, now: Timestamp) -> Option<Self> {
        let is_due = self.state == ImportState::Running && now.since(self.changed_at) >= HEARD;
        is_due.then(|| Self {
            changed_at: now,
            ..self.clone()
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
const fn is_none(count: &u64) -> bool {
    *count == 0
}

impl PlainRow for Import {
    const TABLE: &'static Table = &CONTACT_IMPORT;

    fn expires(&self) -> Option<Timestamp> {
        Some(match self.state {
            ImportState::Uploaded => self.created_at.after(WAITS),
            _ => self.changed_at.after(TOLD),
        })
    }
}

/// What columns were taken for, by their headers as [`header_key`](super::fields::header_key) compares them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Remembered {
    /// By header.
    pub fields: Mapping,
}

impl Remembered {
    /// Headers that are remembered; those of the file that came last stay.
    pub const MOST: usize = 300;

    /// A tenant's.
    pub fn at(tenant: TenantId) -> PlainKey {
        Partition::of_tenant(&IMPORT_MAPPING, tenant).row(&[])
    }
}

impl PlainRow for Remembered {
    const TABLE: &'static Table = &IMPORT_MAPPING;
}
