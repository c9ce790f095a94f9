//! Entries that the journal did not show when it was read, and that may turn up: a replica that came back without its last
//! writes answers before the others have told it of them, and a write that failed for its caller may have been made. They are
//! looked for again, less and less often.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use super::item::{Flow, Item, TakenIn};
use super::{AGAIN, Backlog, Seen};
use crate::domain::{JournalId, TenantId};
use crate::store::JournalEntry;
use crate::telemetry::metrics;
use crate::whatsapp::webhook::Haste;

/// How long before each look. Nodes of a cluster keep hints for each other for three hours, by default.
const PAUSES: [Duration; 6] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_mins(1),
    Duration::from_mins(10),
    Duration::from_hours(1),
    Duration::from_hours(4),
];
/// Entries looked for. With more, the whole journal is read once more, in [`OVERFLOW`].
const MOST: usize = 8_192;
/// Of them, such as Meta was not told are kept.
const DOUBTFUL: usize = MOST / 2;
/// Of them, such as another process told of are looked for. What is beyond that is passed over without a scan: as a rule they
/// are done, and were told twice.
const ELSEWHERE: usize = MOST / 4;
/// See [`MOST`].
const OVERFLOW: Duration = Duration::from_mins(1);
/// Entries looked for at once.
const TOGETHER: usize = 128;

/// What Meta was told of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// That it is kept.
    Kept,
    /// The same, by another process, which told this one of the entry.
    KeptElsewhere,
    /// That it is not: it comes again.
    Refused,
}

/// An entry that is looked for.
#[derive(Debug)]
pub(in crate::ingest) struct Missing {
    flow: Flow,
    item: Item,
    told: Told,
    looks: usize,
}

impl Missing {
    /// Its place in the journal.
    pub(in crate::ingest) fn id(&self) -> JournalId {
        self.item.id
    }
}

/// All that are looked for, by when; each once.
#[derive(Debug, Default)]
pub(super) struct AllMissing {
    by_due: BTreeMap<(Instant, JournalId, Flow), Missing>,
    known: HashSet<(JournalId, Flow)>,
}

impl AllMissing {
    fn insert(&mut self, due: Instant, one: Missing) {
        if self.known.insert((one.item.id, one.flow)) {
            self.by_due.insert((due, one.item.id, one.flow), one);
        }
    }

    fn is_known(&self, one: &Missing) -> bool {
        self.known.contains(&(one.item.id, one.flow))
    }

    fn due(&self) -> Option<Instant> {
        self.by_due.first_key_value().map(|((due, ..), _)| *due)
    }

    fn take_due(&mut self, now: Instant) -> Option<Missing> {
        let first = self.by_due.first_entry().filter(|first| first.key().0 <= now)?;
        let one = first.remove();
        self.known.remove(&(one.item.id, one.flow));
        Some(one)
    }
}

impl Backlog {
    /// An entry was handed to the journal, and nobody knows whether it stands there.
    pub(in crate::ingest) fn doubtful(
        &mut self,
        entry: JournalEntry,
        owners: Vec<TenantId>,
        haste: Haste,
        now: Instant,
    ) {
        let seen = Seen { entry, owners, haste };
        for (flow, item) in seen.split() {
            self.seek(flow, item, Told::Refused, now);
        }
    }

    /// An entry is not in the journal.
    pub(in crate::ingest) fn missing(&mut self, flow: Flow, item: Item, now: Instant) {
        let told = match item.taken_in {
            TakenIn::Here => Told::Kept,
            TakenIn::Elsewhere => Told::KeptElsewhere,
        };
        self.seek(flow, item, told, now);
    }

    fn seek(&mut self, flow: Flow, mut item: Item, told: Told, now: Instant) {
        item.entry = None;
        let looks = 0;
        let one = Missing {
            flow,
            item,
            told,
            looks,
        };
        self.look_later(one, now);
    }

    /// When the journal should be asked for those that are missing.
    pub(in crate::ingest) fn look_due(&self) -> Option<Instant> {
        self.missing.due()
    }

    /// Those that are to be looked for now.
    pub(in crate::ingest) fn take_missing(&mut self, now: Instant) -> Vec<Missing> {
        let mut taken = Vec::new();
        while taken.len() < TOGETHER
            && let Some(one) = self.missing.take_due(now)
        {
            taken.push(one);
        }
        taken
    }

    /// The journal was asked for them, and had these.
    pub(in crate::ingest) fn looked(&mut self, sought: Vec<Missing>, found: Vec<JournalEntry>, now: Instant) {
        let found: HashMap<JournalId, JournalEntry> =
            found.into_iter().map(|entry| (entry.id, entry)).collect();
        for mut one in sought {
            if let Some(entry) = found.get(&one.item.id) {
                metrics::journal_replayed_total().increment(1);
                one.item.entry = Some(entry.clone());
                self.arrive(one.flow, one.item);
            } else {
                one.looks += 1;
                self.look_later(one, now);
            }
        }
    }

    /// The journal could not be asked.
    pub(in crate::ingest) fn not_looked(&mut self, sought: Vec<Missing>, now: Instant) {
        for one in sought {
            self.missing.insert(now + AGAIN, one);
        }
    }

    fn look_later(&mut self, one: Missing, now: Instant) {
        let Some(pause) = PAUSES.get(one.looks) else {
            if one.told == Told::Kept {
                // As a rule, another process did it.
                tracing::info!(journal.id = %one.item.id, "a webhook is not looked for in the journal any more");
            }
            return;
        };
        if self.missing.is_known(&one) {
            return;
        }
        let most = match one.told {
            Told::Kept => MOST,
            Told::KeptElsewhere => ELSEWHERE,
            Told::Refused => DOUBTFUL,
        };
        if self.missing.by_due.len() < most {
            self.missing.insert(now + *pause, one);
        } else if one.told != Told::KeptElsewhere {
            self.scan_within(OVERFLOW, now);
        }
    }
}
