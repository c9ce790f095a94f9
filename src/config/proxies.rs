//! Proxies whose word on where a client is counts.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// An address, or a network of them such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

impl Network {
    /// Checks an address or a network.
    pub fn parse(text: &str) -> Option<Self> {
        let single = text
            .parse::<IpAddr>()
            .map(|address| IpNet::from(address.to_canonical()));
        let network = single.or_else(|_| text.parse::<IpNet>()).ok()?;
        let network = canonical(network)?;
        // Everybody's word would count.
        (network.prefix_len() > 0).then(|| Self(network.trunc()))
    }

    /// Whether an address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

/// A network of IPv4 that is written as one of IPv6, as the network of IPv4: addresses are compared as such. `None` if it reaches
/// beyond those.
fn canonical(network: IpNet) -> Option<IpNet> {
    /// Bits in front of an address of IPv4 that is written as one of IPv6.
    const MAPPED: u8 = 96;
    match network.addr().to_canonical() {
        address @ IpAddr::V4(_) if network.addr().is_ipv6() => {
            IpNet::new(address, network.prefix_len().checked_sub(MAPPED)?).ok()
        }
        _ => Some(network),
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            self.0.addr().fmt(f)
        } else {
            self.0.fmt(f)
        }
    }
}

impl TryFrom<String> for Network {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or(
            "must be an address or a network, such as \"10.0.0.7\" or \"10.0.0.0/24\", and not everybody's",
        )
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_told_from_the_rest() {
        for (text, shown) in [
            ("10.0.0.7", "10.0.0.7"),
            ("10.0.0.7/24", "10.0.0.0/24"),
            ("::ffff:10.0.0.7", "10.0.0.7"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:10.0.0.7/128", "10.0.0.7"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::1", "::1"),
        ] {
            assert_eq!(Network::parse(text).unwrap().to_string(), shown);
        }
        for bad in [
            "",
            "proxy",
            "10.0.0.0/33",
            "10.0.0",
            "0.0.0.0/0",
            "::/0",
            "::ffff:0.0.0.0/96",
            "::ffff:10.0.0.0/95",
            "10.0.0.7:80",
        ] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_address_is_found_in_its_network_however_it_is_written() {
        let network = Network::parse("10.0.0.0/24").unwrap();
        for inside in ["10.0.0.0", "10.0.0.255", "::ffff:10.0.0.9"] {
            assert!(network.contains(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["10.0.1.0", "::1", "2001:db8::a00:1"] {
            assert!(!network.contains(outside.parse().unwrap()), "{outside}");
        }
    }
}
