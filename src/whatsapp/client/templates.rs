//! Calls about message templates. None of them sends a message, so each may be repeated.

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::http::{GraphClient, in_path};
use super::{BearerToken, GraphError, GraphNumbers};
use crate::domain::WabaId;

/// What is asked for of each template.
const FIELDS: &str = "id,name,language,category,status,quality_score,rejected_reason,parameter_format,components,message_send_ttl_seconds";
/// Templates of one page: carousels have some ten kilobytes each, and a longer answer than a megabyte is not read.
const PAGE: &str = "50";

/// A page of a list of Meta's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TemplatePage {
    /// The templates as Meta writes them.
    pub templates: Vec<Value>,
    /// Where the next page begins; `None` at the end.
    pub after: Option<String>,
}

/// What the gateway asks of the Graph API about templates.
#[async_trait]
pub trait GraphTemplates: GraphNumbers {
    /// A page of an account's templates.
    /// Source: Cloud API, `GET /{waba}/message_templates`.
    async fn templates(
        &self,
        waba: &WabaId,
        after: Option<&str>,
        token: &BearerToken,
    ) -> Result<TemplatePage, GraphError>;

    /// Has a new template reviewed. What Meta answers: `id`, `status`, `category`.
    async fn create_template(
        &self,
        waba: &WabaId,
        template: &Value,
        token: &BearerToken,
    ) -> Result<Value, GraphError>;

    /// Changes a template, by Meta's id of it.
    async fn edit_template(&self, id: &str, change: &Value, token: &BearerToken) -> Result<(), GraphError>;

    /// Deletes a template: in the language of Meta's id, or in all.
    async fn delete_template(
        &self,
        waba: &WabaId,
        name: &str,
        id: Option<&str>,
        token: &BearerToken,
    ) -> Result<(), GraphError>;

    /// A page of Meta's library of ready templates.
    /// Source: Cloud API, Template library (2025): `GET /message_template_library`.
    async fn template_library(
        &self,
        search: Option<&str>,
        language: Option<&str>,
        after: Option<&str>,
        token: &BearerToken,
    ) -> Result<TemplatePage, GraphError>;
}

#[async_trait]
impl GraphTemplates for GraphClient {
    async fn templates(
        &self,
        waba: &WabaId,
        after: Option<&str>,
        token: &BearerToken,
    ) -> Result<TemplatePage, GraphError> {
        let asked = [("fields", Some(FIELDS)), ("limit", Some(PAGE)), ("after", after)];
        let path = with_query(&path_of(waba), &asked);
        read_page(&self.ask(self.request(Method::GET, &path, token)).await?)
    }

    async fn create_template(
        &self,
        waba: &WabaId,
        template: &Value,
        token: &BearerToken,
    ) -> Result<Value, GraphError> {
        let request = self.request(Method::POST, &path_of(waba), token);
        self.ask(with_body(request, template)).await
    }

    async fn edit_template(&self, id: &str, change: &Value, token: &BearerToken) -> Result<(), GraphError> {
        let request = self.request(Method::POST, &in_path(id), token);
        self.ask(with_body(request, change)).await.map(|_| ())
    }

    async fn delete_template(
        &self,
        waba: &WabaId,
        name: &str,
        id: Option<&str>,
        token: &BearerToken,
    ) -> Result<(), GraphError> {
        let path = with_query(&path_of(waba), &[("name", Some(name)), ("hsm_id", id)]);
        self.ask(self.request(Method::DELETE, &path, token))
            .await
            .map(|_| ())
    }

    async fn template_library(
        &self,
        search: Option<&str>,
        language: Option<&str>,
        after: Option<&str>,
        token: &BearerToken,
    ) -> Result<TemplatePage, GraphError> {
        let asked = [("search", search), ("language", language), ("after", after)];
        let path = with_query("message_template_library", &asked);
        read_page(&self.ask(self.request(Method::GET, &path, token)).await?)
    }
}

fn path_of(waba: &WabaId) -> String {
    format!("{}/message_templates", in_path(waba.as_str()))
}

/// A path with those parameters that have a value.
pub(super) fn with_query(path: &str, asked: &[(&str, Option<&str>)]) -> String {
    let given = asked.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
    // The host is no part of what is taken from it.
    let url = reqwest::Url::parse_with_params("http://graph", given);
    match url.as_ref().ok().and_then(reqwest::Url::query) {
        Some(query) if !query.is_empty() => format!("{path}?{query}"),
        Some(_) | None => path.to_owned(),
    }
}

fn with_body(request: reqwest::RequestBuilder, body: &Value) -> reqwest::RequestBuilder {
    request
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(body.to_string())
}

/// A page without `next` is the last: the cursor that Meta gives even there leads to nothing.
fn read_page(answer: &Value) -> Result<TemplatePage, GraphError> {
    let templates = answer.get("data").and_then(Value::as_array).cloned();
    let templates = templates.ok_or_else(|| GraphError::Unreadable("a list has no `data`".to_owned()))?;
    let has_next = answer.pointer("/paging/next").is_some_and(Value::is_string);
    let after = answer.pointer("/paging/cursors/after").and_then(Value::as_str);
    if has_next && after.is_none() {
        return Err(GraphError::Unreadable(
            "a list goes on and does not say where".to_owned(),
        ));
    }
    Ok(TemplatePage {
        templates,
        after: after.filter(|_| has_next).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_callers_name_stays_within_its_parameter() {
        let asked = [("search", Some("a&b=c/../d é")), ("language", None)];
        assert_eq!(with_query("x", &asked), "x?search=a%26b%3Dc%2F..%2Fd+%C3%A9");
        assert_eq!(with_query("x", &[("after", None)]), "x");
    }

    #[test]
    fn a_page_goes_on_while_meta_names_a_next_one() {
        let page = |paging: Value| read_page(&json!({ "data": [{}], "paging": paging })).unwrap();
        let next = json!({ "cursors": { "after": "abc" }, "next": "https://graph.example/x" });
        assert_eq!(page(next).after.as_deref(), Some("abc"));
        let nowhere = json!({ "data": [{}], "paging": { "next": "https://graph.example/x" } });
        assert!(read_page(&nowhere).is_err(), "what follows is not deleted");
        assert_eq!(page(json!({ "cursors": { "after": "abc" } })).after, None);
        assert!(read_page(&json!({ "templates": [] })).is_err());
    }
}
