//! What filters of a business may name: its attributes, and what these say, and its lists.

use std::collections::{BTreeMap, BTreeSet};

use super::{Condition, Filter, Match, Part, Test};
use crate::domain::contact_details::{AttributeKey, AttributeShape};
use crate::domain::contact_terms::fold;
use crate::domain::date::Date;
use crate::domain::ids::ListId;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    /// Attributes.
    pub attributes: BTreeMap<AttributeKey, AttributeShape>,
    /// Lists.
    pub lists: BTreeSet<ListId>,
}

impl Definitions {
    /// What an attribute says, or that there is none.
    pub(super) fn shape(&self, key: &AttributeKey) -> Result<&AttributeShape, String> {
        self.attributes
            .get(key)
            .ok_or_else(|| format!("there is no attribute `{key}`"))
    }
}

impl Filter {
    /// Whether it names attributes or lists.
    pub fn names_definitions(&self) -> bool {
        self.mentions(|condition| {
            matches!(
                condition,
                Condition::List(_) | Condition::Attribute(..) | Condition::Has(Part::Attribute(_))
            )
        })
    }
}

impl Test {
    /// Why an attribute never says that, if so.
    pub(super) fn complaint(&self, shape: &AttributeShape) -> Option<&'static str> {
        match (shape, self) {
            (AttributeShape::Text, Self::Text(..))
            | (AttributeShape::Number, Self::Number(..))
            | (AttributeShape::Date, Self::Day(..))
            | (AttributeShape::Boolean, Self::Truth(_))
            | (AttributeShape::Choice(_), Self::Text(Match::Begins, _)) => None,
            (AttributeShape::Date, Self::Text(Match::Whole, text)) if text.parse::<Date>().is_ok() => None,
            (AttributeShape::Choice(choices), Self::Text(Match::Whole, text)) => {
                let folded = fold(text);
                let is_one = choices.iter().any(|choice| fold(choice) == folded);
                (!is_one).then_some("this is none of the attribute's choices")
            }
            (AttributeShape::Text | AttributeShape::Choice(_), _) => {
                Some("the attribute is a text: expected a text in quotes")
            }
            (AttributeShape::Number, _) => Some("the attribute is a number: expected a number"),
            (AttributeShape::Date, _) => Some("the attribute is a day: expected a day as YYYY-MM-DD"),
            (AttributeShape::Boolean, _) => Some("the attribute is yes or no: expected `true` or `false`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_business_does_not_have_is_told_by_its_place() {
        let key = |key: &str| key.parse().unwrap();
        let definitions = Definitions {
            attributes: [
                (key("city"), AttributeShape::Text),
                (key("spent"), AttributeShape::Number),
                (key("born"), AttributeShape::Date),
                (key("paid"), AttributeShape::Boolean),
                (key("tier"), AttributeShape::Choice(vec!["Gold".to_owned()])),
            ]
            .into(),
            lists: [ListId::from_bytes([1; 16])].into(),
        };
        let list = format!("list = \"{}\"", "01".repeat(16));
        for good in [
            "city = \"x\"",
            "city ^= \"x\"",
            "spent >= 2",
            "born < 2000-01-01",
            "born = \"2000-01-01\"",
            "paid = true",
            "tier = \"gold\"",
            "tier ^= \"g\"",
            "has attribute.city",
            "label = \"any\"",
            &list,
        ] {
            assert!(Filter::parse(good, Some(&definitions)).is_ok(), "{good}");
        }
        let other = format!("opted_out or list = \"{}\"", "02".repeat(16));
        for (bad, position) in [
            ("opted_out and nosuch != \"x\"", 14),
            ("not (attribute.nosuch = \"x\")", 5),
            ("has attribute.nosuch", 4),
            ("city = 2", 7),
            ("spent = \"2\"", 8),
            ("born = \"x\"", 7),
            ("born ^= \"2\"", 8),
            ("paid = \"yes\"", 7),
            ("tier != \"none\"", 8),
            (&other, 20),
        ] {
            assert!(bad.parse::<Filter>().is_ok(), "{bad}");
            let error = Filter::parse(bad, Some(&definitions)).unwrap_err();
            assert_eq!(error.position, position, "{bad}: {error}");
        }
    }
}
