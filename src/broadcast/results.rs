//! What became of each recipient: read from the plan, from who had a turn, and from the messages, some at a time.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use serde_json::Value;

use super::Broadcasts;
use super::chunks::PlanPlace;
use super::error::BroadcastError;
use super::variables::Filling;
use crate::domain::{
    BroadcastRecipient, ContactId, MessageId, RecipientOutcome, Suppression, TenantId, Timestamp,
};
use crate::store::tables::{Broadcast, BroadcastPlan, BroadcastState, PlannedRecipient};
use crate::store::{MessageRef, StoreError};
use crate::whatsapp::error::failure_reason;

/// Recipients that are looked at for one page, at most: those of one outcome may be few.
const LOOKED_AT: usize = 2_000;
/// Recipients that are looked up together.
const STEP: usize = 200;
/// Messages that are read at once.
const AT_ONCE: usize = 16;

/// What a recipient came to, or why nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The turn has not come.
    Planned,
    /// Nothing is sent; the reason says why.
    Suppressed,
    /// What became of the message.
    #[serde(untagged)]
    Had(RecipientOutcome),
}

impl Outcome {
    /// Name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Suppressed => "suppressed",
            Self::Had(outcome) => outcome.as_str(),
        }
    }
}

impl From<RecipientOutcome> for Outcome {
    fn from(outcome: RecipientOutcome) -> Self {
        Self::Had(outcome)
    }
}

/// What became of one.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct RecipientResult {
    /// Which, counted from 1.
    pub no: u32,
    /// The line of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<ContactId>,
    /// What it came to.
    pub outcome: Outcome,
    /// Why nothing was sent, or why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Meta's code, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// The message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// When it came to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The phone of somebody who was no contact when the plan was made, until the turn came.
    #[serde(skip)]
    pub phone: Option<Arc<str>>,
    /// What fills the template, until the turn came.
    #[serde(skip)]
    values: Vec<Arc<str>>,
}

/// Phones, and what fills a template, are personal data.
impl std::fmt::Debug for RecipientResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "RecipientResult({}, {:?}, {:?}, {:?})",
            self.no, self.contact_id, self.outcome, self.reason
        )
    }
}

/// What a broadcast's message says to each of some recipients, as a message's `template`: nothing for those to whom none is sent, and
/// where what fills it is kept no more.
pub fn filled(broadcast: &Broadcast, recipients: &[RecipientResult]) -> Vec<Option<Value>> {
    let filling = Filling::of(&broadcast.template).ok();
    let of_one = |one: &RecipientResult| {
        let filling = filling.as_ref()?;
        let is_known = one.outcome != Outcome::Suppressed && one.values.len() == filling.variables().len();
        is_known.then(|| filling.fill(&one.values))
    };
    recipients.iter().map(of_one).collect()
}

/// Some of them.
#[derive(Debug, Default)]
pub struct ResultPage {
    /// Those.
    pub recipients: Vec<RecipientResult>,
    /// The recipient after whom it goes on, if there are more.
    pub next: Option<u32>,
}

impl Broadcasts {
    /// What became of a broadcast's recipients after one, in the order of the plan. It may be fewer than there may be, although more follow.
    pub async fn results(
        &self,
        tenant: TenantId,
        broadcast: &Broadcast,
        (after, outcome): (u32, Option<Outcome>),
        limit: usize,
    ) -> Result<ResultPage, BroadcastError> {
        let Some(plan) = &broadcast.plan else {
            return Ok(ResultPage::default());
        };
        let place = PlanPlace {
            tenant,
            broadcast: broadcast.broadcast_id,
            plan: plan.number,
        };
        let (mut at, mut looked, mut found) = (after, 0, Vec::new());
        let mut number = self.locate(place, plan, after.saturating_add(1)).await?;
        while number < plan.chunks && looked < LOOKED_AT && found.len() < limit {
            let Some(chunk) = self.chunk(place, number).await? else {
                return Ok(ResultPage {
                    recipients: found,
                    next: None,
                });
            };
            let rest = (chunk.first..).zip(&chunk.recipients).filter(|(no, _)| *no > at);
            let rest: Vec<(u32, &PlannedRecipient)> = rest.take(STEP).collect();
            looked += rest.len();
            for result in self.of(place, broadcast.state, &rest).await? {
                if found.len() >= limit {
                    break;
                }
                at = result.no;
                if outcome.is_none_or(|wanted| wanted == result.outcome) {
                    found.push(result);
                }
            }
            let end = chunk.end();
            if at.saturating_add(1) >= end {
                number += 1;
            }
        }
        Ok(ResultPage {
            recipients: found,
            next: (at < plan.total).then_some(at),
        })
    }

