//! What is to be fetched, and whose turn it is: tenants take turns, and within a tenant its numbers do.
//!
//! In memory is of each number what is due first. The rest stands in rows and is read again once there is room for it. So a file that
//! waits for its next try takes no place of one that can be fetched now, and a number whose files fail none of another's.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use crate::domain::{Clock, MediaId, PhoneNumberId, TenantId, Timestamp};
use crate::store::tables::MediaTask;
use crate::telemetry::metrics;

/// Tasks of one number that are kept in memory.
const MOST: usize = 200;
/// Files of one tenant that are fetched at once.
const OF_TENANT: usize = 4;
/// Files of one number: another of the tenant's always has a place.
const OF_NUMBER: usize = 3;
/// How long rows that could not be read wait for the next try.
const AGAIN: Duration = Duration::from_secs(5);
/// No try is put off for longer, but by a clock that was ahead and was set right.
const LONGEST_WAIT: Duration = Duration::from_mins(90);

/// Both clocks, read together. What waits in memory waits by the one that nobody sets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) wall: Timestamp,
    pub(super) mono: Duration,
}

impl Moment {
    pub(super) fn of(clock: &dyn Clock) -> Self {
        Self {
            wall: clock.now(),
            mono: clock.monotonic(),
        }
    }

    /// When a task is due by the clock that nobody sets.
    fn due(&self, task: &MediaTask) -> Duration {
        self.mono + task.due.since(self.wall).min(LONGEST_WAIT)
    }
}

/// A task in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Queued {
    /// As its row says.
    pub(super) task: MediaTask,
    /// How often in a row it could not be written down how a try ended.
    pub(super) failures: u32,
}

/// How a try ended.
#[derive(Debug)]
pub(super) enum Tried {
    /// Nothing is left to do.
    Over,
    /// It is tried again when it is due.
    Again(Queued),
    /// Another gateway has the tenant, and its tasks.
    Elsewhere,
}

#[derive(Debug, Default)]
struct OfNumber {
    waiting: BTreeMap<(Duration, MediaId), Queued>,
    running: usize,
    /// When the first is due of those that had no room.
    left_out: Option<Duration>,
}

impl OfNumber {
    /// Keeps a task if there is room, in the place of one that is due later if there is none; which has none then.
    fn keep(&mut self, queued: Queued, now: Moment) -> Option<MediaId> {
        let key = (now.due(&queued.task), queued.task.id);
        self.waiting.insert(key, queued);
        if self.waiting.len() <= MOST {
            return None;
        }
        let ((due, id), _) = self.waiting.pop_last()?;
        self.left_out = Some(self.left_out.map_or(due, |first| first.min(due)));
        Some(id)
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running == 0 && self.left_out.is_none()
    }

    fn take_due(&mut self, now: Duration) -> Option<Queued> {
        let first = self.waiting.first_entry()?;
        let is_due = self.running < OF_NUMBER && first.key().0 <= now;
        is_due.then(|| first.remove())
    }
}

#[derive(Debug, Default)]
struct OfTenant {
    numbers: HashMap<PhoneNumberId, OfNumber>,
    turns: VecDeque<PhoneNumberId>,
    /// Those in memory: they wait or are being fetched.
    known: HashSet<MediaId>,
    running: usize,
    /// When its rows are to be read, whatever there is room for.
    load_at: Option<Duration>,
    is_loading: bool,
}

impl OfTenant {
    fn is_idle(&self) -> bool {
        self.numbers.is_empty() && self.running == 0 && self.load_at.is_none() && !self.is_loading
    }

    fn keep(&mut self, queued: Queued, now: Moment) {
        let number = queued.task.number.clone();
        self.known.insert(queued.task.id);
        let of_number = self.numbers.entry(number.clone()).or_insert_with(|| {
            self.turns.push_back(number);
            OfNumber::default()
        });
        if let Some(left_out) = of_number.keep(queued, now) {
            self.known.remove(&left_out);
        }
    }

    /// Whether rows are to be read: there is room for what had none, and it is due.
    fn wants_loading(&self, now: Duration) -> bool {
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        let has_room = |number: &OfNumber| number.waiting.len() < MOST / 2;
        let mut numbers = self.numbers.values();
        !self.is_loading
            && (is_due(self.load_at) || numbers.any(|number| is_due(number.left_out) && has_room(number)))
    }

