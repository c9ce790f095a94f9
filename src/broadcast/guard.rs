//! When a broadcast stops by itself: what stands in rows against its going on. Whatever is known of it is durable before it is looked at
//! here, so that a kill between the news and the pause forgets neither.
//!
//! A person who has it go on knows what Meta said before: that pauses it no more, except a template that Meta does not send.

use super::Broadcasts;
use super::waits::Ended;
use crate::config::BroadcastsConfig;
use crate::domain::{
    BadResult, BroadcastProblem, BroadcastTally, PhoneNumberId, TemplateName, TemplateStatus, TenantId,
    Timestamp, WabaId,
};
use crate::store::StoreError;
use crate::store::tables::{Broadcast, BroadcastPause, NumberStanding, NumberWarning, PauseCount, Template};

/// A rating with which Meta may restrict next.
const RED: &str = "RED";

/// Why a broadcast is to stand still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PauseCause {
    pub(super) problem: BroadcastProblem,
    pub(super) said: Option<String>,
    pub(super) counted: Option<PauseCount>,
}

impl From<BroadcastProblem> for PauseCause {
    fn from(problem: BroadcastProblem) -> Self {
        Self {
            problem,
            said: None,
            counted: None,
        }
    }
}

impl PauseCause {
    fn said(problem: BroadcastProblem, said: impl Into<String>) -> Self {
        Self {
            said: Some(said.into()),
            ..Self::from(problem)
        }
    }

    /// What the row says of it.
    pub(super) fn noted(&self, now: Timestamp) -> BroadcastPause {
        BroadcastPause {
            at: now,
            said: self.said.clone(),
            counted: self.counted,
            is_recorded: false,
        }
    }
}

impl From<PauseCause> for Ended {
    fn from(cause: PauseCause) -> Self {
        Self::Held(Box::new(cause))
    }
}

/// The problem of a template that Meta does not send.
const fn of_status(status: &TemplateStatus) -> BroadcastProblem {
    match status {
        TemplateStatus::Paused => BroadcastProblem::TemplatePaused,
        TemplateStatus::Disabled => BroadcastProblem::TemplateDisabled,
        TemplateStatus::Rejected => BroadcastProblem::TemplateRejected,
        TemplateStatus::PendingDeletion | TemplateStatus::Deleted => BroadcastProblem::TemplateUnknown,
        TemplateStatus::Approved
        | TemplateStatus::Pending
        | TemplateStatus::InAppeal
        | TemplateStatus::LimitExceeded
        | TemplateStatus::Archived
        | TemplateStatus::Other(_) => BroadcastProblem::TemplateNotSendable,
    }
}

/// What is wrong with a template, for somebody who knows what was so at a time.
fn of_template(template: &Template, known: Option<Timestamp>) -> Option<PauseCause> {
    if template.status.is_refused() {
        let status = template.status.as_str();
        let said = match &template.reason {
            Some(reason) => format!("{status}: {reason}"),
            None => status.to_owned(),
        };
        return Some(PauseCause::said(of_status(&template.status), said));
    }
    let is_new = known.is_none_or(|known| template.changed_at > known);
    (template.quality == RED && is_new).then(|| PauseCause::said(BroadcastProblem::TemplateQuality, RED))
}

/// What is wrong with a number or its account, for somebody who knows what was so at a time.
fn of_number(number: &NumberStanding, known: Option<Timestamp>, now: Timestamp) -> Option<PauseCause> {
    let is_new = |since: Timestamp| known.is_none_or(|known| since > known);
    let holds = |warning: &&NumberWarning| warning.holds(now) && is_new(warning.since);
    if let Some(restricted) = number.restricted.as_ref().filter(holds) {
        return Some(PauseCause::said(
            BroadcastProblem::AccountRestricted,
            restricted.said.clone(),
        ));
    }
    if let Some(flagged) = number.flagged.as_ref().filter(holds) {
        return Some(PauseCause::said(
            BroadcastProblem::NumberQuality,
            flagged.said.clone(),
        ));
    }
    // Nobody knows since when a row of an older version says so: a person who went on saw it. What a webhook warned of, Meta says again
    // when it is asked.
    let told = number.quality_since.unwrap_or_default();
    let flagged = number.flagged.as_ref().filter(|warning| warning.holds(now));
    let since = flagged.map_or(told, |warning| warning.since.min(told));
    let is_red = number.quality.as_deref() == Some(RED) && is_new(since);
    is_red.then(|| PauseCause::said(BroadcastProblem::NumberQuality, RED))
}

/// What is wrong with the last results.
pub(super) fn of_results(
    tally: &BroadcastTally,
    settings: &BroadcastsConfig,
    now: Timestamp,
) -> Option<PauseCause> {
    let share = tally.recent.within(settings.window, now);
    let counted = |bad: BadResult, percent| PauseCount {
        bad: share.of(bad),
        results: share.results,
        percent,
        within_s: settings.window.as_secs(),
    };
    let pause = |problem: BroadcastProblem, bad, percent| PauseCause {
        counted: Some(counted(bad, percent)),
        ..PauseCause::from(problem)
    };
    if share.of(BadResult::TemplateRefused) > 0 {
        return Some(pause(
            BroadcastProblem::TemplateRefused,
            BadResult::TemplateRefused,
            0,
        ));
    }
    if share.results < settings.at_least {
        return None;
    }
    [
        (BroadcastProblem::FailureSpike, BadResult::Failed),
        (BroadcastProblem::OptOutSpike, BadResult::OptedOut),
        (BroadcastProblem::UnreachableSpike, BadResult::Unreachable),
    ]
    .into_iter()
    .find_map(|(problem, bad)| {
        let percent = settings.percent(bad)?;
        let is_spike = u64::from(share.of(bad)) * 100 >= u64::from(percent) * u64::from(share.results);
        is_spike.then(|| pause(problem, bad, percent))
    })
}

impl Broadcasts {
    /// What Meta says against a broadcast's going on.
    pub(super) async fn obstacle(
        &self,
        tenant: TenantId,
        row: &Broadcast,
        (number, waba): (&PhoneNumberId, &WabaId),
    ) -> Result<Option<PauseCause>, StoreError> {
        let template = self.its_template(tenant, row, waba).await?;
        let known = row.resumed_at;
        let of_template = match template {
            Some(template) => of_template(&template, known),
            None if self.was_looked_up(tenant, waba).await? => Some(BroadcastProblem::TemplateUnknown.into()),
            None => None,
        };
        if of_template.is_some() {
            return Ok(of_template);
        }
        let standing = self.table::<NumberStanding>();
        let standing = standing.get(&NumberStanding::at(tenant, number)).await?;
        Ok(standing.and_then(|found| of_number(&found.row, known, self.clock.now())))
    }

    /// The template of a broadcast, as the number's account has it.
    pub(super) async fn its_template(
        &self,
        tenant: TenantId,
        row: &Broadcast,
        waba: &WabaId,
    ) -> Result<Option<Template>, StoreError> {
        let template = &row.template;
        let name = TemplateName::new(waba.clone(), template.name.as_str(), &template.language);
        self.templates.get(tenant, name.id()).await
    }

    pub(super) async fn was_looked_up(&self, tenant: TenantId, waba: &WabaId) -> Result<bool, StoreError> {
        let account = self.templates.account(tenant, waba).await?;
        Ok(account.is_some_and(|account| account.synced_at.is_some()))
    }
}

#[cfg(test)]
mod tests;
