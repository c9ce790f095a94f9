//! Mails as files, for machines without a mail server: the operator reads them.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use super::message::Message;
use super::{Failure, Transport};
use crate::domain::Timestamp;
use crate::telemetry::Label as _;

/// Files that are kept: a million of them would fill the disk of the data.
const KEPT: usize = 1_000;
const ENDING: &str = ".eml";

/// A folder beside the data.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// How long each file is kept.
    kept: Duration,
}

impl Folder {
    /// The one beside the data, without the files that were kept for long enough.
    pub(super) fn beside(data: &Path, kept: Duration, now: Timestamp) -> Self {
        let folder = Self {
            path: data.join("mail"),
            kept,
        };
        if folder.path.exists()
            && let Err(error) = make_room(&folder.path, folder.oldest(now))
        {
            tracing::warn!(folder = %folder.path.display(), %error, "old mails cannot be removed");
        }
        folder
    }

    /// From when the oldest file is that is kept.
    fn oldest(&self, now: Timestamp) -> Timestamp {
        now.before(self.kept)
    }
}

#[async_trait]
impl Transport for Folder {
    async fn send(&self, message: &Message) -> Result<(), Failure> {
        let (folder, bytes) = (self.path.clone(), message.bytes.clone());
        // Files are in the order of their names.
        let at = message.at.as_millis();
        let name = format!("{at:014}-{:016x}-{}{ENDING}", message.id, message.kind.label());
        let oldest = self.oldest(message.at);
        let written = tokio::task::spawn_blocking(move || write(&folder, &name, &bytes, oldest)).await;
        let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
        match written {
            Ok(file) => {
                tracing::info!(file = %file.display(), "a mail was written to a file: it holds a link for one person alone");
                Ok(())
            }
            Err(error) => Err(Failure::ForNow(format!("{}: {error}", self.path.display()))),
        }
    }
}

/// Links stand in mails: nobody but who runs the gateway may read them.
fn write(folder: &Path, name: &str, bytes: &[u8], oldest: Timestamp) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    make_room(folder, oldest)?;
    let path = folder.join(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(bytes)?;
    Ok(path)
}

/// Removes mails that are too old, and the oldest of too many.
fn make_room(folder: &Path, oldest: Timestamp) -> io::Result<()> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(ENDING))
        .collect();
    files.sort_unstable();
    let too_many = files.len().saturating_sub(KEPT.saturating_sub(1));
    for (place, file) in files.iter().enumerate() {
        if place < too_many || written_at(file).is_some_and(|at| at < oldest) {
            fs::remove_file(file)?;
        }
    }
    Ok(())
}

/// When a mail was written, by its name; nothing for files of others.
fn written_at(file: &Path) -> Option<Timestamp> {
    let (at, _) = file.file_name()?.to_str()?.split_once('-')?;
    at.parse().ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const EVER: Timestamp = Timestamp::from_millis(0);

    fn mails(folder: &Path) -> Vec<String> {
        let files = fs::read_dir(folder).unwrap();
        let names = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(ENDING)).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn mails_go_with_the_next_one_and_at_the_start_when_they_are_too_old() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("mail");
        let (kept, day) = (Duration::from_secs(30 * 86_400), Duration::from_secs(86_400));
        let first = Timestamp::from_secs(1_790_000_000);
        let name = |at: Timestamp| format!("{:014}-x{ENDING}", at.as_millis());
        let (second, third) = (first.after(day), first.after(kept));
        for at in [first, second] {
            write(&folder, &name(at), b"hello", EVER).unwrap();
        }
        fs::write(folder.join("mine.eml"), "mine").unwrap();
        // At thirty days the first is kept still.
        write(&folder, &name(third), b"hello", third.before(kept)).unwrap();
        assert_eq!(mails(&folder).len(), 4);
        let later = third.after(Duration::from_millis(1));
        write(&folder, &name(later), b"hello", later.before(kept)).unwrap();
        assert_eq!(
            mails(&folder),
            [name(second), name(third), name(later), "mine.eml".to_owned()]
        );
        Folder::beside(data.path(), kept, later.after(day));
        assert_eq!(mails(&folder), [name(third), name(later), "mine.eml".to_owned()]);
    }

    #[test]
    fn files_are_private_and_the_oldest_make_room() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("mail");
        for at in 0..KEPT + 3 {
            write(&folder, &format!("{at:014}-x{ENDING}"), b"hello", EVER).unwrap();
        }
        fs::write(folder.join("notes.txt"), "mine").unwrap();
        let path = write(&folder, &format!("99999999999999-x{ENDING}"), b"hello", EVER).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
        let names = mails(&folder);
        assert_eq!(names.len(), KEPT);
        assert_eq!(names[0], format!("{:014}-x{ENDING}", 4));
        assert!(folder.join("notes.txt").exists());
    }
}
