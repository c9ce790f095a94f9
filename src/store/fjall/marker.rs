//! The file by which the engine knows its folder. Without it the engine takes the folder for a new one and stumbles over what
//! lies there; of a wrong one it speaks in its own words. Both are told here, with what helps.

use std::fs;
use std::io;
use std::path::Path;

use super::engine::refused;
use crate::store::error::{StoreError, StoreErrorKind};

const NAME: &str = "version";
const MAGIC: [u8; 3] = *b"FJL";
/// The format that the engine writes and reads.
const FORMAT: u8 = 3;

/// Refuses a folder that lacks its marker, or has another program's.
pub(super) fn check(folder: &Path) -> Result<(), StoreError> {
    let told = |detail: &str| Err(StoreError::new(StoreErrorKind::Corrupt, detail));
    match fs::read(folder.join(NAME)) {
        Ok(bytes) => match bytes.strip_prefix(&MAGIC).and_then(<[u8]>::first) {
            Some(&FORMAT) => Ok(()),
            Some(format) if *format > FORMAT => told(&format!(
                "its files have format {format}, and this program reads format {FORMAT}: a newer mesej wrote them, so start that one"
            )),
            Some(format) => told(&format!(
                "its files have format {format}, and this program reads format {FORMAT}: an older program wrote them"
            )),
            None => told("its file `version` is damaged: restore the whole folder from a backup"),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => missing(folder),
        Err(error) => Err(refused(&error)),
    }
}

fn missing(folder: &Path) -> Result<(), StoreError> {
    let told = |detail: &str| Err(StoreError::new(StoreErrorKind::Corrupt, detail));
    let keyspaces = folder.join("keyspaces");
    let holds = |inside: fs::ReadDir| inside.count() > 0;
    if fs::read_dir(&keyspaces).is_ok_and(holds) {
        return told(
            "its file `version` is missing although `keyspaces` is there: a part of the folder was removed, or not copied. Restore \
             the whole folder; nothing was changed",
        );
    }
    let begun = ["keyspaces", "lock", "0.jnl"];
    if begun.iter().any(|name| folder.join(name).exists()) {
        return told(
            "it was begun and not finished, and holds no message: remove `keyspaces`, `lock` and `0.jnl` from it, and start again",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{FjallOptions, FjallStore};

    #[test]
    fn a_folder_without_its_marker_or_with_anothers_is_refused_in_words_that_help() {
        let folder = tempfile::tempdir().unwrap();
        let open = || FjallStore::open(folder.path(), FjallOptions::default()).map(drop);
        let marker = folder.path().join(super::NAME);
        open().unwrap();
        let good = std::fs::read(&marker).unwrap();
        for (bytes, words) in [
            (&b"FJL\x09"[..], "newer mesej"),
            (b"FJL\x02", "older"),
            (b"?", "damaged"),
        ] {
            std::fs::write(&marker, bytes).unwrap();
            let told = open().unwrap_err().detail;
            assert!(told.contains(words), "{told}");
        }
        std::fs::remove_file(&marker).unwrap();
        let told = open().unwrap_err().detail;
        assert!(told.contains("`version` is missing"), "{told}");
        std::fs::write(&marker, good).unwrap();
        open().unwrap();
    }

    #[test]
    fn a_folder_whose_making_was_cut_short_is_told_for_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("keyspaces")).unwrap();
        std::fs::write(folder.path().join("lock"), "").unwrap();
        let told = FjallStore::open(folder.path(), FjallOptions::default()).map(drop);
        assert!(told.unwrap_err().detail.contains("begun and not finished"));
    }
}
