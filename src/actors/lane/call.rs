//! One call to Meta and the writing down of its result, in a task of its own.
//!
//! The task does not belong to the lane's actor: if that dies, the call still ends and its result is still committed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::handle::Shared;
use super::limits::LaneLimits;
use super::response_policy::{CallHistory, Effect, ResponseAction, decide, label};
use super::retry::{Lost, commit_until_taken};
use super::waiting::Moment;
use crate::actors::{Incarnations, LedgerHandle};
use crate::crash::{self, CrashPoint};
use crate::domain::{AttemptToken, Clock, ContactAliases, MessageId, MetaError, PhoneNumberId, Timestamp};
use crate::media::outbound::{FileAtMeta, OutboundFiles};
use crate::store::op::{AttemptResult, Attempted};
use crate::store::{Ahead, Op, OpOutcome};
use crate::telemetry::labels::GraphCall;
use crate::telemetry::metrics;
use crate::whatsapp::client::AmbiguousCause;
use crate::whatsapp::{Graph, SendCall, SendResult};

/// What a task tells its lane.
#[derive(Debug)]
pub(super) enum Progress {
    /// Meta answered, or did not. Not committed yet.
    Answered {
        /// Whose call it was.
        message: MessageId,
        /// What it means for the lane.
        effect: Effect,
        /// When the call began.
        began: Duration,
        /// How long the answer took.
        took: Duration,
    },
    /// The result is committed, or never will be.
    Ended {
        /// Whose.
        message: MessageId,
        /// The result.
        result: AttemptResult,
        /// What became of it.
        outcome: Result<OpOutcome, Lost>,
    },
    /// The task died.
    Died {
        /// Whose.
        message: MessageId,
    },
}

/// The way back to the lane; says so when its task dies.
#[derive(Debug)]
pub(super) struct Report {
    lane: Arc<Shared>,
    message: MessageId,
    ended: bool,
}

impl Report {
    /// The way back for one message in flight.
    pub(super) fn new(lane: Arc<Shared>, message: MessageId) -> Self {
        Self {
            lane,
            message,
            ended: false,
        }
    }

    /// The lane may be gone; what was committed is in the store.
    fn tell(&self, progress: Progress) {
        self.lane.report(progress);
    }

    fn end(mut self, result: AttemptResult, outcome: Result<OpOutcome, Lost>) {
        let message = self.message;
        self.tell(Progress::Ended {
            message,
            result,
            outcome,
        });
        self.ended = true;
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if !self.ended {
            self.tell(Progress::Died {
                message: self.message,
            });
        }
    }
}

/// Commits the results of one lane.
#[derive(Clone)]
pub(super) struct Results {
    pub(super) ledger: LedgerHandle,
    pub(super) successors: Incarnations,
    pub(super) number: PhoneNumberId,
    pub(super) clock: Arc<dyn Clock>,
}

impl Results {
    /// Both clocks now.
    pub(super) fn now(&self) -> Moment {
        Moment {
            wall: self.clock.now(),
            mono: self.clock.monotonic(),
        }
    }

    /// Commits how a call ended, however long that takes, and whoever writes the tenant's log by then.
    pub(super) async fn keep(
        &self,
        token: AttemptToken,
        result: AttemptResult,
        recipient: ContactAliases,
    ) -> Result<OpOutcome, Lost> {
        let op = self.op(token, result, recipient);
        let mut writer = self.successors.writer();
        let kept = loop {
            let kept = commit_until_taken(&writer, &op).await;
            if !matches!(kept, Err(Lost::LedgerGone)) {
                break kept;
            }
            match self.successors.after(&writer).await {
                Some(next) => writer = next,
                None => break kept,
            }
        };
        if kept.is_ok() && writer.fence() != self.ledger.fence() {
            self.successors.tell_late(token);
        }
        if let Err(lost) = &kept {
            tracing::error!(
                tenant.id = %token.tenant,
                message.id = %token.message,
                error = %lost,
                "the result of a call is not committed: its outcome will be unknown"
            );
        }
        kept
    }

    /// Commits that nobody knows how a call ended. The next owner says it again of what it finds, so only this lane's own
    /// ledger takes it.
    pub(super) async fn declare_unknown(&self, token: AttemptToken) -> Result<OpOutcome, Lost> {
        let unknown = AttemptResult::Unknown { error: None };
        let op = self.op(token, unknown, ContactAliases::default());
        commit_until_taken(&self.ledger, &op).await
    }

