//! A place in a request: a JSON value that knows its path, so that a refusal can say where.

use serde_json::{Map, Value};

use crate::domain::{ContentError, quantity};

/// A value and the way to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p, 'v> {
    parent: Option<&'p Place<'p, 'v>>,
    step: Step<'p>,
    value: &'v Value,
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

impl<'p, 'v> Place<'p, 'v> {
    /// A top-level key of the request.
    pub(super) fn top(key: &'p str, value: &'v Value) -> Self {
        Self {
            parent: None,
            step: Step::Key(key),
            value,
        }
    }

    /// The value.
    pub(super) fn value(&self) -> &'v Value {
        self.value
    }

    /// A refusal of this place.
    pub(super) fn fail(&self, problem: impl Into<String>) -> ContentError {
        ContentError::new(self.path(), problem)
    }

    /// A refusal of a key that should be here.
    pub(super) fn fail_at(&self, key: &str, problem: impl Into<String>) -> ContentError {
        ContentError::new(format!("{}.{key}", self.path()), problem)
    }

    fn path(&self) -> String {
        let parent = self.parent.map(Place::path).unwrap_or_default();
        match self.step {
            Step::Key(key) if parent.is_empty() => key.to_owned(),
            Step::Key(key) => format!("{parent}.{key}"),
            Step::Index(index) => format!("{parent}[{index}]"),
        }
    }

    /// The value as an object.
    pub(super) fn object(&self) -> Result<&'v Map<String, Value>, ContentError> {
        self.value
            .as_object()
            .ok_or_else(|| self.fail("must be an object"))
    }

    /// What stands under a key; `None` when it is absent or null.
    pub(super) fn find(&'p self, key: &'p str) -> Result<Option<Place<'p, 'v>>, ContentError> {
        let value = self.object()?.get(key).filter(|value| !value.is_null());
        Ok(value.map(|value| Self {
            parent: Some(self),
            step: Step::Key(key),
            value,
        }))
    }

    /// What stands under a key, which must be there.
    pub(super) fn need(&'p self, key: &'p str) -> Result<Place<'p, 'v>, ContentError> {
        self.find(key)?.ok_or_else(|| self.fail_at(key, "is missing"))
    }

    /// Refuses a key that may not be here.
    pub(super) fn must_lack(&self, key: &str, problem: &str) -> Result<(), ContentError> {
        match self.object()?.get(key) {
            Some(value) if !value.is_null() => Err(self.fail_at(key, problem)),
            _ => Ok(()),
        }
    }

    /// The value as a text of 1 to `most` characters.
    pub(super) fn text(&self, most: usize) -> Result<&'v str, ContentError> {
        let text = self.value.as_str().ok_or_else(|| self.fail("must be a text"))?;
        if text.is_empty() {
            return Err(self.fail("must not be empty"));
        }
        self.within(text, most)?;
        Ok(text)
    }

    /// Checks the length of a text, in characters.
    pub(super) fn within(&self, text: &str, most: usize) -> Result<(), ContentError> {
        // A text has at least as many bytes as characters.
        if text.len() > most && text.chars().count() > most {
            let length = counted(text.chars().count(), "character");
            return Err(self.fail(format!("has {length}; at most {most} are allowed")));
        }
        Ok(())
    }

    /// A text under a key, which must be there.
    pub(super) fn need_text(&'p self, key: &'p str, most: usize) -> Result<&'v str, ContentError> {
        self.need(key)?.text(most)
    }

    /// A text under a key, if it is there.
    pub(super) fn find_text(&'p self, key: &'p str, most: usize) -> Result<Option<&'v str>, ContentError> {
        self.find(key)?.map(|place| place.text(most)).transpose()
    }

    /// A text under a key that must be one of a few.
    pub(super) fn need_one_of(&'p self, key: &'p str, allowed: &[&str]) -> Result<&'v str, ContentError> {
        let place = self.need(key)?;
        let text = place.text(usize::MAX)?;
        if allowed.contains(&text) {
            return Ok(text);
        }
        Err(place.fail(match allowed {
            [one] => format!("must be \"{one}\""),
            several => format!("must be one of {}", several.join(", ")),
        }))
    }

    /// The value as a list of so many items.
    pub(super) fn items(&'p self, least: usize, most: usize) -> Result<Vec<Place<'p, 'v>>, ContentError> {
        let items = self.value.as_array().ok_or_else(|| self.fail("must be a list"))?;
        if !(least..=most).contains(&items.len()) {
            let count = counted(items.len(), "item");
            return Err(self.fail(if least == most {
                format!("has {count}; exactly {least} must be given")
            } else {
                format!("has {count}; {least} to {most} are allowed")
            }));
        }
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, value)| Self {
                parent: Some(self),
                step: Step::Index(index),
                value,
            })
            .collect())
    }

    /// A truth value under a key, if it is there.
    pub(super) fn find_truth(&'p self, key: &'p str) -> Result<Option<bool>, ContentError> {
        self.find(key)?
            .map(|place| {
                place
                    .value
                    .as_bool()
                    .ok_or_else(|| place.fail("must be true or false"))
            })
            .transpose()
    }

    /// An http or https address under a key, which must be there.
    pub(super) fn need_address(&'p self, key: &'p str) -> Result<(), ContentError> {
        let place = self.need(key)?;
        let text = place.text(LONGEST_ADDRESS)?;
        let has_host = text.split_once("://").is_some_and(|(scheme, rest)| {
            let is_web = ["http", "https"]
                .iter()
                .any(|web| scheme.eq_ignore_ascii_case(web));
            is_web && !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':'])
        });
        if has_host && !text.contains(char::is_whitespace) {
            return Ok(());
        }
        Err(place.fail("must be an http or https address"))
    }
}

/// Source: Cloud API, Template components (Nov 21 2025).
pub(super) const LONGEST_ADDRESS: usize = 2_000;

/// So many characters or items.
fn counted(count: usize, one: &str) -> String {
    quantity(u64::try_from(count).unwrap_or(u64::MAX), one)
}
