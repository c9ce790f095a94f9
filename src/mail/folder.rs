//! Mails as files, for machines without a mail server: the operator reads them.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::message::Message;
use super::{Failure, Transport};
use crate::telemetry::Label as _;

/// Files that are kept: a million of them would fill the disk of the data.
const KEPT: usize = 1_000;
const ENDING: &str = ".eml";

/// A folder beside the data.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn beside(data: &Path) -> Self {
        Self {
            path: data.join("mail"),
        }
    }
}

#[async_trait]
impl Transport for Folder {
    async fn send(&self, message: &Message) -> Result<(), Failure> {
        let (folder, bytes) = (self.path.clone(), message.bytes.clone());
        // Files are in the order of their names.
        let at = message.at.as_millis();
        let name = format!("{at:014}-{:016x}-{}{ENDING}", message.id, message.kind.label());
        let written = tokio::task::spawn_blocking(move || write(&folder, &name, &bytes)).await;
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
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(ENDING))
        .collect();
    files.sort_unstable();
    let too_many = files.len().saturating_sub(KEPT.saturating_sub(1));
    for oldest in files.iter().take(too_many) {
        fs::remove_file(oldest)?;
    }
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn files_are_private_and_the_oldest_make_room() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("mail");
        for at in 0..KEPT + 3 {
            write(&folder, &format!("{at:014}-x{ENDING}"), b"hello").unwrap();
        }
        fs::write(folder.join("notes.txt"), "mine").unwrap();
        let path = write(&folder, &format!("99999999999999-x{ENDING}"), b"hello").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
        let mut names: Vec<String> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(ENDING))
            .collect();
        names.sort_unstable();
        assert_eq!(names.len(), KEPT);
        assert_eq!(names[0], format!("{:014}-x{ENDING}", 4));
        assert!(folder.join("notes.txt").exists());
    }
}
