//! What waits to be sent, as tests look at it without waiting.

use futures_util::FutureExt as _;

use super::FaultyStore;
use crate::domain::{MessageId, PhoneNumberId, TenantId};
use crate::store::{OutboxRow, Store as _};

impl FaultyStore {
    /// One unsettled message.
    pub(crate) fn row(
        &self,
        tenant: TenantId,
        number: &PhoneNumberId,
        message: MessageId,
    ) -> Option<OutboxRow> {
        // The store in memory never waits.
        let read = self.inner.outbox_row(tenant, number.clone(), message);
        read.now_or_never().unwrap().unwrap()
    }

    /// Whether every message is settled.
    pub(crate) fn is_outbox_empty(&self, tenant: TenantId, number: &PhoneNumberId) -> bool {
        self.read(tenant, number, None, 1).is_empty()
    }

    pub(super) fn read(
        &self,
        tenant: TenantId,
        number: &PhoneNumberId,
        after: Option<MessageId>,
        limit: usize,
    ) -> Vec<OutboxRow> {
        let read = self.inner.outbox(tenant, number.clone(), after, limit);
        read.now_or_never().unwrap().unwrap()
    }

    /// All unsettled messages.
    pub(crate) fn rows(&self, tenant: TenantId, number: &PhoneNumberId) -> Vec<OutboxRow> {
        self.read(tenant, number, None, usize::MAX)
    }
}
