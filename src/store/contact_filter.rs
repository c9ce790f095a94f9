//! Searching contacts by a filter: what can be told from their rows first, then what needs their conversations.

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::contact_search::Condition;
use super::{Store, StoreError};
use crate::domain::filter::{Facts, Filter};
use crate::domain::{AgentId, Contact, ConversationId, PhoneNumberId, TenantId, Term, TermKey, Timestamp};

/// Contacts whose conversations are read at once.
const AT_ONCE: usize = 16;

/// Whom a filter means to somebody at a time.
#[derive(Debug, Clone)]
pub struct MeantContacts {
    /// What is told from a contact's row.
    near: Filter,
    /// What is told from its conversations.
    far: Filter,
    asker: Option<AgentId>,
    numbers: Vec<PhoneNumberId>,
    now: Timestamp,
}

impl MeantContacts {
    /// `numbers` are those on which conversations are looked at: the tenant's that the filter [asks about](Filter::asks_about), as far as
    /// the asker may see them.
    pub fn new(filter: Filter, asker: Option<AgentId>, numbers: Vec<PhoneNumberId>, now: Timestamp) -> Self {
        let (near, far) = filter.split();
        Self {
            near,
            far,
            asker,
            numbers,
            now,
        }
    }

    fn facts<'a>(&'a self, contact: &'a Contact) -> Facts<'a> {
        Facts {
            contact,
            last_active: None,
            numbers: &[],
            asker: self.asker.as_ref(),
            now: self.now,
        }
    }

    /// Whether what its conversations tell fits.
    async fn holds_far(
        &self,
        store: &dyn Store,
        tenant: TenantId,
        contact: &Contact,
    ) -> Result<bool, StoreError> {
        let (mut last_active, mut numbers) = (None, Vec::new());
        for number in &self.numbers {
            // What was written under other contacts of the same customer stays there.
            for contact in contact.all_ids() {
                let id = ConversationId::derive(tenant, number, contact);
                if let Some(row) = store.conversation(tenant, id).await? {
                    last_active = last_active.max(Some(row.last_activity));
                    numbers.push(number.clone());
                }
            }
        }
        Ok(self.far.matches(Facts {
            last_active,
            numbers: &numbers,
            ..self.facts(contact)
        }))
    }
}

#[async_trait]
impl Condition for MeantContacts {
    fn terms(&self, key: TermKey) -> Vec<Term> {
        self.near.terms(key, self.asker.as_ref())
    }

    async fn hold(
        &self,
        store: &dyn Store,
        tenant: TenantId,
        looked_at: Vec<Contact>,
    ) -> Result<Vec<Contact>, StoreError> {
        let mut contacts = Vec::with_capacity(looked_at.len());
        for (n, contact) in looked_at.into_iter().enumerate() {
            if self.near.matches(self.facts(&contact)) {
                contacts.push(contact);
            }
            // Many conditions take their time: others on this thread have theirs in between.
            if n % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
        if !self.far.needs_conversations() {
            return Ok(contacts);
        }
        stream::iter(contacts)
            .map(|contact| async move {
                let holds = self.holds_far(store, tenant, &contact).await?;
                Ok(holds.then_some(contact))
            })
            .buffered(AT_ONCE)
            .try_filter_map(async |contact| Ok(contact))
            .try_collect()
            .await
    }
}
