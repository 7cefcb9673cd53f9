//! Sources, receivers and registries, in one file and in several.

use super::*;

const SOURCES: &str = r#"version: 1
environments: {prod: {cluster: eu}, dev: {cluster: kind}, dev-two: {cluster: kind}}
sourceDefaults: {branches: [main], credentials: GIT, poll: 2m, paths: [".gennaker/*.yaml"]}
sources:
  - {git: "https://git.example.com/shop/checkout.git", branches: [main, "release/*"], applications: ["checkout", "checkout-*"], environments: ["dev*", prod], labels: {team: payments}}
  - {git: "git@git.example.com:shop/web.git/", credentials: OTHER, poll: 5s, paths: ["ci/**"]}
  - {git: "https://git.example.com/platform/cd.git", platform: true}
  - {directory: ./services/shop/, environments: ["*"]}
receivers:
  github: {provider: github, secrets: [GITHUB_HOOK]}
  registry: {provider: distribution, secrets: [REGISTRY_HOOK, REGISTRY_HOOK_OLD]}
registries:
  registry.example.com:5000: {credentials: REGISTRY, certificateAuthority: /etc/gennaker/ca.pem}
retention: {deliveries: 7d}
server: {listen: "[::1]:7080", publicUrl: "https://cd.example.com/"}
secrets: {grants: [{names: ["*"], applications: ["*"]}]}
"#;

