//! What becomes of a request to send: the checks that need the account, the customer or the clock, and the faults.

mod acceptance;
mod statuses;

use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use super::faults::{Fate, StormKind, storm_at};
use super::graph::error::GraphError;
use super::graph::validate::Request;
use super::inbound::InboundIndex;
use super::oracle::Outcome;
use super::sends::Token;
use super::wamid::Way;
use super::world::{Now, World};

pub(crate) use acceptance::Held;

/// Which of Graph's two ways a message takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// `…/messages`.
    Messages,
    /// `…/marketing_messages`: marketing templates alone.
    Marketing,
}

/// What the caller is told, and how.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) answer: Result<String, GraphError>,
    pub(crate) manner: Manner,
    /// How long Graph takes.
    pub(crate) latency: Duration,
}

/// How an answer reaches the caller, if it does.
#[derive(Debug)]
pub(crate) enum Manner {
    Plain,
    /// Once the first status was posted and answered.
    AfterStatus(oneshot::Receiver<()>),
    /// Not at all: the connection is reset.
    Reset,
    /// Not at all: the connection hangs, then is reset.
    Hang(Duration),
    /// Cut off in the middle.
    Garbled,
    /// As somebody between here and Graph answers, who is not Graph.
    Foreign(Foreign),
}

/// An answer that is not Graph's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// 502, with a page.
    BadGateway,
    /// 403, with a page.
    Forbidden,
    /// 404, with nothing.
    Empty,
    /// 302, to a page where one signs in.
    SignIn,
    /// 401, in JSON that is not Graph's.
    OtherJson,
    /// 403, in JSON of Graph's shape with a code that is not Graph's.
    OtherCode,
}

impl World {
    /// Decides about a request.
    pub(crate) fn judge(
        &mut self,
        now: Now,
        phone_number_id: &str,
        via: Via,
        raw: &Value,
        request: Result<Request<'_>, GraphError>,
    ) -> Verdict {
        let latency = self.send_dice.delay(self.faults.latency);
        let plain = |answer| Verdict {
            answer,
            manner: Manner::Plain,
            latency,
        };
        if let Ok(Request::Read { wamid }) = &request {
            return plain(self.mark_read(phone_number_id, wamid));
        }
        self.counts.send_requests += 1;
        let token = Token::of(raw.get("biz_opaque_callback_data").and_then(Value::as_str));
        let fate = self.fate(now);
        if let Some((answer, manner, outcome)) =
            before_acceptance(fate, self.send_dice.below(60), phone_number_id)
        {
            self.counts.faults += 1;
            self.oracle.request(&token, outcome);
            return Verdict {
                answer: Err(answer),
                manner,
                latency,
            };
        }
        let accepted = request.and_then(|request| match request {
            Request::Message(message) => self.accept(now, phone_number_id, via, &message, &token),
            Request::Read { .. } => Err(GraphError::bare(100)),
        });
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                match error.code {
                    130_429 => self.counts.rate_limited += 1,
                    131_056 => self.counts.pair_limited += 1,
                    _ => self.counts.sends_refused += 1,
                }
                self.oracle.request(&token, Outcome::NotAccepted);
                return plain(Err(error));
            }
        };
        self.counts.sends_accepted += 1;
        let early = self.plan_statuses(now, accepted.index, accepted.held, raw);
        let answer = accepted.answer;
        let (answer, manner) = match fate {
            Fate::ErrorAfter => {
                let error = GraphError::new(131_000, "Something went wrong, please try again.");
                (Err(error), Manner::Plain)
            }
            Fate::ResetAfter => (Ok(answer), Manner::Reset),
            Fate::HangAfter => (
                Ok(answer),
                Manner::Hang(Duration::from_millis(self.faults.hang_ms)),
            ),
            Fate::GarbledAfter => (Ok(answer), Manner::Garbled),
            _ => (Ok(answer), early.map_or(Manner::Plain, Manner::AfterStatus)),
        };
        self.counts.faults += u64::from(fate != Fate::None);
        Verdict {
            answer,
            manner,
            latency,
        }
    }

    fn fate(&mut self, now: Now) -> Fate {
        match storm_at(self.storm, self.faults.storms, now.us) {
            Some(StormKind::Throttled) => Fate::Throttled,
            Some(StormKind::TooMany) => Fate::TooMany,
            Some(StormKind::Unavailable) => Fate::ErrorBefore,
            Some(StormKind::Maintenance) => Fate::Maintenance,
            Some(StormKind::Reset) => Fate::ResetBefore,
            None => self.faults.fate(&mut self.send_dice),
        }
    }

    fn mark_read(&mut self, phone_number_id: &str, wamid: &str) -> Result<String, GraphError> {
        let number = self
            .numbers
            .find(phone_number_id)
            .ok_or_else(|| GraphError::unknown_object(phone_number_id))?;
        let known = self
            .wamids
            .read(Way::In, wamid)
            .and_then(|index| self.inbounds.get(InboundIndex(index)))
            .is_some_and(|inbound| inbound.number == number);
        if !known {
            return Err(GraphError::new(
                131_009,
                "Param message_id is not the id of a message to this number.",
            ));
        }
        self.counts.read_marks += 1;
        Ok(r#"{"success":true}"#.to_owned())
    }
}

