//! `plan`: the stages in order, defaults filled in.

use crate::{arguments::Output, check, exit::Exit, instruct, read};
use engine_core::{
    Plan,
    plan::{Node, Timeout},
    wording,
};
use std::path::Path;

pub(crate) fn plan(path: &Path, output: Output) -> anyhow::Result<Exit> {
    let located = read::locate(path)?;
    let plan = match check::compile(&located, &instruct::unread()) {
        Ok(plan) => plan,
        Err(diagnostics) => {
            check::tell(&located, &diagnostics);
            return Ok(Exit::Invalid);
        }
    };
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(plan.document())?),
        Output::Table => show(&plan),
    }
    Ok(Exit::Success)
}

fn show(plan: &Plan) {
    let document = plan.document();
    println!("{} of application {}", document.pipeline, document.application);
    for (position, node) in plan.nodes().iter().enumerate() {
        println!("{:>3}. {} ({})", position + 1, node.id, node.stage_type);
        for line in lines(node) {
            println!("     {line}");
        }
    }
}

fn lines(node: &Node) -> Vec<String> {
    let needs: Vec<&str> = node.needs.iter().map(|need| need.stage.as_str()).collect();
    let timeout = match node.timeout {
        Timeout::Never => "none".to_owned(),
        Timeout::AfterMs(limit_ms) => wording::duration(limit_ms),
    };
    let causes: Vec<String> =
        node.retry.causes.iter().map(|cause| format!("{cause:?}").to_lowercase()).collect();
    let mut lines = Vec::new();
    if !needs.is_empty() {
        lines.push(format!("needs: {}", needs.join(", ")));
    }
    lines
        .extend(node.environment.as_ref().map(|environment| format!("environment: {environment}")));
    lines.push(format!("timeout of an attempt: {timeout}"));
    if node.retry.limit > 0 {
        lines.push(format!("tried again {} times on {}", node.retry.limit, causes.join(", ")));
    }
    lines.push(format!("on failure: {}", format!("{:?}", node.on_failure).to_lowercase()));
    lines.push(format!("with: {}", node.config.render()));
    lines
}
