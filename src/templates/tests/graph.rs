//! Meta's templates as a test has them.

use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::domain::{MetaError, PhoneNumberId, WabaId};
use crate::whatsapp::client::{BearerToken, GraphError, GraphNumbers, GraphTemplates, TemplatePage};
use crate::whatsapp::number_check::NumberFacts;

/// Templates of one page: few, so that there are several.
const PAGE: usize = 2;

/// See the module.
pub(crate) struct TemplatesAtMeta {
    listed: Mutex<Vec<Value>>,
    calls: Mutex<Vec<String>>,
    quality: Mutex<String>,
    asked: Mutex<Vec<PhoneNumberId>>,
    fails_from: Mutex<usize>,
    refusal: Mutex<Option<MetaError>>,
    is_circle: std::sync::atomic::AtomicBool,
    approves: std::sync::atomic::AtomicBool,
    open: Semaphore,
}

impl Default for TemplatesAtMeta {
    fn default() -> Self {
        Self {
            listed: Mutex::default(),
            calls: Mutex::default(),
            quality: Mutex::new("GREEN".to_owned()),
            asked: Mutex::default(),
            fails_from: Mutex::new(usize::MAX),
            refusal: Mutex::default(),
            is_circle: std::sync::atomic::AtomicBool::default(),
            approves: std::sync::atomic::AtomicBool::default(),
            open: Semaphore::new(1),
        }
    }
}

impl TemplatesAtMeta {
    /// Has these templates from now on.
    pub(crate) fn list(&self, templates: Vec<Value>) {
        *self.listed.lock().unwrap() = templates;
    }

    /// Tells this of all numbers from now on.
    pub(crate) fn rate(&self, quality: &str) {
        quality.clone_into(&mut self.quality.lock().unwrap());
    }

    /// The numbers that were asked about, in order.
    pub(crate) fn asked(&self) -> Vec<PhoneNumberId> {
        self.asked.lock().unwrap().clone()
    }

    /// Breaks lists off at this page.
    pub(crate) fn fail_from(&self, page: usize) {
        *self.fails_from.lock().unwrap() = page;
    }

    /// Answers every list by its first page, and that more follows.
    pub(crate) fn go_in_circles(&self) {
        self.is_circle.store(true, std::sync::atomic::Ordering::Release);
    }

    /// Reviews nothing any more.
    pub(crate) fn approve_at_once(&self) {
        self.approves.store(true, std::sync::atomic::Ordering::Release);
    }

    /// Refuses every change.
    pub(crate) fn refuse(&self, code: i64, title: &str) {
        *self.refusal.lock().unwrap() = Some(MetaError {
            code,
            title: title.into(),
            details: Some("as the test says".into()),
        });
    }

    /// Takes changes again.
    pub(crate) fn allow(&self) {
        *self.refusal.lock().unwrap() = None;
    }

    /// Lets every list wait until the permit is dropped.
    pub(crate) fn hold(&self) -> SemaphorePermit<'_> {
        self.open.try_acquire().unwrap()
    }

    /// What was asked, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    fn called(&self, what: String) -> Result<(), GraphError> {
        self.calls.lock().unwrap().push(what);
        match self.refusal.lock().unwrap().clone() {
            Some(error) => Err(GraphError::Refused {
                http_status: 400,
                error,
            }),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl GraphNumbers for TemplatesAtMeta {
    async fn describe_number(
        &self,
        number: &PhoneNumberId,
        _: &BearerToken,
    ) -> Result<NumberFacts, GraphError> {
        self.asked.lock().unwrap().push(number.clone());
        Ok(NumberFacts {
            id: Some(number.as_str().to_owned()),
            quality: Some(self.quality.lock().unwrap().clone()),
            ..NumberFacts::default()
        })
    }
}

#[async_trait]
impl GraphTemplates for TemplatesAtMeta {
    async fn templates(
        &self,
        waba: &WabaId,
        after: Option<&str>,
        _: &BearerToken,
    ) -> Result<TemplatePage, GraphError> {
        drop(self.open.acquire().await.unwrap());
        self.calls.lock().unwrap().push(format!("list {waba} {after:?}"));
        let is_circle = self.is_circle.load(std::sync::atomic::Ordering::Acquire);
        let page: usize = after
            .filter(|_| !is_circle)
            .map_or(0, |after| after.parse().unwrap());
        if page >= *self.fails_from.lock().unwrap() {
            return Err(GraphError::Unreachable("connection refused".to_owned()));
        }
        let listed = self.listed.lock().unwrap();
        let templates: Vec<Value> = listed.iter().skip(page * PAGE).take(PAGE).cloned().collect();
        let more = listed.len() > (page + 1) * PAGE;
        Ok(TemplatePage {
            templates,
            after: more.then(|| (page + 1).to_string()),
        })
    }

    async fn create_template(
        &self,
        waba: &WabaId,
        template: &Value,
        _: &BearerToken,
    ) -> Result<Value, GraphError> {
        let library = template["library_template_name"].as_str().unwrap_or_default();
        self.called(format!("create {waba} {} {library}", template["name"]))?;
        let approves = self.approves.load(std::sync::atomic::Ordering::Acquire);
        let status = if approves { "APPROVED" } else { "PENDING" };
        Ok(json!({ "id": "77", "status": status, "category": template["category"] }))
    }

    async fn edit_template(&self, id: &str, change: &Value, _: &BearerToken) -> Result<(), GraphError> {
        self.called(format!("edit {id} {change}"))
    }

    async fn delete_template(
        &self,
        waba: &WabaId,
        name: &str,
        id: Option<&str>,
        _: &BearerToken,
    ) -> Result<(), GraphError> {
        self.called(format!("delete {waba} {name} {id:?}"))
    }

    async fn template_library(
        &self,
        search: Option<&str>,
        language: Option<&str>,
        _: Option<&str>,
        _: &BearerToken,
    ) -> Result<TemplatePage, GraphError> {
        self.called(format!("library {search:?} {language:?}"))?;
        Ok(TemplatePage {
            templates: vec![json!({ "name": "delivery_update", "body": "Your order left." })],
            after: None,
        })
    }
}
