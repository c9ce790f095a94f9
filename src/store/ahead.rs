//! Notes of claims for which no call has begun, which outlive the process and not the machine.
//!
//! A claim is durable before its call, so whoever finds it after a death cannot tell from it whether a call was made. A note
//! tells that none was: it is written before the claim is asked for, and wiped before the first byte of the call may leave.
//! It names the fence under which the claim is made, and a claim bears the fence under which it was made: what another process
//! claimed and called for is another claim. Notes are in the page cache alone: a process that is killed has written and wiped
//! all of them. After a start of the machine, which the kernel's boot id shows, none is believed. A note that is missing says
//! nothing. One that an earlier process left stays until its claim is given back: that process's successor may die before it
//! has come so far. Whoever notes holds a lock on the file, so that an earlier process can make no call any more.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::{AttemptToken, Fence};

/// The file in the store's folder.
const NAME: &str = "claims-ahead";
/// Bytes of a line. None of them lies on two pages.
const WIDTH: usize = 128;
/// Where Linux tells which start of the machine this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// What a note is about: a claim, and the fence under which it is made.
type Claim = (AttemptToken, Fence);

/// The notes of this process, and those that an earlier one left.
#[derive(Debug, Default)]
pub struct ClaimsAhead(Mutex<Notes>);

#[derive(Debug, Default)]
struct Notes {
    /// What an earlier process left: under which fence, and in which line.
    left: HashMap<AttemptToken, (Fence, u64)>,
    /// None where nothing can be noted, or not any more.
    file: Option<File>,
    path: PathBuf,
    boot: String,
    free: Vec<u64>,
    lines: u64,
}

/// A claim for which no call has begun. The note goes with it.
#[derive(Debug)]
pub struct Ahead {
    notes: Arc<ClaimsAhead>,
    line: Option<u64>,
}

/// A note that cannot be wiped: the call must not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot wipe the note that no call was made: {0}")]
pub struct NotWiped(#[from] io::Error);

/// Removes all notes from a folder: of one that was put back they say what was so once, and not what is.
pub(super) fn discard(folder: &Path) -> io::Result<()> {
    match std::fs::remove_file(folder.join(NAME)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

impl ClaimsAhead {
    /// Takes what an earlier process left in a folder, and notes there from now on. While another process does, nothing is
    /// noted and nothing believed.
    pub fn open(folder: &Path) -> io::Result<Self> {
        // Without a boot id nothing can be believed later.
        match std::fs::read_to_string(BOOT_ID) {
            Ok(boot) => Self::since(folder, boot.trim()),
            Err(_) => Ok(Self::default()),
        }
    }

    fn since(folder: &Path, boot: &str) -> io::Result<Self> {
        let path = folder.join(NAME);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                tracing::warn!(file = %path.display(), "another process notes its claims there: this one notes none");
                return Ok(Self::default());
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut bytes = Vec::new();
        (&file).read_to_end(&mut bytes)?;
        let mut notes = read(&bytes, boot);
        if notes.left.is_empty() {
            notes = Notes::default();
            file.set_len(0)?;
        }
        Ok(Self(Mutex::new(Notes {
            file: Some(file),
            path,
            boot: boot.to_owned(),
            ..notes
        })))
    }

    /// Notes a claim that is about to be asked for under this fence.
    pub fn note(self: &Arc<Self>, claim: AttemptToken, fence: Fence) -> Ahead {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that an earlier process noted was never made: this one could not be.
        if let Some((_, line)) = notes.left.remove(&claim) {
            notes.free.push(line);
        }
        let line = notes.write(&(claim, fence));
        Ahead {
            line,
            notes: Arc::clone(self),
        }
    }

    /// The note that an earlier process left of a claim that was made under this fence: no call was made. It is kept until the
    /// claim is given back.
    pub fn take_left(self: &Arc<Self>, claim: AttemptToken, fence: Fence) -> Option<Ahead> {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (noted, line) = notes.left.remove(&claim)?;
        drop(notes);
        let left = Ahead {
            line: Some(line),
            notes: Arc::clone(self),
        };
        (noted == fence).then_some(left)
    }
}

impl Notes {
    fn write(&mut self, claim: &Claim) -> Option<u64> {
        let file = self.file.as_ref()?;
        let at = self.free.pop().unwrap_or(self.lines);
        // A line that was not written whole says nothing.
        match file.write_all_at(&line(&text_of(claim, &self.boot)), place(at)) {
            Ok(()) => {
                self.lines = self.lines.max(at + 1);
                Some(at)
            }
            Err(error) => {
                self.give_up(&error);
                None
            }
        }
    }

    fn wipe(&mut self, at: u64) -> Result<(), NotWiped> {
        let Some(file) = &self.file else {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        };
        if let Err(error) = file.write_all_at(&line(""), place(at)) {
            self.give_up(&error);
            return Err(error.into());
        }
        self.free.push(at);
        Ok(())
    }

    /// Notes nothing more, and leaves nothing that would be believed.
    fn give_up(&mut self, error: &io::Error) {
        tracing::error!(%error, "cannot note claims any more: a kill leaves all of them unknown");
        if let Some(file) = self.file.take()
            && file.set_len(0).is_ok()
        {
            return;
        }
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::error!(file = %self.path.display(), %error, "remove this file before the next start");
        }
    }
}

impl Ahead {
    /// Wipes the note: a call begins.
    pub fn begin(mut self) -> Result<(), NotWiped> {
        self.line.take().map_or(Ok(()), |at| self.notes.wipe(at))
    }
}

impl ClaimsAhead {
    fn wipe(&self, at: u64) -> Result<(), NotWiped> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).wipe(at)
    }

    /// Lets go of the file as a kill does: nothing is written any more.
    #[cfg(test)]
    pub(crate) fn die(&self) {
        self.0.lock().unwrap().file = None;
    }
}

