//! What rules say of a stage that is about to act.

use super::{Case, Prior, Verdict};
use crate::{
    diagnostic::SourceFile,
    person::{Actor, Signal, Signalled, Way},
    plan::Origin,
    platform::Platform,
    stage::Refusal,
};
use std::collections::BTreeMap;

const FILE: &str = r#"version: 1
environments:
  dev: {cluster: c}
  prod:
    cluster: c
    rules:
      approval: {approvers: ["group:sre", "user:ann"], minimum: 2, message: "Go?"}
      branches: [main, "release/*"]
  open: {cluster: c, rules: {approval: {approvers: ["user:mo"], excludeTriggerer: false}}}
people:
  users: {mo: {}, kit: {}, ann: {}, zoe: {}}
  groups: {sre: [mo, kit]}
roles:
  - {role: approve, to: ["group:sre"], environments: [prod, open]}
  - {role: run, to: ["user:ann"], environments: [prod]}
"#;

fn platform() -> Platform {
    Platform::read(&SourceFile::new("gennaker.yaml", FILE.as_bytes())).unwrap()
}

#[test]
fn whoever_pushed_is_who_started_the_run() {
    let text = "version: 1\npeople: {users: {zoe: {github: Zoe-Z}, kit: {}}}\n";
    let platform = Platform::read(&SourceFile::new("gennaker.yaml", text.as_bytes())).unwrap();
    for (starter, way, name, is_it) in [
        ("git:zoe-z", Way::Event, "zoe", true),
        ("git:kit", Way::Event, "kit", true),
        ("git:zoe", Way::Event, "zoe", false),
        ("git:zoe-z", Way::Event, "kit", false),
        ("git:zoe-z", Way::Socket, "zoe", false),
        ("kit", Way::Socket, "kit", true),
        ("cron", Way::Event, "kit", false),
    ] {
        let starter = Actor { name: starter.to_owned(), way };
        assert_eq!(platform.has_started(name, &starter), is_it, "{starter:?} {name}");
    }
}

fn case(environment: &str, starter: &str) -> Case {
    Case {
        stage: "deploy".to_owned(),
        stage_type: "deploy".to_owned(),
        environment: environment.to_owned(),
        application: "shop".to_owned(),
        place: None,
        starter: Actor { name: starter.to_owned(), way: Way::Socket },
        origin: Some(origin(&["main", "topic"])),
        prior: Vec::new(),
        answers: Vec::new(),
    }
}

fn origin(branches: &[&str]) -> Origin {
    Origin {
        repository: "git.example.com/shop".to_owned(),
        reference: "main".to_owned(),
        commit: "abc".to_owned(),
        branches: branches.iter().map(|it| (*it).to_owned()).collect(),
    }
}

fn said(stage: &str, signal: Signal, name: &str) -> (String, Signalled) {
    let actor = Actor { name: name.to_owned(), way: Way::Socket };
    (stage.to_owned(), Signalled::new(signal, actor, ""))
}

fn prior(by: &[&str]) -> Vec<Prior> {
    let by = by.iter().map(|name| (*name).to_owned()).collect();
    vec![Prior { stage: "goLive".to_owned(), by }]
}

#[test]
fn an_approval_is_enough_if_as_many_as_the_rule_wants_may_give_it() {
    let yes = |name| said("deploy", Signal::Approve, name);
    let elsewhere = |name| said("migrate", Signal::Approve, name);
    for (starter, prior, answers, is_met) in [
        ("zoe", vec![], vec![], false),
        ("zoe", vec![], vec![yes("mo")], false),
        ("zoe", vec![], vec![yes("mo"), yes("mo")], false),
        ("zoe", vec![], vec![yes("mo"), yes("kit")], true),
        // Who started the run, who is on no list, and who is on it without the role.
        ("kit", vec![], vec![yes("mo"), yes("kit")], false),
        ("mo", vec![], vec![yes("mo"), yes("zoe"), yes("kit")], false),
        ("zoe", vec![], vec![yes("mo"), yes("ann")], false),
        // At another stage of the environment; before, at a stage of its own.
        ("zoe", vec![], vec![elsewhere("mo"), yes("kit")], true),
        ("zoe", prior(&["mo", "kit"]), vec![], true),
        ("zoe", prior(&["mo"]), vec![], false),
        ("zoe", prior(&["mo", "ann"]), vec![], false),
        ("kit", prior(&["mo", "kit"]), vec![], false),
        // Each is to be enough by itself: they were asked different things.
        ("zoe", prior(&["mo"]), vec![yes("kit")], false),
        // A no elsewhere is no answer to this stage.
        ("zoe", prior(&["mo", "kit"]), vec![said("migrate", Signal::Reject, "mo")], true),
    ] {
        let case = Case { prior, answers, ..case("prod", starter) };
        let verdict = case.judge(&platform());
        assert_eq!(matches!(verdict, Verdict::Met { .. }), is_met, "{case:#?} {verdict:?}");
        assert_eq!(matches!(verdict, Verdict::Asks { .. }), !is_met, "{case:#?} {verdict:?}");
    }
    let Verdict::Asks { detail } = case("prod", "kit").judge(&platform()) else { panic!() };
    assert_eq!(
        detail,
        "Go?: environment `prod` wants a yes: 0 of 2 approvals; group:sre or ann may answer"
    );
    let only_mo = case("open", "mo");
    let answered = Case { answers: vec![yes("mo")], ..only_mo.clone() };
    assert_eq!(answered.judge(&platform()), Verdict::Met { by: vec!["approved by mo".to_owned()] });
}

