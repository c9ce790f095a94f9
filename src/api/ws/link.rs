//! What the two halves of a session share: the actor puts frames in, the outgoing half takes them out when the socket
//! has room.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;

use super::frame::{self, Close};
use super::progress::{Owes, Progress};
use crate::actors::feed::Cursor;

/// Answers that may wait for a client to read them. A client may write twenty frames in a second; one that leaves
/// three seconds of answers unread does not read at all.
const WAITING: usize = 64;

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Bytes>,
    begins: Option<Cursor>,
    ended: bool,
    broken: bool,
    waker: Option<Waker>,
    reader: Option<Waker>,
}

/// See the module. Of one thread; clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Link {
    state: Rc<RefCell<State>>,
    progress: Arc<Progress>,
}

impl Link {
    pub(super) fn new(progress: Arc<Progress>) -> Self {
        Self {
            state: Rc::default(),
            progress,
        }
    }

    /// A link of no socket.
    #[cfg(test)]
    pub(super) fn detached() -> Self {
        Self::new(Arc::new(Progress::new(crate::actors::feed::LiveHead::default())))
    }

    /// Sends a frame, before any events that wait. A client that leaves too many unread is cut off.
    pub(super) fn send(&self, frame: Bytes) {
        let mut state = self.state.borrow_mut();
        if state.ended {
            return;
        }
        if state.frames.len() >= WAITING {
            state.frames.clear();
            state.ended = true;
            self.progress.end();
        } else {
            state.frames.push_back(frame);
        }
        self.progress.set_owes(Owes::Frames);
        wake(state);
    }

    /// Lets events flow from a cursor on.
    pub(super) fn begin(&self, cursor: Cursor) {
        let mut state = self.state.borrow_mut();
        state.begins = Some(cursor);
        self.progress.sent(cursor.seq());
        wake(state);
    }

    /// Closes the socket once what was sent before is read.
    pub(super) fn close(&self, why: Close) {
        self.send(frame::close(why));
        self.end();
    }

    /// Closes the connection without a word.
    pub(super) fn end(&self) {
        let mut state = self.state.borrow_mut();
        state.ended = true;
        self.progress.end();
        wake(state);
    }

    /// Tells the actor that the connection is gone.
    pub(super) fn break_off(&self) {
        let mut state = self.state.borrow_mut();
        state.ended = true;
        state.broken = true;
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Whether the connection is gone. If not, this one is woken when it is.
    pub(super) fn is_broken(&self, waker: &Waker) -> bool {
        let mut state = self.state.borrow_mut();
        keep(&mut state.reader, waker);
        state.broken
    }

    /// Whether the connection is to be closed.
    pub(super) fn is_ended(&self) -> bool {
        self.state.borrow().ended
    }

    /// The next frame.
    pub(super) fn take_frame(&self) -> Option<Bytes> {
        let mut state = self.state.borrow_mut();
        let frame = state.frames.pop_front();
        if state.frames.is_empty() {
            self.progress.set_owes(Owes::Nothing);
        }
        frame
    }

    /// Where events begin, once.
    pub(super) fn take_cursor(&self) -> Option<Cursor> {
        self.state.borrow_mut().begins.take()
    }

    /// Has this one woken by the next frame.
    pub(super) fn wait(&self, waker: &Waker) {
        keep(&mut self.state.borrow_mut().waker, waker);
    }
}

fn keep(kept: &mut Option<Waker>, waker: &Waker) {
    match kept {
        Some(known) if known.will_wake(waker) => {}
        other => *other = Some(waker.clone()),
    }
}

/// Wakes the outgoing half; nothing is borrowed while it is woken.
fn wake(state: std::cell::RefMut<'_, State>) {
    let waker = state.waker.clone();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
