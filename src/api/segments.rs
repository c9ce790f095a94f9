//! Segments, filters in words, and how many contacts a filter means.

use actix_web::HttpResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::{Call, CanManage, CanRead, Need};
use super::error::{ApiError, ErrorCode};
use super::json::Fields;
use super::name::Name;
use crate::bulk::known;
use crate::domain::filter::{Condition, Definitions, Filter, FilterError, Named, Owner};
use crate::domain::ids::digest16;
use crate::domain::{Author, ContactId, NumberLimit, PhoneNumberId, SegmentId, TenantId, TermPlace};
use crate::store::contact_filter::MeantContacts;
use crate::store::contact_search::{ContactOrder, ContactSearch};
use crate::store::tables::Segment;
use crate::store::{ListOrder, Store};

/// Segments of a tenant.
const MOST: usize = 200;
/// Bytes of the check of a cursor.
const CHECK: usize = 8;

/// A filter as callers write it, which names only what there is.
pub(super) async fn parse<N: Need>(call: &Call<N>, text: &str) -> Result<Filter, ApiError> {
    let filter = text.parse::<Filter>()?;
    if !filter.names_definitions() {
        return Ok(filter);
    }
    Ok(Filter::parse(text, Some(&definitions(call).await?))?)
}

/// What filters may name.
async fn definitions<N: Need>(call: &Call<N>) -> Result<Definitions, ApiError> {
    let (store, tenant, now) = (
        call.state().store.as_ref(),
        call.tenant(),
        call.state().clock.now(),
    );
    Ok(known::filter_definitions(store, tenant, now).await?)
}

/// The filter of a body.
async fn filter<N: Need>(call: &Call<N>, fields: &mut Fields) -> Result<Option<Filter>, ApiError> {
    match fields.optional::<String>("filter")? {
        Some(text) => Ok(Some(parse(call, &text).await?)),
        None => Ok(None),
    }
}

/// Whom a caller means by a filter, by a segment, by both, or by neither. A segment that names what is gone means nobody.
pub(super) async fn meant<N: Need>(
    call: &Call<N>,
    filter: Option<Filter>,
    segment: Option<SegmentId>,
) -> Result<Filter, ApiError> {
    let filter = filter.unwrap_or_default();
    let Some(segment) = segment else {
        return Ok(filter);
    };
    let found = call
        .table::<Segment>()
        .get(&Segment::at(call.tenant(), segment))
        .await?;
    let found = found.ok_or_else(no_segment)?;
    let kept = Filter::parse(&found.row.filter, Some(&definitions(call).await?));
    Ok(kept.unwrap_or_else(|_gone| Filter::nobody()).and(filter))
}

fn no_segment() -> ApiError {
    ApiError::absent("no segment has this id")
}

/// The contacts that a caller may see and that a filter means.
pub(super) async fn seen<N: Need>(call: &Call<N>, filter: Filter) -> Result<MeantContacts, ApiError> {
    let state = call.state();
    let filter = match call.limit().listed() {
        None => filter,
        Some(numbers) => filter.and(Filter::on_numbers(numbers.iter().cloned())),
    };
    let numbers = if filter.needs_conversations() {
        let numbers = state.tenants.numbers(call.tenant()).await?;
        let numbers = numbers.into_iter().map(|number| number.id);
        // Whoever is limited is told nothing by a condition on conversations that are out of sight.
        let is_read = |number: &PhoneNumberId| call.limit().admits(number) && filter.asks_about(number);
        numbers.filter(is_read).collect()
    } else {
        Vec::new()
    };
    let asker = match call.author() {
        Author::Agent { id } => Some(id),
        _ if filter.mentions(|condition| *condition == Condition::Owner(Owner::Me)) => {
            return Err(ApiError::invalid(
                "`owner` may be `me` for somebody who is signed in, or acted as",
            ));
        }
        _ => None,
    };
    Ok(MeantContacts::new(filter, asker, numbers, state.clock.now()))
}

/// A search through them, in the order in which they were first seen.
pub(super) fn search<'a>(
    store: &'a dyn Store,
    tenant: TenantId,
    condition: &'a MeantContacts,
) -> ContactSearch<'a> {
    ContactSearch {
        store,
        tenant,
        condition,
        sort: ContactOrder::Created,
        order: ListOrder::Ascending,
    }
}

