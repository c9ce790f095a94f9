//! Addresses that one customer of a provider may have.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// The addresses of one customer of a provider, or of one rented server park: a /24, or a /48 of IPv6, which holds 65,536 of the /64 that one household has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WideNetwork(IpAddr);

impl WideNetwork {
    /// The one that an address is of.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(four) => IpAddr::V4(Ipv4Addr::from_bits(four.to_bits() & (u32::MAX << 8))),
            IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << 80))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_many_networks_is_in_one_wide_network() {
        let network = |text: &str| WideNetwork::of(text.parse().unwrap());
        for (one, other, same) in [
            ("2001:db8::1", "2001:db8:0:ffff::1", true),
            ("2001:db8::1", "2001:db8:1::1", false),
            ("192.0.2.1", "::ffff:192.0.2.255", true),
            ("192.0.2.1", "192.0.3.1", false),
        ] {
            assert_eq!(network(one) == network(other), same, "{one} {other}");
        }
    }
}
