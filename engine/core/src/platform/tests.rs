//! The platform's file: what is refused, and what the rest means.

use super::*;
use crate::{
    diagnostic::{Diagnostic, SourceFile},
    person::{Actor, Way},
};

mod sources;

const FILE: &str = r#"version: 1
x-note: free
clusters: {eu: {kubeconfig: eu.yaml, context: prod}}
environments:
  prod: {cluster: eu, namespace: "${{ application.name }}-prod", production: true, labels: {tier: one}}
  dev: {cluster: kind}
people:
  users: {mo: {unix: mohammed}, kit: {unix: kit}, ann: {}}
  groups: {sre: [mo, ann]}
roles:
  - {role: approve, to: ["group:sre"], environments: ["prod*"], applications: [web, "shop-*"]}
  - {role: admin, to: ["user:kit"], environments: [dev]}
http: {allow: ["GET https://status.example.com/api/"]}
secrets:
  directory: secrets
  grants:
    - {names: ["WEB_*"], applications: [web], environments: [prod]}
    - {names: [ANY], applications: ["*"]}
"#;

fn platform() -> Platform {
    Platform::read(&SourceFile::new("gennaker.yaml", FILE.as_bytes())).unwrap()
}

fn told(text: &str) -> Vec<String> {
    let file = SourceFile::new("gennaker.yaml", text.as_bytes());
    let faults = Platform::read(&file).err().unwrap_or_default();
    let line = |fault: &Diagnostic| file.line_of(fault.primary.span.start);
    faults
        .iter()
        .map(|it| {
            let help = it.help.clone().unwrap_or_default();
            format!("{} {}: {}; {help}", it.code, line(it), it.message)
        })
        .collect()
}

#[test]
fn every_fault_of_the_file_is_told_at_once_with_its_place() {
    let text = r#"environmnts: {}
notifiers: []
clusters: {a: {kubeconfg: x}}
environments:
  p: {cluster: c, namespace: "${{ run.id }}", rules: {}}
  q: {namespace: q}
people: {users: {mo: {}, "a:b": {}}, groups: {g: [moo]}}
roles:
  - {role: veiw, to: []}
  - {role: run, to: ["user:ma", "group:x", mo]}
http: {allow: ["GET status.example.com"]}
secrets: {grants: [{names: [low], applications: [web]}]}
secrets: {}
"#;
    let expected = [
        "E001 1: unknown key `environmnts`; did you mean `environments`?",
        "E016 1: the file lacks `version`; ",
        "E001 2: unknown key `notifiers`; it is not in this version of gennaker: leave it out",
        "E001 3: unknown key `kubeconfg`; did you mean `kubeconfig`?",
        "E016 5: `rules` is empty; ",
        "E016 6: `q` lacks `cluster`; ",
        "E016 7: `a:b` is no name of a person; leave `:` and spaces out",
        "E007 7: there is no user `moo`; did you mean `mo`?",
        "E016 9: `role` cannot be `veiw`; ",
        "E016 9: `to` is an empty list; ",
    ];
    let told = told(text);
    for line in expected {
        assert!(told.iter().any(|it| it.starts_with(line)), "{line} is missing in {told:#?}");
    }
    assert!(
        told.iter().any(|it| it.starts_with("E013 13: the key `secrets` stands twice")),
        "{told:#?}"
    );
    assert!(told.iter().any(|it| it.starts_with("E016 11:")), "{told:#?}");
    assert!(told.iter().any(|it| it.starts_with("E016 12:")), "{told:#?}");
}

#[test]
fn who_is_named_must_be_there() {
    let text = "version: 1\npeople: {users: {mo: {unix: x}, kit: {unix: x}}}\nroles:\n  - {role: run, to: [\"user:ma\", \"group:x\"]}\nenvironments: {p: {cluster: c, namespace: \"${{ run.id }}\"}}\n";
    assert_eq!(
        told(text),
        [
            "E016 2: `kit` and `mo` have one login name; an account belongs to one person",
            "E007 4: there is no user `ma`; did you mean `mo`?",
            "E007 4: there is no group `x`; name it under `people: {groups: …}`",
            "E005 5: a namespace hangs on nothing but the application; write `${{ application.name }}`",
        ]
    );
}

#[test]
fn rules_guard_something() {
    let text = r#"version: 1
environments:
  dev: {cluster: c}
  prod:
    cluster: c
    rules:
      approval: {approvers: ["group:sre", "user:ma"], minimum: 0, timeout: 1h}
      branches: []
      after: [dev, prod, stagin]
      images: ["a b"]
      freeze: true
  eu: {cluster: c, rules: {approval: {minimum: 1}, after: [dv]}}
people: {users: {mo: {}}}
"#;
    let found = told(text);
    for line in [
        "E016 7: `minimum`",
        "E001 7: unknown key `timeout`",
        "E016 8: `branches` is an empty list",
        "E008 10:",
        "E001 11: unknown key `freeze`",
        "E016 12: `approval` lacks `approvers`",
    ] {
        assert!(found.iter().any(|it| it.starts_with(line)), "{line} is missing in {found:#?}");
    }
}

