//! Who may do what: the one table that the API, the console and the docs take it from.

use serde::{Deserialize, Serialize};

/// What a member of a tenant's team is trusted with, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The business's own: everything, and who else is an owner.
    Owner,
    /// Everything but who is an owner.
    Admin,
    /// Answers customers, and sees how broadcasts go.
    Supervisor,
    /// Answers customers.
    Agent,
    /// Sees what the others do.
    ReadOnly,
}

/// What somebody wants to do in a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Read conversations, messages, events, and who is in the team.
    Read,
    /// Send messages and change conversations.
    Answer,
    /// Invite people, change their roles and remove them.
    ManageTeam,
    /// The same with owners.
    ManageOwners,
    /// Change what the business is: its name, how long messages are kept, its keys and numbers.
    ManageBusiness,
    /// Read, export and verify the audit log.
    ReadAudit,
    /// Make, launch and end broadcasts.
    Broadcast,
    /// See how they go.
    SeeBroadcasts,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Read,
        Self::Answer,
        Self::ManageTeam,
        Self::ManageOwners,
        Self::ManageBusiness,
        Self::ReadAudit,
        Self::Broadcast,
        Self::SeeBroadcasts,
    ];

    /// Name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Answer => "answer",
            Self::ManageTeam => "manage_team",
            Self::ManageOwners => "manage_owners",
            Self::ManageBusiness => "manage_business",
            Self::ReadAudit => "read_audit",
            Self::Broadcast => "broadcast",
            Self::SeeBroadcasts => "see_broadcasts",
        }
    }

    /// What it is, in one line.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Read => "Read conversations, messages, events, and who is in the team",
            Self::Answer => "Send messages, change conversations and contacts",
            Self::ManageTeam => "Invite people, change their roles, remove them",
            Self::ManageOwners => "The same with owners",
            Self::ManageBusiness => "Name, retention, keys, numbers, templates: what the business is",
            Self::ReadAudit => "Read, export and verify the audit log",
            Self::Broadcast => "Make, launch and end broadcasts",
            Self::SeeBroadcasts => "See how broadcasts go",
        }
    }
}

impl Role {
    /// All of them, most trusted first.
    pub const ALL: [Self; 5] = [
        Self::Owner,
        Self::Admin,
        Self::Supervisor,
        Self::Agent,
        Self::ReadOnly,
    ];

    /// Whether the role allows it.
    pub const fn allows(self, right: Right) -> bool {
        match right {
            Right::Read => true,
            Right::Answer => !matches!(self, Self::ReadOnly),
            Right::ManageTeam | Right::ManageBusiness | Right::ReadAudit | Right::Broadcast => {
                matches!(self, Self::Owner | Self::Admin)
            }
            Right::SeeBroadcasts => matches!(self, Self::Owner | Self::Admin | Self::Supervisor),
            Right::ManageOwners => matches!(self, Self::Owner),
        }
    }

    /// Everything that the role allows.
    pub fn rights(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.allows(*right))
    }

    /// What is needed to give somebody this role, or to take it.
    pub const fn given_by(self) -> Right {
        match self {
            Self::Owner => Right::ManageOwners,
            Self::Admin | Self::Supervisor | Self::Agent | Self::ReadOnly => Right::ManageTeam,
        }
    }

    /// Whether members with this role may be limited to numbers and teams. Who looks after the business sees all of it.
    pub const fn may_be_limited(self) -> bool {
        matches!(self, Self::Supervisor | Self::Agent | Self::ReadOnly)
    }

    /// Name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Supervisor => "supervisor",
            Self::Agent => "agent",
            Self::ReadOnly => "read_only",
        }
    }

    /// What it may do, in one line: the console's, too.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Owner => "everything, owners too",
            Self::Admin => "everything but who is an owner",
            Self::Supervisor => "answers customers, and sees how broadcasts go",
            Self::Agent => "answers customers",
            Self::ReadOnly => "reads and changes nothing",
        }
    }
}

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
    Read,
    /// It changes something.
    Change,
}

impl OperatorRole {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Admin, Self::Viewer];

    /// Whether the role allows it.
    pub const fn allows(self, action: OperatorAction) -> bool {
        match (self, action) {
            (Self::Admin, _) | (Self::Viewer, OperatorAction::Read) => true,
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

    /// What it may do, in one line.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Admin => "everything",
            Self::Viewer => "look at everything, and change nothing",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_allows_what_its_line_says() {
        let names = |role: Role| role.rights().map(Right::as_str).collect::<Vec<_>>().join(" ");
        let table = Role::ALL.map(|role| (role.as_str(), names(role)));
        let expected = [
            (
                "owner",
                "read answer manage_team manage_owners manage_business read_audit broadcast see_broadcasts",
            ),
            (
                "admin",
                "read answer manage_team manage_business read_audit broadcast see_broadcasts",
            ),
            ("supervisor", "read answer see_broadcasts"),
            ("agent", "read answer"),
            ("read_only", "read"),
        ];
        assert_eq!(table, expected.map(|(role, rights)| (role, rights.to_owned())));
    }

    #[test]
    fn the_page_of_the_api_shows_this_table() {
        let page = include_str!("../../docs/api.md");
        let roles = Role::ALL.map(|role| format!(" `{}` |", role.as_str())).concat();
        let head = format!("| Right | What it is |{roles}\n|---|---|---|---|---|---|---|\n");
        let (_, table) = page.split_once(&head).unwrap();
        let listed: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
        let row = |right: Right| {
            let marks = Role::ALL.map(|role| if role.allows(right) { " yes |" } else { " |" });
            format!("| `{}` | {} |{}", right.as_str(), right.summary(), marks.concat())
        };
        assert_eq!(listed, Right::ALL.map(row));
    }

    #[test]
    fn the_console_says_of_roles_what_this_table_says() {
        let texts = include_str!("../../console/messages/en/inbox.js");
        let page = include_str!("../../console/account.js");
        for role in Role::ALL {
            let text = format!("  'role.{}.allows': '{}',\n", role.as_str(), role.summary());
            assert!(texts.contains(&text), "{text}");
        }
        let gives = |giver: &Role| {
            let given = Role::ALL.iter().filter(|given| giver.allows(given.given_by()));
            let given: Vec<String> = given.map(|role| format!("'{}'", role.as_str())).collect();
            (!given.is_empty()).then(|| format!("  {}: [{}],\n", giver.as_str(), given.join(", ")))
        };
        let lines: String = Role::ALL.iter().filter_map(gives).collect();
        assert!(page.contains(&format!("const GIVES = {{\n{lines}}};")), "{lines}");
        let limited = include_str!("../../console/pages/limit_fields.js");
        let names = Role::ALL.into_iter().filter(|role| role.may_be_limited());
        let names: Vec<String> = names.map(|role| format!("'{}'", role.as_str())).collect();
        let line = format!("[{}].includes(role)", names.join(", "));
        assert!(limited.contains(&line), "{line}");
    }

    #[test]
    fn nobody_gives_a_role_that_is_trusted_with_more_than_their_own() {
        for giver in Role::ALL {
            for given in Role::ALL {
                assert!(
                    !giver.allows(given.given_by()) || giver <= given,
                    "{giver:?} {given:?}"
                );
            }
        }
    }

    #[test]
    fn a_viewer_looks_and_changes_nothing() {
        let allowed = OperatorRole::ALL
            .map(|role| [OperatorAction::Read, OperatorAction::Change].map(|action| role.allows(action)));
        assert_eq!(allowed, [[true, true], [true, false]]);
    }
}
