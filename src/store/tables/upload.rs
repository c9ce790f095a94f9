//! Files that a business uploads: those that come in pieces, those that its agents send often, and how many there are.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{FileKey, Kept, PLAIN, Shortcut, Subject, Table};
use crate::domain::{Author, MediaId, MediaKind, TenantId, Timestamp};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where uploads in pieces are declared.
pub const UPLOAD: Table = Table {
    name: "upload",
    says: "a file that is being uploaded in pieces: its type, size and name, and where the pieces are",
    key: "tenant · upload",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Tenant,
    personal: &["name", "by"],
    ..PLAIN
};

/// Where quick files are declared.
pub const QUICK_FILE: Table = Table {
    name: "quick_file",
    says: "an uploaded file that agents send often, under a shortcut",
    key: "tenant · shortcut",
    subject: Subject::Tenant,
    personal: &["name"],
    ..PLAIN
};

/// Where it is declared how many files a tenant has.
pub const MEDIA_USAGE: Table = Table {
    name: "media_usage",
    says: "how many files a tenant had, and how large they were, when they were counted last",
    key: "tenant",
    subject: Subject::Tenant,
    ..PLAIN
};

/// A piece of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadPiece {
    /// Where its bytes are.
    pub key: FileKey,
    /// How many.
    pub bytes: u64,
}

/// A file that is being uploaded in pieces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The id that the file will have.
    pub id: MediaId,
    /// Who uploads it.
    pub by: Author,
    /// Its type.
    pub mime: String,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<Arc<str>>,
    /// How large it will be.
    pub bytes: u64,
    /// What is there of it, in order.
    pub pieces: Vec<UploadPiece>,
    /// Until when the rest may come.
    pub until: Timestamp,
}

impl Upload {
    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&UPLOAD, tenant)
    }

    /// The one with an id.
    pub fn at(tenant: TenantId, id: MediaId) -> PlainKey {
        Self::of(tenant).row(id.as_bytes())
    }

    /// Bytes that are there.
    pub fn offset(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.bytes).sum()
    }
}

impl PlainRow for Upload {
    const TABLE: &'static Table = &UPLOAD;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

/// How many files a tenant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaUsage {
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When they were counted.
    pub at: Timestamp,
}

impl MediaUsage {
    /// The tenant's.
    pub fn at(tenant: TenantId) -> PlainKey {
        Partition::of_tenant(&MEDIA_USAGE, tenant).row(&[])
    }
}

impl PlainRow for MediaUsage {
    const TABLE: &'static Table = &MEDIA_USAGE;
}

/// A file that agents send often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuickFile {
    /// What it is found by.
    pub shortcut: Shortcut,
    /// The upload.
    pub media_id: MediaId,
    /// What it is sent as.
    pub kind: MediaKind,
    /// What it is called.
    pub name: Option<Arc<str>>,
    /// Its type.
    pub mime: Option<Arc<str>>,
    /// Its size.
    pub bytes: Option<u64>,
}

impl QuickFile {
    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&QUICK_FILE, tenant)
    }

    /// The one under a shortcut.
    pub fn at(tenant: TenantId, shortcut: &Shortcut) -> PlainKey {
        Self::of(tenant).row(shortcut.as_str().as_bytes())
    }
}

impl PlainRow for QuickFile {
    const TABLE: &'static Table = &QUICK_FILE;
}
