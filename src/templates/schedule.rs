//! When which account is looked up: at the start unless that was done lately, then twice a day, and soon after something changed.
//! Few at once, so that neither Meta nor the store is kept busy by it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::Instant;

use super::sync::{Synced, Wanted};
use super::{TemplateBook, TemplateError};
use crate::domain::backoff::spread;
use crate::domain::{Backoff, PhoneNumberId, TemplateStatus, TenantId, Timestamp, WabaId};
use crate::shutdown::Shutdown;
use crate::store::StoreError;
use crate::store::tables::TemplateAccount;
use crate::telemetry::labels::{NumberQuality, TemplateState};
use crate::telemetry::metrics;
use crate::whatsapp::client::BearerToken;

/// How often an account is looked up when nothing happens.
const PERIOD: Duration = Duration::from_hours(12);
/// At the start, one that was looked up within this time can wait.
const LATELY: Duration = Duration::from_hours(1);
/// Within this time after the start all others have their turn.
const START: Duration = Duration::from_secs(30);
/// After a webhook about a template: others often follow.
pub(super) const AFTER_NEWS: Duration = Duration::from_secs(5);
/// After a message that named a template which is not there or may not be sent.
const ON_MISS: Duration = Duration::from_secs(1);
/// Between look-ups for such messages, while each finds what the one before found: a program that keeps trying a paused template must not
/// use up what Meta lets the account ask for.
const UNCHANGED: Backoff = Backoff::doubling(Duration::from_secs(60), Duration::from_secs(3_600));
/// Between two look-ups of an account, whatever asks for them.
const SHORTEST: Duration = Duration::from_secs(30);
/// After failures.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(60), Duration::from_secs(3_600));
/// When another process is at it, or was and is gone.
const ELSEWHERE: Duration = Duration::from_secs(10);
/// Accounts that are not known yet and asked for; the others have their turn a little later.
const MOST_AWAITED: usize = 1_000;
/// Accounts that are looked up at once.
const TOGETHER: usize = 4;
/// How often it is looked which accounts are due.
const LOOK: Duration = Duration::from_secs(5);
/// How often all numbers are read where no version says that one changed.
const NUMBERS: Duration = Duration::from_secs(60);

type Account = (TenantId, WabaId);

/// The accounts of all tenants.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    /// The numbers as they were read last, and when; `None` once it is known that there are others.
    read: Option<(i64, Instant)>,
    accounts: HashMap<Account, Planned>,
    /// Accounts of numbers that were added a moment ago, and that somebody asked for.
    awaited: HashSet<Account>,
}

/// What is known of an account.
#[derive(Debug)]
struct Planned {
    numbers: Vec<PhoneNumberId>,
    due: Instant,
    /// When the last one ended.
    ended: Option<Instant>,
    /// Somebody asked for one.
    is_asked_for: bool,
    runs: bool,
    failures: u32,
    /// How many in a row found as many templates in each state as the one before.
    unchanged: u32,
    /// When the last one that went well began; before, when the account was seen first.
    known_at: Timestamp,
    counts: BTreeMap<TemplateStatus, u32>,
    qualities: HashMap<NumberQuality, u32>,
}

/// An account whose turn it is.
struct Turn {
    account: Account,
    numbers: Vec<PhoneNumberId>,
    wanted: Wanted,
}

