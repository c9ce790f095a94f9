//! Trying templates out: what a message would show, and what Meta's review would refuse of a new one. Nothing is sent or stored.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::super::auth::{Call, CanRead};
use super::super::error::{ApiError, ErrorCode};
use super::super::json::Fields;
use super::samples::check_samples;
use crate::domain::{ContentError, PhoneNumberId};
use crate::templates::TemplateRefusal;
use crate::whatsapp::parse_outbound;
use crate::whatsapp::templates::{Definition, Draft, ParameterFormat, problems};

/// A problem as the API shows it.
pub(super) fn problem(problem: &ContentError) -> Value {
    json!({ "path": problem.path, "problem": problem.problem })
}

/// A draft that Meta would refuse at once is not sent to it.
pub(super) fn refuse_problems(found: &[ContentError]) -> Result<(), ApiError> {
    let Some(first) = found.first() else {
        return Ok(());
    };
    let all: Vec<Value> = found.iter().map(problem).collect();
    Err(ApiError::because(ErrorCode::TemplateInvalid, first.to_string())
        .with("path", first.path.clone())
        .with("problems", all))
}

impl From<TemplateRefusal> for ApiError {
    fn from(refusal: TemplateRefusal) -> Self {
        let why = refusal.to_string();
        match refusal {
            TemplateRefusal::Unknown => Self::because(ErrorCode::TemplateUnknown, why),
            TemplateRefusal::NotSendable(status) => {
                Self::because(ErrorCode::TemplateNotSendable, why).with("status", status.as_str())
            }
            TemplateRefusal::Invalid(error) => {
                Self::because(ErrorCode::TemplateInvalid, why).with("path", error.path)
            }
        }
    }
}

/// The fields of a draft.
pub(super) struct DraftFields {
    pub(super) name: String,
    pub(super) language: String,
    pub(super) category: String,
    pub(super) parameter_format: Option<String>,
    pub(super) components: Value,
    pub(super) ttl_seconds: Option<i64>,
}

impl DraftFields {
    /// Reads what is left of a body.
    pub(super) fn read(mut fields: Fields) -> Result<Self, ApiError> {
        let draft = Self {
            name: fields.required("name")?,
            language: fields.required("language")?,
            category: fields.required("category")?,
            parameter_format: fields.optional("parameter_format")?,
            components: fields.required("components")?,
            ttl_seconds: fields.optional("message_send_ttl_seconds")?,
        };
        fields.finish()?;
        let format = draft.parameter_format.as_deref();
        if format.is_some_and(|format| ParameterFormat::parse(format).is_none()) {
            return Err(ApiError::invalid(
                "`parameter_format` must be `positional` or `named`",
            ));
        }
        Ok(draft)
    }

    pub(super) fn problems(&self) -> Vec<ContentError> {
        problems(&Draft {
            name: &self.name,
            language: &self.language,
            category: &self.category,
            format: self.parameter_format.as_deref().and_then(ParameterFormat::parse),
            components: &self.components,
            ttl_seconds: self.ttl_seconds,
        })
    }
}

/// `POST /v1/templates/check`: what the customer would see of a message.
pub(in crate::api) async fn check(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let number = fields.required::<PhoneNumberId>("phone_number_id")?;
    let template = fields.required::<Value>("template")?;
    fields.finish()?;
    let numbers = call.state().tenants.numbers(call.tenant()).await?;
    let mut own = numbers.into_iter().filter(|own| call.limit().admits(&own.id));
    let own = own
        .find(|own| own.id == number)
        .ok_or_else(|| ApiError::new(ErrorCode::UnknownNumber))?;
    let message = json!({ "type": "template", "template": template });
    let raw = serde_json::value::to_raw_value(&message).map_err(ApiError::internal)?;
    parse_outbound(&raw).map_err(TemplateRefusal::Invalid)?;
    let templates = &call.state().templates;
    // None of an account that was never looked up, and of components that no row holds: such a message would be taken.
    let preview = templates.compared(call.tenant(), &own.waba, &template).await??;
    Ok(HttpResponse::Ok().json(json!({ "preview": preview })))
}

/// `POST /v1/templates/check-definition`: what Meta's review would refuse at once, and how the examples look.
pub(in crate::api) async fn check_definition(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    let draft = DraftFields::read(Fields::read(call.body())?)?;
    let format = draft.parameter_format.as_deref();
    let preview = Definition::read(&draft.components, &draft.category, format).sample(&draft.components);
    let mut problems = draft.problems();
    problems.extend(check_samples(&call, &draft.components).await?.0);
    let problems: Vec<Value> = problems.iter().map(problem).collect();
    Ok(HttpResponse::Ok().json(json!({ "problems": problems, "preview": preview })))
}
