//! The connection's writing end, used by the outgoing half, and by the feed while that sleeps.

use std::io::{ErrorKind, IoSlice, Result};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::rt::net::TcpStream;

use super::progress::Progress;
use crate::actors::feed::{Chunk, Outlet};
use crate::api::client_stream::WriteHalf;
use crate::api::connection_limits::Place;

/// See the module.
#[derive(Debug)]
pub(super) struct SocketWriter {
    writing: WriteHalf,
    progress: Arc<Progress>,
    /// Counts among the server's connections until this is closed.
    _place: Place,
}

impl SocketWriter {
    pub(super) fn new(writing: WriteHalf, progress: Arc<Progress>, place: Place) -> Self {
        Self {
            writing,
            progress,
            _place: place,
        }
    }

    pub(super) fn connection(&self) -> &TcpStream {
        self.writing.connection()
    }

    /// Writes some of these bytes once there is room.
    pub(super) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.writing.poll_write(cx, bytes)
    }

    /// The same of several slices.
    pub(super) fn poll_write_all(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        self.writing.poll_write_all(cx, slices)
    }

    /// Sends what was written and is held back by TLS.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.writing.poll_flush(cx)
    }

    /// Reads until the client has closed its side too: closing first could take from it what it has not read yet.
    pub(super) fn poll_read_out(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.writing.poll_end(cx))?;
        let connection = self.connection();
        let mut waste = [0_u8; 1_024];
        loop {
            ready!(connection.poll_read_ready(cx))?;
            match connection.try_read(&mut waste) {
                Ok(0) => return Poll::Ready(Ok(())),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl Outlet for SocketWriter {
    fn write(&self, chunk: &Chunk) -> usize {
        let written = self.writing.try_write(&chunk.bytes).unwrap_or(0);
        if written > 0 {
            self.progress.moved();
        }
        self.progress.sent(chunk.through);
        written
    }
}
