//! Templates that the business makes, edits and deletes: Meta first, then the row, so that nothing is shown that Meta refused.

use serde_json::{Map, Value, json};

use super::merge::{Listed, kept};
use super::{TemplateBook, TemplateError, TemplateLimit};
use crate::domain::{MetaError, TemplateId, TemplateName, TemplateStatus, TenantId, WabaId};
use crate::store::StoreError;
use crate::store::tables::{Heard, Template};
use crate::whatsapp::client::{BearerToken, GraphError, TemplatePage};
use crate::whatsapp::templates::{LibraryDraft, ParameterFormat};

/// In Meta's JSON: for how many seconds Meta tries to deliver a message.
pub(super) const TTL: &str = "message_send_ttl_seconds";

/// A template to be reviewed.
#[derive(Debug, Clone)]
pub struct NewTemplate {
    /// What names it.
    pub name: TemplateName,
    /// MARKETING, UTILITY or AUTHENTICATION.
    pub category: String,
    /// What it is made of.
    pub source: TemplateSource,
}

/// What a new template is made of.
#[derive(Debug, Clone)]
pub enum TemplateSource {
    /// The business wrote it.
    Written {
        /// How its variables are called.
        format: ParameterFormat,
        /// In Meta's JSON.
        components: Value,
        /// How long Meta tries to deliver its messages.
        ttl_seconds: Option<i64>,
    },
    /// One of Meta's library, which Meta approves at once.
    Library(LibraryDraft),
}

impl NewTemplate {
    /// What Meta is asked for.
    fn asked(&self) -> Value {
        let mut asked = json!({
            "name": self.name.name,
            "language": self.name.language,
            "category": self.category,
        });
        let mut put = |key: &str, value: Value| {
            if let Some(fields) = asked.as_object_mut() {
                fields.insert(key.to_owned(), value);
            }
        };
        match &self.source {
            TemplateSource::Written {
                format,
                components,
                ttl_seconds,
            } => {
                let format = match format {
                    ParameterFormat::Positional => "positional",
                    ParameterFormat::Named => "named",
                };
                put("parameter_format", format.into());
                put("components", components.clone());
                if let Some(seconds) = ttl_seconds {
                    put(TTL, (*seconds).into());
                }
            }
            TemplateSource::Library(draft) => {
                put("library_template_name", draft.library_name.as_str().into());
                if let Some(buttons) = &draft.buttons {
                    put("library_template_button_inputs", buttons.clone());
                }
                if let Some(body) = &draft.body {
                    put("library_template_body_inputs", body.clone());
                }
            }
        }
        asked
    }
}

/// What is to change of a template.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Another category.
    pub category: Option<String>,
    /// Other components: all of them.
    pub components: Option<Value>,
    /// Another time for which Meta tries to deliver its messages.
    pub ttl_seconds: Option<i64>,
}

impl Change {
    /// Whether nothing is to change.
    pub const fn is_nothing(&self) -> bool {
        self.category.is_none() && self.components.is_none() && self.ttl_seconds.is_none()
    }
}

impl TemplateBook {
    /// Has Meta review a template; how it then stands.
    pub async fn create(
        &self,
        tenant: TenantId,
        new: NewTemplate,
        token: &BearerToken,
    ) -> Result<Template, TemplateError> {
        let asked = new.asked();
        let waba = new.name.waba.clone();
        let began = self.generation(tenant, &waba).await?;
        let made = self.graph.create_template(&waba, &asked, token).await;
        // Where Meta's answer is lost, the next list tells what became of it.
        self.look_up_now(tenant, &waba);
        let id = new.name.id();
        let now = self.clock.now();
        let made = match made {
            Err(GraphError::Refused { error, http_status }) => {
                let before = self.get(tenant, id).await?;
                let limit = TemplateLimit::of_creation(error.code, before.as_ref(), now);
                return Err(refused(limit, error, http_status));
            }
            made => made?,
        };
        let mut made_as = asked;
        if let (Some(fields), Value::Object(answer)) = (made_as.as_object_mut(), made) {
            fields.extend(answer);
        }
        let listed = Listed::read(&waba, &made_as);
        if let Some(listed) = listed {
            let is_written = matches!(new.source, TemplateSource::Written { .. });
            // A list that is under way may not have it.
            let heard = self.changed(tenant, &waba).await?;
            self.change(tenant, id, "created", |before| {
                // One of this name that was deleted before says nothing about this one.
                let before = before.filter(|before| before.status != TemplateStatus::Deleted);
                let mut row = listed.clone().row(before, began, now);
                // What one of the library says is in the next list.
                row.told.components = is_written.then_some(heard);
                Some(row)
            })
            .await?;
        }
        let row = self.get(tenant, id).await?;
        row.ok_or_else(|| GraphError::Unreadable("the new template has no name".to_owned()).into())
    }

