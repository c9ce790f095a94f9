//! Comparing whom numbers block with Meta's lists, once a day for each tenant that runs here: what was lifted elsewhere is lifted here.
//!
//! Meta is only asked about numbers that block somebody as far as rows say. Those are read first: who is blocked while Meta's list is
//! being read is not among them, and is not taken for somebody whom the list lacks.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::each;
use crate::actors::{Directory, TenantCommands};
use crate::domain::{Alias, Author, Contact, ContactChange, PhoneNumberId, TenantId, TermKey};
use crate::shutdown::Shutdown;
use crate::store::op::{Audience, ChangeContact, Whom};
use crate::store::{ListOrder, Number, Store};
use crate::whatsapp::Graph;
use crate::whatsapp::client::BearerToken;

/// How often it is looked whose turn it is.
const LOOK: Duration = Duration::from_mins(10);
/// How often a tenant's lists are compared.
const PERIOD: Duration = Duration::from_hours(24);
/// When it is tried again after it could not be done.
const AGAIN: Duration = Duration::from_hours(1);
/// Contacts that are read at once.
const TOGETHER: usize = 200;
/// Customers on the longest list, and pages of which it consists at most. Source: Cloud API, Block users (Oct 27 2025).
const LONGEST_LIST: usize = 64_000;
const PAGES: usize = 6_400;

/// Compares for ever.
pub(super) async fn run(
    directory: &Directory,
    tenants: &dyn TenantCommands,
    graph: &dyn Graph,
    shutdown: &Shutdown,
) {
    let mut due = each(LOOK);
    let mut turns: HashMap<TenantId, Instant> = HashMap::new();
    loop {
        due.tick().await;
        for tenant in directory.running().into_iter().map(|handle| handle.row.id) {
            if shutdown.has_begun() {
                return;
            }
            if turns.get(&tenant).is_some_and(|turn| Instant::now() < *turn) {
                continue;
            }
            let blocks = Blocks {
                store: directory.store(),
                tenants,
                graph,
                tenant,
            };
            let wait = match blocks.compare(directory).await {
                Ok(()) => PERIOD,
                Err(error) => {
                    tracing::warn!(tenant.id = %tenant, error, "cannot compare whom numbers block with Meta's lists");
                    AGAIN
                }
            };
            turns.insert(tenant, Instant::now() + wait);
        }
        turns.retain(|_, turn| Instant::now() < *turn);
    }
}

/// One tenant's.
pub(super) struct Blocks<'a> {
    pub(super) store: &'a Arc<dyn Store>,
    pub(super) tenants: &'a dyn TenantCommands,
    pub(super) graph: &'a dyn Graph,
    pub(super) tenant: TenantId,
}

impl Blocks<'_> {
    pub(super) async fn compare(&self, directory: &Directory) -> Result<(), String> {
        let numbers = directory
            .numbers(self.tenant)
            .await
            .map_err(|error| error.to_string())?;
        for number in numbers {
            let ours = self.ours(&number.id).await.map_err(|error| error.to_string())?;
            if ours.is_empty() {
                continue;
            }
            let theirs = self.theirs(&number).await?;
            let stands = |contact: &Contact| {
                let aliases = contact.aliases();
                let mut forms = aliases.strongest_first().flat_map(Alias::forms);
                forms.any(|name| theirs.contains(&name))
            };
            for contact in ours.iter().filter(|contact| !stands(contact)) {
                let change = ChangeContact {
                    who: Whom::Known(contact.id),
                    changes: vec![ContactChange::Unblock(number.id.clone())],
                    by: Author::OtherApp,
                    audience: Audience::Agents,
                };
                let changed = self.tenants.change_contact(self.tenant, change).await;
                changed.map_err(|refusal| refusal.to_string())?;
            }
        }
        Ok(())
    }

    /// The contacts that a number blocks as far as their rows say.
    async fn ours(&self, number: &PhoneNumberId) -> Result<Vec<Contact>, crate::store::StoreError> {
        let term = TermKey::of(self.tenant).blocked(number);
        let (mut ours, mut after) = (Vec::new(), None);
        loop {
            let order = ListOrder::Ascending;
            let page = self
                .store
                .page_term(self.tenant, term, after, order, TOGETHER)
                .await?;
            let ids = page.items.iter().map(|place| place.contact).collect();
            for card in self.store.contacts(self.tenant, ids).await?.into_iter().flatten() {
                // Of merged contacts the one whose address is blocked says so.
                let ids = card.all_ids().collect();
                let rows = self.store.contacts(self.tenant, ids).await?;
                ours.extend(
                    rows.into_iter()
                        .flatten()
                        .filter(|row| row.blocked_on.contains(number)),
                );
            }
            after = page.items.last().cloned();
            if !page.more || ours.len() >= LONGEST_LIST {
                return Ok(ours);
            }
        }
    }

    /// Whom Meta names on a number's list.
    async fn theirs(&self, number: &Number) -> Result<BTreeSet<Alias>, String> {
        let token = BearerToken::parse(number.access_token.reveal()).map_err(|error| error.to_string())?;
        let (mut theirs, mut after) = (BTreeSet::new(), None);
        for _ in 0..PAGES {
            let page = self.graph.blocked(&number.id, after.as_deref(), &token).await;
            let page = page.map_err(|error| error.to_string())?;
            theirs.extend(page.names);
            after = page.after;
            if after.is_none() {
                return Ok(theirs);
            }
        }
        Err("the list does not end".to_owned())
    }
}
