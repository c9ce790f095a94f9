//! Every text that people get by e-mail.
//!
//! Mails go to addresses that others named. So what strangers may write, their names and those of their businesses, stands in none that
//! anybody can ask for, and elsewhere only without what a mail program would make a link of.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use icu_normalizer::ComposingNormalizerBorrowed;
use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::display_name::is_one_line;
use crate::domain::{Timestamp, quantity};
use crate::telemetry::labels::MailKind;

/// An address of the console that holds a token.
#[derive(Clone)]
pub struct Link(SecretString);

impl Link {
    /// The address.
    pub fn new(address: String) -> Self {
        Self(address.into())
    }

    /// As it is shown to whom it is for.
    pub fn text(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Whoever knows a link may use it.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

/// From where somebody did something, and when.
#[derive(Clone, PartialEq, Eq)]
pub struct Device {
    /// When.
    pub at: Timestamp,
    /// The client's address.
    pub address: Option<String>,
    /// What its browser calls itself.
    pub browser: String,
}

/// Addresses do not belong into logs.
impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Device")
    }
}

/// What a mail says.
#[derive(Debug, Clone)]
pub enum Letter {
    /// Somebody is invited into a team.
    Invitation {
        /// The business.
        business: Option<String>,
        /// Where it is accepted.
        link: Link,
        /// For how long.
        lasts: Duration,
    },
    /// Somebody may open an account for a business.
    SignUpInvitation {
        /// Where.
        link: Link,
        /// For how long.
        lasts: Duration,
    },
    /// Somebody signs up.
    SignUp {
        /// Where to go on.
        link: Link,
        /// For how long.
        lasts: Duration,
    },
    /// Somebody signs up who has an account, or wants the address of another account.
    HasAccount {
        /// Where one signs in.
        page: Link,
    },
    /// An operator lets somebody set a new password.
    NewPassword {
        /// Where.
        link: Link,
        /// For how long.
        lasts: Duration,
    },
    /// Somebody says that the password is forgotten.
    ForgottenPassword {
        /// Where a new one is set.
        link: Link,
        /// For how long.
        lasts: Duration,
        /// After which time another link may be asked for.
        pause: Duration,
    },
    /// The password is another one.
    PasswordChanged {
        /// From where.
        device: Device,
    },
    /// An account is to have this address.
    ConfirmEmail {
        /// Where that is confirmed.
        link: Link,
        /// For how long.
        lasts: Duration,
    },
    /// Somebody who knows the password wants another address for the account; to the one that it has.
    EmailChangeAsked,
    /// The account has another address.
    EmailChanged,
    /// An account at a business's identity provider signs in to this one from now on.
    ProviderConnected {
        /// The business.
        business: Option<String>,
        /// From where it was connected.
        device: Device,
    },
    /// Somebody signed in from a device that was not seen before.
    NewDevice {
        /// From where.
        device: Device,
    },
}

impl Letter {
    /// What it is called in metrics.
    pub const fn kind(&self) -> MailKind {
        match self {
            Self::Invitation { .. } => MailKind::Invitation,
            Self::SignUpInvitation { .. } => MailKind::SignUpInvitation,
            Self::SignUp { .. } => MailKind::SignUp,
            Self::HasAccount { .. } => MailKind::HasAccount,
            Self::NewPassword { .. } => MailKind::NewPassword,
            Self::ForgottenPassword { .. } => MailKind::ForgottenPassword,
            Self::PasswordChanged { .. } => MailKind::PasswordChanged,
            Self::ConfirmEmail { .. } => MailKind::ConfirmEmail,
            Self::EmailChangeAsked => MailKind::EmailChangeAsked,
            Self::EmailChanged => MailKind::EmailChanged,
            Self::ProviderConnected { .. } => MailKind::ProviderConnected,
            Self::NewDevice { .. } => MailKind::NewDevice,
        }
    }

