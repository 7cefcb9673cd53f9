//! Which changes start a run, and what is said of the others.

use super::*;
use engine_core::{
    happening::{self, Change, ChangedPaths, Origin},
    trigger::{Commit, Meaning, TriggerEvent},
};

const OWN: &str = "git.example.com/shop/checkout";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn home() -> Home {
    Home {
        application: "shop".to_owned(),
        pipeline: "checkout".to_owned(),
        trigger: 0,
        repository: Some(OWN.to_owned()),
    }
}

fn compiled(config: serde_json::Value) -> Result<Matcher, Vec<Fault>> {
    Git::compile(serde_json::from_value(config).unwrap(), &home())
}

fn happened(change: Change, paths: ChangedPaths) -> Happening {
    Happening::Git(happening::Git {
        repository: OWN.to_owned(),
        aliases: Vec::new(),
        change,
        actor: Some("ada".to_owned()),
        author: Some("Ada <ada@example.com>".to_owned()),
        message: None,
        paths,
    })
}

fn push(branch: &str) -> Change {
    Change::Push { branch: branch.to_owned(), before: None, after: COMMIT.to_owned() }
}

fn tag(tag: &str) -> Change {
    Change::Tag { tag: tag.to_owned(), commit: Some(COMMIT.to_owned()) }
}

fn merge(branch: &str, origin: Origin) -> Change {
    Change::Merge { branch: branch.to_owned(), commit: COMMIT.to_owned(), number: 7, origin }
}

/// `start`, or the filter and what it was held against.
fn said(matcher: &Matcher, happening: &Happening) -> String {
    match Git::accept(matcher, happening) {
        Verdict::Start(_) => "start".to_owned(),
        Verdict::No(because) => format!("{}: {}", because.filter, because.value),
    }
}

fn started(matcher: &Matcher, change: Change) -> TriggerEvent {
    match Git::accept(matcher, &happened(change, ChangedPaths::Unread)) {
        Verdict::Start(event) => event,
        Verdict::No(because) => panic!("{because:?}"),
    }
}

#[test]
fn each_change_starts_what_asked_for_it_and_tells_others_why_not() {
    let pushes = compiled(json!({"branches": ["main", "release/*"]})).unwrap();
    let tags = compiled(json!({"events": ["tag"], "tags": ["v*", "!v0*"]})).unwrap();
    let merges = compiled(json!({"events": ["merge"], "branches": ["main"]})).unwrap();
    let branch = "main".to_owned();
    let unread = Change::Tag { tag: "v1".to_owned(), commit: None };
    let mut short = merge("main", Origin::Repository);
    if let Change::Merge { commit, .. } = &mut short {
        commit.truncate(12);
    }
    for (matcher, change, expected) in [
        (&pushes, push("main"), "start"),
        (&pushes, push("release/7"), "start"),
        (&pushes, push("feature/x"), "branches: feature/x"),
        (&pushes, tag("v1"), "events: tag v1"),
        (&pushes, merge("main", Origin::Repository), "events: request 7 merged into main"),
        (&pushes, Change::BranchDeleted { branch }, "events: branch main deleted"),
        (&tags, tag("v1"), "start"),
        (&tags, tag("v0.1"), "tags: v0.1"),
        (&tags, unread, "commit: tag v1: its commit was not found"),
        (&merges, short, "commit: request 7 merged into main: its commit was not found"),
        (&tags, Change::TagDeleted { tag: "v1".to_owned() }, "events: tag v1 deleted"),
        (&tags, push("main"), "events: new branch main (0123456789)"),
        (&merges, merge("main", Origin::Repository), "start"),
        (&merges, merge("main", Origin::Fork), "start"),
        (&merges, merge("next", Origin::Repository), "branches: next"),
    ] {
        assert_eq!(said(matcher, &happened(change, ChangedPaths::Unread)), expected);
    }
}

