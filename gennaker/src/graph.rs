//! `graph`: a pipeline's stages as a drawing, or in the language of a tool that draws.

mod layout;
mod svg;

use crate::{
    arguments::{Common, Drawing},
    check, clusters,
    exit::Exit,
    read,
};
use engine_core::{
    Plan,
    pipeline::Missing,
    plan::{Accepts, Need, Node},
};
use std::{collections::HashMap, path::Path};

pub(crate) async fn graph(common: &Common, path: &Path, drawing: Drawing) -> anyhow::Result<Exit> {
    let reach = clusters::reach(common).await?;
    let located = read::locate(path)?;
    let bindings = read::bindings(&[], Missing::Tolerated);
    match check::compile(&located, &reach, &bindings) {
        Ok(checked) => {
            print!("{}", drawn(&checked.plan, drawing));
            Ok(Exit::Success)
        }
        Err(diagnostics) => {
            check::tell(&located, &diagnostics);
            Ok(Exit::Invalid)
        }
    }
}

/// A language for drawings.
#[derive(Clone, Copy)]
enum Language {
    Dot,
    Mermaid,
}

fn drawn(plan: &Plan, drawing: Drawing) -> String {
    match drawing {
        Drawing::Dot => told(plan, Language::Dot),
        Drawing::Mermaid => told(plan, Language::Mermaid),
        Drawing::Svg => svg::svg(plan),
    }
}

fn told(plan: &Plan, drawing: Language) -> String {
    let numbers: HashMap<&str, usize> =
        plan.nodes().iter().enumerate().map(|(at, node)| (node.id.as_str(), at)).collect();
    let mut lines = vec![match drawing {
        Language::Dot => {
            format!("digraph \"{}\" {{\n  rankdir=LR; node [shape=box];", plan.document().pipeline)
        }
        Language::Mermaid => "flowchart LR".to_owned(),
    }];
    for (at, node) in plan.nodes().iter().enumerate() {
        let label = label(node);
        lines.push(match drawing {
            Language::Dot => format!("  s{at} [label=\"{label}\"];"),
            Language::Mermaid => format!("  s{at}[\"{label}\"]"),
        });
        for need in &node.needs {
            let (from, words) = (numbers[need.stage.as_str()], words(need));
            lines.push(match (drawing, words.as_str()) {
                (Language::Dot, words) => format!("  s{from} -> s{at} [label=\"{words}\"];"),
                (Language::Mermaid, "") => format!("  s{from} --> s{at}"),
                (Language::Mermaid, words) => format!("  s{from} -->|{words}| s{at}"),
            });
        }
    }
    lines.extend(match drawing {
        Language::Dot => Some("}".to_owned()),
        Language::Mermaid => None,
    });
    lines.join("\n") + "\n"
}

/// Ids and types alone: nothing of an author's free text can break out of the quotes.
fn label(node: &Node) -> String {
    match &node.environment {
        Some(environment) => format!("{}: {} to {environment}", node.id, node.stage_type),
        None => format!("{}: {}", node.id, node.stage_type),
    }
}

fn words(need: &Need) -> String {
    match &need.accepts {
        Accepts::Plain => String::new(),
        Accepts::Statuses(words) => {
            words.iter().map(|word| word.word()).collect::<Vec<_>>().join(" or ")
        }
    }
}
