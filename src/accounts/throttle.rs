//! How fast wrong passwords may come.
//!
//! Three rules hold together; whoever breaks one waits. By network, against one who tries many accounts. By account and network, against
//! one who tries many passwords: each further wrong one doubles the wait, up to a quarter of an hour, until a right one comes. By account over all networks from which nobody ever signed in to it, against many machines that try one
//! account. Networks from which somebody did are exempt from the third: so nobody keeps another from signing in where that person usually
//! does. What is known of networks is lost with the process; [`SignInThrottle::asks`] says when to look at the sign-ins that are stored.
//!
//! Codes of a second factor have a rule of their own beside these, for whoever knows the password: wrong ones in a row, from anywhere.
//!
//! An attempt counts from the moment it is admitted, not when it turns out to be wrong: otherwise a thousand that come together would
//! all be admitted before the first is known to be wrong. Each has to be followed by its outcome.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;

use crate::limiter::{Allowance, Buckets, Network};
use crate::telemetry::Seldom;

mod in_a_row;

#[cfg(test)]
mod tests;

use in_a_row::{InARow, Pauses};

const BY_NETWORK: Allowance = Allowance::new(20, Duration::from_secs(6));
/// Some hundred a day, for whoever never stops.
const BY_PAIR: Pauses = Pauses {
    free: 5,
    first: Duration::from_secs(10),
    longest: Duration::from_mins(15),
    forgotten: Duration::from_hours(24),
};
const BY_ACCOUNT: Allowance = Allowance::new(50, Duration::from_secs(30));

/// Wrong codes in a row, from all networks: some forty a day.
const CODES: Pauses = Pauses {
    free: 10,
    first: Duration::from_mins(1),
    longest: Duration::from_hours(1),
    forgotten: Duration::from_hours(24),
};

/// Networks that are remembered.
const NETWORKS: usize = 4_096;
/// Pairs of account and network, and accounts, that are remembered.
const PAIRS: usize = 16_384;
/// Networks for each account from which somebody signed in. Few for each account, rather than many in all: whoever has an account of
/// their own and many addresses must not make the gateway forget the networks of others.
const FAMILIAR: usize = 8;
/// After so long it is worth looking once more which networks are stored: other gateways let people in, too.
const LOOKED_AGAIN: Duration = Duration::from_mins(10);
/// How often the log tells of attempts that were refused.
const TOLD_EACH: Duration = Duration::from_secs(10);

type Account = [u8; 16];

/// Whether somebody signed in to an account from this network before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Familiarity {
    /// Yes.
    Familiar,
    /// Not since the process began, or too many did since.
    Strange,
}

/// See the module. Times are those of the monotonic clock. An account is whatever the person claims to be, whether or not anybody is: an
/// answer must not tell. An address is the client's own; behind a proxy everybody would share that of the proxy.
pub struct SignInThrottle {
    told: Seldom,
    state: Mutex<State>,
}

struct State {
    networks: Buckets<Network>,
    pairs: InARow<(Account, Network)>,
    accounts: Buckets<Account>,
    /// Of users whose password somebody knows.
    codes: InARow<Account>,
    /// The latest is last.
    familiar: LruCache<Account, Vec<Network>>,
    /// Of which accounts the stored sign-ins were looked at, and when.
    looked: LruCache<Account, Duration>,
}

impl SignInThrottle {
    /// Nobody has tried yet.
    pub fn new() -> Self {
        Self {
            told: Seldom::each(TOLD_EACH),
            state: Mutex::new(State {
                networks: Buckets::new(BY_NETWORK, NETWORKS),
                pairs: InARow::new(BY_PAIR, PAIRS),
                accounts: Buckets::new(BY_ACCOUNT, PAIRS),
                codes: InARow::new(CODES, PAIRS),
                familiar: LruCache::unbounded(),
                looked: LruCache::unbounded(),
            }),
        }
    }

    /// Lets an attempt pass and counts it as wrong until its outcome is told, or says how long to wait. An attempt whose outcome is
    /// never told, because its caller went away, stays wrong.
    pub fn admit(&self, account: [u8; 16], address: IpAddr, now: Duration) -> Result<Familiarity, Duration> {
        let network = Network::of(address);
        let mut state = self.state();
        let mut wait = state.networks.wait(&network, now);
        wait = wait.max(state.pairs.wait(&(account, network), now));
        let familiar = state.is_familiar(account, network);
        if !familiar {
            wait = wait.max(state.accounts.wait(&account, now));
        }
        if wait.is_zero() {
            state.networks.add(&network, now);
            state.pairs.add((account, network), now);
            if familiar {
                return Ok(Familiarity::Familiar);
            }
            state.accounts.add(&account, now);
            return Ok(Familiarity::Strange);
        }
        drop(state);
        if let Some(count) = self.told.happened(now) {
            tracing::warn!(%address, count, "sign-ins are refused for a while: many passwords were wrong");
        }
        Err(wait)
    }

