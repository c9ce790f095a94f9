//! How fast people who are not signed in may have mails sent: by network, against floods, and by address, for the sake of whose it is.
//! What is known of both is lost with the process.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use crate::domain::TenantId;
use crate::domain::email::EmailAddress;
use crate::limiter::{Allowance, Buckets, Network};

/// Colleagues share a network.
const BY_NETWORK: Allowance = Allowance::new(20, Duration::from_secs(60));
/// Each waits for a day; how many of a wider network may wait is counted in the store.
const SIGN_UPS_BY_NETWORK: Allowance = Allowance::new(5, Duration::from_secs(3_600));
/// Mails that nobody asked for, but for whom they pester.
const BY_ADDRESS: Allowance = Allowance::new(3, Duration::from_secs(1_200));
/// Invitations of one tenant that go out by e-mail.
const BY_TENANT: Allowance = Allowance::new(50, Duration::from_secs(60));
const NETWORKS: usize = 4_096;
const TENANTS: usize = 4_096;
const ADDRESSES: usize = 16_384;
/// Requests that are worked on after their answer, each with some reads and writes of the store.
const AT_WORK: usize = 64;

/// What a mail is for. Each has a pace of its own, so that sign-ups in somebody's name keep no link to a new password from that person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    /// A forgotten password.
    Password,
    /// Whose the address is.
    Address,
    /// An invitation into a team.
    Invitation,
}

pub(super) struct Requests {
    networks: Mutex<Buckets<Network>>,
    sign_ups: Mutex<Buckets<Network>>,
    addresses: Mutex<Buckets<([u8; 16], Purpose)>>,
    tenants: Mutex<Buckets<TenantId>>,
    at_work: Arc<Semaphore>,
    tasks: TaskTracker,
    /// Outlives the threads of HTTP, which end before what they began is done.
    runtime: Handle,
}

impl Requests {
    pub(super) fn new() -> Self {
        Self {
            networks: Mutex::new(Buckets::new(BY_NETWORK, NETWORKS)),
            sign_ups: Mutex::new(Buckets::new(SIGN_UPS_BY_NETWORK, NETWORKS)),
            addresses: Mutex::new(Buckets::new(BY_ADDRESS, ADDRESSES)),
            tenants: Mutex::new(Buckets::new(BY_TENANT, TENANTS)),
            at_work: Arc::new(Semaphore::new(AT_WORK)),
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
        }
    }

    /// Takes a request from a network, or says how long to wait.
    pub(super) fn admit(&self, from: IpAddr, now: Duration) -> Result<(), Duration> {
        take(&self.networks, &Network::of(from), now)
    }

    /// The same for somebody who signs up.
    pub(super) fn admit_sign_up(&self, from: IpAddr, now: Duration) -> Result<(), Duration> {
        take(&self.sign_ups, &Network::of(from), now)
    }

    /// Whether an address may get another mail, which is counted then.
    pub(super) fn may_mail(&self, to: &EmailAddress, purpose: Purpose, now: Duration) -> bool {
        take(&self.addresses, &(to.key(), purpose), now).is_ok()
    }

    /// Whether an invitation may go out by e-mail, which is counted then: neither may one tenant's take all places of mails, nor may
    /// anybody be pestered.
    pub(super) fn may_invite(&self, tenant: TenantId, to: &EmailAddress, now: Duration) -> bool {
        take(&self.tenants, &tenant, now).is_ok() && self.may_mail(to, Purpose::Invitation, now)
    }

    /// Begins what goes on after the answer.
    pub(super) fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(work, &self.runtime);
    }

    /// Waits, at most so long, until all that was begun is done.
    pub(super) async fn done(&self, limit: Duration) {
        self.tasks.close();
        // What is late has its own deadline, and can be asked for again.
        let _ = tokio::time::timeout(limit, self.tasks.wait()).await;
    }

    /// A place among those that are worked on.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.at_work).try_acquire_owned().ok()
    }
}

fn take<K: std::hash::Hash + Eq + Clone>(
    buckets: &Mutex<Buckets<K>>,
    key: &K,
    now: Duration,
) -> Result<(), Duration> {
    let mut buckets = buckets.lock().unwrap_or_else(PoisonError::into_inner);
    let wait = buckets.wait(key, now);
    if !wait.is_zero() {
        return Err(wait);
    }
    buckets.add(key, now);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: TenantId = TenantId::new(1);
    const OTHER: TenantId = TenantId::new(2);

    fn address(number: u32) -> EmailAddress {
        format!("ana-{number}@example.com").parse().unwrap()
    }

    #[tokio::test]
    async fn a_tenant_s_invitations_go_out_at_a_pace_and_nobody_gets_many() {
        let (requests, now) = (Requests::new(), Duration::ZERO);
        let may = |tenant, number, now| requests.may_invite(tenant, &address(number), now);
        let sent = (0..60).filter(|number| may(ONE, *number, now)).count();
        assert_eq!(sent, 50);
        // Others are not held back by it.
        assert!(may(OTHER, 100, now));
        assert!(may(ONE, 101, Duration::from_secs(60)));
        // Whoever invites: the third mail to one address is the last for a while.
        let later = Duration::from_secs(600);
        let sent = [ONE, OTHER, ONE, OTHER].map(|tenant| may(tenant, 200, later));
        assert_eq!(sent, [true, true, true, false]);
        assert!(may(OTHER, 200, later + Duration::from_secs(1_200)));
    }
}