/// What lists, numbers and members of filters are called.
async fn named<N: Need>(call: &Call<N>, filters: &[Filter]) -> Result<Named, ApiError> {
    let (state, tenant) = (call.state(), call.tenant());
    let any = |is_it: fn(&Condition) -> bool| filters.iter().any(|filter| filter.mentions(is_it));
    let mut named = Named::new();
    if any(|condition| matches!(condition, Condition::Owner(Owner::User(_)))) {
        let team = state.accounts.team(tenant).await?;
        named.extend(
            team.into_iter()
                .map(|member| (member.user.to_string(), member.name)),
        );
    }
    if any(|condition| matches!(condition, Condition::Number(_))) {
        for number in state.tenants.numbers(tenant).await? {
            named.insert(number.id.as_str().to_owned(), number.display.clone());
        }
    }
    if any(|condition| matches!(condition, Condition::List(_))) {
        let lists = known::lists(state.store.as_ref(), tenant, state.clock.now()).await?;
        named.extend(lists.into_iter().map(|list| (list.id.to_string(), list.name)));
    }
    Ok(named)
}

/// Whoever is limited to numbers is not shown the names and phones of customers that a filter may hold.
fn is_hidden<N: Need>(call: &Call<N>, filter: Option<&Filter>) -> bool {
    let tells = |condition: &Condition| matches!(condition, Condition::Name(..) | Condition::Phone(..));
    *call.limit() != NumberLimit::All && filter.is_none_or(|filter| filter.mentions(tells))
}

/// A segment; `Err` says why its filter cannot be read any more.
fn shown<N: Need>(
    call: &Call<N>,
    segment: &Segment,
    filter: Result<&Filter, &FilterError>,
    named: &Named,
) -> Value {
    let is_hidden = is_hidden(call, filter.ok());
    let mut shown = json!({
        "segment_id": segment.segment_id,
        "name": segment.name,
        "filter": (!is_hidden).then_some(&segment.filter),
        "words": filter.ok().filter(|_| !is_hidden).map(|filter| filter.words(named)),
        "changed_at": segment.changed_at,
        "changed_by": segment.changed_by,
    });
    if let (Err(error), Some(shown)) = (filter, shown.as_object_mut()) {
        shown.insert("problem".to_owned(), json!(error.problem));
    }
    shown
}

async fn all<N: Need>(call: &Call<N>) -> Result<Vec<Segment>, ApiError> {
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let page = call
            .table::<Segment>()
            .page(Segment::of(call.tenant()), after, MOST)
            .await?;
        after = page.items.last().map(|found| found.sort.clone());
        all.extend(page.items.into_iter().map(|found| found.row));
        if !page.more || all.len() >= MOST {
            return Ok(all);
        }
    }
}

/// `GET /v1/segments`
pub(super) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let mut segments = all(&call).await?;
    segments.sort_by_cached_key(|segment| segment.name.to_lowercase());
    let definitions = definitions(&call).await?;
    // One may name what is gone, or, where a later version wrote it, what this one does not know.
    let parsed: Vec<Result<Filter, FilterError>> = segments
        .iter()
        .map(|segment| Filter::parse(&segment.filter, Some(&definitions)))
        .collect();
    let filters: Vec<Filter> = parsed.iter().flatten().cloned().collect();
    let named = named(&call, &filters).await?;
    let pairs = segments.iter().zip(&parsed);
    let segments: Vec<Value> = pairs
        .map(|(segment, filter)| shown(&call, segment, filter.as_ref(), &named))
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "segments": segments })))
}

async fn read(call: &Call<CanManage>) -> Result<(String, Filter), ApiError> {
    let mut fields = Fields::read(call.body())?;
    let name = fields.required::<Name<100>>("name")?.into_text();
    let text = fields.required::<String>("filter")?;
    fields.finish()?;
    Ok((name, parse(call, &text).await?))
}

/// Whether a segment is made or changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Put {
    New,
    Change,
}

async fn put(
    call: &Call<CanManage>,
    segment_id: SegmentId,
    (name, filter): (String, Filter),
    how: Put,
) -> Result<Value, ApiError> {
    let segment = Segment {
        segment_id,
        name,
        filter: filter.to_string(),
        changed_at: call.state().clock.now(),
        changed_by: call.author(),
    };
    let named = named(call, std::slice::from_ref(&filter)).await?;
    let key = Segment::at(call.tenant(), segment_id);
    let changed = call
        .table::<Segment>()
        .change::<ApiError>(key, |before| match (how, before) {
            // Somebody may have deleted it meanwhile: that stands.
            (Put::Change, None) => Err(no_segment()),
            (Put::New, _) | (Put::Change, Some(_)) => Ok(Some(segment.clone())),
        });
    changed.await?;
    Ok(shown(call, &segment, Ok(&filter), &named))
}

