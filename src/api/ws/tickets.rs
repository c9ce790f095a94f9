//! Tickets: how an agent's client, which has no API key, opens one socket.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::api::auth::Voucher;
use crate::domain::ids::digest16;
use crate::domain::{AgentId, Clock, NumberLimit, TenantId, UserId};
use crate::store::ApiKey;

/// How long a ticket can be used.
pub const VALID_FOR: Duration = Duration::from_secs(30);
/// Tickets that may be open at once: a large team that reconnects, with room to spare. Some 20 MB at most.
const OPEN: usize = 65_536;
/// How often tickets that ended are looked for.
const SWEPT_EACH: Duration = Duration::from_secs(1);
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
    /// The account of the person, where it is one.
    pub user: Option<UserId>,
    /// The key that vouched for the person. Its scopes are the person's; when it is revoked, the socket closes.
    pub key: Arc<ApiKey>,
    /// The numbers that the person works on.
    pub limit: NumberLimit,
}

impl Pass {
    /// What lets the person in, and what must hold for as long as the socket is open.
    pub(super) fn voucher(&self) -> Voucher {
        Voucher {
            key: self.key.hash,
            user: self.user,
        }
    }
}

/// Why no ticket was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TicketRefusal {
    /// Too many are open; try again in a while.
    #[error("too many tickets are open")]
    TooMany,
    /// The tenant has too many open.
    #[error("too many tickets of the tenant are open")]
    TooManyOfTenant,
    /// The machine gives no chance.
    #[error("no randomness to be had")]
    NoChance,
}

struct Open {
    pass: Pass,
    until: Duration,
}

/// Tickets by digest, so that finding one tells nothing about others by the time it takes.
#[derive(Default)]
struct Table {
    open: HashMap<[u8; 16], Open>,
    tenants: HashMap<TenantId, usize>,
    /// When those that ended were last removed.
    swept: Duration,
}

impl Table {
    fn take(&mut self, digest: [u8; 16]) -> Option<Open> {
        let open = self.open.remove(&digest)?;
        if let Some(count) = self.tenants.get_mut(&open.pass.tenant) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.tenants.remove(&open.pass.tenant);
            }
        }
        Some(open)
    }

    fn put(&mut self, digest: [u8; 16], open: Open) {
        let count = self.tenants.entry(open.pass.tenant).or_default();
        *count = count.saturating_add(1);
        self.open.insert(digest, open);
    }

    fn of(&self, tenant: TenantId) -> usize {
        self.tenants.get(&tenant).copied().unwrap_or_default()
    }

    /// Removes what has ended, at most once a second: it looks at all of them.
    fn sweep(&mut self, now: Duration) {
        if now.saturating_sub(self.swept) < SWEPT_EACH {
            return;
        }
        self.swept = now;
        let over: Vec<_> = self
            .open
            .iter()
            .filter(|(_, open)| open.until <= now)
            .map(|(digest, _)| *digest)
            .collect();
        for digest in over {
            self.take(digest);
        }
    }
}

/// Tickets that were made and not used. Each works once.
pub struct Tickets {
    clock: Arc<dyn Clock>,
    random: SystemRandom,
    table: Mutex<Table>,
    most: usize,
}

impl Tickets {
    /// No ticket yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            random: SystemRandom::new(),
            table: Mutex::default(),
            most: OPEN,
        }
    }

    /// How many tickets of a tenant are open.
    pub fn open_of(&self, tenant: TenantId) -> usize {
        let mut table = self.table();
        table.sweep(self.clock.monotonic());
        table.of(tenant)
    }

    /// Makes a ticket: 43 characters of `A-Z a-z 0-9 - _`, valid for [`VALID_FOR`], for a tenant that may have so many open.
    pub fn issue(&self, pass: Pass, most_of_tenant: usize) -> Result<String, TicketRefusal> {
        let mut chance = [0_u8; CHANCE];
        self.random
            .fill(&mut chance)
            .map_err(|_unspecified| TicketRefusal::NoChance)?;
        let ticket = URL_SAFE_NO_PAD.encode(chance);
        let now = self.clock.monotonic();
        let mut table = self.table();
        if table.open.len() >= self.most || table.of(pass.tenant) >= most_of_tenant {
            table.sweep(now);
        }
        if table.open.len() >= self.most {
            return Err(TicketRefusal::TooMany);
        }
        if table.of(pass.tenant) >= most_of_tenant {
            return Err(TicketRefusal::TooManyOfTenant);
        }
        let until = now.saturating_add(VALID_FOR);
        table.put(digest(&ticket), Open { pass, until });
        Ok(ticket)
    }

    /// Whether a ticket would let somebody in now. It stays as it is.
    pub fn is_open(&self, ticket: &str) -> bool {
        let now = self.clock.monotonic();
        let table = self.table();
        table
            .open
            .get(&digest(ticket))
            .is_some_and(|open| open.until > now)
    }

    /// Uses a ticket up. `None` when it is unknown, used or too old.
    pub fn redeem(&self, ticket: &str) -> Option<Pass> {
        let open = self.table().take(digest(ticket))?;
        (open.until > self.clock.monotonic()).then_some(open.pass)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Tickets are inserted and removed whole, so a panic elsewhere leaves nothing half done.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(ticket: &str) -> [u8; 16] {
    digest16(&[b"ticket", ticket.as_bytes()])
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tickets")
            .field("open", &self.table().open.len())
            .finish()
    }
}

