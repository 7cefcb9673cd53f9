//! Which branch a commit is of: what a rule of an environment takes, and which one is the default.

use super::shop::{MAIN, Shop, Watch, outcome, pipeline, until};
use crate::cluster::{Room, kubeconfig, kubectl, web};

#[test]
fn only_commits_of_the_branches_are_deployed() {
    let room = Room::new("branches");
    let platform = format!(
        "clusters: {{here: {{kubeconfig: {}}}}}\nenvironments: {{{env}: {{cluster: here, rules: {{branches: [main]}}}}}}\n",
        kubeconfig(),
        env = room.environment
    );
    let shop = Shop::open(&Watch { platform, ..Watch::by_webhooks() });
    let before = shop.repository.resolve(MAIN).unwrap();
    let file = format!(
        "version: 1\nname: web\ntriggers: [{{git: {{branches: [main, feature]}}}}]\nstages:\n  web: {{environment: {}, timeout: 60s, deploy: {{manifests: [k8s/]}}}}\n",
        room.environment
    );
    let files = [(".gennaker/web.yaml", &*file), ("k8s/web.yaml", &web("nginx:1", 1))];
    let after = shop.commit("feature", &files);
    let told = shop.pushed("refs/heads/feature", Some(&before), Some(&after));
    assert_eq!(outcome(&told)["end"], "started", "{told:#}");
    let run = shop.run_of(&told);
    assert_eq!(run["status"], "failed", "{run:#}");
    let reason = run["stages"]["web"]["reason"].as_str().unwrap();
    let words = format!(
        "takes only commits of the branches main, and commit {after} was of feature when the run began"
    );
    assert!(reason.contains(&words), "{reason}");
    assert!(!kubectl(&["get", "namespace", &room.environment]).status.success());
    let after = shop.commit("main", &files);
    let told = shop.pushed(MAIN, Some(&before), Some(&after));
    let run = shop.run_of(&told);
    assert_eq!(run["status"], "succeeded", "{run:#}");
}

#[test]
fn another_default_branch_counts_without_any_push() {
    let shop = Shop::open(&Watch::by_polling());
    let trigger = "{branches: [main]}";
    shop.commit("main", &[(".gennaker/web.yaml", &pipeline("web", trigger))]);
    shop.commit("feature", &[(".gennaker/next.yaml", &pipeline("next", trigger))]);
    let has = |path: &str| shop.catalogue().iter().any(|it| it == path).then_some(());
    until("the default branch is read", || has(".gennaker/web.yaml"));
    shop.repository.git(&["symbolic-ref", "HEAD", "refs/heads/feature"]);
    until("another one is", || has(".gennaker/next.yaml"));
    assert_eq!(has(".gennaker/web.yaml"), None);
}