    /// The line above it. Nothing that somebody wrote stands in it.
    pub(super) const fn subject(&self) -> &'static str {
        match self {
            Self::Invitation { .. } => "You are invited to a team",
            Self::SignUpInvitation { .. } => "You are invited to open an account",
            Self::SignUp { .. } => "Confirm your e-mail address",
            Self::HasAccount { .. } => "You have an account already",
            Self::NewPassword { .. } => "A link to a new password",
            Self::ForgottenPassword { .. } => "Forgot your password?",
            Self::PasswordChanged { .. } => "Your password was changed",
            Self::ConfirmEmail { .. } => "Confirm your new e-mail address",
            Self::EmailChangeAsked => "Your e-mail address is about to change",
            Self::EmailChanged => "Your e-mail address was changed",
            Self::ProviderConnected { .. } => "Your account was connected",
            Self::NewDevice { .. } => "Somebody signed in with your account",
        }
    }

    /// The text.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Invitation { business, link, lasts } => {
                let whose = named(business.as_deref());
                format!(
                    "Hello,\n\nyou are invited to the team of {whose} that answers its customers on WhatsApp. Open this link to join:\n\n\
                     {}\n\nIt works once, for {}. If you do not know of this, do nothing: without the link nothing happens.\n",
                    link.text(),
                    time(*lasts)
                )
            }
            Self::SignUpInvitation { link, lasts } => format!(
                "Hello,\n\nyou are invited to open an account for your business, to answer its customers on WhatsApp. Begin here:\n\n\
                 {}\n\nThe link works once, for {}.\n",
                link.text(),
                time(*lasts)
            ),
            Self::SignUp { link, lasts } => format!(
                "Hello,\n\nsomebody, probably you, opens an account with this e-mail address. Open this link to set a password and begin:\n\n\
                 {}\n\nIt works once, for {}. If it was not you, do nothing: no account is made.\n",
                link.text(),
                time(*lasts)
            ),
            Self::HasAccount { page } => format!(
                "Hello,\n\nsomebody, probably you, wanted to use this e-mail address for an account. You have an account with it already. \
                 Sign in here, or ask there for a new password:\n\n{}\n\nIf it was not you, do nothing: nothing was changed.\n",
                page.text()
            ),
            Self::NewPassword { link, lasts } => format!(
                "Hello,\n\nyou can set a new password for your account here:\n\n{}\n\nThe link works once, for {}. Links that you got \
                 before work no more. You are signed out everywhere when the password is set.\n",
                link.text(),
                time(*lasts)
            ),
            Self::ForgottenPassword { link, lasts, pause } => format!(
                "Hello,\n\nsomebody, probably you, says that the password of your account is forgotten. You can set a new one here:\n\n{}\n\n\
                 The link works once, for {}. Links that you got before work no more, and for {} no other can be asked for. If it was \
                 not you, do nothing: your password stays as it is.\n",
                link.text(),
                time(*lasts),
                time(*pause)
            ),
            Self::PasswordChanged { device } => format!(
                "Hello,\n\nthe password of your account was changed, and you are signed out everywhere else.\n\n{}\n\nIf it was not you, \
                 somebody else uses your account: ask for a new password on the page where you sign in.\n",
                device.told()
            ),
            Self::ConfirmEmail { link, lasts } => format!(
                "Hello,\n\nthis is to be the e-mail address of your account. Open this link to confirm it:\n\n{}\n\nIt works once, for {}. \
                 If you do not know of this, do nothing: nothing is changed.\n",
                link.text(),
                time(*lasts)
            ),
            // The other address is not named: somebody may have chosen it for what it says.
            Self::EmailChangeAsked => "Hello,\n\nsomebody, probably you, wants another e-mail address for your account, and has shown \
                 its password. Once the link that the other address got is opened, this one works no more.\n\nIf it was not you, change \
                 your password at once: the link works no more then. If you cannot sign in, ask for a new password on the page where you \
                 sign in.\n"
                .to_owned(),
            Self::EmailChanged => "Hello,\n\nyour account has another e-mail address now; this one works no more.\n\nIf it was not you, \
                 somebody else uses your account: tell who looks after Mesej in your business at once.\n"
                .to_owned(),
            Self::ProviderConnected { business, device } => format!(
                "Hello,\n\nan account at the identity provider of {} signs in to your account there from now on.\n\n{}\n\nIf it was you, do \
                 nothing. If not, somebody knows your password: change it, and disconnect that account under \"My account\".\n",
                named(business.as_deref()),
                device.told()
            ),
            Self::NewDevice { device } => format!(
                "Hello,\n\nsomebody signed in with your account from a device or network that was not seen before.\n\n{}\n\nIf it was you, \
                 do nothing. If not, somebody knows your password: change it, and end the other sessions.\n",
                device.told()
            ),
        }
    }
}

/// A business, as mails name it.
fn named(business: Option<&str>) -> String {
    let name = business.and_then(harmless_name);
    name.map_or_else(|| "a business".to_owned(), |name| format!("\"{name}\""))
}

impl Device {
    fn told(&self) -> String {
        let since = u64::try_from(self.at.as_millis()).unwrap_or_default();
        let at = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(since));
        let mut lines = format!("When: {at}");
        if let Some(address) = &self.address {
            lines.push_str(&format!("\nFrom: {address}"));
        }
        if let Some(browser) = harmless(&self.browser) {
            lines.push_str(&format!("\nBrowser: {browser}"));
        }
        lines
    }
}

/// What somebody wrote, if it is one line without what a mail program would make a link of.
fn harmless(text: &str) -> Option<&str> {
    (!text.is_empty() && is_one_line(text) && !is_linked(&plain(text))).then_some(text)
}

/// A text as browsers read it in an address: other forms of letters, digits and signs are the usual ones (UTS 46).
fn plain(text: &str) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
    // The one dot that is none by NFKC.
    composed.replace('\u{3002}', ".")
}

