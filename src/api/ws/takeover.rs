//! Taking a connection over from the HTTP server once its socket is open.
//!
//! The server hands requests for another protocol to a service of their own, with the connection. The same app answers
//! them; when its answer holds a socket, the connection's buffers and request are let go, and only the socket is left.
//! Otherwise a socket would keep the server's read and write buffers for as long as it is open, idle or not, and could
//! be written to only through them.

use std::rc::Rc;
use std::time::Duration;

use actix_codec::{Framed, FramedParts};
use actix_http::h1::{Codec, Message};
use actix_http::{ConnectionType, Request};
use actix_service::{Service, ServiceFactory, fn_factory, fn_service};
use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody, to_bytes_limited};
use actix_web::dev::ServiceResponse;
use bytes::BytesMut;
use futures_util::future::LocalBoxFuture;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;
use tokio_util::codec::Encoder as _;

use super::handshake::Opened;
use super::outgoing::Outgoing;
use crate::api::client_stream::ClientStream;
use crate::api::connection::Connection;

/// Bytes of an answer that opens no socket; it says why not.
const ANSWER: usize = 64 * 1024;
/// How long a client that is not let in may take to read why.
const LINGER: Duration = Duration::from_secs(2);

/// Answers requests for another protocol with an app, and runs the sockets that it opens.
pub(in crate::api) fn takeover<F, B>(
    app: F,
) -> impl ServiceFactory<
    (Request, Framed<Connection, Codec>),
    Config = (),
    Response = (),
    Error = actix_web::Error,
    InitError = (),
    Service: 'static,
    Future: 'static,
>
where
    F: ServiceFactory<
            Request,
            Config = (),
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    fn_factory(move || {
        let starting = app.new_service(());
        async move {
            let app = Rc::new(starting.await?);
            Ok(fn_service(move |(request, connection)| {
                // Everything that only the handshake needs is in this box, and gone before the socket's life begins.
                let opening: LocalBoxFuture<'static, _> =
                    Box::pin(open(Rc::clone(&app), request, connection));
                async move {
                    if let Some(outgoing) = opening.await? {
                        outgoing.await;
                    }
                    Ok(())
                }
            }))
        }
    })
}

/// Answers the request; gives the socket's own task if a socket was opened.
async fn open<S, B>(
    app: Rc<S>,
    request: Request,
    connection: Framed<Connection, Codec>,
) -> Result<Option<Outgoing>, actix_web::Error>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    let (request, mut response) = app.call(request).await?.into_parts();
    let opened = response.extensions_mut().remove::<Opened>();
    let FramedParts {
        io, codec, read_buf, ..
    } = connection.into_parts();
    let (io, place) = io.into_parts();
    let mut connection = Taken { io, codec };
    match opened {
        Some(Opened::Socket(socket)) => {
            connection.say_head(head_of(response), BodySize::None).await?;
            drop(request);
            Ok(Some(socket.start(connection.io, read_buf, place)))
        }
        Some(Opened::TurnedAway(goodbye)) => {
            connection.say_head(head_of(response), BodySize::None).await?;
            connection.end(&goodbye).await;
            Ok(None)
        }
        None => {
            let (mut head, body) = response.into_parts();
            head.head_mut().set_connection_type(ConnectionType::Close);
            connection.say_head(head, body.size()).await?;
            let body = to_bytes_limited(body, ANSWER).await;
            connection
                .end(&body.ok().and_then(Result::ok).unwrap_or_default())
                .await;
            Ok(None)
        }
    }
}

fn head_of<B>(response: HttpResponse<B>) -> HttpResponse<()> {
    response.into_parts().0
}

/// A connection with an answer under way. The kernel has room for it: these are the first bytes after a short request.
struct Taken {
    io: ClientStream,
    codec: Codec,
}

impl Taken {
    async fn say_head(&mut self, head: HttpResponse<()>, body: BodySize) -> std::io::Result<()> {
        let mut bytes = BytesMut::new();
        self.codec
            .encode(Message::Item((head.into(), body)), &mut bytes)?;
        // A client that left earlier answers unread may leave no room for this one.
        let written = async {
            self.io.write_all(&bytes).await?;
            self.io.flush().await
        };
        timeout(LINGER, written).await?
    }

    /// Says the last bytes and closes, once the client has read them or a while has passed: closing at once could cut
    /// them off.
    async fn end(mut self, last: &[u8]) {
        let read_out = async {
            self.io.write_all(last).await?;
            self.io.shutdown().await?;
            tokio::io::copy(&mut self.io, &mut tokio::io::sink()).await
        };
        // Whoever takes longer, or has broken off, hears no more.
        let _ = timeout(LINGER, read_out).await;
    }
}
