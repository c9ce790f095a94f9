//! `mesej tail`: an agent's client that only prints. It shows how one resumes: by cursor, with a fresh ticket.

mod line;
mod socket;

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::admin::Api;
use super::{CliError, KeyArgs};
use crate::domain::Backoff;
use socket::{Ended, Frame, Socket};

/// Options of `mesej tail`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  mesej key create TENANT --name tail --scope agents --scope read\n  \
                        MESEJ_KEY=mj_live_… mesej tail\n\nEvents that come while the connection is down are printed when \
                        it is back. Ctrl-C ends it."
)]
pub(super) struct TailArgs {
    #[command(flatten)]
    server: KeyArgs,
    /// The agent as whom to watch; others see it as present
    #[arg(long, default_value = "tail")]
    agent: String,
    /// Print each event as the server sent it, one JSON object a line
    #[arg(long)]
    json: bool,
    /// End after this many events
    #[arg(long, value_name = "EVENTS")]
    count: Option<u64>,
}

/// How far the client has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    epoch: String,
    seq: u64,
}

/// Connections that fail in a row, after a first one that worked, before it is given up.
const MOST_FAILURES: u32 = 12;
/// What a server does not think better of.
const FINAL: [&str; 2] = ["unauthorized", "forbidden"];
const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(1), Duration::from_secs(30));

pub(super) async fn run(args: TailArgs) -> Result<ExitCode, CliError> {
    Tail::new(args)?.follow(&mut io::stdout()).await?;
    Ok(ExitCode::SUCCESS)
}

/// What stays while connections come and go.
struct Tail {
    args: TailArgs,
    api: Api,
    cursor: Option<Cursor>,
    printed: u64,
    failures: u32,
    chance: fastrand::Rng,
}

impl Tail {
    fn new(args: TailArgs) -> Result<Self, CliError> {
        let api = args.server.api()?;
        Ok(Self {
            args,
            api,
            cursor: None,
            printed: 0,
            failures: 0,
            chance: fastrand::Rng::new(),
        })
    }

    /// Prints until enough is printed or the server says not to come back.
    async fn follow(&mut self, out: &mut (dyn Write + Send)) -> Result<(), CliError> {
        loop {
            let ended = match self.connection(out).await {
                // Before a first welcome it is a slip of whoever typed; later it is the net.
                Err(CliError::Unreachable { reason, .. } | CliError::Unexpected { reason, .. })
                    if self.cursor.is_some() =>
                {
                    Ended::Lost { reason }
                }
                // A server that starts or stops says no to everybody; a key that is refused stays refused.
                Err(CliError::Refused { code, message })
                    if self.cursor.is_some() && !FINAL.contains(&code.as_str()) =>
                {
                    Ended::Lost { reason: message }
                }
                other => other?,
            };
            let (reason, wait) = match ended {
                Ended::Enough => return Ok(()),
                Ended::ComeBack { reason, after } => (reason, after),
                Ended::Lost { reason } => (reason, None),
                Ended::StayAway { code, reason } => {
                    return Err(CliError::Refused {
                        code: code.to_string(),
                        message: reason,
                    });
                }
            };
            self.failures += 1;
            if self.failures > MOST_FAILURES {
                return Err(CliError::Unreachable {
                    url: self.api.base().to_owned(),
                    reason,
                });
            }
            eprintln!("mesej: {reason}; connecting again");
            tokio::time::sleep(wait.unwrap_or_else(|| self.back_off())).await;
        }
    }

    /// Anywhere below the wait, so that clients do not return in step.
    fn back_off(&mut self) -> Duration {
        BACKOFF.after(self.failures).mul_f64(self.chance.f64())
    }

    async fn connection(&mut self, out: &mut (dyn Write + Send)) -> Result<Ended, CliError> {
        let mut socket = Socket::open(&self.api, &self.args.agent, self.cursor.as_ref()).await?;
        loop {
            match socket.next(self.cursor.as_ref()).await {
                Frame::Welcome(at) => {
                    self.failures = 0;
                    if self.cursor.is_none() {
                        self.cursor = Some(at);
                    }
                }
                Frame::Resync(at) => {
                    eprintln!("mesej: too far behind; some events are not shown");
                    self.cursor = Some(at);
                }
                Frame::Skipped(to) => self.cursor = Some(to),
                Frame::Events(events) => {
                    if self.print(&events, out)? {
                        socket.close().await;
                        return Ok(Ended::Enough);
                    }
                }
                Frame::End(ended) => return Ok(ended),
            }
        }
    }

    /// Prints what is new; returns whether it is enough.
    fn print(&mut self, events: &[Value], out: &mut (dyn Write + Send)) -> Result<bool, CliError> {
        for event in events {
            let seq = event.get("seq").and_then(Value::as_u64).unwrap_or(0);
            let Some(cursor) = &mut self.cursor else { break };
            if seq <= cursor.seq {
                continue;
            }
            cursor.seq = seq;
            let text = if self.args.json {
                event.to_string()
            } else {
                line::of(event)
            };
            writeln!(out, "{text}")?;
            self.printed += 1;
            if self.args.count.is_some_and(|count| self.printed >= count) {
                return Ok(true);
            }
        }
        out.flush()?;
        Ok(false)
    }
}
