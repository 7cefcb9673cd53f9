//! What expressions see beside their run: earlier runs, what is deployed, who started it.

use crate::{
    cluster::{Room, web},
    program::{gennaker, pipeline},
};
use serde_json::Value;
use std::path::Path;

fn run(state: &Path, arguments: &[&str]) -> Value {
    let mut command = gennaker(state, &[&["run"], arguments, &["-o", "json"]].concat());
    let output = command.env_remove("KUBECONFIG").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

const AGAIN: &str = "version: 1
name: again
parameters: {version: {type: string, default: v1}, fail: {type: boolean, default: false}}
stages:
  first: {when: \"!has(lastSucceeded.number)\", setVariables: {x: 1}}
  same:
    needs: [first]
    when: has(lastSucceeded.number) && lastSucceeded.parameters.version == parameters.version
    setVariables: {x: 1}
  right: {needs: [same], checks: [{assert: \"!parameters.fail\"}]}
  unguarded: {needs: [same], onFailure: continue, checks: [{assert: lastSucceeded.number < run.number && lastSucceeded.id != run.id}]}
";

#[test]
fn the_run_that_succeeded_last_is_seen_and_at_first_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let (state, file) = (folder.path().join("state"), pipeline(folder.path(), "a.yaml", AGAIN));
    let status =
        |view: &Value, stage: &str| view["stages"][stage]["status"].as_str().unwrap().to_owned();
    let all = |view: &Value| ["first", "same", "unguarded"].map(|stage| status(view, stage));
    let first = run(&state, &[&file]);
    assert_eq!(all(&first), ["succeeded", "skipped", "failed"], "{first:#}");
    let why = first["stages"]["unguarded"]["reason"].as_str().unwrap();
    assert!(why.contains("guard it by `has()` if it may be missing"), "{why}");
    // Tolerated, so that the run succeeded.
    assert_eq!(all(&run(&state, &[&file])), ["skipped", "succeeded", "succeeded"]);
    let failed = run(&state, &[&file, "-p", "version=v2", "-p", "fail=true"]);
    assert_eq!(
        (all(&failed), &failed["status"]),
        (["skipped", "skipped", "succeeded"].map(str::to_owned), &"failed".into())
    );
    // A run that failed, or another pipeline, is not the last that succeeded.
    let other = pipeline(folder.path(), "b.yaml", &AGAIN.replace("name: again", "name: other"));
    assert_eq!(all(&run(&state, &[&other, "-p", "version=v2"]))[0], "succeeded");
    let last = run(&state, &[&file]);
    assert_eq!(all(&last), ["skipped", "succeeded", "succeeded"]);
    let skipped = &failed["stages"]["same"]["reason"];
    let words = "lastSucceeded.parameters.version is \\\"v1\\\"";
    assert!(skipped.to_string().contains(words), "{skipped}");
}

#[test]
fn a_run_that_a_stage_has_started_knows_it_from_the_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let parent = "version: 1\nname: outer\nstages: {call: {pipeline: {name: inner}}}\n";
    let file = pipeline(folder.path(), "outer.yaml", parent);
    let child = "version: 1
name: inner
application: outer
stages:
  early: {setVariables: {how: \"${{ trigger.type }}\"}}
  late: {needs: [early], checks: [{assert: stages.early.outputs.how == trigger.type && trigger.type == 'pipeline'}]}
";
    pipeline(folder.path(), "inner.yaml", child);
    let view = run(&folder.path().join("state"), &[&file]);
    assert_eq!(view["status"], "succeeded", "{view:#}");
}

const LOOK: &str = "version: 1
name: look
application: web
stages:
  empty: {when: '!has(deployed[\"ENV\"].revision)', setVariables: {x: 1}}
  new: {when: 'has(deployed[\"ENV\"].images) && deployed[\"ENV\"].images.nginx == \"nginx:2\"', setVariables: {x: 1}}
  sees: {onFailure: continue, setVariables: {revision: '${{ deployed[\"ENV\"].revision }}'}}
  told: {needs: [sees], checks: [{assert: 'stages.sees.outputs.revision == deployed[\"ENV\"].revision'}]}
";

#[test]
fn what_is_deployed_is_seen_by_revision_and_images_and_first_there_is_nothing() {
    let room = Room::new("seen");
    let look = room.write("look.yaml", LOOK);
    let deploy = "version: 1\nname: web\nstages:\n  web: {environment: ENV, deploy: {manifests: [k8s/], images: {nginx: IMAGE}}}\n";
    room.write("k8s/web.yaml", &web("nginx:1", 1));
    let statuses = || {
        room.gennaker(&["run", &look]);
        let view = room.latest();
        ["empty", "new", "sees", "told"]
            .map(|stage| view["stages"][stage]["status"].as_str().unwrap().to_owned())
    };
    // The unguarded one fails where nothing is, and is tolerated; who reads of it fails too.
    assert_eq!(statuses(), ["succeeded", "skipped", "failed", "failed"]);
    for (image, is_new) in [("nginx:1", "skipped"), ("nginx:2", "succeeded")] {
        room.succeed(&room.write("web.yaml", &deploy.replace("IMAGE", image)));
        assert_eq!(statuses(), ["skipped", is_new, "succeeded", "succeeded"], "{image}");
    }
}
