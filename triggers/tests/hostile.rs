//! Payloads that are made to hurt: cut, flipped, of other shapes. They may be signed; nothing panics, and
//! what is refused has a reason.

use crate::{
    published::{Published, SECRET, octokit, playground, signed},
    request::Request,
};
use engine_core::receiver::{Heard, Refused, Unreadable};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// Cuts, flips and swaps of each payload.
const EDITS: u64 = 8;

/// Numbers that are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

fn hear(provider: &str, request: &Request) -> Result<Heard, Unreadable> {
    let receivers = triggers::receivers();
    let heard = receivers.get(provider).unwrap().happenings(&request.raw());
    match &heard {
        Ok(heard) => assert!(!heard.happenings.is_empty() || !heard.notes.is_empty()),
        Err(Unreadable(why)) => {
            assert!((1..=1_000).contains(&why.len()) && !why.contains(char::is_control), "{why:?}");
        }
    }
    heard
}

fn said(provider: &str, event: &str, body: impl ToString) -> Result<Heard, Unreadable> {
    hear(provider, &signed(provider, event, body.to_string().into_bytes()))
}

fn corpus() -> Vec<Published> {
    let current = octokit().into_iter().filter(|it| it.name.starts_with("api.github.com/"));
    current.chain(playground()).collect()
}

#[test]
fn cut_and_flipped_payloads_are_nobodys_and_hurt_nothing() {
    let receivers = triggers::receivers();
    let (mut chance, mut read, mut refused) = (Chance(5), 0, 0);
    for Published { name, provider, request } in corpus() {
        let receiver = receivers.get(provider).unwrap();
        for edit in 0..EDITS {
            let mut edited = request.clone();
            let at = chance.below(edited.body.len());
            match edit % 2 {
                0 => edited.body.truncate(at),
                _ => edited.body[at] ^= 1 << chance.below(8),
            }
            // GitLab's token and Docker Hub's path cover no body.
            if !["gitlab", "dockerHub"].contains(&provider) {
                let verdict = receiver.verify(&edited.raw(), &[SECRET.as_bytes()]);
                assert_eq!(verdict, Err(Refused::Bad), "{name}");
            }
            match hear(provider, &edited) {
                Ok(_) => read += 1,
                Err(_) => refused += 1,
            }
        }
    }
    println!("{read} could yet be read, {refused} were refused");
    assert!(read > 100 && refused > 100);
}

fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(inner, &format!("{at}/{key}"), all);
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                pointers(inner, &format!("{at}/{index}"), all);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// reliability.md §1, row 11: a crafted payload of Bitbucket stopped Argo CD.
/// Against CVE-2025-59531.
#[test]
fn a_value_of_another_type_anywhere_is_refused_or_passed_over() {
    let others =
        [json!(null), json!(true), json!(-1), json!(1e300), json!("\u{0}"), json!([]), json!({})];
    let mut chance = Chance(11);
    for Published { provider, request, .. } in corpus() {
        let whole: Value = serde_json::from_slice(&request.body).unwrap();
        let mut places = Vec::new();
        pointers(&whole, "", &mut places);
        for _ in 0..EDITS {
            let mut edited = whole.clone();
            let place = edited.pointer_mut(&places[chance.below(places.len())]).unwrap();
            *place = others[chance.below(others.len())].clone();
            let body = serde_json::to_vec(&edited).unwrap();
            let _note_or_refusal = hear(provider, &Request { body, ..request.clone() });
        }
    }
}

const PUSHES: [&str; 5] = [
    "playground/bitbucket/repo-push",
    "playground/bitbucket-server/repo-refs-changed",
    "playground/gitea/push-event",
    "playground/github/push",
    "playground/gitlab/push-event",
];

/// The same, everywhere, for a payload of each that counts.
/// Against CVE-2025-59538.
#[test]
fn no_value_of_another_type_in_a_push_hurts() {
    let others = [json!(null), json!(7), json!("x"), json!([]), json!({})];
    let mut edited_pushes = 0;
    let pushes = playground().into_iter().filter(|it| PUSHES.contains(&it.name.as_str()));
    for Published { provider, request, .. } in pushes {
        let whole: Value = serde_json::from_slice(&request.body).unwrap();
        let mut places = Vec::new();
        pointers(&whole, "", &mut places);
        edited_pushes += 1;
        for place in &places {
            for other in &others {
                let mut edited = whole.clone();
                *edited.pointer_mut(place).unwrap() = other.clone();
                let body = serde_json::to_vec(&edited).unwrap();
                let _note_or_refusal = hear(provider, &Request { body, ..request.clone() });
            }
        }
    }
    assert_eq!(edited_pushes, PUSHES.len());
}

/// reliability.md §1, row 12: the first of no changes stopped Argo CD.
/// Against CVE-2025-59538.
#[test]
fn a_push_that_changes_nothing_is_a_note() {
    let cloud = json!({"push": {"changes": []}, "repository": {"full_name": "shop/checkout"}});
    let links = json!({"clone": [{"href": "https://git.example.com/scm/shop/checkout.git"}]});
    let center = json!({"changes": [], "repository": {"links": links}});
    let neither = json!({"push": {"changes": [{"old": null, "new": null}]},
                         "repository": {"full_name": "shop/checkout"}});
    for (provider, event, body) in [
        ("bitbucket", "repo:push", cloud),
        ("bitbucket", "repo:push", neither),
        ("bitbucketDataCenter", "repo:refs_changed", center),
    ] {
        let heard = said(provider, event, body).unwrap();
        assert_eq!((heard.happenings.len(), heard.notes.len()), (0, 1), "{provider}");
    }
}

