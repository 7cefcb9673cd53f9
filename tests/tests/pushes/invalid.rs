//! A pipeline file that is broken at its own push is a run that is invalid: told once, wherever runs are
//! told, and to nobody whose application it is not.

use super::shop::{MAIN, Shop, Watch, outcome, pipeline, until};
use crate::program::gennaker;
use git_server::Change;
use serde_json::Value;

const FILE: &str = ".gennaker/web.yaml";

/// Started by what becomes of the other one.
fn after(name: &str, status: &str) -> String {
    format!(
        "version: 1\nname: {name}\napplication: web\ntriggers: [{{pipeline: {{name: web{status}}}}}]\n\
         stages:\n  a: {{setVariables: {{done: true}}}}\n"
    )
}

/// What the program answers, and its code.
fn told(shop: &Shop, arguments: &[&str]) -> (Option<i32>, String) {
    let output = gennaker(&shop.served.state(), arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

fn runs(shop: &Shop) -> Vec<Value> {
    let page = shop.served.get("/api/v1/runs?limit=100").json();
    page["items"].as_array().unwrap().clone()
}

/// The labels of the runs of one pipeline, in order.
fn of(shop: &Shop, pipeline: &str) -> Vec<(u64, String)> {
    let all = runs(shop);
    let own = all.iter().filter(|run| run["pipeline"] == pipeline);
    let told =
        |run: &Value| (run["number"].as_u64().unwrap(), run["status"].as_str().unwrap().to_owned());
    let mut own: Vec<_> = own.map(told).collect();
    own.sort();
    own
}

#[test]
fn it_is_numbered_told_everywhere_once_and_never_done_again() {
    let whole = pipeline("web", "{branches: [main]}");
    let (when_invalid, when_good) = (after("alarm", ", status: [invalid]"), after("follower", ""));
    let files = [
        (FILE, &*whole),
        (".gennaker/alarm.yaml", &*when_invalid),
        (".gennaker/follower.yaml", &*when_good),
    ];
    let mut shop = Shop::open_with(&Watch::by_webhooks(), &files);
    let first = shop.repository.resolve(MAIN).unwrap();
    let second = shop.commit("main", &[(FILE, &whole.replace("setVariables", "setVariable"))]);
    let delivery = shop.pushed(MAIN, Some(&first), Some(&second));
    let end = outcome(&delivery).clone();
    assert_eq!((&end["end"], &end["run"]), (&"invalid".into(), &"web#1".into()), "{delivery:#}");
    assert!(delivery["why"].as_str().unwrap().starts_with("web#1 is invalid"), "{delivery:#}");
    let run = shop.run_of(&delivery);
    assert_eq!((&run["status"], &run["number"]), (&"invalid".into(), &1.into()), "{run:#}");
    assert_eq!(run["trigger"]["delivery"], delivery["id"], "{run:#}");
    let fault = run["faults"][0].as_str().unwrap();
    assert!(fault.starts_with("E001 6:7 ") && fault.contains("setVariable"), "{run:#}");

    // Whoever asks hears of it.
    let (code, said) = told(&shop, &["describe", "run", "web#1"]);
    let reason = format!("{FILE} is broken at commit {}", &second[..10]);
    assert!(code == Some(0) && said.contains("invalid") && said.contains(&reason), "{said}");
    assert!(said.contains("E001 6:7 "), "{said}");
    println!("{said}");
    for (arguments, words, expected) in [
        (vec!["get", "runs", "--status", "invalid"], "web#1", 0),
        (vec!["wait", "web#1"], "web#1 has ended: invalid", 3),
        (vec!["why", &second], "web#1 is invalid", 0),
        (vec!["why", "web#1"], "run: E001 6:7 ", 0),
        (vec!["retry", "web#1"], "nothing to do again", 1),
        (vec!["rerun", "web#1"], "nothing to do again", 1),
        (vec!["cancel", "web#1"], "invalid", 1),
    ] {
        let (code, said) = told(&shop, &arguments);
        assert!(said.contains(words) && code == Some(expected), "{arguments:?} {code:?}: {said}");
    }
    until("it is counted", || {
        let metrics = shop.served.get("/metrics").body;
        let is_counted =
            |line: &str| line.contains("_count") && line.contains("result=\"invalid\"");
        metrics.lines().any(is_counted).then_some(())
    });
    until("who waits for such ends has begun", || {
        (of(&shop, "alarm") == [(1, "succeeded".to_owned())]).then_some(())
    });
    assert_eq!(of(&shop, "follower"), []);

    // The same push again, by another delivery, and by a person.
    let mut again = vec![shop.pushed(MAIN, Some(&first), Some(&second))];
    let id = delivery["id"].to_string();
    let (code, said) = told(&shop, &["deliveries", "replay", &id]);
    assert_eq!(code, Some(0), "{said}");
    again.push(until("the replay is decided", || {
        let newest = shop
            .deliveries()
            .into_iter()
            .find(|it| it["door"].as_str().unwrap().starts_with("replay"))?;
        (newest["state"] == "decided").then_some(newest)
    }));
    for delivery in &again {
        assert_eq!(outcome(delivery)["runId"], end["runId"], "{delivery:#}");
    }

    // What does not touch it starts nothing.
    let third = shop.commit("main", &[("a", "3")]);
    let untouched = shop.pushed(MAIN, Some(&second), Some(&third));
    assert_eq!(outcome(&untouched)["end"], "invalid", "{untouched:#}");
    assert_eq!(outcome(&untouched)["runId"], Value::Null, "{untouched:#}");

    // Nor does an engine that begins.
    shop.served = shop.served.restarted();
    let seen = shop.served.get("/api/v1/runs/web%231");
    assert_eq!((seen.status, &seen.json()["status"]), (200, &"invalid".into()), "{seen:?}");
    // It has looked at the branch before the file was broken last, and finds all that has come since.
    let found = shop.found(&third);
    assert_eq!(outcome(&found)["runId"], end["runId"], "{found:#}");

    // And a file that is whole runs.
    let fourth = shop.commit("main", &[(FILE, &whole)]);
    shop.pushed(MAIN, Some(&third), Some(&fourth));
    let both = [(1, "invalid".to_owned()), (2, "succeeded".to_owned())];
    until("what is whole has run", || (of(&shop, "web") == both).then_some(()));
    until("and who follows it has begun", || {
        (of(&shop, "follower") == [(1, "succeeded".to_owned())]).then_some(())
    });
    assert_eq!((of(&shop, "web").len(), of(&shop, "alarm").len()), (2, 1), "{:#?}", runs(&shop));
}

#[test]
fn a_file_that_tells_nothing_any_more_is_known_by_what_it_was() {
    let whole = pipeline("web", "{branches: [main], paths: [\"src/**\"]}");
    let shop = Shop::open_with(&Watch::by_webhooks(), &[(FILE, &whole)]);
    let first = shop.repository.resolve(MAIN).unwrap();
    // Not on a branch that it looked at.
    shop.repository.force("feature", &first);
    let other = shop.commit("feature", &[(FILE, "{")]);
    let told = shop.pushed("refs/heads/feature", Some(&first), Some(&other));
    assert_eq!(outcome(&told)["why"], "`branches` said no to feature", "{told:#}");
    // No file that it looked at was changed but its own.
    let second = shop.commit("main", &[(FILE, "version: 1\nname: [\n")]);
    let told = shop.pushed(MAIN, Some(&first), Some(&second));
    let run = shop.run_of(&told);
    assert_eq!((&run["status"], &run["pipeline"]), (&"invalid".into(), &"web".into()), "{run:#}");
    shop.repository.commit("main", &[Change::Symlink(FILE, "/etc/passwd")]);
    let third = shop.repository.resolve(MAIN).unwrap();
    let run = shop.run_of(&shop.pushed(MAIN, Some(&second), Some(&third)));
    assert!(run["faults"].to_string().contains("symbolic link"), "{run:#}");
    assert_eq!(run["number"], 2, "{run:#}");
}

#[test]
fn a_file_that_was_never_whole_is_told_where_it_says_which_it_is_and_on_the_default_branch() {
    let shop = Shop::open(&Watch::by_webhooks());
    let first = shop.repository.resolve(MAIN).unwrap();
    shop.repository.force("feature", &first);
    let new = "version: 1\nname: new\napplication: web\nstages: {a: {nothing: {}}}\n";
    let other = shop.commit("feature", &[(".gennaker/new.yaml", new)]);
    let told = shop.pushed("refs/heads/feature", Some(&first), Some(&other));
    assert_eq!(outcome(&told)["why"], "`branches` said no to feature", "{told:#}");
    let second = shop.commit("main", &[(".gennaker/new.yaml", new), (".gennaker/x.yaml", "{")]);
    let told = shop.pushed(MAIN, Some(&first), Some(&second));
    let run = shop.run_of(&told);
    assert_eq!((&run["status"], &run["pipeline"]), (&"invalid".into(), &"new".into()), "{run:#}");
    assert!(told["notes"].to_string().contains(".gennaker/x.yaml: E015"), "{told:#}");
    assert_eq!(runs(&shop).len(), 1);
}

#[test]
fn a_broken_file_of_another_teams_application_is_no_run() {
    let shop = Shop::open(&Watch::by_webhooks());
    let file = |text: &str| {
        shop.evil.commit("main", &[Change::File(".gennaker/evil.yaml", text.as_bytes())])
    };
    let own = pipeline("evil", "{branches: [main]}");
    let first = file(&own);
    assert_eq!(shop.run_of(&shop.pushed_to("evil/evil", MAIN, (None, Some(&first))))["number"], 1);
    let theirs = own.replace("name: evil", "name: evil\napplication: web").replace("setV", "setW");
    for text in [theirs.clone(), theirs.replace("name: evil", "name: web")] {
        let before = shop.evil.resolve(MAIN).unwrap();
        let after = file(&text);
        let told = shop.pushed_to("evil/evil", MAIN, (Some(&before), Some(&after)));
        let end = outcome(&told);
        assert_eq!((&end["end"], &end["runId"]), (&"invalid".into(), &Value::Null), "{told:#}");
        assert!(
            end["why"].as_str().unwrap().contains("E019 application `web` belongs to"),
            "{told:#}"
        );
    }
    let before = shop.evil.resolve(MAIN).unwrap();
    let after = file(&own.replace("setV", "setW"));
    let told = shop.pushed_to("evil/evil", MAIN, (Some(&before), Some(&after)));
    let run = shop.run_of(&told);
    assert_eq!(
        (&run["application"], &run["status"]),
        (&"evil".into(), &"invalid".into()),
        "{run:#}"
    );
    assert!(runs(&shop).iter().all(|run| run["application"] == "evil"), "{:#?}", runs(&shop));
}