fn is_linked(text: &str) -> bool {
    let begins = |after: &str, is_part: fn(char) -> bool| after.chars().next().is_some_and(is_part);
    text.contains("://")
        || text.contains(['@', '<', '>', '\\'])
        // `tel:123`, `mailto:`; nobody calls a business so.
        || text.split(':').skip(1).any(|after| begins(after, |next| next.is_alphanumeric() || next == '+'))
        || text.split('.').skip(1).any(|after| begins(after, char::is_alphabetic))
}

/// The longest name of a business that stands in a mail: more is a message of its own.
const LONGEST_NAME: usize = 60;
/// Digits that are a phone number together, whatever stands between them.
const DIGITS_OF_PHONE: usize = 7;

/// Numbers with dots between them that are the address of a machine.
const NUMBERS_OF_HOST: usize = 4;

/// The name of a business, if it is harmless and tells nobody where to call or to look.
fn harmless_name(name: &str) -> Option<&str> {
    let text = plain(name);
    let hosts = text.split(|c: char| !c.is_numeric() && c != '.');
    let is_host = |part: &str| part.split('.').filter(|digits| !digits.is_empty()).count() >= NUMBERS_OF_HOST;
    let parts = text.split(|c: char| c.is_alphabetic() || matches!(c, '"' | ',' | ';' | '&' | '!' | '?'));
    let is_phone = |part: &str| part.chars().filter(|c| c.is_numeric()).count() >= DIGITS_OF_PHONE;
    let is_short = name.chars().count() <= LONGEST_NAME;
    let tells = parts.into_iter().any(is_phone) || hosts.into_iter().any(is_host);
    harmless(name).filter(|_| is_short && !tells)
}

/// A time as people say it.
fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        172_800.. => quantity(seconds / 86_400, "day"),
        7_200.. => quantity(seconds / 3_600, "hour"),
        _ => quantity(seconds.div_ceil(60), "minute"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_mails_only_where_no_program_makes_a_link_of_them() {
        for (name, shown) in [
            ("Toko Maju", true),
            ("Toko Maju Sdn. Bhd.", true),
            ("Café 24/7", true),
            ("Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.0.0", true),
            ("Toko: Maju", true),
            ("You won! http://evil", false),
            ("tel:0812", false),
            ("evil\u{3002}example", false),
            ("evil\u{ff0e}example", false),
            ("evil\u{ff61}example", false),
            ("x\u{2024}com", false),
            ("x\u{fe52}com", false),
            ("http\u{ff1a}\u{ff0f}\u{ff0f}evil", false),
            ("ana\u{ff20}evil", false),
            ("Call evil.example now", false),
            ("ana@evil", false),
            ("a\nb", false),
            ("", false),
        ] {
            assert_eq!(harmless(name).is_some(), shown, "{name:?}");
        }
        for (name, shown) in [
            ("Toko Maju", true),
            ("Kedai 1001 Malam, No. 12-14", true),
            ("Café 24/7", true),
            ("Call +62 812 3456 789", false),
            ("0812.345.6789", false),
            ("(08) 12-34-56-7 Toko", false),
            ("\u{660}\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}", false),
            ("evil.example", false),
            ("1.2.3.4", false),
            ("\u{2460}.2\u{ff0e}3\u{3002}4", false),
            ("Kedai 1.2.3", true),
            (
                "You have won a million and all that you need to do now is to answer",
                false,
            ),
        ] {
            assert_eq!(harmless_name(name).is_some(), shown, "{name:?}");
        }
        let letter = |business: &str| {
            let letter = Letter::Invitation {
                business: Some(business.to_owned()),
                link: Link::new("https://mesej.example/#/x".to_owned()),
                lasts: Duration::from_secs(7 * 86_400),
            };
            letter.text()
        };
        assert!(letter("Toko Maju").contains("the team of \"Toko Maju\" that"));
        assert!(letter("evil.example").contains("the team of a business that"));
        assert!(letter("Toko Maju").contains("for 7 days"));
        let connected = |business: &str| {
            let letter = Letter::ProviderConnected {
                business: Some(business.to_owned()),
                device: Device {
                    at: Timestamp::from_secs(0),
                    address: None,
                    browser: String::new(),
                },
            };
            letter.text()
        };
        assert!(connected("Toko Maju").contains("provider of \"Toko Maju\" signs in"));
        assert!(connected("evil.example").contains("provider of a business signs in"));
    }

    #[test]
    fn times_are_told_in_the_largest_unit_that_fits() {
        for (seconds, told) in [
            (60, "1 minute"),
            (300, "5 minutes"),
            (3_600, "60 minutes"),
            (86_400, "24 hours"),
            (604_800, "7 days"),
        ] {
            assert_eq!(time(Duration::from_secs(seconds)), told);
        }
    }

    #[test]
    fn a_link_is_not_shown_where_a_letter_is_logged() {
        let letter = Letter::SignUp {
            link: Link::new("https://mesej.example/#/sign-up/mj_secret".to_owned()),
            lasts: Duration::from_secs(60),
        };
        assert!(!format!("{letter:?}").contains("mj_secret"));
    }
}
