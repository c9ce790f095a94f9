//! What a business pays for: its state with the links to the payment provider, and setting it by hand.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::admin::tenant_of;
use super::auth::{AdminCall, SessionCall};
use super::error::ApiError;
use super::json::Fields;
use super::state::ApiState;
use crate::config::LinkTemplate;
use crate::domain::email::EmailAddress;
use crate::domain::roles::Right;
use crate::domain::subscription::{PlanName, Standing, SubscriptionState};
use crate::domain::{TenantId, Timestamp};
use crate::store::tables::SetByHand;

fn shown(state: &ApiState, tenant: TenantId, standing: &Standing, email: Option<&EmailAddress>) -> Value {
    let settings = &state.config.payments;
    // Only with a provider is there a reference.
    let reference = state.subscriptions.checkout_reference(tenant);
    let link = |link: &LinkTemplate| link.filled(tenant, reference.as_ref()?, email);
    json!({
        "state": standing.state,
        "plan": standing.plan,
        "trial_ends": standing.trial_ends,
        "paid_until": standing.paid_until,
        "checkout_url": link(&settings.checkout_url),
        "portal_url": link(&settings.portal_url),
    })
}

/// What everybody in the team is told; nothing where there is no provider.
pub(super) async fn banner(state: &ApiState, tenant: TenantId) -> Result<Option<Value>, ApiError> {
    if !state.config.payments.has_provider() {
        return Ok(None);
    }
    let standing = state.subscriptions.standing(tenant).await?;
    Ok(Some(json!({
        "state": standing.state,
        "trial_ends": standing.trial_ends,
        "paid_until": standing.paid_until,
    })))
}

/// `GET /v1/subscription`
pub(super) async fn show(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let tenant = call.demand(Right::ManageBusiness)?;
    call.params()?.finish()?;
    let state = call.state();
    let standing = state.subscriptions.standing(tenant).await?;
    Ok(HttpResponse::Ok().json(shown(state, tenant, &standing, Some(&call.who().email))))
}

async fn shown_to_operator(state: &ApiState, tenant: TenantId) -> Result<HttpResponse, ApiError> {
    let row = state.subscriptions.row(tenant).await?;
    let is_by_hand = row.is_some_and(|row| row.by_hand.is_some());
    let standing = state.subscriptions.standing(tenant).await?;
    let mut answer = shown(state, tenant, &standing, None);
    if let Some(answer) = answer.as_object_mut() {
        let by = if is_by_hand { "operator" } else { "provider" };
        answer.insert("set_by".to_owned(), by.into());
        answer.insert("refused_from".to_owned(), json!(standing.refused_from));
    }
    Ok(HttpResponse::Ok().json(answer))
}

/// `GET /v1/admin/tenants/{tenant_id}/subscription`
pub(super) async fn show_of(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let tenant = tenant_of(&call).await?.id;
    call.params()?.finish()?;
    shown_to_operator(call.state(), tenant).await
}

/// `PUT /v1/admin/tenants/{tenant_id}/subscription`: by hand; null has the provider say it again.
pub(super) async fn change(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let (state, tenant) = (call.state(), tenant_of(&call).await?.id);
    let mut fields = Fields::read(call.body())?;
    if fields.peek("state").is_none() {
        return Err(ApiError::invalid(
            "`state` is missing: a state, or null for what the provider says",
        ));
    }
    let wanted = fields.optional::<SubscriptionState>("state")?;
    let plan = fields.optional::<PlanName>("plan")?;
    let until = fields.optional::<Timestamp>("until")?;
    fields.finish()?;
    if let Some(plan) = plan.as_ref().filter(|plan| !state.config.plans.has(plan)) {
        let why = format!(
            "`plan` must be one of the settings' plans, which {:?} is not",
            plan.as_str()
        );
        return Err(ApiError::invalid(why));
    }
    if wanted.is_none() && (plan.is_some() || until.is_some()) {
        return Err(ApiError::invalid("`plan` and `until` go with a `state`"));
    }
    let by_hand = wanted.map(|wanted| SetByHand {
        state: wanted,
        plan,
        until,
        since: state.clock.now(),
    });
    state.subscriptions.set(tenant, by_hand).await?;
    state.quotas.renew(tenant);
    state.keys.forget_tenant(tenant);
    let by = call.operator().id();
    tracing::info!(tenant.id = %tenant, by, "the subscription of a tenant was set");
    shown_to_operator(state, tenant).await
}
