//! Each push that starts nothing says why; and a broken mirror loses none.

use super::shop::{MAIN, Shop, Watch, outcome, pipeline};
use serde_json::Value;

const FILE: &str = ".gennaker/web.yaml";
const FEATURE: &str = "refs/heads/feature";

/// A shop whose pipeline starts by a push to any branch.
fn open() -> (Shop, String) {
    let any = pipeline("web", "{branches: [\"*\"]}");
    let shop = Shop::open_with(&Watch::by_webhooks(), &[(FILE, &any)]);
    let first = shop.repository.resolve(MAIN).unwrap();
    (shop, first)
}

#[track_caller]
fn says(delivery: &Value, words: &str) {
    let started = delivery["outcomes"].as_array().unwrap().iter().any(|it| it["end"] == "started");
    assert!(!started && delivery["why"].as_str().unwrap().contains(words), "{words}: {delivery:#}");
}

#[test]
fn paths_are_held_against_what_git_says_was_changed() {
    let shop = Shop::open(&Watch::by_webhooks());
    let seen = shop.repository.resolve(MAIN).unwrap();
    let file = pipeline("web", "{branches: [main], paths: [\"src/**\"]}");
    let first = shop.commit("main", &[(FILE, &file), ("docs/a.md", "one")]);
    let told = shop.pushed(MAIN, Some(&seen), Some(&first));
    says(&told, "`paths` said no to .gennaker/web.yaml, docs/a.md");
    let second = shop.commit("main", &[("src/deep/main.rs", "one")]);
    let third = shop.commit("main", &[("docs/a.md", "two")]);
    // The payload says nothing of files; the push has two commits.
    let told = shop.pushed(MAIN, Some(&first), Some(&third));
    assert_eq!(outcome(&told)["end"], "started", "{second}: {told:#}");
    let fourth = shop.commit("main", &[("docs/a.md", "three")]);
    says(&shop.pushed(MAIN, Some(&third), Some(&fourth)), "`paths` said no to docs/a.md");
}

/// CVE-2022-36883.
#[test]
fn what_was_forced_away_is_deleted_late_elsewhere_or_was_never_there_says_so() {
    let (shop, first) = open();
    let second = shop.commit("main", &[("a", "2")]);
    let third = shop.commit("main", &[("a", "3")]);
    let told = shop.pushed(MAIN, Some(&second), Some(&third));
    assert_eq!(outcome(&told)["end"], "started", "{told:#}");
    says(&shop.pushed(MAIN, Some(&first), Some(&second)), "comes too late: main was seen at");

    shop.repository.force("main", &first);
    let other = shop.commit("main", &[("a", "other")]);
    says(&shop.pushed(MAIN, Some(&second), Some(&third)), "it was forced away, or never there");
    let told = shop.pushed(MAIN, Some(&third), Some(&other));
    assert_eq!(outcome(&told)["end"], "started", "a push with force is a push: {told:#}");

    shop.repository.force("feature", &other);
    let featured = shop.commit("feature", &[("a", "feature")]);
    says(&shop.pushed(MAIN, Some(&other), Some(&featured)), "branch main does not lead to commit");
    shop.repository.delete("feature");
    says(&shop.pushed(FEATURE, Some(&featured), None), "`events` said no to");
    says(&shop.pushed(FEATURE, None, Some(&featured)), "it was forced away, or never there");

    says(&shop.pushed(MAIN, None, Some(&"12".repeat(20))), "it was forced away, or never there");
    says(&shop.pushed("refs/heads/secret", None, Some(&other)), "branch secret is none of those");
    let nowhere = shop.pushed_to("shop/nowhere", MAIN, (None, Some(&other)));
    says(&nowhere, "no source is this repository");
}

#[test]
fn a_mirror_that_is_damaged_or_gone_is_made_anew_and_the_push_is_not_lost() {
    let (shop, first) = open();
    let mirror = shop.mirror();
    let packs = mirror.join("objects/pack");
    for pack in std::fs::read_dir(&packs).unwrap().map(|it| it.unwrap().path()) {
        std::fs::remove_file(pack).unwrap();
    }
    let second = shop.commit("main", &[("a", "2")]);
    let told = shop.pushed(MAIN, Some(&first), Some(&second));
    assert_eq!(outcome(&told)["end"], "started", "{told:#}");
    std::fs::remove_dir_all(&mirror).unwrap();
    let third = shop.commit("main", &[("a", "3")]);
    let told = shop.pushed(MAIN, Some(&second), Some(&third));
    assert_eq!(outcome(&told)["end"], "started", "{told:#}");
}

