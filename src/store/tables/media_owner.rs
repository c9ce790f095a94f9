//! Which store the folder or bucket of files belongs to.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{PLAIN, Subject, Table};
use crate::domain::ids::hex;
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where it is declared.
pub const MEDIA_OWNER: Table = Table {
    name: "media_owner",
    says: "the installation that the folder or bucket of files belongs to, and how often that was confirmed",
    key: "nothing",
    subject: Subject::Nobody,
    ..PLAIN
};

/// An installation: random.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstallationId(String);

impl InstallationId {
    /// Of random bytes.
    pub fn of(random: [u8; 16]) -> Self {
        Self(hex(&random))
    }
}

impl fmt::Display for InstallationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the store, and an object beside the files, say of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaOwner {
    /// Which.
    pub installation: InstallationId,
    /// How often the store confirmed it. The store counts first, so one that has counted less is older than the files.
    pub generation: u64,
}

impl MediaOwner {
    /// The only one.
    pub fn at() -> PlainKey {
        Partition::of(&MEDIA_OWNER, &[]).row(&[])
    }
}

impl PlainRow for MediaOwner {
    const TABLE: &'static Table = &MEDIA_OWNER;
}
