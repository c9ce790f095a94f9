//! How much room the disk has.

use std::path::Path;

/// Bytes that this process may still write on the disk that holds a folder; `None` when the system does not tell.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}
