//! Names that lines in hand have: no two lines have one at the same time.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use tokio::sync::Notify;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct BusyNames {
    names: RefCell<HashSet<[u8; 16]>>,
    freed: Notify,
}

/// Those of one line, until it is done.
#[derive(Debug)]
pub(super) struct Busy {
    all: Rc<BusyNames>,
    names: [[u8; 16]; 2],
}

impl BusyNames {
    /// Takes names, once nobody has any of them. One caller waits at a time.
    pub(super) async fn take(self: Rc<Self>, names: [[u8; 16]; 2]) -> Busy {
        while names.iter().any(|name| self.names.borrow().contains(name)) {
            self.freed.notified().await;
        }
        self.names.borrow_mut().extend(names);
        Busy { all: self, names }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut names = self.all.names.borrow_mut();
        for name in &self.names {
            names.remove(name);
        }
        drop(names);
        self.all.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn who_wants_a_name_waits_for_who_has_it() {
        let all = Rc::new(BusyNames::default());
        let take = |one, two| Rc::clone(&all).take([[one; 16], [two; 16]]).now_or_never();
        let first = take(1, 2).unwrap();
        let other = take(3, 4).unwrap();
        assert!(take(1, 5).is_none() && take(5, 2).is_none());
        drop(other);
        assert!(take(5, 2).is_none());
        let mut waits = std::pin::pin!(Rc::clone(&all).take([[1; 16], [5; 16]]));
        assert!(waits.as_mut().now_or_never().is_none());
        drop(first);
        assert!(waits.now_or_never().is_some());
    }
}
