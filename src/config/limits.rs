//! Bounds: every queue, rate and buffer of the process.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Problems;
use super::units::{ByteSize, seconds};
use crate::domain::Quota;

/// Section `limits`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Calls to Meta in flight for one number.
    pub lane_in_flight: usize,
    /// Messages of one number waiting in memory.
    pub lane_queue: usize,
    /// Messages of one tenant that may wait to be sent.
    pub tenant_backlog: usize,
    /// Share of a number's rate that bulk always gets, in percent.
    pub bulk_share_percent: u32,
    /// Messages to one customer at once.
    pub pair_burst: u32,
    /// Calls to the API that one key may make in a second.
    pub key_requests_per_s: u32,
    /// Calls that one key may make at once after a pause.
    pub key_burst: u32,
    /// Calls to the API that one tenant may make in a second, by all its keys and people, unless it has a quota of its own.
    pub tenant_requests_per_s: u32,
    /// Largest frame from a client.
    pub socket_frame_limit: ByteSize,
    /// Frames from a client in a second.
    pub socket_frames_per_s: u32,
    /// Open sockets of one agent.
    pub sockets_per_agent: usize,
    /// Open sockets of one tenant.
    pub sockets_per_tenant: usize,
    /// Unused tickets of one tenant.
    pub tickets_per_tenant: usize,
    /// Bytes of files of one tenant.
    pub storage_per_tenant: ByteSize,
    /// Open sockets of this process.
    pub sockets_total: usize,
    /// Handshakes in a second.
    pub handshakes_per_s: u32,
    /// Newest events of a tenant kept ready.
    pub event_buffer: usize,
    /// The same in bytes.
    pub event_buffer_bytes: ByteSize,
    /// Events behind which a client is told to load afresh.
    pub resync_after: u64,
    /// How long a socket may read nothing while something waits for it.
    #[serde(rename = "reaper_stuck_s", with = "seconds")]
    pub reaper_stuck: Duration,
    /// Waiting messages of one tenant.
    pub tenant_mailbox: usize,
    /// Waiting messages of one number's lane.
    pub lane_mailbox: usize,
    /// How long a conversation stays in memory after its last message.
    #[serde(rename = "conversation_idle_s", with = "seconds")]
    pub conversation_idle: Duration,
    /// How long a tenant stays in memory of whom nobody wants anything.
    #[serde(rename = "tenant_idle_s", with = "seconds")]
    pub tenant_idle: Duration,
}

impl LimitsConfig {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.range("limits.lane_in_flight", self.lane_in_flight, 1..=2_000);
        problems.range("limits.lane_queue", self.lane_queue, 1..=1_000_000);
        problems.range("limits.tenant_backlog", self.tenant_backlog, 1..=100_000_000);
        problems.range("limits.bulk_share_percent", self.bulk_share_percent, 1..=50);
        problems.range("limits.pair_burst", self.pair_burst, 1..=45);
        problems.range("limits.key_requests_per_s", self.key_requests_per_s, 1..=100_000);
        problems.range("limits.key_burst", self.key_burst, 1..=1_000_000);
        problems.range(
            "limits.tenant_requests_per_s",
            u64::from(self.tenant_requests_per_s),
            Quota::RequestsPerS.bounds(),
        );
        let size = ByteSize::bytes;
        problems.range(
            "limits.socket_frame_limit",
            self.socket_frame_limit,
            size(1 << 10)..=size(1 << 20),
        );
        problems.range("limits.socket_frames_per_s", self.socket_frames_per_s, 1..=10_000);
        problems.range("limits.sockets_per_agent", self.sockets_per_agent, 1..=10_000);
        problems.range(
            "limits.sockets_per_tenant",
            self.sockets_per_tenant,
            1..=1_000_000,
        );
        problems.range("limits.tickets_per_tenant", self.tickets_per_tenant, 1..=65_536);
        problems.range(
            "limits.storage_per_tenant",
            self.storage_per_tenant.get(),
            Quota::Storage.bounds(),
        );
        problems.range("limits.sockets_total", self.sockets_total, 1..=1_000_000);
        problems.range("limits.handshakes_per_s", self.handshakes_per_s, 1..=100_000);
        problems.range("limits.event_buffer", self.event_buffer, 16..=1_000_000);
        problems.range(
            "limits.event_buffer_bytes",
            self.event_buffer_bytes,
            size(1 << 16)..=size(1 << 30),
        );
        problems.range("limits.resync_after", self.resync_after, 1..=1_000_000);
        problems.range("limits.reaper_stuck_s", self.reaper_stuck.as_secs(), 1..=600);
        for (key, idle) in [
            ("limits.conversation_idle_s", self.conversation_idle),
            ("limits.tenant_idle_s", self.tenant_idle),
        ] {
            problems.range(key, idle.as_secs(), 1..=86_400);
        }
        for (key, places) in [
            ("limits.tenant_mailbox", self.tenant_mailbox),
            ("limits.lane_mailbox", self.lane_mailbox),
        ] {
            problems.range(key, places, 1..=1_000_000);
        }
    }
}
