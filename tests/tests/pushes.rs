//! A push to a real repository over HTTP starts the pipeline of its commit, told by GitHub's own package
//! or found by polling; and whatever starts nothing says why.

mod branches;
mod deployed;
mod doctored;
mod hostile;
mod invalid;
mod named;
mod reasons;
mod reload;
mod removed;
mod shop;

use shop::{MAIN, Shop, Watch, outcome, pipeline};

#[test]
fn a_signed_push_starts_the_pipeline_of_its_commit() {
    let shop = Shop::open(&Watch::by_webhooks());
    let first =
        shop.commit("main", &[(".gennaker/web.yaml", &pipeline("web", "{branches: [main]}"))]);
    let delivery = shop.pushed(MAIN, None, Some(&first));
    let run = shop.run_of(&delivery);
    assert_eq!(run["status"], "succeeded", "{run:#}");
    let second = shop.commit("main", &[("README.md", "two")]);
    let (run, again) = (
        shop.pushed(MAIN, Some(&first), Some(&second)),
        shop.pushed(MAIN, Some(&first), Some(&second)),
    );
    assert_eq!(outcome(&run)["end"], "started", "{run:#}");
    // Under another id, and yet the same push.
    assert_eq!(outcome(&again)["end"], "known", "{again:#}");
    let plan =
        shop.served.get(&format!("/api/v1/runs/{}/plan", outcome(&run)["runId"].as_str().unwrap()));
    assert!(plan.body.contains(&second) && !plan.body.contains(&first), "{plan:?}");
}

#[test]
fn a_push_that_nobody_tells_is_found_and_the_first_sight_starts_nothing() {
    let shop = Shop::open(&Watch::by_polling());
    assert_eq!(shop.deliveries(), Vec::<serde_json::Value>::new(), "the first sight is no news");
    let commit =
        shop.commit("main", &[(".gennaker/web.yaml", &pipeline("web", "{branches: [main]}"))]);
    let delivery = shop.found(&commit);
    assert_eq!(outcome(&delivery)["end"], "started", "{delivery:#}");
    let run = shop.run_of(&delivery);
    assert_eq!(run["status"], "succeeded", "{run:#}");
}
