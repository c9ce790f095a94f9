//! Making, editing and deleting templates, having accounts looked up, and Meta's library.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::super::admin::numbers::meta_says_no;
use super::super::auth::{Call, CanManage, CanRead, Need};
use super::super::error::{ApiError, ErrorCode};
use super::super::json::Fields;
use super::samples::bring_samples;
use super::trying::{DraftFields, refuse_problems};
use super::{looked_up, numbers, shown, template};
use crate::domain::{TemplateName, WabaId};
use crate::store::Number;
use crate::store::tables::{AuditTargetKind, Template};
use crate::templates::{Change, NewTemplate, Reach, TemplateError, TemplateLimit, TemplateSource};
use crate::whatsapp::client::BearerToken;
use crate::whatsapp::templates::{Definition, Draft, LibraryDraft, ParameterFormat, problems};

impl From<TemplateError> for ApiError {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::Store(error) => error.into(),
            TemplateError::Graph(error) => meta_says_no(error),
            TemplateError::Limit { limit, error } => {
                let why = match limit {
                    TemplateLimit::Creations => {
                        "Meta takes no more new templates of this account now: 100 an hour, and so many in all"
                    }
                    TemplateLimit::Edits(_) => {
                        "Meta takes one edit of an approved template a day, and ten in thirty days"
                    }
                    TemplateLimit::Name(_) => {
                        "the name of an approved template that was deleted is locked for thirty days in its language"
                    }
                };
                Self::because(ErrorCode::TemplateLimit, why)
                    .with("limit", limit.as_str())
                    .with("until", json!(limit.until()))
                    .with("meta", json!(error))
            }
        }
    }
}

/// A number of an account, with a token with which Meta tells of it: the first that has a usable one.
async fn way_to_meta<N: Need>(
    call: &Call<N>,
    waba: Option<&WabaId>,
) -> Result<(Number, BearerToken), ApiError> {
    let mut numbers = numbers(call).await?;
    let own = match waba {
        Some(waba) => numbers.remove(waba).unwrap_or_default(),
        None => numbers.into_values().flatten().collect(),
    };
    if own.is_empty() {
        let why = "you have no number in this account";
        return Err(ApiError::because(ErrorCode::UnknownNumber, why));
    }
    let mut ways = own.into_iter().filter_map(|number| {
        let token = BearerToken::parse(number.access_token.reveal()).ok()?;
        Some((number, token))
    });
    ways.next().ok_or_else(|| {
        let why = "no number of the account has a usable token";
        ApiError::because(ErrorCode::TokenRefused, why)
    })
}

/// `POST /v1/templates`
pub(in crate::api) async fn create(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let waba = fields.required::<WabaId>("waba_id")?;
    let of_library = fields.optional::<String>("library_template_name")?;
    let new = match of_library {
        Some(library_name) => {
            let new = of_library_entry(&waba, library_name, fields)?;
            let (_, token) = way_to_meta(&call, Some(&waba)).await?;
            (new, token)
        }
        None => written(&call, &waba, DraftFields::read(fields)?).await?,
    };
    let (new, token) = new;
    let _turn = call.state().slow_calls.take(call.tenant())?;
    let made = call.state().templates.create(call.tenant(), new, &token).await?;
    call.note()
        .target(AuditTargetKind::Template, &made.id().to_string());
    Ok(HttpResponse::Created().json(shown(&made, &looked_up(&call).await?)))
}

/// A template that the business wrote. Its samples are brought to Meta.
async fn written(
    call: &Call<CanManage>,
    waba: &WabaId,
    draft: DraftFields,
) -> Result<(NewTemplate, BearerToken), ApiError> {
    refuse_problems(&draft.problems())?;
    let (number, token) = way_to_meta(call, Some(waba)).await?;
    let _turn = call.state().slow_calls.take(call.tenant())?;
    let format = draft.format();
    let new = NewTemplate {
        name: TemplateName::new(waba.clone(), draft.name.as_str(), &draft.language),
        category: draft.category,
        source: TemplateSource::Written {
            format,
            components: bring_samples(call, draft.components, &number, &token).await?,
            ttl_seconds: draft.ttl_seconds,
        },
    };
    Ok((new, token))
}

/// One of Meta's library.
fn of_library_entry(
    waba: &WabaId,
    library_name: String,
    mut fields: Fields,
) -> Result<NewTemplate, ApiError> {
    let name = fields.required::<String>("name")?;
    let language = fields.required::<String>("language")?;
    let category = fields.required::<String>("category")?;
    let draft = LibraryDraft {
        library_name,
        buttons: fields.optional("library_template_button_inputs")?,
        body: fields.optional("library_template_body_inputs")?,
    };
    fields.finish()?;
    refuse_problems(&draft.problems(&name, &language, &category))?;
    Ok(NewTemplate {
        name: TemplateName::new(waba.clone(), name, &language),
        category,
        source: TemplateSource::Library(draft),
    })
}

