//! Message templates: what each account has at Meta, how that changed, and when it was looked up.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kept, PLAIN, Subject, Table};
use crate::domain::{Purpose, TemplateId, TemplateName, TemplateStatus, TenantId, Timestamp, WabaId};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where templates are declared.
pub const TEMPLATE: Table = Table {
    name: "template",
    says: "a message template as Meta has it: category, status, quality, components",
    key: "tenant · digest of account, name and language",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Tenant,
    ..PLAIN
};

/// Where the versions before stand.
pub const TEMPLATE_HISTORY: Table = Table {
    name: "template_history",
    says: "how a message template changed: status, category, components",
    key: "tenant · digest of account, name and language",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Tenant,
    ..PLAIN
};

/// Where it stands how the templates of an account were looked up.
pub const TEMPLATE_ACCOUNT: Table = Table {
    name: "template_account",
    says: "when the templates of an account were looked up at Meta, by whom now, and why that failed",
    key: "tenant · account",
    subject: Subject::Tenant,
    ..PLAIN
};

/// For so long a process that looks an account up is believed to be at it, unless it says so again.
const LEASE: Duration = Duration::from_secs(20);

/// How long a template that Meta deleted is remembered.
const DELETED: Duration = Duration::from_hours(24 * 30);

/// A template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// The account.
    pub waba: WabaId,
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: String,
    /// Meta's id, which some calls and webhooks name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub meta_id: Option<String>,
    /// As Meta writes it.
    pub category: String,
    /// How it stands.
    pub status: TemplateStatus,
    /// GREEN, YELLOW, RED or UNKNOWN.
    pub quality: String,
    /// Why it is rejected or paused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// `positional` or `named`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parameter_format: Option<String>,
    /// In Meta's JSON; null where they are too long to keep, or were never told.
    pub components: Value,
    /// For how many seconds Meta tries to deliver a message of it; -1 is thirty days. Meta's own time when left out.
    #[serde(
        rename = "message_send_ttl_seconds",
        skip_serializing_if = "Option::is_none",
        default
    )]
    pub ttl_seconds: Option<i64>,
    /// When something of it changed last.
    pub changed_at: Timestamp,
    /// What was heard of each part last by a webhook, or changed by the gateway.
    #[serde(default)]
    pub told: Told,
}

/// When something was heard: after which look-up of the account, so that no clock orders it and the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The look-up that had begun last. What it lists may be older; what a later one lists is newer.
    pub generation: u64,
    /// Meta's time of it, which orders what Meta tells among itself; none where the gateway made the change.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at: Option<Timestamp>,
}

/// What was heard of each part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Of the status.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<Heard>,
    /// Of the quality.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quality: Option<Heard>,
    /// Of the category.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub category: Option<Heard>,
    /// Of the components.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub components: Option<Heard>,
}

impl Told {
    /// Whether something of it was heard that a look-up may not have seen.
    pub fn is_since(&self, generation: u64) -> bool {
        let all = [self.status, self.quality, self.category, self.components];
        all.into_iter()
            .flatten()
            .any(|heard| heard.generation >= generation)
    }
}

impl Template {
    /// What a message of it is for. What is neither useful for something else nor a code is marketing.
    pub fn purpose(&self) -> Purpose {
        let is_other = ["UTILITY", "AUTHENTICATION"]
            .iter()
            .any(|category| self.category.eq_ignore_ascii_case(category));
        if is_other {
            Purpose::Other
        } else {
            Purpose::Marketing
        }
    }

    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&TEMPLATE, tenant)
    }

    /// One of them.
    pub fn at(tenant: TenantId, id: TemplateId) -> PlainKey {
        Self::of(tenant).row(id.as_bytes())
    }

    /// What names it.
    pub fn named(&self) -> TemplateName {
        TemplateName::new(self.waba.clone(), self.name.clone(), &self.language)
    }

    /// The id under which it is kept.
    pub fn id(&self) -> TemplateId {
        self.named().id()
    }

    /// Until when it is remembered, once it is deleted.
    pub fn until(&self) -> Option<Timestamp> {
        (self.status == TemplateStatus::Deleted).then(|| self.changed_at.after(DELETED))
    }
}

impl PlainRow for Template {
    const TABLE: &'static Table = &TEMPLATE;

    fn expires(&self) -> Option<Timestamp> {
        self.until()
    }
}

/// One of a template's versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TemplateVersion {
    /// Since when.
    pub at: Timestamp,
    /// How it stood.
    pub status: TemplateStatus,
    /// What it was for.
    pub category: String,
    /// In Meta's JSON.
    pub components: Value,
    /// What made it: `sync`, `webhook`, `created`, `edited` or `deleted`, and Meta's reason behind it.
    pub why: String,
}

