//! Other processes on the same store: their tenants are theirs as long as they live.
//!
//! A webhook moves no tenant from one living process to another: whoever took it in forwards it to the process that has the
//! tenant. When a process is gone, the journal is read once more before one of its tenants is taken over for a webhook, so that
//! what it had taken in and not applied comes before what came later.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::Notify;

use super::Directory;
use crate::actors::conversation::store_refusal;
use crate::actors::port::Departure;
use crate::actors::request::Refusal;
use crate::domain::TenantId;
use crate::store::{ProcessId, ProcessState, Sharing, TenantOwner};

/// When to ask again for a tenant whose process is gone, or may be.
const AGAIN: Duration = Duration::from_secs(1);
/// Half of the time for which a process is believed to live. A look that comes later after the one before shows nothing of who
/// is gone: this process stood still, or the cluster was slow, and others may not have been able to say that they live.
const LATE: Duration = Duration::from_secs(4);
/// Tenants asked for at once.
const TOGETHER: usize = 16;

/// Whether the journal was read since a process was found gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leftovers {
    /// Not since this departure.
    Unlisted(u64),
    Listed,
}

/// Who lives, as far as that can be told, and who is gone.
#[derive(Debug, Default)]
struct Known {
    living: BTreeSet<ProcessId>,
    /// The last look failed: what kept this process from saying that it lives may have kept others, too.
    in_doubt: bool,
    /// When the last look ended, by the monotonic clock.
    looked: Option<Duration>,
    gone: HashMap<ProcessId, Leftovers>,
    /// Departures so far.
    departures: u64,
}

impl Known {
    /// Takes in a look; who is gone since the last one.
    fn look(&mut self, seen: Option<BTreeSet<ProcessId>>, now: Duration) -> BTreeSet<ProcessId> {
        let before = self.looked.replace(now);
        self.in_doubt |= before.is_some_and(|before| now.saturating_sub(before) > LATE);
        let Some(seen) = seen else {
            self.in_doubt = true;
            return BTreeSet::new();
        };
        if std::mem::take(&mut self.in_doubt) {
            self.living.extend(seen);
            return BTreeSet::new();
        }
        let gone: BTreeSet<_> = self.living.difference(&seen).copied().collect();
        self.living = seen;
        for process in &gone {
            let left = self.departs();
            self.gone.insert(*process, left);
        }
        gone
    }

    /// Somebody has a tenant of whom nothing was heard for a while. Whether the tenant may be taken over.
    fn may_succeed(&mut self, owner: ProcessId) -> bool {
        // Whoever lived at the last look is given up by a look alone.
        if self.living.contains(&owner) {
            return false;
        }
        if !self.gone.contains_key(&owner) {
            let left = self.departs();
            self.gone.insert(owner, left);
        }
        self.gone.get(&owner) == Some(&Leftovers::Listed)
    }

    fn departs(&mut self) -> Leftovers {
        self.departures += 1;
        Leftovers::Unlisted(self.departures)
    }

    /// Those of whom the journal was not read since they were found gone.
    fn unlisted(&self) -> Vec<Departure> {
        let unlisted = self.gone.iter().filter_map(|(process, left)| match left {
            Leftovers::Unlisted(generation) => Some(Departure {
                process: *process,
                generation: *generation,
            }),
            Leftovers::Listed => None,
        });
        unlisted.collect()
    }

