//! Whether somebody signs in on a device that was not seen before, judged by the earlier sign-ins that are kept: no cookie is left
//! behind for it.
//!
//! A device is known by its network (the /24, or the /64 of IPv6) or by its kind of browser on its kind of system. Both change alone: a
//! phone goes from one network to the next, and a person takes up another browser at the same desk. Pure.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::domain::Timestamp;
use crate::limiter::Network;
use crate::store::tables::{SignInEvent, SignInResult};

/// An account's first sign-in so soon after it was made is that of who made it.
const FIRST: Duration = Duration::from_mins(10);

/// What browsers call themselves, those first that also call themselves by the names that follow.
const BROWSERS: [&str; 10] = [
    "Edg",
    "OPR/",
    "SamsungBrowser",
    "Vivaldi",
    "Firefox",
    "FxiOS",
    "CriOS",
    "Chrome",
    "Safari",
    "Mozilla",
];
const SYSTEMS: [&str; 7] = [
    "Android",
    "iPhone",
    "iPad",
    "Windows",
    "Macintosh",
    "CrOS",
    "Linux",
];

/// Whether a sign-in is on a device that none of those before it was on, for an account that was made at a time.
pub(super) fn is_new<'a>(
    event: &SignInEvent,
    before: impl Iterator<Item = &'a SignInEvent>,
    created: Timestamp,
) -> bool {
    let mut before = before
        .filter(|earlier| earlier.outcome == SignInResult::SignedIn)
        .peekable();
    if before.peek().is_none() && event.at.since(created) < FIRST {
        return false;
    }
    !before.any(|earlier| {
        let network = network(event);
        let same = network.is_some() && network == self::network(earlier);
        same || kind(&earlier.browser) == kind(&event.browser)
    })
}

fn network(event: &SignInEvent) -> Option<Network> {
    let address: IpAddr = event.address.as_deref()?.parse().ok()?;
    Some(Network::of(match address.to_canonical() {
        IpAddr::V4(four) => IpAddr::V4(Ipv4Addr::from_bits(four.to_bits() & !0xff)),
        six @ IpAddr::V6(_) => six,
    }))
}

/// The browser and its system; the whole text for a program that is neither.
fn kind(browser: &str) -> (&str, &str) {
    let named = |names: &[&'static str]| names.iter().copied().find(|name| browser.contains(name));
    match named(&BROWSERS) {
        Some(name) => (name, named(&SYSTEMS).unwrap_or_default()),
        None => (browser, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36";
    const NEXT_CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/144.0 Safari/537.36";
    const EDGE: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36 Edg/143.0";
    const PHONE: &str = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Mobile Safari/537.36";
    const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_1) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15";

    fn event(outcome: SignInResult, address: Option<&str>, browser: &str) -> SignInEvent {
        let at = Timestamp::from_secs(1_800_000_000);
        SignInEvent {
            at,
            outcome,
            address: address.map(str::to_owned),
            browser: browser.to_owned(),
            is_new_device: false,
            expires: at.after(FIRST),
        }
    }

    fn signed_in(address: &str, browser: &str) -> SignInEvent {
        event(SignInResult::SignedIn, Some(address), browser)
    }

    #[test]
    fn a_device_is_known_by_its_network_or_its_browser() {
        let before = signed_in("198.51.100.7", CHROME);
        let long_ago = Timestamp::from_secs(1);
        for (address, browser, is_new_one) in [
            ("198.51.100.7", CHROME, false),
            ("198.51.100.200", SAFARI, false),
            ("::ffff:198.51.100.9", SAFARI, false),
            ("203.0.113.5", NEXT_CHROME, false),
            ("203.0.113.5", EDGE, true),
            ("203.0.113.5", PHONE, true),
            ("198.51.101.7", SAFARI, true),
            ("2001:db8::1", "curl/8.9", true),
        ] {
            let now = signed_in(address, browser);
            assert_eq!(
                is_new(&now, [&before].into_iter(), long_ago),
                is_new_one,
                "{address} {browser}"
            );
        }
        let six = signed_in("2001:db8::1", CHROME);
        let (near, far) = (
            signed_in("2001:db8::ffff:1", SAFARI),
            signed_in("2001:db8:0:1::1", SAFARI),
        );
        assert!(!is_new(&near, [&six].into_iter(), long_ago));
        assert!(is_new(&far, [&six].into_iter(), long_ago));
    }

    #[test]
    fn refusals_and_unknown_addresses_make_nothing_known() {
        let long_ago = Timestamp::from_secs(1);
        let now = signed_in("198.51.100.7", CHROME);
        for outcome in [SignInResult::WrongPassword, SignInResult::WrongCode] {
            let tried = event(outcome, Some("198.51.100.7"), CHROME);
            assert!(is_new(&now, [&tried].into_iter(), long_ago), "{outcome:?}");
        }
        let nowhere = |browser| event(SignInResult::SignedIn, None, browser);
        assert!(is_new(&nowhere(CHROME), [&nowhere(SAFARI)].into_iter(), long_ago));
    }

    #[test]
    fn who_made_the_account_is_no_stranger() {
        let now = signed_in("198.51.100.7", CHROME);
        assert!(!is_new(&now, [].into_iter(), now.at));
        assert!(is_new(&now, [].into_iter(), now.at.before(FIRST)));
    }
}
