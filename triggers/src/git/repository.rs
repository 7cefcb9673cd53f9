//! Which repository a text names, whichever way it is written.

const MAX_BYTES: usize = 2_048;
const SCHEMES: [(&str, &str); 3] = [("https://", ":443"), ("http://", ":80"), ("ssh://", ":22")];

/// `host/path` in the form in which happenings name repositories: without scheme, user, default
/// port, `.git`; the host in lower case. None if it is no address.
pub(super) fn identity(written: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&byte);
    if written.len() > MAX_BYTES || !written.bytes().all(plain) {
        return None;
    }
    let scheme =
        SCHEMES.iter().find_map(|(start, port)| Some((written.strip_prefix(start)?, *port)));
    let (rest, port) = scheme.unwrap_or((written, ""));
    let (host, path) = match (port, rest.split_once('/'), rest.split_once(':')) {
        ("", _, Some((host, path))) if host.contains('@') && !host.contains('/') => (host, path),
        (_, Some((host, path)), _) => (host, path),
        (_, None, _) => return None,
    };
    let host = host.rsplit('@').next().unwrap_or(host).to_ascii_lowercase();
    let host = host.strip_suffix(port).filter(|_| !port.is_empty()).unwrap_or(&host);
    let host = host.trim_end_matches('.');
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
    let is_host = host.contains(['.', ':']) || host == "localhost";
    let is_part =
        |part: &str| !part.is_empty() && part != "." && part != ".." && !part.starts_with('-');
    (is_host && !host.starts_with('-') && path.split('/').all(is_part))
        .then(|| format!("{host}/{path}"))
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
            assert_eq!(
                identity(written).as_deref(),
                Some("git.example.com/Shop/checkout"),
                "{written}"
            );
        }
        let other = ["https://git.example.com:8443/a", "localhost/a", "127.0.0.1:3000/a/b.git"];
        let named = ["git.example.com:8443/a", "localhost/a", "127.0.0.1:3000/a/b"];
        assert_eq!(other.map(identity), named.map(|it| Some(it.to_owned())));
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
        ] {
            assert_eq!(identity(written), None, "{written}");
        }
    }
}
