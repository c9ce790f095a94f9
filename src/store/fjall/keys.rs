//! Where each row stands: keyspaces and keys.
//!
//! Numbers are big-endian, the tenant comes first, and what is listed newest first is written with its bits inverted, so
//! that every list is a forward scan of one range. Keys hold ids and digests only, never personal data.
//!
//! | keyspace | key | row |
//! |---|---|---|
//! | `events` | tenant · seq | event |
//! | `messages` | tenant · conversation · ~message | message |
//! | `index` | `s` tenant · digest; `i` tenant · digest; `b` tenant · broadcast | seen; idempotency; tally of a broadcast |
//! | `rows` | a letter (see [`Kind`]) and what follows it | everything small |
//! | `expiry` | hour · letter · key of the row | when rows expire |

use std::io::Write as _;

use fjall::Slice;

use crate::domain::{
    ContactId, ConversationId, ConversationStatus, MessageId, PhoneNumberId, Seq, TenantId, Term, TermPlace,
    Timestamp,
};
use crate::store::erasure::Belonging;
use crate::store::{ConversationCursor, KeyHash, Partition, PlainKey, StoreError};

/// One of the engine's keyspaces. Few and all busy: an idle one pins sealed logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Space {
    /// The tenants' ledgers.
    Events,
    /// Messages.
    Messages,
    /// What happens only once.
    Index,
    /// Everything small.
    Rows,
    /// When rows expire.
    Expiry,
}

impl Space {
    /// All, in the order in which [`super::engine::Engine`] holds them.
    pub(super) const ALL: [Self; 5] = [
        Self::Events,
        Self::Messages,
        Self::Index,
        Self::Rows,
        Self::Expiry,
    ];

    /// Its name on disk.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Messages => "messages",
            Self::Index => "index",
            Self::Rows => "rows",
            Self::Expiry => "expiry",
        }
    }

    /// Whether rows in it carry an expiry by which compaction may drop them.
    pub(super) const fn expires(self) -> bool {
        matches!(self, Self::Events | Self::Messages | Self::Index)
    }
}

/// First letter of a key in [`Space::Rows`] and [`Space::Index`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A ledger's head: tenant.
    Head,
    /// A conversation: tenant, id.
    Conversation,
    /// A conversation's place in the list: tenant, status, ~activity, ~id. Its value is the number.
    Listed,
    /// A contact: tenant, id.
    Contact,
    /// An alias: tenant, digest.
    Alias,
    /// What belongs to a contact: tenant, contact, [`Belonging`], reference.
    Belonging,
    /// An unsettled message: tenant, number, zero, id.
    Outbox,
    /// Something seen: tenant, digest.
    Seen,
    /// A named request: tenant, digest.
    Idempotency,
    /// How many recipients of a broadcast came to what: tenant, broadcast.
    Broadcast,
    /// A tenant: id.
    Tenant,
    /// A number: Meta's id.
    Number,
    /// An API key: hash.
    Key,
    /// An API key's tenant: tenant, hash.
    KeyOf,
    /// A lease's last fence: tenant.
    Lease,
    /// An element put aside: id.
    Quarantine,
    /// When files were rewritten last.
    Rewritten,
    /// How often something was removed that files still hold.
    RewriteDue,
    /// The last change of retention: tenant.
    Retention,
    /// Commits and events, counted.
    Tally,
    /// The latest time that was believed.
    Time,
    /// Where a contact stands under a term: tenant, term, order, contact.
    ContactTerm,
    /// That all contacts stand under their terms.
    TermsMade,
    /// A plain row: table, zero, length of the partition's part, part, the row's own key.
    Plain,
}

impl Kind {
    /// `A` is taken: it was meant for agents.
    const fn letter(self) -> u8 {
        match self {
            Self::Head => b'h',
            Self::Conversation => b'c',
            Self::Listed => b'l',
            Self::Contact => b'p',
            Self::Alias => b'a',
            Self::Belonging => b'x',
            Self::Outbox => b'o',
            Self::Seen => b's',
            Self::Idempotency => b'i',
            Self::Broadcast => b'b',
            Self::Tenant => b'T',
            Self::Number => b'N',
            Self::Key => b'K',
            Self::KeyOf => b'k',
            Self::Lease => b'L',
            Self::Quarantine => b'q',
            Self::Rewritten => b'W',
            Self::RewriteDue => b'w',
            Self::Retention => b'r',
            Self::Tally => b'Z',
            Self::Time => b't',
            Self::ContactTerm => b'f',
            Self::TermsMade => b'F',
            Self::Plain => b'R',
        }
    }
}

impl Belonging {
    const fn letter(self) -> u8 {
        match self {
            Self::Conversation => b'c',
            Self::Alias => b'a',
            Self::Link => b'l',
            Self::Membership => b'm',
        }
    }
}

