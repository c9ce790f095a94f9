//! Before a message with a template is accepted, by REST or by socket: its template is one of the number's account, may be sent, and
//! is filled as it must be. What is needed for it is kept in memory, so that a message costs no read.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;

use super::super::error::ApiError;
use super::super::ws::ConversationNumbers;
use crate::actors::port::TenantDirectory;
use crate::actors::request::{ContentClass, Destination, SubmitRequest};
use crate::domain::{Clock, ContentKind, PhoneNumberId, Purpose, TenantId, WabaId};
use crate::store::Store;
use crate::templates::TemplateBook;

/// Tenants whose numbers are kept; a few hundred bytes each.
const TENANTS: NonZeroUsize = NonZeroUsize::new(5_000).unwrap();
/// How long what was read is trusted.
const FRESH: Duration = Duration::from_secs(30);

/// The accounts of a tenant's numbers, and when they were read.
struct Accounts {
    by_number: Arc<[(PhoneNumberId, WabaId)]>,
    read: Duration,
}

/// See the module.
pub(in crate::api) struct TemplateGate {
    templates: Arc<TemplateBook>,
    tenants: Arc<dyn TenantDirectory>,
    clock: Arc<dyn Clock>,
    conversations: ConversationNumbers,
    known: Mutex<LruCache<TenantId, Accounts>>,
}

impl TemplateGate {
    /// Knows no number yet.
    pub(in crate::api) fn new(
        templates: Arc<TemplateBook>,
        tenants: Arc<dyn TenantDirectory>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            templates,
            tenants,
            clock,
            conversations: ConversationNumbers::new(store),
            known: Mutex::new(LruCache::new(TENANTS)),
        }
    }

    /// Refuses a message whose template Meta would refuse. Where that cannot be told, Meta decides. One that Meta has for marketing
    /// is marketing, whatever the caller says.
    pub(in crate::api) async fn demand(
        &self,
        tenant: TenantId,
        request: &mut SubmitRequest,
    ) -> Result<(), ApiError> {
        let is_template =
            request.class == ContentClass::Template && *request.content.kind() == ContentKind::Template;
        if !is_template {
            return Ok(());
        }
        let Some(waba) = self.account(tenant, &request.to).await else {
            return Ok(());
        };
        let content = request.content.to_value();
        let Some(template) = content.get("template") else {
            return Ok(());
        };
        self.templates.check(tenant, &waba, template).await?;
        if self.templates.purpose(tenant, &waba, template).await == Some(Purpose::Marketing) {
            request.purpose = Purpose::Marketing;
        }
        Ok(())
    }

    /// The account that a message goes out from; `None` where it cannot be told, or there is none.
    async fn account(&self, tenant: TenantId, to: &Destination) -> Option<WabaId> {
        let named = match to {
            Destination::Contact { number, .. } => number.clone(),
            Destination::Conversation(id) => Some(self.conversations.of(tenant, *id).await.ok()??),
        };
        let accounts = self.accounts(tenant).await?;
        match (named, &*accounts) {
            (Some(number), all) => {
                let own = all.iter().find(|(own, _)| *own == number);
                own.map(|(_, waba)| waba.clone())
            }
            (None, [(_, only)]) => Some(only.clone()),
            (None, _) => None,
        }
    }

    async fn accounts(&self, tenant: TenantId) -> Option<Arc<[(PhoneNumberId, WabaId)]>> {
        let now = self.clock.monotonic();
        {
            let mut known = self.known();
            let fresh = known.get(&tenant);
            if let Some(known) = fresh.filter(|known| now.saturating_sub(known.read) < FRESH) {
                return Some(Arc::clone(&known.by_number));
            }
        }
        let numbers = self.tenants.numbers(tenant).await.ok()?.into_iter();
        let by_number: Arc<[_]> = numbers.map(|number| (number.id, number.waba)).collect();
        let read = Accounts {
            by_number: Arc::clone(&by_number),
            read: now,
        };
        self.known().put(tenant, read);
        Some(by_number)
    }

    fn known(&self) -> MutexGuard<'_, LruCache<TenantId, Accounts>> {
        // Entries are put whole, so a panic elsewhere leaves nothing half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
