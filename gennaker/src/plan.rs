//! `plan`: the stages in order, defaults filled in.

use crate::{
    arguments::{Common, Output},
    check,
    clusters::{self, Reach},
    exit::Exit,
    print::{Shown, print},
    read, registries,
};
use engine_core::{
    Plan,
    admission::{Limit, Limits},
    pipeline::Missing,
    plan::{Callers, Concurrency, Document, Node, Place, Timeout},
    platform::{Confines, Platform},
    wording,
};
use serde::Serialize;
use std::path::Path;

pub(crate) async fn plan(
    common: &Common,
    (path, parameters): (&Path, &[(String, String)]),
    output: Output,
) -> anyhow::Result<Exit> {
    let reach = clusters::reach(common).await?;
    let located = read::locate(path)?;
    let bindings = read::bindings(parameters, Missing::Tolerated);
    let plan = match check::compile(&located, &reach, &bindings) {
        Ok(checked) => {
            check::tell(&located, &checked.warnings);
            checked.plan
        }
        Err(diagnostics) => {
            check::tell(&located, &diagnostics);
            return Ok(Exit::Invalid);
        }
    };
    print(output, &Planned { document: plan.document(), plan: &plan, reach: &reach })?;
    Ok(Exit::Success)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Planned<'a> {
    document: &'a Document,
    #[serde(skip)]
    plan: &'a Plan,
    #[serde(skip)]
    reach: &'a Reach,
}

impl Shown for Planned<'_> {
    fn table(&self) {
        show(self.plan);
        for words in registries::told(&self.reach.registries, self.plan) {
            println!("{words}");
        }
        let platform = &self.reach.found.platform;
        if let Platform::Open = **platform {
            println!(
                "without a gennaker.yaml nothing is restricted: no people, hosts, secrets, places \
                 or number of runs"
            );
        }
        for (name, place) in &self.document.environments {
            let what = (name.as_str(), self.document.application.as_str());
            if let Ok(Confines::Within(within)) = platform.confines(what, place) {
                println!("{within}");
            }
            for words in platform.rules(name).iter().flat_map(|rules| rules.words()) {
                println!("{name}: a stage acts there after: {words}");
            }
        }
        let Limits { running, queued } = platform.limits();
        if let (Limit::AtMost(running), Limit::AtMost(queued)) = (running, queued) {
            let application = &self.document.application;
            println!("of {application}, at most {running} runs are under way and {queued} queued");
        }
    }

    fn names(&self) -> Vec<String> {
        self.plan.nodes().iter().map(|node| node.id.clone()).collect()
    }
}

fn show(plan: &Plan) {
    let document = plan.document();
    println!("{} of application {}", document.pipeline, document.application);
    println!("  timeout of the run: {}", time(document.timeout));
    if let Some(Concurrency { group, limit, strategy }) = &document.concurrency {
        println!("  in group {group}: {limit} at once, a newcomer: {}", strategy.word());
    }
    if let Callers::Named(names) = &document.callers {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        println!("  started by stages of: {} and its own", names.join(", "));
    }
    for (name, value) in &document.parameters {
        println!("  parameter {name}: {value}");
    }
    for (position, node) in plan.nodes().iter().enumerate() {
        println!("{:>3}. {} ({})", position + 1, node.id, node.stage_type);
        for line in lines(plan, node) {
            println!("     {line}");
        }
    }
}

fn time(timeout: Timeout) -> String {
    match timeout {
        Timeout::Never => "none".to_owned(),
        Timeout::AfterMs(limit_ms) => wording::duration(limit_ms),
    }
}

fn lines(plan: &Plan, node: &Node) -> Vec<String> {
    let needs: Vec<&str> = node.needs.iter().map(|need| need.stage.as_str()).collect();
    let timeout = time(node.timeout);
    let causes: Vec<String> =
        node.retry.causes.iter().map(|cause| format!("{cause:?}").to_lowercase()).collect();
    let mut lines = Vec::new();
    if !needs.is_empty() {
        lines.push(format!("needs: {}", needs.join(", ")));
    }
    lines.extend(node.when.as_ref().map(|when| format!("when: {when}")));
    lines.extend(node.environment.as_ref().map(|name| match plan.place(node) {
        Some(place) => format!("environment: {name} ({})", whereabouts(place)),
        None => format!("environment: {name}"),
    }));
    lines.push(format!("timeout of an attempt: {timeout}"));
    if node.retry.limit > 0 {
        lines.push(format!("tried again {} times on {}", node.retry.limit, causes.join(", ")));
    }
    lines.push(format!("on failure: {}", format!("{:?}", node.on_failure).to_lowercase()));
    lines.push(format!("with: {}", node.config.preview()));
    lines
}

/// With no `gennaker.yaml` an environment is a namespace of the kubeconfig's context.
fn whereabouts(place: &Place) -> String {
    let Place { context, server, namespace, .. } = place;
    match context.as_str() {
        "" => format!("namespace {namespace}, created if missing; no kubeconfig is found"),
        context => {
            format!("namespace {namespace}, created if missing, of context {context} at {server}")
        }
    }
}
