//! The file by which the engine knows its folder. Of another format it speaks in its own words: that is told here, with what
//! helps.

use std::fs;
use std::io;
use std::path::Path;

use super::engine::refused;
use crate::store::error::{StoreError, StoreErrorKind};

const NAME: &str = "version";
const MAGIC: [u8; 3] = *b"FJL";
/// The format that the engine writes and reads.
const FORMAT: u8 = 3;

/// Refuses a folder of another format. One whose marker is damaged or missing is not told here: [`super::check`] does.
pub(super) fn check(folder: &Path) -> Result<(), StoreError> {
    let told = |detail: &str| Err(StoreError::new(StoreErrorKind::Corrupt, detail));
    let bytes = match fs::read(folder.join(NAME)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(&error)),
    };
    match bytes.strip_prefix(&MAGIC) {
        None | Some([] | [FORMAT, ..]) => Ok(()),
        Some([format, ..]) if *format > FORMAT => told(&format!(
            "its files have format {format}, and this program reads format {FORMAT}: a newer mesej wrote them, so start that one"
        )),
        Some([format, ..]) => told(&format!(
            "its files have format {format}, and this program reads format {FORMAT}: an older program wrote them"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FjallOptions, FjallStore};

    #[test]
    fn a_folder_without_its_marker_or_with_another_one_is_refused_in_words_that_help() {
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
    fn a_folder_whose_making_was_cut_short_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("keyspaces")).unwrap();
        std::fs::write(folder.path().join("lock"), "").unwrap();
        std::fs::write(folder.path().join("0.jnl"), [0; 64]).unwrap();
        FjallStore::open(folder.path(), FjallOptions::default()).unwrap();
    }
}
