//! What is kept of a user, and the end of an account: by the user, or by an operator for whom the user asks.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, SET_COOKIE};
use actix_web::web::Data;
use serde_json::{Value, json};

use super::audit::event;
use super::auth::{AdminCall, SessionCall, set_cookie};
use super::error::ApiError;
use super::json::Fields;
use super::proof::Shown;
use super::state::{ApiState, to_its_end};
use crate::accounts::AccountError;
use crate::accounts::audit::AuditEvent;
use crate::domain::email::EmailAddress;
use crate::domain::{AuditAction, TenantId, UserId};
use crate::store::tables::{AuditActor, AuditScope, AuditTarget, AuditTargetKind};

fn exported(export: &Value) -> HttpResponse {
    let attachment = "attachment; filename=\"mesej-account.json\"";
    HttpResponse::Ok()
        .insert_header((CONTENT_DISPOSITION, attachment))
        .json(export)
}

/// Erases an account. Its teams are told first, but for one that was: afterwards nobody knows them.
async fn erased(
    state: Data<ApiState>,
    user: UserId,
    event: AuditEvent,
    told: Option<TenantId>,
) -> Result<(), ApiError> {
    let event = AuditEvent {
        target: AuditTarget::of(AuditTargetKind::User, &user.to_string()),
        ..event
    };
    for (team, _) in state.accounts.tenants_of(user).await? {
        if Some(team) != told {
            let scope = AuditScope::Tenant(team);
            state.audit.record(scope, event.clone()).await?;
        }
    }
    let erasing = async move {
        let erased = state.accounts.erase_user(user).await;
        // Sessions are over as soon as it began.
        state.keys.forget_user(user);
        erased?;
        tracing::info!(user.id = %user, "an account was erased");
        Ok(())
    };
    to_its_end(erasing).await
}

/// `GET /v1/profile/export`: everything that is kept of the user.
pub(super) async fn export(call: SessionCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let (state, who) = (call.state(), call.own_data()?);
    who.demand_fresh(state.clock.now())?;
    Ok(exported(&state.accounts.export_own(who.user).await?))
}

/// `DELETE /v1/profile`: erases the account.
pub(super) async fn erase(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let (state, who) = (call.state(), call.own_data()?);
    if who.is_provisioned {
        fields.finish()?;
        who.demand_fresh(state.clock.now())?;
    } else {
        let shown = Shown::required(&mut fields)?;
        fields.finish()?;
        // First: a code is used up by being looked at.
        state.accounts.demand_other_owners(who.user).await?;
        shown.demand(&call).await?;
    }
    let (by, told) = (AuditActor::User(who.user), who.tenant.map(|(tenant, _)| tenant));
    let event = event(state, call.request(), by, AuditAction::AccountErased);
    erased(call.shared_state(), who.user, event, told).await?;
    let gone = (SET_COOKIE, set_cookie("", Duration::ZERO));
    Ok(HttpResponse::Ok().insert_header(gone).json(json!({})))
}

/// The user whose address an operator names, or whose id: nobody finds an account by its address that a provider made.
async fn named(call: &AdminCall) -> Result<UserId, ApiError> {
    let mut fields = Fields::read(call.body())?;
    if let Some(user) = fields.optional::<UserId>("user_id")? {
        fields.finish()?;
        let known = call.state().accounts.name_of(user).await?;
        known.ok_or_else(|| ApiError::absent("nobody has this id"))?;
        return Ok(user);
    }
    let email = fields.required::<EmailAddress>("email")?;
    fields.finish()?;
    let found = call.state().accounts.user_with(&email).await;
    found.map_err(|error| match error {
        AccountError::NoSuchMember => ApiError::absent("nobody has an account with this e-mail address"),
        other => other.into(),
    })
}

/// `POST /v1/admin/users/export`
pub(super) async fn export_for(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let user = named(&call).await?;
    let by = call.operator().id();
    tracing::info!(user.id = %user, by, "what is kept of a user was exported");
    call.note().target(AuditTargetKind::User, &user.to_string());
    Ok(exported(&call.state().accounts.export_user(user).await?))
}

/// `POST /v1/admin/users/erase`
pub(super) async fn erase_for(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let user = named(&call).await?;
    let by = call.operator().id();
    tracing::info!(user.id = %user, by, "an account is to be erased");
    call.note().target(AuditTargetKind::User, &user.to_string());
    let actor = AuditActor::Operator(by.to_owned());
    let event = event(call.state(), call.request(), actor, AuditAction::AccountErased);
    erased(call.shared_state(), user, event, None).await?;
    Ok(HttpResponse::Ok().json(json!({ "user_id": user })))
}
