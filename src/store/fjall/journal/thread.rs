//! The thread that appends.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use super::index::{Index, Location};
use super::preallocation::Preallocation;
use super::recover::Noted;
use super::segment::Made;
use super::{Answer, Want, body, failed, lock, record, segment};
use crate::domain::JournalId;
use crate::store::JournalEntry;
use crate::store::error::StoreError;
use crate::store::fjall::watermark::Watermark;
use crate::store::fjall::write_queue::{Condition, Measures, Placed, Space};

/// Writes made durable together, at most.
const GROUP_WRITES: usize = 2_048;
/// Bytes made durable together, at most about.
const GROUP_BYTES: usize = 1 << 20;
/// A segment that is this long is the last of its kind.
const SEGMENT: u64 = 16 << 20;
/// What was applied may occupy this much of the disk before open webhooks of old segments are written again to let it go.
const WASTE: u64 = 64 << 20;
/// So much may be open for a sweep to write it again.
const FEW: u64 = 1 << 20;
/// About what a journal occupies beside what is open in it: no reason to begin a segment.
const EMPTY: u64 = 256;
/// Bytes written again at once, so that new webhooks do not wait for long.
const PIECE: u64 = 1 << 20;
/// Segments that are noted, the newest: as many as fit into a note.
const NOTED: usize = 2_048;

/// The journal's thread.
pub(super) struct Thread {
    folder: PathBuf,
    index: Arc<Mutex<Index>>,
    condition: Arc<Condition>,
    measures: Measures,
    number: u64,
    file: Arc<File>,
    length: u64,
    /// Bytes of the newest segment that are durable.
    synced: u64,
    watermark: Watermark<Noted>,
    buffer: Vec<u8>,
    changes: Vec<Change>,
    preallocation: Preallocation,
}

/// How what is open changes once a group is written.
enum Change {
    Opened(JournalId, Location),
    Closed(JournalId),
}

/// What is written together.
#[derive(Default)]
struct Group {
    answers: Vec<Answer>,
    /// There is something in it that is acknowledged by its answer.
    sync: bool,
    turn_over: Vec<Answer>,
}

impl Thread {
    /// Begins a segment after the newest one.
    pub(super) fn begin(
        folder: PathBuf,
        watermark: &Path,
        newest: u64,
        index: Arc<Mutex<Index>>,
        condition: Arc<Condition>,
    ) -> Result<Self, StoreError> {
        let number = newest + 1;
        let Made { file, path, length } = segment::create(&folder, number).map_err(failed)?;
        let file = Arc::new(file);
        lock(&index).add(number, Arc::clone(&file), path);
        let mut thread = Self {
            folder,
            index,
            condition,
            measures: Measures::default(),
            number,
            file,
            length,
            synced: length,
            watermark: Watermark::open(watermark).map_err(failed)?,
            buffer: Vec::new(),
            changes: Vec::new(),
            preallocation: Preallocation::default(),
        };
        let noted = thread.noted();
        thread.watermark.note_durably(&noted).map_err(failed)?;
        thread.remove_done();
        Ok(thread)
    }

