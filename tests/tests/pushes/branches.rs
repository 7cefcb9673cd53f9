//! A rule of an environment takes only commits of some branches, whatever a pipeline says.

use super::shop::{MAIN, Shop, Watch, outcome};
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
