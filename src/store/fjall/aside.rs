//! Copies of what is damaged, kept before it is changed: somebody may still read in them what this program cannot.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Copies a file into `damaged/` of the data folder, durably.
pub(super) fn copy(folder: &Path, file: &Path) -> io::Result<()> {
    let aside = folder.join("damaged");
    super::make_folder(&aside)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let free = (1..=u32::MAX).map(|n| aside.join(format!("{name}.{n}")));
    let path = free
        .into_iter()
        .find(|path| !path.exists())
        .ok_or_else(|| io::Error::from(io::ErrorKind::AlreadyExists))?;
    fs::copy(file, &path)?;
    File::open(&path)?.sync_all()?;
    super::sync_folder(&aside)?;
    super::sync_folder(folder)?;
    tracing::warn!(copy = %path.display(), "a copy of a damaged file is kept; it holds customers' data");
    Ok(())
}
