//! Which attributes contacts may have.

use actix_web::HttpResponse;
use serde::Serialize;
use serde_json::json;

use super::super::auth::{Call, CanManage, CanRead, Need};
use super::super::error::{ApiError, ErrorCode};
use super::super::json::Fields;
use super::super::name::Name;
use super::removal;
use crate::domain::{AttributeKey, ContactChange, TermKey};
use crate::store::tables::{AttributeType, ContactAttribute};

/// Attributes of a tenant.
const MOST: usize = ContactAttribute::MOST;
/// Choices of one.
const MOST_CHOICES: usize = 100;

fn key<N: Need>(call: &Call<N>) -> Result<AttributeKey, ApiError> {
    let text: String = call.path("key")?;
    text.parse()
        .map_err(|rule| ApiError::invalid(format!("the key must be {rule}")))
}

async fn all<N: Need>(call: &Call<N>) -> Result<Vec<ContactAttribute>, ApiError> {
    let page = call
        .table::<ContactAttribute>()
        .page(ContactAttribute::of(call.tenant()), None, MOST)
        .await?;
    Ok(page.items.into_iter().map(|found| found.row).collect())
}

/// `GET /v1/attributes`
pub(in crate::api) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Answer {
        attributes: Vec<ContactAttribute>,
    }
    call.params()?.finish()?;
    let attributes = all(&call).await?;
    Ok(HttpResponse::Ok().json(Answer { attributes }))
}

/// `PUT /v1/attributes/{key}`: its type stays as it was made, since contacts have values of it.
pub(in crate::api) async fn put(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    let key = key(&call)?;
    let mut fields = Fields::read(call.body())?;
    let name = fields.required::<Name<100>>("name")?.into_text();
    let kind = fields.required::<AttributeType>("type")?;
    let choices = fields.optional::<Vec<Name<100>>>("choices")?.unwrap_or_default();
    fields.finish()?;
    let choices: Vec<String> = choices.into_iter().map(Name::into_text).collect();
    let fits = match kind {
        AttributeType::Choice => (1..=MOST_CHOICES).contains(&choices.len()),
        AttributeType::Text | AttributeType::Number | AttributeType::Date | AttributeType::Boolean => {
            choices.is_empty()
        }
    };
    if !fits {
        let rule = format!("`choices`: a `choice` has 1 to {MOST_CHOICES} of them, and no other type any");
        return Err(ApiError::invalid(rule));
    }
    let at = ContactAttribute::at(call.tenant(), &key);
    // Two who add one at the same moment may get one more.
    if call.table::<ContactAttribute>().get(&at).await?.is_none() && all(&call).await?.len() >= MOST {
        let most = format!("there are {MOST} attributes already: delete one first");
        return Err(ApiError::because(ErrorCode::LimitReached, most));
    }
    let attribute = ContactAttribute {
        key,
        name,
        kind,
        choices,
        is_leaving: false,
    };
    let changed = call.table::<ContactAttribute>().change::<ApiError>(at, |before| {
        if before.is_some_and(|before| before.is_leaving) {
            return Err(ApiError::invalid(
                "the attribute is being deleted: repeat `DELETE` until that is done",
            ));
        }
        if before.is_some_and(|before| before.kind != attribute.kind) {
            return Err(ApiError::invalid(
                "`type` stays as it was: delete the attribute to make another",
            ));
        }
        Ok(Some(attribute.clone()))
    });
    let (before, after) = changed.await?;
    let mut answer = match before {
        Some(_) => HttpResponse::Ok(),
        None => HttpResponse::Created(),
    };
    Ok(answer.json(after))
}

/// `DELETE /v1/attributes/{key}`: takes it from every contact. Of very many a call takes some, and says where the next one goes on.
pub(in crate::api) async fn delete(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    let key = key(&call)?;
    let at = ContactAttribute::at(call.tenant(), &key);
    let absent = || ApiError::absent("there is no such attribute: `GET /v1/attributes` lists them");
    let table = call.table::<ContactAttribute>();
    let marked = table.change::<ApiError>(at.clone(), |before| {
        let before = before.ok_or_else(absent)?;
        Ok(Some(ContactAttribute {
            is_leaving: true,
            ..before.clone()
        }))
    });
    marked.await?;
    let term = TermKey::of(call.tenant()).has_attribute(&key);
    let taken = ContactChange::Attribute(key.clone(), None);
    let what = format!("attribute {key}");
    Ok(match removal::take(&call, term, &what, &taken).await? {
        None => {
            table.remove(at).await?;
            HttpResponse::Ok().json(json!({ "key": key, "done": true }))
        }
        Some(next) => {
            HttpResponse::Accepted().json(json!({ "key": key, "done": false, "next_cursor": next }))
        }
    })
}
