//! Recording what a call is about to do, and what became of it.
//!
//! The entry is written where the caller is let in, before the handler begins: no change is without its entry. A second one follows
//! when the call was refused, or when the handler made something that had no id before.

use std::time::Duration;

use actix_web::{HttpMessage as _, HttpRequest};

use super::super::client_address::client_address;
use super::super::error::{ApiError, ErrorCode};
use super::super::meter::RouteMeter;
use super::super::state::ApiState;
use super::asked::asked;
use super::trail::{Trail, trail};
use crate::accounts::audit::{AuditError, AuditEvent};
use crate::domain::roles::Right;
use crate::domain::{AuditAction, UserId};
use crate::store::tables::{AuditActor, AuditDetails, AuditScope, AuditTarget, AuditTargetKind, EntryPlace};

/// Who is let in, and whose log it concerns.
#[derive(Debug, Clone)]
pub(in crate::api) struct LetIn {
    /// Who.
    pub(in crate::api) actor: AuditActor,
    /// Whose log.
    pub(in crate::api) scope: AuditScope,
}

/// What was recorded and is not answered yet.
struct Pending {
    entries: Vec<(AuditScope, EntryPlace)>,
    event: AuditEvent,
    /// What was not known before.
    found: Option<Found>,
}

#[derive(Default)]
struct Found {
    target: Option<AuditTarget>,
    details: AuditDetails,
}

impl From<AuditError> for ApiError {
    fn from(error: AuditError) -> Self {
        let why = match error {
            AuditError::Busy | AuditError::Late => {
                "the audit log is busy, and nothing is done without its entry"
            }
            AuditError::Store(_) => "the audit log cannot be written, and nothing is done without its entry",
        };
        Self::because(ErrorCode::Unavailable, why).retry_after(Duration::from_secs(5))
    }
}

/// Whether a call leaves an entry as soon as its caller is let in.
pub(in crate::api) fn is_recorded(request: &HttpRequest) -> bool {
    matches!(trail_of(request), Some(Trail::Entry(_) | Trail::Named(..)))
}

fn trail_of(request: &HttpRequest) -> Option<Trail> {
    let meter = request.app_data::<RouteMeter>()?;
    trail(meter.route(), request.method())
}

/// The right without which somebody who is signed in makes no such call. Whoever lacks it is refused before an entry is written: nobody
/// fills a log, or takes the places of others' entries, with what they may not do.
pub(in crate::api) fn needs(request: &HttpRequest, user: UserId) -> Option<Right> {
    match trail_of(request)? {
        // Whoever leaves needs no right.
        Trail::Named(AuditAction::MemberRemoved, _, part) => {
            let is_own = request.match_info().get(part) == Some(user.to_string().as_str());
            (!is_own).then_some(Right::ManageTeam)
        }
        Trail::Entry(action) | Trail::Named(action, ..) => action.needs(),
        Trail::Nothing | Trail::InLedger | Trail::ByHandler(_) | Trail::SignIn => None,
    }
}

/// Records what a call is about to do, where its route says so.
pub(in crate::api) async fn begin(
    state: &ApiState,
    request: &HttpRequest,
    who: LetIn,
    body: &[u8],
) -> Result<(), ApiError> {
    let (action, named) = match trail_of(request) {
        Some(Trail::Entry(action)) => (action, None),
        Some(Trail::Named(action, kind, part)) => {
            let id = request.match_info().get(part).unwrap_or_default();
            (action, AuditTarget::of(kind, id))
        }
        Some(Trail::Nothing | Trail::InLedger | Trail::ByHandler(_) | Trail::SignIn) | None => return Ok(()),
    };
    let (details, meant) = asked(action, body);
    let event = AuditEvent {
        target: named.or(meant),
        details,
        ..event(state, request, who.actor, action)
    };
    record(state, request, &[who.scope], event).await
}

/// An event of a call's, without a target and details.
pub(in crate::api) fn event(
    state: &ApiState,
    request: &HttpRequest,
    actor: AuditActor,
    action: AuditAction,
) -> AuditEvent {
    AuditEvent {
        actor,
        action,
        target: None,
        address: client_address(request, &state.config.server.trusted_proxies),
        details: AuditDetails::default(),
    }
}

/// Records an event in these logs. What becomes of the call is recorded there, too.
pub(in crate::api) async fn record(
    state: &ApiState,
    request: &HttpRequest,
    scopes: &[AuditScope],
    event: AuditEvent,
) -> Result<(), ApiError> {
    let mut entries = Vec::with_capacity(scopes.len());
    for scope in scopes {
        entries.push((*scope, state.audit.record(*scope, event.clone()).await?));
    }
    request.extensions_mut().insert(Pending {
        entries,
        event,
        found: None,
    });
    Ok(())
}

/// What a handler found out, for the entry that follows its call's.
pub(in crate::api) struct Note<'a>(pub(in crate::api) &'a HttpRequest);

impl Note<'_> {
    /// What was made, or was meant.
    pub(in crate::api) fn target(&self, kind: AuditTargetKind, id: &str) {
        self.add(|found| found.target = AuditTarget::of(kind, id));
    }

    /// What was before, or what was done.
    pub(in crate::api) fn details(&self, details: AuditDetails) {
        self.add(|found| found.details = details);
    }

    fn add(&self, add: impl FnOnce(&mut Found)) {
        if let Some(pending) = self.0.extensions_mut().get_mut::<Pending>() {
            add(pending.found.get_or_insert_default());
        }
    }
}

/// Whether a call that ends with this code may have been done all the same, in part or whole: the store did not answer in time, or
/// something broke behind a write. A file that has no room is refused before it is kept.
const fn may_be_done(code: ErrorCode) -> bool {
    code.status() >= 500 && !matches!(code, ErrorCode::StorageFull)
}

/// Records what became of a call, where that says more than its first entry did. Its answer stands whatever becomes of this.
pub(in crate::api) async fn end(state: &ApiState, request: &HttpRequest, failed: Option<ErrorCode>) {
    let pending = request.extensions_mut().remove::<Pending>();
    let Some(pending) = pending.filter(|pending| pending.found.is_some() || failed.is_some()) else {
        return;
    };
    // On the heap: each connection has room for what its answers wait for, also those of webhooks and sockets, which leave no entry.
    Box::pin(follow(state, pending, failed)).await;
}

async fn follow(state: &ApiState, pending: Pending, failed: Option<ErrorCode>) {
    let Pending {
        entries,
        event,
        found,
    } = pending;
    let Found { target, details } = found.unwrap_or_default();
    let code = |wanted: fn(ErrorCode) -> bool| {
        let code = failed.filter(|code| wanted(*code));
        code.map(|code| code.as_str().to_owned())
    };
    let (refused, unknown) = (code(|code| !may_be_done(code)), code(may_be_done));
    for (scope, place) in entries {
        let more = AuditEvent {
            target: target.clone().or_else(|| event.target.clone()),
            details: AuditDetails {
                of: Some(place),
                refused: refused.clone(),
                unknown: unknown.clone(),
                ..details.clone()
            },
            ..event.clone()
        };
        // Counted and logged where it fails.
        state.audit.record(scope, more).await.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_certainly_not_done_is_called_refused() {
        for code in ErrorCode::ALL {
            let is_certain = !matches!(
                code,
                ErrorCode::Internal
                    | ErrorCode::MetaFailed
                    | ErrorCode::Busy
                    | ErrorCode::Unavailable
                    | ErrorCode::Uncertain
            );
            assert_eq!(may_be_done(*code), !is_certain, "{code:?}");
        }
    }
}
