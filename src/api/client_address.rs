//! Where a client is: the other end of its connection, or, behind proxies that are trusted, what they say.
//!
//! Only `X-Forwarded-For` is read. A client can write the header that its proxy does not, so whoever read `Forwarded` as well
//! would believe clients.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;

use crate::config::Network;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whether somebody's word counts.
pub(super) fn is_trusted(proxies: &[Network], address: IpAddr) -> bool {
    proxies.iter().any(|network| network.contains(address))
}

/// The address of whoever sent a request: the last in the list of addresses that is no trusted proxy. Each proxy appended
/// the one that it saw; what stands before may be anybody's invention.
pub(super) fn client_address(request: &HttpRequest, proxies: &[Network]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    if !is_trusted(proxies, peer) {
        return Some(peer);
    }
    let lists: Vec<&str> = request
        .headers()
        .get_all(FORWARDED_FOR)
        .map(|list| list.to_str().unwrap_or_default())
        .collect();
    let mut nearest = peer;
    for hop in lists.iter().rev().flat_map(|list| list.rsplit(',')) {
        let Some(address) = address(hop.trim()) else {
            // Who stands before that cannot be told.
            break;
        };
        nearest = address;
        if !is_trusted(proxies, address) {
            break;
        }
    }
    Some(nearest)
}

/// An address as proxies write it: some with a port, some with brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse::<IpAddr>();
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    address
        .or_else(|_| with_port())
        .ok()
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    const PROXIES: [&str; 3] = ["10.0.0.0/24", "2001:db8:1::/48", "192.0.2.1"];

    fn seen(peer: &str, lists: &[&str]) -> String {
        let proxies = PROXIES.map(|text| Network::parse(text).unwrap());
        let mut request = TestRequest::get().peer_addr(SocketAddr::new(peer.parse().unwrap(), 4_711));
        for list in lists {
            request = request.append_header(("X-Forwarded-For", *list));
        }
        let address = client_address(&request.to_http_request(), &proxies);
        address.unwrap().to_string()
    }

    #[test]
    fn the_word_of_a_trusted_proxy_counts_and_nobody_elses() {
        for (peer, lists, client) in [
            // Without a proxy the header is anybody's invention.
            ("203.0.113.9", ["198.51.100.1"].as_slice(), "203.0.113.9"),
            ("203.0.113.9", &[], "203.0.113.9"),
            ("10.0.0.7", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.7", &["198.51.100.1"], "198.51.100.1"),
            // What the client wrote itself stands on the left.
            ("10.0.0.7", &["127.0.0.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.7", &["127.0.0.1", "198.51.100.1"], "198.51.100.1"),
            // Two proxies, one after the other.
            (
                "10.0.0.7",
                &["203.0.113.5, 198.51.100.1, 192.0.2.1"],
                "198.51.100.1",
            ),
            ("2001:db8:1::7", &["2001:db8:2::1,10.0.0.8"], "2001:db8:2::1"),
            // All are trusted: the farthest.
            ("10.0.0.7", &["10.0.0.9, 10.0.0.8"], "10.0.0.9"),
        ] {
            assert_eq!(seen(peer, lists), client, "{peer} {lists:?}");
        }
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for written in ["198.51.100.1", "198.51.100.1:4711", " ::ffff:198.51.100.1 "] {
            assert_eq!(seen("10.0.0.7", &[written]), "198.51.100.1", "{written}");
        }
        for written in ["2001:db8:2::1", "[2001:db8:2::1]", "[2001:db8:2::1]:4711"] {
            assert_eq!(seen("10.0.0.7", &[written]), "2001:db8:2::1", "{written}");
        }
    }

    #[test]
    fn behind_what_is_no_address_nobody_is_looked_for() {
        for list in [
            "198.51.100.1, unknown",
            "198.51.100.1, ",
            "",
            "198.51.100.1, _hidden, 10.0.0.7",
        ] {
            assert_eq!(seen("10.0.0.7", &[list]), "10.0.0.7", "{list}");
        }
        assert_eq!(seen("10.0.0.7", &["unknown, 10.0.0.8"]), "10.0.0.8");
    }
}
