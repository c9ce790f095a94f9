//! Members who work on some of a business's numbers only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ids::{PhoneNumberId, TeamId};

/// What a member is limited to, as it was set: numbers, and those of teams.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberLimit {
    /// Numbers that are named one by one.
    #[serde(default)]
    pub numbers: BTreeSet<PhoneNumberId>,
    /// Teams, whose numbers may change.
    #[serde(default)]
    pub teams: BTreeSet<TeamId>,
}

impl MemberLimit {
    /// Numbers that one limit names.
    pub const MOST_NUMBERS: usize = 256;
    /// Teams that one limit names: each is a read where somebody is looked up.
    pub const MOST_TEAMS: usize = 20;

    /// The numbers themselves. A team that is no more gives none, so what is left empty shows nothing.
    pub fn resolve(&self, teams: &BTreeMap<TeamId, BTreeSet<PhoneNumberId>>) -> NumberLimit {
        let of_teams = self.teams.iter().filter_map(|team| teams.get(team)).flatten();
        NumberLimit::only(self.numbers.iter().chain(of_teams).cloned())
    }
}

/// The numbers whose conversations somebody may see and change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum NumberLimit {
    /// All that the business has, and will have.
    #[default]
    All,
    /// These. With none of them, nothing is seen.
    Only(Arc<BTreeSet<PhoneNumberId>>),
}

impl NumberLimit {
    /// These numbers alone.
    pub fn only(numbers: impl IntoIterator<Item = PhoneNumberId>) -> Self {
        Self::Only(Arc::new(numbers.into_iter().collect()))
    }

    /// Whether a number is among them.
    pub fn admits(&self, number: &PhoneNumberId) -> bool {
        match self {
            Self::All => true,
            Self::Only(numbers) => numbers.contains(number),
        }
    }

    /// The numbers, where not all are meant.
    pub fn listed(&self) -> Option<&Arc<BTreeSet<PhoneNumberId>>> {
        match self {
            Self::All => None,
            Self::Only(numbers) => Some(numbers),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(n: u8) -> PhoneNumberId {
        format!("10{n}").parse().unwrap()
    }

    fn team(n: u8) -> TeamId {
        TeamId::from_bytes([n; 16])
    }

    fn limit(numbers: &[u8], teams: &[u8]) -> MemberLimit {
        MemberLimit {
            numbers: numbers.iter().copied().map(number).collect(),
            teams: teams.iter().copied().map(team).collect(),
        }
    }

    #[test]
    fn a_limit_is_its_numbers_and_those_of_its_teams() {
        let teams = BTreeMap::from([
            (team(1), BTreeSet::from([number(1), number(2)])),
            (team(2), BTreeSet::from([number(2), number(3)])),
            (team(3), BTreeSet::new()),
        ]);
        for (numbers, of_teams, expected) in [
            (&[][..], &[][..], &[][..]),
            (&[5], &[], &[5]),
            (&[5], &[1], &[1, 2, 5]),
            (&[], &[1, 2], &[1, 2, 3]),
            (&[], &[3], &[]),
            // A team that is no more.
            (&[4], &[9], &[4]),
            (&[], &[9], &[]),
        ] {
            let resolved = limit(numbers, of_teams).resolve(&teams);
            assert_eq!(resolved, NumberLimit::only(expected.iter().copied().map(number)));
        }
    }

    #[test]
    fn what_is_misspelt_is_refused_rather_than_taken_for_an_empty_limit() {
        serde_json::from_str::<MemberLimit>(r#"{"number":["101"]}"#).unwrap_err();
        let read: MemberLimit = serde_json::from_str(r#"{"numbers":["101"]}"#).unwrap();
        assert_eq!(read, limit(&[1], &[]));
    }

    proptest! {
        #[test]
        fn a_number_is_admitted_if_and_only_if_something_names_it(
            named: Vec<u8>,
            of_team: Vec<u8>,
            asked: u8,
        ) {
            let teams = BTreeMap::from([(team(1), of_team.iter().copied().map(number).collect())]);
            let resolved = limit(&named, &[1]).resolve(&teams);
            let expected = named.contains(&asked) || of_team.contains(&asked);
            prop_assert_eq!(resolved.admits(&number(asked)), expected);
            prop_assert!(NumberLimit::All.admits(&number(asked)));
        }
    }
}
