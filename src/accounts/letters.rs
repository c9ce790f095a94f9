//! What people are told by e-mail of their accounts.

use super::{Accounts, SignInOrigin};
use crate::domain::Timestamp;
use crate::domain::email::EmailAddress;
use crate::mail::{Device, Handed, Letter};

/// Characters that are told of what a browser calls itself.
const BROWSER: usize = 200;

/// Something that was made for somebody, and whether that person is told by e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told<T> {
    /// What was made.
    pub made: T,
    /// What became of the mail.
    pub mail: Handed,
}

/// From where somebody did something, as mails tell it.
pub(super) fn device(origin: &SignInOrigin, at: Timestamp) -> Device {
    Device {
        at,
        address: origin.address.map(|address| address.to_string()),
        browser: origin.browser.chars().take(BROWSER).collect(),
    }
}

impl Accounts {
    /// Tells somebody that the password is another one.
    pub(super) fn tell_of_new_password(&self, email: &EmailAddress, origin: &SignInOrigin) {
        let device = device(origin, self.now());
        self.mailer.send(email, &Letter::PasswordChanged { device });
    }
}
