//! Links that let somebody in once: invitations into a team, and new passwords.

use serde::{Deserialize, Serialize};

use super::{Kept, OfUser, PLAIN, Subject, Table};
use crate::domain::email::EmailAddress;
use crate::domain::roles::Role;
use crate::domain::{MemberLimit, TenantId, Timestamp, UserId};
use crate::store::KeyHash;
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where invitations are declared.
pub const INVITATION: Table = Table {
    name: "invitation",
    says: "an invitation into a tenant's team, and whether it was accepted; its token as a hash",
    key: "tenant · digest of the address",
    kept: Kept::AsLongAsItSays,
    subject: Subject::User,
    personal: &["email"],
    secret: &["token"],
    of_user: OfUser::Shared(
        |known| {
            let tenants = known.tenants.iter();
            tenants
                .map(|tenant| Invitation::at(*tenant, &known.user.email))
                .collect()
        },
        // The address may be somebody else's since the account is closing.
        |known, row| {
            serde_json::from_slice::<Invitation>(row).is_ok_and(|row| match row.state {
                InvitationState::Claimed(user) => user == known.user.id,
                InvitationState::Open | InvitationState::Accepted => {
                    known.user.closing.is_none_or(|closing| row.created <= closing)
                }
            })
        },
    ),
    ..PLAIN
};

/// Where new passwords are.
pub const PASSWORD_RESET: Table = Table {
    name: "password_reset",
    says: "whose a link to a new password is; the user's row says whether it still holds",
    key: "hash of the token",
    kept: Kept::AsLongAsItSays,
    subject: Subject::User,
    // Rows of earlier links, which hold no more, end by themselves; they hold the user's id alone.
    of_user: OfUser::Named(|known| {
        let link = known.user.reset.iter();
        link.map(|reset| PasswordReset::at(reset.token)).collect()
    }),
    ..PLAIN
};

/// An invitation into a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// What it is called in lists.
    pub id: String,
    /// The link's token.
    pub token: KeyHash,
    /// Who is invited.
    pub email: EmailAddress,
    /// As what.
    pub role: Role,
    /// Limited to what.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<MemberLimit>,
    /// The member who invites; `None` for an operator.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<UserId>,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is refused.
    pub expires: Timestamp,
    /// Who follows it, or did.
    #[serde(default)]
    pub state: InvitationState,
}

/// How far an invitation is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// Nobody followed it.
    #[default]
    Open,
    /// This user follows it at this moment, or was stopped in the middle.
    Claimed(UserId),
    /// Somebody is in the team by it: it holds no more.
    Accepted,
}

impl Invitation {
    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&INVITATION, tenant)
    }

    /// The one of this address.
    pub fn at(tenant: TenantId, email: &EmailAddress) -> PlainKey {
        Self::of(tenant).row(&email.key())
    }
}

impl PlainRow for Invitation {
    const TABLE: &'static Table = &INVITATION;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}

/// A link to a new password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordReset {
    /// Whose.
    pub user: UserId,
    /// From when on it is refused.
    pub expires: Timestamp,
}

impl PasswordReset {
    /// The one with this token.
    pub fn at(token: KeyHash) -> PlainKey {
        Partition::of(&PASSWORD_RESET, &token.0).row(&[])
    }
}

impl PlainRow for PasswordReset {
    const TABLE: &'static Table = &PASSWORD_RESET;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}
