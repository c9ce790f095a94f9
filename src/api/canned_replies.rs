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
use crate::store::tables::{CannedReply, OwnReply, Shortcut};

/// Characters of a text: as many as Meta takes in one message.
const LONGEST: usize = 4_096;
/// Canned replies of a tenant.
const MOST: usize = 500;
/// Those of one person's own in a tenant.
const MOST_OWN: usize = 100;

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

/// The shortcut that the path names.
pub(super) fn shortcut<N: Need>(call: &Call<N>) -> Result<Shortcut, ApiError> {
    let text: String = call.path("shortcut")?;
    text.parse()
        .map_err(|rule| ApiError::invalid(format!("the shortcut must be {rule}")))
}

/// A reply as it is shown; `private` when it is the caller's own.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    reply: CannedReply,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    private: bool,
}

#[derive(Serialize)]
struct List {
    canned_replies: Vec<Shown>,
    next_cursor: Option<Shortcut>,
}

/// The caller's own in this tenant; a program has none.
async fn own<N: Need>(call: &Call<N>) -> Result<Vec<CannedReply>, ApiError> {
    let Some(user) = call.user() else {
        return Ok(Vec::new());
    };
    let mut after = Some(Bytes::copy_from_slice(&OwnReply::begin(call.tenant())));
    let mut own = Vec::new();
    // A page ends by its bytes, too.
    loop {
        let page = call
            .table::<OwnReply>()
            .page(OwnReply::of(user.id), after, MOST_OWN)
            .await?;
        let (read, more) = (page.items.len(), page.more);
        after = page.items.last().map(|found| found.sort.clone());
        let rows = page.items.into_iter().map(|found| found.row);
        let before = own.len();
        own.extend(
            rows.take_while(|row| row.tenant == call.tenant())
                .map(|row| row.reply),
        );
        if !more || own.len() - before < read {
            return Ok(own);
        }
    }
}

/// `GET /v1/canned-replies`
pub(super) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let limit = params.limit(100, MOST)?;
    let after = params.take::<Shortcut>("cursor", "a `next_cursor` of this list")?;
    params.finish()?;
    let place = after.clone().map(|shortcut| Bytes::from(String::from(shortcut)));
    let page = call
        .table::<CannedReply>()
        .page(CannedReply::of(call.tenant()), place, limit)
        .await?;
    let last = page.items.last().filter(|_| page.more);
    let next_cursor = last.map(|found| found.row.shortcut.clone());
    // The own ones that belong between the first and the last of this page.
    let belongs = |reply: &CannedReply| {
        let is_before = next_cursor.as_ref().is_none_or(|last| reply.shortcut <= *last);
        is_before && after.as_ref().is_none_or(|after| reply.shortcut > *after)
    };
    let own = own(&call).await?.into_iter().filter(belongs);
    let own = own.map(|reply| Shown { reply, private: true });
    let shared = page.items.into_iter().map(|found| Shown {
        reply: found.row,
        private: false,
    });
    let mut canned_replies: Vec<Shown> = own.chain(shared).collect();
    canned_replies.sort_by(|one, other| one.reply.shortcut.cmp(&other.reply.shortcut));
    Ok(HttpResponse::Ok().json(List {
        canned_replies,
        next_cursor,
    }))
}

/// `PUT /v1/canned-replies/{shortcut}`: repeating it changes nothing.
pub(super) async fn put(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let shortcut = shortcut(&call)?;
    let mut fields = Fields::read(call.body())?;
    let Text(text) = fields.required("text")?;
    let private = fields.optional::<bool>("private")?.unwrap_or(false);
    fields.finish()?;
    if private {
        return put_own(&call, shortcut, text).await;
    }
    let key = CannedReply::at(call.tenant(), &shortcut);
    let table = call.table::<CannedReply>();
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
    // Who shares what was their own has it once.
    if let Some(user) = call.user() {
        call.table::<OwnReply>()
            .remove(OwnReply::at(user.id, call.tenant(), &reply.shortcut))
            .await?;
    }
    let mut answer = match before {
        Some(_) => HttpResponse::Ok(),
        None => HttpResponse::Created(),
    };
    Ok(answer.json(after))
}

/// Keeps a reply that nobody else sees.
async fn put_own(call: &Call<CanSend>, shortcut: Shortcut, text: String) -> Result<HttpResponse, ApiError> {
    let Some(user) = call.user() else {
        let why = "`private` is for people who are signed in: a program has no replies of its own";
        return Err(ApiError::invalid(why));
    };
    let known = own(call).await?;
    let is_known = known.iter().any(|reply| reply.shortcut == shortcut);
    if known.len() >= MOST_OWN && !is_known {
        let most = format!("there are {MOST_OWN} canned replies of your own already: delete one first");
        return Err(ApiError::because(ErrorCode::LimitReached, most));
    }
    let row = OwnReply {
        tenant: call.tenant(),
        reply: CannedReply {
            shortcut,
            text,
            changed_at: call.state().clock.now(),
            changed_by: call.author(),
        },
    };
    let key = OwnReply::at(user.id, call.tenant(), &row.reply.shortcut);
    call.table::<OwnReply>()
        .change::<ApiError>(key, |_| Ok(Some(row.clone())))
        .await?;
    let mut answer = if is_known {
        HttpResponse::Ok()
    } else {
        HttpResponse::Created()
    };
    Ok(answer.json(Shown {
        reply: row.reply,
        private: true,
    }))
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

/// `DELETE /v1/canned-replies/{shortcut}`: the caller's own one, where there is one.
pub(super) async fn delete(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let shortcut = shortcut(&call)?;
    if let Some(user) = call.user() {
        let own = OwnReply::at(user.id, call.tenant(), &shortcut);
        if call.table::<OwnReply>().remove(own).await?.is_some() {
            return Ok(HttpResponse::Ok().json(json!({ "shortcut": shortcut })));
        }
    }
    let key = CannedReply::at(call.tenant(), &shortcut);
    if call.table::<CannedReply>().remove(key).await?.is_none() {
        return Err(ApiError::absent("no canned reply has this shortcut"));
    }
    Ok(HttpResponse::Ok().json(json!({ "shortcut": shortcut })))
}
