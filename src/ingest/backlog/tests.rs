//! Whose turn it is, and that nothing is passed over whatever has no room in memory.

use bytes::Bytes;

use super::*;
use crate::domain::{TenantId, Timestamp};
use crate::store::{JournalEntry, Sharing};

const A: TenantId = TenantId::new(1);
const B: TenantId = TenantId::new(2);
const PROMPT: Haste = Haste::Prompt;
const STATUSES: Haste = Haste::Statuses;

fn entry(n: u32, bytes: usize) -> JournalEntry {
    JournalEntry {
        id: JournalId::from_bytes(u128::from(n).to_be_bytes()),
        received: Timestamp::default(),
        body: Bytes::from(vec![b'x'; bytes]),
    }
}

fn number(id: JournalId) -> u32 {
    u32::try_from(u128::from_be_bytes(*id.as_bytes())).unwrap()
}

/// A backlog that knows that the journal was empty.
fn opened() -> (Backlog, Instant) {
    let now = Instant::now();
    let mut backlog = Backlog::new(now, Sharing::Alone);
    assert_eq!(backlog.begin_scan(now), Some(After(None)));
    assert!(!backlog.scanned_all(now));
    (backlog, now)
}

fn take(backlog: &mut Backlog, now: Instant) -> Option<Work> {
    match backlog.next(now) {
        Next::Take(work) => Some(work),
        Next::At(_) | Next::Nothing => None,
    }
}

fn numbers(work: &Work) -> Vec<u32> {
    work.items.iter().map(|item| number(item.id)).collect()
}

/// Everything that was taken is handed over and committed.
fn finish(backlog: &mut Backlog, work: Work, now: Instant) {
    backlog.handed(work.flow, VecDeque::new(), work.pace, Handed::All, now);
    for item in &work.items {
        backlog.ended(work.flow, work.pace);
        backlog.closed(item.id, work.flow.owner);
    }
    backlog.applied(work.items.len(), now);
}

#[tokio::test(start_paused = true)]
async fn whoever_floods_takes_turns_with_those_who_do_not() {
    let (mut backlog, now) = opened();
    for n in 0..900 {
        backlog.push(entry(n, 10_000), vec![A], PROMPT);
    }
    backlog.push(entry(900, 10_000), vec![B], PROMPT);
    let first = take(&mut backlog, now).unwrap();
    assert_eq!(
        numbers(&first),
        [0, 1, 2, 3, 4, 5, 6],
        "as many bytes as a turn has"
    );
    let second = take(&mut backlog, now).unwrap();
    assert_eq!((second.flow.owner, numbers(&second)), (Some(B), vec![900]));
    assert!(take(&mut backlog, now).is_none(), "A has its turn still");
    finish(&mut backlog, first, now);
    assert_eq!(numbers(&take(&mut backlog, now).unwrap())[0], 7);
}

#[tokio::test(start_paused = true)]
async fn a_large_entry_costs_its_owner_as_many_turns_as_it_has_bytes() {
    let (mut backlog, now) = opened();
    let turn = usize::try_from(QUANTUM).unwrap();
    backlog.push(entry(0, 3 * turn), vec![A], PROMPT);
    for n in 1..=4 {
        backlog.push(entry(n, 1), vec![A], PROMPT);
        backlog.push(entry(10 * n, turn), vec![B], PROMPT);
    }
    let mut order = Vec::new();
    while let Some(work) = take(&mut backlog, now) {
        order.extend(numbers(&work));
        finish(&mut backlog, work, now);
    }
    assert_eq!(order, [0, 10, 20, 30, 1, 2, 3, 4, 40]);
}