    /// Whether an attempt waits for what many networks tried alone, so that it would pass from a network of which an earlier process or
    /// another gateway knows. Says so seldom for each account: whoever is asked reads the store.
    pub fn asks(&self, account: [u8; 16], address: IpAddr, now: Duration) -> bool {
        let network = Network::of(address);
        let mut state = self.state();
        let own = state.networks.wait(&network, now);
        let own = own.max(state.pairs.wait(&(account, network), now));
        if !own.is_zero()
            || state.is_familiar(account, network)
            || state.accounts.wait(&account, now).is_zero()
        {
            return false;
        }
        let looked = state.looked.get(&account);
        if looked.is_some_and(|looked| now.saturating_sub(*looked) < LOOKED_AGAIN) {
            return false;
        }
        state.looked.put(account, now);
        if state.looked.len() > PAIRS {
            state.looked.pop_lru();
        }
        true
    }

    /// From these addresses somebody signed in, as is stored; the latest is last.
    pub fn recall(&self, account: [u8; 16], addresses: &[IpAddr]) {
        let mut state = self.state();
        // What this process saw is later.
        let known = state.familiar.get(&account).cloned().unwrap_or_default();
        let stored = addresses.iter().map(|address| Network::of(*address));
        for network in stored.chain(known) {
            state.make_familiar(account, network);
        }
    }

    /// Somebody at this address showed otherwise that the account is theirs: what others tried keeps them out no more.
    pub fn proved(&self, account: [u8; 16], address: IpAddr) {
        let network = Network::of(address);
        let mut state = self.state();
        state.accounts.forget(&account);
        state.pairs.forget(&(account, network));
        state.make_familiar(account, network);
    }

    /// An attempt that was admitted was wrong. It counts from now, however long it waited for its hash.
    pub fn failed(&self, account: [u8; 16], address: IpAddr, now: Duration) {
        let network = Network::of(address);
        let mut state = self.state();
        state.take_back(account, network);
        state.networks.add(&network, now);
        state.pairs.add((account, network), now);
        if !state.is_familiar(account, network) {
            state.accounts.add(&account, now);
        }
    }

    /// An attempt that was admitted was right: it does not count, and its network is familiar from now on. What was wrong before counts no
    /// more for this account from this network; it still does for the network, or whoever has one account of their own could try others
    /// without end.
    pub fn succeeded(&self, account: [u8; 16], address: IpAddr, _now: Duration) {
        let network = Network::of(address);
        let mut state = self.state();
        state.take_back(account, network);
        state.pairs.forget(&(account, network));
        state.make_familiar(account, network);
    }

    /// Nobody looked at the password of an attempt that was admitted: it does not count.
    pub fn not_tried(&self, account: [u8; 16], address: IpAddr) {
        self.state().take_back(account, Network::of(address));
    }

    /// Lets a code of a user be looked at, whose password was right, and counts it as wrong; or says how long to wait.
    pub fn admit_code(&self, user: [u8; 16], now: Duration) -> Result<(), Duration> {
        let mut state = self.state();
        let wait = state.codes.wait(&user, now);
        if !wait.is_zero() {
            return Err(wait);
        }
        state.codes.add(user, now);
        Ok(())
    }

    /// A code was right: those before it do not count any more.
    pub fn code_was_right(&self, user: [u8; 16]) {
        self.state().codes.forget(&user);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for SignInThrottle {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for SignInThrottle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignInThrottle").finish_non_exhaustive()
    }
}

impl State {
    fn take_back(&mut self, account: Account, network: Network) {
        self.networks.take_back(&network);
        self.pairs.take_back(&(account, network));
        // One that became familiar in the meantime had been counted; one too few in fifty is no matter.
        if !self.is_familiar(account, network) {
            self.accounts.take_back(&account);
        }
    }

    fn is_familiar(&mut self, account: Account, network: Network) -> bool {
        let known = self.familiar.get(&account);
        known.is_some_and(|known| known.contains(&network))
    }

    fn make_familiar(&mut self, account: Account, network: Network) {
        let known = self.familiar.get_or_insert_mut(account, Vec::new);
        known.retain(|other| *other != network);
        if known.len() >= FAMILIAR {
            known.remove(0);
        }
        known.push(network);
        if self.familiar.len() > PAIRS {
            self.familiar.pop_lru();
        }
    }
}