fn push(reference: &str, address: &str) -> Value {
    json!({
        "ref": reference, "before": "0".repeat(40), "after": "a".repeat(40),
        "repository": {"id": 1, "clone_url": address}, "sender": {"login": "mo"},
    })
}

/// reliability.md §1, rows 23 and 33: names that are paths or options.
/// Against CVE-2026-33022.
#[test]
fn a_name_that_no_ref_has_is_refused() {
    let address = "https://git.example.com/shop/checkout.git";
    assert!(said("github", "push", push("refs/heads/release/1.x", address)).is_ok());
    for name in [
        "",
        "main",
        "refs/heads/",
        "refs/heads/../x",
        "refs/heads/a..b",
        "refs/heads/a b",
        "refs/heads/a\nb",
        "refs/heads/--upload-pack=touch",
        "refs/heads/a.lock",
        "refs/heads/a:b",
        "refs/heads/a\u{202e}b\u{0}",
        "refs/tags/*",
        "../../etc/passwd",
        "--upload-pack=x",
    ] {
        assert!(said("github", "push", push(name, address)).is_err(), "{name:?}");
    }
    assert!(
        said("github", "push", push(&format!("refs/heads/{}", "a".repeat(5_000)), address))
            .is_err()
    );
    for address in
        ["file:///etc", "ext::sh -c id", "/srv/x", "https://host", "-oProxyCommand=id", "x"]
    {
        assert!(said("github", "push", push("refs/heads/main", address)).is_err(), "{address}");
    }
}

#[test]
fn a_key_that_decides_and_stands_twice_is_refused() {
    let body = push("refs/heads/main", "https://git.example.com/a/b.git").to_string();
    assert!(said("github", "push", &body).is_ok());
    for key in ["ref", "after", "repository", "clone_url"] {
        let named = format!("\"{key}\":");
        let twice = body.replace(&named, &format!("\"{key}\":null,\"{key}\":"));
        let Err(Unreadable(why)) = said("github", "push", &twice) else { panic!("{key}") };
        assert!(why.contains("duplicate field") || why.contains("invalid type"), "{why}");
    }
    let unread = body.replace("\"sender\":", "\"other\":1,\"other\":2,\"sender\":");
    assert!(said("github", "push", &unread).is_ok());
    let twice = r#"{"events":[],"events":[]}"#;
    assert!(said("distribution", "", twice).is_err());
}

#[test]
fn what_nests_too_deep_or_lists_too_much_is_refused() {
    for bomb in ["[".repeat(1_000_000), "{\"a\":".repeat(1_000_000), format!("[{}", "[".repeat(64))]
    {
        let Err(Unreadable(why)) = said("gitlab", "", bomb) else { panic!("it was read") };
        assert!(why.contains("deeper than 64"), "{why}");
    }
    let event = r#"{"action":"pull"},"#.repeat(10_001);
    let many = format!(r#"{{"events":[{}]}}"#, event.trim_end_matches(','));
    let Err(Unreadable(why)) = said("distribution", "", many) else { panic!("it was read") };
    assert!(why.contains("at most 10000"), "{why}");
    let mut long = push("refs/heads/main", "https://git.example.com/a/b.git");
    long["head_commit"] = json!({"id": "a".repeat(40), "message": "ü".repeat(1_000_000)});
    let heard = said("github", "push", long).unwrap();
    assert!(serde_json::to_string(&heard.happenings).unwrap().len() < 4_000);
}

#[test]
fn githubs_form_is_read_and_a_form_with_two_payloads_is_not() {
    let body = push("refs/heads/main", "https://git.example.com/a/b.git").to_string();
    let encoded: String = form_urlencoded::byte_serialize(body.as_bytes()).collect();
    let form = |text: String| {
        let request = signed("github", "push", text.into_bytes());
        request.with("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
    };
    let one = form(format!("payload={encoded}"));
    let receivers = triggers::receivers();
    assert!(receivers.get("github").unwrap().verify(&one.raw(), &[SECRET.as_bytes()]).is_ok());
    assert_eq!(hear("github", &one), said("github", "push", &body));
    assert!(hear("github", &form(format!("payload={encoded}&payload={{}}"))).is_err());
    assert!(hear("github", &form("other=1".to_owned())).is_err());
}

/// reliability.md §1, row 49: what is not verified is not parsed.
#[test]
fn a_body_that_cannot_be_read_is_judged_by_its_signature_alone() {
    let receivers = triggers::receivers();
    for provider in receivers.names() {
        let receiver = receivers.get(provider).unwrap();
        for body in ["[".repeat(100_000), String::new(), "\u{0}".to_owned(), "not json".to_owned()]
        {
            let good = signed(provider, "push", body.into_bytes());
            assert!(receiver.verify(&good.raw(), &[SECRET.as_bytes()]).is_ok(), "{provider}");
            assert_eq!(receiver.verify(&good.raw(), &[b"other"]), Err(Refused::Bad), "{provider}");
            let _note_or_refusal = hear(provider, &good);
        }
    }
}

/// reliability.md §1, row 53: a token compared byte by byte tells how much of it was right.
/// Against CVE-2024-23903.
#[test]
fn secrets_are_compared_in_one_place_and_in_constant_time() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/verify");
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let source = fs::read_to_string(&path).unwrap();
        for line in source.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let compares = line.contains("==") || line.contains("!=") || line.contains(".eq(");
            let of_secret =
                ["secret", "token", "signature", "tag"].iter().any(|it| line.contains(it));
            assert!(!(compares && of_secret), "{path:?}: {line}");
        }
    }
}