#[tokio::test(start_paused = true)]
async fn a_message_does_not_wait_for_the_statuses_before_it() {
    let (mut backlog, now) = opened();
    for n in 0..900 {
        backlog.push(entry(n, 600), vec![A], STATUSES);
    }
    let statuses = take(&mut backlog, now).unwrap();
    backlog.push(entry(900, 600), vec![A], PROMPT);
    let message = take(&mut backlog, now).unwrap();
    assert_eq!(numbers(&message), [900], "while statuses are being handed over");
    assert!(statuses.share > LEAST);
    finish(&mut backlog, statuses, now);
    for n in 901..990 {
        backlog.push(entry(n, 600), vec![A], PROMPT);
    }
    finish(&mut backlog, message, now);
    let mut flows: Vec<Work> = std::iter::from_fn(|| take(&mut backlog, now)).collect();
    flows.sort_by_key(|work| work.flow);
    let shares: Vec<_> = flows.iter().map(|work| (work.flow.haste, work.share)).collect();
    assert_eq!(
        shares,
        [(PROMPT, MOST), (STATUSES, LEAST)],
        "statuses keep the ledger free for them"
    );
}

#[tokio::test(start_paused = true)]
async fn what_failed_goes_first_when_its_time_comes_and_nothing_of_its_flow_before() {
    let (mut backlog, now) = opened();
    for n in 0..200 {
        backlog.push(entry(n, 1), vec![A], PROMPT);
    }
    let mut work = take(&mut backlog, now).unwrap();
    let back = work.items.split_off(9);
    backlog.handed(work.flow, back, work.pace, Handed::All, now);
    let (flow, pace) = (work.flow, work.pace);
    backlog.again(flow, work.items.pop_front().unwrap(), pace, now);
    assert!(matches!(backlog.next(now), Next::At(at) if at == now + AGAIN));
    let now = now + AGAIN;
    let numbers = numbers(&take(&mut backlog, now).unwrap());
    assert_eq!((numbers[0], numbers[1]), (0, 9));
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_process_left_goes_before_what_comes_meanwhile() {
    let now = Instant::now();
    let mut backlog = Backlog::new(now, Sharing::Alone);
    assert_eq!(backlog.begin_scan(now), Some(After(None)));
    backlog.push(entry(7, 1), vec![A], PROMPT);
    assert!(take(&mut backlog, now).is_none());
    let seen = |n| Seen {
        entry: entry(n, 1),
        owners: vec![A],
        haste: PROMPT,
    };
    assert!(backlog.scanned(vec![seen(1), seen(2)]));
    let work = take(&mut backlog, now).unwrap();
    assert_eq!(numbers(&work), [1, 2]);
    assert!(!backlog.scanned_all(now));
    finish(&mut backlog, work, now);
    assert_eq!(numbers(&take(&mut backlog, now).unwrap()), [7]);
}

#[tokio::test(start_paused = true)]
async fn an_entry_of_two_owners_is_done_when_both_have_applied_their_part() {
    let (mut backlog, now) = opened();
    backlog.push(entry(1, 1), vec![A, B], PROMPT);
    let (one, other) = (take(&mut backlog, now).unwrap(), take(&mut backlog, now).unwrap());
    let (first, second) = (&one.items[0].part, &other.items[0].part);
    let owners = || vec![A, B];
    assert_eq!(first.of(Some(A), owners()), [A]);
    assert_eq!(second.of(Some(B), owners()), [B]);
    let stranger = TenantId::new(9);
    assert_eq!(
        first.of(Some(A), vec![stranger]),
        [stranger],
        "the first takes what nobody knew of"
    );
    assert_eq!(second.of(Some(B), vec![stranger]), []);
    assert_eq!(second.takes_strays(Some(B)), Strays::LeftToAnother);
    assert_eq!((first.ends(), second.ends()), (Ends::Part, Ends::Entry));
}

/// A journal of entries, in which a scan finds what is not done.
struct Journal {
    open: std::collections::BTreeMap<u32, (TenantId, Haste)>,
    next: u32,
    /// Where a scan under way goes on; an inner `None` is the beginning.
    #[expect(
        clippy::option_option,
        reason = "no scan, one from the beginning, and one from an entry on"
    )]
    at: Option<Option<u32>>,
}

