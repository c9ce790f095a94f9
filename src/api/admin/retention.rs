//! How long a tenant's messages are kept: showing it, changing it, and what a change would do. For operators, and for the
//! business itself.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::super::audit::Note;
use super::super::auth::AdminCall;
use super::super::error::ApiError;
use super::super::json::Fields;
use super::super::state::ApiState;
use super::tenant_of;
use crate::domain::{Retention, TenantId};
use crate::store::retention::Place;
use crate::store::tables::AuditDetails;
use crate::store::{RetentionJob, Store, Survey, Tenant};

/// Messages of one page of a preview.
const PAGE: usize = 500;
/// Pages that one call looks at: it should end while its caller waits.
const PAGES: usize = 200;

const NOT_BACK: &str = "What ended before cannot be brought back.";
const FOR_GOOD: &str = "What goes cannot be brought back.";

fn note(before: Retention, to: Retention) -> &'static str {
    if to > before { NOT_BACK } else { FOR_GOOD }
}

fn shown(job: &RetentionJob) -> Value {
    json!({
        "from_days": job.before,
        "to_days": job.to,
        "state": job.state(),
        "started": job.started,
        "finished": job.finished,
        "conversations_done": job.conversations,
        "conversations_of": job.of,
        "messages_seen": job.messages,
        "messages_removed": job.removed,
        "messages_moved": job.moved,
        "note": note(job.before, job.to),
    })
}

async fn job_of(store: &dyn Store, tenant: TenantId) -> Result<Option<RetentionJob>, ApiError> {
    let jobs = store.retention_jobs().await?;
    Ok(jobs.into_iter().find(|job| job.tenant == tenant))
}

/// `GET /v1/admin/tenants/{tenant_id}/retention`
pub(in crate::api) async fn show(call: AdminCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let tenant = tenant_of(&call).await?;
    let change = last_change(call.state(), tenant.id).await?;
    Ok(HttpResponse::Ok().json(json!({ "retention_days": tenant.retention, "change": change })))
}

/// The last change of a tenant's retention, as it is shown.
pub(in crate::api) async fn last_change(
    state: &ApiState,
    tenant: TenantId,
) -> Result<Option<Value>, ApiError> {
    let job = job_of(state.store.as_ref(), tenant).await?;
    Ok(job.as_ref().map(shown))
}

/// `PUT /v1/admin/tenants/{tenant_id}/retention`. Asked again for the same, it shows the change that there is.
pub(in crate::api) async fn change(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let tenant = tenant_of(&call).await?;
    change_of(call.state(), tenant.id, call.body(), &call.note()).await
}

/// Changes how long a tenant's messages are kept, by what a body says.
pub(in crate::api) async fn change_of(
    state: &ApiState,
    id: TenantId,
    body: &[u8],
    note: &Note<'_>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(body)?;
    let days = fields.required::<Retention>("days")?;
    fields.finish()?;
    // The whole row is replaced: nobody else changes it meanwhile.
    state
        .alone_with_row(id, async || change_row(state, id, days, note).await)
        .await
}

async fn change_row(
    state: &ApiState,
    id: TenantId,
    days: Retention,
    note: &Note<'_>,
) -> Result<HttpResponse, ApiError> {
    let tenant = state.tenant(id).await?;
    let last = job_of(state.store.as_ref(), tenant.id).await?;
    if let Some(last) = last.filter(|last| last.to == days && tenant.retention == days) {
        return Ok(HttpResponse::Ok().json(json!({ "retention_days": days, "change": shown(&last) })));
    }
    note.details(AuditDetails {
        days: Some(days.get()),
        days_before: Some(tenant.retention.get()),
        ..AuditDetails::default()
    });
    let job = RetentionJob::new(tenant.id, tenant.retention, days, state.clock.now());
    let changed = Tenant {
        retention: days,
        ..tenant.clone()
    };
    // First for what is written from now on, so that the job meets nothing that is written by the old value.
    let begun = match state.tenants.tenant_changed(changed.clone()).await {
        Ok(()) => state
            .store
            .begin_retention(changed, job.clone())
            .await
            .map_err(ApiError::from),
        Err(refusal) => Err(refusal.into()),
    };
    if let Err(error) = begun {
        // Should it have begun all the same, whoever carries it out sets the new value again.
        state.tenants.tenant_changed(tenant).await.ok();
        return Err(error);
    }
    tracing::info!(tenant.id = %job.tenant, from = job.before.get(), to = days.get(), "retention changes");
    Ok(HttpResponse::Accepted().json(json!({ "retention_days": days, "change": shown(&job) })))
}

/// `POST /v1/admin/tenants/{tenant_id}/retention/preview`. Changes nothing.
pub(in crate::api) async fn preview(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let tenant = tenant_of(&call).await?;
    preview_of(call.state(), &tenant, call.body()).await
}

/// What a change of a tenant's retention would do, by what a body says.
pub(in crate::api) async fn preview_of(
    state: &ApiState,
    tenant: &Tenant,
    body: &[u8],
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(body)?;
    let days = fields.required::<Retention>("days")?;
    let cursor = fields.optional::<String>("cursor")?;
    fields.finish()?;
    let after = cursor.map(|cursor| cursor.parse::<Place>()).transpose();
    let after = after.map_err(|_malformed| ApiError::invalid("`cursor` must be a `next_cursor`"))?;
    let now = state.clock.now();
    let mut survey = Survey {
        next: after,
        ..Survey::default()
    };
    for _ in 0..PAGES {
        let page = state
            .store
            .survey_retention(tenant.id, days, survey.next, PAGE, now)
            .await?;
        survey = survey.and(page);
        if survey.next.is_none() {
            break;
        }
    }
    let mut answer = json!({ "from_days": tenant.retention, "to_days": days });
    if let (Some(answer), Value::Object(socket_permit)) = (answer.as_object_mut(), json!(survey)) {
        answer.extend(socket_permit);
        answer.insert("note".to_owned(), note(tenant.retention, days).into());
        let next = survey.next.map(|place| place.to_string());
        answer.insert("next_cursor".to_owned(), next.into());
    }
    Ok(HttpResponse::Ok().json(answer))
}
