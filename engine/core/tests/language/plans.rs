//! What a right file becomes.

use super::{compile, faults};
use engine_core::{
    plan::{Accepts, OnFailure, Plan, Timeout},
    retry::{Backoff, Cause, Retry},
    status::StageStatus,
};
use std::collections::BTreeSet;

const FULL: &str = "\
version: 1
name: checkout
application: shop
description: Everything that this release can say.
x-settings: &settings {timeout: 6h, retry: {limit: 2, backoff: {initial: 1s, factor: 3, max: 1m}, causes: [failure]}}
stages:
  last: {needs: [staging, {stage: pause, status: [succeeded, failed]}], wait: {duration: 90s}}
  staging:
    <<: *settings
    name: To staging
    environment: staging
    timeout: 20m
    onFailure: continue
    deploy: {manifests: [k8s/], images: {shop: \"registry/shop:1.2\"}}
  pause: {wait: {duration: 1m}}
";

fn plan(text: &str) -> Plan {
    let (file, plan) = compile(text.as_bytes());
    plan.unwrap_or_else(|faults| {
        let colour = engine_core::diagnostic::Colour::Never;
        panic!("{}", engine_core::diagnostic::human(&file, &faults, colour))
    })
}

#[test]
fn a_plan_says_what_the_file_says() {
    let plan = plan(FULL);
    let document = plan.document();
    assert_eq!(document.application, "shop");
    assert_eq!(document.pipeline, "checkout");
    assert_eq!(document.environments["staging"].namespace, "staging");
    let ids: Vec<&str> = plan.nodes().iter().map(|node| node.id.as_str()).collect();
    assert_eq!(ids, ["staging", "pause", "last"]);
    let staging = &plan.nodes()[0];
    assert_eq!(staging.name, "To staging");
    assert_eq!(staging.timeout, Timeout::AfterMs(1_200_000));
    assert_eq!(staging.on_failure, OnFailure::Continue);
    let backoff = Backoff { initial_ms: 1_000, factor: 3.0, max_ms: 60_000 };
    let causes = BTreeSet::from([Cause::Failure]);
    assert_eq!(staging.retry, Retry { limit: 2, backoff, causes });
    assert_eq!(staging.patterns["k8s/"], ["k8s/a.yaml", "k8s/b.yaml"]);
    assert_eq!(staging.files["k8s/b.yaml"].0, "hash of k8s/b.yaml");
    let accepts: Vec<&Accepts> = plan.nodes()[2].needs.iter().map(|need| &need.accepts).collect();
    let words = BTreeSet::from([StageStatus::Succeeded, StageStatus::Failed]);
    assert_eq!(accepts, [&Accepts::Plain, &Accepts::Statuses(words)]);
}

#[test]
fn what_is_left_out_is_filled_in() {
    let plan =
        plan("version: 1\nname: shop\nstages: {a: {environment: x, deploy: {manifests: [k8s]}}}");
    let node = &plan.nodes()[0];
    assert_eq!(plan.document().application, "shop");
    assert_eq!(node.name, "a");
    assert_eq!(node.timeout, Timeout::AfterMs(900_000));
    assert_eq!(node.retry, Retry::default());
    assert_eq!(node.on_failure, OnFailure::Fail);
    let config = node.config.preview();
    let expected = serde_json::json!({
        "manifests": ["k8s"], "images": {}, "component": "main", "strategy": "rolling",
    });
    assert_eq!(config, expected);
}

#[test]
fn stages_keep_the_order_of_the_file_where_needs_leave_it_free() {
    let stages: String = ["z", "m", "b", "a"]
        .iter()
        .map(|id| format!("  {id}: {{wait: {{duration: 5s}}}}\n"))
        .collect();
    let plan = plan(&format!("version: 1\nname: shop\nstages:\n{stages}"));
    let ids: Vec<&str> = plan.nodes().iter().map(|node| node.id.as_str()).collect();
    assert_eq!(ids, ["z", "m", "b", "a"]);
}

#[test]
fn what_an_alias_names_is_faulty_once() {
    let text = "version: 1\nname: shop\nx-wait: &wait {duration: 5}\nstages:\n  \
        a: {wait: *wait}\n  b: {wait: *wait}\n";
    assert_eq!(faults(text), ["E008 3:26 `duration` lacks a unit"]);
}

#[test]
fn what_is_written_wins_over_what_is_merged() {
    let text = "version: 1\nname: shop\nx-a: &a {duration: 1s}\nx-b: &b {duration: 2s}\nstages:\n  \
        a: {wait: {<<: [*b, *a]}}\n  b: {wait: {<<: *a, duration: 3s}}\n";
    let plan = plan(text);
    let durations: Vec<String> =
        plan.nodes().iter().map(|node| node.config.preview()["duration"].to_string()).collect();
    assert_eq!(durations, ["\"2s\"", "\"3s\""]);
}