impl Journal {
    fn append(&mut self, backlog: &mut Backlog, owner: TenantId, haste: Haste) {
        self.next += 1;
        self.open.insert(self.next, (owner, haste));
        backlog.push(entry(self.next, 1), vec![owner], haste);
    }

    /// Reads a page, if a scan is wanted.
    fn scan(&mut self, backlog: &mut Backlog, now: Instant) {
        let after = match self.at {
            Some(after) => after,
            None => match backlog.begin_scan(now) {
                Some(After(after)) => after.map(number),
                None => return,
            },
        };
        let from = after.map_or(0, |after| after + 1);
        let page: Vec<_> = self
            .open
            .range(from..)
            .take(5_000)
            .map(|(n, of)| (*n, *of))
            .collect();
        let (last, is_last) = (page.last().map(|(n, _)| *n), page.len() < 5_000);
        let seen = page.into_iter().map(|(n, (owner, haste))| Seen {
            entry: entry(n, 1),
            owners: vec![owner],
            haste,
        });
        self.at = Some(last.or(after));
        if !backlog.scanned(seen.collect()) {
            backlog.stop_scan();
            self.at = None;
        } else if is_last && !backlog.scanned_all(now) {
            self.at = None;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn more_than_memory_holds_is_applied_in_order_and_once_while_more_comes() {
    let (mut backlog, mut now) = opened();
    let mut journal = Journal {
        open: std::collections::BTreeMap::new(),
        next: 0,
        at: None,
    };
    for n in 0..140_000 {
        journal.append(&mut backlog, A, STATUSES);
        if n % 1_000 == 0 {
            journal.append(&mut backlog, A, PROMPT);
            journal.append(&mut backlog, B, STATUSES);
        }
    }
    let mut applied: std::collections::BTreeMap<Flow, Vec<u32>> = std::collections::BTreeMap::new();
    let mut turns = 0;
    while !journal.open.is_empty() {
        let held: usize = backlog.flows.values().map(Queue::len).sum();
        assert!(held <= 131_072 + 3 * 1_024, "{held} ids in memory");
        match backlog.next(now) {
            Next::Take(work) => {
                for n in numbers(&work) {
                    applied.entry(work.flow).or_default().push(n);
                    journal.open.remove(&n);
                }
                finish(&mut backlog, work, now);
            }
            Next::At(at) => now = now.max(at),
            Next::Nothing => {}
        }
        turns += 1;
        assert!(turns < 1_000_000, "{} are never applied", journal.open.len());
        if turns % 7 == 0 {
            journal.scan(&mut backlog, now);
        }
        if turns < 2_000 {
            for owner in [A, B] {
                journal.append(&mut backlog, owner, STATUSES);
            }
        }
    }
    let flow = |owner, haste| Flow {
        owner: Some(owner),
        haste,
    };
    let counts = [(A, STATUSES), (A, PROMPT), (B, STATUSES)].map(|(owner, haste)| {
        let numbers = &applied[&flow(owner, haste)];
        assert!(numbers.is_sorted(), "in order");
        let mut once = numbers.clone();
        once.dedup();
        assert_eq!(once.len(), numbers.len(), "once");
        once.len()
    });
    assert_eq!(counts, [140_000 + 1_999, 140, 140 + 1_999]);
    assert!(
        backlog.flows.is_empty(),
        "whoever has nothing to do costs nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_journal_does_not_show_is_looked_for_less_and_less_often_and_by_a_scan_if_it_is_too_much() {
    let (mut backlog, begin) = opened();
    backlog.doubtful(entry(1, 9), vec![A], PROMPT, begin);
    let mut looks = Vec::new();
    while let Some(due) = backlog.look_due() {
        let sought = backlog.take_missing(due);
        assert_eq!(sought.len(), 1);
        looks.push((due - begin).as_secs());
        backlog.looked(sought, Vec::new(), due);
    }
    assert_eq!(looks, [2, 12, 72, 672, 4_272, 18_672]);
    assert_eq!(backlog.scan_due(), None);
    for n in 0..4_096 {
        backlog.doubtful(entry(n, 9), vec![A], PROMPT, begin);
    }
    assert_eq!(backlog.scan_due(), None);
    backlog.doubtful(entry(4_096, 9), vec![A], PROMPT, begin);
    assert_eq!(backlog.scan_due(), Some(begin + Duration::from_mins(1)));
    // What Meta was told is kept has its place all the same, and is found at its fourth look.
    let flow = Flow {
        owner: Some(A),
        haste: PROMPT,
    };
    let kept = Item {
        id: entry(9_999, 9).id,
        size: 9,
        entry: None,
        part: Part::Whole,
        taken_in: TakenIn::Here,
    };
    backlog.missing(flow, kept.clone(), begin);
    for seconds in [2, 12, 72] {
        let now = begin + Duration::from_secs(seconds);
        while let sought = backlog.take_missing(now)
            && !sought.is_empty()
        {
            backlog.looked(sought, Vec::new(), now);
        }
    }
    let now = begin + Duration::from_secs(672);
    while let sought = backlog.take_missing(now)
        && !sought.is_empty()
    {
        backlog.looked(sought, vec![entry(9_999, 9)], now);
    }
    assert_eq!(numbers(&take(&mut backlog, now).unwrap()), [9_999]);
}

#[tokio::test(start_paused = true)]
async fn what_another_process_told_of_and_the_journal_does_not_show_is_looked_for_once_and_never_by_a_scan() {
    let (mut backlog, now) = opened();
    let flow = Flow {
        owner: Some(A),
        haste: PROMPT,
    };
    for n in (0..9_000).chain(0..9_000) {
        let told = Item {
            id: entry(n, 9).id,
            size: 9,
            entry: None,
            part: Part::Whole,
            taken_in: TakenIn::Elsewhere,
        };
        backlog.missing(flow, told, now);
    }
    assert_eq!(backlog.scan_due(), None);
    let due = backlog.look_due().unwrap();
    let mut sought = Vec::new();
    while let some = backlog.take_missing(due)
        && !some.is_empty()
    {
        sought.extend(some.iter().map(|one| number(one.id())));
    }
    assert_eq!(sought, (0..2_048).collect::<Vec<_>>());
}

/// Which entry another process told of, with more than is noted, is applied in the end: it stands before what was read.
fn told_of_during_the_opening(sharing: Sharing) -> Vec<u32> {
    let now = Instant::now();
    let mut backlog = Backlog::new(now, sharing);
    assert_eq!(backlog.begin_scan(now), Some(After(None)));
    let seen = |n| Seen {
        entry: entry(n, 1),
        owners: vec![B],
        haste: PROMPT,
    };
    assert!(backlog.scanned(vec![seen(50_000)]));
    let flow = Flow {
        owner: Some(B),
        haste: PROMPT,
    };
    let told = Item {
        id: entry(7, 1).id,
        size: 1,
        entry: None,
        part: Part::Whole,
        taken_in: TakenIn::Elsewhere,
    };
    backlog.arrive(flow, told);
    for n in 50_001..60_000 {
        backlog.push(entry(n, 1), vec![A], STATUSES);
    }
    assert!(backlog.scanned_all(now), "it reads on");
    assert!(!backlog.scanned_all(now));
    let now = now + AGAIN;
    if backlog.begin_scan(now) == Some(After(None)) {
        assert!(backlog.scanned(vec![seen(7), seen(50_000)]));
        assert!(!backlog.scanned_all(now));
    }
    numbers(&take(&mut backlog, now).unwrap())
}

#[tokio::test(start_paused = true)]
async fn what_another_process_told_of_while_very_much_came_is_found_once_all_is_read_again() {
    assert_eq!(told_of_during_the_opening(Sharing::WithOthers), [7, 50_000]);
    assert_eq!(
        told_of_during_the_opening(Sharing::Alone),
        [50_000],
        "nobody tells it"
    );
}
