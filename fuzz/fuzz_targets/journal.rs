//! A start over segments of the webhooks' log that were cut, overwritten or swapped for something else.
//!
//! A webhook that is reported stands whole in a segment. Every record that is whole counts, whatever is damaged beside it. A
//! start that was told how much was acknowledged refuses a log that holds less. What was mended is in order at the next start.
//!
//! The input is a plan: what is written to up to three segments, then what happens to them.

#![no_main]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use memchr::memmem;
use mesej::domain::{JournalId, Timestamp};
use mesej::store::JournalEntry;
use mesej::store::fjall::{Loss, fuzzing as log};

const SEGMENTS: usize = 3;
const ACCEPTED: Loss = Loss::IsAcceptedAt(Timestamp::from_secs(1));

/// What a record says.
enum What {
    Entry(JournalEntry),
    Done(JournalId),
}

/// A record, and where it stands.
struct Record {
    segment: usize,
    from: usize,
    to: usize,
    what: What,
}

/// A log as it was written, and what became of it.
#[derive(Default)]
struct Log {
    written: Vec<Vec<u8>>,
    segments: Vec<Vec<u8>>,
    records: Vec<Record>,
    /// Something stands in it that the log did not write.
    has_strangers: bool,
}

fuzz_target!(|input: &[u8]| {
    let Some((mode, plan)) = input.split_first() else {
        return;
    };
    let log = Log::planned(plan);
    let folder = scratch();
    let segments = folder.path().join("log");
    fs::create_dir(&segments).expect("a folder");
    for (number, bytes) in (1..).zip(&log.segments) {
        fs::write(segments.join(log::name(number)), bytes).expect("a segment");
    }
    let watermark = folder.path().join("watermark");
    let is_noted = mode % 2 == 0;
    if is_noted {
        let acknowledged: Vec<_> = (1..).zip(log.written.iter().map(|bytes| length(bytes))).collect();
        log::note(&watermark, &acknowledged).expect("a note");
    }

    let strict = log::recover(&segments, &watermark, Loss::IsRefused);
    if is_noted && log.records.iter().any(|record| !log.is_whole(record)) {
        assert!(
            strict.is_err(),
            "what was acknowledged is missing, and nobody is told"
        );
    }
    if log.segments == log.written && !log.has_strangers {
        assert!(strict.is_ok(), "{:?}", strict.err());
    }
    let found = match strict {
        Ok(found) => found,
        Err(_) => log::recover(&segments, &watermark, ACCEPTED).expect("what is left"),
    };
    for entry in &found {
        assert!(
            log.holds(entry),
            "{} was reported and stands nowhere whole",
            entry.id
        );
    }
    if !log.has_strangers {
        assert_eq!(found, log.expected());
    }
    let nothing_noted = folder.path().join("nothing");
    let again = log::recover(&segments, &nothing_noted, Loss::IsRefused);
    assert_eq!(again.expect("a log in order"), found);
});

/// A folder in memory where there is one: nothing here has to outlive a loss of power.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    folder.expect("a folder")
}

impl Log {
    fn planned(mut plan: &[u8]) -> Self {
        let mut log = Self {
            segments: vec![log::BEGINNING.to_vec()],
            ..Self::default()
        };
        // Damage comes after everything is written.
        let mut damage = Vec::new();
        while let Some((step, rest)) = plan.split_first_chunk::<2>() {
            plan = rest;
            let [kind, number] = *step;
            match kind % 8 {
                0..=2 => {
                    let (body, rest) = rest.split_at(usize::from(number >> 3).min(rest.len()));
                    plan = rest;
                    log.put(What::Entry(JournalEntry {
                        id: id(number & 7),
                        received: Timestamp::from_secs(i64::from(number)),
                        body: body.to_vec().into(),
                    }));
                }
                3 => log.put(What::Done(id(number & 7))),
                4 if log.segments.len() < SEGMENTS => log.segments.push(log::BEGINNING.to_vec()),
                5 => {
                    let (strange, rest) = rest.split_at(usize::from(number).min(rest.len()));
                    plan = rest;
                    log.has_strangers |= !strange.is_empty();
                    log.newest().extend_from_slice(strange);
                }
                6 | 7 => damage.push((kind, number)),
                _ => {}
            }
        }
        log.written = log.segments.clone();
        for (kind, number) in damage {
            log.damage(kind, number);
        }
        log
    }

    fn newest(&mut self) -> &mut Vec<u8> {
        self.segments.last_mut().expect("one at least")
    }

    fn put(&mut self, what: What) {
        let segment = self.segments.len() - 1;
        let bytes = self.newest();
        let from = bytes.len();
        match &what {
            What::Entry(entry) => log::put_entry(bytes, entry),
            What::Done(id) => log::put_done(bytes, &[*id]),
        }
        let to = bytes.len();
        self.records.push(Record {
            segment,
            from,
            to,
            what,
        });
    }

    /// Changes a byte of a segment, or cuts the newest one off.
    fn damage(&mut self, kind: u8, number: u8) {
        let newest = self.segments.len() - 1;
        if kind % 8 == 6 {
            self.newest().truncate(usize::from(number));
        } else if let Some(byte) =
            self.segments[usize::from(kind >> 6).min(newest)].get_mut(usize::from(number))
        {
            *byte ^= 1 << (kind >> 3 & 7);
        }
    }

    /// Whether a record stands where it was written, as it was written.
    fn is_whole(&self, record: &Record) -> bool {
        let Record {
            segment, from, to, ..
        } = *record;
        self.segments[segment].get(from..to) == self.written[segment].get(from..to)
    }

    /// Whether the record of a webhook stands in a segment, byte for byte.
    fn holds(&self, entry: &JournalEntry) -> bool {
        let mut record = Vec::new();
        log::put_entry(&mut record, entry);
        self.segments
            .iter()
            .any(|bytes| memmem::find(bytes, &record).is_some())
    }

    /// What is open by the records that are whole.
    fn expected(&self) -> Vec<JournalEntry> {
        let mut open = BTreeMap::new();
        for record in self.records.iter().filter(|record| self.is_whole(record)) {
            match &record.what {
                What::Entry(entry) => open.insert(entry.id, entry.clone()),
                What::Done(id) => open.remove(id),
            };
        }
        open.into_values().collect()
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a length")
}

fn id(number: u8) -> JournalId {
    JournalId::from_bytes([number; 16])
}