    /// Commits that no call was made for a claim of an earlier process.
    pub(super) async fn give_back(&self, token: AttemptToken, at: Timestamp) -> Result<OpOutcome, Lost> {
        let not_called = AttemptResult::NotAccepted {
            retry_at: at,
            error: None,
        };
        let op = self.op(token, not_called, ContactAliases::default());
        commit_until_taken(&self.ledger, &op).await
    }

    fn op(&self, token: AttemptToken, result: AttemptResult, recipient: ContactAliases) -> Op {
        Op::Attempted(Attempted {
            token,
            number: self.number.clone(),
            at: self.clock.now(),
            result,
            recipient,
        })
    }
}

/// One call.
pub(super) struct Call {
    pub(super) graph: Arc<dyn Graph>,
    pub(super) call: SendCall,
    pub(super) token: AttemptToken,
    /// The files that it names by Meta's ids.
    pub(super) files: Vec<FileAtMeta>,
    pub(super) outbound_files: Arc<dyn OutboundFiles>,
    pub(super) history: CallHistory,
    pub(super) began: Duration,
    pub(super) limits: Arc<LaneLimits>,
    pub(super) results: Results,
    pub(super) permit: Option<OwnedSemaphorePermit>,
    pub(super) ahead: Option<Ahead>,
    pub(super) seed: u64,
}

impl Call {
    /// Makes the call, once, and commits what came of it.
    pub(super) async fn run(self, report: Report) {
        if let Some(Err(error)) = self.ahead.map(Ahead::begin) {
            tracing::error!(tenant.id = %self.token.tenant, %error, "a claim is given back");
            return return_claim(self.results, self.token, report).await;
        }
        crash::point(CrashPoint::BeforeRequest);
        let sent = tokio::time::timeout(self.limits.call_deadline, self.graph.send(self.call)).await;
        crash::point(CrashPoint::AfterResponse);
        drop(self.permit);
        let now = self.results.now();
        let took = now.mono.saturating_sub(self.began);
        metrics::graph_call_seconds(GraphCall::Send).record(took);
        let result = sent.unwrap_or(SendResult::Ambiguous {
            cause: AmbiguousCause::Timeout,
            error: None,
        });
        let recipient = match &result {
            SendResult::Accepted { recipient, .. } => recipient.clone(),
            _ => ContactAliases::default(),
        };
        let mut rng = fastrand::Rng::with_seed(self.seed);
        let ResponseAction { mut result, effect } = decide(result, self.history, &self.limits, now, &mut rng);
        if let AttemptResult::Refused { error } = &result
            && !self.files.is_empty()
            && is_about_a_file(error)
        {
            for file in &self.files {
                self.outbound_files.forget(file).await;
            }
            // Once: what Meta refuses although it was brought there a moment ago, it refuses for another reason.
            if self.history.attempt == 1 {
                result = AttemptResult::NotAccepted {
                    retry_at: now.wall,
                    error: Some(error.clone()),
                };
            }
        }
        metrics::attempts_total(label(&result)).increment(1);
        report.tell(Progress::Answered {
            message: self.token.message,
            effect,
            began: self.began,
            took,
        });
        let outcome = self.results.keep(self.token, result.clone(), recipient).await;
        crash::point(CrashPoint::AfterResult);
        report.end(result, outcome);
    }
}

/// Whether Meta refuses a message because of a file that it names: Meta dropped it, or the number or the app is another one by now.
fn is_about_a_file(error: &MetaError) -> bool {
    let says_so = |text: &str| text.to_ascii_lowercase().contains("media");
    match error.code {
        131_052 | 131_053 => true,
        100 => says_so(&error.title) || error.details.as_deref().is_some_and(says_so),
        _ => false,
    }
}

/// Gives a claim back for which no call was made.
pub(super) async fn return_claim(results: Results, token: AttemptToken, report: Report) {
    let result = AttemptResult::NotAccepted {
        retry_at: results.clock.now(),
        error: None,
    };
    let recipient = ContactAliases::default();
    let outcome = results.keep(token, result.clone(), recipient).await;
    report.end(result, outcome);
}
