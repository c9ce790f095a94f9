//! Templates that are made of one of Meta's library: what the buttons of it lead to is the business's, all else is Meta's.
//! Source: Cloud API, Template library (2025).

use serde_json::Value;

use super::rules::{Draft, problems};
use crate::domain::ContentError;

/// Buttons of a template.
const MOST_BUTTONS: usize = 10;
/// Characters of an address.
const LONGEST_URL: usize = 2_000;

/// A new template that is made of one of Meta's library.
#[derive(Debug, Clone, PartialEq)]
pub struct LibraryDraft {
    /// The name in the library.
    pub library_name: String,
    /// What the buttons lead to, in Meta's JSON.
    pub buttons: Option<Value>,
    /// What the text may be asked to say beside, in Meta's JSON.
    pub body: Option<Value>,
}

impl LibraryDraft {
    /// What Meta would refuse at once, together with what names the template.
    pub fn problems(&self, name: &str, language: &str, category: &str) -> Vec<ContentError> {
        let named = Draft {
            name,
            language,
            category,
            format: None,
            components: &Value::Null,
            ttl_seconds: None,
        };
        let mut found = problems(&named);
        found.retain(|problem| ["name", "language", "category"].contains(&problem.path.as_str()));
        if category == "MARKETING" {
            found.push(ContentError::new(
                "category",
                "must be UTILITY or AUTHENTICATION: the library has no other templates",
            ));
        }
        if self.library_name.is_empty() {
            found.push(ContentError::new("library_template_name", "must not be empty"));
        }
        if self.body.as_ref().is_some_and(|body| !body.is_object()) {
            found.push(ContentError::new(
                "library_template_body_inputs",
                "must be an object",
            ));
        }
        self.check_buttons(&mut found);
        found
    }

    fn check_buttons(&self, found: &mut Vec<ContentError>) {
        let at = "library_template_button_inputs";
        let Some(buttons) = &self.buttons else { return };
        let Some(all) = buttons.as_array().filter(|all| all.len() <= MOST_BUTTONS) else {
            let rule = format!("must be a list of at most {MOST_BUTTONS}");
            return found.push(ContentError::new(at, rule));
        };
        for (index, button) in all.iter().enumerate() {
            let text = |path: &str| button.pointer(path).and_then(Value::as_str).unwrap_or_default();
            let place = |path: &str| format!("{at}[{index}].{path}");
            match text("/type") {
                "URL" => {
                    let base = text("/url/base_url");
                    if !base.starts_with("https://") || base.chars().count() > LONGEST_URL {
                        let rule =
                            format!("must begin with https:// and have at most {LONGEST_URL} characters");
                        found.push(ContentError::new(place("url.base_url"), rule));
                    } else if base.contains("{{") && text("/url/url_suffix_example").is_empty() {
                        let rule = "must be an example of the whole address, as it has a variable";
                        found.push(ContentError::new(place("url.url_suffix_example"), rule));
                    }
                }
                "PHONE_NUMBER" => {
                    let phone = text("/phone_number");
                    let digits = phone.strip_prefix('+').unwrap_or_default();
                    let is_phone =
                        (5..=19).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
                    if !is_phone {
                        let rule = "must be a phone number with its country: + and digits";
                        found.push(ContentError::new(place("phone_number"), rule));
                    }
                }
                // What others need is for Meta to say.
                "" => found.push(ContentError::new(
                    place("type"),
                    "must be there, such as URL or PHONE_NUMBER",
                )),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_template_of_the_library_needs_is_told_by_its_place() {
        let problems = |buttons: Value| {
            let draft = LibraryDraft {
                library_name: "delivery_update_1".to_owned(),
                buttons: Some(buttons),
                body: None,
            };
            let found = draft.problems("mine", "en_US", "UTILITY");
            found.into_iter().map(|problem| problem.path).collect::<Vec<_>>()
        };
        let right = json!([
            { "type": "URL", "url": { "base_url": "https://a.example/{{1}}", "url_suffix_example": "https://a.example/7" } },
            { "type": "URL", "url": { "base_url": "https://a.example" } },
            { "type": "PHONE_NUMBER", "phone_number": "+16315551010" },
            { "type": "OTP", "otp_type": "COPY_CODE" },
        ]);
        assert_eq!(problems(right), [""; 0]);
        let wrong = json!([
            { "type": "URL", "url": { "base_url": "http://a.example" } },
            { "type": "URL", "url": { "base_url": "https://a.example/{{1}}" } },
            { "type": "PHONE_NUMBER", "phone_number": "0811" },
            {},
        ]);
        let at = |rest: &str| format!("library_template_button_inputs{rest}");
        assert_eq!(
            problems(wrong),
            [
                at("[0].url.base_url"),
                at("[1].url.url_suffix_example"),
                at("[2].phone_number"),
                at("[3].type")
            ]
        );
        assert_eq!(problems(json!({})), [at("")]);
        let draft = LibraryDraft {
            library_name: String::new(),
            buttons: None,
            body: Some(json!([])),
        };
        let found = draft.problems("Mine", "xx", "MARKETING");
        let paths: Vec<&str> = found.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "name",
                "language",
                "category",
                "library_template_name",
                "library_template_body_inputs"
            ]
        );
    }
}
