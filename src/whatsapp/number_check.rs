//! Whether a number is ready to send and receive: what Meta says about it, held against what is needed.
//!
//! Source: Cloud API, Phone numbers (Feb 27 2026), Webhook overrides (Nov 7 2025).

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::domain::PhoneNumberId;

/// What is asked about a number.
pub const NUMBER_FIELDS: &str = "id,display_phone_number,verified_name,quality_rating,status,throughput,platform_type,\
code_verification_status,name_status,webhook_configuration,whatsapp_business_manager_messaging_limit";

/// What Meta says about a number. Values are kept as they came: new ones appear without notice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NumberFacts {
    /// Meta's id of the number.
    pub id: Option<String>,
    /// As people write it.
    pub display: Option<String>,
    /// The name that customers see.
    pub verified_name: Option<String>,
    /// GREEN, YELLOW, RED, NA or UNKNOWN.
    pub quality: Option<String>,
    /// CONNECTED when it can send.
    pub status: Option<String>,
    /// STANDARD, HIGH, …
    pub throughput: Option<String>,
    /// CLOUD_API for numbers that this gateway can use.
    pub platform: Option<String>,
    /// APPROVED, PENDING_REVIEW, DECLINED, …
    pub name_status: Option<String>,
    /// VERIFIED, …
    pub code_verification: Option<String>,
    /// How many customers may be written to first in 24 hours: TIER_250, …
    pub messaging_limit: Option<String>,
    /// Where this number's webhooks go, if not where its account's go.
    pub number_webhook: Option<String>,
    /// Where its account's webhooks go, if not where the app's go.
    pub account_webhook: Option<String>,
    /// Where the app's webhooks go.
    pub app_webhook: Option<String>,
}

impl NumberFacts {
    /// Reads Graph's answer. Absent and unreadable fields stay `None`.
    pub fn read(answer: &Value) -> Self {
        let text = |pointer: &str| {
            answer.pointer(pointer).and_then(|value| match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
        };
        Self {
            id: text("/id"),
            display: text("/display_phone_number"),
            verified_name: text("/verified_name"),
            quality: text("/quality_rating").or_else(|| text("/quality_rating/score")),
            status: text("/status"),
            throughput: text("/throughput/level"),
            platform: text("/platform_type"),
            name_status: text("/name_status"),
            code_verification: text("/code_verification_status"),
            messaging_limit: text("/whatsapp_business_manager_messaging_limit"),
            number_webhook: text("/webhook_configuration/phone_number"),
            account_webhook: text("/webhook_configuration/whatsapp_business_account"),
            app_webhook: text("/webhook_configuration/application"),
        }
    }

    /// Where the number's webhooks go: its own address, else its account's, else the app's.
    pub fn webhook(&self) -> Option<&str> {
        [&self.number_webhook, &self.account_webhook, &self.app_webhook]
            .into_iter()
            .find_map(|address| address.as_deref().filter(|address| !address.is_empty()))
    }
}

/// An app that gets an account's webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscribedApp {
    /// Meta's id of the app.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Where it has this account's webhooks sent instead.
    pub override_callback: Option<String>,
}

impl SubscribedApp {
    /// Reads Graph's answer; entries without an id are left out.
    pub fn read_all(answer: &Value) -> Vec<Self> {
        let entries = answer.get("data").and_then(Value::as_array);
        entries
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let app = entry.get("whatsapp_business_api_data").unwrap_or(entry);
                let text = |from: &Value, key: &str| from.get(key).and_then(Value::as_str).map(str::to_owned);
                Some(Self {
                    id: text(app, "id")?,
                    name: text(app, "name"),
                    override_callback: text(entry, "override_callback_uri"),
                })
            })
            .collect()
    }
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works, but someone should look.
    Doubtful,
    /// It will not work.
    Bad,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "good",
            Self::Doubtful => "doubtful",
            Self::Bad => "bad",
        })
    }
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it came out.
    pub verdict: Verdict,
    /// What was found, and what to do if it is not good.
    pub found: String,
}

/// What the gateway wants of a number.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The number.
    pub number: &'a PhoneNumberId,
    /// Messages per second that are configured for it.
    pub per_second: u32,
    /// The public address of this gateway's webhooks, if known.
    pub callback: Option<&'a str>,
    /// The app that it names in the settings.
    pub app: Option<&'a str>,
    /// All apps of the settings.
    pub apps: &'a [Arc<str>],
}

/// Holds Meta's words against what is wanted, one line per point, in the order in which to mend them.
pub fn check_number(facts: &NumberFacts, apps: &[SubscribedApp], wanted: Wanted<'_>) -> Vec<Check> {
    vec![
        check_id(facts, wanted.number),
        check_status(facts),
        check_platform(facts),
        check_name(facts),
        check_quality(facts),
        check_throughput(facts, wanted.per_second),
        check_limit(facts),
        check_app(&wanted),
        check_subscription(apps),
        check_webhook(facts, apps, wanted.callback),
    ]
}

fn line(name: &'static str, verdict: Verdict, found: impl Into<String>) -> Check {
    Check {
        name,
        verdict,
        found: found.into(),
    }
}

fn said(value: Option<&String>) -> &str {
    value.map_or("not told", String::as_str)
}

