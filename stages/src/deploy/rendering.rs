//! From patterns to objects: before the run over the files as read, in a step over the plan's.

use super::config::{Config, place};
use artifacts::{Rendered, Source};
use engine_core::{
    files::{Files, Found, Step},
    stage::{Fault, FaultCode, StageError, StepContext},
};

/// The files of a set in their order, each once, and the pattern that brought it.
type Order = Vec<(String, usize)>;

/// Every fault of the set, with its place in the configuration.
pub(super) fn check(config: &Config, files: &Files) -> Vec<Fault> {
    let mut faults = config.faults();
    let order = match order(config, |pattern| files.found(pattern)) {
        Ok(order) => order,
        // Who compiles the plan tells what was not found.
        Err(_) => return faults,
    };
    let sources = order.iter().filter_map(|(path, _)| {
        let file = files.file(path)?;
        Some(Source { path, content: &file.content })
    });
    match artifacts::render(&sources.collect::<Vec<_>>(), &config.images) {
        Ok(rendered) if rendered.objects.is_empty() && !order.is_empty() => faults.push(empty()),
        Ok(_) => {}
        Err(found) => faults.extend(found.into_iter().map(|fault| located(&order, fault))),
    }
    faults
}

/// Those of the offered images that the set has a use for, beside the deploy's own.
pub(super) fn images(config: &Config, files: &Files, offered: &[&str]) -> Vec<String> {
    let Ok(order) = order(config, |pattern| files.found(pattern)) else { return Vec::new() };
    let sources = order.iter().filter_map(|(path, _)| {
        let file = files.file(path)?;
        Some(Source { path, content: &file.content })
    });
    artifacts::useful(&sources.collect::<Vec<_>>(), &config.images, offered)
}

/// The set as the run's plan has it: what the files have become since makes no difference.
pub(super) async fn render(context: &StepContext, config: &Config) -> Result<Rendered, StageError> {
    let kept = |pattern: &str| match context.patterns.get(pattern) {
        Some(paths) => Found::Paths(paths.clone()),
        None => Found::Nothing { reason: format!("the plan has no files for `{pattern}`") },
    };
    let order = order(config, kept).map_err(defect)?;
    let mut contents = Vec::new();
    for (path, _) in &order {
        let name = context.files.get(path).ok_or_else(|| {
            StageError::Defect(format!("the plan does not say what `{path}` contains"))
        })?;
        let content = context.services.read(name).await;
        contents.push(content.map_err(|error| StageError::Error(format!("{path}: {error}")))?);
    }
    let files = order.iter().zip(&contents);
    let sources: Vec<Source<'_>> =
        files.map(|((path, _), content)| Source { path, content }).collect();
    let rendered = artifacts::render(&sources, &config.images).map_err(|faults| {
        defect(faults.into_iter().map(|fault| located(&order, fault)).collect())
    })?;
    match rendered.objects.is_empty() {
        true => Err(defect(vec![empty()])),
        false => Ok(rendered),
    }
}

fn order(config: &Config, found: impl Fn(&str) -> Found) -> Result<Order, Vec<Fault>> {
    let mut order = Order::new();
    let mut faults = Vec::new();
    for (index, pattern) in config.manifests.iter().enumerate() {
        match found(pattern) {
            Found::Paths(paths) => {
                for path in paths {
                    if order.iter().all(|(known, _)| *known != path) {
                        order.push((path, index));
                    }
                }
            }
            Found::Nothing { reason } => faults.push(Fault {
                code: FaultCode::Manifest,
                place: place(index),
                message: reason,
                help: None,
            }),
        }
    }
    if faults.is_empty() { Ok(order) } else { Err(faults) }
}

fn located(order: &Order, fault: artifacts::Fault) -> Fault {
    let message = fault.to_string();
    let image = |key: String| vec![Step::Key("images".to_owned()), Step::Key(key)];
    let (code, place, help) = match fault {
        artifacts::Fault::Manifest { file, .. } => {
            let pattern = order.iter().find(|(path, _)| *path == file).map_or(0, |(_, at)| *at);
            (FaultCode::Manifest, place(pattern), None)
        }
        artifacts::Fault::ImageValue { key, .. } => (FaultCode::Value, image(key), None),
        artifacts::Fault::ImageUnmatched { key, .. } => {
            let help = "a key is an image's repository without tag, or the last part of it";
            (FaultCode::Image, image(key), Some(help.to_owned()))
        }
    };
    Fault { code, place, message, help }
}

fn empty() -> Fault {
    Fault {
        code: FaultCode::Manifest,
        place: vec![Step::Key("manifests".to_owned())],
        message: "these files contain no object".to_owned(),
        help: Some(
            "a deploy of nothing would delete everything; remove the stage instead".to_owned(),
        ),
    }
}

/// A plan was checked when it was made, so this is not the author's doing.
fn defect(faults: Vec<Fault>) -> StageError {
    let messages: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
    StageError::Defect(format!("the plan's set does not render: {}", messages.join("; ")))
}

#[cfg(test)]
mod tests;