    /// Runs until the queue is closed and empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Placed<Want>>) {
        while let Some(first) = queue.blocking_recv() {
            self.condition.look_at_disk();
            let mut group = Group::default();
            self.take(first.write, &mut group);
            while group.answers.len() < GROUP_WRITES
                && self.buffer.len() < GROUP_BYTES
                && let Ok(next) = queue.try_recv()
            {
                self.take(next.write, &mut group);
            }
            self.finish(group);
        }
    }

    fn take(&mut self, want: Want, group: &mut Group) {
        let space = match &want {
            Want::Append(..) => Space::Takes,
            Want::Done(..) | Want::TurnOver(_) => Space::Makes,
        };
        if let Some(refusal) = self.condition.refusal(space) {
            let (Want::Append(_, answer) | Want::Done(_, answer) | Want::TurnOver(answer)) = want;
            let _ = answer.send(Err(refusal));
            return;
        }
        match want {
            Want::Append(entry, answer) => {
                self.put(&entry);
                group.sync = true;
                group.answers.push(answer);
            }
            Want::Done(ids, answer) => {
                record::put_done(&mut self.buffer, &ids);
                self.changes.extend(ids.into_iter().map(Change::Closed));
                group.answers.push(answer);
            }
            Want::TurnOver(answer) => group.turn_over.push(answer),
        }
    }

    fn put(&mut self, entry: &JournalEntry) {
        let at = record::put_entry(&mut self.buffer, entry);
        let place = Location {
            segment: self.number,
            at: self.length.saturating_add(size(at)),
            length: entry.body.len(),
            received: entry.received,
        };
        self.changes.push(Change::Opened(entry.id, place));
    }

    fn finish(&mut self, group: Group) {
        let written = self.write(group.sync, group.answers.len());
        for answer in group.answers {
            // The caller may have gone; what is written stands all the same.
            let _ = answer.send(written.clone());
        }
        if written.is_err() {
            return;
        }
        let tidied = self.tidy(!group.turn_over.is_empty());
        if let Err(error) = &tidied {
            tracing::error!(%error, "cannot tidy the webhook journal");
        }
        for answer in group.turn_over {
            let _ = answer.send(tidied.clone());
        }
    }

    /// Writes what was gathered, and shows it to readers once it is as durable as asked.
    fn write(&mut self, sync: bool, writes: usize) -> Result<(), StoreError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let (took, written) = self.condition.commit(|| {
            self.file.write_all_at(&self.buffer, self.length)?;
            if sync {
                self.file.sync_data()?;
            }
            Ok::<(), io::Error>(())
        });
        self.measures.committed(took, writes);
        self.length = self.length.saturating_add(size(self.buffer.len()));
        self.buffer.clear();
        self.buffer.shrink_to(2 * GROUP_BYTES);
        let changes = std::mem::take(&mut self.changes);
        written?;
        let mut index = lock(&self.index);
        index.grown(self.number, self.length);
        for change in changes {
            match change {
                Change::Opened(id, place) => index.opened(id, place),
                Change::Closed(id) => index.closed(id),
            }
        }
        drop(index);
        if sync {
            // Before anybody is told: what was acknowledged can be missed.
            self.synced = self.length;
            let noted = self.noted();
            self.watermark.note(&noted);
        }
        Ok(())
    }

    /// The segments, and how much of them is durable.
    fn noted(&self) -> Noted {
        let mut lengths = lock(&self.index).lengths(NOTED);
        if let Some((_, newest)) = lengths.last_mut() {
            *newest = self.synced;
        }
        Noted(lengths)
    }

    /// Begins a new segment when this one is long, or when asked to, and lets go of what was applied.
    fn tidy(&mut self, turn_over: bool) -> Result<(), StoreError> {
        let (bytes, open) = {
            let index = lock(&self.index);
            (index.bytes(), index.open_bytes())
        };
        if self.length >= SEGMENT / 2 && self.condition.refusal(Space::Takes).is_none() {
            self.preallocation
                .prepare(&self.folder, SEGMENT + size(GROUP_BYTES));
        }
        let waste = bytes.saturating_sub(open);
        let sweep = turn_over && waste > EMPTY;
        if self.length >= SEGMENT || sweep {
            self.next_segment()?;
        }
        self.remove_done();
        if waste > WASTE && waste > bytes / 2 {
            self.carry_over()?;
        } else if sweep && open <= FEW {
            while self.carry_over()? {}
        }
        Ok(())
    }

    fn next_segment(&mut self) -> Result<(), StoreError> {
        let number = self.number + 1;
        let spare = self.preallocation.take(&self.folder);
        // Marks may not be on the disk yet, and nothing but the newest segment may end in the middle of a write.
        let (_, synced) = self.condition.commit(|| self.file.sync_data());
        synced?;
        let made = match spare {
            Some((file, from)) => segment::adopt(&self.folder, number, file, &from),
            None => segment::create(&self.folder, number),
        };
        // Without a new one, this one grows on.
        let Made { file, path, length } = made.map_err(failed)?;
        self.number = number;
        self.file = Arc::new(file);
        self.length = length;
        self.synced = length;
        lock(&self.index).add(number, Arc::clone(&self.file), path);
        Ok(())
    }

    /// Writes open webhooks of the oldest segment again, at the end of the log. Says whether there were any.
    fn carry_over(&mut self) -> Result<bool, StoreError> {
        let oldest = lock(&self.index).oldest(self.number, PIECE);
        let Some(file) = oldest
            .first()
            .map(|(_, place)| lock(&self.index).file(place.segment))
        else {
            return Ok(false);
        };
        let file = file.map_err(failed)?;
        let read = oldest.iter().map(|(id, place)| {
            Ok(JournalEntry {
                id: *id,
                received: place.received,
                body: body(&file, *place)?,
            })
        });
        for entry in read.collect::<Result<Vec<_>, StoreError>>()? {
            self.put(&entry);
        }
        self.write(true, oldest.len())?;
        self.remove_done();
        Ok(true)
    }

    fn remove_done(&mut self) {
        let mut done = Vec::new();
        while let Some(path) = lock(&self.index).take_done(self.number) {
            done.push(path);
        }
        if done.is_empty() {
            return;
        }
        // One that is gone must not be missed.
        let noted = self.noted();
        if let Err(error) = self.watermark.note_durably(&noted) {
            tracing::warn!(%error, "segments of the webhook journal stay until the next start");
            return;
        }
        for path in done {
            if let Err(error) = fs::remove_file(&path) {
                // It is read again at the next start; what is applied twice changes nothing.
                tracing::warn!(%error, "cannot remove a segment of the webhook journal");
            }
        }
    }
}

fn size(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