fn check_id(facts: &NumberFacts, number: &PhoneNumberId) -> Check {
    match &facts.id {
        Some(id) if id == number.as_str() => {
            line("token and number", Verdict::Good, "the token reads this number")
        }
        Some(id) => line(
            "token and number",
            Verdict::Bad,
            format!("Meta answered for {id}: use the phone number id, not the number or the account"),
        ),
        None => line(
            "token and number",
            Verdict::Bad,
            "Meta told no id: check the phone number id and the token's permissions",
        ),
    }
}

fn check_status(facts: &NumberFacts) -> Check {
    match facts.status.as_deref() {
        Some("CONNECTED") => line("status", Verdict::Good, "CONNECTED"),
        None => line("status", Verdict::Doubtful, "not told"),
        Some(other) => line(
            "status",
            Verdict::Bad,
            format!("{other}: register the number first"),
        ),
    }
}

fn check_platform(facts: &NumberFacts) -> Check {
    match facts.platform.as_deref() {
        Some("CLOUD_API") => line("platform", Verdict::Good, "CLOUD_API"),
        None => line("platform", Verdict::Doubtful, "not told"),
        Some(other) => line(
            "platform",
            Verdict::Bad,
            format!("{other}: only Cloud API numbers can be used"),
        ),
    }
}

fn check_name(facts: &NumberFacts) -> Check {
    let verdict = match facts.name_status.as_deref() {
        Some("APPROVED" | "AVAILABLE_WITHOUT_REVIEW") => Verdict::Good,
        Some("DECLINED" | "EXPIRED") => Verdict::Bad,
        _ => Verdict::Doubtful,
    };
    line("display name", verdict, said(facts.name_status.as_ref()))
}

fn check_quality(facts: &NumberFacts) -> Check {
    let verdict = match facts.quality.as_deref() {
        Some("GREEN" | "NA" | "UNKNOWN") => Verdict::Good,
        Some("RED") => Verdict::Bad,
        _ => Verdict::Doubtful,
    };
    line("quality", verdict, said(facts.quality.as_ref()))
}

fn check_throughput(facts: &NumberFacts, per_second: u32) -> Check {
    let configured = match per_second {
        1 => "1 message per second is configured".to_owned(),
        more => format!("{more} messages per second are configured"),
    };
    let level = said(facts.throughput.as_ref());
    let allowed = match level {
        "STANDARD" => 80,
        "HIGH" => 1_000,
        _ => {
            return line("throughput", Verdict::Doubtful, format!("{level}; {configured}"));
        }
    };
    let verdict = if per_second <= allowed {
        Verdict::Good
    } else {
        Verdict::Bad
    };
    line(
        "throughput",
        verdict,
        format!("{level} allows {allowed}; {configured}"),
    )
}

fn check_limit(facts: &NumberFacts) -> Check {
    let verdict = if facts.messaging_limit.is_some() {
        Verdict::Good
    } else {
        Verdict::Doubtful
    };
    line(
        "messaging limit",
        verdict,
        format!(
            "{}: customers that may be written to first in 24 hours, shared by the whole portfolio",
            said(facts.messaging_limit.as_ref())
        ),
    )
}

fn check_app(wanted: &Wanted<'_>) -> Check {
    let names = wanted.apps.join(", ");
    match (wanted.app, wanted.apps) {
        (_, []) => line(
            "app",
            Verdict::Bad,
            "`whatsapp.apps` is empty: every webhook is refused",
        ),
        (Some(app), apps) if apps.iter().any(|known| **known == *app) => {
            line("app", Verdict::Good, format!("webhooks are signed by `{app}`"))
        }
        (Some(app), _) => line(
            "app",
            Verdict::Bad,
            format!(
                "it names `{app}`, which is not in `whatsapp.apps` ({names}): its webhooks are put aside. `mesej number add` \
                 with --app names another"
            ),
        ),
        (None, [only]) => line(
            "app",
            Verdict::Good,
            format!("webhooks are signed by `{only}`, the only app"),
        ),
        (None, _) => line(
            "app",
            Verdict::Bad,
            format!(
                "it names no app, and there are several ({names}): its webhooks are put aside. `mesej number add` with --app \
                 names one"
            ),
        ),
    }
}

fn check_subscription(apps: &[SubscribedApp]) -> Check {
    if apps.is_empty() {
        return line(
            "subscription",
            Verdict::Bad,
            "no app is subscribed to the account: nothing will be received",
        );
    }
    let names: Vec<&str> = apps
        .iter()
        .map(|app| app.name.as_deref().unwrap_or(&app.id))
        .collect();
    line(
        "subscription",
        Verdict::Good,
        format!("subscribed: {}", names.join(", ")),
    )
}

fn check_webhook(facts: &NumberFacts, apps: &[SubscribedApp], callback: Option<&str>) -> Check {
    let overridden = apps.iter().find_map(|app| app.override_callback.as_deref());
    let Some(address) = facts.webhook().or(overridden) else {
        return line(
            "webhook",
            Verdict::Doubtful,
            "Meta does not tell where webhooks go",
        );
    };
    match callback {
        None => line("webhook", Verdict::Good, format!("webhooks go to {address}")),
        Some(callback) if address.trim_end_matches('/') == callback.trim_end_matches('/') => {
            line("webhook", Verdict::Good, format!("webhooks go to {address}"))
        }
        Some(callback) => line(
            "webhook",
            Verdict::Bad,
            format!("webhooks go to {address}, not to {callback}"),
        ),
    }
}

#[cfg(test)]
mod tests;
