//! Which addresses no request may reach: those at which clouds hand credentials to whoever asks
//! from inside.

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

const REFUSED: &str = "this address hands out credentials and is never asked";

/// Whether an address is one of a cloud's metadata services, in whatever form: link-local, the
/// addresses that clouds publish beside it, or an IPv6 form that carries one of them.
fn is_refused(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_refused_v4(address),
        IpAddr::V6(address) => {
            let first = address.segments()[0];
            let published = [
                Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
                Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
            ];
            first & 0xffc0 == 0xfe80
                || published.contains(&address)
                || carried(address).is_some_and(is_refused_v4)
        }
    }
}

fn is_refused_v4(address: Ipv4Addr) -> bool {
    let published = [
        Ipv4Addr::new(100, 100, 100, 200),
        Ipv4Addr::new(168, 63, 129, 16),
        Ipv4Addr::new(192, 0, 0, 192),
    ];
    address.is_link_local() || published.contains(&address)
}

/// The IPv4 address within an IPv6 one: mapped, compatible, NAT64 (RFC 6052) or 6to4 (RFC 3056).
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let of = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        Ipv4Addr::new(a, b, c, d)
    };
    match (a, b) {
        (0, 0) if (c, d, e) == (0, 0, 0) && (f == 0 || f == 0xffff) => Some(of(g, h)),
        (0x64, 0xff9b) => Some(of(g, h)),
        (0x2002, _) => Some(of(b, c)),
        _ => None,
    }
}

/// Judges a URL whose host is an address; names are judged when they are resolved.
pub fn check_literal(url: &Url) -> Result<(), String> {
    let Some(host) = url.host_str() else { return Err("the URL has no host".to_owned()) };
    let literal = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    match IpAddr::from_str(literal) {
        Ok(address) if is_refused(address) => Err(REFUSED.to_owned()),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Resolves names to the addresses that are then connected to, and to nothing if one is refused.
#[derive(Clone, Copy, Debug)]
pub struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found.collect();
            if addresses.iter().any(|address| is_refused(address.ip())) {
                return Err(REFUSED.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CVE-2026-32828.
    #[test]
    fn no_way_of_writing_it_leads_to_a_metadata_service() {
        for url in [
            "http://169.254.169.254/latest/meta-data",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://0xa9.0xfe.0xa9.0xfe/",
            "http://0251.0376.0251.0376/",
            "http://169.254.43518/",
            "http://169.254.169.254./",
            "http://\u{2460}\u{2465}\u{2468}.254.169.254/",
            "http://\u{ff11}\u{ff16}\u{ff19}.254.169.254/",
            "http://[::ffff:169.254.169.254]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[::a9fe:a9fe]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[2002:a9fe:a9fe::]/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://100.100.100.200/",
            "http://192.0.0.192/",
            "http://168.63.129.16/",
            "http:169.254.169.254/",
            "http:\\\\169.254.169.254\\x@example.com/",
        ] {
            let url = Url::parse(url).unwrap();
            assert!(check_literal(&url).is_err(), "{url}");
        }
        for url in ["http://10.0.0.1/", "http://127.0.0.1:8080/", "https://[2001:db8::1]/x"] {
            assert_eq!(check_literal(&Url::parse(url).unwrap()), Ok(()), "{url}");
        }
    }

    /// CVE-2026-25534.
    #[tokio::test]
    async fn a_name_is_judged_by_the_address_that_is_connected_to() {
        let resolved = Resolver.resolve("localhost".parse().unwrap()).await;
        assert!(resolved.is_ok_and(|mut addresses| addresses.next().is_some()));
        let refused = Resolver.resolve("169.254.169.254".parse().unwrap()).await;
        assert!(refused.is_err(), "an address in a name's clothes is judged too");
    }
}
