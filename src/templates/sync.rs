//! One look-up of an account at Meta: all pages within a deadline, one at a time for each account, whichever process does it.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use bytes::Bytes;

use super::merge::Listed;
use super::{TemplateBook, TemplateError};
use crate::domain::{TemplateId, TemplateStatus, TenantId, Timestamp, WabaId};
use crate::store::tables::{Template, TemplateAccount};
use crate::store::{StoreError, StoreErrorKind};
use crate::whatsapp::client::{BearerToken, GraphError};

/// How long a look-up may take.
const DEADLINE: Duration = Duration::from_secs(120);
/// How often whoever is at it says so again: a few times within a lease, so that one write may fail.
const RENEWAL: Duration = Duration::from_secs(5);
/// Pages of an account: more templates than Meta allows one.
const MOST_PAGES: usize = 200;
/// Characters of what is kept of a failure.
const LONGEST_ERROR: usize = 300;

/// How a look-up ended.
#[derive(Debug)]
pub(super) enum Synced {
    /// All is known, as of when it began.
    Done(TemplateAccount),
    /// Another one was enough.
    Fresh(TemplateAccount),
    /// Another process is at it.
    Elsewhere,
    /// It failed; the row says why.
    Failed(TemplateError),
}

/// How much is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Nothing happened: one that went well within this time is enough.
    Within(Duration),
    /// Somebody asked for one.
    Anew,
}

pub(super) enum Claim {
    /// With its number.
    Mine(u64),
    Fresh(TemplateAccount),
    Elsewhere,
}

/// Why no claim was written.
enum NoClaim {
    Is(Claim),
    Store(StoreError),
}

impl From<StoreError> for NoClaim {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl TemplateBook {
    /// Looks an account up, unless an earlier look-up is enough.
    pub(super) async fn sync(
        &self,
        tenant: TenantId,
        waba: &WabaId,
        token: Option<BearerToken>,
        wanted: Wanted,
    ) -> Synced {
        // An account that nobody can look up gets no row.
        let Some(token) = token else {
            return Synced::Failed(self.note_no_token(tenant, waba).await);
        };
        let generation = match self.claim(tenant, waba, wanted).await {
            Ok(Claim::Mine(generation)) => generation,
            Ok(Claim::Fresh(account)) => return Synced::Fresh(account),
            Ok(Claim::Elsewhere) => return Synced::Elsewhere,
            Err(error) => return Synced::Failed(error.into()),
        };
        let all = tokio::time::timeout(DEADLINE, self.take_over(tenant, waba, generation, &token));
        let looked_up = tokio::select! {
            done = all => done.unwrap_or_else(|_late| Err(unreachable("the list did not end in time"))),
            () = self.renew(tenant, waba, generation) => return Synced::Elsewhere,
        };
        let ended = self.release(tenant, waba, generation, &looked_up).await;
        match (looked_up, ended) {
            (Ok(_), Ok(account)) => Synced::Done(account),
            (Err(error), _) => Synced::Failed(error),
            (Ok(_), Err(error)) => Synced::Failed(error.into()),
        }
    }

    /// Says in the account's row, if there is one, why it is not looked up.
    async fn note_no_token(&self, tenant: TenantId, waba: &WabaId) -> TemplateError {
        let why = unreachable("no number of the account has a usable token");
        let noted = self.table::<TemplateAccount>().change::<StoreError>(
            TemplateAccount::at(tenant, waba),
            |before: Option<&TemplateAccount>| {
                Ok(before.map(|before| TemplateAccount {
                    error: Some(why.to_string()),
                    ..before.clone()
                }))
            },
        );
        match noted.await {
            Ok(_) => why,
            Err(error) => error.into(),
        }
    }

    pub(super) async fn claim(
        &self,
        tenant: TenantId,
        waba: &WabaId,
        wanted: Wanted,
    ) -> Result<Claim, StoreError> {
        let began = self.clock.now();
        let claimed = self.table::<TemplateAccount>().change::<NoClaim>(
            TemplateAccount::at(tenant, waba),
            |before: Option<&TemplateAccount>| {
                if before.is_some_and(|before| before.is_running(began)) {
                    return Err(NoClaim::Is(Claim::Elsewhere));
                }
                let is_enough = |at: Timestamp| match wanted {
                    Wanted::Within(time) => began.since(at) < time,
                    Wanted::Anew => false,
                };
                let fresh = before.filter(|before| before.synced_at.is_some_and(is_enough));
                if let Some(fresh) = fresh {
                    return Err(NoClaim::Is(Claim::Fresh(fresh.clone())));
                }
                Ok(Some(TemplateAccount {
                    waba: waba.clone(),
                    synced_at: before.and_then(|before| before.synced_at),
                    began,
                    generation: before.map_or(0, |before| before.generation).saturating_add(1),
                    running_until: Some(TemplateAccount::lease(began)),
                    counts: before.map(|before| before.counts.clone()).unwrap_or_default(),
                    error: before.and_then(|before| before.error.clone()),
                }))
            },
        );
        match claimed.await {
            Ok((_, after)) => Ok(Claim::Mine(after.map_or(0, |after| after.generation))),
            Err(NoClaim::Is(claim)) => Ok(claim),
            Err(NoClaim::Store(error)) => Err(error),
        }
    }

