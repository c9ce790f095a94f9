//! The folder's files are for its owner alone: messages lie in them, and the tokens with which Meta is called.

use std::fs::{self, DirEntry, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::Mode;

/// What the group and all others may do.
const OTHERS: u32 = 0o077;
/// The store's own in its folder, beside the engine's log.
const OWN: &[&str] = &[
    "keyspaces",
    "webhooks",
    "version",
    "lock",
    "demo.key",
    "claims-ahead",
    "loss-accepted",
    "engine.watermark",
    "webhooks.watermark",
    "damaged",
];

/// Whatever this process makes from now on is for its owner alone.
pub(crate) fn keep_private() {
    rustix::process::umask(Mode::from_raw_mode(OTHERS));
}

/// Takes from others what an earlier version let them do with the folder's files. What is not the store's stays as it is,
/// and so does a folder in which anything else lies.
pub(super) fn mend(folder: &Path) -> io::Result<()> {
    let mut is_its_own = true;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_own(&entry) {
            mend_below(&entry)?;
        } else {
            is_its_own = false;
        }
    }
    if is_its_own { restrict(folder) } else { Ok(()) }
}

fn is_own(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let is_log = Path::new(&name).extension().is_some_and(|kind| kind == "jnl");
    is_log || OWN.iter().any(|own| name == **own)
}

fn mend_below(entry: &DirEntry) -> io::Result<()> {
    // Of the entry itself: a link is not followed.
    let kind = entry.file_type()?;
    if kind.is_dir() {
        for inner in fs::read_dir(entry.path())? {
            mend_below(&inner?)?;
        }
    }
    if kind.is_dir() || kind.is_file() {
        restrict(&entry.path())?;
    }
    Ok(())
}

fn restrict(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & OTHERS == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn open_to_all(path: &Path) {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_others_could_read_they_cannot_and_what_is_not_the_stores_stays() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        let inner = folder.join("keyspaces/0/tables");
        fs::create_dir_all(&inner).unwrap();
        let files = [folder.join("0.jnl"), folder.join("version"), inner.join("7")];
        for file in &files {
            fs::write(file, "x").unwrap();
            open_to_all(file);
        }
        for made in [&folder, &folder.join("keyspaces"), &inner] {
            open_to_all(made);
        }
        mend(&folder).unwrap();
        for file in &files {
            assert_eq!(mode(file), 0o600, "{}", file.display());
        }
        for made in [&folder, &folder.join("keyspaces"), &inner] {
            assert_eq!(mode(made), 0o700, "{}", made.display());
        }
        let other = folder.join("notes.txt");
        fs::write(&other, "x").unwrap();
        open_to_all(&other);
        open_to_all(&folder);
        open_to_all(&files[0]);
        mend(&folder).unwrap();
        assert_eq!(
            (mode(&other), mode(&folder), mode(&files[0])),
            (0o644, 0o755, 0o600)
        );
    }
}