impl Drop for Ahead {
    /// The claim was given back or refused. A note that stays is about a claim that is nobody's any more.
    fn drop(&mut self) {
        if let Some(at) = self.line.take() {
            let _ = self.notes.wipe(at);
        }
    }
}

fn place(line: u64) -> u64 {
    u64::try_from(WIDTH).unwrap_or(u64::MAX).saturating_mul(line)
}

fn line(text: &str) -> [u8; WIDTH] {
    let mut line = [b' '; WIDTH];
    line.iter_mut()
        .zip(text.bytes())
        .for_each(|(place, byte)| *place = byte);
    if let Some(last) = line.last_mut() {
        *last = b'\n';
    }
    line
}

/// A note's text. Its sum is of the boot id, too: after another start of the machine it is wrong.
fn text_of((claim, fence): &Claim, boot: &str) -> String {
    let text = format!("{claim} {}", fence.get());
    let sum = sum(&text, boot);
    format!("{text} {sum:08x}")
}

fn sum(text: &str, boot: &str) -> u32 {
    crc32fast::hash(format!("{boot} {text}").as_bytes())
}

fn claim_of(line: &[u8], boot: &str) -> Option<Claim> {
    let (text, told) = std::str::from_utf8(line).ok()?.trim_end().rsplit_once(' ')?;
    let (claim, fence) = text.split_once(' ')?;
    let is_whole = u32::from_str_radix(told, 16).ok()? == sum(text, boot);
    is_whole.then_some((claim.parse().ok()?, Fence::new(fence.parse().ok()?)))
}

