//! Searching contacts by a filter: what can be told from their rows first, then what needs their conversations.

use async_trait::async_trait;

use super::contact_search::Condition;
use super::{Store, StoreError};
use crate::domain::filter::{AnyTerm, Facts, Filter, ToldByTerms};
use crate::domain::{AgentId, Contact, ConversationId, PhoneNumberId, TenantId, TermKey, Timestamp};

/// Contacts that are looked at without a break.
const WITHOUT_BREAK: usize = 16;
/// Conversations that are read at once.
const TOGETHER: usize = 1_000;

/// Whom a filter means to somebody at a time.
#[derive(Debug, Clone)]
pub struct MeantContacts {
    /// What is told from a contact's row.
    near: Filter,
    /// What is told from its conversations.
    far: Filter,
    /// Both.
    whole: Filter,
    asker: Option<AgentId>,
    numbers: Vec<PhoneNumberId>,
    now: Timestamp,
}

impl MeantContacts {
    /// `numbers` are those on which conversations are looked at: the tenant's that the filter [asks about](Filter::asks_about), as far as
    /// the asker may see them.
    pub fn new(filter: Filter, asker: Option<AgentId>, numbers: Vec<PhoneNumberId>, now: Timestamp) -> Self {
        let (near, far) = filter.clone().split();
        Self {
            near,
            far,
            whole: filter,
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

    /// Those of some contacts of whom what their conversations tell fits. All of these are read together.
    async fn hold_far(
        &self,
        store: &dyn Store,
        tenant: TenantId,
        contacts: Vec<Contact>,
    ) -> Result<Vec<Contact>, StoreError> {
        let mut held = Vec::with_capacity(contacts.len());
        let mut contacts = contacts.into_iter().peekable();
        while contacts.peek().is_some() {
            let (mut some, mut ids) = (Vec::new(), Vec::new());
            while let Some(contact) = contacts.next_if(|_| ids.len() < TOGETHER) {
                let before = ids.len();
                let talks_on = |number: &&PhoneNumberId| contact.all_numbers().any(|known| known == *number);
                for number in self.numbers.iter().filter(talks_on) {
                    // What was written under other contacts of the same customer stays there.
                    let of = |id| ConversationId::derive(tenant, number, id);
                    ids.extend(contact.all_ids().map(of));
                }
                let reads = ids.len() - before;
                some.push((contact, reads));
            }
            let mut rows = if ids.is_empty() {
                Vec::new().into_iter()
            } else {
                store.conversations(tenant, ids).await?.into_iter()
            };
            for (contact, reads) in some {
                let (mut last_active, mut numbers) = (None, Vec::new());
                for row in rows.by_ref().take(reads).flatten() {
                    last_active = last_active.max(Some(row.last_activity));
                    numbers.push(row.number);
                }
                let fits = self.far.matches(Facts {
                    last_active,
                    numbers: &numbers,
                    ..self.facts(&contact)
                });
                held.extend(fits.then_some(contact));
            }
        }
        Ok(held)
    }
}

#[async_trait]
impl Condition for MeantContacts {
    fn terms(&self, key: TermKey) -> Vec<AnyTerm> {
        self.whole.terms(key, self.asker.as_ref())
    }

    fn told_by_terms(&self, key: TermKey) -> Option<ToldByTerms> {
        self.whole.told_by_terms(key, self.asker.as_ref())
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
            if n % WITHOUT_BREAK == WITHOUT_BREAK - 1 {
                tokio::task::yield_now().await;
            }
        }
        if !self.far.needs_conversations() {
            return Ok(contacts);
        }
        self.hold_far(store, tenant, contacts).await
    }
}
