//! Where deliveries may go: the address that is written, and the one that is connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::Uri;

use super::super::NoticeError;
use crate::config::limits::WEBHOOK_URL_BYTES;

/// Where an operator lets deliveries go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reachable {
    /// Private, link-local and like addresses too.
    pub(crate) private: bool,
    /// Loopback, also without TLS: the hub itself is reached from there alone.
    pub(crate) loopback: bool,
}

/// An address in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) is_encrypted: bool,
    /// Path and what follows it.
    pub(super) path: String,
    /// As the header `Host` has it.
    pub(super) authority: String,
}

impl Target {
    /// Reads an address; refuses what no delivery may go to, whatever its name stands for.
    pub(super) fn of(url: &str, reachable: Reachable) -> Result<Self, NoticeError> {
        let refused = |why: String| NoticeError::WebhookRefused(why);
        if url.len() > WEBHOOK_URL_BYTES {
            return Err(refused(format!("it has {} bytes, at most {WEBHOOK_URL_BYTES}", url.len())));
        }
        let uri: Uri = url.parse().map_err(|error| refused(format!("it is no address: {error}")))?;
        let authority = uri.authority().ok_or_else(|| refused("it names no host".to_owned()))?;
        if authority.as_str().contains('@') {
            return Err(refused(
                "it holds a name or password; put a secret into the path instead".to_owned(),
            ));
        }
        let host = authority.host().trim_matches(['[', ']']).to_ascii_lowercase();
        let is_encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if is_loopback(&host) && reachable.loopback => false,
            _ => return Err(refused("it must begin with https://".to_owned())),
        };
        let target = Self {
            port: authority.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 }),
            is_encrypted,
            path: uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            authority: authority.to_string(),
            host,
        };
        match target.host.parse::<IpAddr>() {
            Ok(address) if !may_reach(address, reachable) => Err(refused(private(address))),
            _ => Ok(target),
        }
    }

    /// The addresses that its name stands for now, if all of them may be reached.
    pub(super) async fn resolved(&self, reachable: Reachable) -> Result<Vec<SocketAddr>, String> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let found: Vec<SocketAddr> = found.map_err(|_| "its name is not known".to_owned())?.collect();
        match found.iter().find(|address| !may_reach(address.ip(), reachable)) {
            // Which address it is would tell of the hub's own network.
            Some(_) => Err("its name stands for no public address".to_owned()),
            None if found.is_empty() => Err("its name stands for no address".to_owned()),
            None => Ok(found),
        }
    }
}

fn private(address: IpAddr) -> String {
    format!("{address} is no public address; the operator may allow such by webhooks.private")
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn may_reach(address: IpAddr, reachable: Reachable) -> bool {
    let address = plain(address);
    if address.is_loopback() {
        return reachable.loopback;
    }
    let is_nobody = address.is_unspecified() || address.is_multicast();
    !is_nobody && (reachable.private || is_public(address))
}

/// An IPv4 address in the clothes of IPv6 is what it stands for.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let parts = six.segments();
    let last = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => last(high, low),
        [0x2002, high, low, ..] => last(high, low),
        _ => address,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => is_public_v4(four),
        IpAddr::V6(six) => is_public_v6(six),
    }
}

fn is_public_v4(four: Ipv4Addr) -> bool {
    let [a, b, c, _] = four.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_of_protocols = a == 192 && b == 0 && c == 0;
    let is_of_tests = a == 198 && (18..20).contains(&b);
    !(four.is_private()
        || four.is_link_local()
        || four.is_broadcast()
        || four.is_documentation()
        || is_shared
        || is_of_protocols
        || is_of_tests
        || a == 0
        || a >= 240)
}

/// Global unicast without what is set aside for documents, tests and tunnels.
fn is_public_v6(six: Ipv6Addr) -> bool {
    let [first, second, ..] = six.segments();
    let is_global = (0x2000..0x4000).contains(&first);
    let is_set_aside = first == 0x2001 && (second < 0x200 || second == 0xdb8) || first == 0x3fff;
    is_global && !is_set_aside
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSED: Reachable = Reachable { private: false, loopback: false };
    const AT_HOME: Reachable = Reachable { private: false, loopback: true };
    const OFFICE: Reachable = Reachable { private: true, loopback: false };

    #[test]
    fn only_public_addresses_are_reached_unless_the_operator_says_otherwise() {
        let inside = [
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "0.1.2.3",
            "240.0.0.1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
        ];
        for text in inside {
            let address: IpAddr = text.parse().unwrap();
            assert!(!may_reach(address, CLOSED) && !may_reach(address, AT_HOME), "{text}");
            assert!(may_reach(address, OFFICE), "{text}");
        }
        for text in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            let address: IpAddr = text.parse().unwrap();
            let reached = [CLOSED, OFFICE, AT_HOME].map(|reachable| may_reach(address, reachable));
            assert_eq!(reached, [false, false, true], "{text}");
        }
        for text in ["0.0.0.0", "::", "224.0.0.1", "ff02::1"] {
            assert!(!may_reach(text.parse().unwrap(), OFFICE), "{text}");
        }
        for text in ["8.8.8.8", "193.0.6.139", "2001:67c:2e8::1", "2a00:1450::1", "64:ff9b::808:808"] {
            assert!(may_reach(text.parse().unwrap(), CLOSED), "{text}");
        }
    }

    #[test]
    fn an_address_is_read_or_refused_with_its_fault() {
        let target = Target::of("https://odbiorca.example/hub?x=1", CLOSED).unwrap();
        assert_eq!((target.host.as_str(), target.port, target.is_encrypted), ("odbiorca.example", 443, true));
        assert_eq!((target.path.as_str(), target.authority.as_str()), ("/hub?x=1", "odbiorca.example"));
        let target = Target::of("http://[::1]:8000", AT_HOME).unwrap();
        assert_eq!((target.host.as_str(), target.port, target.path.as_str()), ("::1", 8000, "/"));
        for (url, reachable) in [
            ("http://odbiorca.example/", AT_HOME),
            ("http://127.0.0.1/", CLOSED),
            ("https://127.0.0.1/", CLOSED),
            ("https://10.0.0.1/", AT_HOME),
            ("https://[::ffff:10.0.0.1]/", AT_HOME),
            ("https://user:pass@odbiorca.example/", OFFICE),
            ("ftp://odbiorca.example/", OFFICE),
            ("/relative", OFFICE),
            ("", OFFICE),
        ] {
            assert!(Target::of(url, reachable).is_err(), "{url}");
        }
        assert!(Target::of(&format!("https://a.example/{}", "x".repeat(WEBHOOK_URL_BYTES)), OFFICE).is_err());
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_stands_for() {
        let target = Target::of("https://localhost:1/", CLOSED).unwrap();
        assert!(target.resolved(CLOSED).await.unwrap_err().contains("no public address"));
        assert!(!target.resolved(CLOSED).await.unwrap_err().contains("127.0.0.1"));
        assert!(target.resolved(AT_HOME).await.is_ok());
    }
}
