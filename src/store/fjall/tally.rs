//! What a folder holds, counted: a row that every commit writes, so that a commit that is missing anywhere leaves a hole in
//! the counting, and the watermark beside the engine, which says how far commits were acknowledged.

use std::path::{Path, PathBuf};

use fjall::Slice;
use serde::{Deserialize, Serialize};

use super::codec::{self, NEVER};
use super::engine::Engine;
use super::keys::{self, Key, Kind, Space};
use super::watermark::{self, Watermark};
use crate::store::error::StoreError;

/// Commits, and the events in them, since the folder was made, or first written by a version that counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) commits: u64,
    pub(super) events: u64,
}

impl Tally {
    /// The row's key.
    pub(super) fn key() -> Key {
        keys::global(Kind::Tally, &[])
    }

    /// What the engine holds.
    pub(super) fn stored(engine: &Engine) -> Result<Self, StoreError> {
        let value = engine.get(Space::Rows, &Self::key())?;
        Ok(value.and_then(|value| Self::parse(&value)).unwrap_or_default())
    }

    /// After a commit with so many more events.
    pub(super) const fn after(self, events: u64) -> Self {
        Self {
            commits: self.commits.saturating_add(1),
            events: self.events.saturating_add(events),
        }
    }

    /// Writes the row.
    pub(super) fn value(self) -> Slice {
        let mut body = [0; 16];
        let numbers = self.commits.to_be_bytes().into_iter();
        let numbers = numbers.chain(self.events.to_be_bytes());
        body.iter_mut().zip(numbers).for_each(|(slot, byte)| *slot = byte);
        codec::bytes(NEVER, &body)
    }

    /// Reads the row.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let (commits, rest) = codec::body(value).ok()?.split_first_chunk::<8>()?;
        let events = rest.first_chunk::<8>()?;
        Some(Self {
            commits: u64::from_be_bytes(*commits),
            events: u64::from_be_bytes(*events),
        })
    }
}

/// What the watermark beside the engine says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Noted {
    /// What was acknowledged.
    pub(super) tally: Tally,
    /// The engine's keyspaces, by the names of their folders.
    pub(super) keyspaces: Vec<u64>,
    /// The engine's logs, noted when it was closed in order; while it is open it removes them by itself.
    pub(super) logs: Option<Vec<u64>>,
}

impl Noted {
    /// The file.
    pub(super) fn path(folder: &Path) -> PathBuf {
        folder.join("engine.watermark")
    }

    /// Reads it.
    pub(super) fn read(folder: &Path) -> std::io::Result<Option<Self>> {
        watermark::read(&Self::path(folder))
    }
}

/// Notes commits as they become durable.
pub(super) struct Notes {
    watermark: Watermark<Noted>,
    noted: Noted,
}

impl Notes {
    /// Begins with what the folder holds.
    pub(super) fn begin(folder: &Path, tally: Tally) -> std::io::Result<Self> {
        let noted = Noted {
            tally,
            keyspaces: super::check::keyspaces(folder)?,
            logs: None,
        };
        let mut watermark = Watermark::open(&Noted::path(folder))?;
        watermark.note_durably(&noted)?;
        Ok(Self { watermark, noted })
    }

    /// A commit is durable, and about to be acknowledged.
    pub(super) fn committed(&mut self, tally: Tally) {
        self.noted.tally = tally;
        self.watermark.note(&self.noted);
    }
}

/// Before the engine is opened: what it does with its logs from now on is its own affair.
pub(super) fn opening(folder: &Path, noted: &Noted) -> std::io::Result<()> {
    if noted.logs.is_none() {
        return Ok(());
    }
    let open = Noted {
        logs: None,
        ..noted.clone()
    };
    Watermark::open(&Noted::path(folder))?.note_durably(&open)
}
