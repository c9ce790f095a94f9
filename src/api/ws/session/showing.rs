//! What an agent's socket shows of itself. The tenant's actor keeps it in memory alone, so its successor is told anew.

use crate::actors::feed::Presence;
use crate::actors::request::Attendance;
use crate::domain::ConversationId;

/// See the module.
#[derive(Debug)]
pub(super) struct Showing {
    presence: Presence,
    viewing: Option<ConversationId>,
    told: Told,
}

/// Whether the running tenant knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// The client has not said hello: there is nothing to tell.
    Never,
    /// It was told.
    Once,
    /// Its successor was not.
    NotAgain,
}

impl Showing {
    /// Of a socket that has not said hello.
    pub(super) fn nothing() -> Self {
        Self {
            presence: Presence::Online,
            viewing: None,
            told: Told::Never,
        }
    }

    /// Whether the tenant knows of the socket, or did.
    pub(super) fn is_shown(&self) -> bool {
        self.told != Told::Never
    }

    /// Whether the tenant has to be told again.
    pub(super) fn is_due(&self) -> bool {
        self.told == Told::NotAgain
    }

    /// The tenant is told everything.
    pub(super) fn telling(&mut self) {
        self.told = Told::Once;
    }

    /// The tenant has a successor, or could not be told.
    pub(super) fn forgotten(&mut self) {
        if self.is_shown() {
            self.told = Told::NotAgain;
        }
    }

    /// The client shows something else from now on. Typing passes by itself.
    pub(super) fn change(&mut self, shown: &Attendance) {
        match shown {
            Attendance::Presence(presence) => self.presence = *presence,
            Attendance::Viewing(conversation) => self.viewing = *conversation,
            Attendance::Typing(..) => {}
        }
    }

    /// Whether it shows anything but that its client is there.
    pub(super) fn is_more_than_online(&self) -> bool {
        self.presence != Presence::Online || self.viewing.is_some()
    }

    /// Everything that is shown.
    pub(super) fn all(&self) -> impl Iterator<Item = Attendance> + use<> {
        let viewing = self.viewing.map(|id| Attendance::Viewing(Some(id)));
        std::iter::once(Attendance::Presence(self.presence)).chain(viewing)
    }
}