/// A key for tests of what takes one.
#[cfg(test)]
pub(super) fn key_for_tests(tenant: TenantId, scopes: &[crate::store::directory::Scope]) -> Arc<ApiKey> {
    Arc::new(ApiKey {
        hash: crate::store::KeyHash::of("the key"),
        id: "k1".to_owned(),
        tenant,
        name: "test".to_owned(),
        scopes: scopes.to_vec(),
        created: crate::domain::Timestamp::from_secs(1),
        created_by: None,
        revoked: None,
        expires: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{TestClock, Timestamp};
    use crate::store::directory::Scope;

    fn pass(agent: &str) -> Pass {
        Pass {
            tenant: TenantId::new(1),
            agent: AgentId::parse(agent).unwrap(),
            name: agent.into(),
            user: None,
            limit: crate::domain::NumberLimit::All,
            key: key_for_tests(TenantId::new(1), &[Scope::Agents, Scope::Read]),
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
            tickets.issue(pass("ana"), 3).unwrap(),
            tickets.issue(pass("ben"), 3).unwrap(),
        );
        assert_ne!(ana, ben);
        assert!(tickets.is_open(&ana), "looking does not use it up");
        assert_eq!(tickets.redeem(&ana), Some(pass("ana")));
        assert!(!tickets.is_open(&ana));
        assert_eq!(tickets.redeem(&ana), None);
        assert_eq!(tickets.redeem("made up"), None);
    }

    #[test]
    fn a_ticket_is_worth_nothing_after_thirty_seconds() {
        let (tickets, clock) = tickets();
        let ticket = tickets.issue(pass("ana"), 3).unwrap();
        clock.advance(VALID_FOR);
        assert_eq!(tickets.redeem(&ticket), None);
    }

    #[test]
    fn the_table_is_bounded_and_makes_room_by_time_alone() {
        let (mut tickets, clock) = tickets();
        tickets.most = 2;
        tickets.issue(pass("ana"), 3).unwrap();
        let second = tickets.issue(pass("ben"), 3).unwrap();
        assert_eq!(tickets.issue(pass("eve"), 3), Err(TicketRefusal::TooMany));
        assert!(tickets.redeem(&second).is_some(), "nobody was pushed out");
        clock.advance(VALID_FOR);
        tickets.issue(pass("eve"), 3).unwrap();
        tickets.issue(pass("eve"), 3).unwrap();
    }

    #[test]
    fn a_tenant_takes_only_its_share_and_leaves_others_theirs() {
        let (tickets, clock) = tickets();
        let made: Vec<_> = (0..3).map(|_| tickets.issue(pass("ana"), 3).unwrap()).collect();
        assert_eq!(tickets.issue(pass("ana"), 3), Err(TicketRefusal::TooManyOfTenant));
        let other = Pass {
            tenant: TenantId::new(2),
            ..pass("ana")
        };
        tickets.issue(other, 3).unwrap();
        assert!(tickets.redeem(&made[0]).is_some());
        tickets.issue(pass("ana"), 3).unwrap();
        assert_eq!(tickets.issue(pass("ana"), 3), Err(TicketRefusal::TooManyOfTenant));
        clock.advance(VALID_FOR);
        tickets.issue(pass("ana"), 3).unwrap();
        assert_eq!(tickets.table().tenants.len(), 1, "what ended is counted no more");
    }
}