/// `PUT /v1/templates/{template_id}`
pub(in crate::api) async fn edit(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let mut change = Change {
        category: fields.optional("category")?,
        components: fields.optional::<Value>("components")?,
        ttl_seconds: fields.optional("message_send_ttl_seconds")?,
    };
    fields.finish()?;
    if change.is_nothing() {
        return Err(ApiError::invalid(
            "name `category`, `components` or `message_send_ttl_seconds`: nothing is to change",
        ));
    }
    let row = template(&call).await?;
    refuse_problems(&problems(&Draft {
        name: &row.name,
        language: &row.language,
        category: change.category.as_deref().unwrap_or(&row.category),
        format: row.parameter_format.as_deref().and_then(ParameterFormat::parse),
        components: change.components.as_ref().unwrap_or(&row.components),
        ttl_seconds: change.ttl_seconds,
    }))?;
    let (number, token) = way_to_meta(&call, Some(&row.waba)).await?;
    let _turn = call.state().slow_calls.take(call.tenant())?;
    demand_known(&row)?;
    if let Some(components) = change.components.take() {
        change.components = Some(bring_samples(&call, components, &number, &token).await?);
    }
    let templates = &call.state().templates;
    let edited = templates.edit(call.tenant(), &row, change, &token).await?;
    Ok(HttpResponse::Ok().json(shown(&edited, &looked_up(&call).await?)))
}

/// `DELETE /v1/templates/{template_id}`
pub(in crate::api) async fn delete(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let reach = match params.take::<bool>("all_languages", "true or false")? {
        Some(true) => Reach::AllLanguages,
        Some(false) | None => Reach::OneLanguage,
    };
    params.finish()?;
    let row = template(&call).await?;
    let (_, token) = way_to_meta(&call, Some(&row.waba)).await?;
    let _turn = call.state().slow_calls.take(call.tenant())?;
    if reach == Reach::OneLanguage {
        // Without Meta's id it would be deleted in all languages.
        demand_known(&row)?;
    }
    let templates = &call.state().templates;
    templates.delete(call.tenant(), &row, reach, &token).await?;
    Ok(HttpResponse::Ok().json(json!({ "template_id": row.id() })))
}

fn demand_known(row: &Template) -> Result<(), ApiError> {
    if row.meta_id.is_some() {
        return Ok(());
    }
    let why = "Meta's id of this template is not known yet: it is with the next look-up of the account";
    Err(ApiError::because(ErrorCode::Busy, why).retry_after(std::time::Duration::from_secs(30)))
}

/// `POST /v1/templates/sync`
pub(in crate::api) async fn sync(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let wanted = fields.optional::<WabaId>("waba_id")?;
    fields.finish()?;
    let own: Vec<WabaId> = numbers(&call).await?.into_keys().collect();
    let due: Vec<&WabaId> = own
        .iter()
        .filter(|waba| wanted.as_ref().is_none_or(|wanted| wanted == *waba))
        .collect();
    if due.is_empty() {
        return Err(ApiError::because(
            ErrorCode::UnknownNumber,
            "you have no number in this account",
        ));
    }
    for waba in &due {
        call.state().templates.look_up_now(call.tenant(), waba);
    }
    Ok(HttpResponse::Accepted().json(json!({ "accounts": due })))
}

/// `GET /v1/template-library`: Meta's ready templates; it asks Meta.
pub(in crate::api) async fn library(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let search = params.take::<String>("search", "a word")?;
    let language = params.take::<String>("language", "a language such as en_US")?;
    let cursor = params.take::<String>("cursor", "a `next_cursor` of this list")?;
    params.finish()?;
    let (_, token) = way_to_meta(&call, None).await?;
    let _turn = call.state().slow_calls.take(call.tenant())?;
    let (search, language) = (search.as_deref(), language.as_deref());
    let page = call
        .state()
        .templates
        .library(search, language, cursor.as_deref(), &token)
        .await?;
    Ok(HttpResponse::Ok().json(json!({
        "templates": page.templates,
        "next_cursor": page.after,
    })))
}

impl DraftFields {
    /// How its variables are called.
    pub(super) fn format(&self) -> ParameterFormat {
        let written = self.parameter_format.as_deref();
        Definition::read(&self.components, &self.category, written).format()
    }
}
