//! Classes of mails. Each has places and attempts of its own, so that whoever can have many mails of one class sent displaces and delays
//! none of another.

use super::Letter;

/// Whose doing a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// What people have to know of their own accounts, and links that they need to get in.
    Account,
    /// Invitations, which members and operators write.
    Invitation,
    /// What somebody can have sent who is not signed in.
    Anybody,
}

impl Class {
    pub(super) const ALL: [Self; 3] = [Self::Account, Self::Invitation, Self::Anybody];

    /// The class of a letter.
    pub(super) const fn of(letter: &Letter) -> Self {
        match letter {
            Letter::Invitation { .. } | Letter::SignUpInvitation { .. } => Self::Invitation,
            Letter::SignUp { .. } | Letter::HasAccount { .. } | Letter::ForgottenPassword { .. } => {
                Self::Anybody
            }
            Letter::NewPassword { .. }
            | Letter::PasswordChanged { .. }
            | Letter::ConfirmEmail { .. }
            | Letter::EmailChangeAsked
            | Letter::EmailChanged
            | Letter::ProviderConnected { .. }
            | Letter::NewDevice { .. } => Self::Account,
        }
    }

    /// How many may wait. Together: [`super::MOST`]. Strangers' are most of what comes in a day on which many sign up.
    pub(super) const fn most(self) -> usize {
        match self {
            Self::Account => 300,
            Self::Invitation => 300,
            Self::Anybody => 400,
        }
    }
}

/// Something for each class.
#[derive(Debug, Clone, Default)]
pub(super) struct OfEach<T> {
    account: T,
    invitation: T,
    anybody: T,
}

impl<T> OfEach<T> {
    pub(super) fn new(make: impl Fn(Class) -> T) -> Self {
        Self {
            account: make(Class::Account),
            invitation: make(Class::Invitation),
            anybody: make(Class::Anybody),
        }
    }

    pub(super) const fn get(&self, class: Class) -> &T {
        match class {
            Class::Account => &self.account,
            Class::Invitation => &self.invitation,
            Class::Anybody => &self.anybody,
        }
    }

    pub(super) const fn of(&mut self, class: Class) -> &mut T {
        match class {
            Class::Account => &mut self.account,
            Class::Invitation => &mut self.invitation,
            Class::Anybody => &mut self.anybody,
        }
    }
}