#[test]
fn one_no_of_somebody_who_may_answer_is_enough() {
    let no = |name| said("deploy", Signal::Reject, name);
    let judged = |answers| Case { answers, ..case("prod", "zoe") }.judge(&platform());
    assert_eq!(
        judged(vec![said("deploy", Signal::Approve, "kit"), no("mo")]),
        Verdict::Rejected { because: "mo said no".to_owned() }
    );
    assert!(matches!(judged(vec![no("zoe"), no("ann")]), Verdict::Asks { .. }));
}

#[test]
fn a_commit_that_no_such_branch_leads_to_is_refused_and_so_is_none() {
    let answers =
        ["mo", "kit"].map(|name| said("deploy", Signal::Approve, name)).into_iter().collect();
    let answered = Case { answers, ..case("prod", "zoe") };
    for (branches, is_met) in [
        (Some(vec!["main"]), true),
        (Some(vec!["topic", "release/2"]), true),
        (Some(vec!["topic", "release/2/fix", "mainly"]), false),
        (Some(vec![]), false),
        (None, false),
    ] {
        let origin = branches.as_deref().map(origin);
        let verdict = Case { origin, ..answered.clone() }.judge(&platform());
        assert_eq!(matches!(verdict, Verdict::Met { .. }), is_met, "{branches:?} {verdict:?}");
        assert_eq!(matches!(verdict, Verdict::Closed { .. }), !is_met, "{branches:?} {verdict:?}");
    }
    // Nobody is asked about what will not be met, and a way back is of no commit.
    let none = Case { origin: None, ..case("prod", "zoe") };
    assert!(matches!(none.judge(&platform()), Verdict::Closed { .. }));
    let back = Case { stage_type: "rollback".to_owned(), ..none };
    assert!(matches!(back.judge(&platform()), Verdict::Asks { .. }));
}

#[test]
fn an_answer_is_taken_from_whoever_may_give_it_and_once() {
    let case = Case { answers: vec![said("deploy", Signal::Approve, "mo")], ..case("prod", "zoe") };
    for (name, because) in [
        ("kit", None),
        ("mo", Some("mo has answered already")),
        ("zoe", Some("zoe started the run, so group:sre or ann must answer")),
        ("ann", Some("ann does not hold the role `approve` for shop in prod")),
    ] {
        let refusal = case.refusal(&platform(), &said("deploy", Signal::Approve, name).1);
        let expected = because.map_or(Refusal::None, |it| Refusal::Because(it.to_owned()));
        assert_eq!(refusal, expected, "{name}");
    }
    let (_, mut answer) = said("deploy", Signal::Approve, "kit");
    answer.inputs = BTreeMap::from([("a".to_owned(), 1.into())]);
    assert!(matches!(case.refusal(&platform(), &answer), Refusal::Unfit(_)));
    // Where nobody is asked any more, whoever answers lets the stage be judged anew.
    let unguarded = Case { environment: "dev".to_owned(), ..case };
    assert_eq!(unguarded.refusal(&platform(), &answer), Refusal::None);
}

#[test]
fn what_no_rule_guards_is_open_and_what_is_gone_is_closed() {
    assert_eq!(case("prod", "zoe").judge(&Platform::Open), Verdict::Unguarded);
    assert_eq!(case("dev", "zoe").judge(&platform()), Verdict::Unguarded);
    let place = serde_json::json!({
        "cluster": "c", "context": "c", "server": "s", "namespace": "gone",
        "identity": {"kind": "unread"}
    });
    let place = Some(serde_json::from_value(place).unwrap());
    let gone = Case { place, ..case("gone", "zoe") };
    assert!(matches!(gone.judge(&platform()), Verdict::Closed { .. }));
}
