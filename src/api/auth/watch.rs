//! Sockets hear when the key or the person that let them in is to be looked at again.
//!
//! Nothing of this is on the way of a message: a watch is a place in a map while its socket is open, and is woken when
//! [`KeyRing`] forgets something.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::KeyRing;
use crate::api::error::ErrorCode;
use crate::domain::{NumberLimit, UserId};
use crate::store::KeyHash;

/// Looks that the store did not answer before the socket's next ping has to do.
const TRIES: u32 = 20;
/// How long such a look waits for the next one. Thousands of sockets may have one key: the first answer is kept, and serves the rest.
const AGAIN: Duration = Duration::from_millis(250);

/// What lets a socket stay open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::api) struct Voucher {
    /// The key, or the session's token.
    pub(in crate::api) key: KeyHash,
    /// The person whose socket it is, or for whom a program acts.
    pub(in crate::api) user: Option<UserId>,
}

/// What a socket heard of what let it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum Heard {
    /// It lets nobody in any more.
    Refused,
    /// It is for other numbers than before.
    OtherNumbers,
}

type Watched = BTreeMap<Voucher, watch::Sender<()>>;

/// Who watches what. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Watches(Arc<Mutex<Watched>>);

impl Watches {
    /// Watches from now on.
    pub(super) fn watch(&self, what: Voucher) -> KeyWatch {
        let mut watched = self.watched();
        let sender = watched.entry(what).or_insert_with(|| watch::Sender::new(()));
        KeyWatch {
            what,
            woken: Some(sender.subscribe()),
            all: self.clone(),
        }
    }

    /// Wakes the sockets that a key let in.
    pub(super) fn wake_key(&self, key: KeyHash) {
        let first = Voucher { key, user: None };
        let watched = self.watched();
        let of_key = watched.range(first..).take_while(|(what, _)| what.key == key);
        of_key.for_each(|(_, sender)| wake(sender));
    }

    /// Wakes the sockets of a person.
    pub(super) fn wake_user(&self, user: UserId) {
        let watched = self.watched();
        let of_user = watched.iter().filter(|(what, _)| what.user == Some(user));
        of_user.for_each(|(_, sender)| wake(sender));
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        // Entries are put and taken whole, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(sender: &watch::Sender<()>) {
    sender.send_modify(|()| {});
}

/// One socket's. What is forgotten from when it was made on is heard, however late it is asked.
pub(in crate::api) struct KeyWatch {
    what: Voucher,
    woken: Option<watch::Receiver<()>>,
    all: Watches,
}

impl KeyWatch {
    /// Ends once what was watched lets nobody in any more, or is for other numbers than these.
    pub(in crate::api) async fn ended(mut self, keys: Arc<KeyRing>, limit: NumberLimit) -> Heard {
        loop {
            let Some(woken) = &mut self.woken else {
                return Heard::Refused;
            };
            if woken.changed().await.is_err() {
                return Heard::Refused;
            }
            for _ in 0..TRIES {
                // On the heap while it lasts: each idle socket would hold its room otherwise, two kibibytes.
                match Box::pin(keys.look_at(self.what)).await {
                    Ok(now) if now == limit => break,
                    Ok(_) => return Heard::OtherNumbers,
                    Err(refused) if refused.code() == ErrorCode::Unauthorized => return Heard::Refused,
                    // The store cannot tell now, or is asked by too many.
                    Err(_) => tokio::time::sleep(AGAIN).await,
                }
            }
        }
    }
}

impl Drop for KeyWatch {
    fn drop(&mut self) {
        let mut watched = self.all.watched();
        self.woken = None;
        if watched
            .get(&self.what)
            .is_some_and(|sender| sender.receiver_count() == 0)
        {
            watched.remove(&self.what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn woken(watch: &KeyWatch) -> bool {
        watch.woken.as_ref().unwrap().has_changed().unwrap()
    }

    #[test]
    fn a_watch_hears_of_its_own_key_and_person_and_leaves_nothing_behind() {
        let watches = Watches::default();
        let of = |key: &str, user: Option<u8>| {
            watches.watch(Voucher {
                key: KeyHash::of(key),
                user: user.map(|byte| UserId::from_bytes([byte; 16])),
            })
        };
        let all = [
            of("a", None),
            of("a", None),
            of("a", Some(1)),
            of("b", Some(1)),
            of("b", Some(2)),
        ];
        let heard = || all.iter().map(woken).collect::<Vec<_>>();
        watches.wake_key(KeyHash::of("a"));
        assert_eq!(heard(), [true, true, true, false, false]);
        watches.wake_user(UserId::from_bytes([1; 16]));
        assert_eq!(heard(), [true, true, true, true, false]);
        drop(all);
        assert!(watches.watched().is_empty());
    }
}
