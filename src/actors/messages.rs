//! What actors tell and ask each other, by receiver.
//!
//! All of it goes through a [`BoundedAddr`](super::BoundedAddr), as [`Admitted`](super::bounded::Admitted). An ask carries the
//! sender of its answer; whoever asked may have gone. Ticks that an actor sends to itself stand in its own file.

/// To a tenant: requests of the edges, and news of its numbers.
pub(super) mod tenant {
    use tokio::sync::oneshot;

    use crate::actors::lane::LaneHandle;
    use crate::actors::port::SessionId;
    use crate::actors::request::{Accepted, Attendance, NoteRequest, Refusal, Roster, SubmitRequest};
    use crate::domain::{AgentId, PhoneNumberId};

    /// Accept a message.
    pub(crate) struct Submit {
        pub(crate) request: Box<SubmitRequest>,
        pub(crate) reply: oneshot::Sender<Result<Accepted, Refusal>>,
    }

    /// Leave a note.
    pub(crate) struct LeaveNote {
        pub(crate) request: Box<NoteRequest>,
        pub(crate) reply: oneshot::Sender<Result<Accepted, Refusal>>,
    }

    /// An agent's client shows something of itself.
    pub(crate) struct Attend {
        pub(crate) session: SessionId,
        pub(crate) agent: AgentId,
        pub(crate) attendance: Attendance,
    }

    /// An agent's client came: tell it who is there.
    pub(crate) struct Arrive {
        pub(crate) session: SessionId,
        pub(crate) agent: AgentId,
        pub(crate) reply: oneshot::Sender<Roster>,
    }

    /// Tell whether nobody is there, or asked for something that is not done.
    pub(crate) struct AskIdle(pub(crate) oneshot::Sender<bool>);

    /// A number was added or changed.
    pub(crate) struct NumberChanged {
        pub(crate) id: PhoneNumberId,
        pub(crate) lane: LaneHandle,
    }

    /// Another tenant actor takes over, or none: stop, with every conversation.
    pub(crate) struct Retire;
}

/// To a conversation: requests in the order in which they came.
pub(super) mod conversation {
    use tokio::sync::oneshot;

    use crate::actors::request::{Accepted, NoteRequest, Refusal, SubmitRequest};
    use crate::domain::{ContactAliases, ContactId, MessageId, PhoneNumberId};
    use crate::store::row::Queued;

    /// Where a message goes, once its tenant resolved it.
    #[derive(Debug, Clone)]
    pub(crate) enum Recipient {
        /// Into this conversation, which must exist.
        Existing,
        /// To a contact by these names, from this number.
        Named {
            number: PhoneNumberId,
            aliases: ContactAliases,
            /// Whom the names lead to, if to anybody yet.
            known: Option<ContactId>,
        },
    }

    /// What a submit leads to: the answer, and the row that its commit put into the outbox. A message that was accepted by a
    /// commit whose answer was lost comes without its row, which is in the outbox all the same.
    pub(crate) type Submitted = Result<(Accepted, Option<Box<Queued>>), Refusal>;

    /// Accept a message.
    pub(crate) struct Submit {
        pub(crate) request: Box<SubmitRequest>,
        pub(crate) recipient: Recipient,
        pub(crate) message: MessageId,
        pub(crate) reply: oneshot::Sender<Submitted>,
    }

    /// Leave a note.
    pub(crate) struct LeaveNote {
        pub(crate) request: Box<NoteRequest>,
        pub(crate) message: MessageId,
        pub(crate) reply: oneshot::Sender<Result<Accepted, Refusal>>,
    }
}

/// To a ledger: what is to be committed, and who is fed.
pub(super) mod ledger {
    use tokio::sync::oneshot;

    use crate::actors::feed::{FeedSubscriber, Signal};
    use crate::actors::ledger::Reply;
    use crate::store::{Op, TenantHead};

