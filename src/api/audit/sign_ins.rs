//! Sign-ins in the logs of the tenants that they concern: written behind the answer, so that its time tells nobody whether there is
//! such an account, and at the pace of the throttle at most. They go through the writer that a user's own list goes through, for which
//! an orderly stop waits, and wait in the log apart from changes.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::super::state::ApiState;
use crate::accounts::audit::AuditEvent;
use crate::accounts::{Accounts, SignedIn};
use crate::domain::email::EmailAddress;
use crate::domain::{AuditAction, TenantId, UserId};
use crate::store::tables::{AuditActor, AuditDetails, AuditScope, AuditTarget, AuditTargetKind};
use crate::telemetry::labels::AuditOutcome;
use crate::telemetry::metrics;

/// How long that may take.
const DEADLINE: Duration = Duration::from_secs(15);

/// Whose logs an event belongs into.
pub(in crate::api) enum Concerned {
    /// One tenant's.
    Tenant(TenantId),
    /// Those of all teams that a user is in.
    TeamsOf(UserId),
    /// The same for whoever has an address, if anybody has.
    TeamsAt(EmailAddress),
}

/// Somebody signed in for a tenant.
pub(in crate::api) fn signed_in(state: &ApiState, who: &SignedIn, address: Option<IpAddr>) {
    if let Some((tenant, _)) = who.tenant {
        let event = AuditEvent {
            actor: AuditActor::User(who.user),
            action: AuditAction::SignedIn,
            target: AuditTarget::of(AuditTargetKind::Session, &who.session),
            address,
            details: AuditDetails::default(),
        };
        behind(state, Concerned::Tenant(tenant), event);
    }
}

/// Somebody tried a wrong password, or a wrong code.
pub(in crate::api) fn failed(state: &ApiState, email: EmailAddress, address: Option<IpAddr>) {
    let event = AuditEvent {
        actor: AuditActor::Nobody,
        action: AuditAction::SignInFailed,
        target: None,
        address,
        details: AuditDetails::default(),
    };
    behind(state, Concerned::TeamsAt(email), event);
}

/// Records something behind the answer. Without a target it is about the user whose teams are concerned.
pub(in crate::api) fn behind(state: &ApiState, concerned: Concerned, event: AuditEvent) {
    let (accounts, audit) = (Arc::clone(&state.accounts), Arc::clone(&state.audit));
    let recording = async move {
        let recorded = async {
            let Ok((user, tenants)) = teams(&accounts, concerned).await else {
                return metrics::audit_entries_total(AuditOutcome::Dropped).increment(1);
            };
            let user = user.and_then(|user| AuditTarget::of(AuditTargetKind::User, &user.to_string()));
            let event = AuditEvent {
                target: event.target.clone().or(user),
                ..event
            };
            for tenant in tenants {
                // Counted and logged where it fails.
                let scope = AuditScope::Tenant(tenant);
                audit.record_behind(scope, event.clone()).await.ok();
            }
        };
        if timeout(DEADLINE, recorded).await.is_err() {
            metrics::audit_entries_total(AuditOutcome::Dropped).increment(1);
        }
    };
    if state.accounts.background().begin(recording).is_err() {
        metrics::audit_entries_total(AuditOutcome::Dropped).increment(1);
    }
}

async fn teams(
    accounts: &Accounts,
    concerned: Concerned,
) -> Result<(Option<UserId>, Vec<TenantId>), crate::accounts::AccountError> {
    let user = match concerned {
        Concerned::Tenant(tenant) => return Ok((None, vec![tenant])),
        Concerned::TeamsOf(user) => Some(user),
        Concerned::TeamsAt(email) => accounts.user_at(&email).await?,
    };
    let teams = match user {
        Some(user) => accounts.tenants_of(user).await?,
        None => Vec::new(),
    };
    Ok((user, teams.into_iter().map(|(tenant, _)| tenant).collect()))
}