    /// The journal was read since these departures. A process that lived again meanwhile may have taken in more by then.
    fn list(&mut self, departures: &[Departure]) {
        for departure in departures {
            if let Some(left) = self.gone.get_mut(&departure.process)
                && *left == Leftovers::Unlisted(departure.generation)
            {
                *left = Leftovers::Listed;
            }
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Processes {
    known: Mutex<Known>,
    /// Told when somebody is gone, or may be: the journal is to be read.
    gone: Arc<Notify>,
    /// Told when a look finds somebody gone: tenants that have something to send are to be started.
    departed: Arc<Notify>,
}

impl Processes {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a look at the other processes showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nobody is gone since the last look, as far as that can be told.
    NobodyGone,
    /// Somebody is.
    SomebodyGone,
}

impl Directory {
    /// Takes note of who lived when this process began.
    pub fn meet(&self, others: BTreeSet<ProcessId>) {
        let mut known = self.processes.known();
        known.living.extend(others);
        known.looked = Some(self.parts.clock.monotonic());
    }

    /// Says that this process lives, and whether it ends; looks who else lives.
    pub async fn look_at_others(&self, own: ProcessState) -> Look {
        let seen = self.parts.store.others(own).await.ok();
        let now = self.parts.clock.monotonic();
        let gone = self.processes.known().look(seen, now);
        if gone.is_empty() {
            return Look::NobodyGone;
        }
        self.processes.gone.notify_one();
        self.processes.departed.notify_one();
        Look::SomebodyGone
    }

    /// Told when a look finds that somebody is gone.
    pub fn departed(&self) -> Arc<Notify> {
        Arc::clone(&self.processes.departed)
    }

    /// The other process that has a tenant and lives, if there is one. Refused while it ends or it cannot be told whether it
    /// lives, and until what it left is listed.
    pub async fn elsewhere(&self, tenant: TenantId) -> Result<Option<ProcessId>, Refusal> {
        if self.parts.store.sharing() == Sharing::Alone || self.running_one(tenant).is_some() {
            return Ok(None);
        }
        let owner = self.parts.store.owner(tenant).await;
        match owner.map_err(|error| store_refusal(&error))? {
            None | Some(TenantOwner::ThisProcess) => Ok(None),
            Some(TenantOwner::Living(process)) => {
                // It may have been away for a while.
                self.processes.known().gone.remove(&process);
                Ok(Some(process))
            }
            // Its calls to Meta are being finished, and it applies nothing that is left to it.
            Some(TenantOwner::Ending(process)) => {
                self.processes.known().gone.remove(&process);
                Err(Refusal::Unavailable {
                    retry_after: Some(AGAIN),
                })
            }
            Some(TenantOwner::Gone(process)) => {
                if self.processes.known().may_succeed(process) {
                    return Ok(None);
                }
                self.processes.gone.notify_one();
                Err(Refusal::Unavailable {
                    retry_after: Some(AGAIN),
                })
            }
        }
    }

    /// Whether a tenant that starts here is taken from a process that lives, or that nobody knows yet to be gone: webhooks were left
    /// to it, which it may not apply any more. When it cannot be told, it is better to look for some in vain.
    pub(super) async fn was_elsewhere(&self, tenant: TenantId) -> bool {
        if self.parts.store.sharing() == Sharing::Alone {
            return false;
        }
        let owner = self.parts.store.owner(tenant).await;
        !matches!(
            owner,
            Ok(None | Some(TenantOwner::ThisProcess | TenantOwner::Gone(_)))
        )
    }

    /// Told when a process is gone, which may have taken in webhooks and not applied them.
    pub(super) fn somebody_is_gone(&self) -> Arc<Notify> {
        Arc::clone(&self.processes.gone)
    }

    /// Whether a process is known to be gone.
    pub(super) fn is_gone(&self, process: ProcessId) -> bool {
        self.processes.known().gone.contains_key(&process)
    }

    /// Processes that are gone and of which the journal was not read yet.
    pub(super) fn gone_and_unlisted(&self) -> Vec<Departure> {
        self.processes.known().unlisted()
    }

    /// The journal was read from the beginning, and that began after these were found gone.
    pub(super) fn listed(&self, departures: &[Departure]) {
        self.processes.known().list(departures);
    }

    /// Those of some tenants that do not run and are not another living process' by now. The others are forgotten here.
    pub(super) async fn left_to_nobody(&self, tenants: Vec<TenantId>) -> Vec<TenantId> {
        if self.parts.store.sharing() == Sharing::Alone {
            return tenants;
        }
        stream::iter(tenants)
            .map(|id| async move { self.is_nobody_elses(id).await.then_some(id) })
            .buffered(TOGETHER)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    async fn is_nobody_elses(&self, id: TenantId) -> bool {
        let now = self.parts.clock.monotonic();
        let is_left_alone = self
            .read()
            .live
            .get(&id)
            .is_some_and(|handle| handle.ledger.hands_off(now).is_some());
        if is_left_alone {
            return false;
        }
        match self.elsewhere(id).await {
            Ok(None) => true,
            Ok(Some(process)) => {
                tracing::info!(tenant.id = %id, process = process.get(), "the tenant is left to the gateway that has it");
                self.forget(id).await;
                false
            }
            // It is asked again.
            Err(_) => false,
        }
    }

    /// Takes what is left of a tenant off the map.
    async fn forget(&self, id: TenantId) {
        let turn = self.starts.turn(id);
        let mine = turn.lock().await;
        let dead = {
            let mut map = self.write();
            let is_dead = map.live.get(&id).is_some_and(|handle| !handle.is_alive());
            is_dead.then(|| map.live.remove(&id)).flatten()
        };
        if let Some(dead) = &dead {
            dead.retire().await;
        }
        drop(mine);
        self.starts.done(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[i64]) -> BTreeSet<ProcessId> {
        ids.iter().copied().map(ProcessId::new).collect()
    }

    /// Looks every two seconds.
    struct Looks(Known, Duration);

    impl Looks {
        fn look(&mut self, seen: Option<&[i64]>) -> BTreeSet<ProcessId> {
            self.look_after(2, seen)
        }

        fn look_after(&mut self, secs: u64, seen: Option<&[i64]>) -> BTreeSet<ProcessId> {
            self.1 += Duration::from_secs(secs);
            self.0.look(seen.map(ids), self.1)
        }
    }

    fn looks(living: &[i64]) -> Looks {
        let known = Known {
            living: ids(living),
            ..Known::default()
        };
        Looks(known, Duration::from_secs(100))
    }

    #[test]
    fn a_process_is_gone_when_a_look_right_after_another_misses_it() {
        let mut looks = looks(&[1]);
        assert_eq!(looks.look(Some(&[1, 2])), ids(&[]));
        assert_eq!(looks.look(Some(&[2])), ids(&[1]));
        assert_eq!(looks.look(Some(&[2])), ids(&[]));
        assert_eq!(looks.look(None), ids(&[]));
        assert_eq!(looks.look(Some(&[])), ids(&[]), "nobody could say that it lives");
        assert_eq!(looks.look(Some(&[2])), ids(&[]));
        assert_eq!(looks.look(None), ids(&[]));
        assert_eq!(looks.look(Some(&[3])), ids(&[]));
        assert_eq!(looks.look(Some(&[3])), ids(&[2]), "it did not come back");
    }

    #[test]
    fn a_look_that_comes_late_shows_nobody_to_be_gone() {
        let mut looks = looks(&[1, 2]);
        assert_eq!(looks.look(Some(&[1, 2])), ids(&[]));
        assert_eq!(
            looks.look_after(5, Some(&[])),
            ids(&[]),
            "both may have stood still"
        );
        assert_eq!(looks.look(Some(&[1])), ids(&[2]));
        assert_eq!(looks.look_after(4, Some(&[])), ids(&[1]));
    }

    #[test]
    fn who_is_gone_is_succeeded_only_after_its_webhooks_are_listed() {
        let [one, stranger] = [1, 9].map(ProcessId::new);
        let Looks(mut known, now) = looks(&[1]);
        assert!(!known.may_succeed(one), "a look decides whether it is gone");
        assert!(known.gone.is_empty());
        known.look(Some(ids(&[])), now);
        assert!(!known.may_succeed(one));
        let unlisted = known.unlisted();
        known.list(&unlisted);
        assert!(known.may_succeed(one));
        // It was gone before this process began.
        assert!(!known.may_succeed(stranger));
        let unlisted = known.unlisted();
        assert!(unlisted.iter().all(|departure| departure.process == stranger));
        assert_eq!(unlisted.len(), 1);
    }

    #[test]
    fn a_reading_that_began_before_a_process_lived_again_lists_nothing_of_what_it_took_in_since() {
        let one = ProcessId::new(1);
        let mut looks = looks(&[1]);
        looks.look(Some(&[]));
        let first = looks.0.unlisted();
        // It lives again, takes webhooks in and dies, while the journal is being read.
        looks.look(Some(&[1]));
        looks.0.gone.remove(&one);
        looks.look(Some(&[]));
        looks.0.list(&first);
        assert!(!looks.0.may_succeed(one));
        let second = looks.0.unlisted();
        looks.0.list(&second);
        assert!(looks.0.may_succeed(one));
    }
}
