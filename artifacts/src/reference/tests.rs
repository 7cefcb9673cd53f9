//! The reference grammar as a table, most of it from the distribution project's own tests.

use super::*;
use proptest::prelude::*;

const SHA: &str = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

/// A text, and the registry, path, tag and digest in it.
type Row =
    (&'static str, Option<&'static str>, &'static str, Option<&'static str>, Option<&'static str>);

#[test]
fn references_come_apart() {
    let sha = Some(SHA);
    let table: [Row; 12] = [
        ("test_com", None, "test_com", None, None),
        ("test.com:tag", None, "test.com", Some("tag"), None),
        ("test.com:5000", None, "test.com", Some("5000"), None),
        ("test.com/repo:tag", Some("test.com"), "repo", Some("tag"), None),
        ("test:5000/repo", Some("test:5000"), "repo", None, None),
        ("test:5000/repo:tag@SHA", Some("test:5000"), "repo", Some("tag"), sha),
        ("lowercase/repo@SHA", None, "lowercase/repo", None, sha),
        ("Uppercase/lowercase", Some("Uppercase"), "lowercase", None, None),
        ("localhost/app", Some("localhost"), "app", None, None),
        ("[2001:db8::1]:5000/repo:1", Some("[2001:db8::1]:5000"), "repo", Some("1"), None),
        ("foo/foo_bar.com:8080", None, "foo/foo_bar.com", Some("8080"), None),
        ("a--b__c/d:V_1.-x", None, "a--b__c/d", Some("V_1.-x"), None),
    ];
    for (text, registry, path, tag, digest) in table {
        let text = text.replace("SHA", SHA);
        let reference = Reference::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(reference.repository.registry.as_deref(), registry, "{text}");
        assert_eq!(reference.repository.path, path, "{text}");
        assert_eq!(reference.tag.as_deref(), tag, "{text}");
        assert_eq!(reference.digest.as_deref(), digest, "{text}");
        assert_eq!(reference.to_string(), text);
    }
}

#[test]
fn what_is_no_reference_is_refused_with_its_reason() {
    let long_name = format!("{}a", "a/".repeat(128));
    let long_tag = format!("app:{}", "a".repeat(129));
    let table: [(&str, &str); 15] = [
        ("", "it is empty"),
        (":tag", "it is empty"),
        ("test@", "is not a digest"),
        ("test:5000/Uppercase/repo", "write `uppercase/repo`"),
        ("aa/asdf$$^/aa", "is not a repository name"),
        ("a//b", "is not a repository name"),
        ("a/", "is not a repository name"),
        ("a___b", "is not a repository name"),
        ("a.-b", "is not a repository name"),
        ("repo:", "is not a tag"),
        ("repo:-x", "is not a tag"),
        ("validname@sha256:ffff", "is not a digest"),
        ("-test.com/repo", "is not a registry"),
        ("test.com:x/repo", "is not a registry"),
        ("${IMAGE}", "is not a repository name"),
    ];
    let long = [(long_name.as_str(), "at most 255"), (long_tag.as_str(), "is not a tag")];
    for (text, reason) in table.into_iter().chain(long) {
        let error = Reference::parse(text).expect_err(text).to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn a_short_name_is_the_same_repository_as_its_long_one() {
    let table = [
        ("nginx", "docker.io/library/nginx"),
        ("library/nginx", "docker.io/library/nginx"),
        ("docker.io/nginx", "docker.io/library/nginx"),
        ("index.docker.io/shop/web", "docker.io/shop/web"),
        ("registry.example.com/nginx", "registry.example.com/nginx"),
        ("localhost/nginx", "localhost/nginx"),
    ];
    for (short, long) in table {
        assert_eq!(Repository::parse(short).expect(short).normal().to_string(), long);
    }
}

proptest! {
    #[test]
    fn what_is_parsed_is_shown_as_it_was_written(
        registry in "([a-z]{1,4}\\.[a-z]{2}(:[0-9]{1,4})?/)?",
        path in "[a-z0-9]{1,4}([-_/][a-z0-9]{1,3}){0,3}",
        tag in "(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,5})?",
    ) {
        let text = format!("{registry}{path}{tag}");
        let reference = Reference::parse(&text).expect("built by the grammar");
        prop_assert_eq!(reference.to_string(), text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}") {
        let _outcome = Reference::parse(&text);
    }
}
