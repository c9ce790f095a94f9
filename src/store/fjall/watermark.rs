//! A watermark: how far a log was acknowledged, noted in a small file beside it.
//!
//! A log that is damaged or cut at its end looks like one whose last write was cut off. Only something outside it can tell
//! which. A note is one write into the page cache, made before what it tells of is acknowledged: a process that is killed has
//! noted everything. A thread syncs the file about once a second, so that a loss of power takes the notes of the last second
//! at most; those say too little then, never too much.
//!
//! Two slots are written in turns, each with a number and a CRC-32: one that was cut off leaves the other.

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

const MAGIC: &[u8; 8] = b"mesejwm1";
/// Bytes of a slot.
const SLOT: usize = 64 << 10;
/// Bytes of a slot before the note: magic, number, length, sum.
const HEADER: usize = 8 + 8 + 4 + 4;
/// A note is on the disk about so long after it was made.
const LAG: Duration = Duration::from_secs(1);

/// The file, open for notes of one kind.
pub(super) struct Watermark<T> {
    file: Arc<File>,
    number: u64,
    buffer: Vec<u8>,
    dirty: SyncSender<()>,
    failed: bool,
    notes: PhantomData<fn(T)>,
}

/// The newest whole note; `None` without one.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    Ok(newest(path)?.and_then(|(_, note)| serde_json::from_slice(&note).ok()))
}

fn newest(path: &Path) -> io::Result<Option<(u64, Vec<u8>)>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let slots = bytes.chunks(SLOT).filter_map(parse);
    let newest = slots.max_by_key(|(number, _)| *number);
    if newest.is_none() && bytes.iter().any(|byte| *byte != 0) {
        tracing::warn!(file = %path.display(), "a watermark cannot be read: the end of its log cannot be checked by it");
    }
    Ok(newest)
}

fn parse(slot: &[u8]) -> Option<(u64, Vec<u8>)> {
    let rest = slot.strip_prefix(MAGIC)?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let note = rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    (sum_of(*number, note) == u32::from_le_bytes(*sum)).then(|| (u64::from_le_bytes(*number), note.to_vec()))
}

fn sum_of(number: [u8; 8], note: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number);
    hasher.update(note);
    hasher.finalize()
}

impl<T: Serialize> Watermark<T> {
    /// Opens the file, making it if it is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let number = newest(path)?.map_or(0, |(number, _)| number);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        let size = u64::try_from(2 * SLOT).unwrap_or(u64::MAX);
        if file.metadata()?.len() < size {
            // Written over from now on, so that a full disk is in no note's way.
            let all = std::fs::read(path)?;
            file.write_all_at(
                &vec![0; 2 * SLOT - all.len().min(2 * SLOT)],
                size.min(length(&all)),
            )?;
            file.sync_all()?;
            path.parent().map_or(Ok(()), super::sync_folder)?;
        }
        let file = Arc::new(file);
        let (dirty, notes) = sync_channel(1);
        let synced = Arc::clone(&file);
        std::thread::Builder::new()
            .name("store-watermark".to_owned())
            .spawn(move || sync_now_and_then(&synced, &notes))?;
        Ok(Self {
            file,
            number,
            buffer: Vec::new(),
            dirty,
            failed: false,
            notes: PhantomData,
        })
    }

    /// Notes something in place of what was noted before. It outlives this process when it returns, not a loss of power.
    /// A failure is logged once: the notes lag then, and say too little.
    pub(super) fn note(&mut self, note: &T) {
        if let Err(error) = self.write(note)
            && !self.failed
        {
            self.failed = true;
            tracing::error!(%error, "a watermark cannot be written: damage to the end of its log may pass unseen");
        }
    }

    /// Notes something durably.
    pub(super) fn note_durably(&mut self, note: &T) -> io::Result<()> {
        self.write(note)?;
        self.file.sync_data()
    }

    fn write(&mut self, note: &T) -> io::Result<()> {
        let number = self.number.saturating_add(1);
        self.buffer.clear();
        self.buffer.extend_from_slice(MAGIC);
        self.buffer.extend_from_slice(&number.to_le_bytes());
        self.buffer.extend_from_slice(&[0; 8]);
        serde_json::to_writer(&mut self.buffer, note)?;
        let note = self.buffer.get(HEADER..).unwrap_or_default();
        let sum = sum_of(number.to_le_bytes(), note);
        let size = u32::try_from(note.len()).unwrap_or(u32::MAX);
        if self.buffer.len() > SLOT {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let both = size.to_le_bytes().into_iter().chain(sum.to_le_bytes());
        let place = self.buffer.iter_mut().skip(HEADER - 8);
        place.zip(both).for_each(|(slot, byte)| *slot = byte);
        let at = if number.is_multiple_of(2) { 0 } else { SLOT };
        let at = u64::try_from(at).unwrap_or_default();
        self.file.write_all_at(&self.buffer, at)?;
        self.number = number;
        // Full: the thread has yet to come to an earlier one, and finds this one with it.
        let _ = self.dirty.try_send(());
        Ok(())
    }
}

fn sync_now_and_then(file: &File, notes: &Receiver<()>) {
    while notes.recv().is_ok() {
        std::thread::park_timeout(LAG);
        if let Err(error) = file.sync_data() {
            tracing::warn!(%error, "a watermark cannot be synced");
        }
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_note_stands_and_one_that_was_cut_off_leaves_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("watermark");
        assert_eq!(read::<u64>(&path).unwrap(), None);
        let mut watermark = Watermark::open(&path).unwrap();
        for note in [1_u64, 22, 333] {
            watermark.note(&note);
        }
        assert_eq!(read::<u64>(&path).unwrap(), Some(333));
        let mut watermark = Watermark::open(&path).unwrap();
        watermark.note_durably(&4_444_u64).unwrap();
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(read::<u64>(&path).unwrap(), Some(4_444));
        for byte in (0..HEADER + 4).chain([SLOT - 1, SLOT]) {
            let mut torn = whole.clone();
            torn[byte] ^= 0x55;
            std::fs::write(&path, &torn).unwrap();
            let note = read::<u64>(&path).unwrap();
            assert_eq!(
                note,
                Some(if byte < HEADER + 4 { 333 } else { 4_444 }),
                "byte {byte}"
            );
        }
        std::fs::write(&path, [7; 100]).unwrap();
        assert_eq!(read::<u64>(&path).unwrap(), None);
        Watermark::open(&path).unwrap().note(&5_u64);
        assert_eq!(read::<u64>(&path).unwrap(), Some(5));
    }
}
