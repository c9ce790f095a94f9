//! Which webhooks are open, and where they stand.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use super::record;
use crate::domain::{JournalId, Timestamp};

/// Where a webhook's body stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) segment: u64,
    /// Bytes before it.
    pub(super) at: u64,
    pub(super) length: usize,
    pub(super) received: Timestamp,
}

/// One file.
#[derive(Debug)]
struct Segment {
    /// Open for the newest only: there may be more segments than files that a process may have open.
    file: Option<Arc<File>>,
    /// An older one as whoever reads it now has it open: once, however many they are.
    reading: Weak<File>,
    path: PathBuf,
    bytes: u64,
    /// Webhooks in it that were not applied, and their bytes.
    open: usize,
    open_bytes: u64,
}

/// The segments and what is open in them.
#[derive(Debug, Default)]
pub(super) struct Index {
    segments: BTreeMap<u64, Segment>,
    open: BTreeMap<JournalId, Location>,
}

impl Index {
    /// A segment begins.
    pub(super) fn add(&mut self, number: u64, file: Arc<File>, path: PathBuf) {
        for older in self.segments.values_mut() {
            older.file = None;
        }
        let segment = Segment {
            file: Some(file),
            reading: Weak::new(),
            path,
            bytes: 0,
            open: 0,
            open_bytes: 0,
        };
        self.segments.insert(number, segment);
    }

    /// A segment has become this long.
    pub(super) fn grown(&mut self, number: u64, bytes: u64) {
        if let Some(segment) = self.segments.get_mut(&number) {
            segment.bytes = bytes;
        }
    }

    /// A webhook stands there from now on.
    pub(super) fn opened(&mut self, id: JournalId, place: Location) {
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.open += 1;
            segment.open_bytes += length(place);
        }
        if let Some(before) = self.open.insert(id, place) {
            self.leaves(before);
        }
    }

    /// A webhook was applied.
    pub(super) fn closed(&mut self, id: JournalId) {
        if let Some(place) = self.open.remove(&id) {
            self.leaves(place);
        }
    }

    fn leaves(&mut self, place: Location) {
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.open = segment.open.saturating_sub(1);
            segment.open_bytes = segment.open_bytes.saturating_sub(length(place));
        }
    }

    /// Takes out the oldest segment if it is none of the newest and nothing in it is open. Its file is to be removed.
    pub(super) fn take_done(&mut self, newest: u64) -> Option<PathBuf> {
        let (number, segment) = self.segments.first_key_value()?;
        if *number >= newest || segment.open > 0 {
            return None;
        }
        self.segments.pop_first().map(|(_, segment)| segment.path)
    }

    /// Open webhooks of the oldest segment, as many as make up about so many bytes; none when it is the newest.
    pub(super) fn oldest(&self, newest: u64, bytes: u64) -> Vec<(JournalId, Location)> {
        let Some((number, segment)) = self.segments.first_key_value() else {
            return Vec::new();
        };
        if *number >= newest {
            return Vec::new();
        }
        let mut taken = 0;
        // They are mostly the first: ids grow with arrival.
        self.open
            .iter()
            .filter(|(_, place)| place.segment == *number)
            .take(segment.open)
            .take_while(|(_, place)| {
                let before = taken;
                taken += length(**place);
                before < bytes
            })
            .map(|(id, place)| (*id, *place))
            .collect()
    }

    /// Open webhooks after one, oldest first.
    pub(super) fn open_after(&self, after: Option<JournalId>) -> impl Iterator<Item = (JournalId, Location)> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let open = self.open.range((start, Bound::Unbounded));
        open.map(|(id, place)| (*id, *place))
    }

    /// Where an open webhook stands.
    pub(super) fn place(&self, id: JournalId) -> Option<Location> {
        self.open.get(&id).copied()
    }

    /// Where to read a segment.
    pub(super) fn file(&mut self, number: u64) -> io::Result<Arc<File>> {
        let segment = self.segments.get_mut(&number);
        let segment = segment.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let open = segment.file.clone().or_else(|| segment.reading.upgrade());
        if let Some(file) = open {
            return Ok(file);
        }
        let file = Arc::new(File::open(&segment.path)?);
        segment.reading = Arc::downgrade(&file);
        Ok(file)
    }

    /// Segments whose file is held open.
    #[cfg(test)]
    pub(super) fn files_held(&self) -> usize {
        let held = self.segments.values().filter(|segment| segment.file.is_some());
        held.count()
    }

    /// How many webhooks are open.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Bytes of all segments.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.bytes).sum()
    }

    /// The newest segments, at most so many, and how many bytes are in each; oldest first.
    pub(super) fn lengths(&self, most: usize) -> Vec<(u64, u64)> {
        let newest = self.segments.iter().rev().take(most);
        let mut lengths: Vec<_> = newest.map(|(number, segment)| (*number, segment.bytes)).collect();
        lengths.reverse();
        lengths
    }

    /// Bytes of all open webhooks.
    pub(super) fn open_bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.open_bytes).sum()
    }
}

fn length(place: Location) -> u64 {
    u64::try_from(place.length + record::BEFORE_BODY).unwrap_or(u64::MAX)
}
