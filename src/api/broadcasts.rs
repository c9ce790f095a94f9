//! Broadcasts: a template to many. What is done about them is `crate::broadcast`.

mod dry_run;
mod results;
mod shown;

use actix_web::HttpResponse;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::{Call, CanBroadcast, CanSeeBroadcasts, Need, StreamCall};
use super::error::ApiError;
use super::json::Fields;
use super::name::Name;
use super::state::to_its_end;
use crate::broadcast::{BroadcastError, BroughtRecipients, Definition, Launch};
use crate::bulk::imports::ImportError;
use crate::bulk::phones::Country;
use crate::domain::{BroadcastId, LocalTime, SendRate, SendingHours, Timestamp};
use crate::store::tables::{
    Broadcast, BroadcastAudience, BroadcastExclusions, BroadcastState, BroadcastTemplate,
};

pub(super) use dry_run::dry_run;
pub(super) use results::{export, recipients};
use shown::{Standing, listed, shown};

/// Broadcasts of one page.
const PAGE: usize = 50;
const MOST: usize = 200;
/// Counts that are read at once.
const AT_ONCE: usize = 16;

/// The broadcast that the path names.
fn named<N: Need>(call: &Call<N>) -> Result<BroadcastId, ApiError> {
    let id = call.path("broadcast_id");
    id.map_err(|_malformed| BroadcastError::NotFound.into())
}

/// One that the caller may see.
async fn seen<N: Need>(call: &Call<N>) -> Result<Broadcast, ApiError> {
    let id = named(call)?;
    let row = call.state().broadcasts.get(call.tenant(), id).await?;
    if may_see(call, &row) {
        Ok(row)
    } else {
        Err(BroadcastError::NotFound.into())
    }
}

/// Whoever is limited to numbers sees what goes out from these. Nobody sees what was deleted.
fn may_see<N: Need>(call: &Call<N>, row: &Broadcast) -> bool {
    row.state != BroadcastState::Removing && row.numbers.iter().all(|number| call.limit().admits(number))
}

/// One with all that is told of it.
async fn told<N: Need>(call: &Call<N>, row: &Broadcast) -> Result<Value, ApiError> {
    let (state, tenant) = (call.state(), call.tenant());
    let now = state.clock.now();
    let id = row.broadcast_id;
    let tally = match row.launched_at {
        Some(_) => state.store.broadcast_tally(tenant, id, now).await?,
        None => None,
    };
    let cost = match (&row.plan, &tally) {
        (Some(plan), Some(tally)) => Some(state.broadcasts.cost(tenant, row, (plan, &tally.counts)).await?),
        _ => None,
    };
    let lane = match row.number().filter(|_| row.state.is_worked_at()) {
        Some(number) => state.tenants.lanes(tenant).await?.remove(number),
        None => None,
    };
    let standing = Standing {
        progress: state.broadcasts.progress(tenant, id).await?,
        tally,
        cost,
        lane,
        now,
    };
    Ok(shown(row, &standing))
}

async fn answer<N: Need>(
    call: &Call<N>,
    mut answer: actix_web::HttpResponseBuilder,
    row: &Broadcast,
) -> Result<HttpResponse, ApiError> {
    Ok(answer.json(json!({ "broadcast": told(call, row).await? })))
}

/// The template, its language as in a message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    name: String,
    language: Language,
    #[serde(default)]
    components: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Language {
    code: String,
}

fn definition(fields: &mut Fields) -> Result<Definition, ApiError> {
    let name = fields.required::<Name<100>>("name")?;
    let template = fields.optional::<Template>("template")?;
    let template = template.map(|template| BroadcastTemplate {
        name: template.name,
        language: template.language.code,
        components: template.components,
    });
    Ok(Definition {
        name: name.into_text(),
        template: template.unwrap_or(BroadcastTemplate::missing()),
        numbers: fields.required("numbers")?,
        audience: fields.required::<BroadcastAudience>("audience")?,
        exclude: fields
            .optional::<BroadcastExclusions>("exclude")?
            .unwrap_or_default(),
        rate: fields.optional::<SendRate>("rate")?,
        at: fields.optional::<Timestamp>("at")?,
        not_after: fields.optional::<Timestamp>("not_after")?,
        hours: fields.optional::<SendingHours>("hours")?,
        at_local: fields.optional::<LocalTime>("at_local")?,
        not_after_local: fields.optional::<LocalTime>("not_after_local")?,
    })
}