/// All versions of a template that are remembered, newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TemplateHistory {
    /// The versions.
    pub versions: Vec<TemplateVersion>,
    /// Until when, once the template is deleted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Timestamp>,
}

impl TemplateHistory {
    /// Versions that are remembered.
    pub const MOST: usize = 20;
    /// Bytes of all of them.
    const LONGEST: usize = 56 << 10;

    /// Where a template's stands.
    pub fn at(tenant: TenantId, id: TemplateId) -> PlainKey {
        Partition::of_tenant(&TEMPLATE_HISTORY, tenant).row(id.as_bytes())
    }

    /// Notes how a template is now; nothing where it was so already.
    pub fn note(&mut self, template: &Template, why: String) {
        self.until = template.until();
        let version = TemplateVersion {
            at: template.changed_at,
            status: template.status.clone(),
            category: template.category.clone(),
            components: template.components.clone(),
            why,
        };
        let is_same = |newest: &TemplateVersion| {
            (&newest.status, &newest.category, &newest.components)
                == (&version.status, &version.category, &version.components)
        };
        if self.versions.first().is_some_and(is_same) {
            return;
        }
        self.versions.insert(0, version);
        self.versions.truncate(Self::MOST);
        while self.versions.len() > 1 && self.length() > Self::LONGEST {
            self.versions.pop();
        }
    }

    fn length(&self) -> usize {
        serde_json::to_vec(&self.versions).map_or(usize::MAX, |bytes| bytes.len())
    }
}

impl PlainRow for TemplateHistory {
    const TABLE: &'static Table = &TEMPLATE_HISTORY;

    fn expires(&self) -> Option<Timestamp> {
        self.until
    }
}

/// How the templates of an account were looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateAccount {
    /// The account.
    pub waba: WabaId,
    /// When the look-up that went well last began. What is there since then is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub synced_at: Option<Timestamp>,
    /// When the last one began, however it ended.
    pub began: Timestamp,
    /// Which one that was: each has the next number.
    #[serde(default)]
    pub generation: u64,
    /// Until when nobody else begins one, unless whoever is at it says so again; none once it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub running_until: Option<Timestamp>,
    /// How many templates there are in which state.
    #[serde(default)]
    pub counts: BTreeMap<TemplateStatus, u32>,
    /// Why the last one failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

impl TemplateAccount {
    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&TEMPLATE_ACCOUNT, tenant)
    }

    /// One of them.
    pub fn at(tenant: TenantId, waba: &WabaId) -> PlainKey {
        Self::of(tenant).row(waba.as_str().as_bytes())
    }

    /// Until when whoever looks it up now is believed to be at it.
    pub fn lease(now: Timestamp) -> Timestamp {
        now.after(LEASE)
    }

    /// Whether somebody looks it up. A lease that ends later than any that is given now is one of a clock that was set back.
    pub fn is_running(&self, now: Timestamp) -> bool {
        let longest = now.after(LEASE * 2);
        self.running_until
            .is_some_and(|until| now < until && until <= longest)
    }
}

impl PlainRow for TemplateAccount {
    const TABLE: &'static Table = &TEMPLATE_ACCOUNT;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(text: &str) -> Template {
        Template {
            waba: WabaId::parse("1").unwrap(),
            name: "a".to_owned(),
            language: "en".to_owned(),
            meta_id: None,
            category: "UTILITY".to_owned(),
            status: TemplateStatus::Approved,
            quality: "GREEN".to_owned(),
            reason: None,
            parameter_format: None,
            ttl_seconds: None,
            components: json!([{ "type": "BODY", "text": text }]),
            changed_at: Timestamp::from_secs(1),
            told: Told::default(),
        }
    }

    #[test]
    fn a_history_keeps_what_changed_and_no_more_than_a_row_holds() {
        let mut history = TemplateHistory::default();
        history.note(&template("one"), "sync".to_owned());
        history.note(&template("one"), "sync".to_owned());
        assert_eq!(history.versions.len(), 1);
        for number in 0..30 {
            history.note(&template(&number.to_string()), "webhook".to_owned());
        }
        assert_eq!(history.versions.len(), TemplateHistory::MOST);
        assert_eq!(history.versions[0].components[0]["text"], "29");
        for number in 0..5 {
            history.note(
                &template(&format!("{number}{}", "x".repeat(20_000))),
                "edited".to_owned(),
            );
        }
        assert_eq!(history.versions.len(), 2);
    }

    #[test]
    fn a_deleted_template_is_forgotten_after_a_month() {
        let mut gone = template("one");
        assert_eq!(gone.expires(), None);
        gone.status = TemplateStatus::Deleted;
        assert_eq!(gone.expires(), Some(gone.changed_at.after(DELETED)));
    }
}
