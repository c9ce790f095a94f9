//! Who may do what: the one table that the API takes it from.

use serde::{Deserialize, Serialize};

/// What an operator is trusted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorRole {
    /// Everything: tenants, numbers, keys, retention, quarantine, other operators.
    Admin,
    /// Looking at all of that, and changing nothing.
    Viewer,
}

/// What a call of an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorAction {
    /// It reads.
    Look,
    /// It changes something.
    Change,
}

impl OperatorRole {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Admin, Self::Viewer];

    /// Whether the role allows it.
    pub const fn allows(self, action: OperatorAction) -> bool {
        match (self, action) {
            (Self::Admin, _) | (Self::Viewer, OperatorAction::Look) => true,
            (Self::Viewer, OperatorAction::Change) => false,
        }
    }

    /// Name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Viewer => "viewer",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_looks_and_changes_nothing() {
        let allowed = OperatorRole::ALL
            .map(|role| [OperatorAction::Look, OperatorAction::Change].map(|action| role.allows(action)));
        assert_eq!(allowed, [[true, true], [true, false]]);
    }
}
