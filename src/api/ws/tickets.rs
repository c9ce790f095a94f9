//! Tickets: how an agent's client, which has no API key, opens one socket.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::domain::ids::digest16;
use crate::domain::{AgentId, Clock, TenantId};
use crate::store::KeyHash;

/// How long a ticket can be used.
pub const VALID_FOR: Duration = Duration::from_secs(30);
/// Tickets that may be open at once: a large team that reconnects, with room to spare. Some 20 MB at most.
const OPEN: usize = 65_536;
/// Bytes of chance in a ticket.
const CHANCE: usize = 32;

/// Whom a ticket lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// The business.
    pub tenant: TenantId,
    /// The person.
    pub agent: AgentId,
    /// What colleagues see.
    pub name: Arc<str>,
    /// The key that vouched for the person: when it is revoked, the socket closes.
    pub key: KeyHash,
}

/// Why no ticket was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TicketRefusal {
    /// Too many are open; try again in a while.
    #[error("too many tickets are open")]
    TooMany,
    /// The machine gives no chance.
    #[error("no randomness to be had")]
    NoChance,
}

struct Open {
    pass: Pass,
    until: Duration,
}

/// Tickets that were made and not used. Each works once.
pub struct Tickets {
    clock: Arc<dyn Clock>,
    random: SystemRandom,
    /// By digest, so that finding a ticket tells nothing about others by the time it takes.
    open: Mutex<HashMap<[u8; 16], Open>>,
    most: usize,
}

impl Tickets {
    /// No ticket yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            random: SystemRandom::new(),
            open: Mutex::default(),
            most: OPEN,
        }
    }

    /// Makes a ticket: 43 characters of `A-Z a-z 0-9 - _`, valid for [`VALID_FOR`].
    pub fn issue(&self, pass: Pass) -> Result<String, TicketRefusal> {
        let mut chance = [0_u8; CHANCE];
        self.random
            .fill(&mut chance)
            .map_err(|_unspecified| TicketRefusal::NoChance)?;
        let ticket = URL_SAFE_NO_PAD.encode(chance);
        let now = self.clock.monotonic();
        let mut open = self.open();
        if open.len() >= self.most {
            open.retain(|_, ticket| ticket.until > now);
            if open.len() >= self.most {
                return Err(TicketRefusal::TooMany);
            }
        }
        let until = now.saturating_add(VALID_FOR);
        open.insert(digest(&ticket), Open { pass, until });
        Ok(ticket)
    }

    /// Uses a ticket up. `None` when it is unknown, used or too old.
    pub fn redeem(&self, ticket: &str) -> Option<Pass> {
        let open = self.open().remove(&digest(ticket))?;
        (open.until > self.clock.monotonic()).then_some(open.pass)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<[u8; 16], Open>> {
        // Tickets are inserted and removed whole, so a panic elsewhere leaves nothing half done.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(ticket: &str) -> [u8; 16] {
    digest16(&[b"ticket", ticket.as_bytes()])
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tickets")
            .field("open", &self.open().len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{TestClock, Timestamp};

    fn pass(agent: &str) -> Pass {
        Pass {
            tenant: TenantId::new(1),
            agent: AgentId::parse(agent).unwrap(),
            name: agent.into(),
            key: KeyHash::of("key"),
        }
    }

    fn tickets() -> (Tickets, TestClock) {
        let clock = TestClock::at(Timestamp::from_secs(1));
        (Tickets::new(Arc::new(clock.clone())), clock)
    }

    #[test]
    fn a_ticket_lets_one_socket_in_and_no_second() {
        let (tickets, _) = tickets();
        let (ana, ben) = (
            tickets.issue(pass("ana")).unwrap(),
            tickets.issue(pass("ben")).unwrap(),
        );
        assert_ne!(ana, ben);
        assert_eq!(tickets.redeem(&ana), Some(pass("ana")));
        assert_eq!(tickets.redeem(&ana), None);
        assert_eq!(tickets.redeem("made up"), None);
    }

    #[test]
    fn a_ticket_is_worth_nothing_after_thirty_seconds() {
        let (tickets, clock) = tickets();
        let ticket = tickets.issue(pass("ana")).unwrap();
        clock.advance(VALID_FOR);
        assert_eq!(tickets.redeem(&ticket), None);
    }

    #[test]
    fn the_table_is_bounded_and_makes_room_by_time_alone() {
        let (mut tickets, clock) = tickets();
        tickets.most = 2;
        tickets.issue(pass("ana")).unwrap();
        let second = tickets.issue(pass("ben")).unwrap();
        assert_eq!(tickets.issue(pass("eve")), Err(TicketRefusal::TooMany));
        assert!(tickets.redeem(&second).is_some(), "nobody was pushed out");
        clock.advance(VALID_FOR);
        tickets.issue(pass("eve")).unwrap();
        tickets.issue(pass("eve")).unwrap();
    }
}
