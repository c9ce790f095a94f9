//! How many entries of one log wait at once, and whose: nobody takes the places of all others.
//!
//! Changes of one actor may hold a part of a log's places. What takes access away (removals, sign-outs, revocations) has places beside
//! those, again bounded by actor, so that somebody whose key leaked can end it while it floods the log.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::AuditAction;
use crate::store::tables::AuditActor;

/// Entries of one log that wait to be written in this process.
pub(super) const WAITING: usize = 64;
/// Of them those of one actor.
pub(super) const OF_ACTOR: usize = 16;
/// Places beside, for what takes access away.
pub(super) const RESERVED: usize = 16;
/// Of those the places of one actor.
pub(super) const RESERVED_OF_ACTOR: usize = 4;

/// Which places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Those of all changes.
    Usual,
    /// Those of what takes access away.
    Reserved,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Taken {
    usual: usize,
    reserved: usize,
}

impl Taken {
    const fn of(&mut self, kind: Kind) -> &mut usize {
        match kind {
            Kind::Usual => &mut self.usual,
            Kind::Reserved => &mut self.reserved,
        }
    }
}

#[derive(Default)]
struct Held {
    all: Taken,
    by: HashMap<AuditActor, Taken>,
}

/// Those of one log.
#[derive(Default)]
pub(super) struct Places(Mutex<Held>);

/// One of them, until it is dropped.
pub(super) struct Place<'a> {
    places: &'a Places,
    actor: AuditActor,
    kind: Kind,
}

impl Places {
    /// Takes a place; nothing where there is none for this actor and action.
    pub(super) fn take(&self, actor: &AuditActor, action: AuditAction) -> Option<Place<'_>> {
        let mut held = self.held();
        let mut of_actor = held.by.get(actor).copied().unwrap_or_default();
        let kind = if of_actor.usual < OF_ACTOR && held.all.usual < WAITING {
            Kind::Usual
        } else if action.ends_access()
            && of_actor.reserved < RESERVED_OF_ACTOR
            && held.all.reserved < RESERVED
        {
            Kind::Reserved
        } else {
            return None;
        };
        *held.all.of(kind) += 1;
        *of_actor.of(kind) += 1;
        held.by.insert(actor.clone(), of_actor);
        drop(held);
        Some(Place {
            places: self,
            actor: actor.clone(),
            kind,
        })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Counts are changed together, by what cannot panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all places, or gives them back.
    #[cfg(test)]
    pub(super) fn set_all(&self, usual: usize, reserved: usize) {
        self.held().all = Taken { usual, reserved };
    }
}

impl Place<'_> {
    /// Which it is.
    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut held = self.places.held();
        let all = held.all.of(self.kind);
        *all = all.saturating_sub(1);
        if let Some(of_actor) = held.by.get_mut(&self.actor) {
            let own = of_actor.of(self.kind);
            *own = own.saturating_sub(1);
            if *of_actor == Taken::default() {
                held.by.remove(&self.actor);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UserId;

    fn user(n: u8) -> AuditActor {
        AuditActor::User(UserId::from_bytes([n; 16]))
    }

    #[test]
    fn nobody_takes_the_places_of_all_and_access_is_ended_although_none_is_left() {
        let places = Places::default();
        let take = |n, action| places.take(&user(n), action);
        let mut held: Vec<_> = (0..OF_ACTOR)
            .map(|_| take(1, AuditAction::KeyCreated).unwrap())
            .collect();
        assert!(take(1, AuditAction::KeyCreated).is_none());
        // Others go on, and the same one ends access, a few times.
        held.push(take(2, AuditAction::KeyCreated).unwrap());
        let ends: Vec<_> = (0..RESERVED_OF_ACTOR)
            .map(|_| take(1, AuditAction::KeyRevoked).unwrap())
            .collect();
        assert!(take(1, AuditAction::KeyRevoked).is_none());
        for n in 3..100 {
            held.extend(take(n, AuditAction::KeyCreated));
        }
        assert_eq!(held.len(), WAITING);
        assert!(take(100, AuditAction::RoleChanged).is_none());
        let member = take(100, AuditAction::MemberRemoved);
        assert!(member.is_some());
        drop((held, ends, member));
        assert!(places.held().by.is_empty());
        assert_eq!(places.held().all, Taken::default());
    }
}
