//! Who is there, who looks at what, who types: shown to others, never kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use actix::{AsyncContext as _, Context, Handler};

use super::{Telling, Tenant};
use crate::actors::bounded::Admitted;
use crate::actors::feed::Presence;
use crate::actors::feed::Signal;
use crate::actors::messages::tenant::{Arrive, Attend};
use crate::actors::port::SessionId;
use crate::actors::request::{Attendance, Named, Roster, Viewed};
use crate::domain::{AgentId, ConversationId};

/// Agents, and conversations that are looked at, of which a newcomer is told by name.
const NAMED: usize = 100;
/// Sockets that may be told in a second who came and went: each costs some ten microseconds.
const TOLD_PER_S: usize = 1_000;

/// Seconds between two tellings of who came and went, to so many sockets.
fn seconds_between(sockets: usize) -> u32 {
    u32::try_from(sockets / TOLD_PER_S).unwrap_or(u32::MAX).max(1)
}

impl Handler<Admitted<Attend>> for Tenant {
    type Result = ();
    fn handle(&mut self, attend: Admitted<Attend>, ctx: &mut Context<Self>) {
        let Attend {
            session,
            agent,
            attendance,
        } = attend.message;
        match attendance {
            Attendance::Presence(state) => self.note_presence(session, agent, state, ctx),
            Attendance::Viewing(conversation) => self.note_viewing(session, agent, conversation),
            Attendance::Typing(conversation, on) => {
                self.parts.ledger.relay(Signal::Typing {
                    conversation,
                    agent,
                    on,
                });
            }
        }
    }
}

impl Handler<Admitted<Arrive>> for Tenant {
    type Result = ();
    fn handle(&mut self, arrive: Admitted<Arrive>, ctx: &mut Context<Self>) {
        let Arrive {
            session,
            agent,
            reply,
        } = arrive.message;
        self.note_presence(session, agent, Presence::Online, ctx);
        let named = match &self.named {
            Some(named) => Arc::clone(named),
            None => Arc::clone(
                self.named
                    .insert(Arc::new(Named::new(self.first_present(), self.viewed()))),
            ),
        };
        let roster = Roster {
            named,
            count: self.present.len(),
        };
        self.changes.newcomer();
        // The client may have gone.
        let _ = reply.send(roster);
    }
}

impl Tenant {
    fn first_present(&self) -> Vec<(AgentId, Presence)> {
        let first = self.present.keys().take(NAMED);
        first
            .map(|agent| (agent.clone(), self.presence_of(agent)))
            .collect()
    }

    /// An agent came, went, or shows another state. Only the first are named.
    fn renames(&mut self, agent: &AgentId) {
        self.named.take_if(|named| {
            let last = named.present.last().map(|(last, _)| last);
            named.present.len() < NAMED || last.is_some_and(|last| agent <= last)
        });
    }

    fn viewed(&self) -> Vec<Viewed> {
        let mut viewing: BTreeMap<ConversationId, Vec<AgentId>> = BTreeMap::new();
        for (conversation, agent) in self.viewing.values().take(NAMED) {
            let agents = viewing.entry(*conversation).or_default();
            if !agents.contains(agent) {
                agents.push(agent.clone());
            }
        }
        viewing.into_iter().collect()
    }

    /// An agent is as available as the most available of their sockets.
    fn presence_of(&self, agent: &AgentId) -> Presence {
        let mut states = self
            .present
            .get(agent)
            .into_iter()
            .flat_map(|sessions| sessions.values());
        // An agent may have thousands of sockets, and the first are as a rule online.
        if states.clone().any(|state| *state == Presence::Online) {
            Presence::Online
        } else if states.any(|state| *state == Presence::Busy) {
            Presence::Busy
        } else {
            Presence::Offline
        }
    }

    fn note_presence(
        &mut self,
        session: SessionId,
        agent: AgentId,
        state: Presence,
        ctx: &mut Context<Self>,
    ) {
        let before = self.presence_of(&agent);
        if state == Presence::Offline {
            self.note_viewing(session, agent.clone(), None);
            if let Some(sessions) = self.present.get_mut(&agent) {
                sessions.remove(&session);
                if sessions.is_empty() {
                    self.present.remove(&agent);
                }
            }
        } else {
            self.present
                .entry(agent.clone())
                .or_default()
                .insert(session, state);
        }
        let after = self.presence_of(&agent);
        if after != before {
            self.renames(&agent);
            self.changes.note(agent, before);
            if self.telling == Telling::Now {
                self.tell_changes(1, ctx);
            }
        }
    }

    /// Tells colleagues who came and went since they were last told, in as many signals as seconds have passed since.
    fn tell_changes(&mut self, seconds: u32, ctx: &mut Context<Self>) {
        let mut changes = std::mem::take(&mut self.changes);
        self.telling = Telling::Now;
        for _ in 0..seconds {
            if changes.is_empty() {
                break;
            }
            self.telling = Telling::Later;
            let agents = changes.take(|agent| self.presence_of(agent));
            if !agents.is_empty() {
                self.parts.ledger.relay(Signal::Presence { agents });
            }
        }
        self.changes = changes;
        if self.telling == Telling::Later {
            let sockets = self.present.values().map(BTreeMap::len).sum();
            let seconds = seconds_between(sockets);
            let pause = Duration::from_secs(seconds.into());
            ctx.run_later(pause, move |tenant, ctx| tenant.tell_changes(seconds, ctx));
        }
    }

    fn note_viewing(&mut self, session: SessionId, agent: AgentId, conversation: Option<ConversationId>) {
        let left = self.viewing.get(&session).map(|(id, _)| *id);
        if left == conversation {
            return;
        }
        self.named = None;
        let looked_at: Vec<_> = [left, conversation].into_iter().flatten().collect();
        let before: Vec<_> = looked_at.iter().map(|id| self.viewers_of(*id)).collect();
        match conversation {
            Some(id) => self.viewing.insert(session, (id, agent)),
            None => self.viewing.remove(&session),
        };
        for (id, before) in looked_at.into_iter().zip(before) {
            let agents = self.viewers_of(id);
            if agents != before {
                self.parts.ledger.relay(Signal::Viewing {
                    conversation: id,
                    agents: agents.into_iter().collect(),
                });
            }
        }
    }

    /// An agent looks at a conversation as long as one of their sockets does.
    fn viewers_of(&self, conversation: ConversationId) -> BTreeSet<AgentId> {
        let sockets = self.viewing.values();
        sockets
            .filter(|(id, _)| *id == conversation)
            .map(|(_, agent)| agent.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_told_more_seldom() {
        let seconds = [0, 1, 999, 1_999, 2_000, 5_000].map(seconds_between);
        assert_eq!(seconds, [1, 1, 1, 1, 2, 5]);
    }
}
