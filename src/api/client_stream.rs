//! What a client's bytes come and go through: its connection, or TLS over it.

use std::cell::RefCell;
use std::io::{ErrorKind, IoSlice, Result};
use std::net::Shutdown;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use actix_codec::{AsyncRead, AsyncWrite, ReadBuf};
use actix_web::rt::net::TcpStream;
use socket2::SockRef;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::tls::stream::TlsStream;

/// See the module. Belongs to one thread.
#[derive(Debug)]
pub(super) enum ClientStream {
    Plain(TcpStream),
    Tls(Rc<TlsStream>),
}

impl ClientStream {
    /// The halves of a socket. They are closed once both are dropped.
    pub(super) fn into_split(self) -> (ReadHalf, WriteHalf) {
        match self {
            Self::Plain(tcp) => {
                let (reading, writing) = tcp.into_split();
                (ReadHalf::Plain(reading), WriteHalf::Plain(writing))
            }
            Self::Tls(stream) => {
                let writing = TlsWriteHalf {
                    stream: Rc::clone(&stream),
                    flusher: RefCell::default(),
                };
                (ReadHalf::Tls(stream), WriteHalf::Tls(writing))
            }
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, into),
            Self::Tls(tls) => read_decrypted(tls, cx, into),
        }
    }
}

fn read_decrypted(tls: &TlsStream, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
    let read = ready!(tls.poll_read(cx, into.initialize_unfilled()))?;
    into.advance(read);
    Poll::Ready(Ok(()))
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Self::Tls(tls) => tls.poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => tls.poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => tls.poll_end(cx),
        }
    }
}

/// A socket's reading end.
#[derive(Debug)]
pub(super) enum ReadHalf {
    Plain(OwnedReadHalf),
    Tls(Rc<TlsStream>),
}

impl AsyncRead for ReadHalf {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        match &mut *self {
            Self::Plain(reading) => Pin::new(reading).poll_read(cx, into),
            Self::Tls(tls) => read_decrypted(tls, cx, into),
        }
    }
}

/// A socket's writing end. Nothing more is sent once it is dropped.
#[derive(Debug)]
pub(super) enum WriteHalf {
    Plain(OwnedWriteHalf),
    Tls(TlsWriteHalf),
}

/// See [`WriteHalf`].
#[derive(Debug)]
pub(super) struct TlsWriteHalf {
    stream: Rc<TlsStream>,
    /// The task that flushed last. Whoever writes without waiting may leave it something.
    flusher: RefCell<Option<Waker>>,
}

impl Drop for TlsWriteHalf {
    fn drop(&mut self) {
        // The other half of a plain connection does the same.
        let _ = SockRef::from(self.stream.tcp()).shutdown(Shutdown::Write);
    }
}

impl WriteHalf {
    pub(super) fn connection(&self) -> &TcpStream {
        match self {
            Self::Plain(writing) => writing.as_ref(),
            Self::Tls(tls) => tls.stream.tcp(),
        }
    }

    /// Writes some of these bytes if there is room. What TLS holds back of them is sent by the task that flushed last.
    pub(super) fn try_write(&self, bytes: &[u8]) -> Result<usize> {
        match self {
            Self::Plain(writing) => writing.try_write(bytes),
            Self::Tls(tls) => {
                let written = tls.stream.try_write(bytes);
                if tls.stream.holds_back()
                    && let Some(flusher) = &*tls.flusher.borrow()
                {
                    flusher.wake_by_ref();
                }
                written
            }
        }
    }

    /// Writes some of these bytes once there is room.
    pub(super) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        match self {
            Self::Plain(writing) => poll_with(writing.as_ref(), cx, |tcp| tcp.try_write(bytes)),
            Self::Tls(tls) => tls.stream.poll_write(cx, bytes),
        }
    }

    /// The same of several slices.
    pub(super) fn poll_write_all(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        match self {
            Self::Plain(writing) => poll_with(writing.as_ref(), cx, |tcp| tcp.try_write_vectored(slices)),
            Self::Tls(tls) => tls.stream.poll_write_all(cx, slices),
        }
    }

    /// Sends what was written and is held back.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(tls) => {
                let mut flusher = tls.flusher.borrow_mut();
                if !flusher.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
                    *flusher = Some(cx.waker().clone());
                }
                drop(flusher);
                tls.stream.poll_flush(cx)
            }
        }
    }

    /// Says that nothing more comes.
    pub(super) fn poll_end(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match self {
            Self::Plain(writing) => {
                let socket = SockRef::from(writing.as_ref());
                Poll::Ready(match socket.shutdown(Shutdown::Write) {
                    Err(error) if error.kind() != ErrorKind::NotConnected => Err(error),
                    _ => Ok(()),
                })
            }
            Self::Tls(tls) => tls.stream.poll_end(cx),
        }
    }
}

fn poll_with(
    tcp: &TcpStream,
    cx: &mut Context<'_>,
    write: impl Fn(&TcpStream) -> Result<usize>,
) -> Poll<Result<usize>> {
    loop {
        ready!(tcp.poll_write_ready(cx))?;
        match write(tcp) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            written => return Poll::Ready(written),
        }
    }
}
