//! Operators with tokens of their own.

use std::time::Duration;

use actix_web::HttpResponse;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::super::auth::AdminCall;
use super::super::auth::key::{KeyKind, NewKey};
use super::super::error::{ApiError, ErrorCode};
use super::super::json::Fields;
use super::Name;
use crate::domain::roles::OperatorRole;
use crate::store::PlainKey;
use crate::store::plain::{Found, PlainTable};
use crate::store::tables::{AuditTargetKind, Operator};

/// Operators, those with it whose tokens were revoked or ended.
const MOST: usize = 500;
/// Ten years.
const LONGEST_DAYS: u32 = 3_650;
/// How long a token lasts unless it is said: a year.
const USUAL_DAYS: u32 = 365;

fn shown(operator: &Operator) -> Map<String, Value> {
    Map::from_iter([
        ("operator_id".to_owned(), json!(operator.id)),
        ("name".to_owned(), json!(operator.name)),
        ("role".to_owned(), json!(operator.role)),
        ("created".to_owned(), json!(operator.created)),
        ("expires".to_owned(), json!(operator.expires)),
        ("revoked".to_owned(), json!(operator.revoked)),
    ])
}

fn table(call: &AdminCall) -> PlainTable<'_, Operator> {
    let state = call.state();
    PlainTable::of(state.store.as_ref(), state.clock.now())
}

async fn all(call: &AdminCall) -> Result<Vec<Found<Operator>>, ApiError> {
    let mut operators = table(call).page(Operator::all(), None, MOST).await?.items;
    operators.sort_by(|one, other| (one.row.created, &one.row.id).cmp(&(other.row.created, &other.row.id)));
    Ok(operators)
}

/// `POST /v1/admin/operators`: the one answer that holds the token.
pub(in crate::api) async fn create(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let name = fields.required::<Name>("name")?.into_text();
    let role = fields.required::<OperatorRole>("role")?;
    let days = fields.optional::<u32>("expires_days")?.unwrap_or(USUAL_DAYS);
    fields.finish()?;
    if !(1..=LONGEST_DAYS).contains(&days) {
        return Err(ApiError::invalid(format!(
            "`expires_days` is 1 to {LONGEST_DAYS}"
        )));
    }
    if all(&call).await?.len() >= MOST {
        let most = format!("there are {MOST} operators already, and no more may be");
        return Err(ApiError::because(ErrorCode::LimitReached, most));
    }
    let state = call.state();
    let now = state.clock.now();
    let new = NewKey::generate(KeyKind::Operator, &state.random).map_err(ApiError::internal)?;
    let operator = Operator {
        id: new.id,
        name,
        role,
        created: now,
        expires: Some(now.after(Duration::from_secs(u64::from(days) * 86_400))),
        revoked: None,
    };
    call.note().target(AuditTargetKind::Operator, &operator.id);
    table(&call)
        .replace(&Operator::at(new.hash), None, Some(&operator))
        .await?;
    let by = call.operator().id();
    tracing::info!(operator.id = operator.id, by, "an operator was added");
    let mut answer = shown(&operator);
    answer.shift_insert(1, "token".to_owned(), json!(new.text.expose_secret()));
    Ok(HttpResponse::Created().json(answer))
}

/// `GET /v1/admin/operators`
pub(in crate::api) async fn list(call: AdminCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let operators = all(&call).await?;
    let operators: Vec<_> = operators.iter().map(|found| shown(&found.row)).collect();
    Ok(HttpResponse::Ok().json(json!({ "operators": operators })))
}

/// `DELETE /v1/admin/operators/{operator_id}`: its token is refused from now on, everywhere. Repeating it changes nothing.
pub(in crate::api) async fn revoke(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let id: String = call.path("operator_id")?;
    let operators = all(&call).await?;
    let found = operators.into_iter().find(|found| found.row.id == id);
    let found = found.ok_or_else(|| {
        ApiError::absent(format!(
            "no operator has the id {id}: `mesej operator list` shows all"
        ))
    })?;
    let now = call.state().clock.now();
    let key = PlainKey {
        partition: Operator::all(),
        sort: found.sort,
    };
    let changed = table(&call).change::<ApiError>(key, |before| {
        let revoked = before.cloned().map(|before| Operator {
            revoked: before.revoked.or(Some(now)),
            ..before
        });
        Ok(revoked)
    });
    let (_, revoked) = changed.await?;
    let revoked = revoked.ok_or(ErrorCode::NotFound)?;
    let by = call.operator().id();
    tracing::info!(operator.id = revoked.id, by, "an operator was revoked");
    Ok(HttpResponse::Ok().json(shown(&revoked)))
}