fn read(text: &str) -> Platform {
    Platform::read(&SourceFile::new("gennaker.yaml", text.as_bytes())).unwrap()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn a_source_has_what_it_says_and_else_what_holds_for_all() {
    let sources = read(SOURCES).sources();
    let [checkout, web, platform, folder] = sources.as_slice() else { panic!("{sources:?}") };
    let git = |url: &str, branches: &[&str], credentials: &str| SourcePlace::Git {
        url: url.to_owned(),
        branches: texts(branches),
        credentials: Some(credentials.to_owned()),
    };
    let address = "https://git.example.com/shop/checkout.git";
    assert_eq!(checkout.place, git(address, &["main", "release/*"], "GIT"));
    assert_eq!(web.place, git("git@git.example.com:shop/web.git/", &["main"], "OTHER"));
    assert_eq!((checkout.poll.to_string(), web.poll.to_string()), ("2m".into(), "5s".into()));
    assert_eq!((&checkout.paths, &web.paths), (&texts(&[".gennaker/*.yaml"]), &texts(&["ci/**"])));
    assert_eq!(web.applications, ["web"]);
    assert_eq!((platform.serves, platform.applications.len()), (Serves::Everybody, 0));
    assert_eq!(folder.applications, ["shop"]);
    assert_eq!(folder.place, SourcePlace::Directory { path: "./services/shop/".to_owned() });
    let given = |source: &Source, name: &str| source.environment(name) == Leave::Granted;
    assert!(given(checkout, "dev-two") && given(checkout, "prod") && given(folder, "prod"));
    assert!(!given(web, "dev") && !given(checkout, "production") && !given(platform, "dev"));
    let counts = |source: &Source, name: &str| source.branch(name) == Leave::Granted;
    assert!(counts(checkout, "release/1") && !counts(checkout, "release/1/x"));
    assert!(!counts(web, "release/1") && counts(folder, "anything"));
    assert_eq!(checkout.labels["team"], "payments");
    let bare = read("version: 1\nsources: [{git: \"https://g.example.com/a\"}]\n").sources();
    assert!(
        matches!(&bare[0].place, SourcePlace::Git { branches, credentials: None, .. } if *branches == ["main"])
    );
    assert_eq!(
        (bare[0].poll.to_string(), &bare[0].paths),
        ("1m".into(), &texts(&[".gennaker/*.yaml"]))
    );
    assert_eq!(Platform::Open.sources(), []);
}

#[test]
fn an_application_is_of_one_source_or_of_nobody() {
    let platform = read(SOURCES);
    for (application, owner) in [
        ("checkout", Owner::One(0)),
        ("checkout-api", Owner::One(0)),
        ("web", Owner::One(1)),
        ("shop", Owner::One(3)),
        ("cd", Owner::Nobody),
        ("checkouts", Owner::Nobody),
    ] {
        assert_eq!(platform.owner(application), owner, "{application}");
    }
    let both = "version: 1\nsources:\n  - {directory: a, applications: [\"shop-*\"]}\n  - {directory: b, applications: [\"*-api\"]}\n";
    let both = read(both);
    assert_eq!(both.owner("shop-api"), Owner::Several(vec![0, 1]));
    assert_eq!(both.owner("shop-web"), Owner::One(0));
    assert_eq!(Platform::Open.owner("web"), Owner::Nobody);
}

#[test]
fn what_the_engine_works_with_is_granted_to_no_pipeline() {
    let platform = read(SOURCES);
    let own = ["GIT", "OTHER", "GITHUB_HOOK", "REGISTRY_HOOK", "REGISTRY_HOOK_OLD", "REGISTRY"];
    assert_eq!(platform.own_secrets().len(), own.len());
    for name in own {
        assert_eq!(platform.secret(name, ("web", Some("prod"))), Leave::Refused, "{name}");
    }
    assert_eq!(platform.secret("GITHUB", ("web", Some("prod"))), Leave::Granted);
    let named = SOURCES.replace("names: [\"*\"]", "names: [FREE, GITHUB_HOOK]");
    assert_eq!(
        told(&named),
        [
            "E019 16: `GITHUB_HOOK` is a credential of the engine, and never granted; give pipelines a secret of their own"
        ]
    );
}

#[test]
fn receivers_registries_and_times_are_as_written() {
    let platform = read(SOURCES);
    let receivers = platform.receivers();
    let hooks: Vec<_> = receivers.iter().map(|it| (it.name.as_str(), it.provider)).collect();
    assert_eq!(hooks, [("github", Provider::Github), ("registry", Provider::Distribution)]);
    assert_eq!(receivers[1].secrets, ["REGISTRY_HOOK", "REGISTRY_HOOK_OLD"]);
    let [registry] = &platform.registries()[..] else { panic!("one registry") };
    assert_eq!(
        (registry.host.as_str(), registry.poll.to_string().as_str()),
        ("registry.example.com:5000", "1m")
    );
    assert_eq!(registry.certificate_authority.as_deref(), Some("/etc/gennaker/ca.pem"));
    assert_eq!(platform.deliveries_are_kept().to_string(), "7d");
    assert_eq!(Platform::Open.deliveries_are_kept().to_string(), "30d");
    assert_eq!(platform.runs_are_kept().to_string(), "365d");
    let two_days = read("version: 1\nretention: {runs: 2d}\n");
    assert_eq!(two_days.runs_are_kept().to_string(), "2d");
    assert_eq!(platform.public_url(), Some("https://cd.example.com"));
    assert_eq!(platform.listen(), "[::1]:7080".parse().ok());
}

/// Each wrong line, alone in a file, with what is told of it.
const WRONG: &[(&str, &str)] = &[
    ("sources: [{}]", "E016 1: the source lacks `git`, or `directory`"),
    (
        "sources: [{git: \"https://g.example/a\", directory: a}]",
        "E016 1: a source is at `git` or in a `directory`, not both",
    ),
    ("sources: [{git: \"--upload-pack=x\"}]", "E016 1: `git` cannot be"),
    ("sources: [{git: \"ssh://-oProxyCommand=x/a\"}]", "E016 1: `git` cannot be"),
    ("sources: [{git: \"git@-oProxyCommand=x:a\"}]", "E016 1: `git` cannot be"),
    ("sources: [{git: \"git@host:-a\"}]", "E016 1: `git` cannot be"),
    ("sources: [{git: \"ext::sh -c id\"}]", "E016 1: `git` cannot be"),
    ("sources: [{git: \"file:///etc\"}]", "E016 1: `git` cannot be"),
    ("sources: [{git: \"https://me:password@g.example/a\"}]", "E016 1: `git` cannot be"),
    ("sources: [{git: \"https://g.example\"}]", "E016 1: `git` cannot be"),
    (
        "sources: [{git: \"http://g.example/a\", credentials: GIT}]",
        "E016 1: credentials would be sent unencrypted",
    ),
    (
        "sources: [{git: \"http://127.0.0.1.evil.example/a\", credentials: GIT}]",
        "E016 1: credentials would be sent unencrypted",
    ),
    (
        "sources: [{git: \"https://g.example/Web_App\"}]",
        "E016 1: the last part, `Web_App`, is no name of an application",
    ),
    ("sources: [{directory: .}]", "E016 1: the last part, `.`, is no name of an application"),
    (
        "sources: [{directory: a, branches: [main], credentials: X}]",
        "E016 1: a folder has no `branches`",
    ),
    (
        "sources: [{directory: a, branches: [main], credentials: X}]",
        "E016 1: a folder has no `credentials`",
    ),
    ("sources: [{directory: a, environments: [prd]}]", "E007 1: there is no environment `prd`"),
    (
        "sources: [{directory: a, environments: [\"prd?\"]}]",
        "E008 1: an item of `environments`: `prd?` is not a pattern",
    ),
    (
        "sources: [{directory: a, paths: [\"../b\"]}]",
        "E016 1: a path stays below the source's root",
    ),
    ("sources: [{directory: a, paths: [\"/b\"]}]", "E016 1: a path stays below the source's root"),
    ("sources: [{directory: a, applications: []}]", "E016 1: `applications` is an empty list"),
    ("sources: [{directory: a, poll: 0s}]", "E016 1: `poll` is no time at all"),
    ("sources: [{directory: a, poll: 5}]", "E008 1: `poll` lacks a unit"),
    ("sources: [{directory: a, polls: 5s}]", "E001 1: unknown key `polls`"),
    ("sources: [{directory: a, credentials: low}]", "E016 1: `credentials` cannot be `low`"),
    (
        "sources: [{directory: a/web}, {git: \"https://g.example/web\"}]",
        "E016 1: `web` is an application of `a/web` too",
    ),
    (
        "sources: [{directory: web}, {directory: b, applications: [\"w*\"]}]",
        "E016 1: `web` is an application of `web` too",
    ),
    (
        "sources: [{git: \"https://g.example/a.git\"}, {git: \"git@G.example:a\"}]",
        "E016 1: another source is this repository already",
    ),
    (
        "receivers: {Git: {provider: github, secrets: [A]}}",
        "E016 1: a receiver's name cannot be `Git`",
    ),
    ("receivers: {git: {provider: githb, secrets: [A]}}", "E016 1: `provider` cannot be `githb`"),
    ("receivers: {git: {provider: github}}", "E016 1: `git` lacks `secrets`"),
    ("receivers: {git: {provider: github, secrets: []}}", "E016 1: `secrets` is an empty list"),
    (
        "receivers: {git: {provider: github, secrets: [A, A]}}",
        "E016 1: `A` stands twice in `secrets`",
    ),
    (
        "receivers: {git: {provider: github, secrets: [A, B, C]}}",
        "E016 1: `secrets` takes at most 2 items",
    ),
    ("registries: {\"https://r.example\": {}}", "E016 1: a registry's host cannot be"),
    ("registries: {r.example: {poll: 0s}}", "E016 1: `poll` is no time at all"),
    ("retention: {deliveries: 0d}", "E016 1: `deliveries` is no time at all"),
    ("retention: {deliveries: 9999d}", "E008 1: `deliveries`: `9999d` is not a duration"),
    ("retention: {runs: 23h}", "E016 1: runs are kept for a day at least"),
    ("retention: {runs: 0d}", "E016 1: runs are kept for a day at least"),
    (
        "server: {listen: \"0.0.0.0:7080\"}",
        "E016 1: only addresses of this machine can be listened on",
    ),
    ("server: {listen: localhost}", "E016 1: `listen` is no address"),
    ("server: {publicUrl: cd.example.com}", "E016 1: `publicUrl` cannot be"),
    ("server: {publicUrl: \"https://u:p@cd.example.com\"}", "E016 1: `publicUrl` cannot be"),
    ("include: [\"a b\"]", "E008 1: an item of `include`: `a b` is not a pattern"),
    (
        "roles: [{role: run, to: [\"user:mo\"], environments: [\"{a,b}\"]}]",
        "E008 1: an item of `environments`",
    ),
    (
        "people: {users: {a: {email: X@y.z}, b: {gitEmails: [x@y.z]}}}",
        "E016 1: `a` and `b` have one address",
    ),
    (
        "people: {users: {a: {github: x}, b: {github: x}}}",
        "E016 1: `a` and `b` have one GitHub login",
    ),
    (
        "database: postgres://db.example.com/cd",
        "E016 1: runs cannot be kept in a database of `postgres` in",
    ),
    ("database: gennaker.db", "E016 1: `database` names no file"),
    ("database: \"sqlite:\"", "E016 1: `database` names no file"),
    ("freezes: [\"a b\"]", "E008 1: an item of `freezes`: `a b` is not a pattern"),
    ("freezes: [\"freezes/*.yaml\"]", "E016 1: none of the files that it names is a freeze"),
    ("notifiers: {}", "E001 1: unknown key `notifiers`; it is not in this version"),
];

#[test]
fn whatever_cannot_be_is_told_with_its_code() {
    for (line, expected) in WRONG {
        let found = told(&format!("{line}\nversion: 1\n"));
        assert!(found.iter().any(|it| it.starts_with(expected)), "{line}: {found:#?}");
    }
}

#[test]
fn what_was_written_right_stays_right() {
    for line in [
        "sources: [{git: \"http://127.0.0.1:8080/a.git\", credentials: GIT}]",
        "sources: [{git: \"http://[::1]:8080/a.git\", credentials: GIT}]",
        "sources: [{git: \"ssh://git@git.example.com:2222/~mo/a_b.git\", applications: [a]}]",
        "sources: [{git: \"http://127.0.0.1:1/a.git\"}, {git: \"http://127.0.0.1:2/a.git\", applications: [b]}]",
        "sources: [{directory: ., applications: [\"*\"], poll: 1s}]",
        "people: {users: {a: {email: x@y.z, gitEmails: [x@y.z]}}}",
        "registries: {localhost:5000: {}, 10.0.0.1: {}}",
        "sources: []",
    ] {
        assert_eq!(told(&format!("{line}\nversion: 1\n")), Vec::<String>::new(), "{line}");
    }
}

fn told_of(texts: &[&str]) -> Vec<String> {
    let file = |(at, text): (usize, &&str)| SourceFile::new(format!("{at}.yaml"), text.as_bytes());
    let files: Vec<SourceFile> = texts.iter().enumerate().map(file).collect();
    let told = Platform::read_all(&files).err().unwrap_or_default();
    let each = |FileFaults { file, faults }: FileFaults| {
        let line = |fault: &Diagnostic| files[file].line_of(fault.primary.span.start);
        let each = |it: &Diagnostic| format!("{file}:{} {} {}", line(it), it.code, it.message);
        faults.iter().map(each).collect::<Vec<_>>()
    };
    told.into_iter().flat_map(each).collect()
}

const MAIN: &str = "version: 1
environments: {prod: {cluster: eu}}
include: [teams/*.yaml]
people: {users: {mo: {unix: mo}}}
";
const TEAM: &str = "version: 1
sources: [{git: \"https://git.example.com/shop/web\", environments: [prod]}]
people: {users: {kit: {unix: kit}}, groups: {sre: [mo, kit]}}
roles: [{role: run, to: [\"group:sre\", \"user:ann\"]}]
secrets: {grants: [{names: [WEB], applications: [web]}]}
";

#[test]
fn several_files_say_one_thing_together() {
    let files = [
        SourceFile::new("gennaker.yaml", MAIN.as_bytes()),
        SourceFile::new("teams/web.yaml", TEAM.as_bytes()),
        SourceFile::new("teams/all.yaml", b"version: 1\npeople: {users: {ann: {}}}\n"),
    ];
    assert_eq!(Platform::includes(&files[0]).len(), 1);
    let platform = Platform::read_all(&files).unwrap();
    assert_eq!(platform.owner("web"), Owner::One(0));
    assert!(platform.means("group:sre", "mo") && platform.means("group:sre", "kit"));
    let right = |name| platform.right((name, Right::Run), ("web", &[]));
    assert_eq!(
        (right("kit"), right("ann"), right("eve")),
        (Leave::Granted, Leave::Granted, Leave::Refused)
    );
    assert_eq!(platform.secret("WEB", ("web", None)), Leave::Granted);
}

#[test]
fn every_fault_of_every_file_is_told_and_names_its_file() {
    let second = "version: 1
environments: {}
people: {users: {mo: {}, eve: {unix: kit}}, groups: {sre: []}}
sources: [{directory: web}, {git: \"https://git.example.com/shop/web.git\", applications: [x]}]
";
    assert_eq!(
        told_of(&[&MAIN.replace("cluster: eu", "clster: eu"), TEAM, second, "{"]),
        [
            "0:2 E016 `prod` lacks `cluster`",
            "0:2 E001 unknown key `clster`",
            "1:4 E007 there is no user `ann`",
            "2:2 E001 unknown key `environments`",
            "2:3 E013 another file has the user `mo` already",
            "2:3 E016 `kit` and `eve` have one login name",
            "2:3 E013 another file has the group `sre` already",
            "2:4 E016 `web` is an application of `https://git.example.com/shop/web` too",
            "2:4 E016 another source is this repository already",
            "3:1 E015 this is not YAML: unclosed bracket '{'",
        ]
    );
}

#[test]
fn addresses_of_one_repository_have_one_key() {
    for (address, key) in [
        ("https://git.example.com/shop/web.git", "git.example.com/shop/web"),
        ("https://git.example.com:443/shop/web/", "git.example.com/shop/web"),
        ("git@Git.example.com:shop/web.git", "git.example.com/shop/web"),
        ("ssh://git@git.example.com:2222/shop/web", "git.example.com/shop/web"),
        ("http://127.0.0.1:8080/web.git", "127.0.0.1:8080/web"),
        ("http://[::1]:8080/web", "[::1]:8080/web"),
        ("ssh://[::1]/web", "[::1]/web"),
        ("https://[::1]:443/web", "[::1]/web"),
    ] {
        assert_eq!(repository_key(address), key, "{address}");
    }
}
