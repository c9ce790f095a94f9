//! Refusals that come by status, after Meta had taken the message: what they say of the account or the number concerns
//! everything in the lane, as the same code does in the answer to a call.
//!
//! Such an account goes on accepting calls and fails each message later, for good. So an accepted trial does not end a pause
//! that began in this way; the trial's own status does.

use std::time::Duration;

use super::Lane;
use super::handle::LateRefusal;
use super::pause::{Heard, Pause, PauseCause};
use super::waiting::Moment;
use crate::domain::{MessageId, Priority};
use crate::whatsapp::error::refusal_scope;
use crate::whatsapp::{PauseReason, RefusalScope};

/// Meta repeats webhooks for days, and tells late of what somebody has mended since.
const TELLS_OF_NOW: Duration = Duration::from_secs(600);

/// Meta's times are whole seconds.
const COARSE: Duration = Duration::from_secs(1);

impl Lane {
    pub(super) fn refused_late(&mut self, refusal: LateRefusal, now: Moment) {
        let LateRefusal { message, at, error } = refusal;
        let (reason, stops) = match refusal_scope(error.code) {
            RefusalScope::Lane(reason) => (reason, Priority::Interactive),
            RefusalScope::Bulk(reason) => (reason, Priority::Bulk),
            RefusalScope::Message | RefusalScope::Contact(_) | RefusalScope::Template => return,
        };
        let age = now.wall.since(at);
        let is_past = |resumed: Duration| now.mono.saturating_sub(age) + COARSE < resumed;
        if age > TELLS_OF_NOW || self.resumed_at.is_some_and(is_past) {
            return;
        }
        let tries = message.is_some_and(|message| self.tries(stops, message));
        let standing = match stops {
            Priority::Interactive => &self.paused,
            Priority::Bulk => &self.bulk_paused,
        };
        // Of a lane that stands still, only its trial tells something new.
        if standing.is_some() && !tries {
            return;
        }
        let cause = PauseCause {
            reason,
            error: Some(error),
            heard: Heard::ByStatus,
        };
        match stops {
            Priority::Interactive => {
                self.pause(cause, now.mono, now);
                self.return_all_unstarted();
            }
            Priority::Bulk => {
                self.pause_bulk(cause, now.mono, now);
                self.return_unstarted(Priority::Bulk);
            }
        }
    }

    /// Stands still for want of a token: nothing can be called for.
    pub(super) fn pause_without_token(&mut self, now: Moment) {
        let cause = PauseCause {
            reason: PauseReason::AccessToken,
            error: None,
            heard: Heard::ByAnswer,
        };
        self.pause(cause, now.mono, now);
    }

    /// A status that is no failure came: if it is the trial's, the reason to stand still is gone.
    pub(super) fn note_trial_sent(&mut self, message: MessageId, now: Moment) {
        if self.tries(Priority::Interactive, message) {
            self.paused = None;
            self.resumed_at = Some(now.mono);
        }
        if self.tries(Priority::Bulk, message) {
            self.bulk_paused = None;
            self.resumed_at = Some(now.mono);
        }
    }

    /// Whether a message is the trial of the lane, or of its bulk.
    fn tries(&self, of: Priority, message: MessageId) -> bool {
        let call_began = self.hands.get(message).and_then(|hand| hand.began);
        let tries = |pause: &Pause| pause.tries(message, call_began);
        match of {
            Priority::Interactive => self.paused.as_ref().is_some_and(tries),
            Priority::Bulk => self.bulk_paused.as_ref().is_some_and(tries),
        }
    }
}