/// `POST /v1/segments`. Two who make one at the same moment may get one more than there may be.
pub(super) async fn make(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    let new = read(&call).await?;
    if all(&call).await?.len() >= MOST {
        let most = format!("there are {MOST} segments already, and no more may be: delete one first");
        return Err(ApiError::because(ErrorCode::LimitReached, most));
    }
    let made = put(&call, SegmentId::from_bytes(call.state().fresh()?), new, Put::New).await?;
    Ok(HttpResponse::Created().json(made))
}

/// `PUT /v1/segments/{segment_id}`
pub(super) async fn change(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    let segment: SegmentId = call.path("segment_id").map_err(|_malformed| no_segment())?;
    let new = read(&call).await?;
    Ok(HttpResponse::Ok().json(put(&call, segment, new, Put::Change).await?))
}

/// `DELETE /v1/segments/{segment_id}`
pub(super) async fn remove(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    let segment: SegmentId = call.path("segment_id").map_err(|_malformed| no_segment())?;
    let removed = call
        .table::<Segment>()
        .remove(Segment::at(call.tenant(), segment))
        .await?;
    removed.ok_or_else(no_segment)?;
    Ok(HttpResponse::Ok().json(json!({ "segment_id": segment })))
}

/// `POST /v1/segments/explain`
pub(super) async fn explain(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let filter = filter(&call, &mut fields).await?.unwrap_or_default();
    fields.finish()?;
    let named = named(&call, std::slice::from_ref(&filter)).await?;
    Ok(HttpResponse::Ok().json(json!({ "filter": filter.to_string(), "words": filter.words(&named) })))
}

/// `POST /v1/contacts/count`: as many as can be counted soon, and where to go on.
pub(super) async fn count(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let filter = filter(&call, &mut fields).await?;
    let segment = fields.optional::<SegmentId>("segment")?;
    let cursor = fields.optional::<Cursor>("cursor")?;
    fields.finish()?;
    let filter = meant(&call, filter, segment).await?;
    let means = filter.to_string();
    let after = cursor
        .map(|cursor| cursor.read(call.tenant(), &means))
        .transpose()?;
    let seen = seen(&call, filter).await?;
    let search = search(call.state().store.as_ref(), call.tenant(), &seen);
    let _turn = call.state().counts.take(call.tenant())?;
    let (count, next) = search.count(after).await?;
    let next = next.map(|place| Cursor::write(call.tenant(), &means, &place));
    Ok(HttpResponse::Ok().json(json!({ "count": count, "next_cursor": next })))
}

/// A place among contacts, handed to callers as an opaque text. It opens nothing; its check makes sure that it is used where it came
/// from.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Cursor(String);

impl Cursor {
    fn write(tenant: TenantId, means: &str, place: &TermPlace) -> String {
        let mut bytes = place.contact.as_bytes().to_vec();
        bytes.extend_from_slice(&place.order);
        bytes.extend_from_slice(&check(tenant, means, &bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read(&self, tenant: TenantId, means: &str) -> Result<TermPlace, ApiError> {
        let place = || {
            let bytes = URL_SAFE_NO_PAD.decode(&self.0).ok()?;
            let (place, sum) = bytes.split_at_checked(bytes.len().checked_sub(CHECK)?)?;
            (sum == check(tenant, means, place)).then_some(())?;
            let (contact, order) = place.split_first_chunk::<16>()?;
            Some(TermPlace {
                order: order.to_vec(),
                contact: ContactId::from_bytes(*contact),
            })
        };
        place().ok_or_else(|| ApiError::invalid("`cursor` must be a `next_cursor` of the same count"))
    }
}

fn check(tenant: TenantId, means: &str, place: &[u8]) -> [u8; CHECK] {
    let full = digest16(&[b"count", &tenant.get().to_be_bytes(), means.as_bytes(), place]);
    full.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_works_only_for_the_tenant_and_the_filter_that_it_came_from() {
        let place = TermPlace {
            order: vec![1, 2, 3],
            contact: ContactId::from_bytes([7; 16]),
        };
        let (mine, other) = (TenantId::new(1), TenantId::new(2));
        let text = Cursor::write(mine, "opted_out", &place);
        let read = |text: &str, tenant, means| Cursor(text.to_owned()).read(tenant, means);
        assert_eq!(read(&text, mine, "opted_out").unwrap(), place);
        assert!(read(&text, other, "opted_out").is_err());
        assert!(read(&text, mine, "").is_err());
        for slip in ["", "x", &text[1..], &format!("{text}AA")] {
            assert!(read(slip, mine, "opted_out").is_err(), "{slip}");
        }
    }
}
