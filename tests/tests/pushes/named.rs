//! Pipelines of sources, started by people by their names.

use super::shop::{MAIN, Shop, Watch, pipeline};
use crate::program::gennaker;
use serde_json::Value;

const FILE: &str = ".gennaker/web.yaml";

/// What `gennaker run` came to: its code, and what it said or the run as JSON.
fn run(shop: &Shop, arguments: &[&str]) -> (Option<i32>, Value) {
    let arguments = [&["run", "-o", "json"], arguments].concat();
    let output = gennaker(&shop.served.state(), &arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let run = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| Value::from(said));
    (output.status.code(), run)
}

fn said(shop: &Shop, arguments: &[&str]) -> String {
    let (code, told) = run(shop, arguments);
    assert_eq!(code, Some(1), "{arguments:?}: {told:#}");
    told.as_str().unwrap().to_owned()
}

/// What the run put out, and from which commit it was made.
fn made(shop: &Shop, arguments: &[&str]) -> (String, String) {
    let (code, told) = run(shop, arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {told:#}");
    let id = told["id"].as_str().or(told[0]["id"].as_str()).unwrap_or_else(|| panic!("{told:#}"));
    let plan = shop.served.get(&format!("/api/v1/runs/{id}/plan")).json();
    let log = shop.served.get(&format!("/api/v1/runs/{id}/events")).body;
    let outputs = log.split("\"said\":\"").nth(1).unwrap().split('"').next().unwrap();
    (outputs.to_owned(), plan["origin"]["commit"].as_str().unwrap().to_owned())
}

#[test]
fn whoever_names_a_pipeline_has_it_run_at_a_branch_a_tag_or_a_commit_of_its_source() {
    let file = |words: &str| {
        let text = pipeline("web", "{branches: [main]}");
        let text =
            text.replace("triggers:", "parameters: {of: {type: number, default: 1}}\ntriggers:");
        text.replace("{done: true}", &format!("{{said: \"{words} ${{{{ parameters.of }}}}\"}}"))
    };
    let shop = Shop::open_with(&Watch::by_webhooks(), &[(FILE, &file("one"))]);
    let first = shop.repository.resolve(MAIN).unwrap();
    assert_eq!(made(&shop, &["web/web"]), ("one 1".to_owned(), first.clone()));
    // Nobody has told of it, and the engine asks seldom.
    let second = shop.commit("main", &[(FILE, &file("two"))]);
    shop.repository.git(&["update-ref", "refs/tags/v1", &first]);
    shop.repository.force("feature", &second);
    let third = shop.commit("feature", &[(FILE, &file("three"))]);
    for (arguments, words, commit) in [
        (vec!["web/web", "-p", "of=7"], "two 7", &second),
        (vec!["web/web", "--ref", "feature"], "three 1", &third),
        (vec!["web/web", "--ref", "refs/heads/main"], "two 1", &second),
        (vec!["web/web", "--ref", "v1"], "one 1", &first),
        (vec!["web/web", "--ref", &first[..9]], "one 1", &first),
        (vec!["web/web", "--ref", &third], "three 1", &third),
    ] {
        assert_eq!(made(&shop, &arguments), (words.to_owned(), commit.clone()), "{arguments:?}");
    }
    let run = shop.served.get("/api/v1/runs/latest").json();
    assert_eq!(run["trigger"]["type"], "manual", "{run:#}");

    shop.repository.force("secret", &third);
    shop.commit("secret", &[("a", "hidden")]);
    let hidden = shop.repository.resolve("refs/heads/secret").unwrap();
    for (arguments, words) in [
        (vec!["web/web", "--ref", "secret"], "the source has no branch, tag or commit \"secret\""),
        (vec!["web/web", "--ref", &hidden], "no branch of the source leads to commit"),
        (vec!["web/web", "--ref=--upload-pack=x"], "no branch, tag or commit"),
        (vec!["web/other"], "has no pipeline web/other"),
        (vec!["nobody/web"], "application nobody belongs to no source"),
        (vec!["web/web", "-p", "of=many"], "of"),
        (vec!["x.yaml", "--ref", "main"], "name them APPLICATION/PIPELINE"),
    ] {
        let told = said(&shop, &arguments);
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
    let broken = shop.commit("main", &[(FILE, "{")]);
    assert_eq!(made(&shop, &["web/web"]).1, second, "the newest that is whole");
    let told = said(&shop, &["web/web", "--ref", &broken]);
    assert!(told.contains("has no pipeline web/web at"), "{told}");
}