    /// The row of a plan in which a recipient stands.
    async fn locate(&self, place: PlanPlace, plan: &BroadcastPlan, no: u32) -> Result<u32, StoreError> {
        let (mut low, mut high) = (0, plan.chunks);
        while low < high {
            let middle = low + (high - low) / 2;
            let chunk = self.chunk(place, middle).await?;
            match chunk {
                Some(chunk) if chunk.end() <= no => low = middle + 1,
                Some(_) | None => high = middle,
            }
        }
        Ok(low)
    }

    async fn of(
        &self,
        place: PlanPlace,
        state: BroadcastState,
        some: &[(u32, &PlannedRecipient)],
    ) -> Result<Vec<RecipientResult>, StoreError> {
        let now = self.clock.now();
        let recipient = |no| BroadcastRecipient {
            broadcast: place.broadcast,
            no,
        };
        let keys = some.iter().map(|(no, _)| recipient(*no).key()).collect();
        let turns = self.store.seen(place.tenant, keys, now).await?;
        // Of those to whom nothing was sent it stands under another key why.
        let silent = some
            .iter()
            .zip(&turns)
            .filter(|(_, turn)| turn.as_ref().is_some_and(|turn| turn.at.is_none()));
        let silent: Vec<u32> = silent.map(|((no, _), _)| *no).collect();
        let keys = silent
            .iter()
            .flat_map(|no| Suppression::ALL.map(|why| recipient(*no).suppressed_key(why)));
        let whys = self.store.seen(place.tenant, keys.collect(), now).await?;
        let why = |no: u32| {
            let at = silent.iter().position(|silent| *silent == no)?;
            let of_one = whys.chunks(Suppression::ALL.len()).nth(at)?;
            let place = of_one.iter().position(Option::is_some)?;
            Suppression::ALL.get(place).map(|why| why.as_str())
        };
        // Of one that came to its end everybody had a turn: what is not known of any more was kept for its time.
        let without_turn = match state {
            BroadcastState::Done => RecipientOutcome::Erased.into(),
            BroadcastState::Cancelled => RecipientOutcome::Cancelled.into(),
            _ => Outcome::Planned,
        };
        let results = some.iter().zip(turns).map(|((no, planned), turn)| {
            let plain = RecipientResult {
                no: *no,
                line: planned.line,
                contact_id: planned.contact,
                outcome: without_turn,
                reason: None,
                code: None,
                message_id: None,
                at: None,
                phone: planned.phone.clone(),
                values: planned.values.clone(),
            };
            let told = match (planned.suppressed, turn) {
                // Without a reason something was sent, or waited, and was erased with the customer.
                (_, Some(turn)) if turn.at.is_none() => RecipientResult {
                    outcome: why(*no).map_or(RecipientOutcome::Erased.into(), |_| Outcome::Suppressed),
                    reason: why(*no),
                    ..plain
                },
                (_, Some(turn)) => RecipientResult {
                    outcome: RecipientOutcome::Erased.into(),
                    message_id: turn.at.map(|at| at.message),
                    ..plain
                },
                (Some(why), None) => RecipientResult {
                    outcome: Outcome::Suppressed,
                    reason: Some(why.as_str()),
                    ..plain
                },
                (None, None) => plain,
            };
            (told, turn.and_then(|turn| turn.at))
        });
        let results: Vec<(RecipientResult, Option<MessageRef>)> = results.collect();
        stream::iter(results)
            .map(async |(told, at)| match at {
                Some(at) => self.told(place.tenant, told, at, now).await,
                None => Ok(told),
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    /// What a message came to.
    async fn told(
        &self,
        tenant: TenantId,
        told: RecipientResult,
        at: MessageRef,
        now: Timestamp,
    ) -> Result<RecipientResult, StoreError> {
        let Some(message) = self.store.message(tenant, at, now).await? else {
            return Ok(told);
        };
        // Whoever was no contact when the plan was made became one with the message.
        let told = RecipientResult {
            contact_id: told.contact_id.or(Some(message.contact_id)),
            ..told
        };
        let Some(delivery) = message.delivery else {
            return Ok(told);
        };
        let outcome = Outcome::from(RecipientOutcome::of_state(delivery.state));
        let error = delivery
            .error
            .filter(|_| outcome == RecipientOutcome::Failed.into());
        let code = error.map(|error| error.code);
        Ok(RecipientResult {
            outcome,
            reason: code.and_then(failure_reason),
            code,
            at: delivery.times.of(delivery.state),
            ..told
        })
    }
}
