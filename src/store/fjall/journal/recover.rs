//! Reading all segments at the start, and what is done about those that cannot be read.
//!
//! A group of writes that was cut off at the end of the newest one was never acknowledged: it is cut away. The watermark says
//! how far each segment was acknowledged; what cannot be read before that, and a segment that is missing, was acknowledged.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::failed;
use super::index::{Index, Location};
use super::preallocation;
use super::record::{self, Record};
use super::segment::{self, MAGIC};
use crate::domain::quantity;
use crate::store::error::StoreError;
use crate::store::fjall::{aside, check, disk, sync_folder, watermark};

/// What the watermark of the log says: segments, and how many bytes of each were acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Noted(pub(super) Vec<(u64, u64)>);

/// What stands in a segment.
struct Read {
    /// Records, and the bytes before each.
    records: Vec<(usize, Record)>,
    /// Bytes up to the end of the last record of those that follow each other.
    good: usize,
    /// Bytes up to the last one that is not zero.
    written: usize,
    /// Bytes before the first record that can be read although something before it cannot.
    behind: Option<usize>,
}

/// Segments of a folder.
pub(super) struct Found {
    pub(super) index: Index,
    pub(super) newest: u64,
}

/// What stands in a folder of segments, before anything of it is changed.
pub(in crate::store::fjall) struct Checked {
    folder: PathBuf,
    segments: Vec<Segment>,
    /// Those whose making was cut off.
    unmade: Vec<PathBuf>,
    newest: u64,
    problems: Vec<String>,
    /// Bytes that were acknowledged and cannot be read, and webhooks that can although they stand behind such.
    lost: u64,
    behind: usize,
}

struct Segment {
    number: u64,
    path: PathBuf,
    length: usize,
    read: Read,
    verdict: Verdict,
}

/// Reads all segments of a folder, and changes nothing.
pub(in crate::store::fjall) fn check(folder: &Path, watermark: &Path) -> Result<Checked, StoreError> {
    let noted: Option<Noted> = watermark::read(watermark).map_err(failed)?;
    let acknowledged: Option<BTreeMap<u64, u64>> = noted.map(|noted| noted.0.into_iter().collect());
    let mut segments = list(folder)?;
    if acknowledged.is_none() && !segments.is_empty() {
        tracing::warn!(
            file = %watermark.display(),
            "the watermark is missing or damaged: damage to the end of the webhooks' log cannot be told from a write that was cut off"
        );
    }
    let unmade = take_unmade(&mut segments, acknowledged.as_ref())?;
    let mut checked = Checked {
        folder: folder.to_owned(),
        segments: Vec::new(),
        unmade,
        newest: segments.last_key_value().map_or(0, |(number, _)| *number),
        problems: Vec::new(),
        lost: 0,
        behind: 0,
    };
    for (number, bytes) in acknowledged.iter().flatten() {
        let written = bytes.saturating_sub(segment::length(MAGIC));
        if written > 0 && !segments.contains_key(number) {
            let path = folder.join(segment::name(*number));
            checked.problems.push(format!("{} is missing", path.display()));
            checked.lost += written;
        }
    }
    for (number, path) in segments {
        let bytes = fs::read(&path).map_err(failed)?;
        let read = read(&bytes);
        let least = acknowledged
            .as_ref()
            .map(|all| all.get(&number).copied().unwrap_or_default());
        let verdict = judge(&read, number == checked.newest, least);
        if let Verdict::Damaged(at) = verdict {
            let what = format!("{} cannot be read from byte {at} on", path.display());
            checked.problems.push(what);
            let (readable, behind) = readable_behind(&bytes, read.good);
            let whole = least.unwrap_or_else(|| count(read.written));
            checked.lost += whole.saturating_sub(count(read.good.max(MAGIC.len()) + readable));
            checked.behind += behind;
        }
        checked.segments.push(Segment {
            number,
            path,
            length: bytes.len(),
            read,
            verdict,
        });
    }
    Ok(checked)
}

