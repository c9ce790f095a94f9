//! A socket that was let in, from the handshake's answer to its two halves.

use std::sync::Arc;

use bytes::BytesMut;

use super::frame::Close;
use super::inbound::Frames;
use super::link::Link;
use super::outgoing::{Limited, Outgoing};
use super::progress::Progress;
use super::reaper::Watch;
use super::session::{Parts, Session};
use super::socket_limits::SocketPermit;
use super::socket_writer::SocketWriter;
use super::sockets::Shared;
use super::tickets::Pass;
use crate::actors::feed::Subscription;
use crate::api::auth::KeyWatch;
use crate::api::client_stream::ClientStream;
use crate::api::connection_limits::Place;
use crate::domain::NumberLimit;

/// What a handshake made, before it has a connection of its own.
pub(super) struct Socket {
    pub(super) shared: Arc<Shared>,
    pub(super) pass: Pass,
    pub(super) watch: KeyWatch,
    pub(super) socket_permit: SocketPermit,
    pub(super) subscription: Subscription,
}

impl Socket {
    /// Starts the session; the outgoing half is given back, to be run. `early` holds bytes that came with the handshake.
    pub(super) fn start(self, connection: ClientStream, early: BytesMut, place: Place) -> Outgoing {
        let Self {
            shared,
            pass,
            watch,
            socket_permit,
            subscription,
        } = self;
        let limited = match pass.limit {
            NumberLimit::All => None,
            NumberLimit::Only(_) => Some(Limited {
                shared: Arc::clone(&shared),
                tenant: pass.tenant,
                limit: pass.limit.clone(),
            }),
        };
        let (reading, writing) = connection.into_split();
        let progress = Arc::new(Progress::new(subscription.live_head()));
        let link = Link::new(Arc::clone(&progress));
        let frames = Frames::of(reading, &early, link.clone(), shared.options.frame_limit);
        let parts = Parts {
            shared: Arc::clone(&shared),
            pass,
            watch,
            link: link.clone(),
            progress: Arc::clone(&progress),
            socket_permit,
        };
        let session = Session::launch(parts, frames);
        let watch = Watch {
            progress: Arc::downgrade(&progress),
            session: session.clone(),
        };
        if !shared.newcomers.add(watch) {
            link.close(Close::Unavailable);
        }
        let writer = SocketWriter::new(writing, Arc::clone(&progress), place);
        Outgoing::new(link, (subscription, limited), progress, session, writer)
    }
}
