//! A folder's files, reached through no symbolic link: several gateways may share a folder, and whoever else can write there must not have
//! them read, overwrite or remove a file outside of it. The folder itself may be a link: that is the operator's.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::storage::StorageError;

/// Bytes that are read at once.
const CHUNK: u64 = 256 << 10;

/// A file that is open.
pub(super) struct OpenFile {
    file: Arc<File>,
    /// Its length.
    pub(super) bytes: u64,
}

/// Opens a file; `None` where none is there, or what is there is a link or no file.
pub(super) fn open(folder: &Path, path: &str) -> io::Result<Option<OpenFile>> {
    // Of a pipe, which somebody may have put there, nobody waits for the other end.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = match walk(folder, path, flags) {
        Ok(opened) => opened,
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP | Errno::NOTDIR) => {
            tracing::warn!(path, "a link stands where a file is to be: it is not followed");
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let file = File::from(opened);
    let found = file.metadata()?;
    Ok(found.is_file().then(|| OpenFile {
        bytes: found.len(),
        file: Arc::new(file),
    }))
}

fn walk(folder: &Path, path: &str, flags: OFlags) -> Result<std::os::fd::OwnedFd, Errno> {
    let folders = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = rustix::fs::open(folder, folders, Mode::empty())?;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        let flags = if is_last {
            flags
        } else {
            folders | OFlags::NOFOLLOW
        };
        at = rustix::fs::openat(&at, part, flags, Mode::empty())?;
    }
    Ok(at)
}

/// Refuses a place that a link leads to: nothing is written or removed there.
pub(super) fn refuse_links(folder: &Path, path: &str) -> io::Result<()> {
    let mut place = folder.to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    for part in parts.iter().take(parts.len().saturating_sub(1)) {
        place.push(part);
        match place.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => {
                let why = format!("{}: a link stands where a folder is to be", place.display());
                return Err(io::Error::other(why));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl OpenFile {
    /// Its bytes, all or a part, piece by piece.
    pub(super) fn stream(self, range: Option<Range<u64>>) -> BoxStream<'static, Result<Bytes, StorageError>> {
        let range = range.unwrap_or(0..self.bytes);
        let pieces = stream::try_unfold((self.file, range), |(file, left)| async move {
            if left.is_empty() {
                return Ok(None);
            }
            let length = (left.end - left.start).min(CHUNK);
            let (read, start) = (Arc::clone(&file), left.start);
            let piece = tokio::task::spawn_blocking(move || read_at(&read, start, length)).await;
            let piece = piece
                .map_err(StorageError::of_folder)?
                .map_err(StorageError::of_folder)?;
            Ok(Some((piece, (file, start + length..left.end))))
        });
        pieces.boxed()
    }
}

/// Reads so many bytes; fewer are an error.
fn read_at(file: &File, start: u64, length: u64) -> io::Result<Bytes> {
    let mut piece = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut piece, start)?;
    Ok(piece.into())
}
