//! How much room the disk has, and what makes folders durable.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Bytes that this process may still write on the disk that holds a folder; `None` when the system does not tell.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Makes new and removed files of a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Writes a file as a whole, in place of what it held: whoever reads it, and whenever this is cut off, finds either.
pub(super) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = file.with_extension("new");
    fs::write(&beside, bytes)?;
    File::open(&beside)?.sync_all()?;
    fs::rename(&beside, file)?;
    file.parent().map_or(Ok(()), sync_folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("note");
        for bytes in ["a longer text", "short"] {
            // What an earlier one that was cut off left there.
            fs::write(folder.path().join("note.new"), "half").unwrap();
            replace(&file, bytes.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), bytes);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }
}
