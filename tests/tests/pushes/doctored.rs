//! `gennaker doctor` beside an engine that looks at sources: what cannot be reached, what is broken,
//! and what is deployed and has no owner any more.

use super::{
    deployed::deployed,
    shop::{MAIN, Shop, Watch, until},
};
use crate::{cluster::Room, program::gennaker};
use git_server::Change;
use serde_json::Value;

const FILE: &str = ".gennaker/web.yaml";

/// The exit code, and all findings.
fn doctor(shop: &Shop) -> (Option<i32>, Vec<Value>) {
    let config = shop.served.folder.path().join("gennaker.yaml");
    let arguments = ["doctor", "-o", "json", "--config", config.to_str().unwrap()];
    let mut command = gennaker(&shop.served.state(), &arguments);
    let output = command.current_dir(shop.served.folder.path()).output().unwrap();
    let told = serde_json::from_slice::<Value>(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), told.as_array().unwrap().clone())
}

/// The findings of a check, each as `result: detail`.
fn of(findings: &[Value], check: &str) -> Vec<String> {
    let own = findings.iter().filter(|it| it["check"] == check);
    let text = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    own.map(|it| format!("{}: {}", text(it, "result"), text(it, "detail"))).collect()
}

#[track_caller]
fn says(findings: &[Value], check: &str, words: &str) {
    let found = of(findings, check);
    assert!(found.iter().any(|it| it.starts_with(words)), "{check}: {words}: {findings:#?}");
}

#[test]
fn what_is_deployed_and_has_no_owner_is_told_and_so_is_what_is_broken_or_away() {
    let room = Room::new("doctored");
    let platform = "registries: {\"127.0.0.1:1\": {}}\n".to_owned();
    let watch = Watch { platform, ..Watch::by_webhooks() };
    let mut shop = deployed(&room, watch, |shop, (before, after)| {
        shop.pushed(MAIN, Some(before), Some(after))
    });
    let web = format!("source {}", shop.server.url("shop/web"));
    let (code, healthy) = doctor(&shop);
    assert_eq!(code, Some(1), "a registry is away: {healthy:#?}");
    says(&healthy, &web, "ok: it answers, with 1 branches; last fetched");
    says(&healthy, "receiver github", "ok: each of its secrets has a value");
    says(&healthy, "registry 127.0.0.1:1", "failure: 127.0.0.1:1 cannot be asked");
    says(&healthy, "deployed", "ok: each by a pipeline that is in some source");

    let head = shop.repository.resolve(MAIN).unwrap();
    let other = "version: 1\nname: other\nstages: {}\n".as_bytes();
    let changes = [Change::Delete(FILE), Change::File(".gennaker/other.yaml", other)];
    let next = shop.repository.commit("main", &changes);
    shop.pushed(MAIN, Some(&head), Some(&next));
    until("it is gone", || (!shop.catalogue().contains(&FILE.to_owned())).then_some(()));
    let (_, ill) = doctor(&shop);
    let check = format!("deployed web/{}", room.environment);
    let words = "warning: revision 1 is of pipeline `web`, which is in no source any more";
    says(&ill, &check, words);
    says(&ill, &web, "warning: .gennaker/other.yaml is refused: ");

    let none = shop.server.url("shop/none");
    let source = format!("git: \"{none}\", poll: 1h, branches: [main], applications: [none]");
    shop.put((&[source], ""), "was read again and is in force");
    let (code, away) = doctor(&shop);
    assert_eq!(code, Some(1), "{away:#?}");
    says(&away, &format!("source {none}"), "failure: ");
    says(&away, &check, words);
}
