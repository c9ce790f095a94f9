//! How many sockets are open, in all and of each agent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::{AgentId, TenantId};
use crate::telemetry::metrics;

/// Why a socket is one too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crowded {
    /// The process has as many as it may.
    Process,
    /// The agent has as many as one may.
    Agent,
    /// The tenant has as many as one may.
    Tenant,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    tenants: HashMap<TenantId, usize>,
    agents: HashMap<(TenantId, AgentId), usize>,
}

/// Counts open sockets. Clones share the count.
#[derive(Debug, Clone)]
pub(super) struct SocketLimits {
    counts: Arc<Mutex<Counts>>,
    most: usize,
    most_per_agent: usize,
}

/// One open socket; dropping it takes it off the count.
#[derive(Debug)]
pub(super) struct SocketPermit {
    socket_limits: SocketLimits,
    who: (TenantId, AgentId),
}

impl SocketLimits {
    pub(super) fn new(most: usize, most_per_agent: usize) -> Self {
        Self {
            counts: Arc::default(),
            most,
            most_per_agent,
        }
    }

    /// Whether the process has room for another socket.
    pub(super) fn has_room(&self) -> bool {
        self.counts().total < self.most
    }

    /// How many sockets a tenant has.
    pub(super) fn open_of(&self, tenant: TenantId) -> usize {
        self.counts().tenants.get(&tenant).copied().unwrap_or_default()
    }

    /// Counts a socket in, of a tenant that may have so many.
    pub(super) fn enter(
        &self,
        tenant: TenantId,
        agent: &AgentId,
        most_of_tenant: usize,
    ) -> Result<SocketPermit, Crowded> {
        let who = (tenant, agent.clone());
        let mut counts = self.counts();
        if counts.total >= self.most {
            return Err(Crowded::Process);
        }
        let of_tenant = counts.tenants.get(&tenant).copied().unwrap_or_default();
        if of_tenant >= most_of_tenant {
            return Err(Crowded::Tenant);
        }
        let of_agent = counts.agents.entry(who.clone()).or_default();
        if *of_agent >= self.most_per_agent {
            return Err(Crowded::Agent);
        }
        *of_agent = of_agent.saturating_add(1);
        counts.tenants.insert(tenant, of_tenant.saturating_add(1));
        counts.total = counts.total.saturating_add(1);
        drop(counts);
        metrics::sockets_open().increment(1.0);
        Ok(SocketPermit {
            socket_limits: self.clone(),
            who,
        })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Both counts change within one lock and nothing panics there.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        let mut counts = self.socket_limits.counts();
        counts.total = counts.total.saturating_sub(1);
        if let Some(of_agent) = counts.agents.get_mut(&self.who) {
            *of_agent = of_agent.saturating_sub(1);
            if *of_agent == 0 {
                counts.agents.remove(&self.who);
            }
        }
        let (tenant, _) = &self.who;
        if let Some(of_tenant) = counts.tenants.get_mut(tenant) {
            *of_tenant = of_tenant.saturating_sub(1);
            if *of_tenant == 0 {
                counts.tenants.remove(tenant);
            }
        }
        drop(counts);
        metrics::sockets_open().decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_counts_until_it_is_dropped_and_leaves_nothing_behind() {
        let socket_limits = SocketLimits::new(3, 2);
        let tenant = TenantId::new(1);
        let (ana, ben) = (AgentId::parse("ana").unwrap(), AgentId::parse("ben").unwrap());
        let first = socket_limits.enter(tenant, &ana, 3).unwrap();
        let second = socket_limits.enter(tenant, &ana, 3).unwrap();
        assert_eq!(socket_limits.enter(tenant, &ana, 3).unwrap_err(), Crowded::Agent);
        let third = socket_limits.enter(TenantId::new(2), &ana, 3).unwrap();
        assert_eq!(
            socket_limits.enter(tenant, &ben, 3).unwrap_err(),
            Crowded::Process
        );
        assert!(!socket_limits.has_room());
        drop(first);
        drop(socket_limits.enter(tenant, &ana, 3).unwrap());
        drop((second, third));
        assert!(socket_limits.counts().agents.is_empty() && socket_limits.counts().tenants.is_empty());
        assert_eq!(socket_limits.counts().total, 0);
    }

    #[test]
    fn a_tenant_takes_only_its_share() {
        let socket_limits = SocketLimits::new(9, 9);
        let agent = |n: u8| AgentId::parse(&format!("agent{n}")).unwrap();
        let (one, other) = (TenantId::new(1), TenantId::new(2));
        let held: Vec<_> = (0..2)
            .map(|n| socket_limits.enter(one, &agent(n), 2).unwrap())
            .collect();
        assert_eq!(
            socket_limits.enter(one, &agent(2), 2).unwrap_err(),
            Crowded::Tenant
        );
        assert_eq!((socket_limits.open_of(one), socket_limits.open_of(other)), (2, 0));
        let _others = socket_limits.enter(other, &agent(2), 2).unwrap();
        drop(held);
        socket_limits.enter(one, &agent(2), 2).unwrap();
    }
}
