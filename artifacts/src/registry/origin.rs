//! Where a registry is asked, and where else its answers may send us.

use super::{
    DOCKER_HUB,
    settings::{Settings, Transport},
};
use crate::addresses;
use reqwest::Url;
use std::{collections::BTreeSet, net::IpAddr, str::FromStr};

/// The root of a registry's API, with a slash at its end.
pub(super) fn base(host: &str, settings: &Settings) -> Result<Url, String> {
    let host = if host == DOCKER_HUB { "registry-1.docker.io" } else { host };
    let url = Url::parse(&format!("https://{host}/"));
    let mut url = url.map_err(|error| format!("`{host}` is not a host: {error}"))?;
    if url.path() != "/" || url.query().is_some() || !url.username().is_empty() {
        return Err(format!("`{host}` is not a host, and perhaps a port"));
    }
    addresses::check_literal(&url)?;
    let plain = match settings.transport {
        Transport::Plain => true,
        Transport::Usual => is_loopback(&url) && settings.certificate_authority.is_none(),
    };
    if plain && url.set_scheme("http").is_err() {
        return Err(format!("`{host}` cannot be asked without encryption"));
    }
    Ok(url)
}

pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    match IpAddr::from_str(literal) {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Judges where a registry at `base` sends us on to.
pub(super) fn check_next(base: &Url, next: &Url) -> Result<(), String> {
    let told = || format!("it sends us to {}", shown(next));
    addresses::check_literal(next).map_err(|reason| format!("{}: {reason}", told()))?;
    let same = next.origin() == base.origin();
    let inward = is_loopback(next) && !is_loopback(base);
    let encrypted = next.scheme() == "https";
    let as_open = next.scheme() == "http" && base.scheme() == "http" && is_loopback(next);
    match same || !inward && (encrypted || as_open) {
        true => Ok(()),
        false if inward => Err(format!("{}, which is this machine", told())),
        false => Err(format!("{}, which is not encrypted", told())),
    }
}

/// Judges the server that a registry at `base` names for tokens, which is told credentials: it is
/// the registry's own host, or of the same domain, or has settings of its own.
pub(super) fn check_realm(
    base: &Url,
    realm: &Url,
    declared: &BTreeSet<String>,
) -> Result<(), String> {
    check_next(base, realm)?;
    let (registry, host) =
        (base.host_str().unwrap_or_default(), realm.host_str().unwrap_or_default());
    let with_port = realm.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
    let related = host == registry
        || !is_address(host) && !is_address(registry) && domain(host) == domain(registry);
    if related || declared.contains(&with_port) {
        return Ok(());
    }
    Err(format!(
        "it asks for tokens of {}, which is of another domain: name that host under `registries` in \
        gennaker.yaml if it may be told the credentials",
        shown(realm)
    ))
}

fn is_address(host: &str) -> bool {
    host.starts_with('[') || IpAddr::from_str(host).is_ok()
}

/// The last two parts of a name, or three below short ones like `co.uk`.
fn domain(host: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = host.trim_end_matches('.').rsplit('.').take(3).collect();
    let is_short = parts.len() == 3 && parts[0].len() == 2 && parts[1].len() <= 3;
    if !is_short {
        parts.truncate(2);
    }
    parts
}

/// Scheme, host and port: the rest may hold what is secret.
pub(super) fn shown(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn only_loopback_is_asked_without_encryption() {
        let trusting =
            Settings { certificate_authority: Some("pem".to_owned()), ..Settings::default() };
        let plain = Settings { transport: Transport::Plain, ..Settings::default() };
        for (host, settings, expected) in [
            ("registry.example.com", Settings::default(), "https://registry.example.com/"),
            ("docker.io", Settings::default(), "https://registry-1.docker.io/"),
            ("127.0.0.1:5000", Settings::default(), "http://127.0.0.1:5000/"),
            ("[::1]:5000", Settings::default(), "http://[::1]:5000/"),
            ("localhost:5000", Settings::default(), "http://localhost:5000/"),
            ("localhost:5000", trusting, "https://localhost:5000/"),
            ("localhost.example.com", Settings::default(), "https://localhost.example.com/"),
            ("10.0.0.1:5000", Settings::default(), "https://10.0.0.1:5000/"),
            ("10.0.0.1:5000", plain, "http://10.0.0.1:5000/"),
        ] {
            assert_eq!(base(host, &settings).unwrap().as_str(), expected);
        }
        for host in ["169.254.169.254", "2852039166", "a/b", "user@host", "a b", "host?x"] {
            assert!(base(host, &Settings::default()).is_err(), "{host}");
        }
    }

    #[test]
    fn credentials_go_to_the_registrys_own_domain_or_to_a_declared_host_and_never_in_the_open() {
        let declared = BTreeSet::from(["tokens.other.org".to_owned(), "10.0.0.9:8443".to_owned()]);
        for (registry, realm, told) in [
            ("https://registry-1.docker.io/", "https://auth.docker.io/token", true),
            ("https://registry.gitlab.com/", "https://gitlab.com/jwt/auth", true),
            ("https://ghcr.io/", "https://ghcr.io/token", true),
            ("https://r.shop.co.uk/", "https://auth.shop.co.uk/t", true),
            ("https://r.shop.co.uk/", "https://auth.thief.co.uk/t", false),
            ("https://r.example.com/", "https://r.example.com:8443/t", true),
            ("https://r.example.com/", "https://example.com.thief.org/t", false),
            ("https://r.example.com/", "https://thief.org/r.example.com", false),
            ("https://r.example.com/", "https://r.example.com@thief.org/", false),
            ("https://r.example.com/", "https://tokens.other.org/t", true),
            ("https://r.example.com/", "http://tokens.other.org/t", false),
            ("https://r.example.com/", "http://r.example.com/t", false),
            ("https://r.example.com/", "https://127.0.0.1/t", false),
            ("https://r.example.com/", "https://169.254.169.254/t", false),
            ("https://10.0.0.1/", "https://10.9.0.1/t", false),
            ("https://10.0.0.1/", "https://10.0.0.9:8443/t", true),
            ("http://127.0.0.1:5000/", "http://127.0.0.1:5001/t", true),
            ("http://127.0.0.1:5000/", "http://localhost:5001/t", false),
            ("http://127.0.0.1:5000/", "ftp://127.0.0.1:5001/t", false),
        ] {
            let judged = check_realm(&url(registry), &url(realm), &declared);
            assert_eq!(judged.is_ok(), told, "{registry} {realm}: {judged:?}");
        }
    }
}