    fn take_due(&mut self, now: Duration) -> Option<Queued> {
        if self.running >= OF_TENANT {
            return None;
        }
        for _ in 0..self.turns.len() {
            let number = self.turns.pop_front()?;
            let Some(of_number) = self.numbers.get_mut(&number) else {
                continue;
            };
            if of_number.is_idle() {
                self.numbers.remove(&number);
                continue;
            }
            let due = of_number.take_due(now);
            of_number.running += usize::from(due.is_some());
            self.running += usize::from(due.is_some());
            self.turns.push_back(number);
            if due.is_some() {
                return due;
            }
        }
        None
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct FetchQueue {
    of: HashMap<TenantId, OfTenant>,
    turns: VecDeque<TenantId>,
}

impl FetchQueue {
    fn tenant(&mut self, tenant: TenantId) -> &mut OfTenant {
        self.of.entry(tenant).or_insert_with(|| {
            self.turns.push_back(tenant);
            OfTenant::default()
        })
    }

    /// Adds a task, unless it is there.
    pub(super) fn add(&mut self, tenant: TenantId, task: MediaTask, now: Moment) {
        let of_tenant = self.tenant(tenant);
        if !of_tenant.known.contains(&task.id) {
            of_tenant.keep(Queued { task, failures: 0 }, now);
        }
    }

    /// Has a tenant's rows be read.
    pub(super) fn want_loading(&mut self, tenant: TenantId, now: Moment) {
        self.tenant(tenant).load_at = Some(now.mono);
    }

    /// The tenants whose rows are to be read now. Each is told of by [`FetchQueue::loaded`] when that is over.
    pub(super) fn begin_loads(&mut self, now: Moment) -> Vec<TenantId> {
        let wanting = self.of.iter_mut().filter(|(_, of)| of.wants_loading(now.mono));
        let begin = |(tenant, of): (&TenantId, &mut OfTenant)| {
            of.is_loading = true;
            of.load_at = None;
            // What has no room again is noted again.
            of.numbers.values_mut().for_each(|number| number.left_out = None);
            *tenant
        };
        wanting.map(begin).collect()
    }

    /// A tenant's rows were read, or could not be.
    pub(super) fn loaded(&mut self, tenant: TenantId, all: Result<(), ()>, now: Moment) {
        if let Some(of_tenant) = self.of.get_mut(&tenant) {
            of_tenant.is_loading = false;
            if all.is_err() {
                of_tenant.load_at = Some(now.mono + AGAIN);
            }
        }
    }

    /// The next task that is due, of the tenant and number whose turn it is.
    pub(super) fn next(&mut self, now: Moment) -> Option<(TenantId, Queued)> {
        for _ in 0..self.turns.len() {
            let tenant = self.turns.pop_front()?;
            let Some(of_tenant) = self.of.get_mut(&tenant) else {
                continue;
            };
            let due = of_tenant.take_due(now.mono);
            if of_tenant.is_idle() {
                self.of.remove(&tenant);
                continue;
            }
            self.turns.push_back(tenant);
            if let Some(due) = due {
                return Some((tenant, due));
            }
        }
        None
    }

    /// A try is over.
    pub(super) fn ended(&mut self, tenant: TenantId, task: &MediaTask, tried: Tried, now: Moment) {
        if matches!(tried, Tried::Elsewhere) {
            return self.forget(tenant);
        }
        let Some(of_tenant) = self.of.get_mut(&tenant) else {
            return;
        };
        of_tenant.running = of_tenant.running.saturating_sub(1);
        if let Some(number) = of_tenant.numbers.get_mut(&task.number) {
            number.running = number.running.saturating_sub(1);
        }
        of_tenant.known.remove(&task.id);
        if let Tried::Again(queued) = tried {
            of_tenant.keep(queued, now);
        }
    }

    /// Another gateway has a tenant.
    pub(super) fn forget(&mut self, tenant: TenantId) {
        self.of.remove(&tenant);
        self.turns.retain(|other| *other != tenant);
    }

    /// Shows how much is to be fetched and since when.
    pub(super) fn show(&self, now: Timestamp, running: impl Iterator<Item = Timestamp>) {
        let numbers = self.of.values().flat_map(|of| of.numbers.values());
        let waiting = numbers.flat_map(|number| number.waiting.values());
        let (mut count, mut oldest) = (0_u64, None::<Timestamp>);
        for since in waiting.map(|queued| queued.task.since).chain(running) {
            count += 1;
            oldest = Some(oldest.map_or(since, |oldest| oldest.min(since)));
        }
        metrics::media_pending().set(metrics::number(count));
        let age = oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
        metrics::media_oldest_seconds().set(age.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const ONE: TenantId = TenantId::new(1);
    const TWO: TenantId = TenantId::new(2);

    const fn at(after: Duration) -> Moment {
        Moment {
            wall: NOW,
            mono: after,
        }
    }

    const BEGIN: Moment = at(Duration::ZERO);

    fn number(number: u8) -> PhoneNumberId {
        PhoneNumberId::parse(&format!("10{number}")).unwrap()
    }

    fn task(of: u8, which: u32, due: Timestamp) -> MediaTask {
        let mut random = [of; 16];
        random[..4].copy_from_slice(&which.to_be_bytes());
        MediaTask {
            id: MediaId::of_upload(random),
            number: number(of),
            since: NOW,
            due,
            tries: 0,
            different: 0,
            until: NOW.after(Duration::from_secs(3_600)),
        }
    }

    fn all_due(queue: &mut FetchQueue, now: Moment) -> Vec<(TenantId, MediaTask)> {
        std::iter::from_fn(|| queue.next(now))
            .map(|(tenant, queued)| (tenant, queued.task))
            .collect()
    }

    #[test]
    fn files_that_wait_for_their_next_try_keep_none_waiting_that_can_be_fetched() {
        let mut queue = FetchQueue::default();
        let later = NOW.after(Duration::from_secs(3_600));
        for which in 0..5_000 {
            queue.add(ONE, task(1, which, later), BEGIN);
        }
        queue.add(ONE, task(1, 9_000, NOW), BEGIN);
        queue.add(ONE, task(2, 9_001, NOW), BEGIN);
        let due: Vec<_> = all_due(&mut queue, BEGIN)
            .into_iter()
            .map(|(_, task)| task)
            .collect();
        assert_eq!(due.len(), 2);
        assert!(due.iter().any(|task| task.number == number(1)));
        assert!(due.iter().any(|task| task.number == number(2)));
        assert!(
            queue.begin_loads(BEGIN).is_empty(),
            "nothing that had no room is due"
        );
    }

    #[test]
    fn a_number_whose_files_never_come_leaves_places_to_the_others() {
        let mut queue = FetchQueue::default();
        for which in 0..100 {
            queue.add(ONE, task(1, which, NOW), BEGIN);
        }
        assert_eq!(all_due(&mut queue, BEGIN).len(), OF_NUMBER);
        queue.add(ONE, task(2, 0, NOW), BEGIN);
        queue.add(TWO, task(3, 0, NOW), BEGIN);
        let due: HashSet<_> = all_due(&mut queue, BEGIN)
            .into_iter()
            .map(|(_, task)| task.number)
            .collect();
        assert_eq!(due, HashSet::from([number(2), number(3)]));
    }

    #[test]
    fn what_had_no_room_is_read_again_as_soon_as_half_of_the_others_are_fetched() {
        let mut queue = FetchQueue::default();
        let all: Vec<MediaTask> = (0..450).map(|which| task(1, which, NOW)).collect();
        let (mut done, mut loads) = (HashSet::new(), 0);
        for task in &all {
            queue.add(ONE, task.clone(), BEGIN);
        }
        while let Some((tenant, queued)) = queue.next(BEGIN) {
            queue.ended(tenant, &queued.task, Tried::Over, BEGIN);
            assert!(done.insert(queued.task.id), "fetched twice");
            assert!(queue.of.get(&ONE).is_none_or(|of| of.known.len() <= MOST));
            for tenant in queue.begin_loads(BEGIN) {
                loads += 1;
                let left = all.iter().filter(|task| !done.contains(&task.id));
                left.for_each(|task| queue.add(tenant, task.clone(), BEGIN));
                queue.loaded(tenant, Ok(()), BEGIN);
            }
        }
        assert_eq!(done.len(), all.len());
        assert!((2..=6).contains(&loads), "{loads}");
        assert!(queue.of.is_empty() && queue.turns.is_empty());
    }

    #[test]
    fn rows_that_could_not_be_read_are_read_again_later() {
        let mut queue = FetchQueue::default();
        queue.want_loading(ONE, BEGIN);
        assert_eq!(queue.begin_loads(BEGIN), [ONE]);
        assert!(queue.begin_loads(BEGIN).is_empty(), "they are being read");
        assert!(queue.next(BEGIN).is_none());
        queue.loaded(ONE, Err(()), BEGIN);
        assert!(queue.begin_loads(BEGIN).is_empty());
        assert_eq!(queue.begin_loads(at(AGAIN)), [ONE]);
    }

    #[test]
    fn a_clock_that_is_set_back_or_forth_puts_nothing_off() {
        let mut queue = FetchQueue::default();
        let wait = Duration::from_secs(60);
        queue.add(ONE, task(1, 0, NOW.after(wait)), BEGIN);
        let set_back = |mono| Moment {
            wall: Timestamp::from_secs(1_700_000_000),
            mono,
        };
        assert!(queue.next(set_back(wait / 2)).is_none());
        assert!(queue.next(set_back(wait)).is_some());
        // What was written down by a clock that was a day ahead.
        queue.add(ONE, task(2, 0, NOW.after(Duration::from_hours(24))), BEGIN);
        assert!(queue.next(at(LONGEST_WAIT / 2)).is_none());
        assert!(queue.next(at(LONGEST_WAIT)).is_some());
    }

    #[test]
    fn a_tenant_that_another_gateway_has_is_forgotten() {
        let mut queue = FetchQueue::default();
        queue.add(ONE, task(1, 0, NOW), BEGIN);
        queue.add(ONE, task(1, 1, NOW), BEGIN);
        let (tenant, queued) = queue.next(BEGIN).unwrap();
        queue.ended(tenant, &queued.task, Tried::Elsewhere, BEGIN);
        assert!(queue.next(BEGIN).is_none());
        // It comes back, and what was under way then ends: it has one turn, as the others.
        queue.add(ONE, task(1, 2, NOW), BEGIN);
        queue.ended(tenant, &queued.task, Tried::Over, BEGIN);
        assert_eq!(queue.turns.len(), 1);
        assert_eq!(all_due(&mut queue, BEGIN).len(), 1);
    }
}
