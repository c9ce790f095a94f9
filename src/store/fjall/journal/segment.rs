//! Files: their names, and making one.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::store::fjall::sync_folder;

/// First bytes of each file.
pub(super) const MAGIC: &[u8; 8] = b"mesejwh1";
/// How their names end.
pub(super) const EXTENSION: &str = "webhooks";

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

/// A segment's name.
pub(super) fn name(number: u64) -> String {
    format!("{number:020}.{EXTENSION}")
}

pub(super) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