#[test]
fn paths_decide_by_what_was_changed_and_nothing_passes_unread() {
    let paths =
        compiled(json!({"branches": ["main"], "paths": ["src/**", "!src/docs/**"]})).unwrap();
    let ignore = compiled(json!({"branches": ["main"], "pathsIgnore": ["**/*.md"]})).unwrap();
    let both = json!({"branches": ["main"], "paths": ["src/**"], "pathsIgnore": ["**/*.md"]});
    let both = compiled(both).unwrap();
    let those =
        |paths: &[&str]| ChangedPaths::Those(paths.iter().map(|it| (*it).to_owned()).collect());
    let many: Vec<String> = (0..9).map(|it| format!("src/docs/{it}.md")).collect();
    for (matcher, paths, expected) in [
        (&paths, those(&["README.md", "src/a.rs"]), "start"),
        (&paths, those(&["README.md", "src/docs/a.md"]), "paths: README.md, src/docs/a.md"),
        (&paths, those(&[]), "paths: no file was changed"),
        (
            &paths,
            ChangedPaths::Those(many),
            "paths: src/docs/0.md, src/docs/1.md, src/docs/2.md and 6 more",
        ),
        (&paths, ChangedPaths::Unread, "paths: nobody has read what was changed"),
        (&paths, ChangedPaths::Everything, "start"),
        (&ignore, those(&["README.md"]), "pathsIgnore: README.md"),
        (&ignore, those(&["README.md", "x"]), "start"),
        (&ignore, ChangedPaths::Unread, "pathsIgnore: nobody has read what was changed"),
        (&both, those(&["src/a.md", "b.rs"]), "paths: src/a.md, b.rs"),
        (&both, those(&["src/a.rs"]), "start"),
    ] {
        assert_eq!(said(matcher, &happened(push("main"), paths)), expected);
    }
    let tags = json!({"events": ["push", "tag"], "branches": ["main"], "paths": ["src/**"]});
    let tags = compiled(tags).unwrap();
    assert_eq!(
        said(&tags, &happened(tag("v1"), ChangedPaths::Unread)),
        "start",
        "not asked of tags"
    );
}

#[test]
fn a_merge_and_the_push_that_it_makes_mean_the_same() {
    let both = compiled(json!({"events": ["push", "merge"], "branches": ["main"]})).unwrap();
    let (pushed, merged) =
        (started(&both, push("main")), started(&both, merge("main", Origin::Fork)));
    assert_eq!(pushed.meaning, merged.meaning);
    let (subject, value) = ("refs/heads/main".to_owned(), COMMIT.to_owned());
    assert_eq!(pushed.meaning, Meaning::Of { subject, value });
}

#[test]
fn a_run_uses_the_commit_of_its_own_repository_only() {
    let own = compiled(json!({"repository": "https://git.example.com/shop/checkout.git"})).unwrap();
    let (reference, commit) = ("refs/heads/main".to_owned(), COMMIT.to_owned());
    assert_eq!(started(&own, push("main")).commit, Commit::Of { reference, commit });
    let other = compiled(json!({"repository": "git.example.com/shop/settings"})).unwrap();
    assert_eq!(started(&other, push("main")).commit, Commit::Default);
    let key = IndexKey::Git { repository: "git.example.com/shop/settings".to_owned() };
    assert_eq!(Git::keys(&other), [key]);
    let nowhere = Home { repository: None, ..home() };
    let folder = Git::compile(serde_json::from_value(json!({})).unwrap(), &nowhere).unwrap();
    assert_eq!(Git::keys(&folder), [], "in a plain folder nothing happens");
}

#[test]
fn every_field_is_there_whatever_happened() {
    let any = compiled(json!({"events": ["push", "tag", "merge"]})).unwrap();
    for change in [push("main"), tag("v1"), merge("main", Origin::Repository)] {
        let event = started(&any, change);
        let promised: Vec<&str> = Git::FIELDS.iter().map(|(field, _)| *field).collect();
        let mut found: Vec<&str> = event.fields.keys().map(String::as_str).collect();
        found.sort_by_key(|field| promised.iter().position(|it| it == field));
        assert_eq!(found, promised);
        assert_eq!(event.actor.as_deref(), Some("ada"));
        assert_eq!(event.fields["message"], "");
    }
    let mut long = happened(push("main"), ChangedPaths::Unread);
    if let Happening::Git(git) = &mut long {
        git.message = Some("é".repeat(10_000));
    }
    let Verdict::Start(event) = Git::accept(&any, &long) else { panic!("any push starts it") };
    assert_eq!(event.fields["message"].as_str().unwrap().len(), 4_096);
}

#[test]
fn filters_of_what_is_not_asked_for_are_refused_all_at_once() {
    let faults = |config| compiled(config).map(drop).unwrap_err();
    let keys = |faults: &[Fault]| {
        faults.iter().map(|fault| format!("{:?}", fault.place[0])).collect::<Vec<_>>()
    };
    let tags = faults(json!({"tags": ["v*"]}));
    assert_eq!(keys(&tags), [r#"Key("tags")"#]);
    assert_eq!(tags[0].help.as_deref(), Some("add `tag` to `events`, or leave out `tags`"));
    let all = json!({"events": ["tag"], "branches": ["**x"], "paths": ["/a"], "repository": "x"});
    let all = faults(all);
    let expected = ["branches", "paths", "repository", "branches", "paths"];
    assert_eq!(keys(&all), expected.map(|key| format!("Key({key:?})")));
}

#[test]
fn a_push_to_any_branch_is_warned_about() {
    let codes = |config| Git::warnings(&compiled(config).unwrap()).len();
    assert_eq!(codes(json!({})), 1);
    assert_eq!(codes(json!({"branches": ["main"]})), 0);
    assert_eq!(codes(json!({"events": ["tag"]})), 0);
}
