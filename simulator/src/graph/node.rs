//! Reading a JSON request with Meta's complaints: each value knows where it stands.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::error::GraphError;

/// A value and its place in the request. Places are only written out when there is something to complain about.
#[derive(Clone, Copy)]
pub(crate) struct Node<'parent, 'value> {
    value: &'value Value,
    parent: Option<&'parent Node<'parent, 'value>>,
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    Root,
    Key(&'static str),
    Index(usize),
}

impl<'parent, 'value> Node<'parent, 'value> {
    /// The request itself.
    pub(crate) const fn root(value: &'value Value) -> Self {
        Self {
            value,
            parent: None,
            step: Step::Root,
        }
    }

    pub(crate) const fn value(&self) -> &'value Value {
        self.value
    }

    /// What stands under a key; `null` counts as absent.
    pub(crate) fn optional<'node>(&'node self, key: &'static str) -> Option<Node<'node, 'value>>
    where
        'parent: 'node,
    {
        self.value
            .get(key)
            .filter(|value| !value.is_null())
            .map(|value| Node {
                value,
                parent: Some(self),
                step: Step::Key(key),
            })
    }

    /// What must stand under a key.
    pub(crate) fn required<'node>(&'node self, key: &'static str) -> Result<Node<'node, 'value>, GraphError>
    where
        'parent: 'node,
    {
        self.optional(key).ok_or_else(|| {
            GraphError::new(
                131_008,
                format!("The parameter {} is required.", self.path_to(key)),
            )
        })
    }

    /// The object that must stand under a key.
    pub(crate) fn object<'node>(&'node self, key: &'static str) -> Result<Node<'node, 'value>, GraphError>
    where
        'parent: 'node,
    {
        let node = self.required(key)?;
        node.as_object()?;
        Ok(node)
    }

    pub(crate) fn as_object(&self) -> Result<&'value Map<String, Value>, GraphError> {
        self.value
            .as_object()
            .ok_or_else(|| self.wrong_type("a JSON object"))
    }

    /// The list that must stand under a key, of a length within bounds.
    pub(crate) fn list<'node>(
        &'node self,
        key: &'static str,
        length: RangeInclusive<usize>,
    ) -> Result<List<'node, 'value>, GraphError>
    where
        'parent: 'node,
    {
        let node = self.required(key)?;
        let items = node.value.as_array().ok_or_else(|| node.wrong_type("an array"))?;
        if !length.contains(&items.len()) {
            return Err(node.bad(&format!(
                "must have {} to {} elements",
                length.start(),
                length.end()
            )));
        }
        Ok(List { node, items })
    }

    /// The text that this is.
    pub(crate) fn text(&self) -> Result<&'value str, GraphError> {
        self.value.as_str().ok_or_else(|| self.wrong_type("a string"))
    }

    /// The text that must stand under a key, of a length within bounds, counted in characters.
    pub(crate) fn text_within(
        &self,
        key: &'static str,
        length: RangeInclusive<usize>,
    ) -> Result<&'value str, GraphError> {
        let node = self.required(key)?;
        let text = node.text()?;
        // A text has at most as many characters as bytes.
        if text.len() > *length.end() || text.len() < *length.start() {
            let characters = text.chars().count();
            if characters > *length.end() {
                return Err(node.bad(&format!("must be at most {} characters long", length.end())));
            }
            if characters < *length.start() {
                return Err(if characters == 0 {
                    GraphError::new(131_008, format!("The parameter {} is required.", node.path()))
                } else {
                    node.bad(&format!("must be at least {} characters long", length.start()))
                });
            }
        }
        Ok(text)
    }

    /// The text that may stand under a key.
    pub(crate) fn optional_text(
        &self,
        key: &'static str,
        length: RangeInclusive<usize>,
    ) -> Result<Option<&'value str>, GraphError> {
        if self.optional(key).is_some() {
            self.text_within(key, length).map(Some)
        } else {
            Ok(None)
        }
    }

    /// A yes or no that may stand under a key.
    pub(crate) fn check_optional_flag(&self, key: &'static str) -> Result<(), GraphError> {
        match self.optional(key) {
            Some(node) if !node.value.is_boolean() => Err(node.wrong_type("a boolean")),
            _ => Ok(()),
        }
    }

    /// A complaint about this value.
    pub(crate) fn bad(&self, rule: &str) -> GraphError {
        GraphError::new(131_009, format!("Param {} {rule}.", self.path()))
    }

    fn wrong_type(&self, wanted: &str) -> GraphError {
        GraphError::new(100, format!("Param {} must be {wanted}.", self.path()))
    }

    fn path_to(&self, key: &str) -> String {
        match self.step {
            Step::Root => key.to_owned(),
            _ => format!("{}['{key}']", self.path()),
        }
    }

    /// As Meta writes places: `interactive['action']['buttons'][0]`.
    pub(crate) fn path(&self) -> String {
        match (self.step, self.parent) {
            (Step::Root, _) | (_, None) => String::new(),
            (Step::Key(key), Some(parent)) => parent.path_to(key),
            (Step::Index(index), Some(parent)) => format!("{}[{index}]", parent.path()),
        }
    }
}

/// A list in a request.
pub(crate) struct List<'parent, 'value> {
    node: Node<'parent, 'value>,
    items: &'value [Value],
}

impl<'value> List<'_, 'value> {
    /// Its elements, each knowing its place.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Node<'_, 'value>> {
        self.items.iter().enumerate().map(|(index, value)| Node {
            value,
            parent: Some(&self.node),
            step: Step::Index(index),
        })
    }

    pub(crate) const fn len(&self) -> usize {
        self.items.len()
    }

    /// A complaint about the whole list.
    pub(crate) fn bad(&self, rule: &str) -> GraphError {
        self.node.bad(rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn complaints_name_the_place_as_meta_does() {
        let request = json!({"interactive": {"action": {"buttons": [{"reply": {"title": "x".repeat(21)}}]}}});
        let root = Node::root(&request);
        let interactive = root.object("interactive").ok().unwrap();
        let action = interactive.object("action").ok().unwrap();
        let buttons = action.list("buttons", 1..=3).ok().unwrap();
        let button = buttons.iter().next().unwrap();
        let reply = button.object("reply").ok().unwrap();
        let error = reply.text_within("title", 1..=20).unwrap_err();
        assert_eq!(error.code, 131_009);
        assert_eq!(
            error.details.as_deref(),
            Some(
                "Param interactive['action']['buttons'][0]['reply']['title'] must be at most 20 characters long."
            )
        );
    }

    #[test]
    fn lengths_count_characters_and_not_bytes() {
        let request = json!({"body": "é".repeat(10), "empty": ""});
        let root = Node::root(&request);
        assert!(root.text_within("body", 1..=10).is_ok());
        assert_eq!(root.text_within("body", 1..=9).unwrap_err().code, 131_009);
        assert_eq!(root.text_within("empty", 1..=9).unwrap_err().code, 131_008);
        assert_eq!(root.text_within("missing", 1..=9).unwrap_err().code, 131_008);
    }

    #[test]
    fn a_wrong_type_is_an_invalid_parameter() {
        let request = json!({"text": "hello"});
        let error = Node::root(&request).object("text").err().unwrap();
        assert_eq!(error.code, 100);
        assert_eq!(
            error.details.as_deref(),
            Some("Param text must be a JSON object.")
        );
    }
}
