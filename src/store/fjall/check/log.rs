//! The engine's log, read as it stands on disk.
//!
//! A batch is a beginning (`1`, items u32, seqno u64), its items (`2`, type, compression, keyspace u64, lengths of key u16,
//! of the value u32 and of what is stored of it u32, key, value; or `4`, keyspace u64) and an end (`3`, XXH3 of the items,
//! four fixed bytes). Numbers are little-endian. A file is made with zeros in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;
use xxhash_rust::xxh3::xxh3_64;

use crate::domain::TenantId;
use crate::store::fjall::codec;
use crate::store::fjall::tally::Tally;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const TRAILER: [u8; 4] = *b"FJL\x03";
/// More items than any batch has.
const MOST_ITEMS: u32 = 1 << 24;
static ZEROS: [u8; 1 << 12] = [0; 1 << 12];

/// Ends of ledgers.
type Heads = BTreeMap<TenantId, u64>;

/// One batch.
struct Batch {
    seqno: u64,
    tally: Option<Tally>,
    length: usize,
}

/// What can be read although something before it cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Behind {
    /// Bytes before it.
    pub(super) at: usize,
    pub(super) batches: u64,
    pub(super) last: Option<Tally>,
    /// Events in it, and in what is missing before it, as far as ledgers' ends tell.
    pub(super) events: u64,
}

/// One file.
pub(super) struct Log {
    pub(super) id: u64,
    pub(super) path: PathBuf,
    pub(super) batches: u64,
    /// The first and the last batch that were counted.
    pub(super) first: Option<Tally>,
    pub(super) last: Option<Tally>,
    /// Its last batch was not counted: a version wrote it that does not count.
    pub(super) uncounted: bool,
    /// Where batches are missing between two that follow each other, and the last one before.
    pub(super) jump: Option<(usize, Tally)>,
    /// Bytes up to the end of the last batch of those that follow each other.
    pub(super) good: usize,
    /// Bytes up to the last one that is not zero.
    pub(super) written: usize,
    pub(super) behind: Option<Behind>,
    pub(super) keyspaces: BTreeSet<u64>,
    heads: Heads,
}

/// Reads a file. `heads` are the ends of ledgers in the files before it.
pub(super) fn read(id: u64, path: PathBuf, before: Option<&Log>) -> io::Result<Log> {
    let bytes = written(&path)?;
    let mut log = Log {
        id,
        path,
        batches: 0,
        first: None,
        last: None,
        uncounted: false,
        jump: None,
        good: 0,
        written: bytes.len(),
        behind: None,
        keyspaces: BTreeSet::new(),
        heads: before.map(|log| log.heads.clone()).unwrap_or_default(),
    };
    let mut seqno = 0;
    while let Some(rest) = bytes.get(log.good..)
        && let Some(batch) = batch(rest, &mut log.keyspaces, &mut log.heads)
    {
        if let (Some(last), Some(tally)) = (log.last, batch.tally)
            && tally.commits != last.commits.saturating_add(1)
            && log.jump.is_none()
        {
            log.jump = Some((log.good, last));
        }
        log.uncounted = batch.tally.is_none();
        log.first = log.first.or(batch.tally);
        log.last = batch.tally.or(log.last);
        log.batches += 1;
        seqno = batch.seqno;
        log.good += batch.length;
    }
    if log.good < log.written {
        log.behind = behind(&bytes, log.good, seqno, &log.heads);
    }
    Ok(log)
}

