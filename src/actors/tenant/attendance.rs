//! Who is there, who looks at what, who types: shown to others, never kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use actix::{AsyncContext as _, Context, Handler};

use super::{Attend, Telling, Tenant, WhoIsThere};
use crate::actors::bounded::Admitted;
use crate::actors::feed::Presence;
use crate::actors::feed::Signal;
use crate::actors::port::SessionId;
use crate::actors::request::{Attendance, Roster, Viewed};
use crate::domain::{AgentId, ConversationId};

/// Agents, and conversations that are looked at, of which a newcomer is told by name.
const NAMED: usize = 100;
/// Between two signals that tell who came and went.
const BETWEEN: Duration = Duration::from_secs(1);

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

impl Handler<Admitted<WhoIsThere>> for Tenant {
    type Result = ();
    fn handle(&mut self, ask: Admitted<WhoIsThere>, _: &mut Context<Self>) {
        let roster = Roster {
            present: self.named(),
            count: self.present.len(),
            viewing: self.viewed(),
        };
        // The asker may have gone.
        let _ = ask.message.0.send(roster);
    }
}

/// What newcomers are told by name. A team that reconnects is told the same thousands of times: it is made when it has changed.
#[derive(Debug, Default)]
pub(super) struct Named {
    present: Option<Arc<[(AgentId, Presence)]>>,
    viewing: Option<Arc<[Viewed]>>,
}

impl Named {
    /// An agent came, went, or shows another state. Only the first are named.
    fn changed(&mut self, agent: &AgentId) {
        self.present.take_if(|present| {
            let last = present.last().map(|(last, _)| last);
            present.len() < NAMED || last.is_some_and(|last| agent <= last)
        });
    }
}

impl Tenant {
    fn named(&mut self) -> Arc<[(AgentId, Presence)]> {
        if let Some(present) = &self.named.present {
            return Arc::clone(present);
        }
        let named = self.present.keys().take(NAMED);
        let present: Arc<[_]> = named
            .map(|agent| (agent.clone(), self.presence_of(agent)))
            .collect();
        self.named.present = Some(Arc::clone(&present));
        present
    }

    fn viewed(&mut self) -> Arc<[Viewed]> {
        if let Some(viewing) = &self.named.viewing {
            return Arc::clone(viewing);
        }
        let mut viewing: BTreeMap<ConversationId, Vec<AgentId>> = BTreeMap::new();
        for (conversation, agent) in self.viewing.values().take(NAMED) {
            let agents = viewing.entry(*conversation).or_default();
            if !agents.contains(agent) {
                agents.push(agent.clone());
            }
        }
        let viewing: Arc<[_]> = viewing.into_iter().collect();
        self.named.viewing = Some(Arc::clone(&viewing));
        viewing
    }

    /// An agent is as available as the most available of their sockets.
    fn presence_of(&self, agent: &AgentId) -> Presence {
        let states = self
            .present
            .get(agent)
            .into_iter()
            .flat_map(|sessions| sessions.values());
        states
            .copied()
            .min_by_key(availability)
            .unwrap_or(Presence::Offline)
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
            self.named.changed(&agent);
            self.changes.note(agent, before);
            if self.telling == Telling::Now {
                self.tell_changes(ctx);
            }
        }
    }

    /// Tells colleagues who came and went since they were last told, a second ago at least.
    fn tell_changes(&mut self, ctx: &mut Context<Self>) {
        let mut changes = std::mem::take(&mut self.changes);
        let agents = changes.take(|agent| self.presence_of(agent));
        self.changes = changes;
        self.telling = Telling::Now;
        if agents.is_empty() && self.changes.is_empty() {
            return;
        }
        if !agents.is_empty() {
            self.parts.ledger.relay(Signal::Presence { agents });
        }
        self.telling = Telling::Later;
        ctx.run_later(BETWEEN, Self::tell_changes);
    }

    fn note_viewing(&mut self, session: SessionId, agent: AgentId, conversation: Option<ConversationId>) {
        let left = self.viewing.get(&session).map(|(id, _)| *id);
        if left == conversation {
            return;
        }
        self.named.viewing = None;
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

fn availability(state: &Presence) -> u8 {
    match state {
        Presence::Online => 0,
        Presence::Busy => 1,
        Presence::Offline => 2,
    }
}
