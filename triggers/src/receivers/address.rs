//! Where a repository of sources lies, the same for every way of writing it.

use super::{
    text::{Word, quoted},
    unreadable,
};
use artifacts::git::{Allowance, RemoteUrl};
use engine_core::receiver::Unreadable;

/// The names by which a repository is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) repository: String,
    pub(super) aliases: Vec<String>,
}

impl Place {
    /// Of the addresses that a payload has, the most particular one first.
    pub(super) fn of<'a>(
        addresses: impl IntoIterator<Item = Option<&'a Word>>,
    ) -> Result<Place, Unreadable> {
        let mut names: Vec<String> = Vec::new();
        let mut odd = None;
        for Word(address) in addresses.into_iter().flatten() {
            match identity(address) {
                Some(name) if !names.contains(&name) => names.push(name),
                Some(_) => {}
                None => odd = odd.or(Some(address)),
            }
        }
        let mut names = names.into_iter();
        match (names.next(), odd) {
            (Some(repository), _) => Ok(Place { repository, aliases: names.collect() }),
            (None, Some(address)) => {
                Err(unreadable(format!("{} is not the address of a repository", quoted(address))))
            }
            (None, None) => Err(unreadable("it does not say where its repository lies")),
        }
    }
}

/// As the mirrors of sources know it. Who asks is not part of where it lies.
fn identity(address: &str) -> Option<String> {
    let of_web = ["https://", "http://"].into_iter().find_map(|scheme| {
        let (authority, path) = address.strip_prefix(scheme)?.split_once('/')?;
        let (_, server) = authority.rsplit_once('@')?;
        Some(format!("{scheme}{server}/{path}"))
    });
    let address = of_web.as_deref().unwrap_or(address);
    let url = RemoteUrl::parse(address, Allowance::Network).ok()?;
    Some(url.identity().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_an_address_is_one_name() {
        for address in [
            "https://git.example.com/shop/checkout.git",
            "https://Git.Example.com:443/shop/checkout",
            "http://git.example.com:80/shop/checkout/",
            "https://mo@git.example.com/shop/checkout.git",
            "ssh://git@git.example.com/shop/checkout.git",
            "ssh://git@git.example.com:22/shop/checkout.git",
            "git@git.example.com:shop/checkout.git",
        ] {
            assert_eq!(identity(address).as_deref(), Some("git.example.com/shop/checkout"));
        }
        let with_port = identity("ssh://git@git.example.com:7999/shop/checkout.git");
        assert_eq!(with_port.as_deref(), Some("git.example.com:7999/shop/checkout"));
        for odd in [
            "",
            "x",
            "/etc",
            "file:///etc/x",
            "ext::sh -c id",
            "https://",
            "https://host",
            "https:///x",
            "https://host/../x",
            "https://host/a//b",
            "-oProxyCommand=x:y",
            "https://ho st/x",
            "@:",
        ] {
            assert_eq!(identity(odd), None, "{odd}");
        }
    }
}