    /// Has Meta change a template, and review it again.
    pub async fn edit(
        &self,
        tenant: TenantId,
        row: &Template,
        change: Change,
        token: &BearerToken,
    ) -> Result<Template, TemplateError> {
        let mut asked = Map::new();
        if let Some(category) = &change.category {
            asked.insert("category".to_owned(), category.as_str().into());
        }
        if let Some(components) = &change.components {
            asked.insert("components".to_owned(), components.clone());
        }
        if let Some(seconds) = change.ttl_seconds {
            asked.insert(TTL.to_owned(), seconds.into());
        }
        let meta_id = row.meta_id.as_deref().unwrap_or_default();
        let edited = self.graph.edit_template(meta_id, &asked.into(), token).await;
        self.look_up_now(tenant, &row.waba);
        if let Err(GraphError::Refused { error, http_status }) = edited {
            let versions = self.versions(tenant, row.id()).await?;
            let limit = TemplateLimit::of_edit(error.code, (row, &versions), self.clock.now());
            return Err(refused(limit, error, http_status));
        }
        edited?;
        let (now, heard) = (self.clock.now(), self.changed(tenant, &row.waba).await?);
        self.change(tenant, row.id(), "edited", |before| {
            let before = before?;
            let mut after = Template {
                status: TemplateStatus::Pending,
                reason: None,
                changed_at: now,
                ..before.clone()
            };
            after.told.status = Some(heard);
            if let Some(category) = &change.category {
                after.category.clone_from(category);
                after.told.category = Some(heard);
            }
            if let Some(components) = &change.components {
                after.components = kept(Some(components));
                after.told.components = Some(heard);
            }
            if let Some(seconds) = change.ttl_seconds {
                after.ttl_seconds = Some(seconds);
                after.told.components = Some(heard);
            }
            Some(after)
        })
        .await?;
        Ok(self.get(tenant, row.id()).await?.unwrap_or_else(|| row.clone()))
    }

    /// Has Meta delete a template in its language, or in all.
    pub async fn delete(
        &self,
        tenant: TenantId,
        row: &Template,
        reach: Reach,
        token: &BearerToken,
    ) -> Result<(), TemplateError> {
        let id = match reach {
            Reach::OneLanguage => row.meta_id.as_deref(),
            Reach::AllLanguages => None,
        };
        let deleted = self.graph.delete_template(&row.waba, &row.name, id, token).await;
        self.look_up_now(tenant, &row.waba);
        deleted?;
        let (now, heard) = (self.clock.now(), self.changed(tenant, &row.waba).await?);
        for id in self.reached(tenant, row, reach).await? {
            self.change(tenant, id, "deleted", |before| {
                let mut after = Template {
                    status: TemplateStatus::Deleted,
                    reason: None,
                    changed_at: now,
                    ..before?.clone()
                };
                after.told.status = Some(heard);
                Some(after)
            })
            .await?;
        }
        Ok(())
    }

    /// Something of an account was changed at Meta just now.
    async fn changed(&self, tenant: TenantId, waba: &WabaId) -> Result<Heard, StoreError> {
        let generation = self.generation(tenant, waba).await?;
        Ok(Heard { generation, at: None })
    }

    /// A page of Meta's ready templates.
    pub async fn library(
        &self,
        search: Option<&str>,
        language: Option<&str>,
        after: Option<&str>,
        token: &BearerToken,
    ) -> Result<TemplatePage, TemplateError> {
        Ok(self
            .graph
            .template_library(search, language, after, token)
            .await?)
    }

    /// The templates that a deletion concerns.
    async fn reached(
        &self,
        tenant: TenantId,
        row: &Template,
        reach: Reach,
    ) -> Result<Vec<TemplateId>, TemplateError> {
        if reach == Reach::OneLanguage {
            return Ok(vec![row.id()]);
        }
        let (mut reached, mut after) = (Vec::new(), None);
        loop {
            let (rows, next) = self.page_of(tenant, &row.waba, after.take()).await?;
            let same = rows.iter().filter(|other| other.name == row.name);
            reached.extend(same.map(Template::id));
            after = next;
            if after.is_none() {
                return Ok(reached);
            }
        }
    }
}

/// What Meta refused, and by which of its limits, if it was one.
fn refused(limit: Option<TemplateLimit>, error: MetaError, http_status: u16) -> TemplateError {
    match limit.filter(|_| (400..500).contains(&http_status)) {
        Some(limit) => TemplateError::Limit { limit, error },
        None => GraphError::Refused { http_status, error }.into(),
    }
}

/// How far a deletion reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The template in its own language.
    OneLanguage,
    /// All templates of its name.
    AllLanguages,
}
