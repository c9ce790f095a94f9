//! A mailbox bound that holds: admission by permit.
//!
//! actix's own capacity does not hold when addresses are cloned, since each clone has a guaranteed slot. Here a message
//! carries a permit, which its handler keeps until the work is *finished*: the bound covers work in hand, not only what
//! waits. `do_send` is used in this one place, because a permit was taken before.

use std::sync::Arc;
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long the wish that an actor ends waits for room: longer than a process takes to end.
pub const END_PATIENCE: Duration = Duration::from_secs(30);

/// An address that refuses more than a fixed number of unfinished messages.
pub struct BoundedAddr<A: Actor> {
    addr: Addr<A>,
    places: Arc<Semaphore>,
    capacity: usize,
}

/// A message together with its place. Dropping it frees the place.
#[derive(Debug)]
pub struct Admitted<M> {
    /// The message.
    pub message: M,
    /// Held until the work is finished.
    pub place: OwnedSemaphorePermit,
}

impl<M> Message for Admitted<M> {
    type Result = ();
}

/// Why a message was not taken; it comes back.
#[derive(Debug)]
pub enum Refused<M> {
    /// Too many are unfinished.
    Full(M),
    /// The actor is gone.
    Closed(M),
}

impl<M> Refused<M> {
    /// The message.
    pub fn into_message(self) -> M {
        match self {
            Self::Full(message) | Self::Closed(message) => message,
        }
    }
}

impl<A: Actor> BoundedAddr<A> {
    /// Bounds an address to `capacity` unfinished messages, of all kinds and from all clones together.
    pub fn new(addr: Addr<A>, capacity: usize) -> Self {
        Self {
            addr,
            places: Arc::new(Semaphore::new(capacity)),
            capacity,
        }
    }

    /// Hands over a message if there is room now.
    pub fn try_tell<M>(&self, message: M) -> Result<(), Refused<M>>
    where
        M: Send + 'static,
        A: Handler<Admitted<M>>,
        A::Context: ToEnvelope<A, Admitted<M>>,
    {
        if !self.addr.connected() {
            return Err(Refused::Closed(message));
        }
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => {
                self.hand_over(Admitted { message, place });
                Ok(())
            }
            Err(_) => Err(Refused::Full(message)),
        }
    }

    /// Hands over a message, waiting for room no longer than `patience`.
    pub async fn tell<M>(&self, message: M, patience: Duration) -> Result<(), Refused<M>>
    where
        M: Send + 'static,
        A: Handler<Admitted<M>>,
        A::Context: ToEnvelope<A, Admitted<M>>,
    {
        let message = match self.try_tell(message) {
            Ok(()) => return Ok(()),
            Err(Refused::Closed(message)) => return Err(Refused::Closed(message)),
            Err(Refused::Full(message)) => message,
        };
        match tokio::time::timeout(patience, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) if self.addr.connected() => {
                self.hand_over(Admitted { message, place });
                Ok(())
            }
            Ok(_) => Err(Refused::Closed(message)),
            Err(_) => Err(Refused::Full(message)),
        }
    }

    /// Whether the actor lives.
    pub fn is_connected(&self) -> bool {
        self.addr.connected()
    }

    /// Unfinished messages now.
    pub fn depth(&self) -> usize {
        self.capacity.saturating_sub(self.places.available_permits())
    }

    /// How many unfinished messages are allowed.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a permit was taken, so the mailbox holds at most `capacity`"
    )]
    fn hand_over<M>(&self, message: Admitted<M>)
    where
        M: Send + 'static,
        A: Handler<Admitted<M>>,
        A::Context: ToEnvelope<A, Admitted<M>>,
    {
        self.addr.do_send(message);
    }
}

impl<A: Actor> Clone for BoundedAddr<A> {
    fn clone(&self) -> Self {
        Self {
            addr: self.addr.clone(),
            places: Arc::clone(&self.places),
            capacity: self.capacity,
        }
    }
}

impl<A: Actor> std::fmt::Debug for BoundedAddr<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BoundedAddr")
            .field("depth", &self.depth())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix::Context;
    use tokio::sync::mpsc;

    struct Keeper(mpsc::Sender<Admitted<u32>>);

    impl Actor for Keeper {
        type Context = Context<Self>;
    }

    impl Handler<Admitted<u32>> for Keeper {
        type Result = ();
        fn handle(&mut self, admitted: Admitted<u32>, _: &mut Context<Self>) {
            self.0.try_send(admitted).unwrap();
        }
    }

    #[actix::test]
    async fn no_more_than_the_capacity_is_ever_unfinished_however_often_the_address_is_cloned() {
        let (sender, mut kept) = mpsc::channel(16);
        let addr = BoundedAddr::new(Keeper(sender).start(), 4);
        let taken = (0..200).filter(|n| addr.clone().try_tell(*n).is_ok()).count();
        assert_eq!(taken, 4);
        let first = kept.recv().await.unwrap();
        assert!(
            matches!(addr.try_tell(9), Err(Refused::Full(9))),
            "handled but not finished still counts"
        );
        drop(first);
        assert!(addr.try_tell(10).is_ok());
    }

    #[actix::test]
    async fn a_dead_actor_gives_the_message_back() {
        struct Mortal;
        impl Actor for Mortal {
            type Context = Context<Self>;
        }
        impl Handler<Admitted<u32>> for Mortal {
            type Result = ();
            fn handle(&mut self, _: Admitted<u32>, ctx: &mut Context<Self>) {
                use actix::ActorContext as _;
                ctx.stop();
            }
        }
        let addr = BoundedAddr::new(Mortal.start(), 4);
        addr.try_tell(1).unwrap();
        while addr.is_connected() {
            tokio::task::yield_now().await;
        }
        assert!(matches!(addr.try_tell(7), Err(Refused::Closed(7))));
    }
}