impl Checked {
    /// Why the folder is not opened, if something that was acknowledged is missing.
    pub(in crate::store::fjall) fn refusal(&self) -> Option<StoreError> {
        let Self { lost, behind, .. } = self;
        let missing = format!(
            "{} of webhooks that were acknowledged; {} behind them can be read",
            quantity(*lost, "byte"),
            quantity(count(*behind), "webhook")
        );
        let told = format!("of the webhook journal, {}", self.problems.join("; "));
        (!self.problems.is_empty()).then(|| check::refusal(&told, Some(&missing), true))
    }

    /// Cuts away what was never acknowledged, mends what is damaged, and gives what is open. The folder is made if it is not
    /// there.
    pub(super) fn recover(self) -> Result<Found, StoreError> {
        let Self { folder, newest, .. } = self;
        fs::create_dir_all(&folder).map_err(failed)?;
        // Else a loss of power takes the folder, and with it what was acknowledged in it.
        folder.parent().map_or(Ok(()), sync_folder).map_err(failed)?;
        preallocation::remove(&folder).map_err(failed)?;
        for path in self.unmade {
            fs::remove_file(path).map_err(failed)?;
        }
        if !self.problems.is_empty() {
            let what = self.problems.join("; ");
            tracing::error!(
                missing_bytes = self.lost,
                "accepted as lost: of the webhook journal, {what}"
            );
        }
        let mut index = Index::default();
        for segment in self.segments {
            let Segment {
                number,
                path,
                length,
                read,
                verdict,
            } = segment;
            let read = match verdict {
                Verdict::Whole => read,
                Verdict::Torn => {
                    cut(&path, read.good, length)?;
                    read
                }
                Verdict::Scattered | Verdict::Damaged(_) => mend(&folder, &path).map_err(failed)?,
            };
            place(&mut index, number, path, read, newest)?;
        }
        Ok(Found { index, newest })
    }
}

fn list(folder: &Path) -> Result<BTreeMap<u64, PathBuf>, StoreError> {
    let mut segments = BTreeMap::new();
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(segments),
        Err(error) => return Err(failed(error)),
    };
    for file in files {
        let path = file.map_err(failed)?.path();
        if path.extension().is_none_or(|found| found != segment::EXTENSION) {
            continue;
        }
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        let number: u64 = number.ok_or_else(|| {
            let what = format!("{} is none of its segments", path.display());
            StoreError::corrupt("the webhook journal", what)
        })?;
        segments.insert(number, path);
    }
    Ok(segments)
}

/// Takes out the newest segments as long as their making was cut off: nothing was written to them.
fn take_unmade(
    segments: &mut BTreeMap<u64, PathBuf>,
    acknowledged: Option<&BTreeMap<u64, u64>>,
) -> Result<Vec<PathBuf>, StoreError> {
    let mut unmade = Vec::new();
    while let Some(last) = segments.last_entry() {
        let bytes = fs::read(last.get()).map_err(failed)?;
        let is_empty =
            MAGIC.starts_with(&bytes) && bytes.len() < MAGIC.len() || bytes.iter().all(|byte| *byte == 0);
        let noted = acknowledged
            .and_then(|all| all.get(last.key()))
            .copied()
            .unwrap_or_default();
        if !is_empty || noted > segment::length(MAGIC) {
            break;
        }
        unmade.push(last.remove());
    }
    Ok(unmade)
}

fn read(bytes: &[u8]) -> Read {
    let mut read = Read {
        records: Vec::new(),
        good: if bytes.starts_with(MAGIC) { MAGIC.len() } else { 0 },
        written: bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1),
        behind: None,
    };
    while read.good > 0
        && let Some((record, size)) = bytes.get(read.good..).and_then(record::read)
    {
        read.records.push((read.good, record));
        read.good += size;
    }
    if read.good < read.written {
        read.behind = next(bytes, read.good);
    }
    read
}

/// The next record that can be read from somewhere on.
fn next(bytes: &[u8], from: usize) -> Option<usize> {
    // A record's kind comes after its length and sum.
    let mut at = from.saturating_add(record::FRAME);
    while let Some(step) = memchr::memchr2(record::ENTRY, record::DONE, bytes.get(at..)?) {
        let begins = at + step - record::FRAME;
        if record::read(bytes.get(begins..)?).is_some() {
            return Some(begins);
        }
        at += step + 1;
    }
    None
}

