//! A connection inside TLS. It belongs to one thread, and everything is done through a shared reference, so that the two
//! halves of a socket, and the feed, which writes without waiting, can have it at once.
//!
//! What was taken to be written and had no room in the kernel is held here, one record at most: nothing more is taken before
//! it is gone, so a client that does not read costs what it costs without TLS, and 16 KiB.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{Error, ErrorKind, IoSlice, Read, Result, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::rt::net::TcpStream;
use rustls::{ServerConfig, ServerConnection};
use socket2::SockRef;

use crate::api::yield_now::yield_and_wake;

/// Bytes that are taken before those taken earlier have left: those of one record.
const RECORD: usize = 16 << 10;
/// Reads without anything for the reader before others on this thread have a turn. A whole record takes five.
const READS: usize = 8;

/// See the module.
#[derive(Debug)]
pub(in crate::api) struct TlsStream {
    tcp: TcpStream,
    session: RefCell<ServerConnection>,
}

/// The connection as the library uses it: it never waits.
struct Wire<'a>(&'a TcpStream);

impl Read for Wire<'_> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        self.0.try_read(into)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl TlsStream {
    /// Ends with the handshake.
    pub(super) async fn accept(tcp: TcpStream, config: Arc<ServerConfig>) -> Result<Self> {
        let mut session = ServerConnection::new(config).map_err(Error::other)?;
        session.set_buffer_limit(Some(RECORD));
        let stream = Self {
            tcp,
            session: RefCell::new(session),
        };
        poll_fn(|cx| stream.poll_handshake(cx)).await?;
        Ok(stream)
    }

    /// The connection under it.
    pub(in crate::api) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    fn poll_handshake(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            ready!(self.poll_flush(cx))?;
            if !self.session.borrow().is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            if ready!(self.poll_receive(cx))? == 0 {
                return Poll::Ready(Err(ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// Reads from the connection once there is something; 0 at its end.
    fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Result<usize>> {
        loop {
            ready!(self.tcp.poll_read_ready(cx))?;
            let mut session = self.session.borrow_mut();
            let count = match session.read_tls(&mut Wire(&self.tcp)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                read => read?,
            };
            let processed = session.process_new_packets();
            drop(session);
            return Poll::Ready(match processed {
                Ok(_) => Ok(count),
                Err(broken) => {
                    // What is told to the client of it; whether it hears does not matter.
                    let _ = self.try_flush();
                    Err(Error::new(ErrorKind::InvalidData, broken))
                }
            });
        }
    }

    /// Reads what was sent; 0 at the end, with or without a word.
    pub(in crate::api) fn poll_read(&self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<usize>> {
        for _ in 0..READS {
            match self.session.borrow_mut().reader().read(into) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // Many clients just break off. What is spoken inside says itself where it ends.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Poll::Ready(Ok(0)),
                read => return Poll::Ready(read),
            }
            ready!(self.poll_receive(cx))?;
        }
        yield_and_wake(cx);
        Poll::Pending
    }

    /// Whether something that was taken is still here.
    pub(in crate::api) fn holds_back(&self) -> bool {
        self.session.borrow().wants_write()
    }

    /// Sends what was taken, as far as there is room; an error when there is not enough.
    fn try_flush(&self) -> Result<()> {
        let mut session = self.session.borrow_mut();
        while session.wants_write() {
            if session.write_tls(&mut Wire(&self.tcp))? == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Takes some of these bytes if nothing is held back.
    pub(in crate::api) fn try_write(&self, bytes: &[u8]) -> Result<usize> {
        self.try_write_with(|session| session.writer().write(bytes))
    }

    fn try_write_with(&self, write: impl Fn(&mut ServerConnection) -> Result<usize>) -> Result<usize> {
        self.try_flush()?;
        let taken = write(&mut self.session.borrow_mut())?;
        match self.try_flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(taken),
        }
    }

    /// Takes some of these bytes once there is room.
    pub(in crate::api) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.poll_with(cx, || self.try_write(bytes))
    }

    /// The same of several slices.
    pub(in crate::api) fn poll_write_all(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        self.poll_with(cx, || {
            self.try_write_with(|session| session.writer().write_vectored(slices))
        })
    }

    /// Sends what was taken.
    pub(in crate::api) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if !self.holds_back() {
            return Poll::Ready(Ok(()));
        }
        self.poll_with(cx, || self.try_flush())
    }

    fn poll_with<T>(&self, cx: &mut Context<'_>, write: impl Fn() -> Result<T>) -> Poll<Result<T>> {
        loop {
            ready!(self.tcp.poll_write_ready(cx))?;
            match write() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    /// Says that nothing more comes. The client may still send.
    pub(in crate::api) fn poll_end(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        // Says it once, however often it is asked.
        self.session.borrow_mut().send_close_notify();
        ready!(self.poll_flush(cx))?;
        Poll::Ready(match SockRef::from(&self.tcp).shutdown(Shutdown::Write) {
            Err(error) if error.kind() != ErrorKind::NotConnected => Err(error),
            _ => Ok(()),
        })
    }
}
