//! Which addresses a provider may have. Tenants name providers, so that whoever has a tenant decides where this gateway calls:
//! never into the operator's own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openidconnect::url::{Host, Url};

use crate::config::AccountsConfig;

/// How far a call may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// To addresses of the internet, by https.
    Internet,
    /// To this machine as well, by http, too: a gateway that is developed on it, as its settings say.
    ThisMachine,
}

impl Reach {
    /// That of a gateway with these settings. That it listens on a loopback address says nothing: a proxy on the same machine may have it
    /// reached by everybody.
    pub(super) fn of(settings: &AccountsConfig) -> Self {
        if settings.providers_on_this_machine {
            Self::ThisMachine
        } else {
            Self::Internet
        }
    }

    /// Whether a connection may be opened to an address. Names are checked by what they lead to.
    pub(super) fn allows(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Self::ThisMachine if address.is_loopback() => true,
            _ => match address {
                IpAddr::V4(address) => is_public(address),
                IpAddr::V6(address) => is_public_v6(address),
            },
        }
    }

    /// Whether an address as a provider writes it may be called, as far as it says itself.
    pub(super) fn allows_url(self, url: &Url) -> bool {
        let (address, is_local) = match url.host() {
            Some(Host::Ipv4(address)) => (Some(IpAddr::V4(address)), address.is_loopback()),
            Some(Host::Ipv6(address)) => (Some(IpAddr::V6(address)), address.is_loopback()),
            Some(Host::Domain(name)) => (None, name == "localhost"),
            None => return false,
        };
        let scheme = match url.scheme() {
            "https" => true,
            "http" => self == Self::ThisMachine && is_local,
            _ => false,
        };
        let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        scheme && bare && address.is_none_or(|address| self.allows(address))
    }
}

/// Whether an address belongs to the internet (IANA's special-purpose registry).
fn is_public(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    !matches!(
        (first, second, third),
        (0 | 10 | 127 | 224..=255, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

/// The same: what is assigned to networks, without what holds other addresses (Teredo, 6to4) or is for documents.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let special = matches!(
        (first, second),
        (0x2001, 0..=0x01ff | 0x0db8) | (0x2002 | 0x3fff, _)
    );
    (0x2000..=0x3fff).contains(&first) && !special
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn this_machine_is_called_where_the_settings_say_so_alone() {
        let mut settings = Config::defaults().unwrap().accounts;
        assert_eq!(Reach::of(&settings), Reach::Internet);
        settings.providers_on_this_machine = true;
        assert_eq!(Reach::of(&settings), Reach::ThisMachine);
    }

    #[test]
    fn nothing_but_the_internet_is_called() {
        for inside in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2002:a00:1::1",
        ] {
            assert!(!Reach::Internet.allows(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["8.8.8.8", "172.32.0.1", "2600:1901::1", "::ffff:8.8.8.8"] {
            assert!(Reach::Internet.allows(outside.parse().unwrap()), "{outside}");
        }
        for here in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(Reach::ThisMachine.allows(here.parse().unwrap()), "{here}");
        }
        assert!(!Reach::ThisMachine.allows("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn an_address_that_says_itself_where_it_leads_is_refused_before_any_call() {
        let allows = |reach: Reach, text: &str| reach.allows_url(&text.parse().unwrap());
        for good in ["https://login.example.com/x", "https://8.8.8.8:8443/"] {
            assert!(allows(Reach::Internet, good), "{good}");
        }
        for bad in [
            "http://login.example.com",
            "https://127.0.0.1",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://10.0.0.1",
            "https://ana:x@login.example.com",
            "https://login.example.com/#x",
            "ftp://login.example.com",
            "file:///etc/passwd",
        ] {
            assert!(!allows(Reach::Internet, bad), "{bad}");
        }
        for good in [
            "http://127.0.0.1:4000/x",
            "http://localhost:4000",
            "http://[::1]:1",
        ] {
            assert!(allows(Reach::ThisMachine, good), "{good}");
            assert!(!allows(Reach::Internet, good), "{good}");
        }
        assert!(!allows(Reach::ThisMachine, "http://login.example.com"));
        assert!(!allows(Reach::ThisMachine, "https://192.168.0.1"));
    }
}
