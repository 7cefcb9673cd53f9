//! Which repository a text names, whichever way it is written.

use artifacts::git::{Allowance, RemoteUrl, UrlError};

/// `host/path` as happenings name repositories: of an address as git has it, or written so.
pub(super) fn identity(written: &str) -> Result<String, UrlError> {
    let short =
        !written.contains("://") && !written.split('/').next().is_some_and(|it| it.contains('@'));
    let address = match short {
        true => format!("https://{written}"),
        false => written.to_owned(),
    };
    let url = RemoteUrl::parse(&address, Allowance::NetworkAndFiles)?;
    let named = url.host().contains(['.', ':']) || url.host() == "localhost";
    match short && !named && !written.split('/').next().is_some_and(|host| host.contains(':')) {
        true => Err(UrlError::Host(url.host().to_owned())),
        false => Ok(url.identity().as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::identity;

    #[test]
    fn every_way_of_writing_a_repository_is_one_name() {
        for written in [
            "git.example.com/Shop/checkout",
            "Git.Example.COM/Shop/checkout.git",
            "https://git.example.com/Shop/checkout.git/",
            "https://git.example.com:443/Shop/checkout",
            "http://git.example.com/Shop/checkout",
            "ssh://git@git.example.com:22/Shop/checkout.git",
            "git@git.example.com:Shop/checkout.git",
        ] {
            let found = identity(written);
            assert_eq!(found.as_deref(), Ok("git.example.com/Shop/checkout"), "{written}");
        }
        let other = ["https://git.example.com:8443/a", "localhost/a", "forge:3000/a/b.git"];
        let named = ["git.example.com:8443/a", "localhost/a", "forge:3000/a/b"];
        assert_eq!(other.map(identity), named.map(|it| Ok(it.to_owned())));
    }

    #[test]
    fn what_names_no_repository_is_none() {
        for written in [
            "",
            "checkout",
            "shop/checkout",
            "git.example.com",
            "git.example.com/",
            "https://",
            "git.example.com/../etc",
            "git.example.com/a//b",
            "git.example.com/-upload-pack",
            "--upload-pack=x.y/a",
            "git.example.com/a b",
            "git.example.com/a\n",
            "ext::sh -c x/y.z",
            "https://user:secret@git.example.com/a",
        ] {
            assert!(identity(written).is_err(), "{written}");
        }
    }
}
