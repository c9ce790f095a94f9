//! How much room the disk has, and what makes folders durable.

use std::fs::File;
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
