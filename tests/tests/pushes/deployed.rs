//! A push is deployed to a real cluster, by webhook and by polling.

use super::shop::{MAIN, Shop, Watch, outcome};
use crate::cluster::{Room, kubeconfig, web};
use serde_json::Value;

/// Pushes a pipeline that deploys, and gives what `tell` says came of it.
pub(super) fn deployed(
    room: &Room,
    watch: Watch,
    tell: impl FnOnce(&Shop, (&str, &str)) -> Value,
) -> Shop {
    let platform = format!(
        "clusters: {{here: {{kubeconfig: {}}}}}\nenvironments: {{{env}: {{cluster: here, namespace: {env}}}}}\n",
        kubeconfig(),
        env = room.environment
    );
    let platform = platform + &watch.platform;
    let shop = Shop::open(&Watch { platform, ..watch });
    let before = shop.repository.resolve(MAIN).unwrap();
    let file = format!(
        "version: 1\nname: web\ntriggers: [{{git: {{branches: [main]}}}}]\nstages:\n  web: {{environment: {}, timeout: 60s, deploy: {{manifests: [k8s/]}}}}\n",
        room.environment
    );
    let after =
        shop.commit("main", &[(".gennaker/web.yaml", &file), ("k8s/web.yaml", &web("nginx:1", 2))]);
    let told = tell(&shop, (&before, &after));
    assert_eq!(outcome(&told)["end"], "started", "{told:#}");
    let run = shop.run_of(&told);
    assert_eq!(run["status"], "succeeded", "{run:#}");
    assert_eq!(room.get(&["deployment", "web"])["status"]["readyReplicas"], 2);
    shop
}

#[test]
fn a_push_that_a_webhook_tells_is_deployed() {
    deployed(&Room::new("told"), Watch::by_webhooks(), |shop, (before, after)| {
        shop.pushed(MAIN, Some(before), Some(after))
    });
}

#[test]
fn a_push_that_a_poll_finds_is_deployed() {
    deployed(&Room::new("found"), Watch::by_polling(), |shop, (_, after)| shop.found(after));
}