#[test]
fn rules_name_people_and_environments_that_are_there() {
    let text = r#"version: 1
environments:
  dev: {cluster: c}
  prod:
    cluster: c
    rules: {approval: {approvers: ["group:sre", "user:ma"]}, after: [dev, prod, dv]}
people: {users: {mo: {}}}
"#;
    assert_eq!(
        told(text),
        [
            "E007 6: there is no group `sre`; name it under `people: {groups: …}`",
            "E007 6: there is no user `ma`; did you mean `mo`?",
            "E016 6: `prod` cannot come after itself; name an environment that comes before",
            "E007 6: there is no environment `dv`; did you mean `dev`?",
        ]
    );
}

#[test]
fn an_account_is_one_person_or_nobody() {
    let platform = platform();
    let person =
        |name: &str| platform.person(Actor { name: name.to_owned(), way: Way::Socket }).name;
    assert_eq!((person("mohammed"), person("mo")), ("mo".to_owned(), "unix:mo".to_owned()));
    assert_eq!((person("kit"), person("ann")), ("kit".to_owned(), "unix:ann".to_owned()));
    assert_eq!(person("unix:mo"), "unix:mo", "a second look changes nothing");
    assert_eq!(Platform::Open.person(Actor { name: "mo".to_owned(), way: Way::Socket }).name, "mo");
}

#[test]
fn a_right_is_held_where_a_role_says_so_and_nowhere_else() {
    let platform = platform();
    let (approve, run) = (Right::Approve, Right::Run);
    for (name, right, application, environments, leave) in [
        ("mo", approve, "web", vec!["prod"], Leave::Granted),
        ("mo", approve, "shop-a", vec!["prod", "prod-eu"], Leave::Granted),
        ("mo", approve, "bank", vec!["prod"], Leave::Refused),
        ("mo", approve, "web", vec!["prod", "dev"], Leave::Refused),
        ("mo", approve, "web", vec![], Leave::Granted),
        ("mo", run, "web", vec!["prod"], Leave::Refused),
        ("kit", approve, "web", vec!["dev"], Leave::Granted),
        ("kit", run, "bank", vec!["dev"], Leave::Granted),
        ("kit", run, "bank", vec!["prod"], Leave::Refused),
        ("unix:mo", approve, "web", vec!["prod"], Leave::Refused),
    ] {
        let environments: Vec<String> = environments.into_iter().map(str::to_owned).collect();
        let found = platform.right((name, right), (application, &environments));
        assert_eq!(found, leave, "{name} {right:?} {application} {environments:?}");
        let open = Platform::Open.right((name, right), (application, &environments));
        assert_eq!(open, Leave::Granted);
    }
    assert!(platform.means("group:sre", "ann") && !platform.means("group:sre", "kit"));
    assert!(!Platform::Open.means("group:sre", "ann") && Platform::Open.means("user:x", "x"));
}

#[test]
fn a_secret_is_used_where_it_is_granted() {
    let platform = platform();
    for (name, application, environment, leave) in [
        ("WEB_A", "web", Some("prod"), Leave::Granted),
        ("WEB_A", "web", Some("dev"), Leave::Refused),
        ("WEB_A", "web", None, Leave::Refused),
        ("WEB_A", "bank", Some("prod"), Leave::Refused),
        ("BANK", "web", Some("prod"), Leave::Refused),
        ("ANY", "bank", None, Leave::Granted),
    ] {
        assert_eq!(
            platform.secret(name, (application, environment)),
            leave,
            "{name} {application}"
        );
    }
    assert_eq!(Platform::Open.secret("X", ("web", None)), Leave::Granted);
}

#[test]
fn an_application_has_as_many_runs_as_the_file_says_and_without_one_any_number() {
    let limits = |text: &str| {
        let file = SourceFile::new("gennaker.yaml", text.as_bytes());
        Platform::read(&file).map(|platform| platform.limits())
    };
    let at_most = |running, queued| {
        Ok(Limits { running: Limit::AtMost(running), queued: Limit::AtMost(queued) })
    };
    assert_eq!(Platform::Open.limits(), Limits::default());
    assert_eq!(limits("version: 1\n"), at_most(20, 200));
    assert_eq!(limits("version: 1\nlimits: {runsPerApplication: 3}\n"), at_most(3, 200));
    assert_eq!(limits("version: 1\nlimits: {queuedPerApplication: 5}\n"), at_most(20, 5));
    for wrong in ["{runsPerApplication: 0}", "{queuedPerApplication: -1}", "{runs: 1}"] {
        let told = limits(&format!("version: 1\nlimits: {wrong}\n")).unwrap_err();
        assert_eq!(told.len(), 1, "{wrong}: {told:?}");
    }
}