    /// Says again and again that somebody is at it; returns when another one has taken over, because it took too long to say so.
    async fn renew(&self, tenant: TenantId, waba: &WabaId, generation: u64) {
        loop {
            tokio::time::sleep(RENEWAL).await;
            let until = TemplateAccount::lease(self.clock.now());
            let renewed = self.table::<TemplateAccount>().change::<StoreError>(
                TemplateAccount::at(tenant, waba),
                |before: Option<&TemplateAccount>| {
                    Ok(before.cloned().map(|before| match before.generation {
                        own if own == generation => TemplateAccount {
                            running_until: Some(until),
                            ..before
                        },
                        _ => before,
                    }))
                },
            );
            match renewed.await {
                Ok((_, Some(after))) if after.generation == generation => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::debug!(tenant.id = %tenant, waba.id = %waba, %error, "a look-up of templates is not noted");
                }
            }
        }
    }

    /// Takes over every page, then marks what Meta does not have any more.
    async fn take_over(
        &self,
        tenant: TenantId,
        waba: &WabaId,
        generation: u64,
        token: &BearerToken,
    ) -> Result<BTreeMap<TemplateStatus, u32>, TemplateError> {
        let mut seen: HashSet<TemplateId> = HashSet::new();
        let mut after: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let page = self.graph.templates(waba, after.as_deref(), token).await?;
            for template in &page.templates {
                if let Some(listed) = Listed::read(waba, template) {
                    seen.insert(listed.name.id());
                    self.apply_listed(tenant, &listed, generation).await?;
                }
            }
            match page.after {
                None => return self.settle(tenant, waba, generation, &seen).await,
                Some(next) if after.as_ref() == Some(&next) => {
                    return Err(unreachable("the list goes in circles"));
                }
                next => after = next,
            }
        }
        Err(unreachable("the list has no end"))
    }

    /// Marks those that were not listed, and counts all.
    async fn settle(
        &self,
        tenant: TenantId,
        waba: &WabaId,
        generation: u64,
        seen: &HashSet<TemplateId>,
    ) -> Result<BTreeMap<TemplateStatus, u32>, TemplateError> {
        let mut counts = BTreeMap::new();
        let mut after: Option<Bytes> = None;
        loop {
            let (rows, next) = self.page_of(tenant, waba, after.take()).await?;
            for mut row in rows {
                // One that was made since may not be listed yet.
                let is_gone = !seen.contains(&row.id()) && !row.told.is_since(generation);
                if is_gone && row.status != TemplateStatus::Deleted {
                    self.mark_deleted(tenant, row.id(), generation).await?;
                    row.status = TemplateStatus::Deleted;
                }
                let count: &mut u32 = counts.entry(row.status).or_default();
                *count = count.saturating_add(1);
            }
            after = next;
            if after.is_none() {
                return Ok(counts);
            }
        }
    }

    async fn mark_deleted(
        &self,
        tenant: TenantId,
        id: TemplateId,
        generation: u64,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.change(tenant, id, "sync", |before| {
            let before = before.filter(|before| !before.told.is_since(generation))?;
            Some(Template {
                status: TemplateStatus::Deleted,
                reason: None,
                changed_at: now,
                ..before.clone()
            })
        })
        .await
    }

    /// Says how it ended, unless somebody else has begun another since.
    async fn release(
        &self,
        tenant: TenantId,
        waba: &WabaId,
        generation: u64,
        looked_up: &Result<BTreeMap<TemplateStatus, u32>, TemplateError>,
    ) -> Result<TemplateAccount, StoreError> {
        let changed = self.table::<TemplateAccount>().change::<StoreError>(
            TemplateAccount::at(tenant, waba),
            |before: Option<&TemplateAccount>| {
                let Some(before) = before.filter(|before| before.generation == generation) else {
                    return Ok(before.cloned());
                };
                let mut account = TemplateAccount {
                    running_until: None,
                    ..before.clone()
                };
                match looked_up {
                    Ok(counts) => {
                        account.synced_at = Some(before.began);
                        account.counts.clone_from(counts);
                        account.error = None;
                    }
                    Err(error) => {
                        account.error = Some(error.to_string().chars().take(LONGEST_ERROR).collect());
                    }
                }
                Ok(Some(account))
            },
        );
        self.known.forget_account(tenant, waba);
        let (_, after) = changed.await?;
        after.ok_or_else(|| StoreError::new(StoreErrorKind::Unavailable, "the account's row is gone"))
    }
}

fn unreachable(why: &str) -> TemplateError {
    GraphError::Unreachable(why.to_owned()).into()
}
