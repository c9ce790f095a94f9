//! Who is there, who looks at what, who types: shown to others, never kept.

use actix::{Context, Handler};

use super::{Attend, Tenant, WhoIsThere};
use crate::actors::bounded::Admitted;
use crate::actors::conversation::{Look, Looking};
use crate::actors::feed::Presence;
use crate::actors::feed::Signal;
use crate::actors::port::SessionId;
use crate::actors::request::{Attendance, Roster};
use crate::domain::{AgentId, ConversationId};

impl Handler<Admitted<Attend>> for Tenant {
    type Result = ();
    fn handle(&mut self, attend: Admitted<Attend>, _: &mut Context<Self>) {
        let Attend {
            session,
            agent,
            attendance,
        } = attend.message;
        match attendance {
            Attendance::Presence(state) => self.note_presence(session, agent, state),
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
        let present = self
            .present
            .keys()
            .map(|agent| (agent.clone(), self.presence_of(agent)))
            .collect();
        let mut viewing: Vec<(ConversationId, Vec<AgentId>)> = Vec::new();
        for (agent, sessions) in &self.present {
            let looked_at = sessions.keys().filter_map(|session| self.viewing.get(session));
            for conversation in looked_at {
                match viewing.iter_mut().find(|(id, _)| id == conversation) {
                    Some((_, agents)) if agents.last() == Some(agent) => {}
                    Some((_, agents)) => agents.push(agent.clone()),
                    None => viewing.push((*conversation, vec![agent.clone()])),
                }
            }
        }
        // The asker may have gone.
        let _ = ask.message.0.send(Roster { present, viewing });
    }
}

impl Tenant {
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

    fn note_presence(&mut self, session: SessionId, agent: AgentId, state: Presence) {
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
            self.parts.ledger.relay(Signal::Presence { agent, state: after });
        }
    }

    fn note_viewing(&mut self, session: SessionId, agent: AgentId, conversation: Option<ConversationId>) {
        let before = match conversation {
            Some(id) => self.viewing.insert(session, id),
            None => self.viewing.remove(&session),
        };
        if before == conversation {
            return;
        }
        let looks = [(before, Looking::Ended), (conversation, Looking::Began)];
        for (id, looking) in looks {
            if let Some(id) = id {
                let addr = self.conversation(id);
                // Viewers are a courtesy: a conversation that is busy goes without.
                drop(addr.try_tell(Look {
                    session,
                    agent: agent.clone(),
                    looking,
                }));
            }
        }
    }
}

fn availability(state: &Presence) -> u8 {
    match state {
        Presence::Online => 0,
        Presence::Busy => 1,
        Presence::Offline => 2,
    }
}
