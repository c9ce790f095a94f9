//! Whose presence has changed since colleagues were last told, so that they are told of all at once, and seldom.

use std::collections::{HashMap, VecDeque};

use crate::actors::feed::Presence;
use crate::domain::AgentId;

/// Agents of whom one signal tells. Every socket of the tenant gets it.
const AT_ONCE: usize = 100;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// What colleagues were told last, of those who have changed since; `None` where not all were told the same.
    told: HashMap<AgentId, Option<Presence>>,
    /// Those, the first who changed in front.
    order: VecDeque<AgentId>,
}

impl Changes {
    /// An agent changed from this.
    pub(super) fn note(&mut self, agent: AgentId, before: Presence) {
        if !self.told.contains_key(&agent) {
            self.order.push_back(agent.clone());
            self.told.insert(agent, Some(before));
        }
    }

    /// Somebody was told how all are now: of those who have changed, not all know the same any more.
    pub(super) fn newcomer(&mut self) {
        for told in self.told.values_mut() {
            *told = None;
        }
    }

    /// What to tell now; those who are again as colleagues know them are left out.
    pub(super) fn take(&mut self, now: impl Fn(&AgentId) -> Presence) -> Vec<(AgentId, Presence)> {
        let mut changed = Vec::new();
        while changed.len() < AT_ONCE
            && let Some(agent) = self.order.pop_front()
        {
            let state = now(&agent);
            if self.told.remove(&agent).flatten() != Some(state) {
                changed.push((agent, state));
            }
        }
        changed
    }

    /// Whether there is nothing to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(number: usize) -> AgentId {
        AgentId::parse(&format!("a{number}")).unwrap()
    }

    #[test]
    fn who_comes_and_goes_meanwhile_is_not_told_of() {
        let mut changes = Changes::default();
        changes.note(agent(1), Presence::Offline);
        changes.note(agent(2), Presence::Offline);
        changes.note(agent(1), Presence::Online);
        let now = |of: &AgentId| match of.as_str() {
            "a1" => Presence::Offline,
            _ => Presence::Busy,
        };
        assert_eq!(changes.take(now), [(agent(2), Presence::Busy)]);
        assert!(changes.is_empty());
    }

    #[test]
    fn who_is_again_as_before_is_told_of_all_the_same_if_somebody_came_meanwhile() {
        let mut changes = Changes::default();
        changes.note(agent(1), Presence::Offline);
        // Told that the first is online, who then goes.
        changes.newcomer();
        assert_eq!(
            changes.take(|_| Presence::Offline),
            [(agent(1), Presence::Offline)]
        );
    }

    #[test]
    fn a_crowd_is_told_of_in_parts_and_in_order() {
        let mut changes = Changes::default();
        for number in 0..250 {
            changes.note(agent(number), Presence::Offline);
        }
        let mut sizes = Vec::new();
        let mut all = Vec::new();
        while !changes.is_empty() {
            let part = changes.take(|_| Presence::Online);
            sizes.push(part.len());
            all.extend(part.into_iter().map(|(agent, _)| agent));
        }
        assert_eq!(sizes, [100, 100, 50]);
        assert_eq!(all, (0..250).map(agent).collect::<Vec<_>>());
    }
}
