//! One connection: ticket, handshake, hello, frames, acknowledgements and signs of life.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, Interval, MissedTickBehavior, timeout, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::super::CliError;
use super::super::admin::{Api, refusal};
use super::Cursor;

/// What the server says that matters here.
pub(super) enum Frame {
    /// The connection stands; events follow from here.
    Welcome(Cursor),
    /// Events up to here are not for this agent.
    Skipped(Cursor),
    /// Events were passed over; more follow from here.
    Resync(Cursor),
    /// Events, in order.
    Events(Vec<Value>),
    /// It is over.
    End(Ended),
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// All that was asked for is printed.
    Enough,
    /// The server wants its client back, after this long if it said so.
    ComeBack { reason: String, after: Option<Duration> },
    /// The connection broke.
    Lost { reason: String },
    /// The server does not want its client back.
    StayAway { code: u16, reason: String },
}

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Without a word for this long, the connection is taken for dead. The server answers our pings well within it.
const SILENCE: Duration = Duration::from_secs(60);
/// How often the server hears how far we are, and that we live.
const TICK: Duration = Duration::from_secs(1);
const TICKS_PER_PING: u32 = 20;

/// An open connection.
pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    tick: Interval,
    ticks: u32,
    heard: Instant,
    acknowledged: u64,
    come_back_after: Option<Duration>,
}

impl Socket {
    pub(super) async fn open(api: &Api, agent: &str, cursor: Option<&Cursor>) -> Result<Self, CliError> {
        let answer = api
            .post("/v1/ws/ticket", &json!({ "agent": agent, "name": agent }))
            .await?;
        let url = api.base().replacen("http", "ws", 1) + "/v1/ws";
        let unreachable = |reason: String| CliError::Unreachable {
            url: url.clone(),
            reason,
        };
        let unexpected = |reason: &str| CliError::Unexpected {
            url: url.clone(),
            reason: reason.to_owned(),
        };
        let ticket = answer
            .get("ticket")
            .and_then(Value::as_str)
            .ok_or_else(|| unexpected("no ticket"))?;
        let mut request = url
            .as_str()
            .into_client_request()
            .map_err(|error| unreachable(error.to_string()))?;
        let protocol = HeaderValue::try_from(format!("mesej.v2, ticket.{ticket}"));
        let protocol = protocol.map_err(|_odd| unexpected("a ticket that fits no header"))?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
        let stream = match timeout(HANDSHAKE, connect_async(request)).await {
            Ok(Ok((stream, _))) => stream,
            Ok(Err(Error::Http(response))) => {
                let said = response
                    .body()
                    .as_deref()
                    .and_then(|body| serde_json::from_slice(body).ok());
                return Err(said
                    .and_then(|said: Value| refusal(&said))
                    .unwrap_or_else(|| unexpected(&response.status().to_string())));
            }
            Ok(Err(error)) => return Err(unreachable(error.to_string())),
            Err(_late) => return Err(unreachable("no handshake in time".to_owned())),
        };
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut socket = Self {
            stream,
            tick,
            ticks: 0,
            heard: Instant::now(),
            acknowledged: 0,
            come_back_after: None,
        };
        let hello = match cursor {
            Some(cursor) => json!({ "type": "hello", "epoch": cursor.epoch, "seq": cursor.seq }),
            None => json!({ "type": "hello" }),
        };
        socket
            .say(&hello)
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        Ok(socket)
    }

    /// The next frame that matters. `read` is how far events were printed, to be acknowledged.
    pub(super) async fn next(&mut self, read: Option<&Cursor>) -> Frame {
        loop {
            let message = tokio::select! {
                message = timeout_at(self.heard + SILENCE, self.stream.next()) => message,
                _ = self.tick.tick() => {
                    if let Err(error) = self.sign_of_life(read).await {
                        return lost(&error);
                    }
                    continue;
                }
            };
            self.heard = Instant::now();
            let text = match message {
                Ok(Some(Ok(Message::Text(text)))) => text,
                Ok(Some(Ok(Message::Close(close)))) => return Frame::End(self.closed(close)),
                Ok(Some(Ok(_))) => continue,
                Ok(Some(Err(error))) => return lost(&error),
                Ok(None) => {
                    return Frame::End(Ended::Lost {
                        reason: "the connection was closed".to_owned(),
                    });
                }
                Err(_silent) => {
                    return Frame::End(Ended::Lost {
                        reason: "the server fell silent".to_owned(),
                    });
                }
            };
            if let Some(frame) = serde_json::from_str(&text)
                .ok()
                .and_then(|frame| self.understand(frame))
            {
                return frame;
            }
        }
    }

    /// Says goodbye, so that the server need not find out by itself.
    pub(super) async fn close(mut self) {
        // The connection ends either way.
        let _ = timeout(HANDSHAKE, self.stream.close(None)).await;
    }

    fn understand(&mut self, mut frame: Value) -> Option<Frame> {
        let number = |name: &str| frame.get(name).and_then(Value::as_u64);
        let cursor = |seq: &str| {
            let epoch = frame.get("epoch")?.as_str()?.to_owned();
            Some(Cursor {
                epoch,
                seq: number(seq)?,
            })
        };
        match frame.get("type")?.as_str()? {
            "welcome" => cursor("seq").map(Frame::Welcome),
            "skipped" => cursor("to").map(Frame::Skipped),
            "resync" => cursor("head_seq").map(Frame::Resync),
            "events" => match frame.get_mut("events")?.take() {
                Value::Array(events) => Some(Frame::Events(events)),
                _ => None,
            },
            "reconnect" => {
                self.come_back_after = number("after_ms").map(Duration::from_millis);
                None
            }
            _ => None,
        }
    }

    async fn sign_of_life(&mut self, read: Option<&Cursor>) -> Result<(), Error> {
        self.ticks = self.ticks.wrapping_add(1);
        if let Some(read) = read.filter(|read| read.seq > self.acknowledged) {
            self.acknowledged = read.seq;
            self.say(&json!({ "type": "ack", "seq": read.seq })).await?;
        }
        if self.ticks.is_multiple_of(TICKS_PER_PING) {
            self.say(&json!({ "type": "ping" })).await?;
        }
        Ok(())
    }

    async fn say(&mut self, frame: &Value) -> Result<(), Error> {
        let sent = timeout(HANDSHAKE, self.stream.send(Message::text(frame.to_string()))).await;
        sent.unwrap_or(Err(Error::ConnectionClosed))
    }

    fn closed(&self, close: Option<CloseFrame>) -> Ended {
        let Some(close) = close else {
            return Ended::ComeBack {
                reason: "the server closed the connection".to_owned(),
                after: self.come_back_after,
            };
        };
        let code = u16::from(close.code);
        let reason = match close.reason.as_str() {
            "" => format!("the server closed the connection with {code}"),
            said => format!("the server closed the connection: {said}"),
        };
        match code {
            1_000 | 1_009 | 4_400 | 4_409 => Ended::StayAway { code, reason },
            4_429 => Ended::ComeBack {
                reason,
                after: Some(Duration::from_secs(5)),
            },
            _ => Ended::ComeBack {
                reason,
                after: self.come_back_after,
            },
        }
    }
}

fn lost(error: &Error) -> Frame {
    Frame::End(Ended::Lost {
        reason: format!("the connection broke: {error}"),
    })
}
