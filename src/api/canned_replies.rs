//! Canned replies: texts that agents send often, each under a shortcut.

use actix_web::HttpResponse;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::auth::{Call, CanRead, CanSend, Need};
use super::error::{ApiError, ErrorCode};
use super::json::Fields;
use crate::domain::display_name::shows;
use crate::store::plain::PlainTable;
use crate::store::tables::{CannedReply, Shortcut};

/// Characters of a text: as many as Meta takes in one message.
const LONGEST: usize = 4_096;
/// Canned replies of a tenant.
const MOST: usize = 500;

/// A text that can be sent: not empty, not too long.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Text(String);

impl TryFrom<String> for Text {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if shows(&text) && text.chars().count() <= LONGEST && !text.contains(steers) {
            Ok(Self(text))
        } else {
            Err(format!(
                "must be 1 to {LONGEST} characters, some of which show, without control characters but for line ends and tabs"
            ))
        }
    }
}

fn table<N: Need>(call: &Call<N>) -> PlainTable<'_, CannedReply> {
    let state = call.state();
    PlainTable::of(state.store.as_ref(), state.clock.now())
}

fn shortcut<N: Need>(call: &Call<N>) -> Result<Shortcut, ApiError> {
    let text: String = call.path("shortcut")?;
    text.parse()
        .map_err(|rule| ApiError::invalid(format!("the shortcut must be {rule}")))
}

#[derive(Serialize)]
struct List {
    canned_replies: Vec<CannedReply>,
    next_cursor: Option<Shortcut>,
}

/// `GET /v1/canned-replies`
pub(super) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let limit = params.limit(100, MOST)?;
    let after = params.take::<Shortcut>("cursor", "a `next_cursor` of this list")?;
    params.finish()?;
    let after = after.map(|shortcut| Bytes::from(String::from(shortcut)));
    let page = table(&call)
        .page(CannedReply::of(call.tenant()), after, limit)
        .await?;
    let canned_replies: Vec<CannedReply> = page.items.into_iter().map(|found| found.row).collect();
    let last = canned_replies.last().filter(|_| page.more);
    Ok(HttpResponse::Ok().json(List {
        next_cursor: last.map(|reply| reply.shortcut.clone()),
        canned_replies,
    }))
}

/// `PUT /v1/canned-replies/{shortcut}`: repeating it changes nothing.
pub(super) async fn put(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let shortcut = shortcut(&call)?;
    let mut fields = Fields::read(call.body())?;
    let Text(text) = fields.required("text")?;
    fields.finish()?;
    let key = CannedReply::at(call.tenant(), &shortcut);
    let table = table(&call);
    if table.get(&key).await?.is_none() {
        refuse_more_than_there_may_be(&call, table).await?;
    }
    let reply = CannedReply {
        shortcut,
        text,
        changed_at: call.state().clock.now(),
        changed_by: call.author(),
    };
    let changed = table.change::<ApiError>(key, |before| {
        let same = before.filter(|before| before.text == reply.text);
        Ok(Some(same.unwrap_or(&reply).clone()))
    });
    let (before, after) = changed.await?;
    let mut answer = match before {
        Some(_) => HttpResponse::Ok(),
        None => HttpResponse::Created(),
    };
    Ok(answer.json(after))
}

/// Two who add one at the same moment may get one more.
async fn refuse_more_than_there_may_be(
    call: &Call<CanSend>,
    table: PlainTable<'_, CannedReply>,
) -> Result<(), ApiError> {
    let (mut after, mut there) = (None, 0_usize);
    loop {
        let page = table.page(CannedReply::of(call.tenant()), after, MOST).await?;
        there = there.saturating_add(page.items.len());
        after = page.items.last().map(|found| found.sort.clone());
        if there >= MOST {
            let most =
                format!("there are {MOST} canned replies already, and no more may be: delete one first");
            return Err(ApiError::because(ErrorCode::LimitReached, most));
        }
        if !page.more {
            return Ok(());
        }
    }
}

/// `DELETE /v1/canned-replies/{shortcut}`
pub(super) async fn delete(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let shortcut = shortcut(&call)?;
    let key = CannedReply::at(call.tenant(), &shortcut);
    if table(&call).remove(key).await?.is_none() {
        return Err(ApiError::absent("no canned reply has this shortcut"));
    }
    Ok(HttpResponse::Ok().json(json!({ "shortcut": shortcut })))
}