impl TemplateBook {
    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        // It is changed one account at a time, so a panic elsewhere leaves nothing half done.
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn random(&self) -> f64 {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).f64()
    }

    /// Has an account looked up soon, whoever did it before.
    pub fn look_up_now(&self, tenant: TenantId, waba: &WabaId) {
        self.look_up(tenant, waba, Duration::ZERO);
    }

    /// Has an account looked up because a message named a template that is not there or may not be sent.
    pub(super) fn look_up_on_miss(&self, tenant: TenantId, waba: &WabaId) {
        let rest = {
            let schedule = self.schedule();
            let planned = schedule.accounts.get(&(tenant, waba.clone()));
            planned.and_then(|planned| Some(planned.ended? + UNCHANGED.after(planned.unchanged)))
        };
        let wait = rest.map_or(Duration::ZERO, |rest| {
            rest.saturating_duration_since(Instant::now())
        });
        self.plan_sooner(tenant, waba, wait.max(ON_MISS));
    }

    /// Whether an account is being looked up, or will be in a moment.
    pub fn is_looked_up_soon(&self, tenant: TenantId, waba: &WabaId) -> bool {
        let soon = Instant::now() + SHORTEST;
        let schedule = self.schedule();
        let key = (tenant, waba.clone());
        let planned = schedule.accounts.get(&key);
        schedule.awaited.contains(&key)
            || planned.is_some_and(|planned| planned.runs || planned.is_asked_for && planned.due <= soon)
    }

    /// Has an account looked up after a while, because something of it changed.
    pub(super) fn look_up(&self, tenant: TenantId, waba: &WabaId, after: Duration) {
        if let Some(planned) = self.schedule().accounts.get_mut(&(tenant, waba.clone())) {
            planned.unchanged = 0;
        }
        self.plan_sooner(tenant, waba, after);
    }

    /// Where it is planned sooner, that does.
    fn plan_sooner(&self, tenant: TenantId, waba: &WabaId, after: Duration) {
        let now = Instant::now();
        let key = (tenant, waba.clone());
        let mut schedule = self.schedule();
        let Some(planned) = schedule.accounts.get_mut(&key) else {
            // Its number was added a moment ago.
            schedule.read = None;
            if schedule.awaited.len() < MOST_AWAITED {
                schedule.awaited.insert(key);
            }
            drop(schedule);
            self.asked.notify_one();
            return;
        };
        let earliest = planned.ended.map_or(now, |ended| ended + SHORTEST);
        planned.is_asked_for = true;
        let due = (now + after).max(earliest);
        let is_sooner = due < planned.due;
        planned.due = planned.due.min(due);
        drop(schedule);
        if is_sooner {
            self.asked.notify_one();
        }
    }

    /// Looks accounts up until the process ends.
    pub async fn keep_up(&self, shutdown: &Shutdown) {
        let mut running = FuturesUnordered::new();
        let mut due = tokio::time::interval(LOOK);
        due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.begun() => return,
                _ = due.tick() => self.measure(),
                () = self.asked.notified() => {}
                Some(()) = running.next() => {}
            }
            if let Err(error) = self.read_accounts().await {
                tracing::warn!(%error, "cannot tell which accounts have templates");
            }
            while running.len() < TOGETHER {
                let Some(turn) = self.next_due() else {
                    break;
                };
                running.push(self.turn(turn));
            }
        }
    }

    /// Takes note of accounts that were added, and of those that no number is in any more.
    async fn read_accounts(&self) -> Result<(), StoreError> {
        let version = self.store.numbers_version().await?;
        let is_known =
            |(known, at): (i64, Instant)| known == version && (version != 0 || at.elapsed() < NUMBERS);
        if self.schedule().read.is_some_and(is_known) {
            return Ok(());
        }
        let numbers = self.store.number_owners().await?;
        let (now, began) = (Instant::now(), self.clock.now());
        let mut schedule = self.schedule();
        schedule.read = Some((version, now));
        let awaited = std::mem::take(&mut schedule.awaited);
        let mut current: HashMap<Account, Vec<PhoneNumberId>> = HashMap::new();
        for number in numbers {
            let account = (number.tenant, number.waba);
            current.entry(account).or_default().push(number.id);
        }
        schedule
            .accounts
            .retain(|account, _| current.contains_key(account));
        for (account, numbers) in current {
            let first = if awaited.contains(&account) {
                Duration::ZERO
            } else {
                START.mul_f64(self.random())
            };
            let planned = schedule.accounts.entry(account).or_insert_with(|| Planned {
                numbers: Vec::new(),
                due: now + first,
                ended: None,
                is_asked_for: false,
                runs: false,
                failures: 0,
                unchanged: 0,
                known_at: began,
                counts: BTreeMap::new(),
                qualities: HashMap::new(),
            });
            planned.numbers = numbers;
        }
        Ok(())
    }

    /// The account that is due longest.
    fn next_due(&self) -> Option<Turn> {
        let now = Instant::now();
        let mut schedule = self.schedule();
        let due = schedule.accounts.iter_mut();
        let due = due.filter(|(_, planned)| !planned.runs && planned.due <= now);
        let (account, planned) = due.min_by_key(|(_, planned)| planned.due)?;
        planned.runs = true;
        // Until it ends: what is asked for meanwhile makes it due again.
        planned.due = now + PERIOD;
        Some(Turn {
            account: account.clone(),
            numbers: planned.numbers.clone(),
            wanted: if std::mem::take(&mut planned.is_asked_for) {
                Wanted::Anew
            } else {
                Wanted::Within(LATELY)
            },
        })
    }

    async fn turn(&self, turn: Turn) {
        let (tenant, waba) = &turn.account;
        let ended = match self.token(&turn).await {
            Ok(token) => self.sync(*tenant, waba, token, turn.wanted).await,
            Err(error) => Synced::Failed(error),
        };
        if let Synced::Failed(error) = &ended {
            tracing::warn!(tenant.id = %tenant, waba.id = %waba, %error, "cannot look up the templates of an account");
        }
        // Another process that looked the account up asked about its numbers, too.
        if matches!(ended, Synced::Done(_) | Synced::Failed(_)) {
            self.ask_for_numbers(*tenant, waba, &turn.numbers).await;
        }
        let qualities = self.qualities(*tenant, &turn.numbers).await;
        if let Err(error) = &qualities {
            tracing::warn!(tenant.id = %tenant, %error, "cannot tell of which quality numbers are");
        }
        self.plan(&turn, ended, qualities.ok());
    }

    /// The token of the first number that has a usable one, and is still the account's.
    async fn token(&self, turn: &Turn) -> Result<Option<BearerToken>, TemplateError> {
        let (tenant, waba) = &turn.account;
        for number in &turn.numbers {
            let number = self.store.number(number.clone()).await?;
            let number = number.filter(|number| number.tenant == *tenant && number.waba == *waba);
            let token = number.and_then(|number| BearerToken::parse(number.access_token.reveal()).ok());
            if token.is_some() {
                return Ok(token);
            }
        }
        Ok(None)
    }

    /// Plans an account's next look-up.
    fn plan(&self, turn: &Turn, ended: Synced, qualities: Option<HashMap<NumberQuality, u32>>) {
        let wanted = turn.wanted;
        let (now, random) = (Instant::now(), self.random());
        let (clock, mut schedule) = (self.clock.now(), self.schedule());
        let Some(planned) = schedule.accounts.get_mut(&turn.account) else {
            return;
        };
        planned.runs = false;
        if let Some(qualities) = qualities {
            planned.qualities = qualities;
        }
        planned.ended = Some(now);
        let wait = match ended {
            Synced::Done(account) | Synced::Fresh(account) => {
                let TemplateAccount {
                    synced_at, counts, ..
                } = account;
                planned.failures = 0;
                planned.known_at = synced_at.unwrap_or(clock);
                if planned.counts != counts {
                    planned.unchanged = 0;
                } else if wanted == Wanted::Anew {
                    planned.unchanged = planned.unchanged.saturating_add(1);
                }
                planned.counts = counts;
                let age = clock.since(planned.known_at);
                // Nine to eleven tenths of the period.
                PERIOD
                    .mul_f64(0.9 + random / 5.0)
                    .saturating_sub(age)
                    .max(SHORTEST)
            }
            // What was asked for is still wanted.
            Synced::Elsewhere => {
                planned.is_asked_for |= wanted == Wanted::Anew;
                ELSEWHERE
            }
            Synced::Failed(_) => {
                planned.is_asked_for |= wanted == Wanted::Anew;
                planned.failures = planned.failures.saturating_add(1);
                spread(BACKOFF.after(planned.failures), random)
            }
        };
        // What was asked for while it ran is due sooner.
        let asked = planned.due.max(now + SHORTEST);
        planned.due = asked.min(now + wait);
    }

    /// Shows how many templates there are in which state and how many numbers of which quality, and for how long the account that waits
    /// longest is not looked up.
    fn measure(&self) {
        let now = self.clock.now();
        let schedule = self.schedule();
        let mut counts: HashMap<TemplateState, u64> = HashMap::new();
        let mut qualities: HashMap<NumberQuality, u64> = HashMap::new();
        let mut oldest = Duration::ZERO;
        for planned in schedule.accounts.values() {
            oldest = oldest.max(now.since(planned.known_at));
            for (status, count) in &planned.counts {
                *counts.entry(status.into()).or_default() += u64::from(*count);
            }
            for (quality, count) in &planned.qualities {
                *qualities.entry(*quality).or_default() += u64::from(*count);
            }
        }
        drop(schedule);
        metrics::templates_behind_seconds().set(oldest.as_secs_f64());
        for state in TemplateState::ALL {
            let count = counts.get(state).copied().unwrap_or_default();
            metrics::templates(*state).set(metrics::number(count));
        }
        for quality in NumberQuality::ALL {
            let count = qualities.get(quality).copied().unwrap_or_default();
            metrics::numbers(*quality).set(metrics::number(count));
        }
    }
}
