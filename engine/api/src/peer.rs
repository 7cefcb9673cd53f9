//! Who is at the other end: of the socket the kernel says so, of a network nobody does.

use engine_core::event::{Actor, Way};
use std::{fs, net::IpAddr};
use tokio::net::unix::UCred;

/// Who has connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The user of the process, as it was when it connected.
    User { name: String },
    /// The kernel did not tell; such a peer may do nothing.
    Unknown,
    /// Some process of this machine that came to this port: it may read.
    Loopback { port: u16, from: IpAddr },
}

impl Peer {
    pub(crate) fn of(credentials: Option<&UCred>) -> Peer {
        match credentials {
            Some(credentials) => Peer::User { name: user(credentials.uid()) },
            None => Peer::Unknown,
        }
    }

    /// Who acts, if it is known.
    pub(crate) fn actor(&self) -> Option<Actor> {
        match self {
            Peer::User { name } => Some(Actor { name: name.clone(), way: Way::Socket }),
            Peer::Unknown | Peer::Loopback { .. } => None,
        }
    }
}

/// The login name of a user; one that has none here is named by number.
pub fn user(uid: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    named(&users, uid).unwrap_or_else(|| format!("user {uid}"))
}

/// The number of a group.
pub(crate) fn group(name: &str) -> Option<u32> {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
    let found =
        groups.lines().map(fields).find(|fields| fields.first().is_some_and(|it| it == name));
    found?.get(2)?.parse().ok()
}

fn named(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_user_is_known_by_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\nmo:x:1000:1000::/home/mo:/bin/sh\n:x:7:7::/:\n";
        assert_eq!(named(users, 1000).as_deref(), Some("mo"));
        assert_eq!(named(users, 7), None);
        assert_eq!(named(users, 5), None);
    }
}