/// Bytes and number of the webhooks that can be read behind some place.
fn readable_behind(bytes: &[u8], from: usize) -> (usize, usize) {
    let (mut readable, mut webhooks) = (0, 0);
    let mut at = next(bytes, from);
    while let Some(begins) = at {
        match bytes.get(begins..).and_then(record::read) {
            Some((record, size)) => {
                readable += size;
                webhooks += usize::from(matches!(record, Record::Entry { .. }));
                at = Some(begins + size);
            }
            None => at = next(bytes, begins),
        }
    }
    (readable, webhooks)
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// What a segment is like.
enum Verdict {
    Whole,
    /// Its end was not acknowledged, and cannot be read.
    Torn,
    /// The same, but something behind it can be read: marks are not synced, so that they may be missing before what is.
    Scattered,
    /// What was acknowledged cannot be read from there on.
    Damaged(usize),
}

/// `least` are the bytes that were acknowledged, where that was noted.
fn judge(read: &Read, is_newest: bool, least: Option<u64>) -> Verdict {
    let good = u64::try_from(read.good).unwrap_or(u64::MAX);
    let is_short = least.is_some_and(|least| good < least);
    if read.good >= read.written && read.good > 0 && !is_short {
        return Verdict::Whole;
    }
    if !is_newest || read.good == 0 || is_short {
        return Verdict::Damaged(read.good);
    }
    match (read.behind, least) {
        (None, _) => Verdict::Torn,
        (Some(_), Some(_)) => Verdict::Scattered,
        (Some(_), None) => Verdict::Damaged(read.good),
    }
}

fn cut(path: &Path, good: usize, length: usize) -> Result<(), StoreError> {
    tracing::warn!(
        bytes = length.saturating_sub(good),
        "the end of the webhook journal was cut off in the middle of a write"
    );
    let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
    let good = u64::try_from(good).unwrap_or(u64::MAX);
    file.set_len(good).and_then(|()| file.sync_all()).map_err(failed)
}

/// Writes a segment again with all its records that can be read, and keeps a copy of it as it was.
fn mend(folder: &Path, path: &Path) -> io::Result<Read> {
    aside::copy(folder.parent().unwrap_or(folder), path)?;
    let bytes = fs::read(path)?;
    let mut mended = MAGIC.to_vec();
    let mut at = if bytes.starts_with(MAGIC) {
        Some(MAGIC.len())
    } else {
        next(&bytes, 0)
    };
    while let Some(begins) = at {
        match bytes.get(begins..).and_then(record::read) {
            Some((_, size)) => {
                mended.extend_from_slice(bytes.get(begins..begins + size).unwrap_or_default());
                at = Some(begins + size);
            }
            None => at = next(&bytes, begins),
        }
    }
    disk::replace(path, &mended)?;
    Ok(read(&mended))
}

fn place(index: &mut Index, number: u64, path: PathBuf, read: Read, newest: u64) -> Result<(), StoreError> {
    let file = OpenOptions::new().read(true).write(true).open(&path);
    let file = Arc::new(file.map_err(failed)?);
    index.add(number, Arc::clone(&file), path);
    for (at, record) in read.records {
        match record {
            Record::Entry {
                id,
                received,
                body_at,
                body_length,
            } => {
                let place = Location {
                    segment: number,
                    at: u64::try_from(at + body_at).unwrap_or(u64::MAX),
                    length: body_length,
                    received,
                };
                index.opened(id, place);
            }
            Record::Done(ids) => ids.into_iter().for_each(|id| index.closed(id)),
        }
    }
    index.grown(number, u64::try_from(read.good).unwrap_or(u64::MAX));
    // What was read may stand in memory alone. Older copies of it go, and newer segments come, only when it does not.
    if number == newest {
        file.sync_all().map_err(failed)?;
    }
    Ok(())
}