/// What a fate does to a request before anything is accepted.
fn before_acceptance(fate: Fate, chance: usize, number: &str) -> Option<(GraphError, Manner, Outcome)> {
    let details = "Service temporarily unavailable.";
    let (error, manner, outcome) = match fate {
        Fate::ErrorBefore => {
            let (error, manner) = match chance % 4 {
                0 => (GraphError::new(131_000, "Something went wrong."), Manner::Plain),
                1 => (GraphError::new(2, details), Manner::Plain),
                2 => (GraphError::new(131_016, details), Manner::Plain),
                _ => (
                    GraphError::bare(2).with_status(502),
                    Manner::Foreign(Foreign::BadGateway),
                ),
            };
            (error, manner, Outcome::Doubtful)
        }
        Fate::ResetBefore => (GraphError::bare(2), Manner::Reset, Outcome::Doubtful),
        Fate::Throttled => (
            GraphError::new(130_429, "Cloud API message throughput has been reached."),
            Manner::Plain,
            Outcome::NotAccepted,
        ),
        Fate::TooMany => (
            GraphError::new(4, "Application request limit reached.").with_status(429),
            Manner::Plain,
            Outcome::NotAccepted,
        ),
        Fate::PairLimited => (
            GraphError::new(131_056, "Too many messages to this customer in a short time."),
            Manner::Plain,
            Outcome::NotAccepted,
        ),
        Fate::CallLimited => {
            let codes = [4, 17, 32, 613, 80_007, 80_008];
            let code = codes.into_iter().nth(chance % codes.len()).unwrap_or(613);
            (
                GraphError::new(code, "Too many calls were made in a short time."),
                Manner::Plain,
                Outcome::NotAccepted,
            )
        }
        Fate::UnknownObject => (
            GraphError::unknown_object(number),
            Manner::Plain,
            Outcome::NotAccepted,
        ),
        Fate::NotGraph => {
            let foreign = match chance % 5 {
                0 => Foreign::Forbidden,
                1 => Foreign::Empty,
                2 => Foreign::SignIn,
                3 => Foreign::OtherJson,
                _ => Foreign::OtherCode,
            };
            (
                GraphError::bare(2),
                Manner::Foreign(foreign),
                Outcome::NotAccepted,
            )
        }
        Fate::Maintenance => (
            GraphError::new(131_057, "The number is in maintenance mode."),
            Manner::Plain,
            Outcome::NotAccepted,
        ),
        Fate::None | Fate::ErrorAfter | Fate::ResetAfter | Fate::HangAfter | Fate::GarbledAfter => {
            return None;
        }
    };
    Some((error, manner, outcome))
}
