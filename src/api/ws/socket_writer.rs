//! The connection's writing end, used by the outgoing half, and by the feed while that sleeps.

use std::io::{ErrorKind, IoSlice, Result};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::rt::net::TcpStream;
use socket2::SockRef;
use tokio::net::tcp::OwnedWriteHalf;

use super::progress::Progress;
use crate::actors::feed::{Chunk, Outlet};
use crate::api::connection_limits::Place;

/// See the module.
#[derive(Debug)]
pub(super) struct SocketWriter {
    writing: OwnedWriteHalf,
    progress: Arc<Progress>,
    /// Counts among the server's connections until this is closed.
    _place: Place,
}

impl SocketWriter {
    pub(super) fn new(writing: OwnedWriteHalf, progress: Arc<Progress>, place: Place) -> Self {
        Self {
            writing,
            progress,
            _place: place,
        }
    }

    pub(super) fn connection(&self) -> &TcpStream {
        self.writing.as_ref()
    }

    /// Writes some of these bytes once there is room.
    pub(super) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.poll_with(cx, |connection| connection.try_write(bytes))
    }

    /// The same of several slices.
    pub(super) fn poll_write_all(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        self.poll_with(cx, |connection| connection.try_write_vectored(slices))
    }

    fn poll_with(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> Result<usize>,
    ) -> Poll<Result<usize>> {
        loop {
            ready!(self.connection().poll_write_ready(cx))?;
            match write(self.connection()) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    /// Reads until the client has closed its side too: closing first could take from it what it has not read yet.
    pub(super) fn poll_read_out(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let connection = self.connection();
        match SockRef::from(connection).shutdown(std::net::Shutdown::Write) {
            Err(error) if error.kind() != ErrorKind::NotConnected => return Poll::Ready(Err(error)),
            _ => {}
        }
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
        let written = self.connection().try_write(&chunk.bytes).unwrap_or(0);
        if written > 0 {
            self.progress.moved();
        }
        self.progress.sent(chunk.through);
        written
    }
}
