//! Sending again to whom a broadcast failed to reach: a new broadcast, whose audience are the failed recipients of one that is over.
//!
//! Of a failure it is Meta who says that it is one, so that nobody gets the message twice; what is in doubt is never sent again. A
//! broadcast is repeated by one other at a time.

use std::collections::HashMap;

use serde_json::Value;

use super::Broadcasts;
use super::audience::Candidate;
use super::changes::there;
use super::definition::Definition;
use super::error::BroadcastError;
use super::results::{Outcome, RecipientResult};
use super::variables::Filling;
use super::waits::{Ended, Waits};
use crate::bulk::batch::Had;
use crate::domain::{
    Author, BroadcastId, BroadcastProblem, BroadcastRecipient, Contact, ContactId, RecipientOutcome, TenantId,
};
use crate::store::tables::{Broadcast, BroadcastAudience, Unsendable};
use crate::store::{StoreError, StoreErrorKind};
use crate::whatsapp::error::SendAgain;

/// Failed recipients of one step.
const STEP: usize = 200;

impl Broadcasts {
    /// Makes a draft for whom a broadcast failed to reach, with all else as it was.
    pub async fn retry(
        &self,
        tenant: TenantId,
        (of, again): (BroadcastId, BroadcastId),
        by: Author,
    ) -> Result<Broadcast, BroadcastError> {
        let first = self.get(tenant, of).await?;
        let refused = |why| Err(BroadcastError::State(first.state, why));
        if !first.state.is_over() {
            return refused("it has not ended");
        }
        if let Some(other) = first.retried_by
            && self
                .found(tenant, other)
                .await?
                .is_some_and(|found| there(Some(&found.row)).is_ok())
        {
            return refused("its failed recipients have a broadcast already, which `retried_by` names");
        }
        if !self.may_repeat(tenant, of).await? {
            return refused("nobody failed whom sending again may reach");
        }
        let known = first.retried_by;
        self.changed(tenant, of, by.clone(), |before| {
            if before.retried_by != known {
                return Err(BroadcastError::Changed);
            }
            Ok(Broadcast {
                retried_by: Some(again),
                ..before
            })
        })
        .await?;
        let definition = Definition {
            name: first.name,
            template: first.template,
            numbers: first.numbers,
            audience: BroadcastAudience::Retry { broadcast_id: of },
            exclude: first.exclude,
            rate: first.rate,
            at: None,
            not_after: None,
            hours: first.hours,
            at_local: None,
            not_after_local: None,
        };
        self.create(tenant, again, (definition, by)).await
    }

    /// Whether anybody failed with a code that may pass.
    async fn may_repeat(&self, tenant: TenantId, broadcast: BroadcastId) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let tally = self.store.broadcast_tally(tenant, broadcast, now).await?;
        Ok(tally.is_some_and(|tally| {
            let counts = &tally.counts;
            let mut codes = counts.failed_by_code.iter();
            let any =
                codes.any(|(code, count)| *count > 0 && SendAgain::of_failed(*code) != SendAgain::Never);
            counts.of(RecipientOutcome::Failed) > 0 && (any || counts.failed_by_other_codes > 0)
        }))
    }
}

/// Walks the failed recipients of a broadcast.
pub(super) struct FailedRecipients {
    first: Box<Broadcast>,
    filling: Filling,
    /// The recipient after whom it goes on.
    after: Option<u32>,
    had: Had,
}

impl FailedRecipients {
    pub(super) async fn open(
        broadcasts: &Broadcasts,
        (tenant, first): (TenantId, BroadcastId),
        row: &Broadcast,
        waits: Waits<'_>,
    ) -> Result<Self, Ended> {
        let found = waits.asked(|| broadcasts.found(tenant, first)).await?;
        let first = found.filter(|found| found.row.state.is_over());
        let first = first.ok_or(Ended::Failed(BroadcastProblem::RetriedGone))?;
        Ok(Self {
            first: Box::new(first.row),
            filling: Filling::of(&row.template)
                .map_err(|_was_checked| Ended::Failed(BroadcastProblem::Internal))?,
            after: Some(0),
            had: Had::default(),
        })
    }

