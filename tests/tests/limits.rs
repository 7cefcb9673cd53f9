//! How many runs an application may have, by the whole program.

use crate::{
    api::Served,
    program::{gennaker, pipeline},
};
use serde_json::{Value, json};

const ASK: &str = "version: 1
name: NAME
application: shop
stages:
  goLive: {approval: {message: ship it?, excludeTriggerer: false}}
";

fn served(limits: &str) -> Served {
    Served::with(&format!("version: 1\nlimits: {limits}\n"))
}

fn asks(served: &Served, name: &str) -> crate::wire::Reply {
    let source = ASK.replace("NAME", name);
    served.post("/api/v1/runs", &json!({"name": "x.yaml", "source": source}))
}

fn id(reply: &crate::wire::Reply) -> String {
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()["id"].as_str().unwrap().to_owned()
}

#[test]
fn runs_above_the_limit_are_queued_say_why_and_go_on_in_order() {
    let served = served("{runsPerApplication: 1, queuedPerApplication: 2}");
    let first = id(&asks(&served, "one"));
    served.until(&first, "waiting");
    let (second, third) = (id(&asks(&served, "two")), id(&asks(&served, "three")));
    let queued = served.until(&second, "queued");
    let words =
        "waits for its turn while shop has as many runs under way as it may, 1, after one#1";
    assert_eq!(queued["waiting"]["detail"], words);
    assert_eq!(queued["waiting"]["blockedBy"], json!(["one#1"]));
    let refused = asks(&served, "four");
    assert_eq!(refused.status, 429, "{refused:?}");
    assert!(refused.head.contains("application/problem+json"), "{refused:?}");
    let told = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(told.starts_with("application shop has as many queued runs as it may, 2 ("), "{told}");
    let listed = served.get("/api/v1/runs").json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 3, "{listed:#}");
    let file = pipeline(served.folder.path(), "four.yaml", &ASK.replace("NAME", "four"));
    let output = gennaker(&served.state(), &["run", &file]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("as many queued runs"), "{said}");
    for (run, next) in [(&first, Some(&second)), (&second, Some(&third)), (&third, None)] {
        let approve = format!("/api/v1/runs/{run}/stages/goLive/approve");
        assert_eq!(served.post(&approve, &json!({})).status, 202);
        served.until(run, "succeeded");
        if let Some(next) = next {
            served.until(next, "waiting");
        }
    }
}

#[test]
fn of_runs_that_are_begun_together_those_that_may_are_seen_through() {
    let folder = tempfile::tempdir().unwrap();
    let limits = "version: 1\nlimits: {runsPerApplication: 1, queuedPerApplication: 1}\n";
    let config = pipeline(folder.path(), "gennaker.yaml", limits);
    let short = "version: 1\nname: NAME\napplication: shop\nstages:\n  a: {wait: {duration: 1s}}\n";
    let file =
        |name: &str| pipeline(folder.path(), &format!("{name}.yaml"), &short.replace("NAME", name));
    let (one, two, three) = (file("one"), file("two"), file("three"));
    let state = folder.path().join("state");
    let arguments = ["run", &one, &two, &three, "--config", &config];
    let output = gennaker(&state, &arguments).env_remove("KUBECONFIG").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(1) && said.contains("as many queued runs as it may, 1 ("),
        "{said}"
    );
    let listed = gennaker(&state, &["get", "runs", "-o", "json"]).output().unwrap();
    let listed: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
    let ended: Vec<(&Value, &Value)> =
        listed.iter().map(|run| (&run["pipeline"], &run["status"])).collect();
    assert_eq!(ended, [(&json!("two"), &json!("succeeded")), (&json!("one"), &json!("succeeded"))]);
}

#[test]
fn a_queued_run_is_cancelled_and_leaves_its_place_to_others() {
    let served = served("{runsPerApplication: 1, queuedPerApplication: 1}");
    let first = id(&asks(&served, "one"));
    let second = id(&asks(&served, "two"));
    served.until(&second, "queued");
    assert_eq!(asks(&served, "three").status, 429);
    let cancel = format!("/api/v1/runs/{second}/cancel");
    assert_eq!(served.post(&cancel, &json!({"reason": "not now"})).status, 202);
    served.until(&second, "cancelled");
    let third = id(&asks(&served, "three"));
    served.until(&third, "queued");
    assert_eq!(served.post(&format!("/api/v1/runs/{first}/cancel"), &json!({})).status, 202);
    served.until(&third, "waiting");
}

#[test]
fn a_run_that_is_waited_for_shares_the_place_of_its_parent() {
    let served = served("{runsPerApplication: 1, queuedPerApplication: 1}");
    let parent =
        "version: 1\nname: release\napplication: shop\nstages:\n  part: {pipeline: {name: part}}\n";
    let part =
        "version: 1\nname: part\napplication: shop\nstages:\n  a: {setVariables: {done: true}}\n";
    let body = json!({"name": "x.yaml", "source": parent, "pipelines": {"part.yaml": part}});
    let run = id(&served.post("/api/v1/runs", &body));
    served.until(&run, "succeeded");
    let unattended = parent.replace("{name: part}", "{name: part, wait: false}");
    let body = json!({"name": "x.yaml", "source": unattended, "pipelines": {"part.yaml": part}});
    let run = id(&served.post("/api/v1/runs", &body));
    served.until(&run, "succeeded");
    let listed = served.get("/api/v1/runs?pipeline=part").json();
    let runs: Vec<Value> = listed["items"].as_array().unwrap().clone();
    assert_eq!(runs.len(), 2, "{listed:#}");
    served.until(runs[0]["id"].as_str().unwrap(), "succeeded");
}
