//! The next segment, made ahead and filled with zeros.
//!
//! Writing over blocks that the file has already needs no change of the file system's own records, so that a sync takes
//! about half as long and does not wait for other files' syncs. Only a log that grows quickly is worth the extra writing:
//! the first segment of a process simply grows.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use super::segment;

/// Zeros written at once.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
const NAME: &str = "spare";

/// At most one segment that is being made or waits.
#[derive(Default)]
pub(super) struct Preallocation {
    made: Option<JoinHandle<io::Result<File>>>,
}

impl Preallocation {
    /// Begins to make one, on a thread of its own, unless there is one.
    pub(super) fn prepare(&mut self, folder: &Path, bytes: u64) {
        if self.made.is_some() {
            return;
        }
        let path = path(folder);
        let making = std::thread::Builder::new()
            .name("journal-spare".to_owned())
            .spawn(move || make(&path, bytes));
        match making {
            Ok(making) => self.made = Some(making),
            Err(error) => tracing::warn!(%error, "cannot make room for the webhook journal ahead"),
        }
    }

    /// The segment, if it is made. It still has its own name.
    pub(super) fn take(&mut self, folder: &Path) -> Option<(File, PathBuf)> {
        let made = self.made.take_if(|making| making.is_finished())?.join();
        match made {
            Ok(Ok(file)) => Some((file, path(folder))),
            Ok(Err(error)) => {
                tracing::warn!(%error, "cannot make room for the webhook journal ahead");
                None
            }
            Err(_panic) => None,
        }
    }
}

impl Drop for Preallocation {
    fn drop(&mut self) {
        // Nothing writes to the folder once the store is closed.
        if let Some(making) = self.made.take() {
            let _ = making.join();
        }
    }
}

/// Removes what an earlier process left.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    match std::fs::remove_file(path(folder)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

fn make(path: &Path, bytes: u64) -> io::Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)?;
    let mut at = segment::begin(&file)?;
    while at < bytes {
        file.write_all_at(&ZEROS, at)?;
        at += segment::length(&ZEROS);
    }
    file.sync_all()?;
    Ok(file)
}