/// What a file says since this start of the machine.
fn read(bytes: &[u8], boot: &str) -> Notes {
    let mut notes = Notes::default();
    for (at, line) in (0..).zip(bytes.chunks(WIDTH)) {
        notes.lines = at + 1;
        match claim_of(line, boot) {
            Some((claim, fence)) => {
                notes.left.insert(claim, (fence, at));
            }
            None => notes.free.push(at),
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ConversationId, MessageId, TenantId};

    fn claim(n: u8, attempt: u8) -> AttemptToken {
        AttemptToken {
            tenant: TenantId::new(7),
            conversation: ConversationId::from_bytes([n; 16]),
            message: MessageId::from_bytes([n; 16]),
            attempt,
        }
    }

    fn open(folder: &Path, boot: &str) -> Arc<ClaimsAhead> {
        Arc::new(ClaimsAhead::since(folder, boot).unwrap())
    }

    const MINE: Fence = Fence::new(7);
    const OTHER: Fence = Fence::new(8);

    /// What the next process finds after this one is killed, and gives back.
    fn left(folder: &Path, boot: &str) -> Vec<u8> {
        let next = open(folder, boot);
        (0..200)
            .filter(|n| next.take_left(claim(*n, 1), MINE).is_some())
            .collect()
    }

    #[test]
    fn a_note_is_left_of_each_claim_whose_call_has_not_begun_and_of_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let notes = open(folder.path(), "boot-1");
        let ahead: Vec<Ahead> = (0..100).map(|n| notes.note(claim(n, 1), MINE)).collect();
        let mut kept = Vec::new();
        for (n, note) in (0_u8..).zip(ahead) {
            match n % 3 {
                0 => kept.push(note),
                1 => note.begin().unwrap(),
                _ => drop(note),
            }
        }
        // Lines are used again.
        kept.push(notes.note(claim(150, 1), MINE));
        notes.note(claim(151, 1), MINE).begin().unwrap();
        notes.die();
        drop(kept);
        let expected: Vec<u8> = (0..100).step_by(3).chain([150]).collect();
        // The next one is killed before, and while, it gives them back.
        let next = open(folder.path(), "boot-1");
        let in_hand = next.take_left(claim(3, 1), MINE).unwrap();
        next.die();
        drop(in_hand);
        assert_eq!(left(folder.path(), "boot-1"), expected);
        assert_eq!(left(folder.path(), "boot-1"), [0_u8; 0], "told once");
    }

    #[test]
    fn nothing_is_believed_after_a_start_of_the_machine_or_of_a_damaged_file() {
        let folder = tempfile::tempdir().unwrap();
        let write = || {
            let notes = open(folder.path(), "boot-1");
            let note = notes.note(claim(1, 1), MINE);
            notes.die();
            drop(note);
        };
        write();
        assert_eq!(left(folder.path(), "boot-2"), [0_u8; 0]);
        assert_eq!(left(folder.path(), "boot-1"), [0_u8; 0], "nor later");
        let path = folder.path().join(NAME);
        let noted = text_of(&(claim(1, 1), MINE), "boot-1");
        for place in [0, 3, 50, noted.rfind(" 7 ").unwrap() + 1, noted.len() - 1] {
            write();
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[place] = bytes[place].wrapping_add(1);
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(left(folder.path(), "boot-1"), [0_u8; 0], "damaged at {place}");
        }
        write();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(left(folder.path(), "boot-1"), [0_u8; 0]);
    }

    #[test]
    fn a_claim_that_this_process_makes_is_not_taken_for_an_earlier_ones() {
        let folder = tempfile::tempdir().unwrap();
        let notes = open(folder.path(), "boot-1");
        let note = notes.note(claim(1, 1), MINE);
        notes.die();
        drop(note);
        let notes = open(folder.path(), "boot-1");
        notes.note(claim(1, 1), OTHER).begin().unwrap();
        assert!(notes.take_left(claim(1, 1), MINE).is_none());
        drop(notes);
        assert_eq!(
            left(folder.path(), "boot-1"),
            [0_u8; 0],
            "its call may have begun"
        );
    }

    #[test]
    fn a_call_is_not_made_whose_note_cannot_be_wiped_and_nothing_is_noted_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let notes = open(folder.path(), "boot-1");
        let note = notes.note(claim(1, 1), MINE);
        // A file that cannot be written any more.
        notes.0.lock().unwrap().file = Some(File::open(folder.path().join(NAME)).unwrap());
        note.begin().unwrap_err();
        notes.note(claim(2, 1), MINE).begin().unwrap();
    }

    #[test]
    fn a_note_of_a_claim_that_another_process_made_later_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let notes = open(folder.path(), "boot-1");
        let note = notes.note(claim(1, 1), MINE);
        notes.die();
        drop(note);
        let notes = open(folder.path(), "boot-1");
        assert!(notes.take_left(claim(1, 1), OTHER).is_none());
        drop(notes);
        assert_eq!(left(folder.path(), "boot-1"), [0_u8; 0], "nor later");
    }

    #[test]
    fn while_one_process_notes_in_a_folder_another_neither_notes_nor_believes() {
        let folder = tempfile::tempdir().unwrap();
        let notes = open(folder.path(), "boot-1");
        let note = notes.note(claim(1, 1), MINE);
        assert_eq!(left(folder.path(), "boot-1"), [0_u8; 0]);
        let second = open(folder.path(), "boot-1").note(claim(2, 1), OTHER);
        second.begin().unwrap();
        notes.die();
        drop(note);
        assert_eq!(left(folder.path(), "boot-1"), [1]);
    }
}
