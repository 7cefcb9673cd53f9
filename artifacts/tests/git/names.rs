//! What is said about names and addresses holds for all of them, not for those that we thought of.

use artifacts::git::{
    Allowance, NameError, ObjectId, PathPattern, RefName, RemoteUrl, Scheme, UrlError,
};
use git_server::Repository;
use proptest::prelude::*;

fn url(text: &str) -> Result<RemoteUrl, UrlError> {
    RemoteUrl::parse(text, Allowance::Network)
}

#[test]
fn one_repository_has_one_identity_however_it_is_written() {
    let same = [
        "https://git.example.com/shop/checkout.git",
        "https://git.example.com/shop/checkout",
        "https://GIT.example.com:443/shop/checkout/",
        "http://git.example.com:80/shop/checkout.git/",
        "https://git.example.com./shop/checkout",
        "ssh://git@git.example.com/shop/checkout.git",
        "ssh://git@git.example.com:22/shop/checkout.git",
        "git@git.example.com:shop/checkout.git",
        "git@Git.Example.Com:/shop/checkout",
    ];
    for text in same {
        let identity = url(text).unwrap().identity().to_string();
        assert_eq!(identity, "git.example.com/shop/checkout", "{text}");
        assert_eq!(url(text).unwrap().last_part(), "checkout", "{text}");
        let folder = url(text).unwrap().identity().folder();
        assert_eq!(folder, "checkout-d6992c97e355597c5068cb19", "{text}");
    }
    for other in [
        "https://git.example.com:8443/shop/checkout",
        "https://git.example.com/shop/Checkout",
        "https://git.example.com/shop/checkout2",
        "https://example.com/git.example.com/shop/checkout",
    ] {
        assert_ne!(url(other).unwrap().identity(), url(same[0]).unwrap().identity(), "{other}");
    }
}

/// No address, or one that git, curl or ssh could take for something else.
const REFUSED: &[&str] = &[
    "",
    "--upload-pack=touch /tmp/x",
    "-u",
    "ext::sh -c touch",
    "ext::sh",
    "fd::17/x",
    "git@ext::x",
    "a@A:a0::",
    "https://git.example.com/a::b",
    "git://git.example.com/a",
    "ftp://git.example.com/a",
    "file:///etc",
    "/etc",
    "../a",
    "c:/a",
    "host:a",
    "https://user:secret@git.example.com/a",
    "https://token@git.example.com/a",
    "ssh://git:secret@git.example.com/a",
    "ssh://-oProxyCommand=x@git.example.com/a",
    "ssh://-oProxyCommand=x/a",
    "-oProxyCommand=x@git.example.com:a",
    "git@-oProxyCommand=x:a",
    "https://git.example.com",
    "https://git.example.com/",
    "https:///a",
    "https://git.example.com:0/a",
    "https://git.example.com:99999/a",
    "https://git.example.com:+1/a",
    "https://git.example.com/a/../b",
    "https://git.example.com/a/%2e%2e/b",
    "https://git.example.com/a%0ab",
    "https://git.example.com//a",
    "https://git.example.com/--a",
    "https://git.example.com/a?b",
    "https://git.example.com/a#b",
    "https://git.example.com/a b",
    "https://git.example.com/a\nb",
    "https://git.example.com/a\0b",
    "https://git.example.com\\@evil.example.com/a",
    "https://0x7f.1/a",
    "https://2130706433/a",
    "https://127.1/a",
    "https://[::1/a",
    "https://git.exämple.com/a",
    "https://$(id).example.com/a",
];

#[test]
fn an_address_that_could_do_something_else_is_refused() {
    for text in REFUSED {
        assert!(url(text).is_err(), "{text:?}: {:?}", url(text));
    }
    let told = url("https://user:hunter2@git.example.com/a").unwrap_err().to_string();
    assert!(!told.contains("hunter2"), "{told}");
    assert_eq!(url("file:///srv/a"), Err(UrlError::File));
    let local = RemoteUrl::parse("file:///srv/a.git", Allowance::NetworkAndFiles).unwrap();
    assert_eq!((local.scheme(), local.identity().to_string()), (Scheme::File, "/srv/a".to_owned()));
}

const NO_NAMES: &[&str] = &[
    "--upload-pack=touch /tmp/x",
    "-x",
    "a/-x",
    "",
    "/",
    "a/",
    "/a",
    "a//b",
    "a..b",
    "a.lock",
    ".a",
    "a/.b",
    "a.",
    "@",
    "a@{1}",
    "a b",
    "a\nb",
    "a\0b",
    "a\u{7f}",
    "a~1",
    "a^",
    "a:b",
    "a?",
    "a*",
    "a[b",
    "a\\b",
];