/// A key, or the beginning of keys. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(Slice);

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Key> for Slice {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl Key {
    /// The longest key: an expiry entry of a message, a lane's with the longest number.
    const LONGEST: usize = 96;

    fn of(parts: &[&[u8]]) -> Self {
        let mut buffer = [0; Self::LONGEST];
        let mut rest = buffer.as_mut_slice();
        let fits = parts.iter().all(|part| rest.write_all(part).is_ok());
        let left = rest.len();
        match buffer.get(..Self::LONGEST - left) {
            Some(key) if fits => Self(key.into()),
            _ => Self(parts.concat().into()),
        }
    }

    fn with(&self, part: &[u8]) -> Self {
        Self::of(&[self.as_ref(), part])
    }

    /// The key as read from the engine.
    pub(super) fn stored(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The smallest key that is greater than all that begin with this one; `None` when there is none.
    pub(super) fn after_prefix(&self) -> Option<Self> {
        let mut end = self.0.to_vec();
        while let Some(last) = end.pop() {
            if last < u8::MAX {
                end.push(last + 1);
                return Some(Self(end.into()));
            }
        }
        None
    }
}

fn inverted<const N: usize>(bytes: &[u8; N]) -> [u8; N] {
    bytes.map(|byte| !byte)
}

/// Big-endian with the sign turned, so that byte order is time order before 1970, too.
fn in_order(at: Timestamp) -> [u8; 8] {
    let [first, rest @ ..] = at.as_millis().to_be_bytes();
    let mut out = [0; 8];
    let turned = std::iter::once(first ^ 0x80).chain(rest);
    out.iter_mut().zip(turned).for_each(|(slot, byte)| *slot = byte);
    out
}

pub(super) fn event(tenant: TenantId, seq: Seq) -> Key {
    Key::of(&[&tenant.get().to_be_bytes(), &seq.get().to_be_bytes()])
}

/// The position in an event's key.
pub(super) fn seq_of(key: &[u8]) -> Option<Seq> {
    key.last_chunk::<8>()
        .map(|bytes| Seq::new(u64::from_be_bytes(*bytes)))
}

/// The beginning of all of a tenant's keys in [`Space::Events`] and [`Space::Messages`].
pub(super) fn tenant(tenant: TenantId) -> Key {
    Key::of(&[&tenant.get().to_be_bytes()])
}

pub(super) fn messages(tenant: TenantId, conversation: ConversationId) -> Key {
    Key::of(&[&tenant.get().to_be_bytes(), conversation.as_bytes()])
}

pub(super) fn message(tenant: TenantId, conversation: ConversationId, id: MessageId) -> Key {
    Key::of(&[
        &tenant.get().to_be_bytes(),
        conversation.as_bytes(),
        &inverted(id.as_bytes()),
    ])
}

/// A row that a tenant has one of for each id or digest.
pub(super) fn row(kind: Kind, tenant: TenantId, id: &[u8]) -> Key {
    Key::of(&[&[kind.letter()], &tenant.get().to_be_bytes(), id])
}

/// A row outside tenants.
pub(super) fn global(kind: Kind, id: &[u8]) -> Key {
    Key::of(&[&[kind.letter()], id])
}

pub(super) fn belonging(tenant: TenantId, contact: ContactId, what: Belonging) -> Key {
    Key::of(&[
        &[Kind::Belonging.letter()],
        &tenant.get().to_be_bytes(),
        contact.as_bytes(),
        &[what.letter()],
    ])
}

pub(super) fn belongs(tenant: TenantId, contact: ContactId, what: Belonging, reference: &[u8; 16]) -> Key {
    belonging(tenant, contact, what).with(reference)
}

/// The 16 bytes at the end of a key.
pub(super) fn reference_of(key: &[u8]) -> Option<[u8; 16]> {
    key.last_chunk::<16>().copied()
}

pub(super) fn lane(tenant: TenantId, number: &PhoneNumberId) -> Key {
    // No number contains a zero byte, so that none is the beginning of another.
    Key::of(&[
        &[Kind::Outbox.letter()],
        &tenant.get().to_be_bytes(),
        number.as_str().as_bytes(),
        &[0],
    ])
}

pub(super) fn outbox(tenant: TenantId, number: &PhoneNumberId, id: MessageId) -> Key {
    lane(tenant, number).with(id.as_bytes())
}

pub(super) fn key_of(tenant: TenantId, hash: &KeyHash) -> Key {
    row(Kind::KeyOf, tenant, &hash.0)
}

/// The beginning of a list.
pub(super) fn list(tenant: TenantId, status: ConversationStatus) -> Key {
    row(Kind::Listed, tenant, &[status.code()])
}

/// A place in a list.
pub(super) fn listed(tenant: TenantId, status: ConversationStatus, at: ConversationCursor) -> Key {
    Key::of(&[
        list(tenant, status).as_ref(),
        &inverted(&in_order(at.last_activity)),
        &inverted(at.conversation.as_bytes()),
    ])
}

/// The conversation at a place in a list.
pub(super) fn listed_conversation(key: &[u8]) -> Option<ConversationId> {
    reference_of(key).map(|bytes| ConversationId::from_bytes(inverted(&bytes)))
}

/// The beginning of all places under a term.
pub(super) fn term(tenant: TenantId, term: &Term) -> Key {
    row(Kind::ContactTerm, tenant, term.as_bytes())
}

/// Where a contact stands under a term.
pub(super) fn term_place(tenant: TenantId, term: &Term, at: &TermPlace) -> Key {
    Key::of(&[
        &[Kind::ContactTerm.letter()],
        &tenant.get().to_be_bytes(),
        term.as_bytes(),
        &at.order,
        at.contact.as_bytes(),
    ])
}

/// The place under a term that a key names.
pub(super) fn term_place_of(key: &[u8]) -> Option<TermPlace> {
    let (order, contact) = key.get(1 + 8 + Term::BYTES..)?.split_last_chunk::<16>()?;
    Some(TermPlace {
        order: order.to_vec(),
        contact: ContactId::from_bytes(*contact),
    })
}

/// The beginning of all plain rows.
pub(super) fn all_plain() -> Key {
    global(Kind::Plain, &[])
}

/// A plain row; without a key of its own, the beginning of all that stand with it.
pub(super) fn plain(of: &Partition, sort: &[u8]) -> Key {
    // No part is longer than a byte can say: longer ones were refused.
    let length = u8::try_from(of.part.len()).unwrap_or(u8::MAX);
    Key::of(&[
        &[Kind::Plain.letter()],
        of.table.as_bytes(),
        &[0, length],
        &of.part,
        sort,
    ])
}

/// The plain row that a key names.
pub(super) fn plain_of(key: &[u8]) -> Result<PlainKey, StoreError> {
    let broken = || StoreError::corrupt("plain row", "its key is too short");
    let rest = key.get(1..).ok_or_else(broken)?;
    let zero = rest.iter().position(|byte| *byte == 0).ok_or_else(broken)?;
    let (table, rest) = rest.split_at(zero);
    let ([_, length], rest) = rest.split_first_chunk::<2>().ok_or_else(broken)?;
    let (part, sort) = rest.split_at_checked(usize::from(*length)).ok_or_else(broken)?;
    let table = std::str::from_utf8(table).map_err(|error| StoreError::corrupt("plain row", error))?;
    Ok(Partition::stored(table, part)?.row(sort))
}

/// What an entry of [`Space::Expiry`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiring {
    /// A message: its key follows.
    Message,
    /// A tenant's oldest events: the tenant follows.
    Events,
    /// A plain row: its key follows.
    Plain,
}

impl Expiring {
    const fn letter(self) -> u8 {
        match self {
            Self::Message => b'm',
            Self::Events => b'e',
            Self::Plain => b'p',
        }
    }
}

/// The hour that holds a time.
pub(super) fn hour(at: Timestamp) -> u32 {
    u32::try_from(at.as_millis().div_euclid(3_600_000).max(0)).unwrap_or(u32::MAX)
}

/// The beginning of all entries of an hour.
pub(super) fn expiring_hour(hour: u32) -> Key {
    Key::of(&[&hour.to_be_bytes()])
}

pub(super) fn expiring(at: Timestamp, what: Expiring, row: &Key) -> Key {
    Key::of(&[&hour(at).to_be_bytes(), &[what.letter()], row.as_ref()])
}

/// Takes an entry of [`Space::Expiry`] apart.
pub(super) fn expired(key: &[u8]) -> Option<(u32, Expiring, Key)> {
    let (hour, rest) = key.split_first_chunk::<4>()?;
    let (letter, row) = rest.split_first()?;
    let what = match letter {
        b'm' => Expiring::Message,
        b'e' => Expiring::Events,
        b'p' => Expiring::Plain,
        _ => return None,
    };
    Some((u32::from_be_bytes(*hour), what, Key::stored(row)))
}

/// Tenant, conversation and id in a message's key.
pub(super) fn message_of(key: &[u8]) -> Option<(TenantId, ConversationId, MessageId)> {
    let (tenant, rest) = key.split_first_chunk::<8>()?;
    let (conversation, rest) = rest.split_first_chunk::<16>()?;
    let id = rest.first_chunk::<16>()?;
    Some((
        TenantId::new(u64::from_be_bytes(*tenant)),
        ConversationId::from_bytes(*conversation),
        MessageId::from_bytes(inverted(id)),
    ))
}

/// The tenant that a key begins with.
pub(super) fn tenant_of(key: &[u8]) -> Option<TenantId> {
    key.first_chunk::<8>()
        .map(|bytes| TenantId::new(u64::from_be_bytes(*bytes)))
}