/// What is in a file, without the zeros at its end.
fn written(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut end = 0;
    let mut at = 0;
    // Most of a young file was never written: there is nothing to read there.
    while at < length {
        match seek(&file, SeekFrom::Data(at)) {
            Ok(data) => at = seek(&file, SeekFrom::Hole(data)).unwrap_or(length),
            Err(Errno::NXIO) => break,
            Err(_) => at = length,
        }
        end = at;
    }
    seek(&file, SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    file.by_ref().take(end).read_to_end(&mut bytes)?;
    while bytes.ends_with(&ZEROS) {
        bytes.truncate(bytes.len() - ZEROS.len());
    }
    let written = bytes.iter().rposition(|byte| *byte != 0);
    bytes.truncate(written.map_or(0, |last| last + 1));
    Ok(bytes)
}

fn behind(bytes: &[u8], from: usize, after: u64, heads: &Heads) -> Option<Behind> {
    let mut found: Option<Behind> = None;
    let mut ends = heads.clone();
    let mut at = from + 1;
    while let Some(step) = memchr::memchr(START, bytes.get(at..)?) {
        at += step;
        let rest = bytes.get(at..)?;
        let Some(batch) = begins(rest, after)
            .then(|| batch(rest, &mut BTreeSet::new(), &mut ends))
            .flatten()
        else {
            at += 1;
            continue;
        };
        let found = found.get_or_insert(Behind {
            at,
            batches: 0,
            last: None,
            events: 0,
        });
        found.batches += 1;
        found.last = batch.tally.or(found.last);
        let grown = |(tenant, end): (&TenantId, &u64)| {
            let before = heads.get(tenant).copied().unwrap_or_default();
            end.saturating_sub(before)
        };
        found.events = ends.iter().map(grown).sum();
        at += batch.length;
    }
    found
}

/// Whether a batch may begin here: a look that most bytes do not pass.
fn begins(bytes: &[u8], after: u64) -> bool {
    let Some((start, rest)) = bytes.split_first_chunk::<13>() else {
        return false;
    };
    let [_, a, b, c, d, seqno @ ..] = *start;
    let items = u32::from_le_bytes([a, b, c, d]);
    let seqno = u64::from_le_bytes(seqno);
    (1..MOST_ITEMS).contains(&items)
        && seqno > after
        && seqno - after < 1 << 40
        && rest.first().is_some_and(|tag| *tag == ITEM || *tag == CLEAR)
}

fn batch(bytes: &[u8], keyspaces: &mut BTreeSet<u64>, heads: &mut Heads) -> Option<Batch> {
    let mut at = Cursor(bytes);
    let [START] = at.take()? else { return None };
    let items = u32::from_le_bytes(at.take()?);
    let seqno = u64::from_le_bytes(at.take()?);
    let body = at.0;
    let mut tally = None;
    let mut into = BTreeSet::new();
    let mut ends = Vec::new();
    for _ in 0..items {
        let [tag] = at.take()?;
        if tag == CLEAR {
            into.insert(u64::from_le_bytes(at.take()?));
            continue;
        }
        let (ITEM, [_kind, compression]) = (tag, at.take()?) else {
            return None;
        };
        into.insert(u64::from_le_bytes(at.take()?));
        let key_length = u16::from_le_bytes(at.take()?);
        let _whole: [u8; 4] = at.take()?;
        let length = u32::from_le_bytes(at.take()?);
        let key = at.slice(key_length.into())?;
        let value = at.slice(usize::try_from(length).ok()?)?;
        if compression == 0 {
            match key {
                [b'Z'] => tally = Tally::parse(value).or(tally),
                [b'h', tenant @ ..] => ends.extend(end_of(tenant, value)),
                _ => {}
            }
        }
    }
    let items = body.get(..body.len() - at.0.len())?;
    let [END] = at.take()? else { return None };
    let sum = u64::from_le_bytes(at.take()?);
    if at.take()? != TRAILER || xxh3_64(items) != sum {
        return None;
    }
    keyspaces.extend(into);
    for (tenant, end) in ends {
        let known = heads.entry(tenant).or_default();
        *known = end.max(*known);
    }
    Some(Batch {
        seqno,
        tally,
        length: bytes.len() - at.0.len(),
    })
}

fn end_of(tenant: &[u8], value: &[u8]) -> Option<(TenantId, u64)> {
    let tenant = TenantId::new(u64::from_be_bytes(tenant.try_into().ok()?));
    let head = codec::parse_head(codec::body(value).ok()?).ok()?;
    Some((tenant, head.head.get()))
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}
