//! A repository that means no good starts nothing, says why, and holds up no other.

use super::shop::{MAIN, Shop, Watch, outcome, pipeline};
use git_server::Change;
use serde_json::Value;
use std::fmt::Write as _;

const PLATFORM: &str =
    "environments: {dev: {cluster: here, namespace: dev}, prod: {cluster: here, namespace: prod}}
";

fn stages(name: &str, stages: &str) -> String {
    let head = "version: 1\nNAME\ntriggers: [{git: {branches: [\"**\"]}}]\nstages:\n";
    format!("{}{stages}", head.replace("NAME", name))
}

fn deploy(pattern: &str, environment: &str) -> String {
    let name = "name: NAME\napplication: evil";
    stages(
        name,
        &format!("  a: {{environment: {environment}, deploy: {{manifests: [{pattern}]}}}}\n"),
    )
}

/// Everything that was said of a delivery.
fn said(delivery: &Value) -> String {
    let (outcomes, notes) = (&delivery["outcomes"], &delivery["notes"]);
    format!("{outcomes:#}{notes:#}")
}

/// CVE-2024-31990.
#[test]
fn whatever_a_hostile_repository_holds_is_refused_with_a_reason_and_others_go_on() {
    let platform = PLATFORM.to_owned();
    let web = pipeline("web", "{branches: [main]}");
    let watch = Watch { platform, ..Watch::by_webhooks() };
    let shop = Shop::open_with(&watch, &[(".gennaker/web.yaml", &web)]);
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (one, two) in ('a'..'y').zip('b'..='y') {
        writeln!(bomb, "{two}: &{two} [{}]", vec![format!("*{one}"); 9].join(", ")).unwrap();
    }
    let set = "  a: {setVariables: {x: 1}}\n";
    let files = [
        ("bomb", bomb),
        ("outside", deploy("../k8s", "dev").replace("NAME", "outside")),
        ("absolute", deploy("/etc", "dev").replace("NAME", "absolute")),
        ("linked", deploy("linked", "dev").replace("NAME", "linked")),
        ("given", deploy("k8s", "prod").replace("NAME", "given")),
        ("theirs", stages("name: theirs\napplication: web", set)),
        (
            "secret",
            stages(
                "name: secret\napplication: evil",
                "  a: {http: {url: \"http://127.0.0.1:1/\", headers: {x: \"${{ secrets.WEB_HOOK }}\"}}}\n",
            ),
        ),
    ];
    let paths: Vec<String> =
        files.iter().map(|(name, _)| format!(".gennaker/{name}.yaml")).collect();
    let map = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";
    let mut changes = vec![
        Change::Symlink(".gennaker/link.yaml", "/etc/passwd"),
        Change::Symlink("linked/a.yaml", "/etc/passwd"),
        Change::File("linked/b.yaml", map),
        Change::File("k8s/a.yaml", map),
    ];
    for (path, (_, text)) in paths.iter().zip(&files) {
        changes.push(Change::File(path, text.as_bytes()));
    }
    let commit = shop.evil.commit("main", &changes);
    let told = shop.pushed_to("evil/evil", MAIN, (None, Some(&commit)));
    println!("{told:#}");
    let outcomes = told["outcomes"].as_array().unwrap();
    for (pipeline, words) in [
        ("evil/outside", "E011"),
        ("evil/absolute", "E011"),
        ("evil/linked", "symbolic link"),
        ("evil/given", "E019 6:20 environment `prod` is not granted to this repository"),
        ("web/theirs", "E019 application `web` belongs to"),
        ("evil/secret", "WEB_HOOK"),
    ] {
        let one = outcomes.iter().find(|it| it["pipeline"] == pipeline);
        let why = one.map(|it| it["why"].to_string()).unwrap_or_default();
        assert!(why.contains(words), "{pipeline}: {words}: {told:#}");
    }
    for words in [".gennaker/bomb.yaml: E015", ".gennaker/link.yaml: E015 it is a symbolic link"] {
        assert!(said(&told).contains(words), "{words}: {told:#}");
    }
    assert!(outcomes.iter().all(|it| it["end"] != "started"), "{told:#}");

    // Names that git allows and that look like options: from here on each look meets them, and a
    // delivery that speaks of one is refused at the door.
    for name in ["refs/heads/--upload-pack=touch${IFS}x", "refs/heads/-x"] {
        shop.evil.git(&["update-ref", name, &commit]);
    }

    let many: Vec<String> = (0..100_000).map(|it| format!(".gennaker/{it}.yaml")).collect();
    let changes: Vec<Change<'_>> = many.iter().map(|path| Change::File(path, b"{")).collect();
    let large = shop.evil.commit("main", &changes);
    let told = shop.pushed_to("evil/evil", MAIN, (Some(&commit), Some(&large)));
    let why = told["why"].as_str().unwrap();
    assert!(why.contains("more than 50000 files where they are looked for"), "{told:#}");

    let runs = shop.served.get("/api/v1/runs").json();
    let told = |run: &Value| run["application"] == "evil" && run["status"] == "invalid";
    assert!(runs["items"].as_array().unwrap().iter().all(told), "{runs:#}");
    let before = shop.repository.resolve(MAIN).unwrap();
    let after = shop.commit("main", &[("a", "2")]);
    let told = shop.pushed(MAIN, Some(&before), Some(&after));
    assert_eq!(outcome(&told)["end"], "started", "{told:#}");
}
