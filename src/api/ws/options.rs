//! What sockets are bounded by.

use std::time::Duration;

use super::protocol::ProtocolLimits;
use crate::actors::feed::FeedLimits;
use crate::api::gcra::Rate;
use crate::api::origin::AllowedOrigins;
use crate::config::Config;

/// Bytes of a message that comes in several frames.
const MESSAGE: usize = 256 * 1024;

/// Bounds and times of sockets. Times that are no settings stand here, so that tests can shorten them.
#[derive(Debug, Clone)]
pub struct SocketOptions {
    /// Pages of these origins may open a socket.
    pub(super) origins: AllowedOrigins,
    /// Handshakes in a second.
    pub(super) handshakes_per_s: u32,
    /// How long a handshake may wait for its turn; whoever would wait longer is told to come back.
    pub(super) handshake_patience: Duration,
    /// Open sockets of the process.
    pub(super) total: usize,
    /// Open sockets of one agent.
    pub(super) per_agent: usize,
    /// Bytes of one frame from a client.
    pub frame_limit: usize,
    /// Frames from a client in a second.
    pub frames_per_s: u32,
    /// Bounds of a feed.
    pub feed: FeedLimits,
    /// Events behind which a client is told to load afresh.
    pub resync_after: u64,
    /// How long a client may take to say hello.
    pub hello: Duration,
    /// How often a client is pinged, and its key looked at.
    pub heartbeat: Duration,
    /// How long a client may be silent that is not seen to read either.
    pub silence: Duration,
    /// How long a request to the core may take.
    pub command: Duration,
    /// How long a socket may read nothing while something waits for it.
    pub stuck: Duration,
    /// How long a socket that is being closed may take to read its last frames.
    pub closing: Duration,
    /// How often the reaper looks.
    pub reaper_tick: Duration,
    /// `SO_SNDBUF` of connections: what the kernel holds of what is sent until it is acknowledged; the kernel doubles it.
    pub send_buffer: usize,
}

impl SocketOptions {
    /// The bounds that the settings ask for.
    pub fn of(config: &Config) -> Self {
        let (server, limits) = (&config.server, &config.limits);
        Self {
            origins: AllowedOrigins::new(&server.allowed_origins, server.public_url.as_ref()),
            handshakes_per_s: limits.handshakes_per_s,
            handshake_patience: Duration::from_secs(2),
            total: limits.sockets_total,
            per_agent: limits.sockets_per_agent,
            frame_limit: limits.socket_frame_limit.as_usize(),
            frames_per_s: limits.socket_frames_per_s,
            feed: FeedLimits {
                buffer_events: limits.event_buffer,
                buffer_bytes: limits.event_buffer_bytes.as_usize(),
                ..FeedLimits::default()
            },
            resync_after: limits.resync_after,
            hello: Duration::from_secs(10),
            // Two pings may be lost, and whoever does not read is gone within 45 seconds, the close included.
            heartbeat: Duration::from_secs(15),
            silence: Duration::from_secs(35),
            command: Duration::from_secs(15),
            stuck: limits.reaper_stuck,
            closing: Duration::from_secs(5),
            reaper_tick: Duration::from_secs(1),
            send_buffer: 128 * 1024,
        }
    }

    pub(super) fn protocol(&self) -> ProtocolLimits {
        ProtocolLimits {
            message: MESSAGE,
            rate: Rate::per_second(self.frames_per_s),
            hello: self.hello,
            ping_every: self.heartbeat,
            silence: self.silence,
        }
    }
}