    /// Commit an op.
    pub(crate) struct Commit {
        pub(in crate::actors) op: Op,
        pub(in crate::actors) reply: Reply,
    }

    /// Feed this subscriber from now on.
    pub(crate) struct Subscribe {
        pub(crate) subscriber: FeedSubscriber,
        pub(crate) reply: oneshot::Sender<TenantHead>,
    }

    /// Tell agents something that is not kept.
    pub(crate) struct Relay(pub(crate) Signal);

    /// Tell whether nobody listens and nothing waits.
    pub(crate) struct AskIdle(pub(crate) oneshot::Sender<bool>);

    /// Commit what waits, then stop.
    pub(crate) struct Finish(pub(crate) oneshot::Sender<()>);

    /// Another writer takes over: stop at once.
    pub(crate) struct Retire;
}

/// To a lane: messages to send, and what became known of those that it sent.
pub(super) mod lane {
    use tokio::sync::oneshot;

    use crate::actors::lane::{LaneSnapshot, Waiting};
    use crate::actors::request::{DelayEstimate, LaneState, Receipt, Refusal};
    use crate::domain::{AttemptToken, ContactId, DeliveryState, MessageId, Wamid};
    use crate::store::op::Settlement;
    use crate::store::{MessageRef, Number};

    /// Send this when its turn comes.
    pub(crate) struct Enqueue(pub(crate) Waiting);

    /// A status came.
    pub(crate) struct NoteStatus {
        pub(crate) token: AttemptToken,
        pub(crate) state: DeliveryState,
    }

    /// Customers turned out to be one.
    pub(crate) struct Join {
        pub(crate) from: Vec<ContactId>,
        pub(crate) to: ContactId,
    }

    /// A message was withdrawn.
    pub(crate) struct Forget(pub(crate) MessageId);

    /// A broadcast is halted or ended: begin no call for what is claimed of it, and say when that is so.
    pub(crate) struct Halt(pub(crate) oneshot::Sender<()>);

    /// Tell the customer that a message was read, or that somebody types.
    pub(crate) struct SendReceipt {
        pub(crate) wamid: Wamid,
        pub(crate) receipt: Receipt,
    }

    /// Somebody decided about an unknown outcome.
    pub(crate) struct SettleNow {
        pub(crate) at: MessageRef,
        pub(crate) how: Settlement,
        pub(crate) reply: oneshot::Sender<Result<(), Refusal>>,
    }

    /// Tell why a message waits, and when it is expected to go.
    pub(crate) struct AskDelayEstimate {
        pub(crate) message: MessageId,
        pub(crate) reply: oneshot::Sender<Option<DelayEstimate>>,
    }

    /// Tell what agents would be told of the lane now.
    pub(crate) struct AskState(pub(crate) oneshot::Sender<LaneState>);

    /// Tell how the lane stands.
    pub(crate) struct AskSnapshot(pub(crate) oneshot::Sender<LaneSnapshot>);

    /// Tell whether there is nothing to do and nothing to remember.
    pub(crate) struct AskIdle(pub(crate) oneshot::Sender<bool>);

    /// Begin no more calls, end those under way, then stop.
    pub(crate) struct Drain(pub(crate) oneshot::Sender<()>);

    /// Forget what is known of files.
    #[cfg(test)]
    pub(crate) struct LoseFiles;

    /// Stop at once, as if by a panic.
    #[cfg(test)]
    pub(crate) struct Die;

    // What comes by streams, which no full mailbox can refuse.

    /// Something changed in what the lane shares with its handles and calls.
    pub(crate) struct SharedChanged;

    /// The number's row changed.
    pub(crate) struct RowChanged(pub(crate) Box<Number>);

    /// Calls of an earlier lane ended, and their results are committed.
    pub(crate) struct LateCame(pub(crate) Vec<AttemptToken>);

    /// A lane of this tenant is over.
    pub(crate) struct HandoverLeft;

    /// Something was committed without anybody being told.
    pub(crate) struct Arrived;
}