    /// The next ones; `None` at the end. It may be none although there are more.
    pub(super) async fn next(
        &mut self,
        broadcasts: &Broadcasts,
        tenant: TenantId,
        waits: Waits<'_>,
    ) -> Result<Option<Vec<Candidate>>, Ended> {
        let Some(after) = self.after else {
            return Ok(None);
        };
        let place = (after, Some(Outcome::from(RecipientOutcome::Failed)));
        let page = || async {
            let found = broadcasts.results(tenant, &self.first, place, STEP).await;
            found.map_err(|error| match error {
                BroadcastError::Store(error) => error,
                error => StoreError::new(StoreErrorKind::Invalid, error.to_string()),
            })
        };
        let page = waits.asked(page).await?;
        let again: Vec<(RecipientResult, SendAgain)> = page
            .recipients
            .into_iter()
            .map(|one| {
                let again = SendAgain::of_failed(one.code.unwrap_or(0));
                (one, again)
            })
            .filter(|(_, again)| *again != SendAgain::Never)
            .collect();
        let wanted = again.iter().filter_map(|(one, _)| one.contact_id);
        let people = broadcasts.people(tenant, wanted, waits).await?;
        let mut found = Vec::with_capacity(again.len());
        for (one, again) in again {
            let cells = self.cells(broadcasts, tenant, one.no, waits).await?;
            found.push(self.candidate(broadcasts, &one, again, &people, cells));
        }
        self.after = page.next;
        Ok(Some(found))
    }

    fn candidate(
        &mut self,
        broadcasts: &Broadcasts,
        one: &RecipientResult,
        again: SendAgain,
        people: &HashMap<ContactId, Contact>,
        cells: Vec<String>,
    ) -> Candidate {
        let contact = one.contact_id.and_then(|id| people.get(&id)).cloned();
        let is_soon = match (again, one.at) {
            (SendAgain::After(wait), Some(failed)) => broadcasts.clock.now() < failed.after(wait),
            _ => false,
        };
        let wrong = match &contact {
            None => Some(Unsendable::ContactGone),
            // Two recipients turned out to be one person.
            Some(contact) if !self.had.note_contact(contact.id) => Some(Unsendable::Duplicate),
            Some(_) => is_soon.then_some(Unsendable::TooSoon),
        };
        Candidate {
            contact,
            phone: None,
            cells,
            line: one.line,
            wrong,
        }
    }

    /// What stood in the columns of the file for a recipient: the message alone tells it still.
    async fn cells(
        &self,
        broadcasts: &Broadcasts,
        tenant: TenantId,
        no: u32,
        waits: Waits<'_>,
    ) -> Result<Vec<String>, Ended> {
        if self.filling.columns().next().is_none() {
            return Ok(Vec::new());
        }
        let (store, now) = (&broadcasts.store, broadcasts.clock.now());
        let recipient = BroadcastRecipient {
            broadcast: self.first.broadcast_id,
            no,
        };
        let turns = waits
            .asked(|| store.seen(tenant, vec![recipient.key()], now))
            .await?;
        let at = turns.into_iter().flatten().find_map(|turn| turn.at);
        let message = match at {
            Some(at) => waits.asked(|| store.message(tenant, at, now)).await?,
            None => None,
        };
        let content =
            message.and_then(|message| serde_json::from_str::<Value>(message.content.json().get()).ok());
        let sent = content
            .as_ref()
            .and_then(|content| content.pointer("/template/components"));
        let mut texts = self.filling.cells_of(sent.unwrap_or(&Value::Null));
        let columns = self.filling.columns();
        Ok(columns
            .map(|column| texts.remove(column).unwrap_or_default())
            .collect())
    }
}
