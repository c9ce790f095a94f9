//! Files: their names, making one, and reading all of them at the start.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::failed;
use super::record::{self, Record};
use super::shelf::{Place, Shelf};
use super::spare;
use crate::store::error::StoreError;

/// First bytes of each file.
const MAGIC: &[u8; 8] = b"mesejwh1";
const EXTENSION: &str = "webhooks";

/// A segment that was made.
pub(super) struct Made {
    pub(super) file: File,
    pub(super) path: PathBuf,
    /// Bytes written.
    pub(super) length: u64,
}

/// Makes a segment, durably.
pub(super) fn create(folder: &Path, number: u64) -> io::Result<Made> {
    let path = folder.join(name(number));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    let begun = begin(&file)
        .and_then(|length| file.sync_all().map(|()| length))
        .and_then(|length| sync_folder(folder).map(|()| length));
    let length = begun.inspect_err(|_| unmake(&path))?;
    Ok(Made { file, path, length })
}

/// Removes a segment that was not made wholly. It must not stand behind one that is still written to.
fn unmake(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::error!(%error, "a segment of the webhook journal that failed cannot be removed");
    }
}

/// Makes a segment of a file that was begun under another name, durably.
pub(super) fn adopt(folder: &Path, number: u64, file: File, from: &Path) -> io::Result<Made> {
    let path = folder.join(name(number));
    fs::rename(from, &path)?;
    sync_folder(folder).inspect_err(|_| unmake(&path))?;
    let length = length(MAGIC);
    Ok(Made { file, path, length })
}

/// Writes a segment's first bytes, and says how many they are.
pub(super) fn begin(file: &File) -> io::Result<u64> {
    file.write_all_at(MAGIC, 0)?;
    Ok(length(MAGIC))
}

fn name(number: u64) -> String {
    format!("{number:020}.{EXTENSION}")
}

/// Reads all segments of a folder, which is made if it is not there: what is open, and the newest segment's number.
///
/// A group of writes that was cut off at the end of the newest one was never acknowledged: it is cut away. Anything else
/// that cannot be read is `Corrupt`, since webhooks that were acknowledged stand there.
pub(super) fn recover(folder: &Path) -> Result<(Shelf, u64), StoreError> {
    fs::create_dir_all(folder).map_err(failed)?;
    // Else a loss of power takes the folder, and with it what was acknowledged in it.
    folder.parent().map_or(Ok(()), sync_folder).map_err(failed)?;
    spare::remove(folder).map_err(failed)?;
    let mut segments = Vec::new();
    for file in fs::read_dir(folder).map_err(failed)? {
        let path = file.map_err(failed)?.path();
        if path.extension().is_none_or(|found| found != EXTENSION) {
            continue;
        }
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        let number: u64 = number.ok_or_else(|| corrupt(&path, 0))?;
        segments.push((number, path));
    }
    segments.sort_unstable();
    let newest = segments.last().map_or(0, |(number, _)| *number);
    let mut shelf = Shelf::default();
    for (number, path) in segments {
        read(&mut shelf, number, path, newest)?;
    }
    Ok((shelf, newest))
}

fn read(shelf: &mut Shelf, number: u64, path: PathBuf, newest: u64) -> Result<(), StoreError> {
    let bytes = fs::read(&path).map_err(failed)?;
    if MAGIC.starts_with(&bytes) && bytes.len() < MAGIC.len() || bytes.iter().all(|byte| *byte == 0) {
        // Making it was cut off, and nothing was written to it.
        return fs::remove_file(&path).map_err(failed);
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .map_err(failed)?;
    let file = Arc::new(file);
    shelf.add(number, Arc::clone(&file), path.clone());
    let mut good = if bytes.starts_with(MAGIC) { MAGIC.len() } else { 0 };
    while good > 0
        && let Some((record, size)) = bytes.get(good..).and_then(record::read)
    {
        match record {
            Record::Entry {
                id,
                received,
                body_at,
                body_length,
            } => {
                let place = Place {
                    segment: number,
                    at: u64::try_from(good + body_at).unwrap_or(u64::MAX),
                    length: body_length,
                    received,
                };
                shelf.opened(id, place);
            }
            Record::Done(ids) => ids.into_iter().for_each(|id| shelf.closed(id)),
        }
        good += size;
    }
    let until = u64::try_from(good).unwrap_or(u64::MAX);
    shelf.grown(number, until);
    // Zeros were never written over.
    let written = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    if good > 0 && written <= good {
        // What was read may stand in memory alone. Older copies of it go, and newer segments come, only when it does not.
        return if number == newest {
            file.sync_all().map_err(failed)
        } else {
            Ok(())
        };
    }
    if number != newest || good == 0 {
        return Err(corrupt(&path, until));
    }
    tracing::warn!(
        bytes = bytes.len().saturating_sub(good),
        "the end of the webhook journal was cut off in the middle of a write"
    );
    file.set_len(until).and_then(|()| file.sync_all()).map_err(failed)
}

/// Makes new and removed files of a folder durable.
pub(in crate::store::fjall) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn corrupt(path: &Path, at: u64) -> StoreError {
    StoreError::corrupt(
        "the webhook journal",
        format!("{} cannot be read from byte {at} on", path.display()),
    )
}

pub(super) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
