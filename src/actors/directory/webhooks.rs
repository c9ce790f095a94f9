//! What applying webhooks asks of tenants, answered by those of this process.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{Directory, TenantHandle};
use crate::actors::ledger::{CommitError, CommitObserver};
use crate::actors::port::{Departure, Inbox, Signer, TenantInbox, WebhookTenants};
use crate::actors::request::Refusal;
use crate::domain::{
    AttemptToken, Content, DeliveryState, Keyword, MetaError, PhoneNumberId, TenantId, Timestamp, WabaId,
    opt_out_words,
};
use crate::store::{Op, ProcessId, StoreError};

#[async_trait]
impl WebhookTenants for Directory {
    fn owner(&self, number: &PhoneNumberId) -> Option<TenantId> {
        Self::owner(self, number)
    }

    fn owners_of_account(&self, waba: &WabaId) -> Vec<TenantId> {
        Self::owners_of_account(self, waba)
    }

    fn is_signed_by(&self, number: &PhoneNumberId, signer: &Signer) -> bool {
        Self::is_signed_by(self, number, signer)
    }

    fn is_signed_within(&self, tenant: TenantId, waba: &WabaId, signer: &Signer) -> bool {
        Self::is_signed_within(self, tenant, waba, signer)
    }

    async fn read_numbers_again(&self) -> Result<(), StoreError> {
        Self::read_numbers_again(self).await
    }

    async fn elsewhere(&self, tenant: TenantId) -> Result<Option<ProcessId>, Refusal> {
        Self::elsewhere(self, tenant).await
    }

    async fn inbox(&self, tenant: TenantId) -> Result<Inbox, Refusal> {
        Ok(match Self::elsewhere(self, tenant).await? {
            Some(process) => Inbox::Elsewhere(process),
            None => Inbox::Here(Box::new(self.tenant(tenant).await?)),
        })
    }

    fn is_gone(&self, process: ProcessId) -> bool {
        Self::is_gone(self, process)
    }

    fn somebody_is_gone(&self) -> Arc<Notify> {
        Self::somebody_is_gone(self)
    }

    fn gone_and_unlisted(&self) -> Vec<Departure> {
        Self::gone_and_unlisted(self)
    }

    fn listed(&self, departures: &[Departure]) {
        Self::listed(self, departures);
    }

    fn taken_over(&self) -> Arc<Notify> {
        Self::taken_over(self)
    }
}

/// A number whose lane is not here has no limit to count against, and nothing in flight.
#[async_trait]
impl TenantInbox for TenantHandle {
    fn note_inbound(&self, number: &PhoneNumberId) {
        if let Some(lane) = self.lanes.get(number) {
            lane.note_inbound(1);
        }
    }

    fn note_status(&self, number: &PhoneNumberId, token: Option<AttemptToken>, state: DeliveryState) {
        if let Some(lane) = self.lanes.get(number) {
            lane.note_status(token, state);
        }
    }

    fn note_failure(
        &self,
        number: &PhoneNumberId,
        token: Option<AttemptToken>,
        error: &MetaError,
        at: Timestamp,
    ) {
        if let Some(lane) = self.lanes.get(number) {
            lane.note_failure(token, error, at);
        }
    }

    fn keyword(&self, content: &Content) -> Option<Keyword> {
        opt_out_words::keyword_of(content, self.row.opt_out_words.as_ref())
    }

    fn callers(&self) -> usize {
        self.ledger.callers()
    }

    async fn commit(
        &self,
        op: Op,
        observer: Arc<dyn CommitObserver>,
        patience: Duration,
    ) -> Result<(), CommitError> {
        self.ledger.commit_observed(op, observer, patience).await
    }
}
