//! Canned replies of one's own, which nobody else sees.

use serde::{Deserialize, Serialize};

use super::{CannedReply, OfUser, PLAIN, Shortcut, Subject, Table};
use crate::domain::{TenantId, UserId};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where they are declared.
pub const OWN_REPLY: Table = Table {
    name: "own_reply",
    says: "a text that one person sends often, under a shortcut of their own",
    key: "user · tenant · shortcut",
    subject: Subject::User,
    personal: &["text"],
    of_user: OfUser::WithId,
    ..PLAIN
};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnReply {
    /// In which tenant it is offered.
    pub tenant: TenantId,
    /// The reply.
    #[serde(flatten)]
    pub reply: CannedReply,
}

impl OwnReply {
    /// All of a user's.
    pub fn of(user: UserId) -> Partition {
        Partition::of(&OWN_REPLY, user.as_bytes())
    }

    /// Where those of a tenant begin among them.
    pub fn begin(tenant: TenantId) -> [u8; 8] {
        tenant.get().to_be_bytes()
    }

    /// The one under a shortcut.
    pub fn at(user: UserId, tenant: TenantId, shortcut: &Shortcut) -> PlainKey {
        let begin = Self::begin(tenant);
        let sort: Vec<u8> = begin
            .iter()
            .chain(shortcut.as_str().as_bytes())
            .copied()
            .collect();
        Self::of(user).row(&sort)
    }
}

impl PlainRow for OwnReply {
    const TABLE: &'static Table = &OWN_REPLY;
}
