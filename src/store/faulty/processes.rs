//! Several processes on one store, for tests: who lives, who has a tenant, and what they tell each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard};

use crate::domain::TenantId;
use crate::store::{Forwarded, ProcessId, ProcessState, Rest, TenantOwner};

#[derive(Default)]
struct State {
    living: BTreeMap<ProcessId, ProcessState>,
    /// What each said of itself, in order.
    said: Vec<(ProcessId, ProcessState)>,
    owners: HashMap<TenantId, ProcessId>,
    /// Each taking of a lease, in order.
    leases: Vec<(TenantId, ProcessId)>,
    /// What was told and not read, by whom to whom.
    told: Vec<(ProcessId, ProcessId, Forwarded)>,
    /// How many of them are read at once; all, if it is not said.
    page: Option<usize>,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Processes(Mutex<State>);

impl Processes {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(super) fn begin(&self, process: ProcessId) {
        self.state().living.insert(process, ProcessState::Serving);
    }

    pub(super) fn says(&self, process: ProcessId, presence: ProcessState) {
        let mut state = self.state();
        state.living.insert(process, presence);
        state.said.push((process, presence));
    }

    /// What a process said of itself, in order.
    pub(crate) fn said(&self, process: ProcessId) -> Vec<ProcessState> {
        let state = self.state();
        let of = state.said.iter().filter(|(of, _)| *of == process);
        of.map(|(_, presence)| *presence).collect()
    }

    /// A process dies.
    pub(crate) fn kill(&self, process: ProcessId) {
        self.state().living.remove(&process);
    }

    /// Who took a tenant, in order.
    pub(crate) fn owners_in_turn(&self, tenant: TenantId) -> Vec<ProcessId> {
        let state = self.state();
        let of = state.leases.iter().filter(|(of, _)| *of == tenant);
        of.map(|(_, process)| *process).collect()
    }

    /// How many webhooks a process was told of and did not read yet.
    pub(crate) fn unread(&self, process: ProcessId) -> usize {
        let state = self.state();
        state.told.iter().filter(|(_, to, _)| *to == process).count()
    }

    pub(super) fn leases(&self, tenant: TenantId, process: ProcessId) {
        let mut state = self.state();
        state.owners.insert(tenant, process);
        state.leases.push((tenant, process));
    }

    pub(super) fn others(&self, than: ProcessId) -> BTreeSet<ProcessId> {
        let mut living: BTreeSet<_> = self.state().living.keys().copied().collect();
        living.remove(&than);
        living
    }

    pub(super) fn owner(&self, tenant: TenantId, asker: ProcessId) -> Option<TenantOwner> {
        let state = self.state();
        let owner = *state.owners.get(&tenant)?;
        if owner == asker {
            return Some(TenantOwner::ThisProcess);
        }
        Some(match state.living.get(&owner) {
            Some(ProcessState::Serving) => TenantOwner::Living(owner),
            Some(ProcessState::Ending) => TenantOwner::Ending(owner),
            None => TenantOwner::Gone(owner),
        })
    }

    pub(super) fn tell(&self, from: ProcessId, to: ProcessId, webhooks: Vec<Forwarded>) {
        let told = webhooks.into_iter().map(|webhook| (from, to, webhook));
        self.state().told.extend(told);
    }

    /// No more than so many webhooks are read at once.
    pub(crate) fn pages_of(&self, page: usize) {
        self.state().page = Some(page);
    }

    /// What living processes told this one.
    pub(super) fn read(&self, process: ProcessId) -> (Vec<Forwarded>, Rest) {
        let mut state = self.state();
        let living = state.living.clone();
        let told = std::mem::take(&mut state.told);
        let mut room = state.page.unwrap_or(usize::MAX);
        let mut read = Vec::new();
        for (from, to, webhook) in told {
            if to == process && living.contains_key(&from) && room > 0 {
                room -= 1;
                read.push(webhook);
            } else {
                state.told.push((from, to, webhook));
            }
        }
        let rest = if room == 0 { Rest::More } else { Rest::Nothing };
        (read, rest)
    }
}
