//! Imports of contacts: the file is taken as it comes, and read behind the answer.

use actix_web::HttpResponse;
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};

use super::auth::{Call, CanManage, Need, StreamCall};
use super::error::{ApiError, ErrorCode};
use super::export_file::{ExportSteps, export_file};
use super::json::Fields;
use super::name::Name;
use crate::bulk::fields::Mapping;
use crate::bulk::folder::Told;
use crate::bulk::import::{Import, Order};
use crate::bulk::imports::{ImportError, WrongRows};
use crate::bulk::known;
use crate::bulk::phones::Country;
use crate::bulk::records::Format;
use crate::bulk::uploads::Brought;
use crate::bulk::values::Notation;
use crate::domain::{ContactLabel, ImportId, ListId};

/// Labels, or lists, that everybody of a file gets.
const MOST_FOR_ALL: usize = 20;

fn shown(import: &Import) -> Value {
    let (order, counts) = (&import.order, &import.counts);
    json!({
        "import_id": import.import_id,
        "state": import.state,
        "name": import.name,
        "bytes": import.bytes,
        "bytes_read": import.place.byte,
        "format": import.format,
        "encoding": import.encoding,
        "separator": import.separator,
        "columns": import.columns,
        "sample": import.sample,
        "mapping": order.mapping,
        "default_country": order.default_country,
        "dry_run": order.dry_run,
        "labels": order.labels,
        "lists": order.lists,
        "bad_cells": order.bad_cells,
        "date_format": order.notation.date_format,
        "decimal": order.notation.decimal,
        "rows": counts.rows,
        "created": counts.created,
        "updated": counts.updated,
        "unchanged": counts.unchanged,
        "rejected": counts.rejected,
        "left_out": counts.left_out,
        "reasons": import.reasons,
        "errors_omitted": import.errors_omitted,
        "refused_omitted": import.refused_omitted,
        "error": import.error,
        "by": import.by,
        "created_at": import.created_at,
        "started_at": import.started_at,
        "changed_at": import.changed_at,
    })
}

fn named<N: Need>(call: &Call<N>) -> Result<ImportId, ApiError> {
    let id = call.path("import_id");
    id.map_err(|_malformed| ImportError::NotFound.into())
}

/// What all are, where they are one.
fn only(mut countries: impl Iterator<Item = Option<Country>>) -> Option<Country> {
    let first = countries.next().flatten()?;
    countries.all(|other| other == Some(first)).then_some(first)
}

/// `POST /v1/imports`: the body is the file.
pub(super) async fn upload(call: StreamCall<CanManage>) -> Result<HttpResponse, ApiError> {
    let StreamCall { call, body } = call;
    let (state, tenant) = (call.state(), call.tenant());
    let mut params = call.params()?;
    let name = params.take::<String>("name", "the file's name")?;
    params.finish()?;
    let name = Name::<200>::try_from(name.unwrap_or_else(|| "contacts".to_owned()));
    let name = name.map_err(|rule| ApiError::invalid(format!("`name` {rule}")))?;
    let most = state.config.imports.max_bytes.get();
    if body.declared().is_some_and(|bytes| bytes > most) {
        return Err(ImportError::TooLarge(most).into());
    }
    let attributes = known::attributes(state.store.as_ref(), tenant, state.clock.now()).await?;
    let numbers = state.tenants.numbers(tenant).await?;
    let countries = numbers.iter().map(|number| Country::of_number(&number.display));
    let brought = Brought {
        import: ImportId::from_bytes(state.fresh()?),
        name: name.into_text(),
        by: call.author(),
        attributes: attributes.into_iter().map(|one| (one.key, one.name)).collect(),
        country: only(countries),
    };
    let pieces = stream::try_unfold(body, async |mut body| {
        Ok::<_, ApiError>(body.next().await?.map(|piece| (piece, body)))
    });
    let import = state.imports.take(tenant, brought, pieces).await?;
    Ok(HttpResponse::Created().json(shown(&import)))
}

