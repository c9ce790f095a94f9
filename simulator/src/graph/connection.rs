//! Breaking a connection on purpose, so that the caller gets no answer at all.

use std::any::Any;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use socket2::{SockRef, Socket};

/// A second handle of the connection's socket.
struct Line(Socket);

/// Keeps a handle of each connection, for [`reset`].
pub(crate) fn remember(connection: &dyn Any, data: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Ok(socket) = SockRef::from(stream).try_clone()
    {
        data.insert(Line(socket));
    }
}

/// Answers a request with nothing: the peer sees its connection reset.
pub(super) fn reset(http: &HttpRequest) -> HttpResponse {
    if let Some(line) = http.conn_data::<Line>() {
        // Without lingering, closing sends a reset instead of a proper end.
        let _ = line.0.set_linger(Some(Duration::ZERO));
    }
    // The head is only written together with the first piece of the body. That piece fails, so nothing is written.
    HttpResponse::Ok().body(Broken)
}

/// A body that fails before its first byte.
struct Broken;

impl MessageBody for Broken {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, io::Error>>> {
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}