#[test]
fn a_file_that_is_broken_at_its_own_push_is_invalid_and_the_earlier_one_stays_in_force() {
    let whole = pipeline("web", "{branches: [main]}");
    let shop = Shop::open_with(&Watch::by_webhooks(), &[(FILE, &whole)]);
    let first = shop.repository.resolve(MAIN).unwrap();
    let broken = whole.replace("setVariables", "setVariable");
    let second = shop.commit("main", &[(FILE, &broken)]);
    let told = shop.pushed(MAIN, Some(&first), Some(&second));
    assert_eq!(outcome(&told)["end"], "invalid", "{told:#}");
    says(&told, "unknown key `setVariable`");
    let listed = shop.served.get("/api/v1/catalogue").json();
    let entry = listed["items"].as_array().unwrap()[0].clone();
    assert_eq!((&entry["pipeline"], &entry["standing"]), (&"web".into(), &"superseded".into()));
    assert!(entry["faults"].to_string().contains("setVariable"), "{entry:#}");

    let third = shop.commit("main", &[(FILE, "{")]);
    let told = shop.pushed(MAIN, Some(&second), Some(&third));
    says(&told, "web#2 is invalid, the file is broken: E015");
    let fourth = shop.commit("main", &[(FILE, &whole)]);
    let told = shop.pushed(MAIN, Some(&third), Some(&fourth));
    assert_eq!(outcome(&told)["end"], "started", "{told:#}");
}

/// CVE-2021-41077: a copy of a repository gives nobody a way into it. GitHub keeps the commits of
/// such copies within the repository itself, below `refs/pull/`.
#[test]
fn a_request_from_a_fork_starts_nothing_before_it_is_merged() {
    let any = pipeline("web", "{events: [push, merge], branches: [\"*\"]}");
    let shop = Shop::open_with(&Watch::by_webhooks(), &[(FILE, &any)]);
    let first = shop.repository.resolve(MAIN).unwrap();
    shop.repository.force("feature", &first);
    let theirs = shop.commit("feature", &[(FILE, &any.replace("done: true", "done: false"))]);
    shop.repository.git(&["update-ref", "refs/pull/7/head", &theirs]);
    shop.repository.delete("feature");
    let request = |action: &str, merged: bool, commit: &str| {
        let (own, copy) = (serde_json::json!({"id": 1}), serde_json::json!({"id": 2}));
        shop.told(
            "pull_request",
            &serde_json::json!({
                "action": action,
                "number": 7,
                "repository": {"id": 1, "clone_url": shop.server.url("shop/web")},
                "pull_request": {
                    "merged": merged,
                    "merge_commit_sha": commit,
                    "base": {"ref": "main", "repo": own},
                    "head": {"ref": "main", "repo": copy},
                },
            }),
        )
    };
    for action in ["opened", "synchronize", "reopened"] {
        says(&request(action, false, &theirs), &format!("request 7: {action} starts nothing"));
    }
    says(&request("closed", false, &theirs), "request 7 was closed and not merged");
    let forged = "no branch of the source leads to commit";
    says(&request("closed", true, &theirs), forged);
    says(&shop.pushed(MAIN, Some(&first), Some(&theirs)), forged);
    says(&shop.pushed("refs/pull/7/head", None, Some(&theirs)), "");

    let merged = shop.commit("main", &[("a", "theirs, and read by one of ours")]);
    let told = request("closed", true, &merged);
    assert_eq!(outcome(&told)["end"], "started", "{told:#}");
}

#[test]
fn what_is_no_push_goes_by_the_newest_version_that_is_whole() {
    let file = "version: 1
name: web
triggers: [{webhook: {name: go, verify: {scheme: bearer, secrets: [WEB_HOOK]}}}]
stages:
  a: {setVariables: {done: true}}
";
    let shop = Shop::open_with(&Watch::by_polling(), &[(FILE, file)]);
    let first = shop.repository.resolve(MAIN).unwrap();
    let commit_of = |delivery: &Value| {
        let run = outcome(delivery)["runId"].as_str().unwrap_or_else(|| panic!("{delivery:#}"));
        let plan = shop.served.get(&format!("/api/v1/runs/{run}/plan")).json();
        plan["origin"]["commit"].as_str().unwrap().to_owned()
    };
    assert_eq!(commit_of(&shop.posted("/hooks/web/go", "one")), first);
    let second = shop.commit("main", &[("a", "2")]);
    shop.found(&second);
    assert_eq!(commit_of(&shop.posted("/hooks/web/go", "two")), second);
    let broken = shop.commit("main", &[(FILE, "version: 1\nname: web\nstages: {}\n")]);
    shop.found(&broken);
    assert_eq!(commit_of(&shop.posted("/hooks/web/go", "three")), second);
    let third = shop.commit("main", &[(FILE, &file.replace("true", "false"))]);
    shop.found(&third);
    assert_eq!(commit_of(&shop.posted("/hooks/web/go", "four")), third);
}
