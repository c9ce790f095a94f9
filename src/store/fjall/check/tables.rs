//! The engine's tables, and the manifests that list them.
//!
//! `current` names a keyspace's manifest and its sum; the manifest (`v` and a number) lists the tables and theirs. Tables are
//! written once. Reading all of them would take minutes in a large folder: the newest are read to the end, of the others only
//! the end is, and their blocks carry sums of their own, which every read checks.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

/// Bytes of tables that a start reads to the end.
pub(super) const READ_WHOLE: u64 = 128 << 20;
/// Read at once.
const PIECE: usize = 1 << 20;

/// A table in a manifest.
struct Listed {
    id: u64,
    sum: u128,
}

/// What is wrong with one keyspace's folder. `room` is how much may still be read to the end.
pub(super) fn problems(folder: &Path, room: &mut u64) -> Vec<String> {
    let mut listed = match manifest(folder) {
        Ok(listed) => listed,
        Err(problem) => return vec![problem],
    };
    listed.sort_unstable_by_key(|table| std::cmp::Reverse(table.id));
    let checked = listed.iter().filter_map(|table| {
        let path = folder.join("tables").join(table.id.to_string());
        let problem = match check(&path, table.sum, room) {
            Ok(true) => return None,
            Ok(false) => "is damaged".to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => "is missing".to_owned(),
            Err(error) => format!("cannot be read ({error})"),
        };
        Some(format!("{} {problem}", path.display()))
    });
    checked.collect()
}

fn check(path: &Path, sum: u128, room: &mut u64) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > *room {
        return Ok(sfa::Reader::from_reader(&mut file).is_ok());
    }
    *room -= length;
    let mut hasher = Xxh3Default::new();
    let mut buffer = vec![0; PIECE];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.digest128() == sum),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

fn manifest(folder: &Path) -> Result<Vec<Listed>, String> {
    let current = folder.join("current");
    let bytes = fs::read(&current).map_err(|error| unreadable(&current, &error))?;
    let parsed = bytes.split_first_chunk::<8>().and_then(|(id, rest)| {
        let (sum, kind) = rest.split_first_chunk::<16>()?;
        (kind == [0]).then(|| (u64::from_le_bytes(*id), u128::from_le_bytes(*sum)))
    });
    let (id, sum) = parsed.ok_or_else(|| format!("{} is damaged", current.display()))?;
    let path = folder.join(format!("v{id}"));
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (current, path) = (current.display(), path.display());
            return Err(format!(
                "{current} names {path}, which is not there: one of them is damaged or lost"
            ));
        }
        Err(error) => return Err(unreadable(&path, &error)),
    };
    let listed = (xxh3_128(&bytes) == sum).then(|| list(&path)).flatten();
    listed.ok_or_else(|| format!("{} or {} is damaged", path.display(), current.display()))
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => format!("{path} is missing"),
        _ => format!("{path} cannot be read ({error})"),
    }
}

/// The tables in a manifest: levels, their runs, and the tables of each.
fn list(path: &Path) -> Option<Vec<Listed>> {
    let archive = sfa::Reader::new(path).ok()?;
    let mut from = archive.toc().section(b"tables")?.buf_reader(path).ok()?;
    let mut listed = Vec::new();
    let [levels] = take(&mut from)?;
    for _ in 0..levels {
        let [runs] = take(&mut from)?;
        for _ in 0..runs {
            let tables = u32::from_le_bytes(take(&mut from)?);
            for _ in 0..tables {
                let id = u64::from_le_bytes(take(&mut from)?);
                let [_kind] = take(&mut from)?;
                let sum = u128::from_le_bytes(take(&mut from)?);
                let _seqno: [u8; 8] = take(&mut from)?;
                listed.push(Listed { id, sum });
            }
        }
    }
    Some(listed)
}

fn take<const N: usize>(from: &mut impl io::Read) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).ok()?;
    Some(bytes)
}
