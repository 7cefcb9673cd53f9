//! A pipeline file that is removed or renamed, and a source that goes: what has begun goes on as it was
//! pinned, what only waited to begin is cancelled with that reason.

use super::{
    reload::{READ, source},
    shop::{MAIN, Shop, Watch, outcome, until},
};
use git_server::Change;
use serde_json::{Value, json};

const FILE: &str = ".gennaker/web.yaml";

/// One at a time, each of which asks a person first.
const ASKING: &str = "version: 1
name: web
concurrency: {strategy: queue}
triggers: [{git: {branches: [main]}}]
stages:
  ask: {approval: {message: \"Go on?\", excludeTriggerer: false}}
  last: {needs: [ask], setVariables: {done: true}}
";

struct Waiting {
    shop: Shop,
    /// Of the last push.
    head: String,
    begun: String,
    queued: String,
}

impl Waiting {
    /// One run has begun, and another one waits for its end.
    fn open() -> Waiting {
        let shop = Shop::open_with(&Watch::by_webhooks(), &[(FILE, ASKING)]);
        let seen = shop.repository.resolve(MAIN).unwrap();
        let first = shop.commit("main", &[("a", "1")]);
        let begun = id(&shop.pushed(MAIN, Some(&seen), Some(&first)));
        until("it asks", || (status(&shop, &begun) == "waiting").then_some(()));
        let head = shop.commit("main", &[("a", "2")]);
        let queued = id(&shop.pushed(MAIN, Some(&first), Some(&head)));
        until("it is queued", || (status(&shop, &queued) == "queued").then_some(()));
        Waiting { shop, head, begun, queued }
    }

    fn pushed(&self, changes: &[Change<'_>]) -> String {
        let commit = self.shop.repository.commit("main", changes);
        self.shop.pushed(MAIN, Some(&self.head), Some(&commit));
        commit
    }

    /// The one that waited is cancelled for that reason, and the other one goes on to its end.
    #[track_caller]
    fn ends(&self, reason: &str) {
        let run = until("what waited has ended", || {
            let run = self.shop.served.get(&format!("/api/v1/runs/{}", self.queued)).json();
            (run["status"] == "cancelled").then_some(run)
        });
        assert_eq!(run["reason"], format!("cancelled: {reason}"), "{run:#}");
        assert_eq!(run["stages"]["ask"]["attempts"], 0, "{run:#}");
        assert_eq!(status(&self.shop, &self.begun), "waiting", "what has begun is left alone");
        let asked = format!("/api/v1/runs/{}/stages/ask/approve", self.begun);
        let answered = self.shop.served.post(&asked, &json!({}));
        assert!(answered.status < 300, "{answered:?}");
        until("it goes on", || (status(&self.shop, &self.begun) == "succeeded").then_some(()));
    }
}

fn id(delivery: &Value) -> String {
    let id = outcome(delivery)["runId"].as_str();
    id.unwrap_or_else(|| panic!("it started nothing: {delivery:#}")).to_owned()
}

fn status(shop: &Shop, run: &str) -> String {
    let run = shop.served.get(&format!("/api/v1/runs/{run}")).json();
    run["status"].as_str().unwrap().to_owned()
}

#[test]
fn a_file_that_is_removed_cancels_what_waits_to_begin_and_nothing_else() {
    let waiting = Waiting::open();
    let by = waiting.pushed(&[Change::Delete(FILE)]);
    waiting.ends(&format!("its file {FILE} was removed by commit {}", &by[..10]));
}

#[test]
fn a_file_that_is_renamed_cancels_what_waits_to_begin_and_nothing_else() {
    let waiting = Waiting::open();
    let now = Change::File(".gennaker/shop.yaml", ASKING.as_bytes());
    let by = waiting.pushed(&[Change::Delete(FILE), now]);
    let commit = &by[..10];
    let reason = format!("its file {FILE} was renamed to .gennaker/shop.yaml by commit {commit}");
    waiting.ends(&reason);
}

#[test]
fn a_source_that_goes_cancels_what_waits_to_begin_and_nothing_else() {
    let mut waiting = Waiting::open();
    let other = source(&waiting.shop, "other", "main");
    waiting.shop.put((&[other], ""), READ);
    let url = waiting.shop.server.url("shop/web");
    let key = url.trim_start_matches("http://").trim_end_matches(".git");
    waiting.ends(&format!("{key} is no source in gennaker.yaml any more"));
}