/// CVE-2026-40938.
#[test]
fn a_name_that_could_be_an_option_or_a_command_reaches_nobody() {
    for name in NO_NAMES {
        assert!(RefName::branch(name).is_err(), "{name:?}");
        assert!(RefName::tag(name).is_err(), "{name:?}");
    }
    for name in ["HEAD", "refs/notes/a", "refs/pull/1/head", "refs/heads", "--heads", "refs/heads/"]
    {
        assert!(RefName::parse(name).is_err(), "{name:?}");
    }
    for name in ["main", "release/1.2", ";$(id)`id`", "ä", "@a", "a-b_c+d"] {
        assert_eq!(RefName::branch(name).unwrap().short(), name);
    }
    assert!(matches!(ObjectId::parse("main"), Err(NameError::Object(_))));
    assert!(ObjectId::parse(&"g".repeat(40)).is_err());
    assert!(ObjectId::parse(&"a".repeat(41)).is_err());
    assert_eq!(ObjectId::parse(&"A".repeat(64)).unwrap().as_str(), "a".repeat(64));
    assert!(ObjectId::parse(&"0".repeat(40)).unwrap().is_zero());
}

/// CVE-2022-25856, CVE-2026-33211.
#[test]
fn a_path_that_leads_out_of_the_repository_is_refused() {
    for path in ["../a", "a/../b", "..", "/etc/passwd", "a\0b", "a\nb", "a\\b", "[", "a/***"] {
        assert!(PathPattern::parse(path).is_err(), "{path:?}");
    }
    let holds = [
        ("k8s/", "k8s/a/b.yaml", true),
        ("k8s", "k8s2/a.yaml", false),
        ("./k8s/web.yaml", "k8s/web.yaml", true),
        ("k8s/*.yaml", "k8s/web.yaml", true),
        ("k8s/*.yaml", "k8s/base/web.yaml", false),
        ("k8s/**/*.yaml", "k8s/base/web.yaml", true),
        (".gennaker/*.yaml", ".gennaker/a.yml", false),
        ("", "anything", true),
        (":(top)a", "a", false),
    ];
    for (pattern, path, expected) in holds {
        assert_eq!(
            PathPattern::parse(pattern).unwrap().matches(path),
            expected,
            "{pattern} {path}"
        );
    }
}

proptest! {
    #[test]
    fn what_is_taken_for_an_address_is_written_the_same_and_read_the_same(
        text in "(https?|ssh|file|ext|git)?(://|:)?([a-z-]{0,4}@)?[A-Za-z0-9.:-]{0,12}[/:]?[A-Za-z0-9./~%-]{0,20}"
    ) {
        if let Ok(parsed) = RemoteUrl::parse(&text, Allowance::NetworkAndFiles) {
            let written = parsed.to_string();
            prop_assert!(!written.starts_with('-'), "{written}");
            prop_assert!(!written.contains("::"), "{written}");
            let again = RemoteUrl::parse(&written, Allowance::NetworkAndFiles).unwrap();
            prop_assert_eq!(again.identity(), parsed.identity());
            prop_assert_eq!(again, parsed);
        }
    }

    #[test]
    fn scheme_user_port_case_and_ending_do_not_change_the_identity(
        host in "[a-z][a-z0-9]{0,8}(\\.[a-z]{2,5}){1,2}",
        path in "[a-z0-9]{1,8}(/[a-z0-9_-]{0,6}[a-z0-9]){0,3}",
        ending in "(\\.git)?/?",
    ) {
        prop_assume!(path.split('/').all(|it| !it.starts_with('-')));
        let upper = host.to_uppercase();
        let expected = format!("{host}/{path}");
        for text in [
            format!("https://{upper}/{path}{ending}"),
            format!("https://{host}:443/{path}{ending}"),
            format!("http://{host}:80/{path}{ending}"),
            format!("ssh://git@{upper}:22/{path}{ending}"),
            format!("git@{host}:{path}{ending}"),
        ] {
            prop_assert_eq!(url(&text).unwrap().identity().to_string(), expected.clone());
        }
    }

    #[test]
    fn no_text_at_all_makes_parsing_panic(text in any::<String>()) {
        drop((url(&text), RefName::parse(&text), RefName::branch(&text)));
        drop((ObjectId::parse(&text), PathPattern::parse(&text)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// git is the judge; what it refuses, we refuse.
    #[test]
    fn a_name_that_is_taken_is_one_that_git_takes(name in "[a-z./@{}~^:?*\\[\\\\ -]{1,8}(\\.lock)?") {
        if let Ok(taken) = RefName::branch(&name) {
            let folder = tempfile::tempdir().unwrap();
            Repository::create(folder.path()).git(&["check-ref-format", taken.as_str()]);
        }
    }
}