/// An id for a new one: the newest is first in the order of ids.
fn fresh<N: Need>(call: &Call<N>) -> Result<BroadcastId, ApiError> {
    let state = call.state();
    let mut id: [u8; 16] = state.fresh()?;
    let age = u64::MAX - u64::try_from(state.clock.for_ids().as_millis()).unwrap_or(0);
    for (slot, byte) in id.iter_mut().zip(age.to_be_bytes().into_iter().skip(2)) {
        *slot = byte;
    }
    Ok(BroadcastId::from_bytes(id))
}

/// `POST /v1/broadcasts`
pub(super) async fn make(call: Call<CanBroadcast>) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let definition = definition(&mut fields)?;
    fields.finish()?;
    if matches!(definition.audience, BroadcastAudience::Retry { .. }) {
        let why = "`audience`: `retry` is made by `POST /v1/broadcasts/{broadcast_id}/retry` alone";
        return Err(BroadcastError::Invalid(why.to_owned()).into());
    }
    let id = fresh(&call)?;
    let (tenant, by) = (call.tenant(), call.author());
    let state = call.shared_state();
    let made = async move { Ok(state.broadcasts.create(tenant, id, (definition, by)).await?) };
    let row = to_its_end(made).await?;
    answer(&call, HttpResponse::Created(), &row).await
}

/// `GET /v1/broadcasts`: newest first.
pub(super) async fn list(call: Call<CanSeeBroadcasts>) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let limit = params.limit(PAGE, MOST)?;
    let after = params.take::<BroadcastId>("cursor", "a `next_cursor` of this list")?;
    params.finish()?;
    let page = call.state().broadcasts.list(call.tenant(), after, limit).await?;
    let last = page.items.last().filter(|_| page.more);
    let next_cursor = last.map(|row| row.broadcast_id);
    let rows = page.items.iter().filter(|row| may_see(&call, row));
    let (state, now) = (call.state(), call.state().clock.now());
    let counted = rows.map(async |row| {
        let tally = match row.launched_at {
            Some(_) => {
                state
                    .store
                    .broadcast_tally(call.tenant(), row.broadcast_id, now)
                    .await?
            }
            None => None,
        };
        Ok::<_, ApiError>(listed(row, tally.as_ref()))
    });
    let broadcasts: Vec<Value> = stream::iter(counted).buffered(AT_ONCE).try_collect().await?;
    Ok(HttpResponse::Ok().json(json!({ "broadcasts": broadcasts, "next_cursor": next_cursor })))
}

/// `GET /v1/broadcasts/{broadcast_id}`
pub(super) async fn show(call: Call<CanSeeBroadcasts>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let row = seen(&call).await?;
    answer(&call, HttpResponse::Ok(), &row).await
}

/// `PUT /v1/broadcasts/{broadcast_id}`
pub(super) async fn change(call: Call<CanBroadcast>) -> Result<HttpResponse, ApiError> {
    let id = named(&call)?;
    let mut fields = Fields::read(call.body())?;
    let version = fields.required::<u64>("version")?;
    let definition = definition(&mut fields)?;
    fields.finish()?;
    let (state, tenant, by) = (call.shared_state(), call.tenant(), call.author());
    let changed = async move {
        let broadcasts = &state.broadcasts;
        Ok(broadcasts.change(tenant, id, version, (definition, by)).await?)
    };
    let row = to_its_end(changed).await?;
    answer(&call, HttpResponse::Ok(), &row).await
}

/// `DELETE /v1/broadcasts/{broadcast_id}`
pub(super) async fn remove(call: Call<CanBroadcast>) -> Result<HttpResponse, ApiError> {
    let id = named(&call)?;
    let (state, tenant) = (call.shared_state(), call.tenant());
    to_its_end(async move { Ok(state.broadcasts.delete(tenant, id).await?) }).await?;
    Ok(HttpResponse::Ok().json(json!({ "broadcast_id": id })))
}

