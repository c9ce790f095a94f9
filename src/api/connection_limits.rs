//! How many connections there are, in all and from one address.
//!
//! Each costs a file, and the store needs files too. Connections from this machine and from trusted proxies are not counted by
//! address: everybody behind a proxy comes from there, and who it is shows only in a request.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::client_address::is_trusted;
use crate::config::Network;
use crate::limiter::Network as PeerNetwork;
use crate::telemetry::labels::ConnectionEnd;
use crate::telemetry::metrics;

/// Files that are left to everything but connections: an eighth of all, and no fewer than these.
const FEWEST_KEPT: usize = 256;
/// No store needs more.
const MOST_KEPT: usize = 8_192;

/// Connections that the process may have when it may have so many files open.
pub(super) fn connections_within(files: usize) -> usize {
    let kept = (files / 8).clamp(FEWEST_KEPT, MOST_KEPT);
    files.saturating_sub(kept).max(files / 2)
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_peer: HashMap<PeerNetwork, usize>,
}

/// The connections of the process. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct ConnectionLimits {
    counts: Arc<Mutex<Counts>>,
    most: usize,
    /// Of one address; 0 for no limit.
    most_of_peer: usize,
    proxies: Arc<[Network]>,
}

impl ConnectionLimits {
    /// No connection yet.
    pub(super) fn new(most: usize, most_of_peer: usize, proxies: &[Network]) -> Self {
        Self {
            counts: Arc::default(),
            most,
            most_of_peer,
            proxies: proxies.into(),
        }
    }

    /// Counts a connection in, or says which bound it would exceed.
    pub(super) fn enter(&self, from: Option<IpAddr>) -> Result<Place, ConnectionEnd> {
        let peer = from
            .filter(|from| !is_trusted(&self.proxies, *from))
            .and_then(counted);
        let mut counts = self.counts();
        if counts.all >= self.most {
            return Err(ConnectionEnd::Full);
        }
        if let Some(peer) = peer {
            let open = counts.by_peer.get(&peer).copied().unwrap_or_default();
            if self.most_of_peer > 0 && open >= self.most_of_peer {
                return Err(ConnectionEnd::Peer);
            }
            counts.by_peer.insert(peer, open.saturating_add(1));
        }
        counts.all = counts.all.saturating_add(1);
        drop(counts);
        metrics::connections_open().increment(1.0);
        Ok(Place {
            limits: self.clone(),
            peer,
        })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Numbers are changed whole, so a panic elsewhere leaves nothing half done.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By what an address is counted; `None` for this machine.
fn counted(address: IpAddr) -> Option<PeerNetwork> {
    (!address.to_canonical().is_loopback()).then(|| PeerNetwork::of(address))
}

/// One connection, counted until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    limits: ConnectionLimits,
    peer: Option<PeerNetwork>,
}

impl Drop for Place {
    fn drop(&mut self) {
        metrics::connections_open().decrement(1.0);
        let mut counts = self.limits.counts();
        counts.all = counts.all.saturating_sub(1);
        if let Some(peer) = self.peer
            && let Some(open) = counts.by_peer.get_mut(&peer)
        {
            *open = open.saturating_sub(1);
            if *open == 0 {
                counts.by_peer.remove(&peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Option<IpAddr> {
        Some(address.parse().unwrap())
    }

    #[test]
    fn one_address_has_its_share_and_no_more() {
        let limits = ConnectionLimits::new(100, 2, &[]);
        let one = limits.enter(from("203.0.113.7")).unwrap();
        let _two = limits.enter(from("::ffff:203.0.113.7")).unwrap();
        assert_eq!(
            limits.enter(from("203.0.113.7")).unwrap_err(),
            ConnectionEnd::Peer
        );
        let _other = limits.enter(from("203.0.113.8")).unwrap();
        drop(one);
        assert!(limits.enter(from("203.0.113.7")).is_ok());
    }

    #[test]
    fn the_addresses_of_one_network_of_ipv6_count_as_one() {
        let limits = ConnectionLimits::new(100, 1, &[]);
        let _one = limits.enter(from("2001:db8:1:2::1")).unwrap();
        assert_eq!(
            limits.enter(from("2001:db8:1:2:ffff::9")).unwrap_err(),
            ConnectionEnd::Peer
        );
        assert!(limits.enter(from("2001:db8:1:3::1")).is_ok());
    }

    #[test]
    fn a_proxy_on_this_machine_may_bring_everybody_as_far_as_there_are_files() {
        let limits = ConnectionLimits::new(3, 1, &[]);
        let all = ["127.0.0.1", "::1", "127.0.0.1"];
        let places: Vec<_> = all
            .into_iter()
            .map(|address| limits.enter(from(address)))
            .collect();
        assert!(places.iter().all(Result::is_ok));
        assert_eq!(limits.enter(from("127.0.0.1")).unwrap_err(), ConnectionEnd::Full);
        drop(places);
        assert!(limits.counts().by_peer.is_empty());
        assert!(limits.enter(None).is_ok());
    }

    #[test]
    fn a_trusted_proxy_may_bring_as_many_as_there_are_files_and_its_neighbour_may_not() {
        let limits = ConnectionLimits::new(4, 1, &[Network::parse("10.0.0.7").unwrap()]);
        let enter = |address| limits.enter(from(address));
        let _two = ["10.0.0.7", "::ffff:10.0.0.7"].map(|proxy| enter(proxy).unwrap());
        let _neighbour = enter("10.0.0.8").unwrap();
        assert_eq!(enter("10.0.0.8").unwrap_err(), ConnectionEnd::Peer);
        let _third = enter("10.0.0.7").unwrap();
        assert_eq!(enter("10.0.0.7").unwrap_err(), ConnectionEnd::Full);
    }

    #[test]
    fn files_are_left_to_the_store() {
        for (files, connections) in [(64, 32), (1_024, 768), (65_536, 57_344), (1_048_576, 1_040_384)] {
            assert_eq!(connections_within(files), connections, "{files}");
        }
    }
}
