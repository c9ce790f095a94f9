//! What Meta's review refuses at once, told before Meta is asked: all problems together, each with its place.
//!
//! Whether words are fit for their category is for the review to judge.
//! Source: Cloud API, Template components (Nov 21 2025), Template review, Carousel and coupon templates (2025).

mod buttons;
mod languages;
mod lifetime;
mod special;
mod texts;

use serde_json::Value;

use self::buttons::check_buttons;
use self::languages::LANGUAGES;
use self::lifetime::check_lifetime;
use self::special::{check_carousel, check_offer};
use self::texts::{check_body, check_footer, check_header};
use super::definition::{ParameterFormat, kind_of};
use crate::domain::ContentError;
use crate::whatsapp::place::Place;

const LONGEST_NAME: usize = 512;
const MOST_COMPONENTS: usize = 20;
const KINDS: [&str; 7] = [
    "header",
    "body",
    "footer",
    "buttons",
    "carousel",
    "limited_time_offer",
    "call_permission_request",
];

/// A template that Meta is to review.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// Its name.
    pub name: &'a str,
    /// As Meta writes languages: `en_US`.
    pub language: &'a str,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    pub category: &'a str,
    /// How variables are called; told from the texts when left out.
    pub format: Option<ParameterFormat>,
    /// Header, body, footer, buttons, … in Meta's JSON.
    pub components: &'a Value,
    /// How long Meta tries to deliver its messages, as `message_send_ttl_seconds` says it; Meta's own time when left out.
    pub ttl_seconds: Option<i64>,
}

/// What a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Category {
    Marketing,
    Utility,
    Authentication,
}

/// What holds for the whole template.
#[derive(Debug, Clone, Copy)]
struct Frame {
    category: Category,
    format: ParameterFormat,
    offers: bool,
}

/// All problems of a draft; none where Meta has nothing to refuse at once.
pub fn problems(draft: &Draft<'_>) -> Vec<ContentError> {
    let mut found = Problems::default();
    check_name(draft.name, &mut found);
    if !LANGUAGES.contains(&draft.language) {
        found.add(
            "language",
            "must be one of Meta's languages, such as en_US, id or pt_BR",
        );
    }
    let category = match draft.category {
        "MARKETING" => Some(Category::Marketing),
        "UTILITY" => Some(Category::Utility),
        "AUTHENTICATION" => Some(Category::Authentication),
        _ => {
            found.add("category", "must be MARKETING, UTILITY or AUTHENTICATION");
            None
        }
    };
    if let Some(seconds) = draft.ttl_seconds {
        check_lifetime(draft.category, seconds, &mut found);
    }
    let definition = super::Definition::read(draft.components, draft.category, None);
    let frame = Frame {
        category: category.unwrap_or(Category::Marketing),
        format: draft.format.unwrap_or(definition.format),
        offers: definition.offer.is_some(),
    };
    let components = Place::top("components", draft.components);
    if let Some(all) = found.note(components.items(1, MOST_COMPONENTS)) {
        check_components(&all, frame, &mut found);
        check_together(&components, frame, &mut found);
    }
    found.0
}

fn check_name(name: &str, found: &mut Problems) {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(allowed) {
        let rule = format!("must be 1 to {LONGEST_NAME} of a-z, 0-9 and _");
        found.add("name", rule);
    }
}

fn check_components(all: &[Place<'_, '_>], frame: Frame, found: &mut Problems) {
    let mut seen: Vec<String> = Vec::new();
    for component in all {
        let kind = kind_of(component.value());
        if seen.contains(&kind) {
            found.push(component.fail(format!("is a second {}", kind.to_ascii_uppercase())));
            continue;
        }
        match kind.as_str() {
            "header" => check_header(component, frame, found),
            "body" => check_body(component, frame, found),
            "footer" => check_footer(component, frame, found),
            "buttons" => check_buttons(component, frame, found),
            "carousel" => check_carousel(component, frame, found),
            "limited_time_offer" => check_offer(component, frame, found),
            "call_permission_request" => {}
            _ => {
                let known = KINDS.map(str::to_ascii_uppercase).join(", ");
                found.push(component.fail_at("type", format!("must be one of {known}")));
            }
        }
        seen.push(kind);
    }
}

/// What components ask of each other.
fn check_together(components: &Place<'_, '_>, frame: Frame, found: &mut Problems) {
    let all = components.value().as_array().map_or(&[][..], Vec::as_slice);
    let has = |kind: &str| all.iter().any(|component| kind_of(component) == kind);
    let mut refuse = |kinds: &[&str], beside: &str| {
        for kind in kinds {
            if has(kind) {
                let kind = kind.to_ascii_uppercase();
                found.push(components.fail(format!("must have no {kind} beside {beside}")));
            }
        }
    };
    if has("carousel") {
        refuse(
            &["header", "footer", "buttons", "limited_time_offer"],
            "a CAROUSEL: its cards have their own",
        );
    }
    if has("limited_time_offer") {
        refuse(&["footer"], "a LIMITED_TIME_OFFER");
    }
    if frame.category == Category::Authentication {
        refuse(
            &["header", "carousel", "limited_time_offer"],
            "a one-time password: AUTHENTICATION templates have a body, a footer and a button",
        );
        if !has("buttons") {
            found.push(components.fail("must have BUTTONS with one OTP button"));
        }
    }
    if !has("body") {
        found.push(components.fail("must have a BODY"));
    }
}

/// What was found so far.
#[derive(Default)]
struct Problems(Vec<ContentError>);

impl Problems {
    /// More than anybody reads at once.
    const MOST: usize = 100;

    fn push(&mut self, problem: ContentError) {
        if self.0.len() < Self::MOST {
            self.0.push(problem);
        }
    }

    fn add(&mut self, path: &str, problem: impl Into<String>) {
        self.push(ContentError::new(path, problem));
    }

    /// What was checked, unless that is a problem.
    fn note<T>(&mut self, checked: Result<T, ContentError>) -> Option<T> {
        checked.map_err(|problem| self.push(problem)).ok()
    }
}