/// `GET /v1/imports`
pub(super) async fn list(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let imports = call.state().imports.list(call.tenant()).await?;
    let imports: Vec<Value> = imports.iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({ "imports": imports })))
}

/// `GET /v1/imports/{import_id}`
pub(super) async fn show(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let import = call.state().imports.get(call.tenant(), named(&call)?).await?;
    Ok(HttpResponse::Ok().json(shown(&import)))
}

/// `POST /v1/imports/{import_id}/start`
pub(super) async fn start(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    let import = named(&call)?;
    let (state, tenant) = (call.state(), call.tenant());
    let mut fields = Fields::read(call.body())?;
    // Left out it is the one that was suggested; null is none.
    let country = match fields.peek("default_country") {
        None => {
            let before = state.imports.get(tenant, import).await?;
            fields.optional::<Country>("default_country")?;
            before.order.default_country
        }
        Some(_) => fields.optional::<Country>("default_country")?,
    };
    let order = Order {
        mapping: fields.required::<Mapping>("mapping")?,
        default_country: country,
        notation: Notation {
            date_format: fields.optional("date_format")?.unwrap_or_default(),
            decimal: fields.optional("decimal")?.unwrap_or_default(),
        },
        bad_cells: fields.optional("bad_cells")?.unwrap_or_default(),
        dry_run: fields.optional::<bool>("dry_run")?.unwrap_or(false),
        labels: fields
            .optional::<Vec<ContactLabel>>("labels")?
            .unwrap_or_default(),
        lists: fields.optional::<Vec<ListId>>("lists")?.unwrap_or_default(),
    };
    fields.finish()?;
    if order.labels.len() > MOST_FOR_ALL || order.lists.len() > MOST_FOR_ALL {
        let most = format!("`labels` and `lists` must be at most {MOST_FOR_ALL} each");
        return Err(ApiError::invalid(most));
    }
    if !order.lists.is_empty() {
        let there = known::lists(state.store.as_ref(), tenant, state.clock.now()).await?;
        let is_there = |list: &ListId| there.iter().any(|one| one.id == *list);
        if !order.lists.iter().all(is_there) {
            return Err(ApiError::because(
                ErrorCode::NotFound,
                "no list has one of the ids in `lists`",
            ));
        }
    }
    let import = state.imports.start(tenant, import, order).await?;
    Ok(HttpResponse::Accepted().json(shown(&import)))
}

/// What is told of wrong rows.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Of {
    /// What is wrong, line by line.
    #[default]
    Lines,
    /// The refused rows themselves, with a column that says why.
    Rows,
}

/// `GET /v1/imports/{import_id}/errors`: what was wrong, as CSV.
pub(super) async fn errors(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let of = params.word::<Of>("of", "`lines` or `rows`")?.unwrap_or_default();
    params.finish()?;
    let import = named(&call)?;
    let (told, what) = match of {
        Of::Lines => (Told::Errors, "errors"),
        Of::Rows => (Told::Rows, "refused"),
    };
    let wrong = call.state().imports.wrong(call.tenant(), import, told).await?;
    export_file(&format!("import-{import}-{what}"), Format::Csv, wrong).await
}

impl ExportSteps for WrongRows {
    async fn next(self) -> Result<Option<(Bytes, Self)>, ApiError> {
        let next = Self::next(self).await?;
        Ok(next.map(|(piece, rest)| (Bytes::from(piece), rest)))
    }
}

/// `DELETE /v1/imports/{import_id}`: calls it off while it runs, and removes it when it is at its end.
pub(super) async fn remove(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    let import = named(&call)?;
    let left = call.state().imports.remove(call.tenant(), import).await?;
    let state = left.map(|import| import.state);
    Ok(HttpResponse::Ok().json(json!({ "import_id": import, "state": state })))
}