/// `PUT /v1/broadcasts/{broadcast_id}/audience`: the body is the file.
pub(super) async fn upload(call: StreamCall<CanBroadcast>) -> Result<HttpResponse, ApiError> {
    let StreamCall { call, body } = call;
    let (state, tenant) = (call.state(), call.tenant());
    let mut params = call.params()?;
    let phone = params.take::<String>("phone", "a column's header")?;
    let country = params.take::<Country>("default_country", Country::RULE)?;
    params.finish()?;
    let most = state.config.imports.max_bytes.get();
    if body.declared().is_some_and(|bytes| bytes > most) {
        return Err(ImportError::TooLarge(most).into());
    }
    let brought = BroughtRecipients {
        broadcast: named(&call)?,
        phone,
        country,
        by: call.author(),
        upload: u64::from_be_bytes(state.fresh()?),
    };
    let pieces = stream::try_unfold(body, async |mut body| {
        Ok::<_, ApiError>(body.next().await?.map(|piece| (piece, body)))
    });
    let state = call.shared_state();
    let taken = async move { Ok(state.broadcasts.take_recipients(tenant, brought, pieces).await?) };
    let row = to_its_end(taken).await?;
    answer(&call, HttpResponse::Ok(), &row).await
}

/// `POST /v1/broadcasts/{broadcast_id}/plan`
pub(super) async fn plan(call: Call<CanBroadcast>) -> Result<HttpResponse, ApiError> {
    let id = named(&call)?;
    Fields::read(call.body())?.finish()?;
    let (state, tenant, by) = (call.shared_state(), call.tenant(), call.author());
    let row = to_its_end(async move { Ok(state.broadcasts.plan(tenant, id, by).await?) }).await?;
    answer(&call, HttpResponse::Accepted(), &row).await
}

/// `POST /v1/broadcasts/{broadcast_id}/launch`
pub(super) async fn launch(call: Call<CanBroadcast>) -> Result<HttpResponse, ApiError> {
    let id = named(&call)?;
    call.quotas().demand_subscription(call.state().clock.now())?;
    let mut fields = Fields::read(call.body())?;
    let launch = Launch {
        version: fields.required("version")?,
        recipients: fields.optional("recipients")?,
    };
    fields.finish()?;
    let (state, tenant, by) = (call.shared_state(), call.tenant(), call.author());
    let launched = async move { Ok(state.broadcasts.launch(tenant, id, (launch, by)).await?) };
    let row = to_its_end(launched).await?;
    answer(&call, HttpResponse::Accepted(), &row).await
}

/// `POST /v1/broadcasts/{broadcast_id}/pause`
pub(super) async fn pause(call: Call<CanBroadcast>) -> Result<HttpResponse, ApiError> {
    let id = named(&call)?;
    Fields::read(call.body())?.finish()?;
    let (state, tenant, by) = (call.shared_state(), call.tenant(), call.author());
    let row = to_its_end(async move { Ok(state.broadcasts.pause(tenant, id, by).await?) }).await?;
    answer(&call, HttpResponse::Ok(), &row).await
}

/// `POST /v1/broadcasts/{broadcast_id}/resume`
pub(super) async fn resume(call: Call<CanBroadcast>) -> Result<HttpResponse, ApiError> {
    let id = named(&call)?;
    call.quotas().demand_subscription(call.state().clock.now())?;
    Fields::read(call.body())?.finish()?;
    let (state, tenant, by) = (call.shared_state(), call.tenant(), call.author());
    let row = to_its_end(async move { Ok(state.broadcasts.resume(tenant, id, by).await?) }).await?;
    answer(&call, HttpResponse::Ok(), &row).await
}

/// `POST /v1/broadcasts/{broadcast_id}/retry`
pub(super) async fn retry(call: Call<CanBroadcast>) -> Result<HttpResponse, ApiError> {
    let id = named(&call)?;
    Fields::read(call.body())?.finish()?;
    let again = fresh(&call)?;
    let (tenant, by) = (call.tenant(), call.author());
    let state = call.shared_state();
    let retried = async move { Ok(state.broadcasts.retry(tenant, (id, again), by).await?) };
    let row = to_its_end(retried).await?;
    answer(&call, HttpResponse::Created(), &row).await
}

/// `POST /v1/broadcasts/{broadcast_id}/cancel`
pub(super) async fn cancel(call: Call<CanBroadcast>) -> Result<HttpResponse, ApiError> {
    let id = named(&call)?;
    Fields::read(call.body())?.finish()?;
    let (state, tenant, by) = (call.shared_state(), call.tenant(), call.author());
    let row = to_its_end(async move { Ok(state.broadcasts.cancel(tenant, id, by).await?) }).await?;
    answer(&call, HttpResponse::Ok(), &row).await
}
